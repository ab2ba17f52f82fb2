//! TOTP factors (RFC 6238): an app's secret, and the first code that proves that the app has it.

use std::collections::VecDeque;

use countersign::secrets::Secret;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use totp_rs::{Algorithm, Builder};

use super::Context;
use super::entity::{Entity, invalid, object, payload, text};
use super::service::Home;
use super::settings::Settings;
use crate::emulate::reply::{Outcome, Refusal, Reply, iso};

/// Wrong codes that a new factor outlives.
const ATTEMPTS: u32 = 5;
/// TOTP factors of one entity.
const FACTORS: usize = 100;
/// Factors that one entity may get in a day.
const PER_DAY: usize = 100;
/// Bytes of a secret that somebody else makes.
const LONGEST_SECRET: usize = 128;
/// What a key URI leaves as it is (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One authenticator app.
pub(super) struct Factor {
    pub(super) sid: String,
    friendly_name: String,
    pub(super) verified: bool,
    wrong: u32,
    /// In Base32, without padding.
    secret: Secret,
    issuer: String,
    pub(super) config: Config,
    metadata: Value,
    created: Timestamp,
    updated: Timestamp,
    /// When challenges were made for it, the last hundred.
    pub(super) challenges: VecDeque<Timestamp>,
}

/// What app and service must agree on.
#[derive(Clone, Copy)]
pub(super) struct Config {
    alg: Alg,
    skew: u32,
    pub(super) code_length: u32,
    time_step: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alg {
    Sha1,
    Sha256,
    Sha512,
}

/// What comes of comparing a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Comparison {
    /// It is one of the codes of the window.
    Right,
    /// It is not.
    Wrong,
}

/// `POST …/Factors`.
pub(super) fn create(entity: &mut Entity, context: &mut Context<'_>, home: &Home, settings: &Settings) -> Outcome {
    let now = context.now();
    let name = text(context, "FriendlyName", 64)?.ok_or_else(|| invalid("FriendlyName"))?;
    match context.asked.form.filled("FactorType") {
        Some("totp") => {}
        // Push and passkeys need a device that holds a key.
        Some("push" | "passkeys") => {
            return Err(Refusal::new(403, 60313, "Not allowed to create factor: only TOTP is emulated"));
        }
        _ => return Err(invalid("FactorType")),
    }
    let own = Config {
        alg: Alg::Sha1,
        skew: settings.totp.skew.unwrap_or(1),
        code_length: settings.totp.code_length.unwrap_or(6),
        time_step: settings.totp.time_step.unwrap_or(30),
    };
    let config = own.changed(context)?;
    let metadata = metadata(context)?;
    let secret = match text(context, "Binding.Secret", 2 * LONGEST_SECRET)? {
        None => totp_rs::Secret::from(context.stage.dice.draw::<20>().to_vec()),
        Some(given) => {
            let secret = totp_rs::Secret::try_from_base32(given).ok();
            let fits = secret.filter(|secret| (1..=LONGEST_SECRET).contains(&secret.as_ref().len()));
            fits.ok_or_else(|| Refusal::new(400, 60314, "Binding format is invalid"))?
        }
    };
    let secret = Secret::new(secret.to_base32());
    if entity.factors.iter().any(|factor| factor.secret.expose() == secret.expose()) {
        return Err(Refusal::new(409, 60317, "Factor already exists"));
    }
    if entity.factors.len() >= FACTORS {
        return Err(Refusal::new(400, 60315, "Max factors limit reached"));
    }
    if within(&entity.creations, now, SignedDuration::from_hours(24)) >= PER_DAY {
        return Err(Refusal::new(429, 60326, "Max factors created per day reached"));
    }
    remember(&mut entity.creations, now, PER_DAY);
    let factor = Factor {
        sid: context.stage.dice.sid("YF"),
        friendly_name: name.to_owned(),
        verified: false,
        wrong: 0,
        secret,
        issuer: settings.totp.issuer.clone().unwrap_or_else(|| settings.friendly_name.clone()),
        config,
        metadata,
        created: now,
        updated: now,
        challenges: VecDeque::new(),
    };
    let mut body = factor.body(entity, home);
    body["binding"] = json!({"secret": factor.secret.expose(), "uri": factor.uri()});
    body["options"] = Value::Null;
    let sid = factor.sid.clone();
    entity.factors.insert(&sid, factor);
    Ok(Reply::created(body))
}

/// Everything about factors but their creation.
pub(super) fn answer(entity: &mut Entity, context: &mut Context<'_>, home: &Home, rest: &[&str]) -> Outcome {
    match (rest, context.asked.method) {
        ([], "GET") => {
            let page = context.page(&home.path(&entity.below("Factors")))?;
            Ok(Reply::ok(page.verify("factors", entity.factors.iter().map(|factor| factor.body(entity, home)))))
        }
        ([sid], "GET") => {
            let factor = entity.factors.get(sid).ok_or_else(|| context.not_found())?;
            Ok(Reply::ok(factor.body(entity, home)))
        }
        ([sid], "POST") => {
            let factor = entity.factors.get_mut(sid).ok_or_else(|| context.not_found())?;
            factor.update(context)?;
            let factor = entity.factors.get(sid).ok_or_else(|| context.not_found())?;
            Ok(Reply::ok(factor.body(entity, home)))
        }
        ([sid], "DELETE") => entity.factors.remove(sid).map(|_| Reply::gone()).ok_or_else(|| context.not_found()),
        ([] | [_], _) => Err(Refusal::method()),
        _ => Err(context.not_found()),
    }
}

