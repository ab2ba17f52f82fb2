//! Records exchanges into a cassette while they happen, or replays those that are there.
//!
//! [`RecordingProxy`] stands in front of a server as a reverse proxy, for clients of any kind. [`RecordingTransport`]
//! stands around the engine's live transport. Both keep what went over the wire in a [`Recorder`], which decides by its
//! [`Mode`] what is replayed and what goes live.
//!
//! Nothing goes live unless the person allowed it ([`Settings::live`]). After each exchange, and before its answer is
//! given, everything recorded so far is written, redacted, into `NAME.unfinished.har` beside the cassette: a crash loses
//! no exchange whose answer was given. [`Recorder::finish`] puts them into the cassette itself.
//!
//! What is recorded is redacted, and what is replayed is what was recorded: a client that sends real numbers and ids is
//! answered with their pseudonyms.

mod mode;
mod problem;
mod proxy;
mod recorder;
mod summary;
#[cfg(test)]
mod tests;
mod transport;
mod upstream;

pub use mode::Mode;
pub use problem::{FinishError, StartError};
pub use proxy::RecordingProxy;
pub use recorder::{Recorder, Settings};
pub use summary::{LeftOut, Summary, Unanswered};
pub use transport::RecordingTransport;
pub use upstream::{ExchangeError, Upstream, UpstreamError};
