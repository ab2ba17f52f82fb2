//! A bad plugin: puts what was typed into a path as it is.

flawed::export_flawed!(Path);
