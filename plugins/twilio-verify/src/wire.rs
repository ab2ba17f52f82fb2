//! Requests to Verify, and what its replies say.

use countersign_plugin::{Code, Effect, Endpoint, Failure, FailureKind, Phone, Reply, Request};
use serde::Deserialize;
use serde_json::Value;

use crate::config::{Config, Sid};
use crate::failures;

/// How long a verification lives unless Twilio's support has set another time for the service.
const LIFETIME_SECONDS: u64 = 600;

/// Languages that Verify speaks and writes. Others must not be asked for: Twilio chooses by the
/// number's country then, which is better than a refusal.
const LOCALES: [&str; 35] = [
    "af", "ar", "ca", "zh", "zh-CN", "zh-HK", "hr", "cs", "da", "nl", "en", "fi", "fr", "de", "el", "he", "hi", "hu",
    "id", "it", "ja", "ko", "ms", "nb", "pl", "pt-BR", "pt", "ro", "ru", "es", "sv", "tl", "th", "tr", "vi",
];

/// Twilio's word for a channel of ours.
pub(crate) fn channel(name: &str) -> Result<&'static str, Failure> {
    match name {
        "sms" => Ok("sms"),
        "voice" => Ok("call"),
        _ => Err(Failure::new(
            FailureKind::Unsupported,
            "twilio-verify offers the channels `sms` and `voice` only; see the service's provider in the bootstrap",
        )),
    }
}

/// Sends a code. Not idempotent: within ten minutes Twilio sends the same code once more.
pub(crate) fn start(config: &Config, to: &Phone, channel: &str, locale: Option<&str>) -> Request {
    let request = post(config, &["Verifications"]).form([("To", to.e164.as_str()), ("Channel", channel)]);
    match locale.and_then(known_locale) {
        Some(locale) => request.form([("Locale", locale)]),
        None => request,
    }
}

/// Checks a code. Each check uses up one of five tries.
pub(crate) fn check(config: &Config, verification: &Sid, code: &Code) -> Request {
    post(config, &["VerificationCheck"]).form([("VerificationSid", verification.as_str()), ("Code", code.as_str())])
}

/// Makes the code of a verification worthless.
pub(crate) fn cancel(config: &Config, verification: &Sid) -> Request {
    post(config, &["Verifications", verification.as_str()]).effect(Effect::Idempotent).form([("Status", "canceled")])
}

/// Asks how a verification is.
pub(crate) fn fetch(config: &Config, verification: &Sid) -> Request {
    get(config, &["Verifications", verification.as_str()])
}

/// Asks for the service itself: works with every kind of credentials and changes nothing.
pub(crate) fn fetch_service(config: &Config) -> Request {
    get(config, &[])
}

fn post(config: &Config, below: &[&str]) -> Request {
    Request::post(endpoint(config, below)).basic_auth(config.auth_id.as_str(), &config.auth_token)
}

fn get(config: &Config, below: &[&str]) -> Request {
    Request::get(endpoint(config, below)).basic_auth(config.auth_id.as_str(), &config.auth_token)
}

fn endpoint(config: &Config, below: &[&str]) -> Endpoint {
    Endpoint::new(&config.base).path(["v2", "Services", config.service.as_str()]).path(below)
}

/// The tag itself, or else its language alone: `de-AT` becomes `de`. Tags may be written as POSIX
/// locales are (`pt_BR`).
fn known_locale(tag: &str) -> Option<&'static str> {
    let known = |wanted: &str| LOCALES.into_iter().find(|locale| locale.eq_ignore_ascii_case(wanted));
    let language = tag.split(['-', '_']).next()?;
    // Norwegian without saying which one is written as Bokmål.
    let language = if language.eq_ignore_ascii_case("no") { "nb" } else { language };
    known(&tag.replace('_', "-")).or_else(|| known(language))
}

/// The verification that a 2xx reply is about, whatever else the reply says.
pub(crate) fn named(reply: &Reply) -> Result<Sid, Failure> {
    #[derive(Deserialize)]
    struct Named {
        sid: String,
    }
    let named: Named = reply.json()?;
    Sid::parse("VE", &named.sid).ok_or_else(|| failures::inconsistent("its `sid` is not the SID of a verification"))
}

/// A verification as a 2xx reply shows it.
pub(crate) struct Verification {
    pub(crate) state: State,
    /// A legacy field; absent counts as neither yes nor no.
    pub(crate) valid: Option<bool>,
    /// How long its code still lives, where the reply tells.
    pub(crate) expires_in_seconds: Option<u32>,
}

/// Status of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Approved,
    Canceled,
    MaxAttemptsReached,
    Deleted,
    Failed,
    Expired,
    /// A word that Twilio may have added since.
    Unknown,
}

#[derive(Deserialize)]
struct Body {
    to: String,
    status: String,
    #[serde(default)]
    valid: Option<bool>,
    // Only the expiry is read from these, so another shape of them spoils nothing else.
    #[serde(default)]
    date_created: Value,
    #[serde(default)]
    send_code_attempts: Value,
}

