//! Finds what must not be written.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;

use super::Redaction;
use super::fields::{Field, Format, Role, fields};
use super::kind::SecretKind;
use super::names::{self, is_code, is_phone, is_reference, plain};
use super::patterns;
use super::pieces::{Piece, visit};
use super::pseudonym::{Key, SHORTEST_KEY};
use super::secret::Value;
use crate::cassette::{Draft, spoken};

/// Base64 with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// How often a value is looked into that holds another body: JSON in a form field in an address, say.
const DEEPEST: usize = 3;

/// Words of this length behind `Basic` may be credentials; shorter ones are parts of sentences.
const SHORTEST_RAW: usize = 12;

/// What was found, in the order in which it was.
#[derive(Default)]
pub(super) struct Found {
    pub(super) values: Vec<Value>,
    pub(super) numbers: Vec<Number>,
    /// What is left of numbers that were cut, as `XXX-XXX-XX67`.
    pub(super) number_ends: Vec<String>,
    /// As `+917000XXXX`.
    pub(super) number_starts: Vec<String>,
    /// Numbers of the test range, which stay: their digits.
    pub(super) nobodys: Vec<String>,
    /// The first credential that says who asks.
    pub(super) login: Option<Value>,
}

/// A phone number.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Number {
    /// All digits, the country's first.
    pub(super) digits: String,
    /// Without those of the country, where they are known.
    pub(super) national: Option<String>,
}

/// What values are looked for by.
#[derive(Clone, Copy)]
struct Scope<'a> {
    /// Plain names besides the default.
    added: &'a [String],
    /// Whether this was sent.
    request: bool,
}

impl Found {
    pub(super) fn of(draft: &Draft, redaction: &Redaction) -> Self {
        let mut found = Self::default();
        let added: Vec<String> = redaction.names().map(plain).collect();
        for secret in &redaction.known {
            found.values.push(Value { known: true, ..Value::new(SecretKind::Added, secret.expose()) });
        }
        let mut draft = draft.clone();
        visit(&mut draft, &mut |spot, piece| {
            let scope = Scope { added: &added, request: spot.is_request() };
            match piece {
                Piece::Target(target) => found.in_target(target, scope),
                Piece::Header { name, value } => found.in_header(name, value, scope),
                Piece::Body { format, bytes } => found.in_body(bytes, format, scope),
                // What stands in there is the project's own: a code or a seed of a test case is one of its inputs, unless it
                // is in the exchanges, too.
                Piece::Text(text) => found.in_own_text(text),
            }
        });
        found
    }

    /// The first credential that says who asks, where it is long enough that nobody finds it by trying.
    pub(super) fn key(&self) -> Option<Key> {
        let login = self.login.as_ref().filter(|login| login.text.len() >= SHORTEST_KEY);
        login.map(|login| Key::of(login.text.as_bytes()))
    }

    fn in_target(&mut self, target: &str, scope: Scope<'_>) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments: Vec<String> =
            path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect();
        for (at, segment) in segments.iter().enumerate() {
            self.in_text(segment, scope, 0);
            match at.checked_sub(1).map(|before| segments[before].as_str()) {
                // `/protected/json/verify/{token}/{authy_id}`
                Some("verify") if is_code(segment) => self.push(SecretKind::Code, segment),
                Some("PhoneNumbers") => self.number(segment, None),
                Some("Entities") => self.push(SecretKind::Name, segment),
                _ => {}
            }
        }
        self.in_body(query.as_bytes(), Format::Form, scope);
    }

    fn in_header(&mut self, name: &str, value: &str, scope: Scope<'_>) {
        let plain = plain(name);
        match plain.as_str() {
            "authorization" | "proxyauthorization" => {
                let (scheme, credentials) = value.trim().split_once(' ').unwrap_or_else(|| ("", value.trim()));
                if !scheme.eq_ignore_ascii_case("basic") && !is_reference(credentials) {
                    self.log_in(credentials);
                }
            }
            "cookie" => value.split(';').for_each(|cookie| self.cookie(cookie)),
            "setcookie" => {
                let cookies = value.split('\n').filter_map(|cookie| cookie.split(';').next());
                cookies.for_each(|cookie| self.cookie(cookie));
            }
            _ => match names::kind("", &plain, value, scope.request) {
                Some(SecretKind::Credential) if names::is_login(&plain) => self.log_in(value),
                Some(kind @ SecretKind::Credential) => self.push(kind, value),
                Some(kind @ SecretKind::Code) => self.push(kind, &names::digits(value)),
                _ if scope.added.contains(&plain) => self.push(SecretKind::Added, value),
                _ => {}
            },
        }
        self.in_text(value, scope, 0);
    }