impl Factor {
    /// Compares with the codes of the window around now. That a code was accepted before does not matter: whether
    /// Twilio refuses it then is not published, and whoever relies on it should see that here.
    pub(super) fn compare(&self, code: &str, now: Timestamp) -> Comparison {
        let length = usize::try_from(self.config.code_length).unwrap_or(0);
        if code.len() != length || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Comparison::Wrong;
        }
        let Ok(secret) = totp_rs::Secret::try_from_base32(self.secret.expose()) else {
            return Comparison::Wrong;
        };
        let totp = Builder::new()
            .with_algorithm(self.config.alg.of_totp_rs())
            .with_digits(u8::try_from(self.config.code_length).unwrap_or(6))
            .with_skew(u16::try_from(self.config.skew).unwrap_or(1))
            .with_step_duration(self.config.time_step.into())
            .with_secret(secret)
            // Twilio also allows lengths that RFC 4226 does not, from 3 digits on. Length and step are in range.
            .build_noncompliant();
        let second = u64::try_from(now.as_second()).unwrap_or_default();
        match totp.check(code, second) {
            Some(_) => Comparison::Right,
            None => Comparison::Wrong,
        }
    }

    fn update(&mut self, context: &Context<'_>) -> Result<(), Refusal> {
        let now = context.now();
        let (name, payload) = (text(context, "FriendlyName", 64)?, payload(context)?);
        let config = self.config.changed(context)?;
        // What a code does to a factor that is verified already is not published; here it is not looked at.
        if let Some(payload) = payload.filter(|_| !self.verified) {
            if self.wrong >= ATTEMPTS {
                return Err(Refusal::new(429, 60310, "Max attempts reached"));
            }
            match self.compare(payload, now) {
                Comparison::Right => self.verified = true,
                // No error since 27 October 2021: the status stays unverified.
                Comparison::Wrong => self.wrong += 1,
            }
        }
        self.config = config;
        if let Some(name) = name {
            name.clone_into(&mut self.friendly_name);
        }
        self.updated = now;
        Ok(())
    }

    fn uri(&self) -> String {
        let escaped = |text| utf8_percent_encode(text, ESCAPED);
        let (issuer, name) = (escaped(&self.issuer), escaped(&self.friendly_name));
        let Config { alg, code_length, time_step, .. } = self.config;
        format!(
            "otpauth://totp/{issuer}:{name}?secret={}&issuer={issuer}&algorithm={}&digits={code_length}&period={time_step}",
            self.secret.expose(),
            alg.name().to_ascii_uppercase(),
        )
    }

    fn body(&self, entity: &Entity, home: &Home) -> Value {
        json!({
            "sid": self.sid,
            "account_sid": home.account(),
            "service_sid": home.service(),
            "entity_sid": entity.sid,
            "identity": entity.identity,
            "date_created": iso(self.created),
            "date_updated": iso(self.updated),
            "friendly_name": self.friendly_name,
            "status": if self.verified { "verified" } else { "unverified" },
            "factor_type": "totp",
            "config": {
                "alg": self.config.alg.name(),
                "skew": self.config.skew,
                "code_length": self.config.code_length,
                "time_step": self.config.time_step,
            },
            "metadata": self.metadata,
            "url": home.url(&entity.below(&format!("Factors/{}", self.sid))),
        })
    }
}

impl Config {
    fn changed(mut self, context: &Context<'_>) -> Result<Self, Refusal> {
        let form = &context.asked.form;
        let number = |name, range| super::parameter::number(form, name, range).map_err(|_| invalid(name));
        self.time_step = number("Config.TimeStep", 20..=60)?.unwrap_or(self.time_step);
        self.skew = number("Config.Skew", 0..=2)?.unwrap_or(self.skew);
        self.code_length = number("Config.CodeLength", 3..=8)?.unwrap_or(self.code_length);
        self.alg = match form.filled("Config.Alg") {
            None => self.alg,
            Some(name) => Alg::named(name).ok_or_else(|| invalid("Config.Alg"))?,
        };
        Ok(self)
    }
}

impl Alg {
    const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256, Self::Sha512].into_iter().find(|alg| alg.name() == name)
    }

    const fn of_totp_rs(self) -> Algorithm {
        match self {
            Self::Sha1 => Algorithm::SHA1,
            Self::Sha256 => Algorithm::SHA256,
            Self::Sha512 => Algorithm::SHA512,
        }
    }
}

/// A JSON object with texts in it.
fn metadata(context: &Context<'_>) -> Result<Value, Refusal> {
    let metadata = object(context, "Metadata")?;
    let texts = metadata.as_object().is_none_or(|object| object.values().all(Value::is_string));
    texts.then_some(metadata).ok_or_else(|| invalid("Metadata"))
}

/// How many moments lie within so long before now.
pub(super) fn within(moments: &VecDeque<Timestamp>, now: Timestamp, window: SignedDuration) -> usize {
    moments.iter().filter(|moment| now.duration_since(**moment) < window).count()
}

/// Adds a moment, and keeps the last so many.
pub(super) fn remember(moments: &mut VecDeque<Timestamp>, now: Timestamp, most: usize) {
    moments.push_back(now);
    if moments.len() > most {
        moments.pop_front();
    }
}
