//! What counts as the same request.

use serde_json::{Value, json};
use url::Url;

use super::super::{Authorization, Sent, SentBody};
use super::{HOST, NUMBER, check_sent, entry, form, load, player, refused, start, start_sent};

#[track_caller]
fn answers(entry: &Value, sent: &Sent) {
    if let Err(mismatch) = player(std::slice::from_ref(entry), &json!({})).play(sent) {
        panic!("{mismatch}");
    }
}

/// The request does not match, and this is why.
#[track_caller]
fn differs(entry: &Value, sent: &Sent, expected: &str) {
    let mut player = player(std::slice::from_ref(entry), &json!({}));
    let text = refused(player.play(sent));
    assert!(text.contains(expected), "{text}\nexpected: {expected}");
}

/// A recorded JSON request.
fn json_entry(body: &Value, note: &Value) -> Value {
    let mut entry = entry("/json", &[], &json!({}), note);
    entry["request"]["postData"] = json!({"mimeType": "application/json; charset=utf-8", "text": body.to_string()});
    entry
}

fn json_sent(body: Value) -> Sent {
    Sent { body: SentBody::Json(body), ..form("/json", &[]) }
}

#[test]
fn fields_may_come_in_any_order_and_encoding() {
    let mut sent = start_sent(NUMBER);
    answers(&start(&json!({})), &sent);
    if let SentBody::Form(fields) = &mut sent.body {
        fields.reverse();
    }
    answers(&start(&json!({})), &sent);
    sent.url = Url::parse(&format!("{HOST}:443/v2/%53ervices/VA01/Verifications")).expect("an address");
    answers(&start(&json!({})), &sent);
    let query = entry("/x?a=1&b=2&a=3", &[], &json!({}), &json!({}));
    answers(&query, &form("/x?b=2&a=3&a=%31", &[]));
}

#[test]
fn each_part_of_a_request_counts_and_is_named() {
    let recorded = start(&json!({}));
    let with = |change: &dyn Fn(&mut Sent)| {
        let mut sent = start_sent(NUMBER);
        change(&mut sent);
        sent
    };
    let url = |url: &str| Url::parse(url).expect("an address");
    differs(&recorded, &with(&|sent| sent.method = "PUT".to_owned()), "method: recorded `POST`, sent `PUT`");
    differs(
        &recorded,
        &with(&|sent| sent.url = url("https://evil.example.com/v2/Services/VA01/Verifications")),
        "host: recorded `verify.example.com`, sent `evil.example.com`",
    );
    differs(
        &recorded,
        &with(&|sent| sent.url = url("http://verify.example.com/v2/Services/VA01/Verifications")),
        "host: recorded `verify.example.com`, sent `verify.example.com port 80`",
    );
    differs(
        &recorded,
        &with(&|sent| sent.url.set_path("/v2/Services/VA02/Verifications")),
        "path segment 2: recorded `VA01`, sent `VA02`",
    );
    differs(
        &recorded,
        &with(&|sent| sent.url.set_path("/v2/Services/VA01/Verifications/")),
        "path: recorded `/v2/Services/VA01/Verifications`, sent `/v2/Services/VA01/Verifications/`",
    );
    differs(&recorded, &with(&|sent| sent.url.set_path("/v2/Services/VA01%2FVerifications")), "path: recorded");
    differs(
        &recorded,
        &with(&|sent| sent.url.set_query(Some("a=b"))),
        "query parameter `a`: recorded nothing, sent `b`",
    );
    differs(
        &recorded,
        &with(&|sent| sent.authorization = Authorization::None),
        "authorization: recorded `basic as AC01`, sent `no authorization`",
    );
    differs(
        &recorded,
        &with(&|sent| sent.authorization = Authorization::Bearer),
        "authorization: recorded `basic as AC01`, sent `bearer`",
    );
    differs(
        &recorded,
        &with(&|sent| sent.authorization = Authorization::Basic { user: "AC02".to_owned() }),
        "sent `basic as AC02`",
    );
    differs(&recorded, &with(&|sent| sent.body = SentBody::Empty), "body: recorded `a form`, sent `no body`");
    differs(
        &recorded,
        &with(&|sent| sent.body = SentBody::Other(b"To=x".to_vec())),
        "body: recorded `a form`, sent `To=x`",
    );
    differs(
        &recorded,
        &form("/v2/Services/VA01/Verifications", &[("To", NUMBER), ("Channel", "call")]),
        "form field `Channel`: recorded `sms`, sent `call`",
    );
    differs(
        &recorded,
        &form("/v2/Services/VA01/Verifications", &[("To", NUMBER)]),
        "form field `Channel`: recorded `sms`, sent nothing",
    );
    differs(
        &recorded,
        &form("/v2/Services/VA01/Verifications", &[("To", NUMBER), ("Channel", "sms"), ("Channel", "sms")]),
        "form field `Channel`: recorded `sms`, sent `sms`, `sms`",
    );
}

