//! Entities: the persons of an application, and the factors and challenges of each.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Context;
use super::challenge;
use super::factor::{self, Factor};
use super::parameter::LONGEST;
use super::service::Home;
use super::settings::Settings;
use crate::emulate::reply::{Outcome, Refusal, Reply, iso};
use crate::emulate::shelf::Shelf;

/// Characters of an identity.
const IDENTITY: std::ops::RangeInclusive<usize> = 8..=64;

/// The entities of a service, by identity.
pub(super) struct Entities {
    all: Shelf<Entity>,
}

/// One entity.
pub(super) struct Entity {
    pub(super) sid: String,
    pub(super) identity: String,
    created: Timestamp,
    pub(super) factors: Shelf<Factor>,
    pub(super) challenges: Shelf<challenge::Challenge>,
    /// When factors were made, the last hundred.
    pub(super) creations: VecDeque<Timestamp>,
}

impl Entities {
    pub(super) fn new() -> Self {
        Self { all: Shelf::new() }
    }

    pub(super) fn answer(
        &mut self,
        context: &mut Context<'_>,
        home: &Home,
        settings: &Settings,
        rest: &[&str],
    ) -> Outcome {
        match (rest, context.asked.method) {
            ([], "GET") => {
                let page = context.page(&home.path("Entities"))?;
                Ok(Reply::ok(page.verify("entities", self.all.iter().map(|entity| entity.body(home)))))
            }
            ([], "POST") => {
                let identity = context.asked.form.filled("Identity").unwrap_or_default();
                if self.all.get(identity).is_some() {
                    return Err(Refusal::new(409, 60301, "Entity already exists"));
                }
                let entity = Entity::new(context, identity)?;
                let body = entity.body(home);
                self.all.insert(identity, entity);
                Ok(Reply::created(body))
            }
            ([], _) => Err(Refusal::method()),
            ([identity, "Factors"], "POST") => {
                // That a factor for an unknown identity makes its entity is commonly said, and not published.
                if self.all.get(identity).is_none() {
                    let entity = Entity::new(context, identity)?;
                    self.all.insert(identity, entity);
                }
                let entity = self.all.get_mut(identity).ok_or_else(|| context.not_found())?;
                factor::create(entity, context, home, settings)
            }
            ([identity], "DELETE") => {
                self.all.remove(identity).map(|_| Reply::gone()).ok_or_else(|| context.not_found())
            }
            ([identity, below @ ..], method) => {
                let entity = self.all.get_mut(identity).ok_or_else(|| context.not_found())?;
                match (below, method) {
                    ([], "GET") => Ok(Reply::ok(entity.body(home))),
                    ([], _) => Err(Refusal::method()),
                    (["Factors", below @ ..], _) => factor::answer(entity, context, home, below),
                    (["Challenges", below @ ..], _) => challenge::answer(entity, context, home, below),
                    _ => Err(context.not_found()),
                }
            }
        }
    }
}

impl Entity {
    fn new(context: &mut Context<'_>, identity: &str) -> Result<Self, Refusal> {
        let plain = identity.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !plain || !IDENTITY.contains(&identity.len()) {
            return Err(invalid("Identity"));
        }
        Ok(Self {
            sid: context.stage.dice.sid("YE"),
            identity: identity.to_owned(),
            created: context.now(),
            factors: Shelf::new(),
            challenges: Shelf::new(),
            creations: VecDeque::new(),
        })
    }

    /// The path of something below the entity, as [`Home::url`] and [`Home::path`] want it.
    pub(super) fn below(&self, below: &str) -> String {
        format!("Entities/{}/{below}", self.identity)
    }

    fn body(&self, home: &Home) -> Value {
        let factors = home.url(&self.below("Factors"));
        json!({
            "sid": self.sid,
            "identity": self.identity,
            "account_sid": home.account(),
            "service_sid": home.service(),
            "date_created": iso(self.created),
            "date_updated": iso(self.created),
            "url": home.url(&format!("Entities/{}", self.identity)),
            "links": {
                "factors": factors,
                "new_factors": factors,
                "challenges": home.url(&self.below("Challenges")),
            },
        })
    }
}

/// 400/60306, the one refusal for malformed parameters of entities, factors and challenges.
pub(super) fn invalid(name: &str) -> Refusal {
    Refusal::new(400, 60306, format!("Invalid request: {name}"))
}

/// Text of at most so many characters; `None` where there is none.
pub(super) fn text<'a>(context: &Context<'a>, name: &str, longest: usize) -> Result<Option<&'a str>, Refusal> {
    super::parameter::text(&context.asked.form, name, longest.min(4 * LONGEST)).map_err(|_| invalid(name))
}

/// A code as somebody typed it: 3 to 8 characters.
pub(super) fn payload<'a>(context: &Context<'a>) -> Result<Option<&'a str>, Refusal> {
    let payload = text(context, "AuthPayload", 8)?;
    match payload {
        Some(payload) if payload.chars().count() < 3 => Err(invalid("AuthPayload")),
        other => Ok(other),
    }
}

/// A JSON object in one field, `null` where there is none.
pub(super) fn object(context: &Context<'_>, name: &str) -> Result<Value, Refusal> {
    let Some(text) = text(context, name, 1024)? else {
        return Ok(Value::Null);
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(Value::Object(object)),
        _ => Err(invalid(name)),
    }
}
