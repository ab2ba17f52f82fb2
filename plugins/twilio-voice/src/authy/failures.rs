//! What the error codes of the Authy API mean. Newer Twilio APIs use some of the same numbers
//! for other things, so the table serves this mode alone.

use countersign_plugin::{Effect, Failure, FailureKind as Kind, Reply, Timestamp};
use serde_json::{Map, Value};

use crate::failures::{Again, Row, Table};

/// The code was right once and has been used.
pub(super) const TOKEN_REUSED: u32 = 60019;
/// The code is not the right one.
pub(super) const TOKEN_INVALID: u32 = 60020;
/// The service has no such user, or has it no more.
pub(super) const UNKNOWN_USER: [u32; 3] = [60016, 60026, 60128];

const INVALID_USER: u32 = 60027;

/// Codes that the requests of mode `authy` can meet.
pub(crate) const TABLE: Table = Table {
    member: "error_code",
    credentials: "`authy_api_key`",
    rows: &[
        // The key and the application.
        row(
            &[60001, 60069, 60070, 60071, 60072, 60073],
            Kind::BadCredentials,
            "the service refused `authy_api_key`; copy it anew from the application's settings in the Authy dashboard",
        ),
        row(
            &[60047],
            Kind::BadCredentials,
            "`authy_api_key` holds a key or token of Twilio's; it needs the Authy API key of the application",
        ),
        row(&[60074], Kind::Misconfigured, "`authy_api_key` may not do this; use the key of the application itself"),
        row(
            &[60002, 60004, 60005],
            Kind::Misconfigured,
            "the service does not understand the request; check `base_url`, or update this plugin",
        ),
        row(
            &[60006],
            Kind::Misconfigured,
            "calls are not enabled for the application; enable them in the Authy dashboard",
        ),
        row(
            &[60008, 60057, 60060, 60061],
            Kind::Misconfigured,
            "the account or the application is suspended; see the Authy dashboard and the Twilio Console",
        ),
        row(
            &[60031, 60123],
            Kind::Misconfigured,
            "the application does not allow this kind of code; see its settings in the Authy dashboard",
        ),
        row(&[60056], Kind::Misconfigured, "the service wants HTTPS; correct `base_url`"),
        row(
            &[60063],
            Kind::Misconfigured,
            "the service does not take requests from this network address; allow it in the Authy dashboard",
        ),
        // Limits.
        again(
            &[60003],
            Kind::RateLimited,
            Again::Seconds(60),
            "the service has had too many requests; it asks to wait",
        ),
        // Nobody can be called any more, which is an outage: waiting a little does not help, another
        // provider does.
        again(
            &[60011, 60012],
            Kind::Unavailable,
            Again::Elsewhere,
            "the application's calls for the day or month are used up; raise the limit in the Authy dashboard",
        ),
        // The person's number.
        row(
            &[60013],
            Kind::Blocked,
            "the service does not call the country of this number; see the application's countries in the Authy \
             dashboard",
        ),
        row(
            &[INVALID_USER, 60030, 60033, 60058, 60059, 60078],
            Kind::InvalidRecipient,
            "the service does not take the user's number for a number; correct it",
        ),
        row(&[60038], Kind::Misconfigured, "the service does not take the user's e-mail address; correct it"),
        row(&[60083], Kind::UnreachableRecipient, "the user's number is not in service; try another method or number"),
        row(
            &[60115],
            Kind::UnreachableRecipient,
            "the owner of the number has opted out of calls; try another method or number",
        ),
        // The user at the service.
        row(
            &UNKNOWN_USER,
            Kind::Expired,
            "the service does not know the user (any more); the next challenge registers the user again",
        ),
        row(
            &[60017, 60018, 60106, 60107],
            Kind::Blocked,
            "the user is suspended or blocked at the service; see the user in the Authy dashboard",
        ),
        row(
            &[60127, 60130],
            Kind::UnreachableRecipient,
            "the user is being removed at the service, which takes about a day; use another method until then",
        ),
        // The service.
        again(&[60014], Kind::Unavailable, Again::Elsewhere, "the service could not begin the call"),
    ],
};

/// The failure of a registration: the fields that the service finds wrong tell whose fault.
pub(super) fn of_registration(reply: &Reply, now: Timestamp) -> Failure {
    #[derive(serde::Deserialize)]
    struct Invalid {
        errors: Map<String, Value>,
    }
    let failure = TABLE.failure(reply, Effect::Idempotent, now);
    if TABLE.code(reply) != Some(INVALID_USER) {
        return failure;
    }
    let wrong = |field: &str| reply.json::<Invalid>().is_ok_and(|invalid| invalid.errors.contains_key(field));
    if wrong("email") && !wrong("cellphone") && !wrong("country_code") {
        let text = "the service does not take the user's e-mail address; correct it";
        return Failure::new(Kind::Misconfigured, text).code(INVALID_USER.to_string());
    }
    failure
}

const fn row(codes: &'static [u32], kind: Kind, operator: &'static str) -> Row {
    again(codes, kind, Again::Never, operator)
}

const fn again(codes: &'static [u32], kind: Kind, again: Again, operator: &'static str) -> Row {
    Row { codes, kind, again, operator, person: None }
}
