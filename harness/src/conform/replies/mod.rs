//! Who answers a plugin's requests: the emulator, replies that the kit grows, or cassettes.

pub(super) mod emulated;
pub(super) mod grown;
pub(super) mod guess;
pub(super) mod played;

use countersign_plugin::OperationName;
use countersign_plugin::http::Request;

use super::scenario::Got;

/// A request, and what it is to lead to.
pub(super) struct Asked<'a> {
    pub(super) request: &'a Request,
    /// In which operation.
    pub(super) name: OperationName,
    pub(super) flavour: Flavour,
}

/// How an operation is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Flavour {
    /// As usual.
    Neutral,
    /// The person is let in.
    Yes,
    /// The code is wrong.
    No,
    /// The challenge is taken back.
    Over,
}

/// Answers the requests of one run of a scenario, in their order.
pub(super) trait Replies {
    /// Answers a request.
    fn reply(&mut self, asked: &Asked<'_>) -> Got;

    /// The code that reached the person last, where that is known.
    fn arrived(&self) -> Option<String>;
}
