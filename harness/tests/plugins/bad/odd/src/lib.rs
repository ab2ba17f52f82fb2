//! A bad plugin: panics over an odd reply.

flawed::export_flawed!(Odd);
