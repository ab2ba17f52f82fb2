//! Recorded exchanges: HAR 1.2 files with one `_countersign` object on `log` and on each entry.
//!
//! [`read`] checks a file and gives a [`Cassette`]; a [`Player`] answers requests from cassettes. Neither
//! knows where requests come from: [`Sent`] is what any carrier turns them into. Exchanges that are to become a
//! cassette are a [`Draft`], and only [`write()`] and [`append`] make a file of it.

mod asked;
mod case;
#[allow(clippy::module_inception, reason = "the folder is about cassettes, the file holds the type of this name")]
mod cassette;
mod difference;
mod digest;
mod draft;
mod drift;
mod entry;
mod expiry;
mod format;
mod kept;
mod line;
mod matcher;
mod mirror;
mod node;
mod place;
mod player;
mod problem;
mod reader;
mod receipt;
mod sent;
mod show;
mod shown;
pub(crate) mod spoken;
mod template;
mod unknown;
mod version;
mod writer;

#[cfg(test)]
mod tests;

pub use asked::Vacant;
pub(crate) use asked::{Asked, AskedBody, AskedField};
pub use case::{Case, CaseOperation, Setting};
pub use cassette::{Cassette, Provenance, ProvenanceKind};
pub use difference::{Difference, Field, GuardState, Mismatch, Nearest, Side};
pub use digest::Sha256;
pub use draft::{Draft, DraftAbout, DraftEntry, Scheme};
pub use drift::{Change, Drift, Severity, drift};
pub use entry::{Answer, Binding, Entry, Guard, Message, Repeat, Reply};
pub use expiry::{Age, Expired, Expiry, Freshness, WhenExpired};
pub(crate) use kept::Kept;
pub(crate) use node::Node;
pub use place::Place;
pub use player::{Played, PlayedAnswer, Player};
pub use problem::{Body, EntryProblem, Fact, Problem, ReadError};
pub(crate) use reader::entry::authorization;
pub use reader::{BODY_LIMIT, FILE_LIMIT, Inspection, Missing, SIDES_LIMIT, inspect, parse, read, read_draft};
pub use receipt::{EntryReceipt, Receipt, Unused, UnusedEntry};
pub use sent::{Authorization, Sent, SentBody, SentMessage};
pub use show::{Layout, show};
pub use shown::Shown;
pub use spoken::Unspoken;
pub use unknown::{UnknownKey, UnknownWord};
pub use version::{Major, Minor, SUPPORTED, Version, VersionError};
pub(crate) use writer::unzipped;
pub use writer::{INLINE_LIMIT, WriteError, WriteProblem, Written, append, export, write};
