//! What each fault does to an exchange.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use countersign_plugin::Timestamp;

use super::body;
use super::chosen::Chosen;
use super::heard::Heard;
use super::kind::{Certificate, Kind, Wait};
use super::lot::Lot;
use crate::wire::{Disturbance, Reached, WireAnswer, WireReply};

/// Where redirections lead: a name that never exists (RFC 2606 §2).
const ELSEWHERE: &str = "https://elsewhere.invalid";
/// How much of a head may come before a reset, in bytes: less than the shortest has.
const HEAD_PART: usize = 15;

impl Chosen {
    /// Why the connection never comes about, as a live transport would say it; `None` where it does.
    pub(super) fn no_connection(&self, host: &str) -> Option<String> {
        let Kind::Certificate(certificate) = self.fault().kind else { return None };
        let what = match certificate {
            Certificate::Expired => {
                "expired 1 day ago; the owner must renew it, unless this machine's clock is wrong".to_owned()
            }
            Certificate::WrongName => {
                "is not valid for this name, but for `wrong-name.invalid`; is the address right?".to_owned()
            }
            Certificate::SelfSigned => "comes from an unknown issuer; if that is an authority of your own or of a \
                                        proxy, add its root to this system's trusted certificates"
                .to_owned(),
        };
        Some(format!("the certificate of `{host}` {what}"))
    }

    /// The answer that is given without asking the provider, if this fault is of that kind.
    pub(super) fn instead(&self, heard: &Heard, now: Timestamp) -> Option<WireAnswer> {
        let (status, header) = match self.fault().kind {
            // A server that breaks down may have done before what it was asked for.
            Kind::Status(500) => return None,
            Kind::Status(status) => (status, None),
            Kind::RateLimited(wait) => (429, self.retry_after(wait, now).map(|value| ("Retry-After", value))),
            Kind::Redirect => {
                let status = u16::try_from(self.value("status")).unwrap_or(307);
                (status, Some(("Location", format!("{ELSEWHERE}{}", heard.target.as_str()))))
            }
            _ => return None,
        };
        let header = header.map(|(name, value)| (name.to_owned(), value));
        let json = ("Content-Type".to_owned(), "application/json".to_owned());
        let headers = std::iter::once(json).chain(header).collect();
        Some(WireAnswer::Reply(WireReply { status, headers, body: body::refusal(heard).into() }))
    }

    /// The provider's answer with this fault in it; `None` where it has nothing that could go wrong in this way.
    pub(super) fn disturbed(&self, heard: &Heard, answer: &WireAnswer, lot: &mut Lot) -> Option<WireAnswer> {
        let (reply, before) = match answer {
            WireAnswer::Reply(reply) => (reply, None),
            WireAnswer::Disturbed(reply, before) => (reply, Some(*before)),
            WireAnswer::Failure(_) => return None,
        };
        if let Some(how) = self.carried(reply, lot) {
            // One layer of trouble with the connection is enough.
            return before.is_none().then(|| WireAnswer::Disturbed(reply.clone(), how));
        }
        let reply = self.changed(heard, reply, lot)?;
        Some(match before {
            None => WireAnswer::Reply(reply),
            Some(how) => WireAnswer::Disturbed(reply, how),
        })
    }

    /// How the carrier brings it, for a fault of that kind.
    fn carried(&self, reply: &WireReply, lot: &mut Lot) -> Option<Disturbance> {
        let part = |lot: &mut Lot| lot.below(reply.body.len());
        Some(match self.fault().kind {
            Kind::Delay => Disturbance::Late(Duration::from_secs(self.value("seconds"))),
            Kind::TimeOut => Disturbance::Late(Duration::MAX),
            Kind::Dribble => Disturbance::Pieces {
                bytes: usize::try_from(self.value("bytes")).unwrap_or(usize::MAX),
                pause: Duration::from_millis(self.value("pause_ms")),
            },
            Kind::ResetBeforeHead => Disturbance::Reset(Reached::Nothing),
            Kind::ResetInHead => Disturbance::Reset(Reached::Head(1 + lot.below(HEAD_PART))),
            // Without a body the answer is whole by then.
            Kind::ResetInBody if !reply.body.is_empty() => Disturbance::Reset(Reached::Body(part(lot))),
            Kind::Truncated if !reply.body.is_empty() => Disturbance::Truncated(part(lot)),
            _ => return None,
        })
    }

    fn changed(&self, heard: &Heard, reply: &WireReply, lot: &mut Lot) -> Option<WireReply> {
        let with_body = |body: Vec<u8>| WireReply { body: body.into(), ..reply.clone() };
        // An answer that has no body at all (HTTP 204, say) is not read: what would stand in it says nothing.
        let has_body = !reply.body.is_empty();
        match self.fault().kind {
            Kind::MalformedJson => body::malformed(&reply.body, lot).map(with_body),
            Kind::DeepJson if has_body => {
                Some(with_body(body::deep(&reply.body, usize::try_from(self.value("depth")).unwrap_or(usize::MAX))))
            }
            Kind::HugeBody if has_body => {
                let body = body::huge(usize::try_from(self.value("bytes")).unwrap_or(usize::MAX));
                Some(WireReply { body, ..reply.clone() })
            }
            Kind::WrongContentType if has_body => Some(said_to_be_html(reply)),
            Kind::HtmlPage if has_body => {
                Some(WireReply { status: 200, ..said_to_be_html(&with_body(body::page(heard))) })
            }
            Kind::Empty if has_body => Some(WireReply { status: 200, ..with_body(Vec::new()) }),
            Kind::DuplicateKeys => body::duplicated(&reply.body).map(with_body),
            Kind::ApprovedNotValid => {
                let status = if (200..300).contains(&reply.status) { reply.status } else { 200 };
                body::contradictory(&reply.body).map(|body| WireReply { status, ..with_body(body) })
            }
            Kind::OtherNumber => body::for_another_number(&reply.body).map(with_body),
            Kind::OtherSid => body::about_another(&reply.body, heard).map(with_body),
            Kind::Status(status) => {
                let json = ("Content-Type".to_owned(), "application/json".to_owned());
                Some(WireReply { status, headers: Arc::new([json]), body: body::refusal(heard).into() })
            }
            _ => None,
        }
    }

    fn retry_after(&self, wait: Wait, now: Timestamp) -> Option<String> {
        let seconds = self.value("seconds");
        Some(match wait {
            Wait::Seconds => seconds.to_string(),
            Wait::Date => {
                let at = now + Duration::from_secs(seconds);
                httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(at.as_millis()))
            }
            Wait::Absurd => u64::MAX.to_string(),
            Wait::Missing => return None,
        })
    }
}

fn said_to_be_html(reply: &WireReply) -> WireReply {
    let others = reply.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-type")).cloned();
    let html = ("Content-Type".to_owned(), "text/html; charset=utf-8".to_owned());
    WireReply { headers: others.chain([html]).collect(), ..reply.clone() }
}
