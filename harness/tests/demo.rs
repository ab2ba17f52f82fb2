//! The demo's cassettes answer as the demo needs it: any number, a code per login, and each code once.
//!
//! All of them play in one player, as they do in the demo.

use std::collections::BTreeSet;
use std::path::Path;

use countersign_harness::cassette::{Authorization, PlayedAnswer, Player, Sent, SentBody, parse};
use serde_json::Value;
use url::Url;

/// Numbers of different countries; those of the demo itself are not among them.
const NUMBERS: [&str; 3] = ["+493023125042", "+15005550006", "+441632960961"];

fn player() -> Player {
    let cassettes = countersign_fixtures::demo_cassettes()
        .map(|(path, text)| parse(Path::new(path), text.as_bytes()).unwrap_or_else(|error| panic!("{error}")));
    Player::new(cassettes.collect())
}

fn account() -> String {
    format!("AC{}", "d".repeat(32))
}

fn form(fields: &[(&str, &str)]) -> SentBody {
    SentBody::Form(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

fn twilio(method: &str, url: &str, body: SentBody) -> Sent {
    let url = Url::parse(url).expect("is an address");
    Sent { method: method.to_owned(), url, authorization: Authorization::Basic { user: account() }, body }
}

fn authy(method: &str, path: &str, body: SentBody) -> Sent {
    let url = Url::parse(&format!("https://api.authy.com/protected/json/{path}")).expect("is an address");
    let authorization = Authorization::Header { name: "X-Authy-API-Key".to_owned() };
    Sent { method: method.to_owned(), url, authorization, body }
}

#[track_caller]
fn ask(player: &mut Player, sent: &Sent) -> (u16, Value) {
    match player.play(sent).unwrap_or_else(|mismatch| panic!("{mismatch}")).answer {
        PlayedAnswer::Reply { status, body, .. } => (status, serde_json::from_slice(&body).expect("serves JSON")),
        PlayedAnswer::Failure(failure) => panic!("{failure:?}"),
    }
}

/// The digits of the one new message.
#[track_caller]
fn code(player: &mut Player, channel: &str, to: &str) -> String {
    let inbox = player.take_inbox();
    let [message] = inbox.as_slice() else { panic!("{inbox:?}") };
    assert_eq!((message.channel.as_str(), message.to.as_str()), (channel, to));
    let first = message.text.lines().next().expect("has text");
    first.chars().filter(char::is_ascii_digit).collect()
}

#[test]
fn verify_sends_a_new_code_each_time_and_takes_it_once() {
    let service = format!("https://verify.twilio.com/v2/Services/VA{}", "d".repeat(32));
    let start = |to: &str| twilio("POST", &format!("{service}/Verifications"), form(&[("To", to), ("Channel", "sms")]));
    let mut player = player();
    let mut seen = BTreeSet::from(["999999".to_owned()]);
    for login in 0..24 {
        let to = NUMBERS[login % NUMBERS.len()];
        let (status, started) = ask(&mut player, &start(to));
        assert_eq!((status, &started["to"], &started["status"]), (201, &to.into(), &"pending".into()));
        let sid = started["sid"].as_str().expect("has a sid").to_owned();
        let code = code(&mut player, "sms", to);
        assert_eq!(code.len(), 6);
        let check = |code: &str| {
            let fields = form(&[("VerificationSid", &sid), ("Code", code)]);
            twilio("POST", &format!("{service}/VerificationCheck"), fields)
        };
        // Neither a made-up code nor one of an earlier login.
        for wrong in &seen {
            let (status, said) = ask(&mut player, &check(wrong));
            let said = (status, &said["status"], &said["valid"], &said["to"]);
            assert_eq!(said, (200, &"pending".into(), &false.into(), &to.into()));
        }
        let (status, right) = ask(&mut player, &check(&code));
        let said = (status, &right["status"], &right["valid"], &right["to"], &right["sid"]);
        assert_eq!(said, (200, &"approved".into(), &true.into(), &to.into(), &sid.as_str().into()));
        for _ in 0..2 {
            assert_eq!(ask(&mut player, &check(&code)).0, 404);
        }
        let cancel = twilio("POST", &format!("{service}/Verifications/{sid}"), form(&[("Status", "canceled")]));
        let (_, canceled) = ask(&mut player, &cancel);
        assert_eq!((&canceled["status"], &canceled["to"]), (&"canceled".into(), &to.into()));
        assert!(seen.insert(code) && seen.insert(sid), "{login}");
    }
    let (status, refused) = ask(&mut player, &start(NUMBERS[0]));
    assert_eq!((status, &refused["code"]), (429, &60203.into()));
    assert!(player.inbox().is_empty());
}

#[test]
fn calls_speak_whatever_code_they_are_given() {
    let calls = format!("https://api.twilio.com/2010-04-01/Accounts/{}/Calls", account());
    let call = |to: &str, digits: &str| {
        let spoken = digits.chars().map(String::from).collect::<Vec<_>>().join(", ");
        let say = |words: &str| format!("<Say language=\"en-US\">{words} {spoken}.</Say>");
        let twiml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Pause length=\"1\"/>{}<Pause length=\"2\"/>{}</Response>",
            say("Your code is:"),
            say("Once more, your code is:")
        );
        let fields = [("To", to), ("From", "+15005550009"), ("Twiml", &*twiml)];
        twilio("POST", &format!("{calls}.json"), form(&fields))
    };
    let mut player = player();
    let mut seen = BTreeSet::new();
    for login in 0..12 {
        let to = NUMBERS[login % NUMBERS.len()];
        let digits = format!("{:06}", login * 61_803);
        let (status, placed) = ask(&mut player, &call(to, &digits));
        assert_eq!((status, &placed["to"], &placed["status"]), (201, &to.into(), &"queued".into()));
        assert_eq!(code(&mut player, "voice", to), digits);
        let sid = placed["sid"].as_str().expect("has a sid").to_owned();
        let this = format!("{calls}/{sid}.json");
        let (status, now) = ask(&mut player, &twilio("GET", &this, SentBody::Empty));
        assert_eq!((status, &now["to"], &now["sid"]), (200, &to.into(), &sid.as_str().into()));
        let (status, over) = ask(&mut player, &twilio("POST", &this, form(&[("Status", "completed")])));
        assert_eq!((status, &over["to"], &over["status"]), (200, &to.into(), &"completed".into()));
        assert!(seen.insert(sid), "{login}");
    }
    assert_eq!(ask(&mut player, &call(NUMBERS[0], "123456")).0, 429);
    assert!(player.inbox().is_empty());
}

#[test]
fn authy_calls_with_a_new_code_each_time_and_takes_it_once() {
    let register = |cellphone: &str| {
        let fields = [
            ("user[email]", "grace@example.org"),
            ("user[cellphone]", cellphone),
            ("user[country_code]", "44"),
            ("send_install_link_via_sms", "false"),
        ];
        authy("POST", "users/new", form(&fields))
    };
    let mut player = player();
    let mut seen = BTreeSet::from(["9999999".to_owned()]);
    for cellphone in ["1632960961", "1632960962", "1632960963", "1632960964"] {
        let (_, user) = ask(&mut player, &register(cellphone));
        let id = user["user"]["id"].to_string();
        assert_eq!(ask(&mut player, &register(cellphone)).1["user"]["id"].to_string(), id, "again the same user");
        assert!(seen.insert(id.clone()), "a user of their own");
        let call = authy("GET", &format!("call/{id}?force=true"), SentBody::Empty);
        for _ in 0..6 {
            let (status, called) = ask(&mut player, &call);
            assert_eq!((status, &called["success"]), (200, &true.into()));
            let code = code(&mut player, "voice", &format!("+44 {cellphone}"));
            assert_eq!(code.len(), 7);
            let verify = |code: &str| authy("GET", &format!("verify/{code}/{id}?force=true"), SentBody::Empty);
            for wrong in seen.iter().filter(|code| code.len() == 7) {
                let (status, said) = ask(&mut player, &verify(wrong));
                assert_eq!((status, &said["success"]), (401, &false.into()), "{wrong}");
            }
            assert_eq!(ask(&mut player, &verify("9999999")).1["error_code"], "60020");
            let (status, said) = ask(&mut player, &verify(&code));
            assert_eq!((status, &said["token"]), (200, &"is valid".into()));
            assert_eq!(ask(&mut player, &verify(&code)).1["error_code"], "60019");
            assert!(seen.insert(code));
        }
        assert_eq!(ask(&mut player, &call).0, 429);
    }
    assert_eq!(ask(&mut player, &register("1632960965")).0, 429);
    assert!(player.inbox().is_empty());
}

#[test]
fn the_credentials_are_in_order() {
    let mut player = player();
    let accounts = format!("https://api.twilio.com/2010-04-01/Accounts/{}", account());
    let service = format!("VA{}", "d".repeat(32));
    for _ in 0..2 {
        let get = |url: &str| twilio("GET", url, SentBody::Empty);
        let (_, found) = ask(&mut player, &get(&format!("https://verify.twilio.com/v2/Services/{service}")));
        assert_eq!(found["sid"], service.as_str());
        let (_, found) = ask(&mut player, &get(&format!("{accounts}.json")));
        assert_eq!((&found["sid"], &found["status"]), (&account().into(), &"active".into()));
        let (_, found) =
            ask(&mut player, &get(&format!("{accounts}/IncomingPhoneNumbers.json?PhoneNumber=%2B15005550009")));
        assert_eq!(found["incoming_phone_numbers"][0]["phone_number"], "+15005550009");
        let (_, found) = ask(&mut player, &authy("GET", "app/details", SentBody::Empty));
        assert_eq!((&found["success"], &found["app"]["phone_calls_enabled"]), (&true.into(), &true.into()));
    }
}
