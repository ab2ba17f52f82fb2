//! The answer of a login or an enrollment.

use std::fmt;

use countersign::challenge::{Started, Verdict};
use serde::Serialize;

use crate::conversation::Outcome;
use crate::open::Site;
use crate::telling::{self, Source, in_words};

/// A verdict, with what it is about.
#[derive(Serialize)]
pub(crate) struct Report {
    /// `approved`, `wrong_code`, `locked`, `expired`, `replayed`, `denied` or `unavailable`.
    verdict: &'static str,
    user: String,
    /// For logins.
    #[serde(skip_serializing_if = "Option::is_none")]
    login_type: Option<String>,
    /// The service that was really used.
    service: String,
    /// Its channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    /// Whether the service stepped in for the one that was asked for.
    fallback: bool,
    /// Where the code went, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts_left: Option<u32>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_until: Option<u64>,
    /// The kind of the provider's failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'static str>,
    /// In words.
    message: String,
}

impl Report {
    /// Of a login.
    pub(crate) fn of_login(site: &Site, user: &str, login_type: &str, outcome: &Outcome) -> Self {
        let mut report = Self::of_enrollment(site, user, outcome);
        report.login_type = Some(login_type.to_owned());
        if let Verdict::Approved(passed) = &outcome.verdict {
            let way = way(&outcome.started);
            report.message = format!("approved: {} passed the second factor for {login_type} by {way}", passed.user);
        }
        report
    }

    /// Of an enrollment that was proven by a challenge.
    pub(crate) fn of_enrollment(site: &Site, user: &str, outcome: &Outcome) -> Self {
        let Outcome { verdict, started, input_ended } = outcome;
        let mut report = Self::of_verdict(site, user, &started.service, (verdict, *input_ended), Source::of(started));
        report.channel = Some(started.channel.clone());
        report.fallback = started.fallback;
        report.recipient = started.recipient.clone();
        if let Verdict::Approved(passed) = verdict {
            let what = started.recipient.as_deref().unwrap_or(&started.channel);
            report.message =
                format!("approved: {what} is registered for {}, proven by {}", passed.user, started.service);
        }
        report
    }

    /// Of a device, with the verdict, and whether it is not the last word because nothing more was typed.
    pub(crate) fn of_device(site: &Site, user: &str, service: &str, verdict: (&Verdict, bool)) -> Self {
        Self::of_verdict(site, user, service, verdict, Source::Device)
    }

    fn of_verdict(
        site: &Site,
        user: &str,
        service: &str,
        (verdict, input_ended): (&Verdict, bool),
        source: Source,
    ) -> Self {
        let mut report = Self {
            verdict: verdict.name(),
            user: user.to_owned(),
            login_type: None,
            service: service.to_owned(),
            channel: None,
            fallback: false,
            recipient: None,
            attempts_left: None,
            locked_until: None,
            failure: None,
            message: format!("{}: {}", verdict.name().replace('_', " "), in_words(site, verdict, source)),
        };
        match verdict {
            Verdict::Approved(passed) => {
                report.user.clone_from(&passed.user);
                report.message = format!("approved: {service} is registered for {}", passed.user);
            }
            Verdict::WrongCode { attempts_left } => {
                report.attempts_left = Some(*attempts_left);
                if input_ended {
                    report.message = format!("wrong code, and no more input ({attempts_left} left)");
                }
            }
            Verdict::Locked { until } => {
                report.locked_until = Some(until.as_secs());
                report.message = format!("{} ({} ends that)", report.message, telling::unlock(user));
            }
            Verdict::Replayed if input_ended => {
                report.message = "replayed: that code was used before, and no more input".to_owned();
            }
            Verdict::Unavailable { failure, attempts_left, .. } => {
                report.failure = Some(failure.kind.name());
                report.attempts_left = Some(*attempts_left);
            }
            Verdict::Expired | Verdict::Replayed | Verdict::Denied => {}
        }
        report
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

/// The way a code went: `sms (•••• 06)`, or `call-me (voice, •••• 06)`.
fn way(started: &Started) -> String {
    let stood_in = if started.fallback { format!(", in place of {}", started.method) } else { String::new() };
    let channel = Some(&started.channel).filter(|channel| **channel != started.service);
    let more: Vec<_> = channel.into_iter().chain(&started.recipient).map(String::as_str).collect();
    let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join(", ")) };
    format!("{}{more}{stood_in}", started.service)
}
