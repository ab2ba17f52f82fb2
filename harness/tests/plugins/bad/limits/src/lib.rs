//! A bad plugin: remembers far too much.

flawed::export_flawed!(Limits);
