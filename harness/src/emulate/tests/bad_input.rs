//! Whatever comes in, a well-formed answer goes out.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Parameters that somebody reads.
const NAMES: [&str; 28] = [
    "To",
    "From",
    "Channel",
    "Code",
    "VerificationSid",
    "Status",
    "Twiml",
    "Url",
    "RateLimits",
    "UniqueName",
    "Max",
    "Interval",
    "Identity",
    "FriendlyName",
    "FactorType",
    "Binding.Secret",
    "AuthPayload",
    "FactorSid",
    "ExpirationDate",
    "Details.Fields",
    "user[email]",
    "user[cellphone]",
    "phone_number",
    "api_key",
    "message",
    "details[x]",
    "seconds_to_expire",
    "Body",
];

/// Paths that lead somewhere.
const PATHS: [&str; 23] = [
    "/v2/Services",
    "/v2/Services/VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Verifications",
    "/v2/Services/VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/VerificationCheck",
    "/v2/Services/VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/RateLimits",
    "/v2/Services/VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Entities",
    "/v2/Services/VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Entities/some-identity/Factors",
    "/v2/Services/VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Entities/some-identity/Challenges",
    "/v2/Attempts",
    "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Calls.json",
    "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/IncomingPhoneNumbers.json",
    "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/OutgoingCallerIds.json",
    "/protected/json/users/new",
    "/protected/json/phones/verification/start",
    "/protected/json/phones/verification/check",
    "/_countersign/clock",
    "/_countersign/phones",
    "/_countersign/channels",
    "/_countersign/account",
    "/_countersign/approvals",
    "/v2/PhoneNumbers/+15005550006",
    "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Messages.json",
    "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Keys.json",
    "/onetouch/json/users/1000/approval_requests",
];

/// Any answer is an answer: a status, a body that is JSON or the page or nothing, headers that can be written.
#[track_caller]
fn well_formed(answer: &WireAnswer) {
    let WireAnswer::Reply(reply) = answer else { panic!("no answer") };
    assert!((200..500).contains(&reply.status), "{}", reply.status);
    for (name, value) in reply.headers.iter() {
        assert!(!name.is_empty() && value.bytes().all(|byte| (b' '..0x7f).contains(&byte)), "{name}: {value:?}");
    }
    let html = reply.headers.iter().any(|(_, value)| value.starts_with("text/html"));
    let json = serde_json::from_slice::<Value>(&reply.body).is_ok();
    assert!(json || html || (reply.status == 204 && reply.body.is_empty()));
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        any::<String>().prop_map(String::into_bytes),
        select(vec![
            "+15005550006",
            "+15005550009",
            "sms",
            "call",
            "totp",
            "123456",
            "true",
            "{}",
            "[]",
            "-1",
            "0",
            "99999999999999999999",
            "2015-07-30T20:04:00Z",
            "9999-12-31T23:59:59Z",
            "{\"ip\":\"a\"}",
            "{\"a\":{\"b\":null}}",
            "<Response><Say>&#0;</Say></Response>",
            "<Say>1 2 3 4</Say>"
        ])
        .prop_map(|text: &str| text.as_bytes().to_vec()),
        Just(vec![b'x'; 20_000]),
    ]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let field = (select(NAMES.to_vec()), value(), any::<bool>());
    let form = prop::collection::vec(field, 0..8).prop_map(|fields| {
        let mut body = Vec::new();
        for (name, value, escaped) in fields {
            body.extend_from_slice(name.as_bytes());
            body.push(b'=');
            if escaped {
                body.extend(
                    percent_encoding::percent_encode(&value, percent_encoding::NON_ALPHANUMERIC).flat_map(str::bytes),
                );
            } else {
                body.extend(value);
            }
            body.push(b'&');
        }
        body
    });
    prop_oneof![4 => form, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

fn target() -> impl Strategy<Value = String> {
    let known = select(PATHS.to_vec()).prop_map(str::to_owned);
    let segment = select(vec![
        "v2",
        "Services",
        SERVICE,
        "Verifications",
        "2010-04-01",
        "Accounts",
        ACCOUNT,
        "Calls",
        "protected",
        "json",
        "verify",
        "..%2fsms",
        "%ff",
        "%00",
        "1000",
        "_countersign",
        "phones",
        "Attempts",
        "Summary",
        "",
        "é",
    ]);
    let made = prop::collection::vec(segment, 0..7).prop_map(|segments| format!("/{}", segments.join("/")));
    let query = prop_oneof![
        Just(String::new()),
        any::<String>().prop_map(|text| format!("?{text}")),
        (select(vec!["PageSize", "Page", "PageToken", "DateCreatedAfter", "Order", "force"]), any::<String>())
            .prop_map(|(name, value)| format!("?{name}={value}")),
        Just("?PageToken=PA18446744073709551615&PageSize=1000&Page=18446744073709551615".to_owned()),
    ];
    (prop_oneof![3 => known, 1 => made, 1 => any::<String>()], query).prop_map(|(path, query)| path + &query)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_requests_are_answered(
        requests in prop::collection::vec(
            (
                select(vec!["GET", "POST", "DELETE", "PUT", "", "\u{0}"]),
                target(),
                body(),
                select(vec!["application/x-www-form-urlencoded", "application/json", "text/plain", "", "é"]),
                prop::option::of(select(vec!["verify.twilio.com", "api.twilio.com", "api.authy.com", "", "é", ".twilio.com"])),
            ),
            1..20,
        )
    ) {
        let rig = Rig::new();
        for (method, target, body, kind, host) in requests {
            let mut request = request(method, "/", &[]);
            request.host = host.map(str::to_owned);
            request.target = target;
            request.headers[2].1 = kind.to_owned();
            request.body = body;
            well_formed(&rig.emulator.respond(&request));
        }
    }
}

#[test]
fn a_body_of_another_type_has_no_parameters() {
    let rig = Rig::new();
    let mut request =
        request("POST", &format!("/v2/Services/{SERVICE}/Verifications"), &[("To", TO), ("Channel", "sms")]);
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
        request.headers[2].1 = kind.to_owned();
        rig.send(&request).refused(400, 60200);
    }
    request.headers[2].1 = "Application/X-WWW-Form-Urlencoded; charset=UTF-8".to_owned();
    rig.send(&request).expect(201);
}

