//! One Verify service, and what is below it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Context;
use super::attempt::Attempts;
use super::channel::Channel;
use super::check;
use super::entity::Entities;
use super::parameter::brand;
use super::rate_limit::RateLimits;
use super::settings::Settings;
use super::start;
use super::verification::Verifications;
use crate::emulate::reply::{Outcome, Refusal, Reply, iso};

/// The brand of services that were there from the beginning.
const BRAND: &str = "Countersign";

/// A service.
pub(super) struct Service {
    sid: String,
    account: String,
    created: Timestamp,
    updated: Timestamp,
    pub(super) settings: Settings,
    /// Channels that are switched off.
    pub(super) off: BTreeSet<Channel>,
    pub(super) verifications: Verifications,
    pub(super) rate_limits: RateLimits,
    entities: Entities,
}

impl Service {
    pub(super) fn original(sid: &str, account: &str, now: Timestamp) -> Self {
        Self::new(sid.to_owned(), account, now, Settings::new(BRAND.to_owned()))
    }

    pub(super) fn create(context: &mut Context<'_>) -> Result<Self, Refusal> {
        let form = &context.asked.form;
        let name = brand(form, "FriendlyName")?.ok_or_else(|| Refusal::parameter("FriendlyName"))?;
        let settings = Settings::new(name.to_owned()).changed(form)?;
        Ok(Self::new(context.stage.dice.sid("VA"), context.account, context.now(), settings))
    }

    fn new(sid: String, account: &str, now: Timestamp, settings: Settings) -> Self {
        Self {
            sid,
            account: account.to_owned(),
            created: now,
            updated: now,
            settings,
            off: BTreeSet::new(),
            verifications: Verifications::new(),
            rate_limits: RateLimits::new(),
            entities: Entities::new(),
        }
    }

    pub(super) fn sid(&self) -> &str {
        &self.sid
    }

    pub(super) fn account(&self) -> &str {
        &self.account
    }

    pub(super) fn switch(&mut self, channel: Channel, enabled: bool) {
        if enabled {
            self.off.remove(&channel);
        } else {
            self.off.insert(channel);
        }
    }

    /// Answers what is about the service or below it; `rest` is the path after its SID.
    pub(super) fn answer(&mut self, context: &mut Context<'_>, attempts: &mut Attempts, rest: &[&str]) -> Outcome {
        let home = Home { root: context.root.clone(), account: self.account.clone(), service: self.sid.clone() };
        match (rest, context.asked.method) {
            ([], "GET") => Ok(Reply::ok(self.body(context))),
            ([], "POST") => {
                self.settings = self.settings.changed(&context.asked.form)?;
                self.updated = context.now();
                Ok(Reply::ok(self.body(context)))
            }
            (["Verifications"], "POST") => start::start(self, attempts, context, &home),
            (["Verifications", which], "GET") => self.verifications.fetch(context, &home, which),
            (["Verifications", which], "POST") => self.verifications.update(attempts, context, &home, which),
            (["VerificationCheck"], "POST") => check::check(self, attempts, context, &home),
            ([] | ["Verifications"] | ["Verifications", _] | ["VerificationCheck"], _) => Err(Refusal::method()),
            (["RateLimits", below @ ..], _) => self.rate_limits.answer(context, &home, below),
            (["Entities", below @ ..], _) => self.entities.answer(context, &home, &self.settings, below),
            _ => Err(context.not_found()),
        }
    }

    pub(super) fn body(&self, context: &Context<'_>) -> Value {
        let url = format!("{}/Services/{}", context.root, self.sid);
        let mut body = self.settings.body();
        let more = json!({
            "sid": self.sid,
            "account_sid": self.account,
            "date_created": iso(self.created),
            "date_updated": iso(self.updated),
            "links": {
                "verification_checks": format!("{url}/VerificationCheck"),
                "verifications": format!("{url}/Verifications"),
                "rate_limits": format!("{url}/RateLimits"),
                "messaging_configurations": format!("{url}/MessagingConfigurations"),
                "entities": format!("{url}/Entities"),
                "webhooks": format!("{url}/Webhooks"),
                "access_tokens": format!("{url}/AccessTokens"),
            },
            "url": url,
        });
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
        }
        body
    }
}

/// Where a resource of a service belongs, as its body repeats it.
pub(super) struct Home {
    root: String,
    account: String,
    service: String,
}

impl Home {
    pub(super) fn account(&self) -> &str {
        &self.account
    }

    pub(super) fn service(&self) -> &str {
        &self.service
    }

    /// The path of something below the service, without the root.
    pub(super) fn path(&self, below: &str) -> String {
        format!("/Services/{}/{below}", self.service)
    }

    /// Its address.
    pub(super) fn url(&self, below: &str) -> String {
        format!("{}{}", self.root, self.path(below))
    }
}
