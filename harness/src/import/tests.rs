//! What is taken over and what is not, format by format. All samples are synthetic, in the shapes that tools write.

use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::cassette::{Draft, DraftAbout, PlayedAnswer, Player, ProvenanceKind, read, write};
use crate::redact::Redaction;
use crate::serve::sent;
use crate::wire::WireAnswer;

fn taken(text: &str) -> Imported {
    imported(text.as_bytes(), None).unwrap_or_else(|problem| panic!("{problem}"))
}

#[track_caller]
fn refused(text: &str, format: Option<Format>, expected: &str) {
    let told = imported(text.as_bytes(), format).map_or_else(|problem| problem.to_string(), |_| "is read".to_owned());
    assert!(told.contains(expected), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

fn losses(imported: &Imported) -> Vec<String> {
    imported.lost.iter().map(|loss| format!("{} {}", loss.place, loss.what.name())).collect()
}

fn reply(imported: &Imported, entry: usize) -> (u16, String) {
    match &imported.entries[entry].answer {
        WireAnswer::Reply(reply) => (reply.status, String::from_utf8_lossy(&reply.body).into_owned()),
        other => panic!("{other:?}"),
    }
}

fn har(creator: &str, entries: &Value) -> String {
    json!({"log": {"version": "1.2", "creator": {"name": creator, "version": "1 (synthetic)"}, "pages": [], "entries": entries}})
        .to_string()
}

fn har_entry(request: Value, response: Value) -> Value {
    let mut entry = json!({
        "startedDateTime": "2026-01-31T13:00:00.5+01:00", "time": 12.5,
        "request": {"method": "GET", "url": "https://api.example/x", "httpVersion": "HTTP/1.1", "headers": [],
            "queryString": [], "cookies": [], "headersSize": -1, "bodySize": 0},
        "response": {"status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "headers": [], "cookies": [],
            "content": {"size": 2, "mimeType": "application/json", "text": "{}"}, "redirectURL": "", "headersSize": -1,
            "bodySize": 2},
    });
    for (part, changes) in [("request", request), ("response", response)] {
        for (key, value) in changes.as_object().cloned().unwrap_or_default() {
            entry[part][key] = value;
        }
    }
    entry
}

/// Writes it as a cassette and asks the cassette what the recording was asked.
fn replayed(imported: &Imported) -> Vec<(u16, Vec<u8>)> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("imported.har");
    let about = DraftAbout::new(ProvenanceKind::Synthetic, "a test", "api.example", "a test");
    let _ = write(&path, &Draft { about: Some(about), entries: imported.entries.clone() }, &Redaction::new())
        .unwrap_or_else(|error| panic!("{error}"));
    let cassette = read(&path).unwrap_or_else(|error| panic!("{error}"));
    let draft = crate::cassette::read_draft(&path).expect("the same file");
    let mut player = Player::new(vec![cassette]);
    draft
        .entries
        .iter()
        .map(|entry| {
            let host = entry.request.host.as_deref().expect("has one");
            let origin = url::Url::parse(&format!("{}://{host}/", entry.scheme)).expect("an address");
            let sent = sent(&entry.request, &origin, true).expect("a path");
            match player.play(&sent).unwrap_or_else(|mismatch| panic!("{mismatch}")).answer {
                PlayedAnswer::Reply { status, body, .. } => (status, body.to_vec()),
                PlayedAnswer::Failure(kind) => panic!("{kind:?}"),
            }
        })
        .collect()
}

#[test]
fn har_of_a_browser_is_taken_over_with_its_ways() {
    let entries = json!([
        har_entry(
            json!({"method": "POST", "url": "https://api.example/a?x=%2f#top", "httpVersion": "h2", "headers": [
                {"name": ":authority", "value": "api.example"}, {"name": "accept", "value": "*/*"}],
                "postData": {"mimeType": "application/x-www-form-urlencoded",
                    "params": [{"name": "To", "value": "a b"}, {"name": "Channel", "value": "sms"}]}}),
            json!({"status": 201, "statusText": "", "headers": [{"name": "content-encoding", "value": "br"},
                {"name": "set-cookie", "value": "a=1\nb=2"}],
                "content": {"size": 3, "mimeType": "application/octet-stream", "text": "AP+A", "encoding": "base64"}})
        ),
        har_entry(json!({}), json!({"status": 0, "statusText": ""})),
        har_entry(json!({}), json!({"content": {"size": 9, "mimeType": "text/html"}})),
        har_entry(json!({"url": "data:text/plain,x"}), json!({})),
        har_entry(
            json!({"postData": {"mimeType": "multipart/form-data; boundary=x", "params": [{"name": "f"}]}}),
            json!({})
        ),
    ]);
    let imported = taken(&har("WebInspector", &entries));
    assert_eq!(imported.format, Format::Har);
    assert_eq!(imported.tool.as_deref(), Some("WebInspector 1 (synthetic)"));
    assert_eq!(
        losses(&imported),
        [
            "log.entries[0].request.postData form_made_anew",
            "log.entries[1] no_answer",
            "log.entries[2] no_body",
            "log.entries[3] address",
            "log.entries[4] body_in_parts",
            "log http_version",
            "log sanitized",
        ]
    );
    let [entry] = &imported.entries[..] else { panic!("{:?}", imported.entries) };
    assert_eq!(entry.request.target, "/a?x=%2f");
    assert_eq!(entry.request.body, b"To=a+b&Channel=sms");
    assert!(entry.request.headers.iter().all(|(name, _)| !name.starts_with(':')));
    assert_eq!((entry.started.to_string().as_str(), entry.took.as_micros()), ("2026-01-31T12:00:00.5Z", 12_500));
    let WireAnswer::Reply(reply) = &entry.answer else { panic!("an answer") };
    assert_eq!(&*reply.body, [0, 0xff, 0x80]);
    assert_eq!(reply.headers.iter().filter(|(name, _)| name == "set-cookie").count(), 2);
    assert_eq!(replayed(&imported), [(201, vec![0, 0xff, 0x80])]);
}

#[test]
fn har_of_a_proxy_keeps_bodies_and_credentials() {
    let entries = json!([har_entry(
        json!({"method": "POST", "headers": [{"name": "Authorization", "value": "Basic dTpw"}],
            "postData": {"mimeType": "application/json", "text": "{\"a\": 1}", "params": []}}),
        json!({"status": 429, "statusText": "Too Many Requests"})
    )]);
    let imported = taken(&har("mitmproxy", &entries));
    assert!(imported.lost.is_empty() && imported.timed, "{:?}", imported.lost);
    assert_eq!(imported.entries[0].request.header("authorization"), Some("Basic dTpw"));
    assert_eq!(replayed(&imported), [(429, b"{}".to_vec())]);
}

#[test]
fn exchanges_that_no_cassette_could_hold_are_left_out_one_by_one() {
    #[track_caller]
    fn check(request: Value, response: Value, expected: &str, entries: usize) {
        let imported = taken(&har("synthetic", &json!([har_entry(request, response)])));
        assert_eq!((losses(&imported), imported.entries.len()), (vec![format!("log.entries[0] {expected}")], entries));
    }
    check(json!({}), json!({"status": 99}), "status", 0);
    check(json!({"method": "G T"}), json!({}), "method", 0);
    check(json!({"headers": [{"name": "Authorization", "value": "Basic !"}]}), json!({}), "credentials", 0);
    check(json!({}), json!({"content": {"text": "x".repeat(1024 * 1024 + 1)}}), "body_too_large", 0);
    let zipped = json!({"headers": [{"name": "Content-Encoding", "value": "gzip"}],
        "postData": {"mimeType": "application/json", "text": "\u{1f}\u{fffd}x"}});
    check(zipped, json!({}), "encoding", 0);
    check(json!({"url": "https://u:p@api.example/"}), json!({}), "user_info", 1);
    check(json!({}), json!({"statusText": "Enhance Your Calm"}), "reason", 1);
    check(json!({"bodySize": 5}), json!({}), "no_body", 0);
}

const VCR: &str = r#"---
# synthetic
http_interactions:
- request:
    method: post
    uri: https://api.example/v2/Verifications?a=b%20c
    body:
      encoding: US-ASCII
      string: To=%2B15005550006&Channel=sms
    headers:
      Accept-Encoding:
      - gzip;q=1.0,deflate;q=0.6
      Authorization:
      - Basic dTpw
  response:
    status:
      code: 201
      message: CREATED
    headers:
      Content-Type:
      - application/json
      Set-Cookie:
      - a=1
      - b=2
    body:
      encoding: UTF-8
      string: '{"status": "pending", "é": 1}'
    http_version:
  recorded_at: Sat, 31 Jan 2026 12:00:00 GMT
- request:
    method: get
    uri: !ruby/regexp /https:\/\/api\.example\/.*/
  response:
    status: {code: 200, message: OK}
- request:
    method: get
    uri: https://api.example/binary
    body: {encoding: UTF-8, string: ''}
  response:
    status: {code: 200, message: null}
    body:
      encoding: ASCII-8BIT
      string: !binary |-
        AP+A
  recorded_at: Sat, 31 Jan 2026 12:00:01 GMT
- request:
    method: get
    uri: https://api.example/latin
  response:
    status: {code: 200}
    body:
      encoding: ISO-8859-1
      string: "é"
  recorded_at: Sat, 31 Jan 2026 12:00:02 GMT
- request:
    method: get
    uri: https://api.example/sjis
  response:
    status: {code: 200}
    body:
      encoding: Shift_JIS
      string: "é"
  recorded_at: Sat, 31 Jan 2026 12:00:03 GMT
- request:
    method: get
    uri: https://api.example/base64
  response:
    status: {code: 200}
    body:
      encoding: UTF-8
      base64_string: |
        aGVs
        bG8=
  recorded_at: Sat, 31 Jan 2026 12:00:04 GMT
recorded_with: VCR 6.3.1
"#;

#[test]
fn vcr_is_taken_over_and_patterns_are_listed() {
    let imported = taken(VCR);
    assert_eq!((imported.format, imported.tool.as_deref(), imported.timed), (Format::Vcr, Some("VCR 6.3.1"), true));
    assert_eq!(losses(&imported), ["line 30: http_interactions[1] pattern", "line 55: http_interactions[4] charset"],);
    assert!(imported.lost[0].to_string().ends_with("; the exchange is left out"), "{}", imported.lost[0]);
    let first = &imported.entries[0];
    assert_eq!((first.request.method.as_str(), first.request.target.as_str()), ("POST", "/v2/Verifications?a=b%20c"));
    assert_eq!(first.started.to_string(), "2026-01-31T12:00:00Z");
    assert_eq!(reply(&imported, 0), (201, "{\"status\": \"pending\", \"é\": 1}".to_owned()));
    let bodies: Vec<_> = replayed(&imported).into_iter().skip(1).map(|(_, body)| body).collect();
    assert_eq!(bodies, [vec![0, 0xff, 0x80], vec![0xe9], b"hello".to_vec()]);
}

const VCRPY: &str = r#"# synthetic
interactions:
- request:
    body: To=%2B15005550006&Channel=sms
    headers:
      Accept: ['*/*']
      Authorization:
      - Basic dTpw
      User-Agent: python-requests/2
      X-Bytes: !!binary |
        YWJj
    method: POST
    uri: https://api.example/v2/Verifications
  response:
    body: {string: !!python/unicode '{"status": "pending"}'}
    headers:
      content-type: [application/json]
    status: {code: 201, message: Created}
- request:
    body: !!python/object/new:_io.BytesIO
      state: !!python/tuple
      - !!binary |
        aGVsbG8=
      - 0
      - null
    headers: {}
    method: PUT
    uri: https://api.example/file
  response:
    body:
      string: !!binary |
        H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA==
    headers:
      content-encoding: [gzip]
    status: {code: 200, message: OK}
- request:
    body: !!python/object:acme.Stream {name: x}
    headers: {}
    method: PUT
    uri: https://api.example/stream
  response:
    body: {string: ''}
    headers: {}
    status: {code: 200, message: OK}
- request:
    body: null
    headers: {}
    method: GET
    uri: https://api.example/empty
  response:
    body: {string: ''}
    headers:
      content-encoding: [gzip]
    status: {code: 204, message: No Content}
version: 1
"#;

#[test]
fn vcrpy_is_taken_over_and_says_that_it_has_no_times() {
    let imported = taken(VCRPY);
    assert_eq!((imported.format, imported.timed), (Format::Vcrpy, false));
    assert_eq!(
        losses(&imported),
        [
            "line 3: interactions[0] time",
            "line 19: interactions[1] time",
            "line 36: interactions[2] body_in_parts",
            "line 45: interactions[3] time",
        ]
    );
    assert_eq!(imported.entries[0].request.header("x-bytes"), Some("abc"));
    assert_eq!(imported.entries[0].request.header("user-agent"), Some("python-requests/2"));
    assert_eq!(imported.entries[1].request.body, b"hello");
    let expected = [(201, b"{\"status\": \"pending\"}".to_vec()), (200, b"hello".to_vec()), (204, Vec::new())];
    assert_eq!(replayed(&imported), expected);
}

#[test]
fn what_is_still_compressed_is_decoded_or_left_out() {
    #[track_caller]
    fn check(encoding: &str, body: &str, expected: &[&str]) {
        let text = format!(
            "interactions:\n- recorded_at: '2026-01-31T12:00:00Z'\n  request: {{uri: 'https://api.example/', method: GET}}\n  \
             response: {{status: {{code: 200}}, headers: {{Content-Encoding: [{encoding}]}}, body: {{string: {body}}}}}\n"
        );
        let imported = taken(&text);
        assert_eq!(losses(&imported), expected, "{encoding}");
        if expected.is_empty() {
            assert_eq!(replayed(&imported), [(200, b"hello".to_vec())], "{encoding}");
        }
    }
    check("gzip", "!!binary H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA==", &[]);
    check("gzip", "hello", &[]);
    check("br", "hello", &[]);
    check("br", "!!binary iwKAaGVsbG8D", &["line 2: interactions[0] encoding"]);
}

#[test]
fn json_of_the_vcrs_is_taken_over_too() {
    let text = json!({"version": 1, "interactions": [{
        "request": {"method": "GET", "uri": "https://api.example/", "body": null, "headers": {}},
        "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "x"}},
    }]});
    let imported = taken(&text.to_string());
    assert_eq!((imported.format, reply(&imported, 0)), (Format::Vcrpy, (200, "x".to_owned())));
}

#[test]
fn files_that_are_no_recording_are_refused_with_the_place() {
    refused("{\"log\": ", None, "is not JSON: EOF");
    refused("{}", None, "is none of the known recordings");
    refused("a: [\n", None, "line 2: is not YAML");
    refused("{\"log\": {}}", None, "log: the list `entries` is missing");
    refused("{\"log\": {\"entries\": [{}]}}", None, "log.entries[0]: the object `request` is missing");
    refused("{\"log\": {\"_countersign\": {}, \"entries\": []}}", None, "is a cassette already");
    refused("a: 1", Some(Format::Har), "is not JSON");
    refused(VCR, Some(Format::Vcrpy), "is a recording of VCR and not of vcrpy");
    refused("http_interactions:\n- request:\n    uri: <%= url %>\n", None, "line 3: holds ERB");
    refused("http_interactions:\n<% 3.times do %>\n- x\n", None, "line 2: holds ERB");
    refused("http_interactions: {}\n", None, "line 1: http_interactions: the list is missing");
    refused(
        "interactions:\n- request: {url: x, method: GET}\n  response: {}\n",
        None,
        "recordings of go-vcr are not known",
    );
    refused("interactions:\n- request: {}\n", None, "line 2: interactions[0]: `response` is missing");
    let bad = "interactions:\n- request: {uri: 'https://a.example/', method: GET, body: !!binary '!'}\n  response: {status: {code: 200}}\n";
    refused(bad, None, "line 2: interactions[0]: is said to be base64, and is not");
    let problem = imported(b"a: \xff", None).expect_err("no text").to_string();
    assert_eq!(problem, "is no text: byte 3 is not UTF-8");
}

#[test]
fn paths_are_told_and_only_files_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, expected) in
        [(folder.path().to_owned(), "is not a regular file"), (folder.path().join("none"), "cannot be read")]
    {
        let told = import(Path::new(&path), None).expect_err("is none").to_string();
        assert!(told.starts_with(&path.display().to_string()) && told.contains(expected), "{told}");
    }
}
