//! `…/Keys.json`: the API keys of an account, without their secrets.

use serde_json::{Value, json};

use super::{Context, Line};
use crate::emulate::accounts::ApiKey;
use crate::emulate::reply::{Outcome, Reply, rfc2822};

pub(super) fn all(context: &Context<'_>, line: &Line) -> Outcome {
    context.only("GET")?;
    let page = context.page("/Keys.json")?;
    Ok(Reply::ok(page.core("keys", context.account.keys.iter().map(|key| body(key, line)))))
}

pub(super) fn one(context: &Context<'_>, line: &Line, sid: Option<&str>) -> Outcome {
    context.only("GET")?;
    let key = context.account.keys.iter().find(|key| Some(key.sid.as_str()) == sid);
    key.map(|key| Reply::ok(body(key, line))).ok_or_else(|| context.not_found())
}

fn body(key: &ApiKey, line: &Line) -> Value {
    json!({
        "sid": key.sid,
        "friendly_name": "Countersign",
        "date_created": rfc2822(line.created),
        "date_updated": rfc2822(line.created),
    })
}
