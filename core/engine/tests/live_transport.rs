//! The live transport against servers on loopback.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::Duration;

use countersign::secrets::{Secret, Secrets};
use countersign::transport::{LiveTransport, Outgoing, Transport as _};
use countersign_plugin::http::{TransportFailure, TransportFailureKind};
use countersign_plugin::limits::REPLY_BODY_BYTES;
use countersign_plugin::{Endpoint, Reply, Request, SecretRef};
use url::Url;
use wiremock::matchers::{basic_auth, body_string, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = "canary-token-7291";

fn secrets() -> Secrets {
    Secrets::from_iter([("auth_token".to_owned(), Secret::new(TOKEN))])
}

async fn send(request: &Request) -> Result<Reply, TransportFailure> {
    send_within(request, Duration::from_secs(20)).await
}

async fn send_within(request: &Request, time_left: Duration) -> Result<Reply, TransportFailure> {
    let (url, secrets) = (Url::parse(&request.url).expect("an address"), secrets());
    LiveTransport::default().send(Outgoing { request, url: &url, secrets: &secrets, time_left }).await
}

fn token() -> SecretRef {
    SecretRef::named("auth_token")
}

/// Answers one connection with these bytes, whatever is asked, and closes it.
fn answer_once(bytes: &'static [u8]) -> (String, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut asked = vec![0; 4096];
        let length = stream.read(&mut asked).expect("a request");
        asked.truncate(length);
        stream.write_all(bytes).expect("the answer");
        asked
    });
    (base, server)
}

#[tokio::test]
async fn secrets_are_put_in_at_the_last_moment() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v2/x%20y"))
        .and(basic_auth("AC1", TOKEN))
        .and(header("x-authy-api-key", TOKEN))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string(format!("To=%2B15005550006&Secret={TOKEN}")))
        .respond_with(ResponseTemplate::new(201).set_body_string("{}").insert_header("Retry-After", "7"))
        .expect(1)
        .mount(&server)
        .await;
    let request = Request::post(Endpoint::new(&server.uri()).path(["v2", "x y"]))
        .basic_auth("AC1", &token())
        .header("X-Authy-API-Key", &token())
        .form([("To", "+15005550006")])
        .form([("Secret", &token())]);
    assert!(!format!("{request:?}").contains(TOKEN), "what is recorded holds the reference");
    let reply = send(&request).await.expect("a reply");
    assert_eq!((reply.status, reply.header("retry-after"), reply.body.as_slice()), (201, Some("7"), &b"{}"[..]));
}

