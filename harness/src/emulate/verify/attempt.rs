//! `/v2/Attempts`: every delivery of a code, and how many were worth it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Context;
use super::channel::Channel;
use super::verification::LIFE;
use crate::emulate::reply::{Outcome, Refusal, Reply, iso};
use crate::emulate::request::Fields;
use crate::emulate::shelf::Shelf;

/// One delivery.
pub(super) struct Attempt {
    pub(super) sid: String,
    pub(super) account: String,
    pub(super) service: String,
    pub(super) verification: String,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    /// Whether the code was used.
    pub(super) converted: bool,
    pub(super) channel: Channel,
    pub(super) arrived: bool,
    pub(super) to: String,
    pub(super) country: Option<String>,
    pub(super) code_length: usize,
    pub(super) locale: String,
}

/// The last deliveries of all accounts.
pub(super) struct Attempts {
    all: Shelf<Attempt>,
}

/// What a list or summary is restricted to.
struct Filter<'a> {
    account: &'a str,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
    converted: Option<bool>,
    query: &'a Fields,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self { all: Shelf::new() }
    }

    pub(super) fn record(&mut self, attempt: Attempt) {
        let sid = attempt.sid.clone();
        self.all.insert(&sid, attempt);
    }

    /// The code that was delivered by it was used.
    pub(super) fn convert(&mut self, sid: &str, now: Timestamp) {
        if let Some(attempt) = self.all.get_mut(sid) {
            attempt.converted = true;
            attempt.updated = now;
        }
    }

    pub(super) fn answer(&self, context: &mut Context<'_>, rest: &[&str]) -> Outcome {
        if !matches!(rest, [] | [_]) {
            return Err(context.not_found());
        }
        if context.asked.method != "GET" {
            return Err(Refusal::method());
        }
        let filter = Filter::read(context)?;
        let own = self.all.iter().filter(|attempt| filter.admits(attempt));
        match rest {
            [] => {
                let page = context.page("/Attempts")?;
                Ok(Reply::ok(page.verify("attempts", own.map(|attempt| attempt.body(context)))))
            }
            ["Summary"] => {
                let (total, converted) =
                    own.fold((0_u64, 0_u64), |(all, used), one| (all + 1, used + u64::from(one.converted)));
                Ok(Reply::ok(json!({
                    "total_attempts": total,
                    "total_converted": converted,
                    "total_unconverted": total - converted,
                    "conversion_rate_percentage": percentage(converted, total),
                    "url": format!("{}/Attempts/Summary", context.root),
                })))
            }
            [sid, ..] => {
                let attempt = self.all.get(sid).filter(|attempt| attempt.account == context.account);
                Ok(Reply::ok(attempt.ok_or_else(|| context.not_found())?.body(context)))
            }
        }
    }
}

impl Attempt {
    fn body(&self, context: &Context<'_>) -> Value {
        let status = match self.converted {
            true => "confirmed",
            false if context.now().duration_since(self.created) >= LIFE => "expired",
            false => "unconfirmed",
        };
        let mut data = json!({
            "verification_sid": self.verification,
            "to": self.to,
            "status": status,
            "country": self.country,
            "code_length": self.code_length,
            "locale": self.locale,
            "mcc": null,
            "mnc": null,
            "carrier": null,
            // 30003: the handset cannot be reached (Twilio, message delivery errors).
            "error_code": if self.arrived { None } else { Some("30003") },
        });
        match self.channel {
            Channel::Call => data["call_status"] = json!(if self.arrived { "completed" } else { "no-answer" }),
            _ => data["message_status"] = json!(if self.arrived { "delivered" } else { "undelivered" }),
        }
        json!({
            "sid": self.sid,
            "account_sid": self.account,
            "service_sid": self.service,
            "verification_sid": self.verification,
            "date_created": iso(self.created),
            "date_updated": iso(self.updated),
            "conversion_status": if self.converted { "converted" } else { "unconverted" },
            "channel": self.channel.name(),
            "price": {"value": "0.05", "currency": "usd"},
            "channel_data": data,
            "url": format!("{}/Attempts/{}", context.root, self.sid),
        })
    }
}

impl<'a> Filter<'a> {
    fn read(context: &'a Context<'_>) -> Result<Self, Refusal> {
        let query = &context.asked.query;
        let moment = |name| -> Result<Option<Timestamp>, Refusal> {
            query.filled(name).map(str::parse).transpose().map_err(|_| Refusal::parameter(name))
        };
        // The prose of the API reference has the words in capitals, its list of values in small letters.
        let converted = match query.filled("Status").map(str::to_ascii_lowercase).as_deref() {
            None => None,
            Some("converted") => Some(true),
            Some("unconverted") => Some(false),
            Some(_) => return Err(Refusal::parameter("Status")),
        };
        let (after, before) = (moment("DateCreatedAfter")?, moment("DateCreatedBefore")?);
        Ok(Self { account: context.account, after, before, converted, query })
    }

    fn admits(&self, attempt: &Attempt) -> bool {
        let equal = |name, value: &str| self.query.filled(name).is_none_or(|wanted| wanted == value);
        let country = attempt.country.as_deref().unwrap_or_default();
        attempt.account == self.account
            && self.after.is_none_or(|after| attempt.created >= after)
            && self.before.is_none_or(|before| attempt.created <= before)
            && self.converted.is_none_or(|converted| attempt.converted == converted)
            && equal("ChannelData.To", &attempt.to)
            && equal("Country", country)
            && equal("Channel", attempt.channel.name())
            && equal("VerifyServiceSid", &attempt.service)
            && equal("VerificationSid", &attempt.verification)
            && self.query.filled("DestinationPrefix").is_none_or(|prefix| attempt.to.starts_with(prefix))
    }
}

/// With nine decimals, as in Twilio's example, cut and not rounded.
fn percentage(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0".to_owned();
    }
    let scaled = u128::from(part) * 100_000_000_000 / u128::from(whole);
    format!("{}.{:09}", scaled / 1_000_000_000, scaled % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::percentage;

    #[test]
    fn the_percentage_is_written_as_in_the_documented_example() {
        assert_eq!(percentage(9, 11), "81.818181818");
        assert_eq!(percentage(0, 0), "0");
        assert_eq!(percentage(2, 2), "100.000000000");
    }
}
