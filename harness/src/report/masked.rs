//! Text for reports, with nothing left in it to hide.

use std::fmt;

use countersign_plugin::line::escaped;
use serde::Serialize;
use serde_json::Value;

use crate::cassette::{Cassette, Setting, Shown};
use crate::redact::names_secret;

/// Stands for each character that is hidden.
const HIDDEN: char = '•';
/// Fields whose values are never shown, by a part of their name in lower case; beside those of [`Shown`].
const SECRET_NAMES: [&str; 5] = ["authorization", "cookie", "otp", "qr", "seed"];
/// Header fields that hold a time or a size, and nothing about a person.
const OPEN_HEADERS: [&str; 6] = ["age", "content-length", "date", "expires", "last-modified", "retry-after"];
/// Known values shorter than this occur everywhere by accident.
const SHORTEST_KNOWN: usize = 4;

/// Text that is safe to show: codes, numbers, addresses of people and secrets are masked, control characters and those
/// that reorder what follows are shown by their escapes. It may have several lines.
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize)]
pub struct Masked(String);

impl Masked {
    /// Text that holds nothing to hide, such as an id, a path or a title: only escaped.
    pub fn known(text: impl AsRef<str>) -> Self {
        Self(lines(text.as_ref(), escaped))
    }

    /// Foreign text, masked by what codes, numbers and e-mail addresses look like. Where values are known that must not
    /// show, use [`Mask::text`].
    pub fn of(text: &str) -> Self {
        Mask::default().text(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Only the length of a text.
    pub(super) fn hidden(text: &str) -> Self {
        Self(format!("({} hidden characters)", text.chars().count()))
    }
}

impl From<&Shown> for Masked {
    fn from(shown: &Shown) -> Self {
        Self::known(shown.to_string())
    }
}

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl maud::Render for Masked {
    fn render_to(&self, buffer: &mut String) {
        // As any other text: masked is not escaped for HTML.
        self.0.as_str().render_to(buffer);
    }
}

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What must not show, beside all that looks like it: the codes, numbers and addresses that a case uses.
#[derive(Clone, Default)]
pub struct Mask {
    /// The longest first.
    known: Vec<String>,
}

impl Mask {
    /// Hides these values wherever they stand, too; those of less than four characters occur everywhere and are left.
    #[must_use]
    pub fn hiding<S: Into<String>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        let values = values.into_iter().map(Into::into);
        self.known.extend(values.filter(|value: &String| value.chars().count() >= SHORTEST_KNOWN));
        self.known.sort_by(|one, other| (other.len(), other).cmp(&(one.len(), one)));
        self.known.dedup();
        self
    }

    /// The values that a cassette and its case use and that must not show.
    pub fn of(cassette: &Cassette) -> Self {
        let mut found = Vec::new();
        let mut learn = |name: &str, value: &str| found.extend(to_hide(name, value));
        for (name, value) in cassette.variables() {
            learn(name, value);
        }
        for binding in cassette.entries().iter().flat_map(|entry| &entry.bindings) {
            learn(&binding.variable, &binding.sample);
        }
        if let Some(case) = cassette.case() {
            for (name, setting) in &case.settings {
                if let Setting::Plain(value) = setting {
                    texts(name, value, &mut learn);
                }
            }
            for operation in &case.operations {
                operation.input.iter().for_each(|(name, value)| texts(name, value, &mut learn));
                if let Some(value) = operation.expect.get("outcome") {
                    texts("outcome", value, &mut learn);
                }
            }
        }
        Self::default().hiding(found)
    }

    /// Foreign text.
    pub fn text(&self, text: &str) -> Masked {
        Masked(lines(text, |line| self.line(line)))
    }

    /// The value of a field: where it sounds like a secret, only the length.
    pub fn field(&self, name: &str, value: &str) -> Masked {
        if is_secret(name) { Masked::hidden(value) } else { self.text(value) }
    }

    /// The value of a header field of a reply.
    pub fn header(&self, name: &str, value: &str) -> Masked {
        if is_secret(name) {
            return Masked::hidden(value);
        }
        if OPEN_HEADERS.iter().any(|open| name.eq_ignore_ascii_case(open)) {
            return Masked::known(self.without_known(value));
        }
        self.text(value)
    }

    /// Text with nothing to hide but what is known.
    pub(super) fn otherwise_open(&self, text: &str) -> Masked {
        Masked::known(self.without_known(text))
    }

    fn line(&self, line: &str) -> String {
        let line = self.without_known(line);
        if is_time(&line) {
            return line;
        }
        let line = without_addresses(&without_pairs(&without_seeds(&line)));
        Shown::message(&escaped(&line)).to_string()
    }

    fn without_known(&self, text: &str) -> String {
        self.known.iter().fold(text.to_owned(), |text, known| {
            if text.contains(known) { text.replace(known, &hide(known)) } else { text }
        })
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({} values)", self.known.len())
    }
}

/// The value of a field, where it is one to hide: words such as `sms`, ids and times show.
fn to_hide(name: &str, value: &str) -> Option<String> {
    let hides = Mask::default().field(name, value).as_str() != value;
    (hides && !value.contains(char::is_whitespace)).then(|| value.to_owned())
}

/// Every text in a value, with the name of the member that holds it.
fn texts(name: &str, value: &Value, seen: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => seen(name, text),
        Value::Array(items) => items.iter().for_each(|item| texts(name, item, seen)),
        Value::Object(members) => members.iter().for_each(|(name, value)| texts(name, value, seen)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether the value of a field of this name is never shown.
pub(super) fn is_secret(name: &str) -> bool {
    let lower = name.to_lowercase();
    SECRET_NAMES.iter().any(|secret| lower.contains(secret))
        || names_secret(name)
        || Shown::of_field(name, "").to_string() != ""
}

/// What no writer has to look at again: noncharacters are not text in XML, all else is escaped line by line.
fn lines(text: &str, line: impl Fn(&str) -> String) -> String {
    let text = text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Hides all that tells something, and keeps the shape: `+•••`, `••@••.•`.
fn hide(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() { HIDDEN } else { c }).collect()
}

/// A time as RFC 3339 writes it, and nothing else.
fn is_time(text: &str) -> bool {
    text.len() >= "2015-07-30T20:00:00Z".len() && text.as_bytes()[10] == b'T' && text.parse::<jiff::Timestamp>().is_ok()
}

/// What a QR code for an app says holds its seed.
fn without_seeds(text: &str) -> String {
    let mut rest = text;
    let mut shown = String::with_capacity(text.len());
    while let Some(at) = rest.find("otpauth:") {
        let uri = &rest[at..];
        let end = uri.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '\\'));
        let end = end.unwrap_or(uri.len());
        shown.push_str(&rest[..at]);
        shown.push_str(&Masked::hidden(&uri[..end]).0);
        rest = &uri[end..];
    }
    shown + rest
}

/// Values of `name=value` whose name sounds like a secret, as in the query of an address.
fn without_pairs(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('=') {
        let (before, value) = (&rest[..at], &rest[at + 1..]);
        let name = before.rfind(|c: char| !(c.is_alphanumeric() || "_-.%[]".contains(c)));
        let name = &before[name.map_or(0, |end| end + before[end..].chars().next().map_or(1, char::len_utf8))..];
        let end = value.find(|c: char| c.is_whitespace() || "&;,\"'<>".contains(c)).unwrap_or(value.len());
        shown.push_str(&rest[..=at]);
        // A reference to a secret is none: `[auth_token]`.
        let reference = value[..end].starts_with('[') && value[..end].ends_with(']');
        if !name.is_empty() && end > 0 && !reference && is_secret(name) {
            shown.push_str(&hide(&value[..end]));
            rest = &value[end..];
        } else {
            rest = value;
        }
    }
    shown + rest
}

/// The local parts of e-mail addresses.
fn without_addresses(text: &str) -> String {
    let mut shown: Vec<char> = Vec::with_capacity(text.len());
    let characters: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < characters.len() {
        let escape = characters[at..].starts_with(&['%', '4', '0']);
        let sign = characters[at] == '@' || escape;
        let after = at + if escape { 3 } else { 1 };
        if sign && characters.get(after).is_some_and(|c| c.is_alphanumeric()) {
            let local = |c: &char| c.is_alphanumeric() || matches!(*c, '.' | '_' | '+' | '-' | '%' | HIDDEN);
            let length = shown.iter().rev().take_while(|c| local(c)).count();
            let start = shown.len() - length;
            shown[start..].fill(HIDDEN);
        }
        shown.push(characters[at]);
        at += 1;
    }
    shown.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(Masked::of(text).as_str(), expected);
    }