    fn cookie(&mut self, cookie: &str) {
        let value = cookie.split_once('=').map_or(cookie, |(_, value)| value).trim().trim_matches('"');
        self.push(SecretKind::Cookie, value);
    }

    fn log_in(&mut self, credentials: &str) {
        if credentials.is_empty() {
            return;
        }
        self.push(SecretKind::Credential, credentials);
        self.login.get_or_insert_with(|| Value::new(SecretKind::Credential, credentials));
    }

    fn in_body(&mut self, bytes: &[u8], format: Format, scope: Scope<'_>) {
        if !matches!(format, Format::Form | Format::Json) {
            self.in_text(&String::from_utf8_lossy(bytes), scope, 0);
        }
        let named = self.in_fields(bytes, format, scope, 0);
        // A request whose form cannot be told says who is meant and by which code all the same.
        if scope.request && !named {
            self.in_message(&String::from_utf8_lossy(bytes));
        }
    }

    fn in_fields(&mut self, bytes: &[u8], format: Format, scope: Scope<'_>, depth: usize) -> bool {
        let fields = fields(bytes, format);
        for field in &fields {
            self.in_field(field, &fields, scope);
            self.in_text(&field.value, scope, depth);
        }
        !fields.is_empty()
    }

    fn in_field(&mut self, field: &Field, all: &[Field], scope: Scope<'_>) {
        let Field { parent, name, value, role, .. } = field;
        let bare = *role == Role::Bare;
        // Of what JSON has besides texts, only whole numbers can be secret.
        if *role == Role::Name || bare && !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return;
        }
        let before = self.numbers.len() + self.nobodys.len();
        match names::kind(parent, name, value, scope.request) {
            // The numbers under `code` in replies are those of errors.
            Some(SecretKind::Code) if bare && name == "code" && !scope.request => {}
            Some(kind @ SecretKind::Code) => self.push(kind, &names::digits(value)),
            Some(kind @ SecretKind::Credential) => {
                self.push(kind, value);
                if names::is_login(name) {
                    self.login.get_or_insert_with(|| Value::new(kind, value));
                }
            }
            Some(kind) => self.push(kind, value),
            None if is_phone(name) => {
                // Much else is `from` and `to` something, and a number.
                if !matches!(name.as_str(), "from" | "to" | "number") || is_plausible(value) {
                    self.number(value, country(field, all));
                }
                // The rules of numbers know it already, or it is none.
                if scope.added.contains(name) && before == self.numbers.len() + self.nobodys.len() {
                    self.push(SecretKind::Added, value);
                }
            }
            None if name == "twiml" => {
                for digits in spoken::numbers(value) {
                    self.push(SecretKind::Code, &digits);
                }
                if scope.request {
                    self.in_message(&spoken::text(value).unwrap_or_else(|_| value.clone()));
                }
            }
            None if scope.request && matches!(name.as_str(), "body" | "text" | "message" | "custommessage") => {
                self.in_message(value);
            }
            None if scope.added.contains(name) => self.push(SecretKind::Added, value),
            None => {}
        }
    }

    /// The codes in what is sent to a person: each group of digits that stands alone, or two that make one.
    fn in_message(&mut self, text: &str) {
        for code in patterns::standing_digits(text) {
            self.push(SecretKind::Code, &code);
        }
    }

    /// Who is meant, wherever it is said.
    fn in_own_text(&mut self, text: &str) {
        for sid in patterns::sids(text) {
            self.push(SecretKind::Sid, sid);
        }
        for number in patterns::numbers(text) {
            self.number(number, None);
        }
        for email in patterns::emails(text) {
            self.push(SecretKind::Email, email);
        }
    }

    /// What is known by its form alone.
    fn in_text(&mut self, text: &str, scope: Scope<'_>, depth: usize) {
        self.in_own_text(text);
        for end in patterns::number_ends(text) {
            self.number_ends.push(end.to_owned());
        }
        for start in patterns::number_starts(text) {
            self.number_starts.push(start.to_owned());
        }
        for password in patterns::passwords(text) {
            self.push(SecretKind::Credential, &percent_decode_str(password).decode_utf8_lossy());
        }
        for address in patterns::otpauths(text) {
            self.otpauth(address);
        }
        for range in patterns::basics(text) {
            if let Some((user, password)) = basic(&text[range.clone()]) {
                if names::is_sid(&user) {
                    patterns::sids(&user).for_each(|sid| self.push(SecretKind::Sid, sid));
                } else if password.is_empty() {
                    // `KEY:`, as services have it that know keys alone.
                    self.log_in(&user);
                } else {
                    self.push(SecretKind::Name, &user);
                }
                if !is_reference(&password) {
                    self.log_in(&password);
                }
            } else if text[range.clone()].len() >= SHORTEST_RAW {
                // Whatever it holds, it is not for others.
                self.push(SecretKind::Credential, &text[range]);
            }
        }
        if depth < DEEPEST {
            self.within(text, scope, depth + 1);
        }
    }

    /// Other bodies within a text.
    fn within(&mut self, text: &str, scope: Scope<'_>, depth: usize) {
        if text.starts_with(['{', '[']) && text.len() > 2 && !is_reference(text) {
            self.in_fields(text.as_bytes(), Format::Json, scope, depth);
        }
        // Addresses, also relative ones: what follows `?` and `#` up to a blank, a quote or a `<`.
        for word in text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>')) {
            let (rest, fragment) = word.split_once('#').unwrap_or((word, ""));
            let query = rest.split_once('?').map_or("", |(_, query)| query);
            for part in [query, fragment].into_iter().filter(|part| part.contains('=')) {
                self.in_fields(part.as_bytes(), Format::Form, scope, depth);
            }
        }
        if text.contains('%') {
            let decoded = percent_decode_str(text).decode_utf8_lossy();
            if decoded != text {
                self.in_text(&decoded, scope, depth);
            }
        }
    }

    /// `otpauth://totp/Issuer:account?secret=…`
    fn otpauth(&mut self, address: &str) {
        let Ok(url) = url::Url::parse(address) else { return };
        for (name, value) in url.query_pairs() {
            if name.eq_ignore_ascii_case("secret") {
                self.push(SecretKind::Credential, &value);
            }
        }
        let label = percent_decode_str(url.path().trim_start_matches('/')).decode_utf8_lossy().into_owned();
        let account = label.rsplit_once(':').map_or(label.as_str(), |(_, account)| account).trim();
        if patterns::emails(account).next().is_none() {
            self.push(SecretKind::Name, account);
        }
    }

    fn number(&mut self, written: &str, country: Option<&str>) {
        let separator = |c: char| matches!(c, ' ' | '(' | ')' | '.' | '-' | '+' | '/' | '\u{a0}');
        let digits: String = written.chars().filter(|c| !separator(*c)).collect();
        if !(7..=15).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return;
        }
        let number = match country {
            _ if written.trim_start().starts_with('+') => Number { national: national(&digits), digits },
            Some(country) if !digits.starts_with(country) || digits.len() <= 10 => {
                Number { digits: format!("{country}{}", digits.trim_start_matches('0')), national: Some(digits) }
            }
            // As people in North America write them.
            None if digits.len() == 10 => Number { digits: format!("1{digits}"), national: Some(digits) },
            _ => Number { national: national(&digits), digits },
        };
        if number.digits.len() == 11 && number.digits.starts_with("1500555") {
            if !self.nobodys.contains(&number.digits) {
                self.nobodys.push(number.digits);
            }
        } else if let Some(known) = self.numbers.iter_mut().find(|known| known.digits == number.digits) {
            known.national = known.national.take().or(number.national);
        } else {
            self.numbers.push(number);
        }
    }

    fn push(&mut self, kind: SecretKind, text: &str) {
        if text.is_empty() || is_reference(text) {
            return;
        }
        match self.values.iter_mut().find(|known| *known.text == text) {
            // The digits of codes may stand apart, whatever else the value is.
            Some(known) if kind == SecretKind::Code => known.kind = kind,
            Some(_) => {}
            None => self.values.push(Value::new(kind, text)),
        }
    }
}

