//! A bad plugin: says of a request that acts that it only reads.

flawed::export_flawed!(Effect);
