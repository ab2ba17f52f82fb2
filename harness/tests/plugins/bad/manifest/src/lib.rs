//! A bad plugin: its manifest has no English label.

flawed::export_flawed!(Nothing);
