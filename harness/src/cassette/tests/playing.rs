//! What is served, in which order, and what is remembered.

use countersign_plugin::TransportFailureKind;
use serde_json::{Value, json};

use super::super::{PlayedAnswer, SentMessage, Sha256};
use super::{NUMBER, Player, check, check_sent, entry, form, har, load, player, refused, reply, start, start_sent};

fn to_bound() -> Value {
    json!({"bind": {"to": {"in": "form", "name": "To"}}})
}

fn code_required(guard: &str, repeat: &str) -> Value {
    json!({"bind": {"code": {"in": "form", "name": "Code"}}, "require": {"code": guard}, "repeat": repeat})
}

#[test]
fn entries_are_played_in_order_and_once() {
    let entries = [check("123456", "pending", &json!({})), check("123456", "approved", &json!({}))];
    let mut player = player(&entries, &json!({}));
    assert_eq!(reply(player.play(&check_sent("123456")))["status"], "pending");
    assert_eq!(reply(player.play(&check_sent("123456")))["status"], "approved");
    let text = refused(player.play(&check_sent("123456")));
    assert!(
        text.contains("entry 0 (POST https://verify.example.com/v2/Services/VA01/VerificationCheck): already played\n"),
        "{text}"
    );
    assert!(player.finish().is_ok());
}

#[test]
fn entries_repeat_as_often_as_they_say() {
    let mut twice = player(&[check("123456", "pending", &json!({"repeat": 2}))], &json!({}));
    reply(twice.play(&check_sent("123456")));
    reply(twice.play(&check_sent("123456")));
    assert!(refused(twice.play(&check_sent("123456"))).contains("already played 2 times"));
    let mut any = player(&[check("123456", "pending", &json!({"repeat": "any"}))], &json!({}));
    for _ in 0..20 {
        reply(any.play(&check_sent("123456")));
    }
    assert!(any.finish().is_ok());
}

#[test]
fn unused_entries_are_errors_unless_they_may_be() {
    let entries =
        [start(&json!({})), check("123456", "approved", &json!({"repeat": 3})), start(&json!({"repeat": "any"}))];
    let mut player = player(&entries, &json!({}));
    reply(player.play(&check_sent("123456")));
    let unused = player.finish().expect_err("two entries were not used up");
    assert_eq!(
        unused.to_string(),
        "2 recorded exchanges were not asked for\n  \
         test.har entry 0 (POST https://verify.example.com/v2/Services/VA01/Verifications): played 0 of 1 times\n  \
         test.har entry 1 (POST https://verify.example.com/v2/Services/VA01/VerificationCheck): played 1 of 3 times"
    );
    assert_eq!(unused.receipt.entries[1].played, 1);
}

#[test]
fn a_captured_value_is_written_wherever_its_sample_was() {
    let entries = [start(&to_bound()), check("123456", "approved", &json!({}))];
    let mut player = player(&entries, &json!({}));
    let started = reply(player.play(&start_sent("+4930901820")));
    assert_eq!(started, json!({"sid": "VE01", "to": "+4930901820", "status": "pending"}));
    assert_eq!(reply(player.play(&check_sent("123456")))["to"], "+4930901820", "in later entries too");
}

#[test]
fn a_captured_value_must_come_again() {
    let entries = [start(&to_bound()), start(&to_bound()), start(&to_bound())];
    let mut player = player(&entries, &json!({}));
    reply(player.play(&start_sent("+4930901820")));
    let text = refused(player.play(&start_sent("+4930901821")));
    assert!(text.contains("form field `To`: `to` is bound to `+••••••••••`, sent `+••••••••••`"), "{text}");
    reply(player.play(&start_sent("+4930901820")));
}

#[test]
fn a_mismatch_binds_nothing() {
    let mut player = player(&[start(&to_bound())], &json!({}));
    refused(player.play(&form("/v2/Services/VA01/Verifications", &[("To", "+4930901820"), ("Channel", "call")])));
    assert_eq!(reply(player.play(&start_sent("+4930901821")))["to"], "+4930901821");
}

