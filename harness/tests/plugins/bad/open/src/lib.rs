//! A bad plugin: panics over odd settings.

flawed::export_flawed!(Open);