#[test]
fn keys_in_headers_count_by_the_header() {
    let mut recorded = entry("/x", &[], &json!({}), &json!({}));
    recorded["request"]["headers"] = json!([{"name": "X-Authy-API-Key", "value": "hidden"}]);
    let sent = |authorization| Sent { authorization, ..form("/x", &[]) };
    let header = |name: &str| Authorization::Header { name: name.to_owned() };
    answers(&recorded, &sent(header("x-authy-api-key")));
    differs(
        &recorded,
        &sent(header("x-other-key")),
        "authorization: recorded `a key in header X-Authy-API-Key`, sent `a key in header x-other-key`",
    );
    differs(&recorded, &sent(Authorization::None), "sent `no authorization`");

    // Whatever a vendor calls the header: the request says that it is the key.
    recorded["request"]["headers"] = json!([{"name": "X-Api-Key", "value": "one"}, {"name": "X-Acme", "value": "two"}]);
    answers(&recorded, &sent(header("x-acme")));
    recorded["request"]["headers"] = json!([{"name": "X-Acme", "value": "hidden"}]);
    answers(&recorded, &sent(header("x-acme")));
    answers(&recorded, &sent(Authorization::None));
    differs(&recorded, &sent(header("x-other-key")), "recorded `no authorization`, sent `a key in header x-other-key`");
}

#[test]
fn json_counts_by_value() {
    let recorded = json_entry(&json!({"a": 1, "b": {"c": [true, "x"]}}), &json!({}));
    answers(&recorded, &json_sent(json!({"b": {"c": [true, "x"]}, "a": 1})));
    differs(
        &recorded,
        &json_sent(json!({"a": 1, "b": {"c": [true, "y"]}})),
        "`/b/c/1` of the JSON body: recorded `x`, sent `y`",
    );
    differs(
        &recorded,
        &json_sent(json!({"a": 1, "b": {"c": [true]}})),
        "`/b/c/1` of the JSON body: recorded `x`, sent nothing",
    );
    differs(
        &recorded,
        &json_sent(json!({"a": 1, "b": {"c": [true, "x"]}, "d/e": 2})),
        "`/d~1e` of the JSON body: recorded nothing, sent `2`",
    );
    differs(&recorded, &json_sent(json!({"a": "1", "b": {"c": [true, "x"]}})), "`/a` of the JSON body");
}

