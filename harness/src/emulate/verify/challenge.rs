//! Challenges: a verified factor is asked for a code.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Context;
use super::entity::{Entity, invalid, object, payload, text};
use super::factor::{Comparison, Factor, remember, within};
use super::service::Home;
use crate::emulate::clock::later;
use crate::emulate::reply::{Outcome, Refusal, Reply, iso};
use crate::emulate::request::Fields;

/// Wrong codes that a challenge outlives.
const ATTEMPTS: u32 = 5;
/// How long a challenge waits where nobody says how long.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// The longest that one may wait.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_mins(60);
/// Fields that a challenge may show.
const FIELDS: usize = 20;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// The most challenges of a factor that matter to its limits.
const REMEMBERED: usize = 100;

/// One challenge.
pub(super) struct Challenge {
    sid: String,
    factor: String,
    created: Timestamp,
    updated: Timestamp,
    expires: Timestamp,
    /// When the right code came.
    approved: Option<Timestamp>,
    wrong: u32,
    details: Value,
    hidden_details: Value,
    metadata: Value,
}

pub(super) fn answer(entity: &mut Entity, context: &mut Context<'_>, home: &Home, rest: &[&str]) -> Outcome {
    match (rest, context.asked.method) {
        ([], "GET") => list(entity, context, home),
        ([], "POST") => create(entity, context, home),
        ([sid], "GET") => {
            let challenge = entity.challenges.get(sid).ok_or_else(|| context.not_found())?;
            Ok(Reply::ok(challenge.body(entity, home, context.now())))
        }
        ([sid], "POST") => {
            let now = context.now();
            let payload = payload(context)?.ok_or_else(|| invalid("AuthPayload"))?;
            let metadata = object(context, "Metadata")?;
            let Entity { challenges, factors, .. } = entity;
            let challenge = challenges.get_mut(sid).ok_or_else(|| context.not_found())?;
            let factor = factors.get(&challenge.factor).ok_or_else(|| context.not_found())?;
            challenge.respond(factor, payload, now)?;
            if !metadata.is_null() {
                challenge.metadata = metadata;
            }
            let challenge = entity.challenges.get(sid).ok_or_else(|| context.not_found())?;
            Ok(Reply::ok(challenge.body(entity, home, now)))
        }
        ([] | [_], _) => Err(Refusal::method()),
        _ => Err(context.not_found()),
    }
}

fn list(entity: &Entity, context: &mut Context<'_>, home: &Home) -> Outcome {
    let (query, now) = (&context.asked.query, context.now());
    let wanted = |challenge: &&Challenge| {
        query.filled("FactorSid").is_none_or(|sid| sid == challenge.factor)
            && query.filled("Status").is_none_or(|status| status == challenge.status(now))
    };
    let mut found: Vec<&Challenge> = entity.challenges.iter().filter(wanted).collect();
    match query.filled("Order") {
        None | Some("asc") => {}
        Some("desc") => found.reverse(),
        Some(_) => return Err(invalid("Order")),
    }
    let page = context.page(&home.path(&entity.below("Challenges")))?;
    let entries = found.into_iter().map(|challenge| challenge.body(entity, home, now));
    Ok(Reply::ok(page.verify("challenges", entries)))
}

fn create(entity: &mut Entity, context: &mut Context<'_>, home: &Home) -> Outcome {
    let now = context.now();
    let form = &context.asked.form;
    let factor = text(context, "FactorSid", 34)?.ok_or_else(|| invalid("FactorSid"))?;
    let payload = payload(context)?;
    let expires = expiration(form, now)?;
    let (details, hidden_details) = (details(context, now)?, object(context, "HiddenDetails")?);
    let factor = entity.factors.get_mut(factor).ok_or_else(|| context.not_found())?;
    if !factor.verified {
        return Err(Refusal::new(403, 60318, "Factor is unverified"));
    }
    let (hour, day) = (within(&factor.challenges, now, HOUR), within(&factor.challenges, now, DAY));
    let too_many = if factor.config.code_length <= 4 { day >= 10 } else { hour >= 50 || day >= REMEMBERED };
    if too_many {
        return Err(Refusal::new(429, 60312, "Max challenges for this factor reached"));
    }
    remember(&mut factor.challenges, now, REMEMBERED);
    let mut challenge = Challenge {
        sid: context.stage.dice.sid("YC"),
        factor: factor.sid.clone(),
        created: now,
        updated: now,
        expires,
        approved: None,
        wrong: 0,
        details,
        hidden_details,
        metadata: Value::Null,
    };
    if let Some(payload) = payload {
        challenge.respond(factor, payload, now)?;
    }
    let body = challenge.body(entity, home, now);
    let sid = challenge.sid.clone();
    entity.challenges.insert(&sid, challenge);
    Ok(Reply::created(body))
}

