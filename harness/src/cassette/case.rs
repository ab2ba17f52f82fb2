//! The test that a cassette can carry: operations to run against a plugin, and what to expect.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use countersign_plugin::{OperationName, Timestamp};
use serde_json::Value;

/// A test: these operations, asked of this plugin, with the cassette as the network.
#[derive(Clone)]
pub struct Case {
    /// The plugin's id.
    pub plugin: String,
    /// The channel it is asked for.
    pub channel: String,
    /// The mode within the channel, where the plugin has several.
    pub mode: Option<String>,
    /// The plugin's settings, secrets by reference only.
    pub settings: BTreeMap<String, Setting>,
    /// What the clock shows when the case begins.
    pub clock: Timestamp,
    /// Where the random bytes come from.
    pub seed: u64,
    /// What is asked, in order; at least one.
    pub operations: Vec<CaseOperation>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("plugin", &self.plugin)
            .field("channel", &self.channel)
            .field("mode", &self.mode)
            .field("operations", &self.operations)
            .finish_non_exhaustive()
    }
}

/// The value of one setting.
#[derive(Clone, PartialEq)]
pub enum Setting {
    /// A value that is no secret.
    Plain(Value),
    /// A secret, written as a reference to the setting itself: `"auth_token": {"secret": "auth_token"}`.
    Secret,
}

/// One operation of a case. Inputs and expectations are read by whoever runs the case.
#[derive(Clone, PartialEq)]
pub struct CaseOperation {
    /// Which one.
    pub operation: OperationName,
    /// How far the clock moves before it.
    pub after: Duration,
    /// What the operation is given.
    pub input: BTreeMap<String, Value>,
    /// What must come out; never empty, for a case that expects nothing cannot fail.
    pub expect: BTreeMap<String, Value>,
}

impl fmt::Debug for CaseOperation {
    /// Inputs hold codes and numbers: only what is asked is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.operation, f)
    }
}
