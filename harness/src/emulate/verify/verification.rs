//! Verifications: how long they live, what stays of them, and what an administrator may do to them.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Context;
use super::attempt::Attempts;
use super::channel::{Channel, Recipient};
use super::service::Home;
use crate::emulate::phones::PhoneKind;
use crate::emulate::reply::{Outcome, Refusal, Reply, iso};
use crate::emulate::shelf::Shelf;

/// How long a code is valid (Twilio Verify, "Verification expires after 10 minutes").
pub(super) const LIFE: SignedDuration = SignedDuration::from_mins(10);
/// How often a code may be sent.
pub(super) const SENDS: usize = 5;
/// How many wrong codes there may be.
pub(super) const CHECKS: u32 = 5;

/// How often one verification may be fetched: within so long, so often (Twilio Verify, rate limits). What comes then
/// is not published; 429/20429 is what Twilio answers to too many requests elsewhere.
const FETCHES: [(Duration, usize); 3] =
    [(Duration::from_secs(60), 60), (Duration::from_secs(60 * 60), 180), (Duration::from_secs(24 * 60 * 60), 250)];

/// What became of a verification. That it is too old is not kept, but seen by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Pending,
    Approved,
    Canceled,
    /// Five wrong codes.
    Exhausted,
}

/// One verification.
pub(super) struct Verification {
    pub(super) sid: String,
    pub(super) to: Recipient,
    pub(super) channel: Channel,
    pub(super) status: Status,
    pub(super) code: String,
    /// Transaction data of a PSD2 service.
    pub(super) transaction: Option<Transaction>,
    pub(super) sends: Vec<Sent>,
    /// Wrong codes so far.
    pub(super) checks: u32,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) fetches: VecDeque<Timestamp>,
    /// With `LookupEnabled`, the kind of telephone that Lookup found.
    pub(super) looked_up: Option<PhoneKind>,
}

/// What a payment is about.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Transaction {
    pub(super) amount: String,
    pub(super) payee: String,
}

/// One delivery of the code.
pub(super) struct Sent {
    pub(super) time: Timestamp,
    pub(super) channel: Channel,
    pub(super) attempt: String,
}

/// The verifications of a service.
pub(super) struct Verifications {
    all: Shelf<Verification>,
    /// The newest of each recipient.
    newest: HashMap<String, String>,
}

impl Verification {
    /// Whether its code still counts, as far as the clock is concerned.
    fn young(&self, now: Timestamp) -> bool {
        now.duration_since(self.created) < LIFE
    }

    /// Whether it takes part: a start sends it again, a check compares with it.
    pub(super) fn current(&self, now: Timestamp) -> bool {
        matches!(self.status, Status::Pending | Status::Exhausted) && self.young(now)
    }

    /// Whether Twilio still knows it. A test against the service in 2026 found canceled ones and those with too many
    /// checks to stay; approved and expired ones are deleted (Twilio Verify, "Verification is deleted once …").
    fn kept(&self, now: Timestamp) -> bool {
        match self.status {
            Status::Pending => self.young(now),
            Status::Approved => false,
            Status::Canceled | Status::Exhausted => true,
        }
    }