impl Challenge {
    fn respond(&mut self, factor: &Factor, payload: &str, now: Timestamp) -> Result<(), Refusal> {
        match self.status(now) {
            "approved" => return Err(Refusal::new(403, 60322, "Challenge was already responded")),
            "expired" => return Err(Refusal::new(403, 60323, "Challenge expired")),
            _ if self.wrong >= ATTEMPTS => return Err(Refusal::new(429, 60308, "Max attempts reached")),
            _ => {}
        }
        self.updated = now;
        match factor.compare(payload, now) {
            Comparison::Right => self.approved = Some(now),
            // As for factors, a wrong code is no error since 27 October 2021; before, it was 403/60324.
            Comparison::Wrong => self.wrong += 1,
        }
        Ok(())
    }

    fn status(&self, now: Timestamp) -> &'static str {
        match self.approved {
            Some(_) => "approved",
            None if now >= self.expires => "expired",
            None => "pending",
        }
    }

    fn body(&self, entity: &Entity, home: &Home, now: Timestamp) -> Value {
        let url = home.url(&entity.below(&format!("Challenges/{}", self.sid)));
        json!({
            "sid": self.sid,
            "account_sid": home.account(),
            "service_sid": home.service(),
            "entity_sid": entity.sid,
            "identity": entity.identity,
            "factor_sid": self.factor,
            "date_created": iso(self.created),
            "date_updated": iso(self.updated),
            // Twilio's example has a date also while it is pending; here there is none before there is a response.
            "date_responded": self.approved.map(iso),
            "expiration_date": iso(self.expires),
            "status": self.status(now),
            "responded_reason": "none",
            "details": self.details,
            "hidden_details": self.hidden_details,
            "metadata": self.metadata,
            "factor_type": "totp",
            "links": {"notifications": format!("{url}/Notifications")},
            "url": url,
        })
    }
}

fn expiration(form: &Fields, now: Timestamp) -> Result<Timestamp, Refusal> {
    let Some(text) = form.filled("ExpirationDate") else {
        return Ok(later(now, LIFE));
    };
    let date: Option<Timestamp> = text.parse().ok();
    let fits = date.filter(|date| {
        let life = date.duration_since(now);
        life > SignedDuration::ZERO && life <= LONGEST_LIFE
    });
    fits.ok_or_else(|| invalid("ExpirationDate"))
}

fn details(context: &Context<'_>, now: Timestamp) -> Result<Value, Refusal> {
    let message = text(context, "Details.Message", 256)?;
    let fields = context.asked.form.iter().filter(|(name, _)| *name == "Details.Fields");
    let field = |(_, text): (&str, &str)| {
        let field: Value = serde_json::from_str(text).map_err(|_| invalid("Details.Fields"))?;
        let plain = text.len() <= 1024 && field["label"].is_string() && field["value"].is_string();
        plain.then_some(field).ok_or_else(|| invalid("Details.Fields"))
    };
    let fields = fields.map(field).collect::<Result<Vec<_>, _>>()?;
    if fields.len() > FIELDS {
        return Err(invalid("Details.Fields"));
    }
    if message.is_none() && fields.is_empty() {
        return Ok(Value::Null);
    }
    Ok(json!({"message": message, "date": iso(now), "fields": fields}))
}
