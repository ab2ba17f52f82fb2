//! The demo's cassettes answer as the demo needs it: any number, a code per login, and each code once.

use countersign_harness::cassette::{Authorization, PlayedAnswer, Player, Sent, SentBody, parse};
use serde_json::Value;
use url::Url;

fn player(path: &str) -> Player {
    let fixture = countersign_fixtures::cassette(path).expect("is embedded");
    Player::new(vec![parse(fixture.path, fixture.bytes).unwrap_or_else(|error| panic!("{error}"))])
}

#[track_caller]
fn ask(player: &mut Player, sent: &Sent) -> (u16, Value) {
    match player.play(sent).unwrap_or_else(|mismatch| panic!("{mismatch}")).answer {
        PlayedAnswer::Reply { status, body, .. } => (status, serde_json::from_slice(&body).expect("serves JSON")),
        PlayedAnswer::Failure(failure) => panic!("{failure:?}"),
    }
}

/// The digits of the newest message.
fn code(player: &mut Player, to: &str) -> String {
    let inbox = player.take_inbox();
    let [message] = inbox.as_slice() else { panic!("{inbox:?}") };
    assert_eq!(message.to, to);
    let last = message.text.lines().next().expect("has text");
    last.chars().filter(char::is_ascii_digit).collect()
}

fn twilio(url: &str, form: &[(&str, &str)]) -> Sent {
    Sent {
        method: "POST".to_owned(),
        url: Url::parse(url).expect("is an address"),
        authorization: Authorization::Basic { user: format!("AC{}", "a".repeat(32)) },
        body: SentBody::Form(form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()),
    }
}

#[test]
fn verify_sends_a_new_code_each_time_and_takes_it_once() {
    let service = format!("https://verify.twilio.com/v2/Services/VA{}", "b".repeat(32));
    let mut player = player("demo/twilio-verify.har");
    let mut seen = Vec::new();
    for login in 0..32 {
        let (channel, to) = if login % 2 == 0 { ("sms", "+4930901820") } else { ("call", "+12025550143") };
        let start = twilio(&format!("{service}/Verifications"), &[("To", to), ("Channel", channel)]);
        let (status, started) = ask(&mut player, &start);
        assert_eq!((status, &started["to"], &started["status"]), (201, &to.into(), &"pending".into()));
        let sid = started["sid"].as_str().expect("has a sid").to_owned();
        let code = code(&mut player, to);
        let check =
            |code: &str| twilio(&format!("{service}/VerificationCheck"), &[("VerificationSid", &sid), ("Code", code)]);
        let (_, wrong) = ask(&mut player, &check("999999"));
        assert_eq!((&wrong["status"], &wrong["to"]), (&"pending".into(), &to.into()));
        let (_, right) = ask(&mut player, &check(&code));
        assert_eq!((&right["status"], &right["valid"], &right["to"]), (&"approved".into(), &true.into(), &to.into()));
        assert_eq!(ask(&mut player, &check(&code)).0, 404);
        let (_, canceled) =
            ask(&mut player, &twilio(&format!("{service}/Verifications/{sid}"), &[("Status", "canceled")]));
        assert_eq!(canceled["status"], "canceled");
        assert!(!seen.contains(&code) && !seen.contains(&sid), "{login}");
        seen.extend([code, sid]);
    }
}

#[test]
fn calls_speak_whatever_code_they_are_given() {
    let calls = format!("https://api.twilio.com/2010-04-01/Accounts/AC{}/Calls.json", "a".repeat(32));
    let mut player = player("demo/twilio-voice-call.har");
    for login in 0..16 {
        let digits = format!("{:06}", login * 61_803);
        let spoken = digits.chars().map(String::from).collect::<Vec<_>>().join(", ");
        let say = |words: &str| format!("<Say language=\"en-US\">{words} {spoken}.</Say>");
        let twiml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Pause length=\"1\"/>{}<Pause length=\"2\"/>{}</Response>",
            say("Your code is:"),
            say("Once more, your code is:")
        );
        let call = twilio(&calls, &[("To", "+4930901820"), ("From", "+15005550006"), ("Twiml", &twiml)]);
        let (status, placed) = ask(&mut player, &call);
        assert_eq!((status, &placed["to"]), (201, &"+4930901820".into()));
        assert_eq!(code(&mut player, "+4930901820"), digits);
    }
}

#[test]
fn authy_calls_with_a_new_code_each_time_and_takes_it_once() {
    let authy = |method: &str, path: &str, body: SentBody| Sent {
        method: method.to_owned(),
        url: Url::parse(&format!("https://api.authy.com/protected/json/{path}")).expect("is an address"),
        authorization: Authorization::Header { name: "X-Authy-API-Key".to_owned() },
        body,
    };
    let mut player = player("demo/twilio-voice-authy.har");
    let fields = [
        ("user[email]", "grace@example.org"),
        ("user[cellphone]", "2025550188"),
        ("user[country_code]", "1"),
        ("send_install_link_via_sms", "false"),
    ];
    let form = SentBody::Form(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
    let (_, user) = ask(&mut player, &authy("POST", "users/new", form));
    assert_eq!(user["user"]["id"], 1000);
    for _ in 0..16 {
        let (_, called) = ask(&mut player, &authy("GET", "call/1000?force=true", SentBody::Empty));
        assert_eq!(called["success"], true);
        let code = code(&mut player, "+1 2025550188");
        let mut verify =
            |code: &str| ask(&mut player, &authy("GET", &format!("verify/{code}/1000?force=true"), SentBody::Empty));
        assert_eq!(verify("9999999").1["error_code"], "60020");
        assert_eq!(verify(&code).1["token"], "is valid");
        assert_eq!(verify(&code).1["error_code"], "60019");
    }
}