#[test]
fn bound_places_take_any_value_but_must_be_there() {
    let recorded =
        start(&json!({"bind": {"to": {"in": "form", "name": "To"}, "service": {"in": "path", "segment": 2}}}));
    let mut sent = start_sent("+4930901820");
    sent.url.set_path("/v2/Services/VA%2F99/Verifications");
    answers(&recorded, &sent);
    differs(
        &recorded,
        &form("/v2/Services/VA01/Verifications", &[("Channel", "sms")]),
        "form field `To` should hold `to`, but it is not there",
    );
    differs(
        &recorded,
        &form("/v2/Services/VA01/Verifications", &[("To", ""), ("Channel", "sms")]),
        "form field `To` should hold `to`, but it is empty",
    );
    differs(
        &recorded,
        &form("/v2/Services/VA01/Verifications", &[("To", "a"), ("To", "b"), ("Channel", "sms")]),
        "it is there more than once",
    );
    differs(
        &recorded,
        &start_sent_to("/v2/Services/VA01/Others"),
        "path segment 3: recorded `Verifications`, sent `Others`",
    );

    let recorded = json_entry(
        &json!({"user": {"id": 7}, "x": 1}),
        &json!({"bind": {"id": {"in": "json", "pointer": "/user/id"}}}),
    );
    answers(&recorded, &json_sent(json!({"user": {"id": "some"}, "x": 1})));
    differs(
        &recorded,
        &json_sent(json!({"user": {"id": "some"}, "x": 2})),
        "`/x` of the JSON body: recorded `1`, sent `2`",
    );
    differs(&recorded, &json_sent(json!({"user": {"id": []}, "x": 1})), "it holds no text, number or boolean");
    differs(&recorded, &json_sent(json!({"user": {}, "x": 1})), "should hold `id`, but it is not there");

    let recorded =
        entry("/x?number=1&v=2", &[], &json!({}), &json!({"bind": {"n": {"in": "query", "name": "number"}}}));
    answers(&recorded, &form("/x?v=2&number=9", &[]));
    differs(&recorded, &form("/x?v=3&number=9", &[]), "query parameter `v`: recorded `2`, sent `3`");
}

fn start_sent_to(path: &str) -> Sent {
    form(path, &[("To", NUMBER), ("Channel", "sms")])
}

#[test]
fn spoken_digits_take_any_number_in_the_same_words() {
    let twiml = |text: &str| format!("<Response><Say>{text}</Say></Response>");
    let call = |text: &str| form("/Calls", &[("Twiml", &twiml(text))]);
    let note = json!({"bind": {"code": {"in": "spoken", "name": "Twiml"}}});
    let recorded = entry("/Calls", &[("Twiml", &twiml("Code: 1, 2, 3, 4."))], &json!({}), &note);
    answers(&recorded, &call("Code: 9, 8, 7, 6, 5, 4."));
    differs(&recorded, &call("Pin: 9, 8, 7, 6."), "form field `Twiml`");
    differs(
        &recorded,
        &call("Code: 9876."),
        "the digits spoken in form field `Twiml` should hold `code`, but no <Say> in it speaks",
    );
}

#[test]
fn the_nearest_entries_are_named_first() {
    let far = entry("/elsewhere", &[], &json!({}), &json!({}));
    let mut near = start(&json!({}));
    near["comment"] = json!("start by sms");
    let middle = super::check("123456", "approved", &json!({}));
    let mut player = player(&[far, middle, near], &json!({}));
    let text = refused(player.play(&form("/v2/Services/VA01/Verifications", &[("To", NUMBER), ("Channel", "call")])));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "no recorded exchange answers POST https://verify.example.com/v2/Services/VA01/Verifications");
    assert_eq!(
        lines[1],
        "  nearest: test.har entry 2 (start by sms): form field `Channel`: recorded `sms`, sent `call`"
    );
    assert!(
        lines[2].starts_with(
            "  next: test.har entry 1 (POST https://verify.example.com/v2/Services/VA01/VerificationCheck)"
        ),
        "{text}"
    );
    assert!(lines[3].contains("entry 0"), "{text}");
}

#[test]
fn mismatches_show_neither_codes_nor_numbers() {
    let mut player = player(&[super::check("135790", "approved", &json!({})), start(&json!({}))], &json!({}));
    let text = refused(player.play(&check_sent("975310"))) + &refused(player.play(&start_sent("+4930901820")));
    for secret in ["135790", "975310", "15017122661", "4930901820"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.contains("form field `Code`: recorded `(6 hidden characters)`"), "{text}");
}

#[test]
fn a_cassette_without_entries_says_so() {
    let har = json!({"log": {"entries": []}});
    let cassette = load(&har).expect("is HAR");
    let mut player = super::Player::new(vec![cassette]);
    assert!(refused(player.play(&check_sent("1"))).ends_with("the cassettes have no entries"));
}