#[test]
fn of_a_field_that_stands_twice_the_first_counts() {
    let rig = Rig::new();
    let form = [("To", TO), ("To", "+15005550007"), ("Channel", "sms"), ("Channel", "pigeon")];
    let started = rig.service("Verifications", &form).expect(201);
    assert_eq!((&started["to"], &started["channel"]), (&Value::from(TO), &Value::from("sms")));
}

#[test]
fn bytes_that_are_no_text_are_no_value() {
    let rig = Rig::new();
    let mut broken = request("POST", &format!("/v2/Services/{SERVICE}"), &[]);
    broken.body = b"FriendlyName=%FF%FE".to_vec();
    rig.send(&broken).refused(400, 60200);
    let mut broken = request("POST", "/protected/json/users/new", &[]);
    broken.body = b"user[email]=%FF".to_vec();
    assert_eq!(rig.send(&broken).expect(400)["error_code"], "60005");
}

#[test]
fn nothing_grows_without_bound() {
    let rig = Rig::new();
    let long = "9".repeat(100_000);
    rig.service("Verifications", &[("To", &long), ("Channel", "sms")]).refused(400, 60200);
    rig.service("Verifications", &[("To", TO), ("Channel", "sms"), ("Locale", &long)]).refused(400, 60200);
    rig.service("Entities", &[("Identity", &long)]).refused(400, 60306);
    let url = format!("https://example.com/{long}");
    let calls = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json");
    rig.post(&calls, &[("To", TO), ("From", FROM), ("Url", &url)]).refused(400, 21205);
    let got = rig.post("/protected/json/users/new", &[("user[email]", &long)]);
    assert_eq!(got.expect(400)["error_code"], "60004");
    for number in 0..1_100 {
        let to = format!("+1500555{number:04}");
        rig.start(&to, "sms").expect(201);
    }
    assert_eq!(rig.emulator.inbox().len(), 1_000);
}
