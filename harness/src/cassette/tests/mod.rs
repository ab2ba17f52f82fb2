//! Cassettes as a whole: written as HAR, read, and played.

mod exchanges;
mod indexed;
mod matching;
mod playing;
mod properties;
mod reading;

use std::path::Path;

use serde_json::{Value, json};
use url::Url;

use super::{Authorization, Cassette, Mismatch, Played, PlayedAnswer, Player, ReadError, Sent, SentBody, parse};

const HOST: &str = "https://verify.example.com";
const NUMBER: &str = "+15017122661";

/// A recorded form request, with its mirrors, and a JSON response.
fn entry(path: &str, form: &[(&str, &str)], response: &Value, note: &Value) -> Value {
    let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let params: Vec<Value> = form.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let url = Url::parse(&format!("{HOST}{path}")).expect("a test writes valid addresses");
    let query: Vec<Value> = url.query_pairs().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({
        "startedDateTime": "2026-01-31T12:00:00Z",
        "time": 80,
        "request": {
            "method": "POST", "url": url.as_str(), "httpVersion": "HTTP/1.1", "cookies": [],
            "headers": [{"name": "Authorization", "value": "Basic QUMwMTpoaWRkZW4="}],
            "queryString": query, "headersSize": -1, "bodySize": text.len(),
            "postData": {"mimeType": "application/x-www-form-urlencoded", "text": text, "params": params},
        },
        "response": {
            "status": 201, "statusText": "Created", "httpVersion": "HTTP/1.1", "cookies": [],
            "headers": [
                {"name": "Content-Type", "value": "application/json"},
                {"name": "Content-Length", "value": "1"},
            ],
            "content": {
                "size": response.to_string().len(), "mimeType": "application/json", "text": response.to_string(),
            },
            "redirectURL": "", "headersSize": -1, "bodySize": -1,
        },
        "cache": {}, "timings": {"send": 0, "wait": 80, "receive": 0},
        "_countersign": note,
    })
}

fn start(note: &Value) -> Value {
    let response = json!({"sid": "VE01", "to": NUMBER, "status": "pending"});
    entry("/v2/Services/VA01/Verifications", &[("To", NUMBER), ("Channel", "sms")], &response, note)
}

fn check(code: &str, status: &str, note: &Value) -> Value {
    let response = json!({"sid": "VE01", "to": NUMBER, "status": status});
    let form = [("VerificationSid", "VE01"), ("Code", code)];
    entry("/v2/Services/VA01/VerificationCheck", &form, &response, note)
}

fn har(entries: &[Value], variables: &Value) -> Value {
    json!({"log": {
        "version": "1.2",
        "creator": {"name": "test", "version": "1"},
        "entries": entries,
        "_countersign": {
            "version": "1.0",
            "provenance": {"kind": "synthetic", "source": "a test"},
            "provider": "twilio-verify",
            "title": "a test",
            "variables": variables,
        },
    }})
}

fn load(har: &Value) -> Result<Cassette, ReadError> {
    parse(Path::new("test.har"), har.to_string().as_bytes())
}

#[track_caller]
fn player(entries: &[Value], variables: &Value) -> Player {
    match load(&har(entries, variables)) {
        Ok(cassette) => Player::new(vec![cassette]),
        Err(error) => panic!("{error}"),
    }
}

fn form(path: &str, fields: &[(&str, &str)]) -> Sent {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Sent {
        method: "POST".to_owned(),
        url: Url::parse(&format!("{HOST}{path}")).expect("a test writes valid addresses"),
        authorization: Authorization::Basic { user: "AC01".to_owned() },
        body: SentBody::Form(fields.iter().map(own).collect()),
    }
}

fn start_sent(number: &str) -> Sent {
    form("/v2/Services/VA01/Verifications", &[("To", number), ("Channel", "sms")])
}

fn check_sent(code: &str) -> Sent {
    form("/v2/Services/VA01/VerificationCheck", &[("VerificationSid", "VE01"), ("Code", code)])
}

#[track_caller]
fn reply(played: Result<Played, Box<Mismatch>>) -> Value {
    match played.map(|played| played.answer) {
        Ok(PlayedAnswer::Reply { body, .. }) => serde_json::from_slice(&body).expect("serves JSON"),
        Ok(PlayedAnswer::Failure(failure)) => panic!("{failure:?}"),
        Err(mismatch) => panic!("{mismatch}"),
    }
}

#[track_caller]
fn refused(played: Result<Played, Box<Mismatch>>) -> String {
    match played {
        Ok(played) => panic!("{played:?}"),
        Err(mismatch) => mismatch.to_string(),
    }
}