/// User and password.
pub(super) fn basic(encoded: &str) -> Option<(String, String)> {
    let encoded = percent_decode_str(encoded).decode_utf8().ok()?;
    let text = String::from_utf8(LENIENT.decode(encoded.as_bytes()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Whether a value of a field that may hold anything is a phone number: one that says so, or one that exists.
fn is_plausible(written: &str) -> bool {
    let international = written.starts_with(['+', ' ']);
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let digits = if digits.len() == 10 && !digits.starts_with('0') { format!("1{digits}") } else { digits };
    let number = || phonenumber::parse(None, format!("+{}", digits.trim_start_matches('0')));
    international || !patterns::is_date(written) && number().is_ok_and(|number| phonenumber::is_valid(&number))
}

/// The digits of the country beside a number, where it is written apart.
fn country<'f>(field: &Field, all: &'f [Field]) -> Option<&'f str> {
    let beside = all.iter().find(|other| other.name == "countrycode" && other.parent == field.parent)?;
    let digits = beside.value.trim_start_matches('+');
    ((1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

/// The digits without those of the country.
fn national(digits: &str) -> Option<String> {
    let number = phonenumber::parse(None, format!("+{digits}")).ok()?;
    let country = number.country().code().to_string();
    digits.strip_prefix(country.as_str()).map(str::to_owned).filter(|national| national.len() >= 7)
}
