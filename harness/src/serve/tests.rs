//! Over a socket and without one, the same cassettes give the same answers.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_plugin::TransportFailureKind;
use countersign_plugin::limits::REPLY_BODY_BYTES;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::form_urlencoded;

use super::*;
use crate::cassette::{Authorization, Cassette, Entry, Repeat, Sent, SentBody, parse};
use crate::wire::{WireAnswer, WireRequest};

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(test)
}

/// Serves until the test is over.
async fn served(responder: Arc<dyn Responder>) -> SocketAddr {
    let server = Server::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
    let address = server.address();
    tokio::spawn(server.run(responder, std::future::pending()));
    address
}

/// The recorded request as a client would send it.
fn request(sent: &Sent, host: Option<&str>) -> WireRequest {
    let mut headers = Vec::new();
    match &sent.authorization {
        Authorization::None => {}
        Authorization::Basic { user } => {
            headers.push(("authorization".to_owned(), format!("Basic {}", STANDARD.encode(format!("{user}:secret")))));
        }
        Authorization::Bearer => headers.push(("authorization".to_owned(), "Bearer secret".to_owned())),
        Authorization::Header { name } => headers.push((name.to_ascii_lowercase(), "secret".to_owned())),
    }
    let (kind, body) = match &sent.body {
        SentBody::Empty => (None, Vec::new()),
        SentBody::Form(fields) => {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            (Some("application/x-www-form-urlencoded"), body.into_bytes())
        }
        SentBody::Json(value) => (Some("application/json"), value.to_string().into_bytes()),
        SentBody::Other(bytes) => (Some("application/octet-stream"), bytes.clone()),
    };
    headers.extend(kind.map(|kind| ("content-type".to_owned(), kind.to_owned())));
    let query = sent.url.query().map_or_else(String::new, |query| format!("?{query}"));
    WireRequest {
        method: sent.method.clone(),
        host: host.map(str::to_owned),
        target: format!("{}{query}", sent.url.path()),
        headers,
        body,
    }
}

/// Sends it and reads all that comes back until the connection is closed.
async fn exchange(address: SocketAddr, request: &WireRequest) -> Vec<u8> {
    let host = request.host.clone().unwrap_or_else(|| address.to_string());
    let mut bytes = format!("{} {} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n", request.method, request.target);
    for (name, value) in &request.headers {
        bytes += &format!("{name}: {value}\r\n");
    }
    bytes += &format!("content-length: {}\r\n\r\n", request.body.len());
    let mut socket = TcpStream::connect(address).await.expect("it listens");
    socket.write_all(&[bytes.as_bytes(), &request.body].concat()).await.expect("it is sent");
    let mut answer = Vec::new();
    // A connection that is reset is closed, too.
    let _ = socket.read_to_end(&mut answer).await;
    answer
}

/// What the carrier must write for an answer; nothing where there is none.
fn written(answer: &WireAnswer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let WireAnswer::Reply(reply) = answer else { return (0, vec![], vec![]) };
    let mut headers: Vec<_> =
        reply.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    headers.sort();
    (reply.status, headers, reply.body.to_vec())
}

fn came(bytes: &[u8]) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return (0, vec![], vec![]) };
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a head is text");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
    let mut headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .filter(|(name, _)| name != "content-length" && name != "connection")
        .collect();
    headers.sort();
    (status, headers, bytes[end + 4..].to_vec())
}

/// The requests of a cassette, each as often as its entry answers, and one more.
fn requests(cassette: &Cassette, host: bool) -> Vec<WireRequest> {
    let host_of = |entry: &Entry| entry.request.url.host_str().map(str::to_owned).filter(|_| host);
    let mut all = Vec::new();
    for entry in cassette.entries() {
        let times = match entry.repeat {
            Repeat::Times(times) => times.min(3),
            Repeat::Any => 2,
        };
        for _ in 0..times {
            all.push(request(&entry.request, host_of(entry).as_deref()));
        }
    }
    all.extend(all.last().cloned());
    all
}

