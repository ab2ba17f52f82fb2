//! A bad plugin: shows the person the provider's error.

flawed::export_flawed!(Person);
