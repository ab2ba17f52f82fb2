//! What the reader takes and refuses of requests and responses.

use std::fs::File;

use countersign_plugin::TransportFailureKind;
use serde_json::{Value, json};

use super::super::{Answer, BODY_LIMIT, FILE_LIMIT, read};
use super::reading::{error, refused, set};
use super::{NUMBER, har, load, start};

#[test]
fn disagreeing_mirrors_are_refused_with_both_sides() {
    let query = json!([{"name": "a", "value": "b"}]);
    refused(
        "/log/entries/1/request/queryString",
        query,
        "entry 1: request.url and request.queryString disagree about `a`: request.url has nothing, request.queryString has `b`",
    );
    let cookies = json!([{"name": "session", "value": "x"}]);
    refused(
        "/log/entries/0/request/cookies",
        cookies.clone(),
        "the Cookie header and request.cookies disagree about `session`",
    );
    refused(
        "/log/entries/0/response/cookies",
        cookies,
        "the Set-Cookie header and response.cookies disagree about `session`",
    );
    let header = json!({"name": "cookie", "value": "session=x; other=y"});
    refused("/log/entries/0/request/headers/0", header, "disagree about `other`");
    refused(
        "/log/entries/0/request/postData/params/1/value",
        json!("call"),
        "request.postData.text and request.postData.params disagree about `Channel`: request.postData.text has `sms`, request.postData.params has `call`",
    );
    refused(
        "/log/entries/0/request/postData/mimeType",
        json!("text/plain"),
        "params stands beside a body of type text/plain",
    );
    refused(
        "/log/entries/0/response/content/size",
        json!(3),
        "response.content.size says 3 bytes, response.content.text has",
    );
    refused("/log/entries/0/response/content/text", Value::Null, "response.content.text has 0");
    let wrong = "ab".repeat(32);
    refused(
        "/log/entries/0/_countersign/body",
        json!({"response": {"sha256": wrong}}),
        &format!("_countersign.body.response.sha256 is {wrong}, the body's is "),
    );
    refused(
        "/log/entries/0/_countersign/body",
        json!({"request": {"sha256": "x"}}),
        "_countersign.body.request.sha256 is not 64 hex digits",
    );
}

#[test]
fn mirrors_may_be_decoded_or_not_and_may_be_absent() {
    let mut har = har(&[start(&json!({}))], &json!({}));
    let entry = &mut har["log"]["entries"][0];
    entry["request"]["url"] = json!("https://x.example/?a=b%20c&d=e+f&d=g#h");
    entry["request"]["headers"] = json!([{"name": "Cookie", "value": "s=a%20b; t=\"q\""}]);
    entry["response"]["headers"] = json!([{"name": "set-cookie", "value": "s=1; Path=/\nt=2"}]);
    for (query, cookies) in [
        (json!([["a", "b c"], ["d", "e f"], ["d", "g"]]), json!([["s", "a b"], ["t", "q"]])),
        (json!([["d", "g"], ["d", "e+f"], ["a", "b%20c"]]), json!([["s", "a%20b"], ["t", "\"q\""]])),
    ] {
        let pairs = |pairs: &Value| -> Value {
            let pairs = pairs.as_array().expect("a list");
            pairs.iter().map(|pair| json!({"name": pair[0], "value": pair[1]})).collect()
        };
        let mut har = har.clone();
        let entry = &mut har["log"]["entries"][0];
        entry["request"]["queryString"] = pairs(&query);
        entry["request"]["cookies"] = pairs(&cookies);
        entry["response"]["cookies"] = pairs(&json!([["t", "2"], ["s", "1"]]));
        if let Err(error) = load(&har) {
            panic!("{error}");
        }
    }
    for mirror in [
        "/request/queryString",
        "/request/cookies",
        "/response/cookies",
        "/request/postData/params",
        "/response/content/size",
    ] {
        set(&mut har, &format!("/log/entries/0{mirror}"), Value::Null);
    }
    assert!(load(&har).is_ok());
}

#[test]
fn a_form_may_stand_in_params_alone() {
    let mut har = har(&[start(&json!({"bind": {"to": {"in": "form", "name": "To"}}}))], &json!({}));
    har["log"]["entries"][0]["request"]["postData"]["text"] = json!("");
    let cassette = load(&har).expect("is HAR");
    assert_eq!(cassette.entries()[0].bindings[0].sample, NUMBER);
}

#[test]
fn large_bodies_and_files_are_refused() {
    let body = |size: usize| {
        let mut har = har(&[start(&json!({}))], &json!({}));
        har["log"]["entries"][0]["response"]["content"] = json!({"text": "x".repeat(size), "mimeType": "text/plain"});
        har
    };
    assert!(load(&body(BODY_LIMIT)).is_ok());
    error(&body(BODY_LIMIT + 1), "entry 0: the response body has 1048577 bytes, it may have 1048576");

    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("large.har");
    let file = File::create(&path).expect("a file");
    file.set_len(FILE_LIMIT + 1).expect("a sparse file");
    let large = read(&path).expect_err("is too large");
    assert!(large.to_string().contains("has 16777217 bytes, a cassette may have 16777216"), "{large}");
    file.set_len(FILE_LIMIT).expect("a sparse file");
    assert!(read(&path).expect_err("is no JSON").to_string().contains("is not JSON"));
    assert!(read(folder.path()).expect_err("is a folder").to_string().ends_with("is not a regular file"));
    assert!(
        read(&folder.path().join("none.har"))
            .expect_err("is missing")
            .to_string()
            .ends_with("none.har: cannot be read")
    );
}

#[test]
fn failures_stand_where_no_response_came() {
    let mut har = har(&[start(&json!({"failure": "no_answer"}))], &json!({}));
    har["log"]["entries"][0]["response"] = json!({"status": 0, "content": {"size": 0}});
    let cassette = load(&har).expect("is a cassette");
    assert_eq!(cassette.entries()[0].answer, Answer::Failure(TransportFailureKind::NoAnswer));
    har["log"]["entries"][0]["_countersign"] = json!({
        "failure": "not_sent", "sent": {"to": NUMBER, "channel": "sms", "text": "x"},
    });
    error(&har, "declares a message, but _countersign.failure says that the request did not leave");
}

#[test]
fn unusable_entries_are_refused() {
    refused(
        "/log/entries/0/request/url",
        json!("ftp://x/y"),
        "entry 0: request.url is no http or https address: ftp://x/y",
    );
    refused("/log/entries/0/request/method", json!("post"), "request.method is empty or not upper case");
    refused(
        "/log/entries/0/request/headers/0/value",
        json!("Basic [redacted]"),
        "says Basic, but not with the base64 form of user:password",
    );
    refused("/log/entries/0/response/status", json!(99), "response.status is 99");
    refused(
        "/log/entries/0/response/status",
        json!(0),
        "there is no response, and _countersign.failure does not say why",
    );
    refused("/log/entries/0/response", Value::Null, "there is no response");
    refused(
        "/log/entries/0/_countersign/failure",
        json!("deadline"),
        "response.status is 201, but _countersign.failure says",
    );
    refused("/log/entries/0/response/content/encoding", json!("gzip"), "the response body has encoding gzip");
    refused(
        "/log/entries/0/request/postData/encoding",
        json!("base64"),
        "the request body is said to be base64, and is not",
    );
}
