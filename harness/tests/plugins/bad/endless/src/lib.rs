//! A bad plugin: computes for ever over an odd reply.

flawed::export_flawed!(Endless);
