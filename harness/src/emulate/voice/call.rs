//! One call: what is said, and how its state moves with the clock.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Context;
use super::callback::Wish;
use crate::cassette::spoken;
use crate::emulate::clock::later;
use crate::emulate::number::Number;
use crate::emulate::phones::PhoneKind;
use crate::emulate::reply::rfc2822;

/// How long a call waits before it rings.
pub(super) const QUEUED: Duration = Duration::from_secs(1);
/// How long it rings until somebody picks up, or is found busy.
const RINGING: Duration = Duration::from_secs(2);
/// What a caller hears of TwiML that cannot be read. The order itself is accepted then.
const UNREADABLE: &str = "We are sorry, an application error has occurred. Goodbye.";
/// Members of `subresource_uris`, and the lists they lead to.
const LISTS: [(&str, &str); 9] = [
    ("notifications", "Notifications"),
    ("recordings", "Recordings"),
    ("payments", "Payments"),
    ("events", "Events"),
    ("siprec", "Siprec"),
    ("streams", "Streams"),
    ("transcriptions", "Transcriptions"),
    ("user_defined_message_subscriptions", "UserDefinedMessageSubscriptions"),
    ("user_defined_messages", "UserDefinedMessages"),
];

/// One call.
pub(super) struct Call {
    pub(super) sid: String,
    pub(super) to: Number,
    pub(super) from: Number,
    /// SID of the number it comes from.
    pub(super) caller: String,
    pub(super) created: Timestamp,
    /// When somebody picks up, if somebody does.
    pub(super) picked_up: Option<Timestamp>,
    pub(super) over: Timestamp,
    pub(super) last: Status,
    /// Whether the order asks who answers, a person or a machine.
    pub(super) detects: bool,
    /// Its message in the inbox.
    pub(super) arrival: Option<u64>,
    /// Whom to tell, as long as there is something to tell.
    pub(super) wish: Option<Wish>,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Queued,
    Ringing,
    InProgress,
    Completed,
    Busy,
    NoAnswer,
    Canceled,
}

/// What a call says.
pub(super) struct Speech {
    pub(super) text: String,
    pub(super) code: Option<String>,
}

impl Speech {
    /// What the TwiML says, and the one number that it speaks digit by digit.
    pub(super) fn of_twiml(twiml: &str) -> Self {
        let code = spoken::number(twiml).ok().map(|number| number.digits);
        let text = spoken::text(twiml).unwrap_or_else(|_| UNREADABLE.to_owned());
        Self { text, code }
    }

    /// The emulator opens no socket, so it does not fetch what is to be said.
    pub(super) fn of_url(url: &str) -> Self {
        Self { text: format!("(what {url} says)"), code: None }
    }

    /// At about 15 characters a second, and never less than a second.
    pub(super) fn lasts(&self) -> Duration {
        let characters = u64::try_from(self.text.chars().count()).unwrap_or(u64::MAX);
        Duration::from_secs(1 + characters / 15)
    }
}

impl Call {
    /// Fixes how the call will go: at such a telephone, with so many seconds of ringing and of talk.
    pub(super) fn plan(&mut self, kind: PhoneKind, timeout: Duration, talk: Duration) {
        let rings = later(self.created, QUEUED);
        let (picked_up, over, last) = match kind {
            PhoneKind::Busy => (None, later(rings, RINGING.min(timeout)), Status::Busy),
            PhoneKind::NoAnswer => (None, later(rings, timeout), Status::NoAnswer),
            // Nobody is that quick.
            _ if timeout < RINGING => (None, later(rings, timeout), Status::NoAnswer),
            _ => {
                let picked_up = later(rings, RINGING);
                (Some(picked_up), later(picked_up, talk), Status::Completed)
            }
        };
        (self.picked_up, self.over, self.last) = (picked_up, over, last);
    }

    /// Ends it now.
    pub(super) fn hang_up(&mut self, now: Timestamp) {
        self.over = now;
        if self.picked_up.is_none_or(|picked_up| now < picked_up) {
            self.picked_up = None;
            self.last = Status::Canceled;
        } else {
            self.last = Status::Completed;
        }
    }

    pub(super) fn status(&self, now: Timestamp) -> Status {
        if now >= self.over {
            return self.last;
        }
        if self.picked_up.is_some_and(|picked_up| now >= picked_up) {
            return Status::InProgress;
        }
        if now >= later(self.created, QUEUED) { Status::Ringing } else { Status::Queued }
    }

    pub(super) fn body(&self, context: &Context<'_>) -> Value {
        let now = context.now();
        let status = self.status(now);
        let over = status.is_final();
        let uri = context.uri(&format!("/Calls/{}", self.sid));
        let uris: Map<String, Value> =
            LISTS.iter().map(|(name, list)| ((*name).to_owned(), json!(format!("{uri}/{list}.json")))).collect();
        let started = self.picked_up.filter(|picked_up| now >= *picked_up);
        let seconds = started.map_or(0, |started| self.over.duration_since(started).as_secs());
        let date = |moment: Timestamp| (status != Status::Queued).then(|| rfc2822(moment));
        json!({
            "account_sid": context.account.sid,
            "answered_by": started.filter(|_| self.detects).map(|_| "human"),
            "api_version": "2010-04-01",
            "caller_name": null,
            // Empty as long as the call is queued.
            "date_created": date(self.created),
            "date_updated": date(if over { self.over } else { now }),
            "direction": "outbound-api",
            "duration": over.then(|| seconds.to_string()),
            "end_time": over.then(|| rfc2822(self.over)),
            "forwarded_from": null,
            "from": self.from.e164(),
            "from_formatted": self.from.formatted(),
            "group_sid": null,
            "parent_call_sid": null,
            "phone_number_sid": self.caller,
            "price": (status == Status::Completed).then_some("-0.03000"),
            "price_unit": "USD",
            "queue_time": "0",
            "sid": self.sid,
            "start_time": started.or_else(|| over.then_some(self.over)).map(rfc2822),
            "status": status.word(),
            "subresource_uris": uris,
            "to": self.to.e164(),
            "to_formatted": self.to.formatted(),
            "trunk_sid": null,
            "uri": format!("{uri}.json"),
        })
    }
}

impl Status {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }

    /// The SIP response code that goes with a final state (RFC 3261 §21).
    pub(super) const fn sip(self) -> u16 {
        match self {
            Self::Busy => 486,
            Self::NoAnswer | Self::Canceled => 487,
            _ => 200,
        }
    }

    pub(super) const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Ringing | Self::InProgress)
    }
}
