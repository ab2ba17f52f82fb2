//! What differs between a recorded request and one that was sent.

use std::fmt;
use std::path::PathBuf;

use super::asked::Vacant;
use super::entry::Guard;
use super::place::Place;
use super::shown::Shown;

/// A part of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// The method.
    Method,
    /// Host and port.
    Host,
    /// The path as a whole: it has another number of segments.
    Path,
    /// One decoded path segment; the first is 0.
    Segment(usize),
    /// The query parameter of this name.
    Query(String),
    /// How the request says who asks.
    Authorization,
    /// The kind of the body, or all of a body that is neither form nor JSON.
    Body,
    /// The form field of this name.
    Form(String),
    /// The member of a JSON body at this pointer (RFC 6901).
    Json(String),
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("method"),
            Self::Host => f.write_str("host"),
            Self::Path => f.write_str("path"),
            Self::Segment(segment) => write!(f, "path segment {segment}"),
            Self::Query(name) => write!(f, "query parameter `{name}`"),
            Self::Authorization => f.write_str("authorization"),
            Self::Body => f.write_str("body"),
            Self::Form(name) => write!(f, "form field `{name}`"),
            Self::Json(pointer) => write!(f, "`{pointer}` of the JSON body"),
        }
    }
}

/// One side of a difference, safe to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// This side does not have the field.
    Absent,
    /// The field's value, masked.
    Holds(Shown),
    /// The field's values, masked, where the name occurs more than once.
    HoldsAll(Vec<Shown>),
}

impl Side {
    pub(crate) fn of(name: &str, values: &[&str]) -> Self {
        match values {
            [] => Self::Absent,
            [value] => Self::Holds(Shown::of_field(name, value)),
            values => Self::HoldsAll(values.iter().map(|value| Shown::of_field(name, value)).collect()),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("nothing"),
            Self::Holds(value) => write!(f, "`{value}`"),
            Self::HoldsAll(values) => {
                for (at, value) in values.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}`{value}`")?;
                }
                Ok(())
            }
        }
    }
}

/// One reason why a recorded exchange does not answer a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A field has another value.
    Field {
        /// Which one.
        field: Field,
        /// The recording.
        recorded: Side,
        /// The request.
        sent: Side,
    },
    /// A variable's place holds nothing that could be bound.
    Vacant {
        /// The variable.
        variable: String,
        /// Its place.
        place: Place,
        /// Why.
        reason: Vacant,
    },
    /// A variable was bound to another value by an earlier exchange, or by the cassette.
    Bound {
        /// The variable.
        variable: String,
        /// Its place in the request.
        place: Place,
        /// What it is bound to.
        bound: Shown,
        /// What the request holds.
        sent: Shown,
    },
    /// The entry is guarded by a variable, and the guard does not let the request pass.
    Guarded {
        /// The variable.
        variable: String,
        /// Its place in the request.
        place: Place,
        /// What the entry requires.
        guard: Guard,
        /// Whether the variable has a value yet.
        state: GuardState,
    },
    /// The entry fits, but was played as often as it may be.
    AlreadyPlayed {
        /// How often.
        times: u64,
    },
}

/// Why a guard did not let a request pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardState {
    /// No exchange has bound the variable yet.
    Unbound,
    /// The variable is bound, and the comparison failed.
    Refused,
}

impl Difference {
    /// How far apart two requests are that differ in this; entries are listed nearest first.
    pub(crate) fn weight(&self) -> u32 {
        match self {
            Self::AlreadyPlayed { .. } => 0,
            Self::Bound { .. } | Self::Guarded { .. } | Self::Vacant { .. } => 2,
            Self::Field { field, .. } => match field {
                Field::Query(_) | Field::Form(_) | Field::Json(_) => 2,
                Field::Authorization | Field::Segment(_) => 3,
                Field::Body | Field::Method => 5,
                Field::Path => 8,
                Field::Host => 13,
            },
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field { field, recorded, sent } => write!(f, "{field}: recorded {recorded}, sent {sent}"),
            Self::Vacant { variable, place, reason } => write!(f, "{place} should hold `{variable}`, but {reason}"),
            Self::Bound { variable, place, bound, sent } => {
                write!(f, "{place}: `{variable}` is bound to `{bound}`, sent `{sent}`")
            }
            Self::Guarded { variable, place, guard, state: GuardState::Unbound } => {
                write!(f, "{place} must hold the {guard} value as `{variable}`, which nothing has bound yet")
            }
            Self::Guarded { variable, place, guard: Guard::Same, state: GuardState::Refused } => {
                write!(f, "{place} holds another value than `{variable}` is bound to")
            }
            Self::Guarded { variable, place, guard: Guard::Other, state: GuardState::Refused } => {
                write!(f, "{place} holds the value that `{variable}` is bound to, and the entry wants another")
            }
            Self::AlreadyPlayed { times: 1 } => f.write_str("already played"),
            Self::AlreadyPlayed { times } => write!(f, "already played {times} times"),
        }
    }
}

/// A recorded exchange that came close to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest {
    /// The cassette's file.
    pub cassette: PathBuf,
    /// The entry's position in it; the first is 0.
    pub entry: usize,
    /// What the entry calls itself, else method and address.
    pub title: String,
    /// What keeps it from answering; never empty.
    pub differences: Vec<Difference>,
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} entry {} ({})", self.cassette.display(), self.entry, self.title)?;
        for (at, difference) in self.differences.iter().enumerate() {
            write!(f, "{} {difference}", if at == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

/// No recorded exchange answers a request. Nothing was played and nothing was bound.
///
/// The text names the nearest entries and, for each, every field that differs with both values. Codes,
/// numbers and secrets are masked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mismatch {
    /// The method that was sent.
    pub method: String,
    /// The address that was sent, masked, without its query.
    pub address: Shown,
    /// At most three entries, the nearest first; empty when there is no entry at all.
    pub nearest: Vec<Nearest>,
}

impl Mismatch {
    /// How far the nearest entry is; more than any where there is none.
    pub(crate) fn weight(&self) -> u32 {
        self.nearest.first().map_or(u32::MAX, |nearest| nearest.differences.iter().map(Difference::weight).sum())
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no recorded exchange answers {} {}", self.method, self.address)?;
        if self.nearest.is_empty() {
            return f.write_str(": the cassettes have no entries");
        }
        for (at, nearest) in self.nearest.iter().enumerate() {
            let rank = if at == 0 { "nearest" } else { "next" };
            write!(f, "\n  {rank}: {nearest}")?;
        }
        Ok(())
    }
}
