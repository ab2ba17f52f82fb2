//! A bad plugin: asks for something else in each process.

flawed::export_flawed!(Steps);
