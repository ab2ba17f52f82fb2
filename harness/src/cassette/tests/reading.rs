//! What the reader takes and what it refuses.

use serde_json::{Value, json};

use super::super::{Answer, Authorization, Guard, Message, Place, ProvenanceKind, Repeat, SentBody, Setting, parse};
use super::{NUMBER, check, entry, har, load, start};

/// Sets one value of a HAR file and says how the reader refuses the result.
#[track_caller]
pub(super) fn refused(pointer: &str, value: Value, expected: &str) {
    let mut har = har(&[start(&json!({})), check("123456", "approved", &json!({}))], &json!({}));
    set(&mut har, pointer, value);
    error(&har, expected);
}

#[track_caller]
pub(super) fn error(har: &Value, expected: &str) {
    match load(har) {
        Ok(cassette) => panic!("{cassette:?} was read"),
        Err(error) => {
            let text = error.to_string();
            assert!(text.starts_with("test.har: "), "{text}");
            assert!(text.contains(expected), "{text}\nexpected: {expected}");
        }
    }
}

pub(super) fn set(har: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a parent");
    let parent = har.pointer_mut(parent).expect("the parent exists");
    match parent {
        Value::Array(items) => items[key.parse::<usize>().expect("an index")] = value,
        parent => parent[key] = value,
    }
}

#[test]
fn a_whole_cassette_is_read() {
    let mut har = har(
        &[
            start(&json!({
                "seq": 10, "bind": {"to": {"in": "form", "name": "To"}},
                "sent": {"to": NUMBER, "channel": "sms", "text": "Your code is 123456"},
            })),
            check(
                "000000",
                "pending",
                &json!({
                    "seq": 20, "bind": {"code": {"in": "form", "name": "Code"}}, "require": {"code": "other"}, "repeat": "any",
                }),
            ),
            check(
                "123456",
                "approved",
                &json!({
                    "seq": 30, "bind": {"code": {"in": "form", "name": "Code"}}, "require": {"code": "same"}, "repeat": 2,
                }),
            ),
        ],
        &json!({"code": "123456"}),
    );
    har["log"]["_countersign"]["case"] = json!({
        "plugin": "twilio-verify", "channel": "sms", "clock": "2026-01-31T13:00:00+01:00", "seed": u64::MAX,
        "settings": {"auth_id": "AC01", "auth_token": {"secret": "auth_token"}},
        "operations": [
            {"operation": "start", "input": {"to": NUMBER}, "expect": {"outcome": "started"}},
            {"operation": "check", "input": {"code": "123456"}, "expect": {"outcome": "approved"}},
        ],
    });
    let cassette = load(&har).expect("is a cassette");
    assert_eq!(cassette.provider(), Some("twilio-verify"));
    assert_eq!(cassette.title(), Some("a test"));
    assert!(cassette.provenance().is_some_and(|provenance| provenance.kind == ProvenanceKind::Synthetic));
    assert_eq!(cassette.variables().collect::<Vec<_>>(), [("code", "123456")]);
    let case = cassette.case().expect("has a case");
    assert_eq!(case.clock.as_secs(), 1_769_860_800);
    assert_eq!(case.seed, u64::MAX);
    assert!(case.settings["auth_token"] == Setting::Secret);
    assert_eq!(case.operations.len(), 2);
    let [start, wrong, right] = cassette.entries() else {
        panic!("{:?}", cassette.entries());
    };
    assert_eq!(start.request.authorization, Authorization::Basic { user: "AC01".to_owned() });
    assert!(matches!(&start.message, Some(Message::Declared { channel, .. }) if channel == "sms"));
    let Answer::Reply(reply) = &start.answer else {
        panic!("{:?}", start.answer);
    };
    assert_eq!(reply.headers, [("Content-Type".to_owned(), "application/json".to_owned())]);
    assert_eq!(wrong.bindings[0].guard, Some(Guard::Other));
    assert_eq!(wrong.bindings[0].place, Place::Form { name: "Code".to_owned() });
    assert_eq!((wrong.repeat, right.repeat), (Repeat::Any, Repeat::Times(2)));
    assert_eq!((wrong.seq, right.seq), (Some(20), Some(30)));
}

