//! Countersign channel `voice`: Twilio Programmable Voice, or an Authy-style hosted service.
//!
//! The setting `mode` decides. In mode `call` the engine makes and checks the code and this
//! plugin has it spoken; in mode `authy` the service makes and checks it. Each mode is a module
//! with the same parts: its operations, its requests and replies, its table of failures.

mod authy;
mod call;
mod config;
mod failures;
mod findings;
mod provider;
mod stored;

pub use config::{Mode, Settings};
pub use provider::TwilioVoice;

countersign_plugin::export_provider!(TwilioVoice);

#[cfg(test)]
mod tests;
