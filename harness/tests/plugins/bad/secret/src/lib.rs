//! A bad plugin: logs the code.

flawed::export_flawed!(Secret);
