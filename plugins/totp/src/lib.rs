//! Authenticator apps (RFC 6238), checked locally: no network, no account anywhere.
//!
//! `enroll` makes a seed from the host's randomness and hands it to the person's app once;
//! `confirm_enrollment` and `check` compare what the person typed with the codes of the steps
//! around the host's clock and report the step that matched, so that the engine can consume it.

mod code;
mod config;
mod provider;
mod setup;

#[cfg(test)]
mod tests;

pub use config::Settings;
pub use provider::Totp;

countersign_plugin::export_provider!(Totp);
