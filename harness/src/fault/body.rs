//! Bodies that are wrong in one way each. `None` where a body has nothing that could be wrong in that way.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::heard::Heard;
use super::lot::Lot;

/// Members that say yes, somewhere, and how.
const YES: [(&str, &str); 6] = [
    ("status", r#""approved""#),
    ("valid", "true"),
    ("success", "true"),
    ("token", r#""is valid""#),
    ("approved", "true"),
    ("sent", "true"),
];
/// Members that hold the number that an answer is about.
const NUMBERS: [&str; 5] = ["to", "phone_number", "cellphone", "phone", "recipient"];
/// Shorter ones may stand in a path by chance.
const SHORTEST_ID: usize = 8;

/// Not JSON, in one of the ways in which servers and proxies get it wrong.
pub(super) fn malformed(body: &[u8], lot: &mut Lot) -> Option<Vec<u8>> {
    let body = body.trim_ascii();
    let (_, unclosed) = body.split_last()?;
    Some(match lot.below(5) {
        0 => unclosed.to_vec(),
        1 => [unclosed, b",".as_slice(), &body[body.len() - 1..]].concat(),
        2 => [b"\xef\xbb\xbf".as_slice(), body].concat(),
        3 => [body, b"\n<!-- served by a proxy -->".as_slice()].concat(),
        _ => body.iter().map(|byte| if *byte == b'"' { b'\'' } else { *byte }).chain(*b"'").collect(),
    })
}

/// The true body with one member more, that deep; or that alone.
pub(super) fn deep(body: &[u8], depth: usize) -> Vec<u8> {
    let nested = [vec![b'['; depth], vec![b']'; depth]].concat();
    match open_object(body) {
        Some(object) => [object.as_slice(), br#""nested":"#, &nested, b"}"].concat(),
        None => nested,
    }
}

/// So much white space. That of the last size is kept and shared, so that many answers at once cost as much as one.
pub(super) fn huge(bytes: usize) -> Arc<[u8]> {
    static HUGE: Mutex<Option<Arc<[u8]>>> = Mutex::new(None);
    let mut huge = HUGE.lock().unwrap_or_else(PoisonError::into_inner);
    match &*huge {
        Some(spaces) if spaces.len() == bytes => Arc::clone(spaces),
        _ => Arc::clone(huge.insert(vec![b' '; bytes].into())),
    }
}

/// Every member that could say yes once more, saying yes; where there is none, the first member once more.
pub(super) fn duplicated(body: &[u8]) -> Option<Vec<u8>> {
    let members: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let mut again: Vec<String> = YES
        .iter()
        .filter(|(name, _)| members.contains_key(*name))
        .map(|(name, yes)| format!("{}:{yes}", Value::from(*name)))
        .collect();
    if again.is_empty() {
        let (name, value) = members.iter().next()?;
        again.push(format!("{}:{value}", Value::from(name.as_str())));
    }
    Some([open_object(body)?.as_slice(), again.join(",").as_bytes(), b"}"].concat())
}

/// A yes and a no in one body: `approved` that is not `valid`, or success with a token that is none.
pub(super) fn contradictory(body: &[u8]) -> Option<Vec<u8>> {
    let mut members: Map<String, Value> = serde_json::from_slice(body).ok()?;
    if members.contains_key("status") && members.contains_key("valid") {
        members.insert("status".to_owned(), "approved".into());
        members.insert("valid".to_owned(), false.into());
    } else if members.contains_key("success") && members.contains_key("token") {
        members.insert("success".to_owned(), "true".into());
        members.insert("token".to_owned(), "is invalid".into());
    } else {
        return None;
    }
    Some(Value::from(members).to_string().into_bytes())
}

/// Every number in E.164 form that the answer is about has another last digit.
pub(super) fn for_another_number(body: &[u8]) -> Option<Vec<u8>> {
    fn change(value: &mut Value) -> bool {
        let mut changed = false;
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let number = value.as_str().filter(|_| NUMBERS.contains(&name.as_str()));
                    match number.and_then(other_number) {
                        Some(other) => {
                            *value = other.into();
                            changed = true;
                        }
                        None => changed |= change(value),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| changed |= change(item)),
            _ => {}
        }
        changed
    }
    let mut body: Value = serde_json::from_slice(body).ok()?;
    change(&mut body).then(|| body.to_string().into_bytes())
}

/// The `sid` or `id` that the request had named is another one of the same shape.
pub(super) fn about_another(body: &[u8], heard: &Heard) -> Option<Vec<u8>> {
    let mut members: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let own = ["sid", "id"].into_iter().find(|name| {
        let id = members.get(*name).and_then(Value::as_str);
        id.is_some_and(|id| id.len() >= SHORTEST_ID && heard.names(id))
    })?;
    let other = other_id(members.get(own)?.as_str()?)?;
    members.insert(own.to_owned(), other.into());
    Some(Value::from(members).to_string().into_bytes())
}

/// What a careless server says when it refuses: the whole request, credentials included.
pub(super) fn refusal(heard: &Heard) -> Vec<u8> {
    json!({"message": format!("refused: {}", heard.quoted().as_str())}).to_string().into_bytes()
}

/// A page that quotes the request as well.
pub(super) fn page(heard: &Heard) -> Vec<u8> {
    let escaped = heard.quoted().replace('&', "&amp;").replace('<', "&lt;");
    format!("<!doctype html><title>Sign in to the network</title><p>You asked for {escaped}.</p>").into_bytes()
}

/// An object as written, without its end and ready for one member more; `None` where it is none.
fn open_object(body: &[u8]) -> Option<Vec<u8>> {
    let members: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let open = body.trim_ascii().strip_suffix(b"}")?;
    let comma: &[u8] = if members.is_empty() { b"" } else { b"," };
    Some([open, comma].concat())
}

fn other_number(number: &str) -> Option<String> {
    let digits = number.strip_prefix('+')?;
    let is_number = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let last = number.bytes().last().filter(|_| is_number)?;
    let other = char::from(if last == b'9' { b'0' } else { last + 1 });
    Some(format!("{}{other}", number.get(..number.len() - 1)?))
}

fn other_id(id: &str) -> Option<String> {
    let last = id.chars().last()?;
    let other = if last == '0' { '1' } else { '0' };
    Some(format!("{}{other}", id.get(..id.len() - last.len_utf8())?))
}