#[test]
fn a_declared_code_is_right_and_every_other_is_wrong() {
    let entries = [
        check("000000", "pending", &code_required("other", "any")),
        check("123456", "approved", &code_required("same", "once")),
    ];
    let mut player = player(&entries, &json!({"code": "123456"}));
    assert_eq!(reply(player.play(&check_sent("111111")))["status"], "pending");
    assert_eq!(reply(player.play(&check_sent("222222")))["status"], "pending");
    assert_eq!(reply(player.play(&check_sent("123456")))["status"], "approved");
    let text = refused(player.play(&check_sent("123456")));
    assert!(text.contains("entry 1") && text.contains("already played"), "{text}");
    assert!(
        text.contains("form field `Code` holds the value that `code` is bound to, and the entry wants another"),
        "{text}"
    );
    assert_eq!(reply(player.play(&check_sent("333333")))["status"], "pending");
}

#[test]
fn a_guard_waits_until_its_variable_is_bound() {
    let bound = |guard: &str| json!({"bind": {"to": {"in": "form", "name": "To"}}, "require": {"to": guard}});
    let mut player = player(&[start(&to_bound()), start(&bound("same"))], &json!({}));
    // Entry 0 is taken by this request; before, entry 1 must not answer.
    let text = refused(player.play(&form("/v2/Services/VA01/Verifications", &[("To", NUMBER)])));
    assert!(text.contains("form field `To` must hold the same value as `to`, which nothing has bound yet"), "{text}");
}

#[test]
fn a_wrong_value_is_echoed_and_not_kept() {
    let echo =
        |code: &str, note: &Value| entry("/echo", &[("Code", code)], &json!({"typed": code, "right": "123456"}), note);
    let entries = [echo("000000", &code_required("other", "any")), echo("123456", &code_required("same", "any"))];
    let mut player = player(&entries, &json!({"code": "123456"}));
    let typed = |code: &str| form("/echo", &[("Code", code)]);
    assert_eq!(reply(player.play(&typed("777777"))), json!({"typed": "777777", "right": "123456"}));
    assert_eq!(reply(player.play(&typed("888888"))), json!({"typed": "888888", "right": "123456"}));
    assert_eq!(reply(player.play(&typed("123456")))["typed"], "123456");
}

#[test]
fn a_spoken_code_is_captured_and_heard() {
    let twiml = |code: &str| {
        format!("<Response><Say language=\"en-US\">Your code is: {code}.</Say><Pause/><Say>{code}</Say></Response>")
    };
    let call = |code: &str| form("/Calls", &[("To", NUMBER), ("Twiml", &twiml(code))]);
    let note = json!({"bind": {"code": {"in": "spoken", "name": "Twiml"}}});
    let recorded = |repeat: &str| {
        let mut note = note.clone();
        note["repeat"] = json!(repeat);
        entry("/Calls", &[("To", NUMBER), ("Twiml", &twiml("1, 2, 3, 4"))], &json!({"sid": "CA01"}), &note)
    };
    let mut player = player(&[recorded("any"), check("1234", "approved", &code_required("same", "once"))], &json!({}));
    reply(player.play(&call("9, 8, 7, 6, 5, 4")));
    assert_eq!(
        player.inbox(),
        [SentMessage {
            to: NUMBER.to_owned(),
            channel: "voice".to_owned(),
            text: "Your code is: 9, 8, 7, 6, 5, 4.\n9, 8, 7, 6, 5, 4".to_owned()
        }]
    );
    assert!(refused(player.play(&call("1, 2, 3, 4"))).contains("`code` is bound to"));
    refused(player.play(&check_sent("1234")));
    assert_eq!(reply(player.play(&check_sent("987654")))["status"], "approved");
}

#[test]
fn declared_messages_reach_the_inbox_with_bound_values() {
    let mut note = to_bound();
    note["sent"] = json!({"to": NUMBER, "channel": "sms", "text": "Your code is 123456"});
    let mut player = player(&[start(&note)], &json!({"code": "123456"}));
    let played = player.play(&start_sent("+4930901820")).expect("matches");
    let message =
        SentMessage { to: "+4930901820".to_owned(), channel: "sms".to_owned(), text: "Your code is 123456".to_owned() };
    assert_eq!(played.sent.as_ref(), Some(&message));
    assert_eq!(player.take_inbox(), [message]);
    assert!(player.inbox().is_empty());
    let shown = format!("{played:?}");
    assert!(!shown.contains("123456") && !shown.contains("4930901820"), "{shown}");
}

