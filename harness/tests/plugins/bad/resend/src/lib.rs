//! A bad plugin: sends again where no answer came.

flawed::export_flawed!(Resend);
