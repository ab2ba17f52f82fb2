//! A bad plugin: its code gives another manifest than its file.

flawed::export_altered!(describe: |manifest| [manifest, b" "].concat(), ends_process_from: u64::MAX);