#[test]
fn a_plain_har_has_defaults() {
    let har = json!({"log": {"version": "1.2", "pages": [], "_other": 1, "entries": [{
        "request": {
            "method": "GET", "url": "https://api.example.com/a?b=c%20d", "queryString": [{"name": "b", "value": "c%20d"}],
            "headers": [{"name": "X-Api-Key", "value": "k"}],
        },
        "response": {"status": 200, "headers": [{"name": ":status", "value": "200"}], "content": {
            "size": 2, "mimeType": "text/plain", "text": "b2s=", "encoding": "base64",
        }},
    }]}});
    let cassette = load(&har).expect("is a HAR file");
    assert!(cassette.provenance().is_none() && cassette.case().is_none());
    let [entry] = cassette.entries() else {
        panic!("{:?}", cassette.entries());
    };
    assert_eq!(entry.repeat, Repeat::Times(1));
    assert_eq!(entry.request.authorization, Authorization::Header { name: "X-Api-Key".to_owned() });
    assert!(entry.request.body == SentBody::Empty);
    let Answer::Reply(reply) = &entry.answer else {
        panic!("{:?}", entry.answer);
    };
    assert_eq!(reply.body, b"ok");
    assert_eq!(reply.headers, [("Content-Type".to_owned(), "text/plain".to_owned())]);
}

#[test]
fn what_is_not_har_is_refused() {
    for (text, expected) in [
        ("", "is not JSON"),
        ("{\"log\": ", "is not JSON"),
        ("{\"log\": {\"entries\": []}} x", "is not JSON"),
        ("[]", "is not a HAR file"),
        ("{}", "missing field `log`"),
        ("{\"log\": {}}", "missing field `entries`"),
        ("{\"log\": {\"entries\": [1]}}", "at `log.entries[0]`"),
        (
            "{\"log\": {\"entries\": [{\"request\": {\"method\": \"GET\", \"url\": 5}}]}}",
            "at `log.entries[0].request.url`",
        ),
        ("{\"log\": {\"entries\": [], \"entries\": []}}", "duplicate field `entries`"),
        ("{\"log\": {\"version\": \"2.0\", \"entries\": []}}", "log.version is 2.0"),
    ] {
        match parse("x.har".as_ref(), text.as_bytes()) {
            Ok(cassette) => panic!("{text}: {cassette:?}"),
            Err(error) => assert!(error.to_string().contains(expected), "{text}: {error}"),
        }
    }
    let marked = [b"\xEF\xBB\xBF", &b"{\"log\": {\"entries\": []}}"[..]].concat();
    assert!(parse("x.har".as_ref(), &marked).is_ok(), "a byte order mark is no reason");
}

#[test]
fn newer_versions_are_refused_before_anything_else_is_looked_at() {
    let note = json!({"version": "2.0", "provenance": 5, "entirely": "new"});
    refused("/log/_countersign", note, "the cassette has version 2.0, this reader knows 1.0");
    refused("/log/_countersign/version", json!("one"), "`one` is no cassette version");
}

#[test]
fn unknown_keys_are_refused_with_the_nearest() {
    refused("/log/_countersign/titel", json!(1), "log._countersign has no key `titel`; did you mean `title`?");
    refused("/log/_countersign/provenance/sauce", json!(1), "has no key `sauce`; did you mean `source`?");
    let case = json!({
        "plugin": "totp", "channel": "totp", "clock": "2026-01-31T12:00:00Z", "sed": 5,
        "operations": [{"operation": "check", "expect": {"outcome": "approved"}}],
    });
    refused("/log/_countersign/case", case, "log._countersign.case has no key `sed`; did you mean `seed`?");
    refused(
        "/log/entries/1/_countersign/repeet",
        json!(1),
        "entry 1: _countersign has no key `repeet`; did you mean `repeat`?",
    );
    refused("/log/entries/1/_countersign/zzz", json!(1), "has no key `zzz`; it has seq, bind, require");
    let sent = json!({"to": "x", "channel": "sms", "txt": "y"});
    refused("/log/entries/0/_countersign/sent", sent, "_countersign.sent has no key `txt`; did you mean `text`?");
    refused("/log/entries/0/_countersign/body", json!({"reply": {}}), "_countersign.body has no key `reply`");
    let bind = json!({"to": {"in": "form", "nam": "To"}});
    refused("/log/entries/0/_countersign/bind", bind, "bind.to is no place: unknown field `nam`, expected `name`");
}

#[test]
fn unknown_words_are_refused_with_the_nearest() {
    let provenance = json!({"kind": "recoded", "source": "x"});
    refused("/log/_countersign/provenance", provenance, "provenance.kind is `recoded`; did you mean `recorded`?");
    refused("/log/entries/0/_countersign/failure", json!("no_anser"), "did you mean `no_answer`?");
    refused("/log/entries/0/_countersign/repeat", json!("twice"), "_countersign.repeat is \"twice\"");
    refused("/log/entries/0/_countersign/repeat", json!(0), "_countersign.repeat is 0");
    refused("/log/entries/0/_countersign/bind", json!({"to": {"in": "header"}}), "unknown variant `header`");
}

#[test]
fn entries_stand_in_order() {
    let note = |seq: u64| json!({"seq": seq});
    error(
        &har(&[start(&note(2)), start(&json!({})), start(&note(2))], &json!({})),
        "entry 2: _countersign.seq is 2 after 2",
    );
    assert!(load(&har(&[start(&note(2)), start(&note(7))], &json!({}))).is_ok());
}

