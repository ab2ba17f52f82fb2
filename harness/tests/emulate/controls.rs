//! The controls, asked badly: each gets a clear answer, and nothing is changed.

use serde_json::Value;

use crate::program::{Emulating, Got};

/// The time that the emulator has, by a move of nothing.
fn now(emulating: &Emulating) -> jiff::Timestamp {
    let got = emulating.post("/_countersign/clock", "{\"advance_seconds\": 0}");
    let body: Value = serde_json::from_str(&got.text).unwrap();
    body["now"].as_str().unwrap().parse().unwrap()
}

#[track_caller]
fn refused(got: &Got, status: u16, says: &str) {
    assert_eq!(got.status, status, "{}", got.text);
    let body: Value = serde_json::from_str(&got.text).expect("JSON");
    assert!(body["error"].as_str().is_some_and(|error| error.contains(says)), "{}", got.text);
}

#[test]
fn bad_controls_are_answered_clearly_and_change_nothing() {
    let emulating = Emulating::start(&[]);
    let key = emulating.value("export EMULATOR_AUTHY_KEY");
    let headers = [("X-Authy-API-Key", &*key), ("Content-Type", "application/x-www-form-urlencoded")];
    let form = "country_code=1&phone_number=5005550006&via=sms";
    emulating.send("POST", "/protected/json/phones/verification/start", &headers, form);
    let (before, inbox) = (now(&emulating), emulating.inbox());
    let clock = "/_countersign/clock";
    let hour = "{\"advance_seconds\": 3600}";

    refused(&emulating.get("/_countersign/nothing"), 404, "GET inbox");
    refused(&emulating.post("/_countersign/clock/more", hour), 404, "POST clock");
    refused(&emulating.get(clock), 405, "clock takes POST, not GET");
    refused(&emulating.send("PUT", clock, &[], hour), 405, "clock takes POST, not PUT");
    refused(&emulating.get("/_countersign/reset"), 405, "reset takes POST");
    refused(&emulating.post("/_countersign/inbox", "{}"), 405, "inbox takes GET");
    refused(&emulating.post(clock, "{\"advance_seconds\":"), 400, "no JSON");
    refused(&emulating.post(clock, "3600"), 400, "JSON object");
    refused(&emulating.post(clock, ""), 400, "no JSON");
    refused(&emulating.post(clock, "\u{0}\u{1}"), 400, "no JSON");
    for bad in ["-1", "1.5", "\"60\"", "null", "true", "18446744073709551616", "1e3"] {
        let body = format!("{{\"advance_seconds\": {bad}}}");
        refused(&emulating.post(clock, &body), 400, "advance_seconds must be a whole number of seconds");
    }
    refused(&emulating.post(clock, "{\"advance_seconds\": 18446744073709551615}"), 400, "beyond the year 9998");
    refused(&emulating.post("/_countersign/phones", "{\"to\": \"ada\", \"kind\": \"landline\"}"), 400, "E.164");
    refused(&emulating.post(clock, &"[".repeat(100_000)), 400, "no JSON");
    assert_eq!(emulating.post(clock, &" ".repeat(2 << 20)).status, 413);

    // Pages of other sites, and names that lead here.
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1", "file://"] {
        let got = emulating.send("POST", "/_countersign/reset", &[("Origin", origin)], "{}");
        refused(&got, 403, "another origin");
    }
    for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1"] {
        let own = format!("http://{host}");
        for (method, path) in [("GET", "inbox"), ("GET", "phones"), ("POST", "reset")] {
            let headers = [("Host", host), ("Origin", &*own)];
            let got = emulating.send(method, &format!("/_countersign/{path}"), &headers, "{}");
            refused(&got, 403, "the controls are at the address");
        }
    }

    assert_eq!(emulating.inbox(), inbox);
    let since = now(&emulating).duration_since(before);
    assert!(since.as_secs() < 600, "the clock was moved by {since}");

    // And those that are good, after all of that.
    let own = format!("http://{}", emulating.address);
    assert_eq!(emulating.send("POST", clock, &[("Origin", &own)], hour).status, 200);
    assert!(now(&emulating).duration_since(before).as_secs() >= 3600);
    let port = emulating.address.rsplit_once(':').unwrap().1;
    let host = format!("localhost:{port}");
    assert_eq!(emulating.send("GET", "/_countersign/inbox", &[("Host", &host)], "").status, 200);
    assert_eq!(emulating.post("/_countersign/reset", "{}").status, 200);
    assert!(emulating.inbox().is_empty());
}

#[test]
fn the_page_may_load_nothing_from_anywhere() {
    let emulating = Emulating::start(&[]);
    let page = emulating.get("/_countersign/phones");
    let head = page.head.to_lowercase();
    assert!(page.status == 200 && head.contains("text/html; charset=utf-8"), "{head}");
    for wanted in ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "nosniff"] {
        assert!(head.contains(wanted), "{head}");
    }
}
