//! A bad plugin: writes a header that belongs to the host.

flawed::export_flawed!(Header);
