//! A bad plugin: is never available.

flawed::export_flawed!(Unavailable);
