//! A bad plugin: says that nothing was delivered where nobody knows.

flawed::export_flawed!(Delivered);
