//! Countersign channels `sms` and `voice` by Twilio Verify (API version 2).
//!
//! Twilio makes the code, sends or speaks it, and checks it. This plugin starts a verification,
//! checks a code against it by its SID (never by number), cancels it, asks for its status, and
//! diagnoses the credentials. What an operator needs to know stands in `README.md`.

mod config;
mod diagnosis;
mod failures;
mod provider;
mod stored;
mod wire;

pub use config::Settings;
pub use provider::TwilioVerify;

countersign_plugin::export_provider!(TwilioVerify);

#[cfg(test)]
mod tests;
