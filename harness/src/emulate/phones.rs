//! What kind of telephone is at a number. Every valid number that nobody marked has an ordinary mobile phone.

use std::collections::HashMap;
use std::fmt;

use thiserror::Error;

use super::number::Number;

/// Numbers that can be marked; more are refused rather than forgotten.
const ROOM: usize = 10_000;

/// What is at a number, and so how each service answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PhoneKind {
    /// Gets text messages and answers calls.
    #[default]
    Mobile,
    /// Answers calls. Text messages are refused: Verify 403/60205, Authy 403/60082.
    Landline,
    /// Nothing arrives. Verify and Authy accept the order all the same; Programmable Voice refuses it with 400/21214.
    Unreachable,
    /// Gets text messages; calls ring until their time-out.
    NoAnswer,
    /// Gets text messages; calls find it busy.
    Busy,
    /// Fraud Guard blocks its prefix for text messages (Verify 403/60410, calls go through), and it is on the block list
    /// of Programmable Voice (400/21216).
    Blocked,
    /// Geo permissions forbid its country: Verify 403/60605, Programmable Voice 400/21215.
    NoPermission,
    /// The services take it for no number: Verify 400/60200, Programmable Voice 400/21211, Authy 400/60027.
    Invalid,
    /// Too many requests for it at once: Verify 429/60212, Authy 429/60003.
    Crowded,
    /// A smartphone with the Authy app: Authy sends and calls only when forced to.
    Smartphone,
}

impl PhoneKind {
    /// Every kind, with its name in `POST /_countersign/phones`.
    pub const NAMED: [(Self, &str); 10] = [
        (Self::Mobile, "mobile"),
        (Self::Landline, "landline"),
        (Self::Unreachable, "unreachable"),
        (Self::NoAnswer, "no_answer"),
        (Self::Busy, "busy"),
        (Self::Blocked, "blocked"),
        (Self::NoPermission, "no_permission"),
        (Self::Invalid, "invalid"),
        (Self::Crowded, "crowded"),
        (Self::Smartphone, "smartphone"),
    ];

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// Whether text messages reach it.
    pub(super) const fn reads_texts(self) -> bool {
        !matches!(self, Self::Landline | Self::Unreachable)
    }

    /// Whether somebody there picks up.
    pub(super) const fn answers_calls(self) -> bool {
        !matches!(self, Self::Unreachable | Self::NoAnswer | Self::Busy)
    }
}

impl fmt::Display for PhoneKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Self::NAMED.iter().find(|(kind, _)| kind == self);
        f.write_str(known.map_or("", |(_, name)| *name))
    }
}

/// Why a phone was not marked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PhoneError {
    /// Not E.164, or no numbering plan has it.
    #[error("to is no phone number in E.164 form, such as +15005550006")]
    NotANumber,
    /// Enough is enough.
    #[error("to is one number too many: {ROOM} are marked already; reset the emulator")]
    TooMany,
}

/// The numbers that somebody marked.
#[derive(Default)]
pub(super) struct Phones {
    kinds: HashMap<String, PhoneKind>,
}

impl Phones {
    pub(super) fn mark(&mut self, to: &str, kind: PhoneKind) -> Result<(), PhoneError> {
        let number = Number::read(to).ok_or(PhoneError::NotANumber)?;
        if self.kinds.len() >= ROOM && !self.kinds.contains_key(number.e164()) {
            return Err(PhoneError::TooMany);
        }
        self.kinds.insert(number.e164().to_owned(), kind);
        Ok(())
    }

    pub(super) fn kind(&self, e164: &str) -> PhoneKind {
        self.kinds.get(e164).copied().unwrap_or_default()
    }
}
