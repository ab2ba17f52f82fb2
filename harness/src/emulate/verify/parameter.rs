//! Reads form parameters of Verify; what does not fit is 400/60200 with the parameter's name.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::emulate::reply::Refusal;
use crate::emulate::request::Fields;

/// Longest text of a parameter of which no document names a limit.
pub(super) const LONGEST: usize = 256;
/// Longest JSON object in a parameter.
const LONGEST_OBJECT: usize = 4096;

/// `true` or `false`.
pub(super) fn flag(form: &Fields, name: &str) -> Result<Option<bool>, Refusal> {
    match form.filled(name).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(Refusal::parameter(name)),
    }
}

/// A whole number.
pub(super) fn number(form: &Fields, name: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, Refusal> {
    let Some(text) = form.filled(name) else {
        return Ok(None);
    };
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.map(Some).ok_or_else(|| Refusal::parameter(name))
}

/// Text of at most so many characters, in UTF-8.
pub(super) fn text<'a>(form: &'a Fields, name: &str, longest: usize) -> Result<Option<&'a str>, Refusal> {
    let Some(text) = form.filled(name) else {
        return Ok(None);
    };
    let fits = text.chars().count() <= longest && !text.contains(char::REPLACEMENT_CHARACTER);
    fits.then_some(Some(text)).ok_or_else(|| Refusal::parameter(name))
}

/// Like [`text`], and it must be there.
pub(super) fn required<'a>(form: &'a Fields, name: &str, longest: usize) -> Result<&'a str, Refusal> {
    text(form, name, longest)?.ok_or_else(|| Refusal::parameter(name))
}

/// A JSON object in one field.
pub(super) fn object(form: &Fields, name: &str) -> Result<Option<Map<String, Value>>, Refusal> {
    let Some(text) = text(form, name, LONGEST_OBJECT)? else {
        return Ok(None);
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(Some(object)),
        _ => Err(Refusal::parameter(name)),
    }
}

/// A brand as messages show it: at most 30 characters, letters, digits, space, dash and underscore, at most 4 digits
/// (Twilio Verify, Services).
pub(super) fn brand<'a>(form: &'a Fields, name: &str) -> Result<Option<&'a str>, Refusal> {
    let Some(brand) = text(form, name, 30)? else {
        return Ok(None);
    };
    let plain = brand.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    let digits = brand.chars().filter(|c| c.is_numeric()).count();
    (plain && digits <= 4).then_some(Some(brand)).ok_or_else(|| Refusal::parameter(name))
}
