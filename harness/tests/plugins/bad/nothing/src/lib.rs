//! A bad plugin: nothing is wrong.

flawed::export_flawed!(Nothing);
