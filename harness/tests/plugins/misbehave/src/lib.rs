//! A test plugin that misbehaves as its settings say: what a host must withstand.
//!
//! With the fault `none` it is an ordinary channel at a made-up service.

mod config;
mod faults;
mod provider;

#[cfg(test)]
mod tests;

pub use config::{Fault, Settings, When};
pub use provider::Misbehave;

countersign_plugin::export_provider!(Misbehave);
