//! HAR writes several facts twice. Where the two disagree, perhaps only one was redacted, so such a
//! file is refused.

use std::borrow::Cow;
use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use super::difference::Side;
use super::format::{ContentFormat, PairFormat};
use super::problem::{EntryProblem, Fact};
use super::shown::Shown;

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The query within the address against the list beside it.
pub(super) fn check_query(url: &str, listed: Option<&[PairFormat]>) -> Result<(), EntryProblem> {
    let Some(listed) = listed else {
        return Ok(());
    };
    let before_fragment = url.split('#').next().unwrap_or_default();
    let query = before_fragment.split_once('?').map_or("", |(_, query)| query);
    check_encoded(query, listed, (Fact::Url, Fact::QueryString))
}

/// The text of a form against its list of fields.
pub(super) fn check_params(text: &str, listed: &[PairFormat]) -> Result<(), EntryProblem> {
    check_encoded(text, listed, (Fact::Text, Fact::Params))
}

/// The `Cookie` headers against the list of cookies.
pub(super) fn check_request_cookies(headers: &[PairFormat], listed: Option<&[PairFormat]>) -> Result<(), EntryProblem> {
    let cookies =
        values(headers, "cookie").flat_map(|value| value.split(';')).filter(|cookie| !cookie.trim().is_empty());
    check_cookies(cookies, listed, (Fact::CookieHeader, Fact::RequestCookies))
}

/// The `Set-Cookie` headers against the list of cookies: names and values, not attributes.
pub(super) fn check_response_cookies(
    headers: &[PairFormat],
    listed: Option<&[PairFormat]>,
) -> Result<(), EntryProblem> {
    // Chromium joins several headers by line feeds.
    let cookies =
        values(headers, "set-cookie").flat_map(|value| value.split('\n')).filter_map(|cookie| cookie.split(';').next());
    check_cookies(cookies, listed, (Fact::SetCookieHeader, Fact::ResponseCookies))
}

/// The size of the content against its text.
pub(super) fn check_size(content: &ContentFormat, found: usize) -> Result<(), EntryProblem> {
    let Some(declared) = content.size.filter(|size| *size >= 0) else {
        return Ok(());
    };
    // mitmproxy writes the size on the wire and adds what compression saved.
    let saved = content.compression.unwrap_or_default();
    let agrees = |size: Option<i64>| size.and_then(|size| usize::try_from(size).ok()) == Some(found);
    if agrees(Some(declared)) || agrees(declared.checked_add(saved)) {
        return Ok(());
    }
    Err(EntryProblem::ContentSize { declared, found })
}

fn values<'a>(headers: &'a [PairFormat], name: &str) -> impl Iterator<Item = &'a str> {
    headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| &*header.value)
}

fn check_encoded(encoded: &str, listed: &[PairFormat], facts: (Fact, Fact)) -> Result<(), EntryProblem> {
    let raw = encoded
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value)))
        .collect();
    let decoded = form_urlencoded::parse(encoded.as_bytes()).collect();
    check(raw, decoded, listed, facts)
}

fn check_cookies<'a>(
    cookies: impl Iterator<Item = &'a str>,
    listed: Option<&[PairFormat]>,
    facts: (Fact, Fact),
) -> Result<(), EntryProblem> {
    let Some(listed) = listed else {
        return Ok(());
    };
    let raw: Vec<Pair<'_>> = cookies
        .map(|cookie| cookie.split_once('=').unwrap_or(("", cookie)))
        .map(|(name, value)| (Cow::Borrowed(name.trim()), Cow::Borrowed(value.trim())))
        .collect();
    let decoded = raw
        .iter()
        .map(|(name, value)| {
            let value = percent_decode_str(value.trim_matches('"')).decode_utf8_lossy();
            (name.clone(), Cow::Owned(value.into_owned()))
        })
        .collect();
    check(raw, decoded, listed, facts)
}

/// Some tools list what they decoded (Firefox, mitmproxy), others what stood there (Chromium): a list
/// must agree as a whole with one of the two.
fn check(
    mut raw: Vec<Pair<'_>>,
    mut decoded: Vec<Pair<'_>>,
    listed: &[PairFormat],
    (truth, mirror): (Fact, Fact),
) -> Result<(), EntryProblem> {
    let mut listed: Vec<Pair<'_>> =
        listed.iter().map(|pair| (Cow::Borrowed(&*pair.name), Cow::Borrowed(&*pair.value))).collect();
    raw.sort_unstable();
    decoded.sort_unstable();
    listed.sort_unstable();
    if listed == raw {
        return Ok(());
    }
    match first_difference(&decoded, &listed) {
        None => Ok(()),
        Some((name, one, other)) => Err(EntryProblem::Mirror { truth, mirror, name, one, other }),
    }
}

fn first_difference(one: &[Pair<'_>], other: &[Pair<'_>]) -> Option<(Shown, Side, Side)> {
    let mut names: BTreeMap<&str, [Vec<&str>; 2]> = BTreeMap::new();
    for (side, pairs) in [one, other].into_iter().enumerate() {
        for (name, value) in pairs {
            names.entry(name).or_default()[side].push(value);
        }
    }
    names
        .into_iter()
        .find(|(_, [one, other])| one != other)
        .map(|(name, [one, other])| (Shown::of(name), Side::of(name, &one), Side::of(name, &other)))
}
