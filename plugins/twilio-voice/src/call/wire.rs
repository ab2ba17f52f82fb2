//! Requests to the API `2010-04-01` of Twilio, and its replies.

use std::fmt;

use countersign_plugin::{Effect, Endpoint, Request};
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};

use super::Account;
use crate::config::is_sid;

impl Account {
    pub(super) fn place_call(&self, to: &str, twiml: &str) -> Request {
        let form = [("To", to), ("From", &self.from), ("Twiml", twiml)];
        self.authorized(Request::post(self.endpoint(["Calls.json"]))).form(form)
    }

    pub(super) fn hang_up(&self, sid: &CallSid) -> Request {
        // Unlike `canceled`, `completed` also ends a call that was answered.
        self.authorized(Request::post(self.call_endpoint(sid)).effect(Effect::Idempotent))
            .form([("Status", "completed")])
    }

    pub(super) fn call(&self, sid: &CallSid) -> Request {
        self.authorized(Request::get(self.call_endpoint(sid)))
    }

    pub(super) fn account(&self) -> Request {
        let document = format!("{}.json", self.account_sid);
        self.authorized(Request::get(self.accounts().path([document])))
    }

    /// The least that a key must be able to read: `status` needs it.
    pub(super) fn newest_call(&self) -> Request {
        self.authorized(Request::get(self.endpoint(["Calls.json"]).query("PageSize", "1")))
    }

    pub(super) fn own_number(&self) -> Request {
        let endpoint = self.endpoint(["IncomingPhoneNumbers.json"]).query("PhoneNumber", &self.from);
        self.authorized(Request::get(endpoint))
    }

    pub(super) fn verified_caller_id(&self) -> Request {
        let endpoint = self.endpoint(["OutgoingCallerIds.json"]).query("PhoneNumber", &self.from);
        self.authorized(Request::get(endpoint))
    }

    fn call_endpoint(&self, sid: &CallSid) -> Endpoint {
        self.endpoint(["Calls", &format!("{}.json", sid.as_str())])
    }

    fn endpoint<const N: usize>(&self, path: [&str; N]) -> Endpoint {
        self.accounts().path([&self.account_sid]).path(path)
    }

    fn accounts(&self) -> Endpoint {
        Endpoint::new(&self.base).path(["2010-04-01", "Accounts"])
    }

    fn authorized(&self, request: Request) -> Request {
        request.basic_auth(&self.auth_id, &self.auth_token)
    }
}

/// The name of a call alone, whatever else the reply says.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) sid: String,
}

/// A call. `status` may be a word that is newer than this plugin.
#[derive(Deserialize)]
pub(super) struct CallReply {
    pub(super) sid: String,
    pub(super) to: String,
    #[serde(default)]
    pub(super) status: Option<String>,
}

/// The account. Its body also holds the live auth token, which is not read.
#[derive(Deserialize)]
pub(super) struct AccountReply {
    pub(super) sid: String,
    pub(super) status: String,
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
}

/// A list of calls, of which only matters that it is one.
#[derive(Deserialize)]
pub(super) struct Calls {
    #[serde(rename = "calls")]
    _calls: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct OwnNumbers {
    pub(super) incoming_phone_numbers: Vec<OwnNumber>,
}

#[derive(Deserialize)]
pub(super) struct OwnNumber {
    pub(super) phone_number: String,
    #[serde(default)]
    pub(super) capabilities: Capabilities,
}

#[derive(Default, Deserialize)]
pub(super) struct Capabilities {
    #[serde(default)]
    pub(super) voice: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct CallerIds {
    pub(super) outgoing_caller_ids: Vec<CallerId>,
}

#[derive(Deserialize)]
pub(super) struct CallerId {
    pub(super) phone_number: String,
}

/// The name of a call: `CA` and 32 hexadecimal digits, checked before it enters a path.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct CallSid(String);

impl CallSid {
    pub(super) fn parse(text: &str) -> Option<Self> {
        is_sid("CA", text).then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for CallSid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a call sid"))
    }
}

impl fmt::Debug for CallSid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
