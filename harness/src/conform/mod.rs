//! The conformance kit: judges any plugin file, with no account, no money and no network.
//!
//! Each [check](catalogue) runs in a process of its own, so that a crash, an abort or an endless loop of the plugin is
//! that check's failure and nothing else's. The processes are this program again, which therefore calls
//! [`run_if_asked`] first in `main`; so does a host that wants to judge by the library.
//!
//! The kit does to a plugin what no host would: it performs what breaks the contract and goes on, ends operations
//! anywhere, mixes them, and answers nonsense. It therefore answers steps by itself, in the engine's order, and not
//! through the engine's loop, which would end the operation at the first breach.

mod catalogue;
mod checks;
mod child;
mod drive;
mod examples;
mod inputs;
mod judging;
mod kit;
mod life;
mod mutation;
mod parent;
mod performed;
mod replies;
mod report;
mod scenario;
mod subject;
#[cfg(test)]
mod tests;
mod token;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

pub use catalogue::{CheckInfo, catalogue};
pub use child::run_if_asked;
pub use parent::{ConformError, run};
pub use report::{CheckResult, Judged, Level, Problem, Report, Sources, Verdict};
pub use token::{Token, TokenError};

/// What is to be judged, and with what.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The plugin file.
    pub plugin: PathBuf,
    /// The settings to open it with, secrets as references: `{"auth_token": {"secret": "auth_token"}}`. Without them,
    /// the `examples` of its schema.
    pub settings: Option<Value>,
    /// Cassettes whose cases are played in place of the kit's own replies.
    pub cassettes: Vec<PathBuf>,
    /// Where everything random comes from.
    pub seed: u64,
    /// The checks to run, by id; empty: all.
    pub only: Vec<String>,
    /// What to run again, exactly: the token of a counterexample. Only its check is run.
    pub reproduce: Option<Token>,
    /// The time that one check has.
    pub deadline: Duration,
    /// A program that calls [`run_if_asked`]; without it, this one.
    pub program: Option<PathBuf>,
}

impl Options {
    /// Judges this file by every check, with the examples of its schema and the kit's own replies.
    pub fn new(plugin: impl Into<PathBuf>) -> Self {
        Self {
            plugin: plugin.into(),
            settings: None,
            cassettes: Vec::new(),
            seed: 1,
            only: Vec::new(),
            reproduce: None,
            deadline: Duration::from_secs(60),
            program: None,
        }
    }
}
