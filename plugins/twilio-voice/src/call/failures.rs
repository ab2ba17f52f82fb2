//! What the error codes of Twilio's calls and accounts mean (Twilio error dictionary).

use countersign_plugin::FailureKind as Kind;

use crate::failures::{Again, Row, SHORT_WAIT, Table};

/// 21220: the call is not in a state that can be updated, which is to say over.
pub(super) const OVER: u32 = 21220;

/// 20404: Twilio has no such call (any more), or no such account. HTTP 404 alone may be a proxy's.
pub(super) const GONE: u32 = 20404;

/// Codes that the requests of mode `call` can meet.
pub(crate) const TABLE: Table = Table {
    member: "code",
    credentials: "`auth_id` and `auth_token`",
    rows: &[
        // Platform.
        row(
            &[10001],
            Kind::Misconfigured,
            "the Twilio account is disabled; see the Twilio Console, or ask Twilio's support",
        ),
        row(
            &[10002],
            Kind::Misconfigured,
            "a trial account may not do this; upgrade the account in the Twilio Console",
        ),
        again(
            &[10004],
            Kind::RateLimited,
            Again::Seconds(10),
            "the account has as many calls at once as it may; ask Twilio for more, or wait",
        ),
        row(
            &[20001, 20422],
            Kind::Misconfigured,
            "Twilio does not know a parameter of the request; check `base_url`, or update this plugin",
        ),
        row(
            &[20003],
            Kind::BadCredentials,
            "Twilio refused `auth_id` and `auth_token`: a wrong pair, a deleted key, a suspended account, another \
             region's credentials, or white space around one of them; copy both anew from the Twilio Console",
        ),
        row(&[20005], Kind::Misconfigured, "the Twilio account is not active; see the Twilio Console, Account"),
        row(
            &[20006, 20403],
            Kind::Misconfigured,
            "`auth_id` may not do this; give the API key the permissions to make, read and end calls in the Twilio \
             Console, or use another one",
        ),
        row(
            &[20008],
            Kind::BadCredentials,
            "`auth_id` and `auth_token` are test credentials, which reach nobody; use the live ones from the Twilio \
             Console",
        ),
        row(&[20010], Kind::Misconfigured, "this action is disabled for the Twilio account; ask Twilio's support"),
        row(
            &[GONE],
            Kind::Misconfigured,
            "Twilio does not know the account in the address; check `account_sid` (or `auth_id`) and `base_url`",
        ),
        row(&[20423], Kind::Misconfigured, "Twilio finds a SID of the wrong shape; check `account_sid` (or `auth_id`)"),
        row(
            &[20426],
            Kind::Misconfigured,
            "Twilio wants HTTPS of a current version; check `base_url`, and a proxy if there is one",
        ),
        again(
            &[20429],
            Kind::RateLimited,
            Again::Seconds(SHORT_WAIT),
            "the account makes too many requests at once; Twilio did not process this one",
        ),
        again(&[20500, 20503], Kind::Unavailable, Again::Elsewhere, "Twilio is out of order; see status.twilio.com"),
        // The number called.
        row(&[21201], Kind::InvalidRecipient, "Twilio was given no number to call; the user's number is empty"),
        Row {
            codes: &[21202],
            kind: Kind::Blocked,
            again: Again::Never,
            operator: "the user's number is a premium number, which Twilio does not call; register another one",
            person: Some("Premium numbers cannot be called. Please use another number."),
        },
        row(
            &[21203],
            Kind::Blocked,
            "the account may not call abroad; switch international calls on in the Twilio Console under Voice, Settings, if \
             it is meant",
        ),
        row(
            &[21215],
            Kind::Blocked,
            "the account may not call the country of this number; allow it in the Twilio Console under Voice, Geo \
             permissions, if it is meant",
        ),
        row(
            &[21211, 21217, 21401, 21421],
            Kind::InvalidRecipient,
            "Twilio does not take the user's number for a number (or it is the same as `from`); correct it",
        ),
        row(
            &[21214],
            Kind::UnreachableRecipient,
            "the user's number cannot be reached by a call; try another method or number",
        ),
        row(&[21216], Kind::Blocked, "the user's number is on Twilio's block list; try another method or number"),
        row(
            &[21219],
            Kind::Misconfigured,
            "a trial account calls only numbers verified in the Twilio Console; verify this one there, or upgrade",
        ),
        // The caller id.
        row(
            &[21210],
            Kind::Misconfigured,
            "`from` is neither a number of the account nor a verified caller id; see Phone Numbers in the Twilio \
             Console",
        ),
        row(
            &[21212, 21213],
            Kind::Misconfigured,
            "Twilio does not take `from` for a caller id; give a number of the account in E.164",
        ),
        // The call.
        row(&[OVER], Kind::Expired, "the call is over and cannot be changed any more"),
    ],
};

const fn row(codes: &'static [u32], kind: Kind, operator: &'static str) -> Row {
    again(codes, kind, Again::Never, operator)
}

const fn again(codes: &'static [u32], kind: Kind, again: Again, operator: &'static str) -> Row {
    Row { codes, kind, again, operator, person: None }
}
