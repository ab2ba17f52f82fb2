//! The table: what each error code of Twilio means for a verification.

use countersign_plugin::FailureKind::{
    BadCredentials, Blocked, Expired, InvalidRecipient, Misconfigured, RateLimited, TooManyAttempts, Unavailable,
    UnreachableRecipient, Unsupported,
};
use countersign_plugin::{FailureKind, Retry};

use super::{AFTER_TEN_MINUTES, NEVER, NO_TRIES_LEFT, SHORT_WAIT, after};

/// What some codes mean.
pub(super) struct Row {
    pub(super) codes: &'static [u32],
    pub(super) kind: FailureKind,
    pub(super) retry: Retry,
    pub(super) operator: &'static str,
    pub(super) person: Option<&'static str>,
}

const fn row_of(codes: &'static [u32], kind: FailureKind, retry: Retry, operator: &'static str) -> Row {
    Row { codes, kind, retry, operator, person: None }
}

impl Row {
    const fn person(mut self, text: &'static str) -> Self {
        self.person = Some(text);
        self
    }
}

/// 20404 about a verification; about the service itself it stands in the table.
pub(super) static GONE: Row = row_of(
    &[20404],
    Expired,
    NEVER,
    "Twilio has no such verification any more: it expired, was used or was canceled (or `service_sid` was changed)",
);

/// 60200 where no number is named; with one it stands in the table.
pub(super) static BAD_PARAMETER: Row = row_of(
    &[60200],
    Misconfigured,
    NEVER,
    "Twilio refused a parameter of the request; look for a newer version of this plugin",
);