    #[test]
    fn codes_numbers_addresses_and_seeds_are_masked_in_any_text() {
        check("Your code is 135790.", "Your code is ••••••.");
        check("+15005550006\n+15005550007", "+•••••••••••\n+•••••••••••");
        check("mail to ada.l@example.com, now", "mail to •••••@example.com, now");
        check("Ada%40example.com", "•••%40example.com");
        check("see otpauth://totp/ACME?secret=JBSW here", "see (31 hidden characters) here");
        check("https://a.example/x?api_key=abc&To=sms", "https://a.example/x?api_key=•••&To=sms");
        check("user=[auth_id]&api_key=[auth_token]", "user=[auth_id]&api_key=[auth_token]");
    }

    #[test]
    fn ids_words_times_and_short_numbers_show() {
        for text in ["VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "201", "a = b", "2015-07-30T20:00:00Z", "x @ y", ""] {
            check(text, text);
        }
        check("at 2015-07-30T20:00:00Z", "at ••••-••-••T20:00:00Z");
    }

    #[test]
    fn what_would_steer_a_reader_is_shown_by_its_escape() {
        check("a\r\u{202e}b\u{0}\u{ffff}\nc", "a\\r\\u{202e}b\\u{0}\u{fffd}\nc");
        assert_eq!(Masked::known("a\u{1b}\n135790").as_str(), "a\\u{1b}\n135790");
    }

