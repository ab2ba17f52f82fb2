//! Mode `call`: do the credentials work, and is the caller id one that Twilio takes?

use countersign_plugin::{Context, Diagnosis, Effect, Failure, Finding, Health, Reply};

use super::failures::GONE;
use super::wire::{AccountReply, CallerIds, Calls, OwnNumbers};
use super::{Account, TABLE};
use crate::failures::malformed;
use crate::findings::{bad, good, notice, refused, unknown};

const WRONG_PAIR: u32 = 20003;
const ACCESS_DENIED: u32 = 20006;
const TEST_CREDENTIALS: u32 = 20008;
const FORBIDDEN: u32 = 20403;

impl Account {
    /// Looks at the account, then at the caller id; four requests at most, none of which
    /// changes anything.
    pub(crate) async fn test_credentials(&self, cx: &Context) -> Result<Diagnosis, Failure> {
        let reply = cx.http(self.account()).await?;
        let mut findings = match Access::of(&reply) {
            Access::Granted => {
                let account: AccountReply = reply.json()?;
                if account.sid != self.account_sid {
                    return Err(malformed("it is about another account"));
                }
                self.credentials_work_and(self.standing(&account))
            }
            // Only the auth token and Main keys may read the account, and others are refused like a
            // wrong pair: they show what they are worth at the calls, which they need.
            Access::Refused | Access::Forbidden if self.has_key() => self.examine_key(cx).await?,
            access => self.denied(access, &reply, cx)?,
        };
        if findings.iter().any(|finding| matches!(finding.state, Health::Bad | Health::Unknown)) {
            findings.push(unknown("from", "not examined: the account cannot be used yet"));
        } else {
            let finding = self.examine_caller_id(cx).await;
            findings.push(finding.unwrap_or_else(|failure| unknown("from", failure.to_string())));
        }
        Ok(Diagnosis::new(findings))
    }

    /// What an API key is worth that may not read the account.
    async fn examine_key(&self, cx: &Context) -> Result<Vec<Finding>, Failure> {
        let reply = cx.http(self.newest_call()).await?;
        match Access::of(&reply) {
            Access::Granted => {
                let _list: Calls = reply.json()?;
                let text = "this API key may not read the account itself, so its standing was not examined";
                Ok(self.credentials_work_and(notice("account_sid", text)))
            }
            access => self.denied(access, &reply, cx),
        }
    }

    /// What a refusal says of the credentials.
    ///
    /// # Errors
    /// The failure where it says nothing of them (Twilio is out of order, say).
    fn denied(&self, access: Access, reply: &Reply, cx: &Context) -> Result<Vec<Finding>, Failure> {
        Ok(match access {
            Access::Refused if self.has_key() => self.refused_key(),
            Access::Refused => self.wrong_pair().into(),
            Access::TestCredentials => self.test_pair().into(),
            Access::UnknownAccount => self.credentials_work_and(self.unknown_account()),
            Access::NotTwilio => self.not_twilio(),
            Access::Granted | Access::Forbidden | Access::Other => {
                vec![refused(self.account_setting(), TABLE.failure(reply, Effect::Read, cx.now()))?]
            }
        })
    }

    async fn examine_caller_id(&self, cx: &Context) -> Result<Finding, Failure> {
        let reply = cx.http(self.own_number()).await?;
        if self.is_closed_to_key(&reply) {
            return Ok(self.unread_caller_id());
        }
        if let Some(finding) = self.own(cx, &reply)? {
            return Ok(finding);
        }
        let reply = cx.http(self.verified_caller_id()).await?;
        if self.is_closed_to_key(&reply) {
            return Ok(self.unread_caller_id());
        }
        self.verified(cx, &reply)
    }

    /// The key works, as was seen before; this it may not read.
    fn is_closed_to_key(&self, reply: &Reply) -> bool {
        self.has_key() && matches!(Access::of(reply), Access::Refused | Access::Forbidden)
    }

    fn unread_caller_id(&self) -> Finding {
        let text = "not examined: this API key may not read the account's numbers and caller ids, which it need not; \
                    see for yourself that `from` is listed under Phone Numbers in the Twilio Console";
        unknown("from", text)
    }

    /// What the list of the account's numbers says of `from`; `None` where it is not in there.
    fn own(&self, cx: &Context, reply: &Reply) -> Result<Option<Finding>, Failure> {
        if !reply.is_success() {
            return Err(TABLE.failure(reply, Effect::Read, cx.now()));
        }
        let numbers: OwnNumbers = reply.json()?;
        // The filter also finds numbers that only contain this one.
        let Some(own) = numbers.incoming_phone_numbers.iter().find(|own| own.phone_number == self.from) else {
            return Ok(None);
        };
        Ok(Some(match own.capabilities.voice {
            Some(true) => good("from", "a number of the account that can call"),
            Some(false) => bad(
                "from",
                "a number of the account, but one that cannot call",
                "choose a number with the capability Voice under Phone Numbers in the Twilio Console",
            ),
            None => notice("from", "a number of the account; Twilio does not say whether it can call"),
        }))
    }

