//! Mode `call`: do the credentials work, and is the caller id one that Twilio takes?

use countersign_plugin::{Context, Diagnosis, Effect, Failure, Finding, Health, Reply, Request};

use super::wire::{AccountReply, CallerIds, OwnNumbers};
use super::{Account, TABLE};
use crate::failures::malformed;
use crate::findings::{bad, good, notice, refused, unknown};

const WRONG_PAIR: u32 = 20003;
const TEST_CREDENTIALS: u32 = 20008;

impl Account {
    /// Looks at the account, then at the caller id; three requests at most, none of which
    /// changes anything.
    pub(crate) async fn test_credentials(&self, cx: &Context) -> Result<Diagnosis, Failure> {
        let reply = cx.http(self.account()).await?;
        let mut findings = Vec::new();
        match Access::of(&reply) {
            Access::Granted => {
                let account: AccountReply = reply.json()?;
                if account.sid != self.account_sid {
                    return Err(malformed("it is about another account"));
                }
                findings.extend(self.credentials_work());
                findings.push(self.standing(&account));
            }
            // Only the auth token and Main keys may read the account; others show what they are
            // worth at the numbers.
            Access::Refused | Access::Forbidden if self.has_key() => {}
            Access::Refused => findings.extend(self.wrong_pair()),
            Access::TestCredentials => findings.extend(self.test_pair()),
            Access::UnknownAccount => {
                findings.extend(self.credentials_work());
                findings.push(self.unknown_account());
            }
            Access::Forbidden | Access::Other => {
                findings.push(refused(self.account_setting(), TABLE.failure(&reply, Effect::Read, cx.now()))?);
            }
        }
        if findings.iter().any(|finding| finding.state == Health::Bad) {
            findings.push(unknown("from", "not examined: the account cannot be used yet"));
        } else {
            self.examine_caller_id(cx, &mut findings).await;
        }
        Ok(Diagnosis { findings })
    }

    async fn examine_caller_id(&self, cx: &Context, findings: &mut Vec<Finding>) {
        let reply = match ask(cx, self.own_number()).await {
            Ok(reply) => reply,
            Err(failure) => return findings.push(unknown("from", failure.to_string())),
        };
        if findings.is_empty() {
            match Access::of(&reply) {
                Access::Granted => {
                    findings.extend(self.credentials_work());
                    findings.push(notice(
                        "account_sid",
                        "this API key may not read the account itself, so its standing was not examined",
                    ));
                }
                Access::Refused => findings.extend(self.wrong_pair()),
                Access::TestCredentials => findings.extend(self.test_pair()),
                Access::UnknownAccount => {
                    findings.extend(self.credentials_work());
                    findings.push(self.unknown_account());
                }
                Access::Forbidden => {
                    findings.extend(self.credentials_work());
                    findings.push(notice(
                        "auth_id",
                        "this API key may read neither the account nor its numbers; whether it may call was not examined",
                    ));
                }
                Access::Other => {}
            }
        }
        findings.push(match self.own(cx, &reply) {
            Err(failure) => unknown("from", failure.to_string()),
            Ok(Some(finding)) => finding,
            Ok(None) => self.verified(cx).await.unwrap_or_else(|failure| unknown("from", failure.to_string())),
        });
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

    async fn verified(&self, cx: &Context) -> Result<Finding, Failure> {
        let reply = ask(cx, self.verified_caller_id()).await?;
        if !reply.is_success() {
            return Err(TABLE.failure(&reply, Effect::Read, cx.now()));
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

    fn credentials_work(&self) -> [Finding; 2] {
        [good("auth_id", "accepted"), good("auth_token", "accepted")]
    }

    /// Twilio does not tell which half is wrong, so neither can we.
    fn wrong_pair(&self) -> [Finding; 2] {
        let what = "Twilio refuses this pair and does not say which half is wrong";
        let (id, token) = if self.has_key() {
            (
                "check that the API key exists and belongs to this account",
                "copy the secret of that key anew, or make a key",
            )
        } else {
            ("compare it with the Account SID in the Twilio Console", "copy the auth token of that account anew")
        };
        let both = "white space around it and credentials of another region fail in the same way";
        [bad("auth_id", what, format!("{id}; {both}")), bad("auth_token", what, format!("{token}; {both}"))]
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
    Other,
}

impl Access {
    fn of(reply: &Reply) -> Self {
        match (TABLE.code(reply), reply.status) {
            (_, 200..=299) => Self::Granted,
            (Some(TEST_CREDENTIALS), _) => Self::TestCredentials,
            (Some(WRONG_PAIR), _) | (_, 401) => Self::Refused,
            (_, 404) => Self::UnknownAccount,
            (_, 403) => Self::Forbidden,
            _ => Self::Other,
        }
    }
}

async fn ask(cx: &Context, request: Request) -> Result<Reply, Failure> {
    Ok(cx.http(request).await?)
}
