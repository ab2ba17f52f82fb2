//! The account itself, as `GET /2010-04-01/Accounts/{AC}.json` shows it.

use serde_json::{Map, Value, json};

use super::{Context, Line};
use crate::emulate::page::Page;
use crate::emulate::reply::{Outcome, Reply, rfc2822};

/// Members of `subresource_uris`, and the lists they lead to.
const LISTS: [(&str, &str); 20] = [
    ("available_phone_numbers", "AvailablePhoneNumbers"),
    ("calls", "Calls"),
    ("conferences", "Conferences"),
    ("incoming_phone_numbers", "IncomingPhoneNumbers"),
    ("notifications", "Notifications"),
    ("outgoing_caller_ids", "OutgoingCallerIds"),
    ("recordings", "Recordings"),
    ("transcriptions", "Transcriptions"),
    ("addresses", "Addresses"),
    ("signing_keys", "SigningKeys"),
    ("connect_apps", "ConnectApps"),
    ("sip", "SIP"),
    ("authorized_connect_apps", "AuthorizedConnectApps"),
    ("usage", "Usage"),
    ("keys", "Keys"),
    ("applications", "Applications"),
    ("short_codes", "SMS/ShortCodes"),
    ("queues", "Queues"),
    ("messages", "Messages"),
    ("balance", "Balance"),
];

pub(super) fn list(context: &Context<'_>, line: &Line) -> Outcome {
    context.only("GET")?;
    let page = Page::of(context.asked, "/2010-04-01/Accounts.json".to_owned())?;
    Ok(Reply::ok(page.core("accounts", std::iter::once(body(context, line)))))
}

pub(super) fn fetch(context: &Context<'_>, line: &Line) -> Outcome {
    context.only("GET")?;
    Ok(Reply::ok(body(context, line)))
}

pub(super) fn balance(context: &Context<'_>) -> Outcome {
    context.only("GET")?;
    Ok(Reply::ok(json!({"account_sid": context.account.sid, "balance": "0.05", "currency": "USD"})))
}

/// As at Twilio, the auth token is in it: whoever logs this body logs the secret.
fn body(context: &Context<'_>, line: &Line) -> Value {
    let sid = &context.account.sid;
    let standing = context.stage.standings.of(sid);
    let uris: Map<String, Value> =
        LISTS.iter().map(|(name, list)| ((*name).to_owned(), json!(context.uri(&format!("/{list}.json"))))).collect();
    json!({
        "auth_token": context.account.token.expose(),
        "date_created": rfc2822(line.created),
        "date_updated": rfc2822(line.created),
        "friendly_name": "Countersign",
        "owner_account_sid": sid,
        "sid": sid,
        "status": standing.status.word(),
        "subresource_uris": uris,
        "type": if standing.trial { "Trial" } else { "Full" },
        "uri": context.uri(".json"),
    })
}
