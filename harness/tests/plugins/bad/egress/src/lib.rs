//! A bad plugin: tells another host.

flawed::export_flawed!(Egress);