/// The rows, by subject.
pub(super) static TABLE: &[Row] = &[
    // The platform.
    row_of(
        &[20003],
        BadCredentials,
        NEVER,
        "Twilio does not accept `auth_id` with `auth_token`; compare both with Console > Account > API keys & tokens, \
         look for stray whitespace, and mind that a token belongs to one region",
    ),
    row_of(
        &[20008],
        BadCredentials,
        NEVER,
        "`auth_id` and `auth_token` are Twilio's test credentials, which Verify refuses; use the live pair",
    ),
    row_of(
        &[20005, 10001],
        Misconfigured,
        NEVER,
        "the Twilio account of `auth_id` is not active; the Console says why (suspended, unpaid or closed)",
    ),
    row_of(
        &[20006, 20403],
        Misconfigured,
        NEVER,
        "Twilio denies Verify to these credentials; give the API key of `auth_id` the permission in the Console, or use \
         a Standard key",
    ),
    row_of(
        &[20010, 10002],
        Misconfigured,
        NEVER,
        "the Twilio account may not do this (a trial, or switched off); upgrade it or ask Twilio's support",
    ),
    row_of(
        &[20404],
        Misconfigured,
        NEVER,
        "this account has no Verify service with the SID of `service_sid`; copy it from Console > Verify > Services",
    ),
    row_of(
        &[20423],
        Misconfigured,
        NEVER,
        "Twilio does not accept `service_sid` as a SID; copy it from Console > Verify > Services",
    ),
    row_of(&[20426], Misconfigured, NEVER, "Twilio wants HTTPS; `base_url` must begin with https://"),
    row_of(
        &[20001, 20422, 60221, 60602],
        Misconfigured,
        NEVER,
        "Twilio refused a parameter of the request; look for a newer version of this plugin",
    ),
    row_of(
        &[20429],
        RateLimited,
        after(SHORT_WAIT),
        "too many requests at once for this account, or a rate limit of the Verify service was reached; raise the limit \
         in Console > Verify > Services if this is normal traffic",
    ),
    row_of(
        &[10004],
        RateLimited,
        after(10),
        "the account has too many calls at once; ask Twilio's support for more if this is normal traffic",
    ),
    row_of(
        &[20500, 20503],
        Unavailable,
        Retry::AnotherProvider,
        "Twilio is out of order for the moment; see status.twilio.com",
    ),
    // Verifications.
    row_of(
        &[60200],
        InvalidRecipient,
        NEVER,
        "Twilio refused a parameter, almost always the number; if it refuses every number, look at the service's \
         settings in Console > Verify > Services",
    ),
    row_of(&[60202], TooManyAttempts, AFTER_TEN_MINUTES, NO_TRIES_LEFT),
    row_of(
        &[60203],
        TooManyAttempts,
        AFTER_TEN_MINUTES,
        "Twilio sent this number five codes within ten minutes, which is its limit until one is used or has expired",
    ),
    row_of(&[60212], RateLimited, after(SHORT_WAIT), "too many requests at once for this number"),
    row_of(
        &[60205, 21614, 21635],
        UnreachableRecipient,
        NEVER,
        "the number is a landline, which gets no text messages; the person can ask for a call",
    )
    .person("That number cannot receive text messages. Please ask for a call instead."),
    row_of(
        &[60204],
        Misconfigured,
        NEVER,
        "the Verify service lacks a feature that this needs; see its settings in Console > Verify > Services",
    ),
    row_of(
        &[60223],
        Misconfigured,
        NEVER,
        "this channel is switched off in the Verify service; switch it on in Console > Verify > Services, or disable the \
         channel here",
    )
    .person("This method is not available. Please try another one."),
    row_of(
        &[60206, 60214, 60329],
        Misconfigured,
        NEVER,
        "the Verify service has PSD2 on and so wants an amount and a payee with every code; switch it off, or use a \
         service of its own for logins (`service_sid`)",
    ),
    row_of(
        &[60201, 60224, 60227, 60228, 60229, 60408],
        Misconfigured,
        NEVER,
        "the default template of the Verify service cannot be used for this message; choose another one in \
         Console > Verify > Services",
    ),
    row_of(
        &[60220, 60226],
        Misconfigured,
        NEVER,
        "codes to China need a vetted service with a friendly name; see Twilio's guide to Verify in China",
    ),
    row_of(
        &[60331],
        Unsupported,
        NEVER,
        "Twilio cannot speak the person's language; set another one for the person, or offer another channel",
    ),
    row_of(
        &[60603, 60604],
        Misconfigured,
        NEVER,
        "the SendGrid account behind the Verify service refused (this is not about `auth_token`); see Console > Verify > \
         Email integration",
    ),
    row_of(
        &[60606, 60699],
        Misconfigured,
        NEVER,
        "the Verify service looks numbers up, but Lookup is off for the account; switch Lookup on, or off in the \
         service, in the Console",
    ),
    row_of(&[60616], RateLimited, after(60), "Twilio's Lookup, which the Verify service uses, has reached its rate limit"),
    row_of(
        &[60441],
        Unsupported,
        NEVER,
        "Twilio does not allow this change in the verification's present state",
    ),
    row_of(&[60550], UnreachableRecipient, NEVER, "Twilio found no channel that reaches this number"),
    // Fraud and country rules: never around them by another provider.
    row_of(
        &[60410],
        Blocked,
        NEVER,
        "Twilio's Fraud Guard has blocked the number's prefix for twelve hours; a number that you trust can be put on \
         the safe list of Verify",
    ),
    row_of(&[60413], Blocked, NEVER, "Twilio's Device Intelligence has blocked this attempt"),
    row_of(
        &[60605, 21215, 21408],
        Blocked,
        NEVER,
        "geo permissions forbid the number's country on this channel; see Console > Verify > Settings > Geo permissions",
    ),
    row_of(
        &[21203],
        Blocked,
        NEVER,
        "the Twilio account may not call abroad; switch international calls on in Console > Voice > Settings if it is meant",
    ),
    row_of(&[60238], Blocked, NEVER, "Twilio refuses this verification (account under review, or a country under embargo)"),
    row_of(&[21202, 21216], Blocked, NEVER, "the number is a premium number or stands on Twilio's block list"),
    // Numbers.
    row_of(&[21211, 21217, 21401, 21421], InvalidRecipient, NEVER, "Twilio says that this is no telephone number"),
    row_of(&[21214, 21612], UnreachableRecipient, NEVER, "Twilio cannot reach this number on this channel"),
    row_of(
        &[21219, 21607, 21608],
        Misconfigured,
        NEVER,
        "a Twilio trial account reaches verified numbers only; verify the number in Console > Phone numbers > Verified \
         caller IDs, or upgrade the account",
    ),
    row_of(
        &[21610],
        UnreachableRecipient,
        NEVER,
        "the person has opted out of text messages (STOP) and must send START to the sender first",
    ),
    row_of(&[21611], RateLimited, after(60), "Twilio's queue for the sender is full"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_code_stands_in_one_row() {
        let codes = TABLE.iter().flat_map(|row| row.codes).collect::<Vec<_>>();
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len());
    }

    #[test]
    fn no_fraud_block_is_taken_to_another_provider() {
        for row in TABLE.iter().filter(|row| row.kind == Blocked) {
            assert_eq!(row.retry, NEVER, "{:?}", row.codes);
        }
    }
}