impl Verification {
    /// Reads a reply and makes sure that it is about this verification and this number; an
    /// answer about anybody else proves nothing.
    pub(crate) fn read(reply: &Reply, sid: &Sid, to: Option<&Phone>) -> Result<Self, Failure> {
        if named(reply)? != *sid {
            return Err(failures::inconsistent("its `sid` is another one than was asked about"));
        }
        let body: Body = reply.json()?;
        if to.is_some_and(|asked| asked.e164 != body.to) {
            return Err(failures::inconsistent("its `to` is another number than was asked about"));
        }
        let expires_in_seconds = lifetime_left(&body.date_created, &body.send_code_attempts);
        Ok(Self { state: State::of(&body.status), valid: body.valid, expires_in_seconds })
    }
}

impl State {
    fn of(status: &str) -> Self {
        match status {
            "pending" => Self::Pending,
            "approved" => Self::Approved,
            "canceled" => Self::Canceled,
            "max_attempts_reached" => Self::MaxAttemptsReached,
            "deleted" => Self::Deleted,
            "failed" => Self::Failed,
            "expired" => Self::Expired,
            _ => Self::Unknown,
        }
    }
}

/// What matters of a Verify service.
#[derive(Deserialize)]
pub(crate) struct Service {
    pub(crate) sid: String,
    #[serde(default)]
    psd2_enabled: Value,
}

impl Service {
    /// Whether each start and check would have to name an amount and a payee.
    pub(crate) fn wants_payments(&self) -> bool {
        self.psd2_enabled == Value::Bool(true)
    }
}

/// A start within ten minutes of an earlier one gets the same verification and code, which then
/// have less time left. Both times are Twilio's own, so a wrong clock here does no harm.
fn lifetime_left(created: &Value, attempts: &Value) -> Option<u32> {
    let newest = attempts.as_array()?.iter().filter_map(|attempt| utc_seconds(attempt.get("time")?.as_str()?)).max()?;
    let age = newest.checked_sub(utc_seconds(created.as_str()?)?)?;
    // Older and still alive: this service has another lifetime than the usual one.
    let left = LIFETIME_SECONDS.checked_sub(age)?;
    u32::try_from(left).ok().filter(|left| *left > 0)
}

/// Seconds since 1970 of a time such as `2015-07-30T20:00:00Z`, the only form that Verify uses.
fn utc_seconds(text: &str) -> Option<u64> {
    let marks = text.bytes().enumerate().filter(|(_, byte)| !byte.is_ascii_digit());
    if text.len() != 20 || !marks.eq([(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')]) {
        return None;
    }
    let digits = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60
    {
        return None;
    }
    // Years begin in March here, so that the leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    days.checked_sub(719_469).map(|days| days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_as_seconds_since_1970() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:00:00Z", Some(951_825_600)),
            ("2015-07-30T20:00:00Z", Some(1_438_286_400)),
            ("2100-03-01T00:00:00Z", Some(4_107_542_400)),
            ("1969-12-31T23:59:59Z", None),
            ("2015-07-30T20:00:00+02:00", None),
            ("2015-07-30 20:00:00Z", None),
            ("2015-13-30T20:00:00Z", None),
            ("2015-07-30T20:00:0éZ", None),
            ("", None),
        ] {
            assert_eq!(utc_seconds(text), seconds, "{text}");
        }
    }

    #[test]
    fn a_code_that_is_sent_again_has_less_time_left() {
        #[track_caller]
        fn check(attempts: &[&str], expected: Option<u32>) {
            let attempts = attempts.iter().map(|time| json!({"time": time})).collect::<Vec<_>>();
            assert_eq!(lifetime_left(&json!("2015-07-30T20:00:00Z"), &json!(attempts)), expected);
        }
        check(&["2015-07-30T20:00:00Z"], Some(600));
        check(&["2015-07-30T20:00:00Z", "2015-07-30T20:08:20Z"], Some(100));
        check(&["2015-07-30T20:08:20Z", "2015-07-30T20:00:00Z"], Some(100));
        check(&["2015-07-30T20:09:59Z"], Some(1));
        check(&["2015-07-30T20:10:00Z"], None);
        check(&["2015-07-30T21:00:00Z"], None);
        check(&["2015-07-30T19:59:59Z"], None);
        check(&["soon"], None);
        check(&[], None);
        assert_eq!(lifetime_left(&Value::Null, &json!("x")), None);
    }

    #[test]
    fn only_languages_that_verify_has_are_asked_for() {
        for (tag, locale) in [
            ("de", Some("de")),
            ("de-AT", Some("de")),
            ("pt-br", Some("pt-BR")),
            ("pt-PT", Some("pt")),
            ("zh-HK", Some("zh-HK")),
            ("EN-us", Some("en")),
            ("pt_BR", Some("pt-BR")),
            ("de_AT", Some("de")),
            ("no", Some("nb")),
            ("no-NO", Some("nb")),
            ("nb_NO", Some("nb")),
            ("tlh", None),
            ("", None),
        ] {
            assert_eq!(known_locale(tag), locale, "{tag}");
        }
    }
}
