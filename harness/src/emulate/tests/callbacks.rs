//! Status callbacks: told once each, when it is time, and signed.

use serde_json::json;

use super::super::{Callback, Sent, Unanswered};
use super::*;

const CALLS: &str = "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Calls";
const URL: &str = "http://127.0.0.1:9/told?x=1";

fn order(rig: &Rig, more: &[(&str, &str)]) -> Got {
    let usual = [("To", TO), ("From", FROM), ("Twiml", "<Response><Say>Hello</Say></Response>")];
    let form: Vec<_> = usual.iter().chain(more).copied().collect();
    rig.post(&format!("{CALLS}.json"), &form)
}

fn events(due: &[Callback]) -> Vec<&str> {
    due.iter().map(|callback| callback.event).collect()
}

fn field<'a>(callback: &'a Callback, name: &str) -> &'a str {
    callback.form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

const ALL: [(&str, &str); 5] = [
    ("StatusCallback", URL),
    ("StatusCallbackEvent", "answered"),
    ("StatusCallbackEvent", "initiated"),
    ("StatusCallbackEvent", "completed"),
    ("StatusCallbackEvent", "ringing"),
];

#[test]
fn what_was_wished_for_is_told_once_when_it_happens() {
    let rig = Rig::new();
    let call = order(&rig, &ALL).expect(201);
    assert!(rig.emulator.callbacks_due().is_empty());
    rig.advance(1);
    assert_eq!(events(&rig.emulator.callbacks_due()), ["initiated", "ringing"]);
    assert!(rig.emulator.callbacks_due().is_empty());
    rig.advance(2);
    assert_eq!(events(&rig.emulator.callbacks_due()), ["in-progress"]);
    rig.advance(60);
    let due = rig.emulator.callbacks_due();
    assert_eq!(events(&due), ["completed"]);
    let last = &due[0];
    assert_eq!((field(last, "CallSid"), field(last, "CallDuration")), (call["sid"].as_str().expect("a sid"), "1"));
    assert_eq!((field(last, "SequenceNumber"), field(last, "CallStatus")), ("3", "completed"));
    assert_eq!((last.url.as_str(), last.get), (URL, false));
    assert!(last.signature.len() == 28 && rig.emulator.callbacks_due().is_empty());
}

#[test]
fn without_a_wish_only_the_end_is_told_and_without_an_address_nothing() {
    let rig = Rig::new();
    order(&rig, &[]).expect(201);
    order(&rig, &[("StatusCallback", URL), ("StatusCallbackMethod", "GET")]).expect(201);
    rig.advance(600);
    let due = rig.emulator.callbacks_due();
    assert_eq!(events(&due), ["completed"]);
    assert!(due[0].get && due[0].form.is_empty() && due[0].url.as_str().contains("&CallStatus=completed&"));
}

#[test]
fn what_never_came_is_not_told() {
    let rig = Rig::new();
    rig.mark(TO, PhoneKind::Busy);
    order(&rig, &ALL).expect(201);
    rig.advance(600);
    assert_eq!(events(&rig.emulator.callbacks_due()), ["initiated", "ringing", "busy"]);
    let call = order(&rig, &ALL).expect(201);
    let path = format!("{CALLS}/{}.json", call["sid"].as_str().expect("a sid"));
    rig.post(&path, &[("Status", "canceled")]).expect(200);
    assert_eq!(events(&rig.emulator.callbacks_due()), ["canceled"]);
    rig.control("reset", &json!({})).expect(200);
    assert!(rig.emulator.callbacks_due().is_empty());
}

#[test]
fn bad_wishes_are_refused_and_what_came_of_good_ones_can_be_read() {
    let rig = Rig::new();
    for url in ["nowhere", "ftp://example.com/", "http://under_score.example/"] {
        order(&rig, &[("StatusCallback", url)]).refused(400, 21609);
    }
    order(&rig, &[("StatusCallback", URL), ("StatusCallbackMethod", "PUT")]).refused(400, 21209);
    assert!(rig.emulator.inbox().is_empty());
    order(&rig, &[("StatusCallback", URL)]).expect(201);
    rig.advance(600);
    let due = rig.emulator.callbacks_due();
    rig.emulator.callback_sent(&due[0], &Sent::Answered(204));
    rig.emulator.callback_sent(&due[0], &Sent::Failed(Unanswered::NoHttp));
    let mut request = request("GET", "/_countersign/callbacks", &[]);
    request.host = None;
    let got = rig.send(&request).expect(200);
    assert_eq!(
        (&got[0]["status"], &got[0]["event"], &got[0]["error"]),
        (&json!(204), &json!("completed"), &Value::Null)
    );
    assert_eq!(
        (&got[1]["status"], &got[1]["error"]),
        (&Value::Null, &json!("no HTTP answer: the receiver broke off, or speaks something else"))
    );
}
