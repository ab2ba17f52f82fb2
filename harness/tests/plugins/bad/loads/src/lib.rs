//! A bad plugin: exports nothing to call.

flawed::export_note_only!();
