//! A bad plugin: offers what its manifest does not declare.

flawed::export_flawed!(Undeclared);
