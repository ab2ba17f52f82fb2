//! A bad plugin: writes data of another version than its manifest says.

flawed::export_flawed!(Outcome);
