//! A bad plugin: never lets go of what it made.

flawed::export_flawed!(Leak);