#[test]
fn bindings_must_fit_their_own_recording() {
    let bind = |name: &str| json!({"bind": {"to": {"in": "form", "name": name}}});
    error(
        &har(&[start(&bind("Nope"))], &json!({})),
        "bind.to: form field `Nope` of the recorded request is no sample: it is not there",
    );
    error(&har(&[start(&bind("To"))], &json!({"to": "+4930"})), "the variable's sample is `+••••`");
    let code = |guard: &str| json!({"bind": {"code": {"in": "form", "name": "Code"}}, "require": {"code": guard}});
    let declared = json!({"code": "123456"});
    error(
        &har(&[check("123456", "approved", &code("other"))], &declared),
        "require.code wants another value, but form field `Code` holds the variable's sample",
    );
    error(
        &har(&[check("654321", "approved", &code("same"))], &declared),
        "so that the recorded request itself would not match",
    );
    error(&har(&[check("123456", "approved", &code("same"))], &json!({})), "no earlier entry binds it");
    error(
        &har(&[start(&json!({"require": {"code": "same"}}))], &declared),
        "require.code has no place in this request",
    );
    error(&har(&[start(&json!({}))], &json!({"code": ""})), "variables.code is empty");
    error(&har(&[start(&json!({}))], &json!({"a": "1", "b": "1"})), "variables `a` and `b` have the same sample");
    let segment = json!({"bind": {"service": {"in": "path", "segment": 9}}});
    error(&har(&[start(&segment)], &json!({})), "path segment 9 of the recorded request is no sample: it is not there");
    let twice = entry("/x", &[("To", "a"), ("To", "b")], &json!({}), &bind("To"));
    error(&har(&[twice], &json!({})), "it is there more than once");
    let spoken = json!({"bind": {"code": {"in": "spoken", "name": "Channel"}}});
    error(&har(&[start(&spoken)], &json!({})), "it is not well-formed XML");
}

#[test]
fn a_message_has_one_text() {
    let sent = json!({"sent": {"to": "x", "channel": "voice"}});
    error(&har(&[start(&sent)], &json!({})), "_countersign.sent has no text");
    let sent = json!({"sent": {"to": "x", "channel": "voice", "text": "y"}});
    let call = entry("/Calls", &[("To", "x"), ("Twiml", "<Response><Say>y</Say></Response>")], &json!({}), &sent);
    error(&har(&[call], &json!({})), "_countersign.sent.text repeats what form field `Twiml`");
}

#[test]
fn cases_that_cannot_fail_or_hold_secrets_are_refused() {
    #[track_caller]
    fn case(pointer: &str, value: Value, expected: &str) {
        let mut har = har(&[], &json!({}));
        har["log"]["_countersign"]["case"] = json!({
            "plugin": "totp", "channel": "totp", "clock": "2026-01-31T12:00:00Z", "settings": {},
            "operations": [{"operation": "check", "expect": {"outcome": "approved"}}],
        });
        assert!(load(&har).is_ok());
        set(&mut har, &format!("/log/_countersign/case{pointer}"), value);
        error(&har, expected);
    }
    case("/operations", json!([]), "operations is empty");
    case("/operations/0/expect", json!({}), "operations[0].expect is empty");
    case("/operations/0/operation", json!("chek"), "operations[0].operation is `chek`; did you mean `check`?");
    case("/clock", json!("2026-01-31 noon"), "no RFC 3339 time");
    case("/clock", json!("2026-01-31T12:00:00"), "no RFC 3339 time");
    case("/settings", json!({"auth_token": {"secret": "a", "value": "b"}}), "settings.auth_token: a secret is written");
}

#[test]
fn names_that_stand_twice_are_refused() {
    let text = har(&[start(&json!({}))], &json!({"code": "1234"})).to_string();
    let text = text.replace("{\"code\":\"1234\"}", "{\"code\":\"1234\",\"code\":\"5678\"}");
    let error = parse("x.har".as_ref(), text.as_bytes()).expect_err("one of the two would be dropped");
    assert!(error.to_string().contains("`code` stands twice"), "{error}");
}

#[test]
fn errors_show_neither_codes_nor_numbers() {
    let mut har = har(
        &[check("987654", "approved", &json!({"bind": {"to": {"in": "form", "name": "Code"}}}))],
        &json!({"to": "13579"}),
    );
    let text = load(&har).expect_err("samples differ").to_string();
    assert!(!text.contains("987654") && !text.contains("13579"), "{text}");
    har["log"]["entries"][0]["_countersign"]["seq"] = json!("246810");
    let text = load(&har).expect_err("seq is no number").to_string();
    assert!(!text.contains("246810"), "{text}");
}
