//! A bad plugin: mixes operations that are under way at once.

flawed::export_flawed!(Mixed);
