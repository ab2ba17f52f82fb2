//! Takes out of exchanges what nobody else may see, before they are written.
//!
//! It is on by default and can only be added to. Every value that is found is replaced by a pseudonym of the same
//! shape wherever it occurs, in each of the forms that addresses, forms and JSON give it; what is to be written is then
//! searched once more for all of them, also in base64 and inside gzip, and a hit refuses the write.
//!
//! | kind | found by | replaced by |
//! |---|---|---|
//! | resource id | its form: two letters and 32 hex digits | the letters, 16 zeros, 16 hex digits |
//! | phone number | its form (E.164), names of fields | a number from +1 500 555 0100 to 9999, which is nobody's |
//! | code | names of fields, Authy's path, digits spoken in TwiML | as many other digits |
//! | credential | `Authorization`, headers and fields named like keys, tokens, passwords, seeds, signatures; cookies | the same classes of characters |
//! | e-mail address | its form | an address of `example.com` |
//! | name | names of fields: account, application, entity, friendly name | the same classes of characters |
//!
//! Pseudonyms depend on the value and on a key, which by default is the first credential of the exchanges: a second
//! recording with the same credentials has the same pseudonyms. Without a credential all of the exchanges are the key.

mod fields;
mod find;
mod fingerprint;
mod kind;
mod markup;
mod names;
mod patterns;
mod pieces;
mod pseudonym;
mod scan;
mod search;
mod secret;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use countersign::secrets::Secret;
use thiserror::Error;

use crate::cassette::Draft;

pub use kind::SecretKind;
pub use pieces::{EntryPart, Spot};
pub use scan::{Form, Leak};

pub(crate) use names::names_secret;

use find::Found;
use pseudonym::Key;
use values::Values;

/// The rules by which files are redacted, as cassettes name them.
pub const PROFILE: &str = "default-1";
/// Shortest value that is looked for everywhere: shorter ones would be found in other words.
pub const SHORTEST_KNOWN: usize = 4;

/// What is redacted: the default, and what was added to it.
#[derive(Clone, Default)]
pub struct Redaction {
    names: Vec<String>,
    known: Vec<Secret>,
    key: Option<Key>,
}

/// A secret that cannot be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a secret of {length} characters would be found in other words; give one of at least {SHORTEST_KNOWN}")]
pub struct TooShort {
    /// Its length in bytes.
    pub length: usize,
}

impl Redaction {
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also redacts the values of headers, query parameters, form fields, cookies and JSON members of this name. Case,
    /// `-`, `_` and `.` do not matter.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Also redacts this value wherever it stands.
    ///
    /// # Errors
    /// [`TooShort`] below [`SHORTEST_KNOWN`] bytes.
    pub fn with_known(mut self, secret: Secret) -> Result<Self, TooShort> {
        let length = secret.expose().len();
        if length < SHORTEST_KNOWN {
            return Err(TooShort { length });
        }
        self.known.push(secret);
        Ok(self)
    }

    /// Makes pseudonyms by this key. Whoever records requests that hold references instead of credentials gives the
    /// credential here, so that a later recording has the same pseudonyms, and so has a single request that is looked
    /// for among recorded ones.
    #[must_use]
    pub fn keyed_by(mut self, key: &Secret) -> Self {
        self.key = Some(Key::of(key.expose().as_bytes()));
        self
    }

    /// The names that were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Redacts exchanges. Bodies must be free of content encodings.
    pub fn apply(&self, draft: &Draft) -> Redacted {
        let found = Found::of(draft, self);
        let key = self.key.clone().or_else(|| found.key()).unwrap_or_else(|| Key::of_draft(draft));
        let values = Values::of(found, key, self.names().map(names::plain).collect());
        let mut redacted = draft.clone();
        pieces::visit(&mut redacted, &mut |spot, piece| values.replace(spot, piece));
        fingerprint::renew(draft, &mut redacted);
        Redacted { draft: redacted, values }
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("names", &self.names)
            .field("known", &self.known.len())
            .field("keyed", &self.key.is_some())
            .finish()
    }
}

/// Exchanges without what nobody else may see.
pub struct Redacted {
    /// The exchanges.
    pub draft: Draft,
    values: Values,
}

impl Redacted {
    /// How many different values of each kind were replaced.
    pub fn replaced(&self) -> BTreeMap<SecretKind, usize> {
        self.values.counts()
    }

    /// Searches the redacted exchanges, and the file that they make, for every value that was replaced.
    ///
    /// # Errors
    /// [`Leak`] where one is still there in some form.
    pub fn scan(&self, file: &[u8]) -> Result<(), Leak> {
        scan::draft(&self.draft, &self.values)?;
        scan::file(file, &self.values)
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redacted").field("draft", &self.draft).field("replaced", &self.replaced()).finish()
    }
}
