//! Rate limits of a service's own, and their buckets. They act on starts that carry a key for them.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Context;
use super::parameter::{LONGEST, number, object, required, text};
use super::service::Home;
use crate::emulate::reply::{Outcome, Refusal, Reply, iso};
use crate::emulate::request::Fields;
use crate::emulate::shelf::Shelf;

/// Keys that a bucket counts at once; beyond it those that are over are forgotten, and then all.
const KEYS: usize = 10_000;

/// `"name": "value"` of a start's `RateLimits`: which limit, and by what it counts.
pub(super) struct Key {
    limit: String,
    value: String,
}

/// The rate limits of a service.
pub(super) struct RateLimits {
    all: Shelf<RateLimit>,
}

struct RateLimit {
    sid: String,
    unique_name: String,
    description: Option<String>,
    created: Timestamp,
    updated: Timestamp,
    buckets: Shelf<Bucket>,
}

struct Bucket {
    sid: String,
    max: u32,
    interval: u32,
    created: Timestamp,
    updated: Timestamp,
    /// By key: when its interval began, and how many starts there were since.
    counts: HashMap<String, (Timestamp, u32)>,
}

impl Key {
    pub(super) fn read(form: &Fields) -> Result<Vec<Self>, Refusal> {
        let keys = object(form, "RateLimits")?.unwrap_or_default();
        let key = |(limit, value): (String, Value)| match value {
            Value::String(value) => Ok(Self { limit, value }),
            _ => Err(Refusal::parameter("RateLimits")),
        };
        keys.into_iter().map(key).collect()
    }
}

impl RateLimits {
    pub(super) fn new() -> Self {
        Self { all: Shelf::new() }
    }

    /// Counts a start, unless one of the limits that it names is reached. Keys of no limit are ignored.
    pub(super) fn count(&mut self, keys: &[Key], now: Timestamp) -> Result<(), Refusal> {
        let named = |unique_name: &str| keys.iter().find(|key| key.limit == unique_name);
        for limit in self.all.iter() {
            let Some(key) = named(&limit.unique_name) else { continue };
            if let Some(wait) = limit.buckets.iter().filter_map(|bucket| bucket.wait(&key.value, now)).max() {
                let refusal = Refusal::too_many().with_header("Retry-After", wait.to_string());
                // The specification declares the header and does not say what is in it.
                return Err(refusal.with_header("Twilio-Reached-Rate-Limit", limit.unique_name.clone()));
            }
        }
        for limit in self.all.iter_mut() {
            let Some(key) = named(&limit.unique_name) else { continue };
            limit.buckets.iter_mut().for_each(|bucket| bucket.count(&key.value, now));
        }
        Ok(())
    }

    pub(super) fn answer(&mut self, context: &mut Context<'_>, home: &Home, rest: &[&str]) -> Outcome {
        match (rest, context.asked.method) {
            ([], "GET") => {
                let page = context.page(&home.path("RateLimits"))?;
                Ok(Reply::ok(page.verify("rate_limits", self.all.iter().map(|limit| limit.body(home)))))
            }
            ([], "POST") => self.create(context, home),
            ([sid], "DELETE") => self.all.remove(sid).map(|_| Reply::gone()).ok_or_else(|| context.not_found()),
            ([sid, below @ ..], method) => {
                let limit = self.all.get_mut(sid).ok_or_else(|| context.not_found())?;
                match (below, method) {
                    ([], "GET") => Ok(Reply::ok(limit.body(home))),
                    ([], "POST") => {
                        if let Some(description) = text(&context.asked.form, "Description", LONGEST)? {
                            limit.description = Some(description.to_owned());
                        }
                        limit.updated = context.now();
                        Ok(Reply::ok(limit.body(home)))
                    }
                    (["Buckets", below @ ..], _) => limit.buckets(context, home, below),
                    ([], _) => Err(Refusal::method()),
                    _ => Err(context.not_found()),
                }
            }
            ([], _) => Err(Refusal::method()),
        }
    }

    fn create(&mut self, context: &mut Context<'_>, home: &Home) -> Outcome {
        let name = required(&context.asked.form, "UniqueName", LONGEST)?;
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            return Err(Refusal::new(400, 60209, "UniqueName has an invalid format"));
        }
        if self.all.iter().any(|limit| limit.unique_name == name) {
            return Err(Refusal::new(400, 60208, "Rate limit with this UniqueName already exists"));
        }
        let limit = RateLimit {
            sid: context.stage.dice.sid("RK"),
            unique_name: name.to_owned(),
            description: text(&context.asked.form, "Description", LONGEST)?.map(str::to_owned),
            created: context.now(),
            updated: context.now(),
            buckets: Shelf::new(),
        };
        let (sid, body) = (limit.sid.clone(), limit.body(home));
        self.all.insert(&sid, limit);
        Ok(Reply::created(body))
    }
}

