//! What is found, what stands in its place, and what is refused.

mod properties;

use std::io::Read as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzEncoder;
use jiff::Timestamp;

use super::*;
use crate::cassette::{DraftAbout, DraftEntry, ProvenanceKind, Scheme, write};
use crate::wire::{WireAnswer, WireReply, WireRequest};

const TOKEN: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// An exchange, as far as these tests look at it.
struct Exchange {
    target: &'static str,
    headers: Vec<(&'static str, String)>,
    body: (&'static str, Vec<u8>),
    reply_headers: Vec<(&'static str, &'static str)>,
    reply: (&'static str, Vec<u8>),
}

impl Exchange {
    fn new() -> Self {
        Self {
            target: "/",
            headers: Vec::new(),
            body: (FORM, Vec::new()),
            reply_headers: Vec::new(),
            reply: (JSON, Vec::new()),
        }
    }

    fn request(content_type: &'static str, body: &str) -> Self {
        Self { body: (content_type, body.into()), ..Self::new() }
    }

    fn reply(content_type: &'static str, body: &str) -> Self {
        Self { reply: (content_type, body.into()), ..Self::new() }
    }

    fn with(mut self, content_type: &'static str, reply: &str) -> Self {
        self.reply = (content_type, reply.into());
        self
    }

    fn entry(self) -> DraftEntry {
        let own = |(name, value): (&str, String)| (name.to_owned(), value);
        let mut headers: Vec<_> = self.headers.into_iter().map(own).collect();
        headers.push(("Content-Type".to_owned(), self.body.0.to_owned()));
        let request = WireRequest {
            method: "POST".to_owned(),
            host: Some("api.example".to_owned()),
            target: self.target.to_owned(),
            headers,
            body: self.body.1,
        };
        let mut headers: Vec<_> =
            self.reply_headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        headers.push(("Content-Type".to_owned(), self.reply.0.to_owned()));
        let reply = WireReply { status: 200, headers: headers.into(), body: self.reply.1.into() };
        DraftEntry::new(request, Scheme::Https, WireAnswer::Reply(reply), Timestamp::UNIX_EPOCH, Duration::ZERO)
    }
}

fn draft(exchanges: impl IntoIterator<Item = Exchange>) -> Draft {
    let about = DraftAbout::new(ProvenanceKind::Synthetic, "a test", "acme", "a test");
    Draft { about: Some(about), entries: exchanges.into_iter().map(Exchange::entry).collect() }
}

/// All text of the redacted exchanges: target, headers and bodies, one per line.
fn text(redacted: &Redacted) -> String {
    let mut text = String::new();
    pieces::visit(&mut redacted.draft.clone(), &mut |_, piece| {
        let piece = match piece {
            pieces::Piece::Target(text) | pieces::Piece::Text(text) => text.clone(),
            pieces::Piece::Header { name, value } => format!("{name}: {value}"),
            pieces::Piece::Body { bytes, .. } => String::from_utf8_lossy(bytes).into_owned(),
        };
        text.push_str(&piece);
        text.push('\n');
    });
    text
}

/// Redacts, and makes sure that none of these is left and that the scan agrees.
#[track_caller]
fn gone(exchange: Exchange, secrets: &[&str]) -> String {
    let before = draft([exchange]);
    let redacted = Redaction::new().apply(&before);
    let after = text(&redacted);
    for secret in secrets {
        assert!(!after.contains(secret), "{secret} is left in:\n{after}");
    }
    redacted.scan(after.as_bytes()).expect("nothing is left");
    after
}

/// Redacts, and makes sure that nothing changes.
#[track_caller]
fn stays(exchange: Exchange) {
    let before = draft([exchange]);
    let redacted = Redaction::new().apply(&before);
    assert!(redacted.draft == before, "{}", text(&redacted));
    assert!(redacted.replaced().is_empty());
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[test]
fn credentials_are_replaced_wherever_they_occur() {
    let mut exchange = Exchange::request(FORM, &format!("Token={TOKEN}&Callback=https%3A%2F%2Fx%2F%3Ft%3D{TOKEN}"));
    exchange.headers = vec![("Authorization", basic(ACCOUNT, TOKEN))];
    let reply = format!("{{\"auth_token\": \"{TOKEN}\", \"link\": \"/Accounts/{ACCOUNT}\"}}");
    let after = gone(exchange.with(JSON, &reply), &[TOKEN, ACCOUNT, &basic(ACCOUNT, TOKEN)]);
    // The pseudonyms are the same everywhere, in the header as in the reply.
    let json: serde_json::Value = serde_json::from_str(after.lines().nth(5).expect("a reply")).expect("is JSON");
    let (token, link) = (json["auth_token"].as_str().expect("text"), json["link"].as_str().expect("text"));
    let account = link.rsplit('/').next().expect("a segment");
    assert!(after.contains(&basic(account, token)), "{after}");
    assert!(after.contains(&format!("Token={token}&Callback=https%3A%2F%2Fx%2F%3Ft%3D{token}")), "{after}");
}

#[test]
fn every_place_of_a_credential_is_known() {
    let header =
        |name: &'static str, value: &str| Exchange { headers: vec![(name, value.to_owned())], ..Exchange::new() };
    let target = |target: &'static str| Exchange { target, ..Exchange::new() };
    let _ = gone(header("X-Authy-API-Key", "k3y-0f-authy"), &["k3y-0f-authy"]);
    let _ = gone(header("Authorization", "Bearer abc.def-ghi"), &["abc.def-ghi"]);
    let _ = gone(header("Authorization", &basic("me", "x")), &[&basic("me", "x")]);
    let account = gone(header("Authorization", &basic(ACCOUNT, TOKEN)), &[&basic(ACCOUNT, TOKEN)]);
    let encoded = account.lines().find_map(|line| line.strip_prefix("Authorization: Basic ")).expect("a header");
    let decoded = String::from_utf8(STANDARD.decode(encoded).expect("base64")).expect("text");
    assert!(decoded.starts_with("AC0000000000000000") && !decoded.contains(&ACCOUNT[2..]), "{decoded}");
    let _ = gone(header("X-Twilio-Signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8="), &["RSOYDt4T1cUTdK1PDd93/VVr8B8="]);
    let _ = gone(header("Cookie", "session=s3ss10n; a=b"), &["s3ss10n", "a=b"]);
    let _ = gone(target("/protected/json/app/details?api_key=k3yk3y"), &["k3yk3y"]);
    let _ = gone(target("/x?api_key=k"), &["api_key=k"]);
    let _ = gone(Exchange::request(FORM, "user%5Bpassword%5D=a+b%21&x=y"), &["a+b%21"]);
    let _ = gone(Exchange::request(JSON, "{\"password\": \"a b\", \"seed\": \"\\u0061bcd\"}"), &["a b", "\\u0061bcd"]);
    let _ = gone(Exchange::reply("text/html", "see https://me:pa55word@host.org/x"), &["pa55word"]);
    let cookies = Exchange { reply_headers: vec![("Set-Cookie", "id=verysecret; Path=/")], ..Exchange::new() };
    let after = gone(cookies, &["verysecret"]);
    assert!(after.contains("; Path=/"), "{after}");
    // A reply that was cut off in the middle.
    let _ = gone(Exchange::reply(JSON, &format!("{{\"account\": {{\"auth_token\": \"{TOKEN}\", \"na")), &[TOKEN]);
    let otpauth = "{\"binding\": {\"secret\": \"GEZDGNBVGY3TQOJQ\", \"uri\": \"otpauth://totp/ACME:ada%20l?secret=GEZDGNBVGY3TQOJQ&issuer=ACME\"}}";
    let after = gone(Exchange::reply(JSON, otpauth), &["GEZDGNBVGY3TQOJQ", "ada%20l"]);
    assert!(after.contains("&issuer=ACME"), "{after}");
}

#[test]
fn references_stay_for_they_are_no_secrets() {
    let mut exchange = Exchange::request(FORM, "Key=%5Bauth_token%5D&api_key=[authy_api_key]");
    exchange.headers = vec![
        ("Authorization", basic("ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "[auth_token]")),
        ("X-Authy-API-Key", "[authy_api_key]".to_owned()),
    ];
    stays(exchange);
}

#[test]
fn codes_keep_their_length_and_errors_their_numbers() {
    let after = gone(
        Exchange::request(FORM, "To=x&Code=482913").with(JSON, "{\"body\": \"Your code is 482913.\"}"),
        &["482913"],
    );
    let code = after.lines().find_map(|line| line.split("Code=").nth(1)).expect("a code");
    assert!(code.len() == 6 && after.contains(&format!("is {code}.")), "{after}");
    let verify = Exchange { target: "/protected/json/verify/1357902/1000?force=true", ..Exchange::new() };
    let after = gone(verify, &["1357902"]);
    assert!(after.contains("/1000?force=true"), "{after}");
    let twiml = "<Response><Say>Your code: 4, 8, 2, 9, 1, 3.</Say></Response>";
    let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("Twiml", twiml).finish();
    let _ = gone(Exchange::request(FORM, &form), &["4%2C+8%2C+2%2C+9%2C+1%2C+3"]);
    stays(Exchange::reply(JSON, "{\"caller_name\": null, \"password\": true, \"token\": -1.5, \"x\": null}"));
    stays(Exchange::reply(JSON, "{\"code\": 60200, \"message\": \"Invalid parameter\", \"token\": \"is invalid\"}"));
    // Digits within other words are not the code.
    let after = gone(Exchange::request(JSON, "{\"code\": \"2026\", \"id\": \"a2026b\", \"n\": 12026}"), &["\"2026\""]);
    assert!(after.contains("\"a2026b\"") && after.contains("12026"), "{after}");
}

#[test]
fn numbers_become_nobodys_in_every_notation() {
    let reply = "{\"to\": \"+14155550123\", \"to_formatted\": \"(415) 555-0123\", \"message\": \"sent to +1 415-555-0123\", \"x\": \"XXX-XXX-0123\"}";
    let exchange = Exchange::request(FORM, "To=%2B14155550123&From=whatsapp%3A%2B14155550123").with(JSON, reply);
    let after = gone(exchange, &["4155550123", "555-0123", "X-0123"]);
    let number = after.lines().find_map(|line| line.strip_prefix("To=%2B")?.split('&').next()).expect("a number");
    assert!(number.starts_with("1500555") && number.len() == 11, "{after}");
    let last = &number[7..];
    for written in [
        format!("From=whatsapp%3A%2B{number}"),
        format!("\"to\": \"+{number}\""),
        format!("\"(500) 555-{last}\""),
        format!("to +1 500-555-{last}\""),
        format!("XXX-XXX-{last}"),
    ] {
        assert!(after.contains(&written), "{written} in {after}");
    }
}

#[test]
fn numbers_of_other_countries_become_nobodys_with_their_country() {
    let exchange = Exchange::request(
        FORM,
        "user%5Bcellphone%5D=15112345678&user%5Bcountry_code%5D=49&user%5Bemail%5D=ada%40corp.org",
    )
    .with(JSON, "{\"country_code\": 49, \"cellphone\": \"15112345678\", \"to\": \"+4915112345678\"}");
    let after = gone(exchange, &["15112345678", "=49", ": 49", "corp.org"]);
    assert!(after.contains("user%5Bcellphone%5D=500555") && after.contains("user%5Bcountry_code%5D=1&"), "{after}");
    assert!(after.contains("\"country_code\": 1,") && after.contains("\"to\": \"+1500555"), "{after}");
    let trial = Exchange::reply(JSON, "{\"message\": \"The number +917000XXXX is unverified.\"}");
    let after = gone(trial, &["917000"]);
    assert!(after.contains("+150055XXXX"), "{after}");
}

#[test]
fn what_is_nobodys_already_stays() {
    stays(Exchange::request(
        FORM,
        "To=%2B15005550006&user%5Bemail%5D=user%40example.com&cellphone=5005550006&country_code=1",
    ));
    stays(Exchange::reply(JSON, "{\"sid\": \"VEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", \"to\": \"+15005550006\", \"cellphone\": \"+1-XXX-XXX-XX06\"}").with(
        JSON,
        "{\"to\": \"+15005550006\", \"phone\": \"XXX-XXX-XX06\"}",
    ));
    let sid =
        Exchange { target: "/v2/Services/VA0123456789abcdef0123456789abcdef?To=%2B4915112345678", ..Exchange::new() };
    let once = Redaction::new().apply(&draft([sid]));
    let twice = Redaction::new().apply(&once.draft);
    assert!(once.draft == twice.draft, "{}\n{}", text(&once), text(&twice));
}

#[test]
fn names_of_accounts_and_people_are_replaced() {
    let reply = "{\"friendly_name\": \"Ada's Shop\", \"identity\": \"ff483d1f\", \"app\": {\"name\": \"Shop App\"}, \"channel\": \"sms\"}";
    let exchange = Exchange { target: "/v2/Entities/ff483d1f/Factors", ..Exchange::new() }.with(JSON, reply);
    let after = gone(exchange, &["Ada's Shop", "ff483d1f", "Shop App"]);
    assert!(after.contains("\"channel\": \"sms\""), "{after}");
    // Short ones stay in other places.
    let after = gone(
        Exchange::reply(JSON, "{\"friendly_name\": \"sms\", \"channel\": \"sms\"}"),
        &["\"friendly_name\": \"sms\""],
    );
    assert!(after.contains("\"channel\": \"sms\""), "{after}");
}

#[test]
fn what_is_added_is_redacted_besides_the_default() {
    let redaction = Redaction::new().with_name("X-Region").with_name("device-name");
    let redaction = redaction.with_known(Secret::new("hunter2!")).expect("is long enough");
    let mut exchange =
        Exchange::request(JSON, "{\"deviceName\": \"Ada 1\", \"note\": \"hunter2\\u0021\", \"Code\": \"482913\"}");
    exchange.headers = vec![("x-region", "here".to_owned())];
    let after = text(&redaction.apply(&draft([exchange])));
    for secret in ["Ada 1", "hunter2", "here", "482913"] {
        assert!(!after.contains(secret), "{secret} is left in:\n{after}");
    }
    assert!(matches!(Redaction::new().with_known(Secret::new("abc")), Err(TooShort { length: 3 })));
}

#[test]
fn the_same_credentials_give_the_same_pseudonyms() {
    let one = |reply: &str| {
        let exchange = Exchange { headers: vec![("Authorization", basic(ACCOUNT, TOKEN))], ..Exchange::new() };
        Redaction::new().apply(&draft([exchange.with(JSON, reply)])).draft.entries.remove(0).request
    };
    assert!(one("{}") == one("{\"to\": \"+4915112345678\"}"));
    let keyed = |key: &str| {
        let exchange = Exchange { target: "/VA0123456789abcdef0123456789abcdef", ..Exchange::new() };
        Redaction::new().keyed_by(&Secret::new(key)).apply(&draft([exchange])).draft.entries.remove(0).request
    };
    assert!(keyed(TOKEN) == keyed(TOKEN));
    assert!(keyed(TOKEN) != keyed("another"));
}

#[test]
fn secrets_are_found_in_bodies_of_every_form() {
    #[track_caller]
    fn secret(content_type: &'static str, body: &str) -> String {
        gone(Exchange::request(content_type, body), &["482913", TOKEN, "41555501"])
    }
    let json = format!("{{\"to\": \"+14155550199\", \"code\": \"482913\", \"auth_token\": \"{TOKEN}\"}}");
    let _ = secret(FORM, &json);
    let _ = secret("text/plain", &json);
    let _ = secret(JSON, "{\"code\": 482913}");
    let _ = secret(JSON, "{\"errors\": {\"+14155550199\": \"is invalid\"}}");
    let _ = secret("text/plain", &format!("Code=482913&Password={TOKEN}"));
    let _ = secret("text/plain", &format!("Code: 482913\nPassword: {TOKEN}"));
    let _ = secret("application/octet-stream", "482913");
    let _ = secret("application/xml", &format!("<R><AuthToken>{TOKEN}</AuthToken><v code=\"482913\"/></R>"));
    let _ = secret(
        "multipart/form-data; boundary=b",
        "--b\r\nContent-Disposition: form-data; name=\"Code\"\r\n\r\n482913\r\n--b--\r\n",
    );
    let xml = "<TwilioResponse><Account><AuthToken>0f1e2d3c</AuthToken><FriendlyName>Ada &amp; Co</FriendlyName></Account></TwilioResponse>";
    let _ = gone(Exchange::reply("application/xml", xml), &["0f1e2d3c", "Ada &amp; Co"]);
    let html = "<form><input name=\"code\" value=\"482913\"></form>";
    let _ = gone(Exchange::reply("text/html", html), &["482913"]);
}

#[test]
fn codes_are_found_however_they_are_sent() {
    let form = |body| Exchange::request(FORM, body);
    let _ = gone(form("Code=482+913").with(JSON, "{\"x\": \"482913\"}"), &["482+913", "482913"]);
    let _ = gone(form("Code=+482913"), &["482913"]);
    let _ = gone(form("CustomCode=AB12CD"), &["AB12CD"]);
    let _ = gone(form("AuthPayload=c2lnbmVk"), &["c2lnbmVk"]);
    let _ = gone(form("Pin=123"), &["123"]);
    let _ =
        gone(form("To=x&Body=Your+code+is+482913.").with(JSON, "{\"body\": \"Your code is 482913.\"}"), &["482913"]);
    let _ = gone(form("Body=Use+482-913"), &["482-913"]);
    let _ = gone(form("Twiml=%3CResponse%3E%3CSay%3E482913%3C/Say%3E%3C/Response%3E"), &["482913"]);
    let two = "Twiml=%3CResponse%3E%3CSay%3E4, 8, 2, 9. Call 1 2 3 4 5 6 7%3C/Say%3E%3C/Response%3E";
    let _ = gone(form(two), &["4, 8, 2, 9", "1 2 3 4 5 6 7"]);
}

#[test]
fn adding_takes_nothing_from_the_default() {
    let after = |redaction: Redaction, exchange| text(&redaction.apply(&draft([exchange])));
    let phone =
        || Exchange::request(JSON, "{\"phone_number\": \"+14155550199\"}").with(JSON, "{\"x\": \"(415) 555-0199\"}");
    let told = after(Redaction::new().with_name("phone_number"), phone());
    assert!(!told.contains("555-0199"), "{told}");
    let known = Redaction::new().with_known(Secret::new("482913")).expect("is long enough");
    let spoken = Exchange::request(FORM, "Code=482913&x=4,+8,+2,+9,+1,+3");
    let told = after(known, spoken);
    assert!(!told.contains("4,+8,+2,+9"), "{told}");
    let login =
        |redaction: Redaction| after(redaction, Exchange::request(FORM, &format!("api_key={TOKEN}&To=%2B14155550199")));
    assert_eq!(login(Redaction::new()), login(Redaction::new().with_name("api_key")));
}

#[test]
fn what_is_written_is_well_formed_still() {
    let json = |body: &str| {
        let redacted = Redaction::new().apply(&draft([Exchange::request(JSON, body)]));
        serde_json::from_slice::<serde_json::Value>(&redacted.draft.entries[0].request.body).expect("is JSON still")
    };
    assert!(json(r#"{"password": "\""}"#)["password"].is_string());
    assert!(json(r#"{"password": "\"\\b"}"#)["password"].is_string());
    assert!(json(r#"{"session_id": 1234567890123456}"#)["session_id"].is_u64());
    let redacted = Redaction::new().apply(&draft([Exchange::request(FORM, "password=%26%3D1&x=y")]));
    let fields: Vec<_> = url::form_urlencoded::parse(&redacted.draft.entries[0].request.body).collect();
    assert!(fields.len() == 2 && fields[0].0 == "password" && fields[1].1 == "y", "{fields:?}");
}

/// Within a percent-encoded address in a header or in HTML, say.
#[test]
fn what_follows_an_escape_is_replaced_too() {
    let html = "<a href=\"/login?next=%2Fcheck%3Fcode%3D482913\">";
    let exchange = Exchange::request(FORM, "Code=482913").with("text/html", html);
    let _ = gone(exchange, &["482913"]);
    let mut exchange = Exchange::request(FORM, "Code=482913");
    exchange.reply_headers = vec![("Location", "/login?next=%2Fcheck%3Fcode%3D482913")];
    let _ = gone(exchange, &["482913"]);
}

#[test]
fn numbers_are_found_as_people_dial_and_write_them() {
    let reply = "{\"a\": \"07911 123456\", \"b\": \"0044 7911 123456\", \"c\": \"7911/123456\"}";
    let _ = gone(Exchange::request(FORM, "To=+447911123456").with(JSON, reply), &["7911"]);
    let _ = gone(Exchange::request(FORM, "phone=030/1234567"), &["1234567"]);
    let _ = gone(Exchange { target: "/v1/PhoneNumbers/4155552671", ..Exchange::new() }, &["4155552671"]);
    stays(Exchange::reply(JSON, "{\"from\": \"2026-01-31\", \"to\": \"2026-02-28\", \"number\": \"0000001\"}"));
}

#[test]
fn ordinary_words_stay_in_other_places() {
    let cookie =
        |value| Exchange { reply_headers: vec![("Set-Cookie", value)], target: "/2010-04-01/x", ..Exchange::new() };
    let after = gone(cookie("ok=true").with(JSON, "{\"valid\": true}"), &["ok=true"]);
    assert!(after.contains("{\"valid\": true}"), "{after}");
    let after = gone(cookie("v=2010"), &["v=2010"]);
    assert!(after.contains("/2010-04-01/x"), "{after}");
    let reply = "{\"friendly_name\": \"account\", \"account_sid\": 1, \"account\": {\"password\": \"password\"}}";
    let after = gone(Exchange::reply(JSON, reply), &["\"friendly_name\": \"account\"", ": \"password\""]);
    assert!(
        after.contains("\"account_sid\"") && after.contains("\"password\":") && after.contains("\"account\":"),
        "{after}"
    );
    let _ = gone(Exchange { target: "/v2/Entities/ab/Factors", ..Exchange::new() }, &["Entities/ab/"]);
}

#[test]
fn what_is_known_is_meant_within_words_and_in_brackets() {
    for (secret, written) in [("s3cr3t", "Apps3cr3t"), ("[secret]", "x [secret] y")] {
        let redaction = Redaction::new().with_known(Secret::new(secret)).expect("is long enough");
        let after = text(&redaction.apply(&draft([Exchange::request(JSON, &format!("{{\"a\": \"{written}\"}}"))])));
        assert!(!after.contains(secret), "{after}");
    }
    let _ = gone(Exchange::request(FORM, "token=[482913]"), &["482913"]);
}

#[test]
fn addresses_within_texts_are_read_to_their_end_and_no_further() {
    let location = |value| Exchange { reply_headers: vec![("Location", value)], ..Exchange::new() };
    let _ = gone(location("https://app/cb#access_token=eyJhbGciOi"), &["eyJhbGciOi"]);
    let _ = gone(location("/cb?x=1&api_key=k3yk3y"), &["k3yk3y"]);
    let after = gone(Exchange::reply(JSON, "{\"m\": \"see https://x/?api_key=k3yk3y and go on\"}"), &["k3yk3y"]);
    assert!(after.contains(" and go on"), "{after}");
    let header = Exchange {
        headers: vec![("Authorization", format!("Basic {}", STANDARD.encode(b"stra\xdfe:pa\xdfwort")))],
        ..Exchange::new()
    };
    let _ = gone(header, &[&STANDARD.encode(b"stra\xdfe:pa\xdfwort")]);
}

#[test]
fn what_proves_the_old_body_goes_with_it() {
    let mut exchange = Exchange::request(FORM, "email=ada%40b.org").with(JSON, "{\"email\": \"ada@b.org\"}");
    exchange.headers = vec![("Content-MD5", "b2xk".to_owned()), ("Content-Length", "17".to_owned())];
    exchange.reply_headers = vec![("ETag", "\"0f1e\""), ("Digest", "sha-256=b2xk"), ("content-length", "1")];
    let entry = Redaction::new().apply(&draft([exchange])).draft.entries.remove(0);
    let WireAnswer::Reply(reply) = entry.answer else { panic!("was one") };
    let length = |length: usize| length.to_string();
    assert_eq!(entry.request.headers[0], ("Content-Length".to_owned(), length(entry.request.body.len())));
    assert_eq!(reply.headers[0], ("content-length".to_owned(), length(reply.body.len())));
    assert_eq!((entry.request.headers.len(), reply.headers.len()), (2, 2));
    let same = Exchange { reply_headers: vec![("ETag", "\"0f1e\""), ("Content-Length", "2")], ..Exchange::new() };
    stays(same.with(JSON, "{}"));
}

#[test]
fn pseudonyms_depend_on_the_login_and_no_other_credential() {
    let one = |signature: &str, login: String| {
        let headers = vec![("X-Request-Signature", signature.to_owned()), ("Authorization", login)];
        let exchange = Exchange { headers, target: "/VA0123456789abcdef0123456789abcdef", ..Exchange::new() };
        Redaction::new().apply(&draft([exchange])).draft.entries.remove(0).request.target
    };
    let (first, second) = ("0123456789abcdefg", "g0123456789abcdef");
    assert_eq!(one(first, basic(ACCOUNT, TOKEN)), one(second, basic(ACCOUNT, TOKEN)));
    assert_eq!(one(first, basic(TOKEN, "")), one(second, basic(TOKEN, "")));
}

/// The places where replacing does not look, each refused by the scan and told without the value.
#[test]
fn a_secret_that_is_left_refuses_the_write_and_leaves_no_file() {
    let mut gzip = Vec::new();
    // So much alike that it is really compressed.
    let text = format!("{}{TOKEN}", "<p>".repeat(99));
    GzEncoder::new(text.as_bytes(), Compression::default()).read_to_end(&mut gzip).expect("is encoded");
    let base64 = |before: &str| STANDARD.encode(format!("{before}{TOKEN}!")).into_bytes();
    for (body, expected) in [
        (gzip, "entry 0: the response body still holds a credential inside gzip"),
        (base64(""), "entry 0: the response body still holds a credential in base64"),
        (base64("x"), "in base64"),
        (base64("xy"), "in base64"),
        (STANDARD.encode(format!("x{TOKEN}")).replace('=', "%3D").into_bytes(), "in base64"),
    ] {
        let exchange = Exchange {
            headers: vec![("Authorization", basic(ACCOUNT, TOKEN))],
            reply: ("application/octet-stream", body),
            ..Exchange::new()
        };
        let folder = tempfile::tempdir().expect("a folder");
        let error = write(&folder.path().join("a.har"), &draft([exchange]), &Redaction::new()).expect_err(expected);
        let told = error.to_string();
        assert!(told.contains(expected) && !told.contains(TOKEN), "{told}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}

/// The scan finds what is left in every form, here in exchanges that were not redacted at all.
#[test]
fn the_scan_sees_every_form() {
    let secret = "p+w/\"k&9Z=x";
    let redaction = Redaction::new().with_known(Secret::new(secret)).expect("is long enough");
    let values = redaction.apply(&draft([]));
    let json = serde_json::to_string(secret).expect("is JSON");
    let unicode: String = secret.chars().map(|c| format!("\\u{:04X}", u32::from(c))).collect();
    let percent: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for written in [
        secret.to_owned(),
        json.trim_matches('"').to_owned(),
        unicode.clone(),
        unicode.to_lowercase(),
        percent.clone(),
        percent.to_uppercase(),
        "p%2Bw/%22k%269Z=x".to_owned(),
        percent.replace('%', "%25"),
        STANDARD.encode(secret),
        STANDARD.encode(format!("AC01:{secret}")),
        STANDARD.encode(format!("AC012:{secret}")),
        STANDARD.encode(format!("AC0123:{secret}")).replace('+', "-").replace('/', "_"),
    ] {
        let leak = values.scan(format!("one\ntwo {written} x").as_bytes()).expect_err(&written);
        assert_eq!((leak.kind, &leak.spot), (SecretKind::Added, &Spot::File { line: 2 }), "{written}");
        assert!(!leak.to_string().contains(secret), "{leak}");
    }
    assert!(values.scan(b"p+w/k&9Z=x p%2w").is_ok());
}
