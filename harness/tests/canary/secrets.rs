//! The secrets, and the forms in which each would be recognised.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// With characters that every encoding writes in another way.
pub(crate) const TOKEN: &str = "canary/T0ken+7f\"3a9c=51e2";
pub(crate) const API_KEY: &str = "canary/Auth+key\\9d1b=44c7";
pub(crate) const EMAIL: &str = "canary.mail+7f3a@example.org";
pub(crate) const NUMBER: &str = "+12025550143";
pub(crate) const NATIONAL: &str = "2025550143";
/// A code that was never right.
pub(crate) const WRONG: &str = "7391520846";

/// No form of a secret is shorter, in bytes.
const SHORTEST: usize = 7;

/// What must not be found, by what it is.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Secrets {
    texts: BTreeMap<String, BTreeSet<String>>,
    codes: BTreeSet<String>,
}

impl Secrets {
    /// Those that are known from the start.
    pub(crate) fn new() -> Self {
        let mut secrets = Self::default();
        for (what, text) in [
            ("the token", TOKEN),
            ("the API key", API_KEY),
            ("the address", EMAIL),
            ("the number", NUMBER),
            ("the number without plus", &NUMBER[1..]),
            ("the national number", NATIONAL),
            ("the national number", "202-555-0143"),
            ("the national number", "202 555 0143"),
            ("the national number", "(202) 555-0143"),
        ] {
            secrets.add(what, text);
        }
        secrets.add_code(WRONG);
        secrets
    }

    pub(crate) fn add(&mut self, what: &str, text: &str) {
        self.texts.entry(what.to_owned()).or_default().insert(text.to_owned());
    }

    pub(crate) fn add_code(&mut self, code: &str) {
        // A shorter one would be found by accident.
        assert!(code.len() >= SHORTEST, "{} digits", code.len());
        self.codes.insert(code.to_owned());
    }

    /// Fails with the kinds of secrets and notations that were found, and with what stands before them.
    pub(crate) fn must_not_be_in(&self, places: &[(&str, &str)]) {
        let told = |(place, text): &(&str, &str)| {
            let found = self.found_in(text).into_iter();
            found.map(|what| format!("{place} tells {what}")).collect::<Vec<_>>()
        };
        let told: Vec<_> = places.iter().flat_map(told).collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
    }

    fn found_in(&self, text: &str) -> BTreeSet<String> {
        // By how they begin, so that a long text is read once.
        let mut wanted: HashMap<&[u8], Vec<&(&str, &str, String)>> = HashMap::new();
        let all = self.all_forms();
        for form in &all {
            wanted.entry(&form.2.as_bytes()[..SHORTEST]).or_default().push(form);
        }
        let mut found = BTreeSet::new();
        for (at, begin) in text.as_bytes().windows(SHORTEST).enumerate() {
            for (what, notation, form) in wanted.get(begin).into_iter().flatten() {
                let is_there = text.as_bytes()[at..].starts_with(form.as_bytes());
                if is_there && !by_accident(text.as_bytes(), at, form) {
                    let before = String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(80)..at]);
                    found.insert(format!("{what} ({notation}) after `{}`", self.hidden(&before)));
                }
            }
        }
        found
    }

    fn all_forms(&self) -> Vec<(&str, &'static str, String)> {
        let mut all = Vec::new();
        for (what, secrets) in &self.texts {
            let forms = secrets.iter().flat_map(|secret| forms(secret));
            all.extend(forms.map(|(notation, form)| (what.as_str(), notation, form)));
        }
        for code in &self.codes {
            let spoken = |between: &str| code.chars().map(String::from).collect::<Vec<_>>().join(between);
            let spoken = [("spoken", spoken(", ")), ("spaced", spoken(" "))];
            all.extend(forms(code).into_iter().chain(spoken).map(|(notation, form)| ("a code", notation, form)));
        }
        all
    }

    /// What stands before a secret may hold another one.
    fn hidden(&self, text: &str) -> String {
        let all = self.texts.values().flatten().chain(&self.codes);
        all.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "…"))
    }
}

/// Whether a short code is but a part of an id or of a moment, which are long.
fn by_accident(text: &[u8], at: usize, form: &str) -> bool {
    let short = form.len() < 10 && form.bytes().all(|byte| byte.is_ascii_digit());
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    let neighbours = [before, text.get(at + form.len())];
    short && neighbours.into_iter().flatten().any(u8::is_ascii_hexdigit)
}

fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::Value::from(secret).to_string();
    let json = json.trim_matches('"').to_owned();
    let twice = serde_json::Value::from(json.as_str()).to_string();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        ("plain", secret.to_owned()),
        ("percent-encoded", in_lower_case(&percent)),
        ("percent-encoded", percent),
        ("form-encoded", form),
        ("JSON-escaped", json),
        ("JSON-escaped twice", twice.trim_matches('"').to_owned()),
        ("hexadecimal", hex.to_uppercase()),
        ("hexadecimal", hex),
    ];
    // Wherever it begins in what is encoded, as after `user:`.
    for before in 0..3 {
        let bytes = [vec![0; before], secret.as_bytes().to_vec()].concat();
        let (from, until) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            forms.push(("Base64", encoded[from..until].to_owned()));
        }
    }
    // Most notations write digits as they are.
    let mut seen = BTreeSet::new();
    forms.retain(|(_, form)| seen.insert(form.clone()));
    forms
}

#[test]
fn every_form_of_a_secret_is_recognised() {
    let secrets = Secrets::new();
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("AC0123:{TOKEN}"));
    for text in [
        format!("token {TOKEN} in clear"),
        format!("Basic {basic}"),
        serde_json::json!({ "token": TOKEN }).to_string(),
        serde_json::json!({ "body": serde_json::json!({ "token": TOKEN }).to_string() }).to_string(),
        format!("{TOKEN:?}"),
        format!("To={}", utf8_percent_encode(NUMBER, NON_ALPHANUMERIC)),
        format!("mail={}", utf8_percent_encode(EMAIL, NON_ALPHANUMERIC)),
        "cellphone=2025550143".to_owned(),
        "your code is: 7, 3, 9, 1, 5, 2, 0, 8, 4, 6.".to_owned(),
    ] {
        assert!(!secrets.found_in(&text).is_empty(), "{text}");
    }
    assert!(secrets.found_in("•••• 43, 4 attempts left").is_empty());

    let mut secrets = Secrets::new();
    secrets.add_code("67391569");
    assert!(secrets.found_in("Timestamp(1767391569000)").is_empty());
    assert!(!secrets.found_in("code 67391569").is_empty());
}

/// Percent-encoded text with `%2f` for `%2F`: the digits of escapes are without case, the text beside them is not.
pub(crate) fn in_lower_case(percent: &str) -> String {
    let mut parts = percent.split('%');
    let before = parts.next().unwrap_or_default().to_owned();
    parts.fold(before, |text, part| {
        let (digits, after) = part.split_at(2);
        text + "%" + &digits.to_lowercase() + after
    })
}
