//! Status callbacks of calls: what the order wants to be told of, and when something has come to be told.

use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::call::{Call, QUEUED, Status};
use super::{Context, refused};
use crate::emulate::accounts::Account;
use crate::emulate::callbacks::Callback;
use crate::emulate::clock::later;
use crate::emulate::reply::{Refusal, rfc2822};
use crate::emulate::signature;

/// The longest address, in characters.
const URL: usize = 2048;

/// Whom to tell of a call, and of what.
pub(super) struct Wish {
    url: Url,
    /// Whether the fields go into the address.
    get: bool,
    events: Vec<Event>,
    /// How many of them were told.
    told: usize,
}

/// What can be told, in the order in which it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Initiated,
    Ringing,
    Answered,
    Completed,
}

impl Wish {
    /// What the order says; without `StatusCallbackEvent` only the end is told.
    pub(super) fn of(context: &Context<'_>) -> Result<Option<Self>, Refusal> {
        let form = &context.asked.form;
        let Some(text) = form.filled("StatusCallback") else {
            return Ok(None);
        };
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        // Hostnames with an underscore are not called.
        let good = |url: &Url| text.len() <= URL && url.host_str().is_some_and(|host| !host.contains('_'));
        let url = url.filter(good).ok_or_else(|| refused(21609, "StatusCallback is not a valid URL"))?;
        let get = match form.filled("StatusCallbackMethod") {
            None | Some("POST") => false,
            Some("GET") => true,
            Some(_) => return Err(refused(21209, "StatusCallbackMethod must be GET or POST")),
        };
        let wanted = form.iter().filter(|(name, _)| *name == "StatusCallbackEvent");
        // What is none of these is a warning at Twilio, not an error.
        let mut events: Vec<Event> = wanted.filter_map(|(_, value)| Event::named(value)).collect();
        events.sort_unstable();
        events.dedup();
        if events.is_empty() {
            events.push(Event::Completed);
        }
        Ok(Some(Self { url, get, events, told: 0 }))
    }
}

impl Call {
    /// What has come to be told since it was asked last.
    pub(super) fn tell(&mut self, account: &Account, now: Timestamp) -> Vec<Callback> {
        let mut due = Vec::new();
        let Some(mut wish) = self.wish.take() else { return due };
        while let Some(event) = wish.events.get(wish.told).copied() {
            let over = now >= self.over;
            match self.happens(event) {
                Some(at) if now >= at => due.push(self.callback(&wish, event, at, account)),
                // What never came is passed over.
                None if over => {}
                _ => break,
            }
            wish.told += 1;
        }
        if wish.told < wish.events.len() {
            self.wish = Some(wish);
        }
        due
    }

    fn happens(&self, event: Event) -> Option<Timestamp> {
        let rings = later(self.created, QUEUED);
        match event {
            Event::Initiated | Event::Ringing => Some(rings).filter(|rings| *rings < self.over),
            Event::Answered => self.picked_up,
            Event::Completed => Some(self.over),
        }
    }

    fn callback(&self, wish: &Wish, event: Event, at: Timestamp, account: &Account) -> Callback {
        let status = match event {
            Event::Initiated => "initiated",
            Event::Ringing => Status::Ringing.word(),
            Event::Answered => Status::InProgress.word(),
            Event::Completed => self.last.word(),
        };
        let mut fields = vec![
            ("CallSid", self.sid.clone()),
            ("AccountSid", account.sid.clone()),
            ("From", self.from.e164().to_owned()),
            ("To", self.to.e164().to_owned()),
            ("CallStatus", status.to_owned()),
            ("ApiVersion", "2010-04-01".to_owned()),
            ("Direction", "outbound-api".to_owned()),
            ("Timestamp", rfc2822(at)),
            ("CallbackSource", "call-progress-events".to_owned()),
            ("SequenceNumber", wish.told.to_string()),
        ];
        if event == Event::Completed {
            let lasted = self.picked_up.map_or(Duration::ZERO, |picked_up| {
                Duration::try_from(self.over.duration_since(picked_up)).unwrap_or_default()
            });
            fields.push(("CallDuration", lasted.as_secs().to_string()));
            fields.push(("Duration", lasted.as_secs().div_ceil(60).to_string()));
            fields.push(("SipResponseCode", self.last.sip().to_string()));
        }
        if self.detects && event >= Event::Answered && self.picked_up.is_some() {
            fields.push(("AnsweredBy", "human".to_owned()));
        }
        let fields: Vec<(String, String)> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let mut url = wish.url.clone();
        let form = if wish.get {
            url.query_pairs_mut().extend_pairs(&fields);
            Vec::new()
        } else {
            fields
        };
        let signature = signature::of(&account.token, url.as_str(), &form);
        Callback { about: self.sid.clone(), event: status, url, get: wish.get, form, signature }
    }
}

impl Event {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "initiated" => Self::Initiated,
            "ringing" => Self::Ringing,
            "answered" => Self::Answered,
            "completed" => Self::Completed,
            _ => return None,
        })
    }
}
