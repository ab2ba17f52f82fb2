//! Status callbacks as a receiver gets them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;
use serde_json::Value;
use url::form_urlencoded;

use crate::program::Emulating;

#[test]
fn a_receiver_on_this_machine_is_told_and_can_verify_who_tells() {
    let emulating = Emulating::start(&[]);
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/told?x=1", receiver.local_addr().unwrap());
    let (sid, token) = (emulating.value("auth_id"), emulating.value("export EMULATOR_AUTH_TOKEN"));
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{sid}:{token}")));
    let from = emulating.value("from");
    let order = |url: &str| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("To", "+15005550006").append_pair("From", &from);
        form.append_pair("Twiml", "<Response><Say>Hello</Say></Response>").append_pair("StatusCallback", url);
        let headers = [("Authorization", &*basic), ("Content-Type", "application/x-www-form-urlencoded")];
        let path = format!("/2010-04-01/Accounts/{sid}/Calls.json");
        assert_eq!(emulating.send("POST", &path, &headers, &form.finish()).status, 201);
    };
    order("https://example.com/told");
    order(&url);
    emulating.advance(60);

    let (socket, _) = receiver.accept().unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut reader = BufReader::new(socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0);
    }
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next().unwrap()
    };
    assert!(head.starts_with("POST /told?x=1 HTTP/1.1\r\n"), "{head}");
    let mut body = vec![0; header("content-length").parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let mut fields: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    assert!(fields.contains(&("CallStatus".to_owned(), "completed".to_owned())), "{fields:?}");
    fields.sort();
    let signed = fields.iter().fold(url.clone(), |signed, (name, value)| signed + name + value);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    let signature = BASE64_STANDARD.decode(header("x-twilio-signature")).unwrap();
    hmac::verify(&key, signed.as_bytes(), &signature).expect("the signature is the account's");
    reader.into_inner().write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();

    // What came of it is told when the answer was read; until then the list is asked again.
    let begun = Instant::now();
    let told = loop {
        assert!(begun.elapsed() < Duration::from_secs(30), "what came of it is not told");
        let told: Vec<Value> = serde_json::from_str(&emulating.get("/_countersign/callbacks").text).unwrap();
        if told.len() == 2 {
            break told;
        }
    };
    let of = |url: &str| told.iter().find(|one| one["url"] == url).unwrap().clone();
    assert_eq!(of(&url)["status"], 204);
    assert!(of("https://example.com/told")["error"].as_str().unwrap().contains("loopback only"));
}