    #[test]
    fn fields_that_sound_like_secrets_show_their_length() {
        let mask = Mask::default();
        for name in [
            "Code",
            "api_key",
            "Set-Cookie",
            "Authorization",
            "seed",
            "X-Authy-API-Key",
            "jwt",
            "sig",
            "user[passwd]",
            "sessionid",
        ] {
            assert_eq!(mask.field(name, "abc").as_str(), "(3 hidden characters)", "{name}");
        }
        assert_eq!(mask.field("Channel", "sms").as_str(), "sms");
        assert_eq!(mask.header("Retry-After", "3600").as_str(), "3600");
        assert_eq!(mask.header("X-Number", "3600").as_str(), "••••");
    }

    #[test]
    fn what_a_case_uses_is_masked_wherever_it_stands() {
        let fixture = countersign_fixtures::cassette("totp/enroll-with-defaults.har").expect("is embedded");
        let cassette = crate::cassette::parse(fixture.path, fixture.bytes).expect("is a cassette");
        let mask = Mask::of(&cassette);
        for value in ["7Q7SOGI5VXKTD52ZQYGP2QPMVYNSYUVI", "611674", "ada@example.com"] {
            let shown = mask.text(&format!("<{value}>")).as_str().to_owned();
            assert!(!shown.contains(value), "{shown}");
            assert!(!mask.otherwise_open(value).as_str().contains(value));
        }
        assert_eq!(mask.text("ACME sha1 totp").as_str(), "ACME sha1 totp");
        let mask = Mask::default().hiding(["canary", "canary-token", "abc"]);
        assert_eq!(mask.text("a canary-token, abc").as_str(), "a ••••••-•••••, abc");
    }

    proptest! {
        #[test]
        fn no_run_of_digits_as_long_as_a_code_is_left(before in "\\PC{0,8}", code in "[0-9]{4,10}", after in "[ .,]\\PC{0,8}") {
            let masked = Masked::of(&format!("{before} {code}{after}"));
            prop_assert!(!masked.as_str().contains(&code), "{}", masked);
        }

        #[test]
        fn any_text_becomes_text_of_xml(text in "\\PC*|(?s).*") {
            let masked = Masked::of(&text);
            let is_text = |c: char| c == '\n' || !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
            let all = masked.as_str().chars().all(is_text);
            prop_assert!(all, "{:?}", masked);
        }
    }
}
