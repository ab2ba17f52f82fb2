//! JSON read strictly: what two parsers could read in two ways is refused.

mod key;
mod strict;

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::limits::REPLY_BODY_BYTES;
use strict::{Findings, Strict};

/// Reads one JSON value; the error is a short text that never quotes the input.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    if bytes.is_empty() {
        return Err("the body is empty".to_owned());
    }
    if bytes.len() > REPLY_BODY_BYTES {
        return Err(format!("the body is larger than {REPLY_BODY_BYTES} bytes"));
    }
    let text = str::from_utf8(bytes).map_err(|_| "the body is not UTF-8".to_owned())?;
    let findings = Findings::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    T::deserialize(Strict::new(&mut deserializer, &findings))
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| describe(&error, &findings))
}

/// Only names that the reading type knows and places: a parser's own message may quote a value.
fn describe(error: &serde_json::Error, findings: &Findings) -> String {
    if let Some(refused) = findings.refused() {
        return refused.to_owned();
    }
    if error.classify() != Category::Data {
        return format!("the body is not JSON (line {}, column {})", error.line(), error.column());
    }
    let place = findings.place();
    let text = error.to_string();
    match text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        Some(field) if place.is_empty() => format!("the field `{field}` is missing"),
        Some(field) => format!("the field `{place}.{field}` is missing"),
        None if place.is_empty() => "it is not of the expected type".to_owned(),
        None => format!("the field `{place}` is not of the expected type"),
    }
}

#[cfg(test)]
mod tests;
