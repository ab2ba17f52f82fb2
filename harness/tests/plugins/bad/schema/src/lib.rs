//! A bad plugin: its schema takes anything for a setting.

flawed::export_flawed!(Nothing);
