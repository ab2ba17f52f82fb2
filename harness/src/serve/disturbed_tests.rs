//! What comes over a connection that is disturbed, byte for byte, on a clock that nobody waits for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::Instant;

use super::connection::{Whose, serve};
use super::disturbed::Socket;
use crate::wire::{AtOnce, Disturbance, Reached, Responder, WireAnswer, WireReply, WireRequest};

const BODY: &str = r#"{"status": "approved"}"#;

impl Socket for DuplexStream {
    fn reset_on_close(&self) {}
}

/// The first answer is disturbed, later ones are not.
struct Once(Disturbance);

impl Responder for Once {
    fn respond(&self, request: &WireRequest) -> WireAnswer {
        let reply = WireReply { status: 200, headers: Arc::new([]), body: BODY.as_bytes().into() };
        if request.target == "/first" { WireAnswer::Disturbed(reply, self.0) } else { WireAnswer::Reply(reply) }
    }
}

/// What comes back for these requests at once, on the same connection, and after which time.
fn came(how: Disturbance, requests: &str) -> (String, Duration) {
    came_in_turn(how, requests, "")
}

/// As [`came`], and once the first answer was read, for one request more.
fn came_in_turn(how: Disturbance, requests: &str, then: &str) -> (String, Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let (mut client, server) = duplex(1 << 20);
        let address: SocketAddr = "127.0.0.1:80".parse().expect("an address");
        let begun = Instant::now();
        tokio::spawn(serve(server, Whose::Own(address), Arc::new(AtOnce(Arc::new(Once(how))))));
        client.write_all(requests.as_bytes()).await.expect("it is sent");
        let mut came = Vec::new();
        if !then.is_empty() {
            while !came.ends_with(BODY.as_bytes()) {
                came.push(client.read_u8().await.expect("a whole answer"));
            }
            client.write_all(then.as_bytes()).await.expect("it is sent");
        }
        client.read_to_end(&mut came).await.expect("bytes");
        (String::from_utf8(came).expect("text"), begun.elapsed())
    })
}

const ONE: &str = "GET /first HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
const FIRST: &str = "GET /first HTTP/1.1\r\nhost: localhost\r\n\r\n";
const SECOND: &str = "GET /second HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
const TWO: &str = "GET /first HTTP/1.1\r\nhost: localhost\r\n\r\n\
                   GET /second HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// The answer to [`ONE`] as it is when nothing disturbs it.
fn whole() -> String {
    came(Disturbance::Late(Duration::ZERO), ONE).0
}

#[test]
fn a_late_answer_comes_whole_when_its_time_has_passed() {
    let (text, took) = came(Disturbance::Late(Duration::from_secs(3600)), ONE);
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with(BODY), "{text}");
    assert_eq!(took.as_secs(), 3600);
}

#[test]
fn pieces_come_one_by_one_and_are_the_whole_in_the_end() {
    for bytes in [1, 7, 1000] {
        let (text, took) = came(Disturbance::Pieces { bytes, pause: Duration::from_secs(1) }, ONE);
        assert_eq!(text, whole());
        let pieces = text.len().div_ceil(bytes) as u64;
        assert!((pieces..=pieces + 1).contains(&took.as_secs()), "{bytes}: {took:?}");
    }
}

#[test]
fn a_reset_comes_where_it_is_to_come() {
    let whole = whole();
    let head = whole.len() - BODY.len();
    for (reached, expected) in [
        (Reached::Nothing, 0),
        (Reached::Head(1), 1),
        (Reached::Head(15), 15),
        (Reached::Head(1_000_000), head - 1),
        (Reached::Body(0), head),
        (Reached::Body(5), head + 5),
    ] {
        let (text, _) = came(Disturbance::Reset(reached), ONE);
        assert_eq!(text, whole[..expected], "{reached:?}");
    }
}

#[test]
fn a_truncated_body_is_announced_whole() {
    for part in [0, 1, BODY.len() - 1] {
        let (text, _) = came(Disturbance::Truncated(part), ONE);
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert_eq!(body, &BODY[..part]);
        assert!(head.to_ascii_lowercase().contains(&format!("content-length: {}", BODY.len())), "{head}");
    }
}

#[test]
fn the_next_answer_on_the_connection_simply_comes() {
    // Disturbed twice, either would take more than ten seconds.
    for how in
        [Disturbance::Late(Duration::from_secs(6)), Disturbance::Pieces { bytes: 10, pause: Duration::from_secs(1) }]
    {
        let (text, took) = came_in_turn(how, FIRST, SECOND);
        assert_eq!(text.matches(BODY).count(), 2, "{text}");
        assert!((Duration::from_secs(5)..Duration::from_secs(10)).contains(&took), "{took:?}");
    }
}

#[test]
fn a_connection_that_broke_off_answers_nothing_more() {
    for how in [Disturbance::Reset(Reached::Body(3)), Disturbance::Truncated(3)] {
        let (text, _) = came(how, TWO);
        assert!(text.ends_with(&BODY[..3]) && !text.contains(BODY), "{text}");
    }
}
