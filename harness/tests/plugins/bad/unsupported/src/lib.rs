//! A bad plugin: does not offer what its manifest declares.

flawed::export_flawed!(Unsupported);