#[tokio::test]
async fn json_is_asked_for_unless_the_plugin_asks_for_something_else() {
    for (asked, expected) in [(None, "application/json"), (Some("text/plain"), "text/plain")] {
        let server = MockServer::start().await;
        Mock::given(path("/x")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
        let mut request = Request::get(Endpoint::new(&server.uri()).path(["x"]));
        if let Some(asked) = asked {
            request = request.header("Accept", asked);
        }
        send(&request).await.expect("a reply");
        let received = server.received_requests().await.expect("recorded");
        let accepted: Vec<_> = received[0].headers.get_all("accept").iter().collect();
        assert_eq!(accepted, [expected]);
    }
}

#[tokio::test]
async fn a_redirect_is_a_reply_and_is_not_followed() {
    let elsewhere = MockServer::start().await;
    let server = MockServer::start().await;
    let redirect = ResponseTemplate::new(307).insert_header("Location", elsewhere.uri().as_str());
    Mock::given(method("POST")).respond_with(redirect).mount(&server).await;
    let request = Request::post(Endpoint::new(&server.uri()).path(["x"])).basic_auth("AC1", &token());
    assert_eq!(send(&request).await.expect("a reply").status, 307);
    let asked = elsewhere.received_requests().await.expect("recorded");
    assert!(asked.is_empty(), "credentials must not travel");
}

/// What a proxy on loopback is asked when a process that has it as its proxy sends a request there.
fn asked_of_a_proxy(url: &str) -> String {
    let (proxy, served) = answer_once(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    let mut child = std::process::Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", "sends_where_its_parent_says", "--ignored"]).env(SEND_TO, url).env_remove("NO_PROXY");
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        child.env(variable, &proxy);
    }
    assert!(child.output().expect("a child").status.success());
    // Whoever was not asked by the child is asked for nothing here.
    let mut end = std::net::TcpStream::connect(proxy.trim_start_matches("http://")).ok();
    end.iter_mut().for_each(|end| end.write_all(b"nobody asked").expect("a request"));
    String::from_utf8_lossy(&served.join().expect("served")).into_owned()
}

const SEND_TO: &str = "COUNTERSIGN_TEST_SEND_TO";

#[tokio::test]
#[ignore = "is what the tests of proxies run as their child"]
async fn sends_where_its_parent_says() {
    let url = std::env::var(SEND_TO).expect("is set by the test that starts this");
    let request = Request::get(Endpoint::new(&url).path(["x"])).basic_auth("AC1", &token());
    // Whether a reply comes is the parent's business.
    drop(send_within(&request, Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_to_loopback_never_goes_through_a_proxy() {
    let server = MockServer::start().await;
    Mock::given(path("/x")).and(basic_auth("AC1", TOKEN)).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    assert_eq!(asked_of_a_proxy(&server.uri()), "nobody asked");
    assert_eq!(server.received_requests().await.expect("recorded").len(), 1);
}

#[test]
fn https_goes_through_the_proxy_of_the_system_as_a_tunnel() {
    let asked = asked_of_a_proxy("https://api.example.com");
    assert!(asked.starts_with("CONNECT api.example.com:443 HTTP/1.1\r\n"), "{asked}");
    assert!(!asked.to_lowercase().contains("authorization"), "{asked}");
}

#[track_caller]
fn is(result: Result<Reply, TransportFailure>, kind: TransportFailureKind) {
    let failure = result.expect_err("no reply");
    assert_eq!(failure.kind, kind, "{failure:?}");
    assert!(!failure.detail.contains(TOKEN) && !failure.detail.contains("5550006"), "{failure:?}");
}

#[tokio::test]
async fn a_refused_connection_proves_that_nothing_left() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let request = Request::post(Endpoint::new(&base).path(["+15005550006"]));
    is(send(&request).await, TransportFailureKind::NotSent);
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_proves_that_nothing_left() {
    let (base, server) = answer_once(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    let request =
        Request::post(Endpoint::new(&base.replace("http:", "https:")).path(["x"])).basic_auth("AC1", &token());
    let answer = send(&request).await;
    let detail = answer.as_ref().map_err(|failure| failure.detail.clone());
    assert!(detail.is_err_and(|detail| detail.starts_with("TLS with `127.0.0.1` failed: ")), "{answer:?}");
    is(answer, TransportFailureKind::NotSent);
    let asked = server.join().expect("served");
    assert!(!asked.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes()));
}

#[tokio::test]
async fn a_connection_that_breaks_may_have_carried_the_request() {
    for broken in [&b""[..], b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"] {
        let (base, server) = answer_once(broken);
        let request = Request::post(Endpoint::new(&base).path(["+15005550006"])).basic_auth("AC1", &token());
        is(send(&request).await, TransportFailureKind::NoAnswer);
        server.join().expect("served");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let request = Request::post(Endpoint::new(&base).path(["x"]));
    is(send_within(&request, Duration::from_millis(100)).await, TransportFailureKind::NoAnswer);
}

#[tokio::test]
async fn a_body_over_the_limit_is_too_large_and_one_at_the_limit_is_not() {
    let server = MockServer::start().await;
    let large = ResponseTemplate::new(200).set_body_bytes(vec![b' '; REPLY_BODY_BYTES + 1]);
    Mock::given(path("/large")).respond_with(large).mount(&server).await;
    let full = ResponseTemplate::new(200).set_body_bytes(vec![b' '; REPLY_BODY_BYTES]);
    Mock::given(path("/full")).respond_with(full).mount(&server).await;
    is(send(&Request::get(Endpoint::new(&server.uri()).path(["large"]))).await, TransportFailureKind::TooLarge);
    assert!(send(&Request::get(Endpoint::new(&server.uri()).path(["full"]))).await.is_ok());
}

// The connection is closed by another thread than the one that waits for the server.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_end_is_left_at_the_limit() {
    // More than the buffers of both ends hold, and still far less than memory.
    const MOST: usize = 64 * REPLY_BODY_BYTES;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let length = stream.read(&mut [0; 4096]).expect("a request");
        assert!(length > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("the head");
        let block = [b' '; 1 << 16];
        // Until nobody takes it any more.
        let blocks = std::iter::repeat_with(|| stream.write_all(&block)).take_while(Result::is_ok);
        blocks.take(MOST / block.len()).count() * block.len()
    });
    is(send(&Request::get(Endpoint::new(&base).path(["x"]))).await, TransportFailureKind::TooLarge);
    let written = server.join().expect("served");
    assert!(written < MOST, "{written} bytes were taken");
}

#[tokio::test]
async fn a_secret_that_headers_cannot_carry_is_refused_before_anything_leaves() {
    let request = Request::get(Endpoint::new("http://127.0.0.1:9").path(["x"])).header("x-key", &token());
    let secrets = Secrets::from_iter([("auth_token".to_owned(), Secret::new("a\r\nHost: evil"))]);
    let url = Url::parse(&request.url).expect("an address");
    let outgoing = Outgoing { request: &request, url: &url, secrets: &secrets, time_left: Duration::from_secs(1) };
    is(LiveTransport::default().send(outgoing).await, TransportFailureKind::Refused);
}