#[test]
fn every_fixture_gives_the_same_answers_over_a_socket_as_without_one() {
    run(async {
        let (mut answered, mut refused, mut silent) = (0, 0, 0);
        for countersign_fixtures::Cassette { path, bytes } in countersign_fixtures::cassettes() {
            let cassette = parse(path, bytes).expect("a fixture");
            let path = path.display();
            for host in [false, true] {
                let without = Cassettes::new(vec![cassette.clone()]);
                let with = Arc::new(Cassettes::new(vec![cassette.clone()]));
                let address = served(Arc::clone(&with) as _).await;
                for request in requests(&cassette, host) {
                    let expected = without.respond(&request);
                    if matches!(expected, WireAnswer::Failure(TransportFailureKind::Deadline)) {
                        continue;
                    }
                    let (status, headers, body) = came(&exchange(address, &request).await);
                    let too_large = matches!(expected, WireAnswer::Failure(TransportFailureKind::TooLarge));
                    match written(&expected) {
                        _ if too_large => assert!(body.len() > REPLY_BODY_BYTES, "{path}"),
                        expected => assert_eq!((status, headers, body), expected, "{path}: {request:?}"),
                    }
                    match status {
                        0 => silent += 1,
                        501 => refused += 1,
                        _ => answered += 1,
                    }
                }
                assert_eq!(with.receipt(), without.receipt(), "{path}");
                assert_eq!(with.take_inbox(), without.take_inbox(), "{path}");
                assert_eq!(with.mismatches(), without.mismatches(), "{path}");
            }
        }
        assert!(answered > 300 && refused > 100 && silent > 10, "{answered} {refused} {silent}");
    });
}

fn cassette(url: &str) -> Cassette {
    let entry = json!({
        "request": {"method": "GET", "url": url},
        "response": {"status": 200, "content": {"text": url}},
        "_countersign": {"repeat": "any"},
    });
    parse(Path::new("test.har"), json!({"log": {"entries": [entry]}}).to_string().as_bytes()).expect("a cassette")
}

fn get(host: Option<&str>, target: &str) -> WireRequest {
    let (method, host) = ("GET".to_owned(), host.map(str::to_owned));
    WireRequest { method, host, target: target.to_owned(), headers: vec![], body: vec![] }
}

#[test]
fn a_request_to_the_carrier_itself_may_be_meant_for_any_recorded_host() {
    let cassettes = Cassettes::new(vec![cassette("https://one.example/a"), cassette("https://two.example:8443/b")]);
    for (host, target, expected) in [
        (None, "/a", 200),
        (None, "/b", 200),
        (Some("one.example"), "/a", 200),
        (Some("two.example"), "/b", 200),
        (Some("two.example"), "/a", 501),
        (Some("three.example"), "/a", 501),
        (None, "/c", 501),
        (None, "*", 501),
    ] {
        let WireAnswer::Reply(reply) = cassettes.respond(&get(host, target)) else { panic!("no reply") };
        assert_eq!(reply.status, expected, "{host:?} {target}");
    }
    let (mismatches, forgotten) = cassettes.mismatches();
    assert_eq!((mismatches.len(), forgotten), (4, 0));
}

#[test]
fn what_is_not_recorded_is_told_with_the_nearest_entry_and_remembered_within_bounds() {
    let cassettes = Cassettes::new(vec![cassette("https://one.example/a")]);
    for _ in 0..250 {
        let WireAnswer::Reply(reply) = cassettes.respond(&get(None, "/b?code=123456")) else { panic!("no reply") };
        let body: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
        let message = body["error"]["message"].as_str().expect("a message");
        assert!(message.contains("path segment 0: recorded `a`, sent `b`"), "{message}");
        assert!(!message.contains("123456"), "{message}");
    }
    let (mismatches, forgotten) = cassettes.mismatches();
    assert_eq!((mismatches.len(), forgotten), (100, 150));
}

#[test]
fn a_body_over_the_limit_is_refused_and_what_is_no_http_is_closed() {
    run(async {
        let address = served(Arc::new(Cassettes::new(vec![cassette("https://one.example/a")]))).await;
        let mut large = get(None, "/a");
        large.body = vec![b'x'; (1 << 20) + 1];
        assert_eq!(came(&exchange(address, &large).await).0, 413);
        let mut socket = TcpStream::connect(address).await.expect("it listens");
        socket.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n").await.expect("it is sent");
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"), "{answer:?}");
        assert_eq!(came(&exchange(address, &get(None, "/a")).await).0, 200);
    });
}
