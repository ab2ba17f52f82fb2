//! For hosts: second factors whose delivery channels are plugins.

pub mod account;
pub mod audit;
pub mod bootstrap;
pub mod challenge;
pub mod clock;
mod code;
pub mod engine;
pub mod enrollment;
pub mod instance;
pub mod operation;
pub mod phone;
pub mod policy;
pub mod registry;
#[cfg(test)]
mod rig;
pub mod secrets;
pub mod service;
pub mod store;
pub mod transport;
pub mod user;
pub mod warning;
mod writable;

pub use registry::probe;