    pub(super) const fn status_word(&self) -> &'static str {
        match self.status {
            Status::Pending => "pending",
            Status::Approved => "approved",
            Status::Canceled => "canceled",
            Status::Exhausted => "max_attempts_reached",
        }
    }

    /// Ends it with success.
    pub(super) fn approve(&mut self, attempts: &mut Attempts, now: Timestamp) {
        self.status = Status::Approved;
        self.updated = now;
        if let Some(last) = self.sends.last() {
            attempts.convert(&last.attempt, now);
        }
    }

    pub(super) fn body(&self, home: &Home) -> Value {
        let attempt = |sent: &Sent| json!({"time": iso(sent.time), "channel": sent.channel.as_attempt(), "attempt_sid": sent.attempt});
        let sna =
            (self.channel == Channel::Sna).then(|| json!({"url": format!("https://mi.dnlsrv.com/m/id/{}", self.sid)}));
        json!({
            "sid": self.sid,
            "service_sid": home.service(),
            "account_sid": home.account(),
            "to": self.to.as_str(),
            "channel": self.channel.name(),
            "status": self.status_word(),
            "valid": self.status == Status::Approved,
            "date_created": iso(self.created),
            "date_updated": iso(self.updated),
            "lookup": self.lookup(),
            "amount": self.transaction.as_ref().map(|transaction| &transaction.amount),
            "payee": self.transaction.as_ref().map(|transaction| &transaction.payee),
            "send_code_attempts": self.sends.iter().map(attempt).collect::<Vec<_>>(),
            "sna": sna,
            "url": home.url(&format!("Verifications/{}", self.sid)),
        })
    }

    fn lookup(&self) -> Value {
        let Some(kind) = self.looked_up else {
            return json!({});
        };
        let line = if kind == PhoneKind::Landline { "landline" } else { "mobile" };
        json!({"carrier": {
            "mobile_country_code": null, "mobile_network_code": null, "name": null, "type": line, "error_code": null,
        }})
    }

    /// Counts a fetch, unless there were too many.
    fn fetched(&mut self, now: Timestamp) -> Result<(), Refusal> {
        for (window, most) in FETCHES {
            let window = SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX);
            let recent = self.fetches.iter().filter(|fetch| now.duration_since(**fetch) < window).count();
            if recent >= most {
                return Err(Refusal::too_many());
            }
        }
        self.fetches.push_back(now);
        if self.fetches.len() > FETCHES[2].1 {
            self.fetches.pop_front();
        }
        Ok(())
    }
}

impl Verifications {
    pub(super) fn new() -> Self {
        Self { all: Shelf::new(), newest: HashMap::new() }
    }

    /// The one for this recipient that is neither over nor too old.
    pub(super) fn current(&mut self, to: &str, now: Timestamp) -> Option<&mut Verification> {
        let sid = self.newest.get(to)?;
        self.all.get_mut(sid).filter(|verification| verification.current(now))
    }

    pub(super) fn get_mut(&mut self, sid: &str) -> Option<&mut Verification> {
        self.all.get_mut(sid)
    }

    pub(super) fn insert(&mut self, verification: Verification) {
        let (to, sid) = (verification.to.as_str().to_owned(), verification.sid.clone());
        if let Some((gone, old)) = self.all.insert(&sid, verification)
            && self.newest.get(old.to.as_str()) == Some(&gone)
        {
            self.newest.remove(old.to.as_str());
        }
        self.newest.insert(to, sid);
    }

    /// `GET …/Verifications/{sid or recipient}`.
    pub(super) fn fetch(&mut self, context: &Context<'_>, home: &Home, which: &str) -> Outcome {
        let now = context.now();
        let known = self.named(which, now).filter(|verification| verification.kept(now));
        let verification = known.ok_or_else(|| context.not_found())?;
        verification.fetched(now)?;
        Ok(Reply::ok(verification.body(home)))
    }

    /// `POST …/Verifications/{sid or recipient}`.
    pub(super) fn update(
        &mut self,
        attempts: &mut Attempts,
        context: &Context<'_>,
        home: &Home,
        which: &str,
    ) -> Outcome {
        let now = context.now();
        let status = match context.asked.form.filled("Status") {
            Some("approved") => Status::Approved,
            Some("canceled") => Status::Canceled,
            _ => return Err(Refusal::parameter("Status")),
        };
        let current = self.named(which, now).filter(|verification| verification.current(now));
        let verification = current.ok_or_else(|| context.not_found())?;
        match (status, verification.status) {
            (Status::Approved, Status::Pending) => verification.approve(attempts, now),
            // That one with too many checks can be canceled, and cannot be approved, nobody documents; it is the
            // reading that lets a person begin again and nobody in.
            (Status::Canceled, _) => {
                verification.status = Status::Canceled;
                verification.updated = now;
            }
            _ => return Err(context.not_found()),
        }
        Ok(Reply::ok(verification.body(home)))
    }

    /// By SID, or by the number or address it was sent to. By the latter only what is not over is found.
    fn named(&mut self, which: &str, now: Timestamp) -> Option<&mut Verification> {
        if self.all.get(which).is_some() {
            return self.all.get_mut(which);
        }
        self.current(which, now)
    }
}