    fn verified(&self, cx: &Context, reply: &Reply) -> Result<Finding, Failure> {
        if !reply.is_success() {
            return Err(TABLE.failure(reply, Effect::Read, cx.now()));
        }
        let ids: CallerIds = reply.json()?;
        Ok(if ids.outgoing_caller_ids.iter().any(|id| id.phone_number == self.from) {
            good("from", "a verified caller id of the account")
        } else {
            bad(
                "from",
                "neither a number of the account nor a verified caller id",
                "set `from` to a number listed under Phone Numbers in the Twilio Console, or verify it there",
            )
        })
    }

    fn standing(&self, account: &AccountReply) -> Finding {
        let subject = self.account_setting();
        match (account.status.as_str(), account.kind.as_deref()) {
            ("active", Some("Trial")) => {
                notice(subject, "the account is on trial: it calls only numbers verified in the Twilio Console")
            }
            ("active", _) => good(subject, "the account is active"),
            ("suspended", _) => bad(subject, "the account is suspended", "settle it in the Twilio Console, Billing"),
            ("closed", _) => bad(subject, "the account is closed", "use another account"),
            _ => notice(subject, "the account is in a state that this plugin does not know; see the Twilio Console"),
        }
    }

    fn credentials_work_and(&self, more: Finding) -> Vec<Finding> {
        vec![good("auth_id", "accepted"), good("auth_token", "accepted"), more]
    }

    /// Twilio does not tell which half is wrong, so neither can we.
    fn wrong_pair(&self) -> [Finding; 2] {
        let what = "Twilio refuses this pair and does not say which half is wrong";
        let id = "compare it with the Account SID in the Twilio Console";
        let token = "copy the auth token of that account anew";
        let both = "white space around it and credentials of another region fail in the same way";
        [bad("auth_id", what, format!("{id}; {both}")), bad("auth_token", what, format!("{token}; {both}"))]
    }

    /// Twilio answers a wrong key and a key without the permission alike (20003).
    fn refused_key(&self) -> Vec<Finding> {
        let remedy = "see in the Twilio Console that the key exists in this account and may make, read and end calls; \
                      then copy its secret anew, or make a new key; white space around them and keys of another \
                      region fail in the same way";
        let what = "Twilio refuses this API key: it is not one of this account, its secret is another one, or it may \
                    not read calls; Twilio does not say which";
        vec![
            bad("auth_id", what, remedy),
            unknown("auth_token", "not examined: Twilio does not say whether it is the secret of `auth_id`"),
        ]
    }

    fn not_twilio(&self) -> Vec<Finding> {
        let text = "not examined: the answer was HTTP 404 without an error code of Twilio's; does `base_url` lead to \
                    the API of Twilio, or does a proxy answer in its place?";
        ["auth_id", "auth_token"].map(|subject| unknown(subject, text)).into()
    }

    fn test_pair(&self) -> [Finding; 2] {
        let what = "test credentials, which reach nobody";
        [
            bad("auth_id", what, "use the live Account SID from the Twilio Console"),
            bad("auth_token", what, "use the live auth token from the Twilio Console"),
        ]
    }

    fn unknown_account(&self) -> Finding {
        bad(
            self.account_setting(),
            "the credentials work, but not for this account",
            "set it to the Account SID that these credentials belong to, or to one of its subaccounts",
        )
    }

    fn has_key(&self) -> bool {
        self.auth_id.starts_with("SK")
    }

    /// The setting that names the account.
    fn account_setting(&self) -> &'static str {
        if self.auth_id == self.account_sid { "auth_id" } else { "account_sid" }
    }
}

/// What a reply tells of the credentials.
enum Access {
    Granted,
    Refused,
    TestCredentials,
    UnknownAccount,
    Forbidden,
    /// Nobody knows the address, and it is not Twilio who says so.
    NotTwilio,
    Other,
}

impl Access {
    fn of(reply: &Reply) -> Self {
        match (TABLE.code(reply), reply.status) {
            (_, 200..=299) => Self::Granted,
            (Some(TEST_CREDENTIALS), _) => Self::TestCredentials,
            (Some(WRONG_PAIR), _) | (_, 401) => Self::Refused,
            (Some(GONE), _) => Self::UnknownAccount,
            (Some(ACCESS_DENIED | FORBIDDEN), _) | (None, 403) => Self::Forbidden,
            (None, 404) => Self::NotTwilio,
            _ => Self::Other,
        }
    }
}