impl RateLimit {
    fn body(&self, home: &Home) -> Value {
        let url = home.url(&format!("RateLimits/{}", self.sid));
        json!({
            "sid": self.sid,
            "service_sid": home.service(),
            "account_sid": home.account(),
            "unique_name": self.unique_name,
            "description": self.description,
            "date_created": iso(self.created),
            "date_updated": iso(self.updated),
            "links": {"buckets": format!("{url}/Buckets")},
            "url": url,
        })
    }

    fn buckets(&mut self, context: &mut Context<'_>, home: &Home, rest: &[&str]) -> Outcome {
        let form = &context.asked.form;
        let now = context.now();
        match (rest, context.asked.method) {
            ([], "GET") => {
                let page = context.page(&home.path(&format!("RateLimits/{}/Buckets", self.sid)))?;
                let entries = self.buckets.iter().map(|bucket| bucket.body(home, &self.sid));
                Ok(Reply::ok(page.verify("buckets", entries)))
            }
            ([], "POST") => {
                let max = number(form, "Max", 1..=u32::MAX)?.ok_or_else(|| Refusal::parameter("Max"))?;
                let interval = number(form, "Interval", 1..=u32::MAX)?;
                let interval = interval.ok_or_else(|| Refusal::parameter("Interval"))?;
                self.unused(interval, None)?;
                let sid = context.stage.dice.sid("BL");
                let bucket = Bucket { sid, max, interval, created: now, updated: now, counts: HashMap::new() };
                let (sid, body) = (bucket.sid.clone(), bucket.body(home, &self.sid));
                self.buckets.insert(&sid, bucket);
                Ok(Reply::created(body))
            }
            ([], _) => Err(Refusal::method()),
            ([sid], "DELETE") => self.buckets.remove(sid).map(|_| Reply::gone()).ok_or_else(|| context.not_found()),
            ([sid], "GET" | "POST") => {
                let (max, interval) = (number(form, "Max", 1..=u32::MAX)?, number(form, "Interval", 1..=u32::MAX)?);
                if let Some(interval) = interval.filter(|_| context.asked.method == "POST") {
                    self.unused(interval, Some(sid))?;
                }
                let bucket = self.buckets.get_mut(sid).ok_or_else(|| context.not_found())?;
                if context.asked.method == "POST" {
                    bucket.max = max.unwrap_or(bucket.max);
                    bucket.interval = interval.unwrap_or(bucket.interval);
                    bucket.updated = now;
                }
                Ok(Reply::ok(bucket.body(home, &self.sid)))
            }
            ([_], _) => Err(Refusal::method()),
            _ => Err(context.not_found()),
        }
    }

    fn unused(&self, interval: u32, except: Option<&str>) -> Result<(), Refusal> {
        let taken = |bucket: &Bucket| bucket.interval == interval && except != Some(&*bucket.sid);
        match self.buckets.iter().any(taken) {
            true => Err(Refusal::new(400, 60211, "Bucket with this Interval already exists")),
            false => Ok(()),
        }
    }
}

impl Bucket {
    /// Seconds until another start is allowed, where none is now. Twilio does not say how it counts; here an interval
    /// begins with the first start after the last one was over.
    fn wait(&self, key: &str, now: Timestamp) -> Option<i64> {
        let (began, count) = self.counts.get(key)?;
        let left = self.interval().saturating_sub(now.duration_since(*began));
        // A part of a second is waited for as a whole one.
        let seconds = left.as_secs() + i64::from(left.subsec_nanos() > 0);
        (*count >= self.max && left > SignedDuration::ZERO).then_some(seconds)
    }

    fn count(&mut self, key: &str, now: Timestamp) {
        let interval = self.interval();
        if self.counts.len() >= KEYS {
            self.counts.retain(|_, (began, _)| now.duration_since(*began) < interval);
        }
        if self.counts.len() >= KEYS {
            self.counts.clear();
        }
        let count = self.counts.entry(key.to_owned()).or_insert((now, 0));
        if now.duration_since(count.0) >= interval {
            *count = (now, 0);
        }
        count.1 = count.1.saturating_add(1);
    }

    fn interval(&self) -> SignedDuration {
        SignedDuration::from_secs(self.interval.into())
    }

    fn body(&self, home: &Home, limit: &str) -> Value {
        json!({
            "sid": self.sid,
            "rate_limit_sid": limit,
            "service_sid": home.service(),
            "account_sid": home.account(),
            "max": self.max,
            "interval": self.interval,
            "date_created": iso(self.created),
            "date_updated": iso(self.updated),
            "url": home.url(&format!("RateLimits/{limit}/Buckets/{}", self.sid)),
        })
    }
}
