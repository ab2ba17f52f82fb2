//! A bad plugin: approves a code of its own.

flawed::export_flawed!(Approve);
