//! A bad plugin: a stale handle ends the process.

flawed::export_altered!(describe: <[u8]>::to_vec, ends_process_from: 1 << 40);
