//! An ordinary channel at a made-up service, and the flaws that it can have: one per check of the conformance kit.
//!
//! A bad plugin is a manifest and one line. All of them share this code, so that each adds little to a build.

mod export;
mod flaw;
mod provider;

pub use countersign_plugin;
pub use flaw::Flaw;
pub use provider::{Plugin, Settings};

/// Exports the channel with one flaw.
#[macro_export]
macro_rules! export_flawed {
    ($flaw:ident) => {
        $crate::countersign_plugin::export_provider!($crate::Plugin<{ $crate::Flaw::$flaw as u8 }>);
    };
}
