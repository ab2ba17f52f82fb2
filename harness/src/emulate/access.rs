//! By which credentials a request comes, and what these and the state of the account allow (Twilio, API keys and test
//! credentials).

use std::collections::HashMap;

use super::accounts::Account;
use super::reply::Refusal;
use super::request::Asked;

/// What an API key may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPower {
    /// All that the auth token may.
    Main,
    /// All but the account itself and its keys.
    Standard,
}

/// The credentials of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Token,
    Key(KeyPower),
    /// Test credentials: nothing that they order happens.
    Test,
}

/// Who asks.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) account: &'a Account,
    pub(super) access: Access,
}

/// Whether an account is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// It is.
    #[default]
    Active,
    /// Twilio has suspended it.
    Suspended,
    /// It was closed.
    Closed,
}

/// How an account stands with Twilio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// A trial account reaches numbers only that it has verified as caller ids.
    pub(super) trial: bool,
    pub(super) status: Status,
}

/// How every account stands, by SID; those that are not listed are in order.
#[derive(Debug, Default)]
pub(super) struct Standings(HashMap<String, Standing>);

impl Standings {
    pub(super) fn of(&self, account: &str) -> Standing {
        self.0.get(account).copied().unwrap_or_default()
    }

    pub(super) fn set(&mut self, account: &str, standing: Standing) {
        self.0.insert(account.to_owned(), standing);
    }
}

impl Status {
    /// Every status, with its name in the account's body.
    pub(super) const NAMED: [(Self, &str); 3] =
        [(Self::Active, "active"), (Self::Suspended, "suspended"), (Self::Closed, "closed")];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(_, known)| *known == name).map(|(status, _)| *status)
    }

    pub(super) fn word(self) -> &'static str {
        Self::NAMED.iter().find(|(status, _)| *status == self).map_or("active", |(_, name)| name)
    }
}

impl Caller<'_> {
    /// Whether the caller may ask this at all.
    pub(super) fn may(&self, asked: &Asked<'_>, standing: Standing) -> Result<(), Refusal> {
        let segments = asked.segments();
        // The account itself, without anything below it.
        let fetch = matches!(segments.as_slice(), ["2010-04-01", "Accounts.json"] | ["2010-04-01", "Accounts", _]);
        if self.access == Access::Test && !for_tests(asked.method, &segments) {
            return Err(Refusal::new(403, 20008, "Resource not accessible with Test Account Credentials"));
        }
        // A suspended account is told from the others by its body, and else refused as a wrong pair is (Twilio, 20003).
        if standing.status != Status::Active && !fetch {
            return Err(Refusal::credentials());
        }
        let keys = matches!(segments.as_slice(), ["2010-04-01", "Accounts", _, "Keys.json" | "Keys", ..]);
        // That a key is refused like a wrong pair is expected, not published.
        match self.access {
            Access::Key(KeyPower::Standard) if fetch || keys => Err(Refusal::credentials()),
            _ => Ok(()),
        }
    }
}

/// All that test credentials reach.
fn for_tests(method: &str, segments: &[&str]) -> bool {
    matches!(
        (method, segments),
        ("POST", ["2010-04-01", "Accounts", _, "IncomingPhoneNumbers.json" | "Messages.json" | "Calls.json"])
            | ("GET", ["v2", "PhoneNumbers", _])
    )
}
