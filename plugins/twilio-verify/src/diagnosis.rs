//! What the reply to "which service is this?" says about each setting.

use countersign_plugin::{Diagnosis, Failure, Finding, OperationName, Reply, Timestamp};

use crate::config::Sid;
use crate::failures;
use crate::wire::Service;

/// Findings for `auth_id`, `auth_token` and `service_sid`, or a failure where the reply says
/// nothing about them (Twilio is out of order, say).
pub(crate) fn of(reply: &Reply, service: &Sid, now: Timestamp) -> Result<Diagnosis, Failure> {
    if reply.is_success() {
        return accepted(reply, service);
    }
    let why = failures::refusal(OperationName::TestCredentials, reply, now);
    let findings = match (failures::error_code(reply), reply.status) {
        (Some(20003), _) | (None, 401) => pair_refused(),
        (Some(20008), _) => vec![
            bad("auth_id", "these are Twilio's test credentials, which never work with Verify", LIVE_PAIR),
            bad("auth_token", "it belongs to the test credentials", LIVE_PAIR),
            unknown("service_sid"),
        ],
        (Some(20005 | 10001), _) => vec![
            bad("auth_id", "the account is not active", "see in the Console whether it is suspended, unpaid or closed"),
            unknown("auth_token"),
            unknown("service_sid"),
        ],
        (Some(20006 | 20403), _) => vec![
            bad(
                "auth_id",
                "Twilio knows these credentials but denies them Verify",
                "give the API key the permission in Console > Account > API keys & tokens, or use a Standard key",
            ),
            good("auth_token", "it belongs to `auth_id`"),
            unknown("service_sid"),
        ],
        (Some(20404), _) => vec![
            good("auth_id", PAIR_ACCEPTED),
            good("auth_token", PAIR_ACCEPTED),
            bad("service_sid", "this account has no Verify service with this SID", COPY_SERVICE),
        ],
        (Some(20423), _) => vec![
            unknown("auth_id"),
            unknown("auth_token"),
            bad("service_sid", "Twilio does not accept it as a SID", COPY_SERVICE),
        ],
        // Whoever says so, it need not be Twilio.
        (None, 404) => ["auth_id", "auth_token", "service_sid"].map(|subject| unexamined(subject, NOT_TWILIO)).into(),
        _ => return Err(why),
    };
    Ok(Diagnosis::new(findings))
}

fn accepted(reply: &Reply, service: &Sid) -> Result<Diagnosis, Failure> {
    let found: Service = reply.json()?;
    if !found.sid.eq_ignore_ascii_case(service.as_str()) {
        return Err(failures::inconsistent("it is about another service than `service_sid`"));
    }
    let service = if found.wants_payments() {
        bad(
            "service_sid",
            "the service has PSD2 on: every code would need an amount and a payee, and is refused without",
            "switch PSD2 off in Console > Verify > Services, or use a service of its own for logins",
        )
    } else {
        good("service_sid", "the service exists and belongs to this account")
    };
    Ok(Diagnosis::new(vec![good("auth_id", PAIR_ACCEPTED), good("auth_token", PAIR_ACCEPTED), service]))
}

/// Twilio does not say which of the two is wrong, so neither do we.
fn pair_refused() -> Vec<Finding> {
    let what = "Twilio does not accept `auth_id` and `auth_token` together, and does not say which of them is wrong";
    vec![
        bad(
            "auth_id",
            what,
            "compare it with Console > Account > API keys & tokens: the live account (AC…) or a key (SK…) that still \
             exists, in the region that `base_url` leads to",
        ),
        bad(
            "auth_token",
            what,
            "copy it anew, without blanks or a line break around it: the account's token for AC…, the key's secret for SK…",
        ),
        unknown("service_sid"),
    ]
}

const NOT_TWILIO: &str = "could not be examined: the answer was HTTP 404 without Twilio's error code; does `base_url` \
                          lead to the Verify API, or does a proxy answer in its place?";
const PAIR_ACCEPTED: &str = "Twilio accepts the pair of `auth_id` and `auth_token`";
const LIVE_PAIR: &str = "use the live pair from Console > Account > API keys & tokens";
const COPY_SERVICE: &str = "copy it from Console > Verify > Services, in the account of `auth_id`";

fn good(subject: &str, message: &str) -> Finding {
    Finding::good(subject, message)
}

fn bad(subject: &str, message: &str, remedy: &str) -> Finding {
    Finding::bad(subject, message).remedy(remedy)
}

fn unknown(subject: &str) -> Finding {
    unexamined(subject, "could not be examined")
}

fn unexamined(subject: &str, message: &str) -> Finding {
    Finding::unknown(subject, message)
}