#[test]
fn a_refused_call_says_nothing() {
    let mut call =
        entry("/Calls", &[("To", NUMBER), ("Twiml", "<Response><Say>x</Say></Response>")], &json!({}), &json!({}));
    call["response"]["status"] = json!(400);
    let mut player = player(&[call], &json!({}));
    reply(player.play(&form("/Calls", &[("To", NUMBER), ("Twiml", "<Response><Say>x</Say></Response>")])));
    assert!(player.inbox().is_empty());
}

#[test]
fn declared_failures_are_played_and_may_have_arrived() {
    let mut failing = start(&json!({
        "failure": "no_answer", "sent": {"to": NUMBER, "channel": "sms", "text": "Your code is 123456"},
    }));
    failing["response"] = Value::Null;
    let mut player = player(&[failing], &json!({}));
    let played = player.play(&start_sent(NUMBER)).expect("matches");
    assert_eq!(played.answer, PlayedAnswer::Failure(TransportFailureKind::NoAnswer));
    assert_eq!(player.inbox().len(), 1);
    let receipt = player.finish().expect("all was played");
    assert_eq!((receipt.entries[0].played, receipt.entries[0].recorded), (1, None));
}

#[test]
fn recorded_bytes_are_served_as_they_are() {
    let mut odd = start(&json!({}));
    let text = "{ \"b\" : 1.0,\n\t\"a\":\"\\u00e4\\/\" }\n";
    odd["response"]["content"] = json!({"text": text, "size": text.len(), "mimeType": "application/json"});
    odd["response"]["headers"] = json!([
        {"name": "X-Two", "value": "a"}, {"name": "x-two", "value": "b"}, {"name": "Transfer-Encoding", "value": "chunked"},
    ]);
    let mut player = player(&[odd], &json!({"code": "123456"}));
    let played = player.play(&start_sent(NUMBER)).expect("matches");
    let PlayedAnswer::Reply { status, headers, body } = played.answer else {
        panic!("{played:?}");
    };
    assert_eq!((status, &*body), (201, text.as_bytes()));
    let names: Vec<_> = headers.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["X-Two", "x-two", "Content-Type"]);
}

#[test]
fn the_receipt_tells_verbatim_from_altered() {
    let mut note = to_bound();
    note["repeat"] = json!(2);
    let mut altered = player(&[start(&note)], &json!({}));
    let served: Vec<u8> = (0..2)
        .flat_map(|_| match altered.play(&start_sent("+4930901820")).expect("matches").answer {
            PlayedAnswer::Reply { body, .. } => body.to_vec(),
            PlayedAnswer::Failure(failure) => panic!("{failure:?}"),
        })
        .collect();
    let receipt = altered.finish().expect("all was played");
    assert_eq!(receipt.entries[0].altered, Some(Sha256::of(&served)));
    assert_eq!((receipt.entries[0].played, receipt.entries[0].verbatim), (2, 0));

    let mut verbatim = player(&[start(&note)], &json!({}));
    let body = reply(verbatim.play(&start_sent(NUMBER))).to_string();
    let receipt = verbatim.receipt();
    assert_eq!(receipt.entries[0].recorded, Some(Sha256::of(body.as_bytes())));
    assert_eq!((receipt.entries[0].verbatim, receipt.entries[0].altered), (1, None));
    let written = serde_json::to_value(&receipt).expect("a receipt is JSON");
    assert_eq!(written["entries"][0]["recorded"], Sha256::of(body.as_bytes()).to_string());
}

#[test]
fn cassettes_are_tried_in_order_and_keep_their_own_variables() {
    let one = load(&har(&[start(&to_bound())], &json!({}))).expect("is a cassette");
    let mut player = Player::new(vec![one.clone(), one]);
    let played = player.play(&start_sent("+4930901820")).expect("matches");
    assert_eq!((played.cassette, played.entry), (0, 0));
    let played = player.play(&start_sent("+4930901821")).expect("the second has not bound it");
    assert_eq!((played.cassette, played.entry), (1, 0));
    assert!(player.finish().is_ok());
}
