//! A bad plugin: its schema refuses its own example.

flawed::export_flawed!(Nothing);
