//! Verify: what is documented of services and verifications, one rule at a time.

use serde_json::json;

use super::*;

#[test]
fn a_code_is_sent_arrives_and_is_approved_once() {
    let rig = Rig::new();
    let started = rig.start(TO, "sms").expect(201);
    assert_eq!(started["status"], "pending");
    let arrivals = rig.emulator.inbox();
    assert_eq!(arrivals.len(), 1);
    assert_eq!((arrivals[0].to.as_str(), arrivals[0].channel), (TO, "sms"));
    let code = rig.code();
    assert_eq!(code.len(), 6);
    assert_eq!(arrivals[0].text, format!("Your Countersign verification code is: {code}"));

    let approved = rig.check(TO, &code).expect(200);
    assert_eq!((&approved["status"], &approved["valid"]), (&json!("approved"), &json!(true)));
    assert_eq!(approved["sid"], started["sid"]);
    rig.check(TO, &code).refused(404, 20404);
}

#[test]
fn a_call_speaks_the_code_and_another_channel_keeps_it() {
    let rig = Rig::new();
    let first = rig.start(TO, "sms").expect(201);
    let code = rig.code();
    let second = rig.start(TO, "call").expect(201);
    assert_eq!((&second["sid"], &second["channel"]), (&first["sid"], &json!("call")));
    assert_eq!(second["send_code_attempts"][1]["channel"], "CALL");
    let call = rig.emulator.inbox().pop().expect("a call");
    let spoken = code.chars().map(String::from).collect::<Vec<_>>().join(", ");
    assert_eq!((call.channel, call.code.as_deref()), ("voice", Some(code.as_str())));
    assert_eq!(call.text, format!("Your Countersign verification code is: {spoken}. Once more: {spoken}."));
}

#[test]
fn a_verification_can_be_fetched_sixty_times_a_minute() {
    let rig = Rig::new();
    let sid = rig.start(TO, "sms").expect(201)["sid"].as_str().expect("a sid").to_owned();
    let path = format!("/v2/Services/{SERVICE}/Verifications/{sid}");
    for _ in 0..60 {
        rig.get(&path).expect(200);
    }
    rig.get(&path).refused(429, 20429);
    rig.advance(59);
    rig.get(&path).refused(429, 20429);
    rig.advance(1);
    rig.get(&path).expect(200);
}

#[test]
fn missing_and_malformed_parameters_are_named() {
    #[track_caller]
    fn check(path: &str, form: &[(&str, &str)], status: u16, code: u32, message: &str) {
        let got = Rig::new().service(path, form);
        got.refused(status, code);
        assert_eq!(got.body["message"], message);
    }
    let to = ("To", TO);
    check("Verifications", &[("Channel", "sms")], 400, 60200, "Invalid parameter: To");
    check("Verifications", &[("To", "15005550006"), ("Channel", "sms")], 400, 60200, "Invalid parameter: To");
    check("Verifications", &[("To", "+12"), ("Channel", "sms")], 400, 60200, "Invalid parameter: To");
    check("Verifications", &[to], 400, 60200, "Invalid parameter: Channel");
    check("Verifications", &[to, ("Channel", "pigeon")], 400, 60200, "Invalid parameter: Channel");
    check("Verifications", &[to, ("Channel", "email")], 400, 60200, "Invalid parameter: To");
    check(
        "Verifications",
        &[to, ("Channel", "sms"), ("RateLimits", "[]")],
        400,
        60200,
        "Invalid parameter: RateLimits",
    );
    check(
        "Verifications",
        &[to, ("Channel", "sms"), ("CustomCode", "123")],
        400,
        60200,
        "Invalid parameter: CustomCode",
    );
    let custom = [to, ("Channel", "sms"), ("CustomCode", "1234")];
    check("Verifications", &custom, 403, 60204, "Service does not support this feature");
    let hash = [to, ("Channel", "call"), ("AppHash", "FA+9qCX9VSu")];
    check("Verifications", &hash, 400, 60602, "AppHash is only supported for the SMS channel");
    check("VerificationCheck", &[("Code", "123456")], 400, 60221, "Either To or VerificationSid is required");
    check("VerificationCheck", &[to, ("Code", "123")], 400, 60200, "Invalid parameter: Code");
    check("VerificationCheck", &[to, ("Code", "12345678901")], 400, 60200, "Invalid parameter: Code");
    let sid = [("VerificationSid", "VE1"), ("Code", "123456")];
    check("VerificationCheck", &sid, 400, 60200, "Invalid parameter: VerificationSid");
    check("Verifications/VE1", &[("Status", "deleted")], 400, 60200, "Invalid parameter: Status");
    let gone = format!("The requested resource /Services/{SERVICE}/VerificationCheck was not found");
    check("VerificationCheck", &[to, ("Code", "123456")], 404, 20404, &gone);
}

#[test]
fn credentials_are_asked_for_before_anything_else() {
    let rig = Rig::new();
    let path = format!("/v2/Services/{SERVICE}/Verifications");
    let with = |authorization: Option<String>| {
        let mut request = request("POST", &path, &[]);
        request.headers.retain(|(name, _)| name != "Authorization");
        request.headers.extend(authorization.map(|value| ("authorization".to_owned(), value)));
        rig.send(&request)
    };
    let basic = |pair: &str| Some(format!("Basic {}", BASE64_STANDARD.encode(pair)));
    for denied in [None, basic(&format!("{ACCOUNT}:wrong")), basic(&format!("AC{}:{TOKEN}", "b".repeat(32)))] {
        let got = with(denied);
        got.refused(401, 20003);
        assert_eq!(got.body["detail"], "Your AccountSid or AuthToken was incorrect.");
    }
    for malformed in
        [Some("Bearer x".to_owned()), Some("Basic !".to_owned()), basic("nothing"), basic(&format!("{ACCOUNT}:"))]
    {
        with(malformed).refused(401, 20003);
    }
    let padded = with(basic(&format!("{ACCOUNT}\n:{TOKEN}")));
    padded.refused(401, 20003);
    assert_eq!(padded.body["message"], "Authentication Error - invalid username");
    with(basic(&format!("{ACCOUNT}:{TOKEN}"))).refused(400, 60200);
}

#[test]
fn every_answer_has_the_headers_that_clients_log() {
    let rig = Rig::new();
    let (one, two) = (rig.start(TO, "sms"), rig.get("/v2/Nothing"));
    for got in [&one, &two] {
        assert_eq!(got.header("content-type"), Some("application/json"));
        assert!(got.header("twilio-request-id").is_some_and(|id| id.starts_with("RQ") && id.len() == 34));
        assert!(got.header("twilio-request-duration").is_some());
    }
    assert_ne!(one.header("twilio-request-id"), two.header("twilio-request-id"));
    let deleted = rig.delete(&format!("/v2/Services/{SERVICE}"));
    assert_eq!((deleted.status, deleted.header("content-type"), &deleted.body), (204, None, &Value::Null));
}

#[test]
fn unknown_paths_are_404_and_wrong_methods_405() {
    let rig = Rig::new();
    let other = format!("/v2/Services/VA{}/Verifications", "b".repeat(32));
    rig.post(&other, &[("To", TO), ("Channel", "sms")]).refused(404, 20404);
    for path in ["/v2", "/v2/", "/v2/Services/", "/v2/Nothing", "/v2/Attempts/a/b"] {
        rig.get(path).refused(404, 20404);
    }
    rig.get(&format!("/v2/Services/{SERVICE}/Verifications")).refused(405, 20004);
    rig.get(&format!("/v2/Services/{SERVICE}/VerificationCheck")).refused(405, 20004);
    rig.delete("/v2/Services").refused(405, 20004);
    rig.post("/v2/Attempts", &[]).refused(405, 20004);
}

#[test]
fn a_telephone_that_gets_nothing_accepts_the_order_all_the_same() {
    let rig = Rig::new();
    for (to, kind) in [("+15005550001", PhoneKind::Unreachable), ("+15005550002", PhoneKind::NoAnswer)] {
        rig.mark(to, kind);
        rig.start(to, "call").expect(201);
    }
    assert!(rig.emulator.inbox().is_empty());
    rig.start("+15005550002", "sms").expect(201);
    assert_eq!(rig.emulator.inbox().len(), 1);
    let attempts = rig.get("/v2/Attempts?ChannelData.To=%2B15005550001").expect(200);
    assert_eq!(attempts["attempts"][0]["channel_data"]["call_status"], "no-answer");
}

#[test]
fn refusals_for_a_telephone_are_about_its_channel() {
    #[track_caller]
    fn check(kind: PhoneKind, form: &[(&str, &str)], expected: Option<(u16, u32)>) {
        let rig = Rig::new();
        rig.mark(TO, kind);
        let form: Vec<_> = [("To", TO)].iter().chain(form).copied().collect();
        let got = rig.service("Verifications", &form);
        match expected {
            None => assert_eq!(got.status, 201, "{}", got.body),
            Some((status, code)) => got.refused(status, code),
        }
    }
    let (sms, call) = (("Channel", "sms"), ("Channel", "call"));
    check(PhoneKind::Landline, &[sms], Some((403, 60205)));
    check(PhoneKind::Landline, &[call], None);
    check(PhoneKind::Landline, &[("Channel", "auto")], None);
    check(PhoneKind::Blocked, &[sms], Some((403, 60410)));
    check(PhoneKind::Blocked, &[sms, ("RiskCheck", "disable")], None);
    check(PhoneKind::Blocked, &[call], None);
    check(PhoneKind::NoPermission, &[call, ("RiskCheck", "disable")], Some((403, 60605)));
    check(PhoneKind::Crowded, &[sms], Some((429, 60212)));
    check(PhoneKind::Invalid, &[sms], Some((400, 60200)));
}

#[test]
fn silent_network_auth_stays_pending_and_another_channel_helps() {
    let rig = Rig::new();
    let started = rig.start(TO, "sna").expect(201);
    assert!(started["sna"]["url"].is_string() && rig.emulator.inbox().is_empty());
    let checked = rig.service("VerificationCheck", &[("To", TO)]).expect(200);
    assert_eq!(
        (&checked["status"], &checked["sna_attempts_error_codes"][0]["code"]),
        (&json!("pending"), &json!(60519))
    );
    assert_eq!(rig.start(TO, "sms").expect(201)["sid"], started["sid"]);
    rig.service("VerificationCheck", &[("To", TO)]).refused(400, 60200);
    assert_eq!(rig.check(TO, &rig.code()).expect(200)["status"], "approved");
}

#[test]
fn a_payment_is_approved_with_its_own_amount_and_payee_only() {
    let rig = Rig::new();
    rig.post(&format!("/v2/Services/{SERVICE}"), &[("Psd2Enabled", "true")]).expect(200);
    rig.start(TO, "sms").refused(400, 60206);
    let order = |channel| [("To", TO), ("Channel", channel), ("Amount", "€39.99"), ("Payee", "Acme")];
    rig.service("Verifications", &order("call")).refused(400, 60214);
    let started = rig.service("Verifications", &order("sms")).expect(201);
    assert_eq!((&started["amount"], &started["payee"]), (&json!("€39.99"), &json!("Acme")));
    let code = rig.code();
    let check = |amount| {
        rig.service("VerificationCheck", &[("To", TO), ("Code", &code), ("Amount", amount), ("Payee", "Acme")])
    };
    rig.check(TO, &code).refused(400, 60206);
    assert_eq!(check("€3999").expect(200)["status"], "pending");
    assert_eq!(check("€39.99").expect(200)["status"], "approved");
}

#[test]
fn own_codes_brands_and_lengths_are_used() {
    let rig = Rig::new();
    let service = rig.post(
        "/v2/Services",
        &[
            ("FriendlyName", "My Shop"),
            ("CodeLength", "8"),
            ("CustomCodeEnabled", "true"),
            ("DoNotShareWarningEnabled", "true"),
        ],
    );
    let service = service.expect(201);
    let path = format!("/v2/Services/{}/Verifications", service["sid"].as_str().expect("a sid"));
    rig.post(&path, &[("To", TO), ("Channel", "sms")]).expect(201);
    assert_eq!(rig.code().len(), 8);
    let own = [("To", "+15005550007"), ("Channel", "sms"), ("CustomCode", "ab12"), ("CustomFriendlyName", "Other")];
    rig.post(&path, &own).expect(201);
    let text = "Your Other verification code is: ab12. Do not share this code with anyone.";
    assert_eq!(rig.emulator.inbox().pop().map(|last| last.text).as_deref(), Some(text));
    rig.post("/v2/Services", &[]).refused(400, 60200);
    for bad in
        [("FriendlyName", "12345"), ("FriendlyName", "a.example"), ("CodeLength", "11"), ("LookupEnabled", "yes")]
    {
        rig.post(&format!("/v2/Services/{SERVICE}"), &[bad]).refused(400, 60200);
    }
}

#[test]
fn another_accounts_service_is_unknown() {
    let other = format!("AC{}", "c".repeat(32));
    let options = EmulatorOptions {
        accounts: vec![(ACCOUNT.to_owned(), Secret::new(TOKEN)), (other.clone(), Secret::new("other-token"))],
        services: vec![SERVICE.to_owned()],
        ..EmulatorOptions::default()
    };
    let emulator = Emulator::new(options).expect("good options");
    let mut request = request("GET", &format!("/v2/Services/{SERVICE}"), &[]);
    assert_eq!(got(emulator.respond(&request)).status, 200);
    let basic = BASE64_STANDARD.encode(format!("{other}:other-token"));
    request.headers[0].1 = format!("Basic {basic}");
    got(emulator.respond(&request)).refused(404, 20404);
}

#[test]
fn lists_come_in_pages_whose_addresses_lead_on() {
    let rig = Rig::new();
    for number in 0..5 {
        rig.post("/v2/Services", &[("FriendlyName", &format!("Shop {number}"))]).expect(201);
    }
    let mut names = Vec::new();
    let mut next = Some("/v2/Services?PageSize=4".to_owned());
    while let Some(path) = next {
        let page = rig.get(&path).expect(200);
        let services = page["services"].as_array().expect("a list");
        names.extend(services.iter().map(|service| service["friendly_name"].clone()));
        assert_eq!((&page["meta"]["key"], &page["meta"]["page_size"]), (&json!("services"), &json!(4)));
        let address = page["meta"]["next_page_url"].as_str();
        next = address.map(|address| address.trim_start_matches("https://verify.twilio.com").to_owned());
    }
    assert_eq!(names, ["Countersign", "Shop 0", "Shop 1", "Shop 2", "Shop 3", "Shop 4"]);
    rig.get("/v2/Services?PageSize=1001").refused(400, 20007);
    rig.get("/v2/Services?PageSize=x").refused(400, 20001);
    let mut local = request("GET", "/v2/Services?PageSize=1", &[]);
    local.host = None;
    local.headers.push(("Host".to_owned(), "127.0.0.1:8090".to_owned()));
    let page = rig.send(&local).expect(200);
    let next = "http://127.0.0.1:8090/v2/Services?PageSize=1&Page=1&PageToken=PA1";
    assert_eq!(page["meta"]["next_page_url"], next);
    assert!(page["services"][0]["url"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:8090/v2/")));
}

#[test]
fn attempts_are_listed_and_summed_up() {
    let rig = Rig::new();
    rig.start(TO, "sms").expect(201);
    rig.check(TO, &rig.code()).expect(200);
    rig.start("+15005550007", "call").expect(201);
    rig.advance(600);
    let attempts = rig.get("/v2/Attempts?Status=unconverted").expect(200);
    let attempts = attempts["attempts"].as_array().expect("a list");
    assert_eq!(attempts.len(), 1);
    assert_eq!((&attempts[0]["channel"], &attempts[0]["channel_data"]["status"]), (&json!("call"), &json!("expired")));
    assert_eq!(attempts[0]["channel_data"]["country"], "US");
    let one = rig.get(&format!("/v2/Attempts/{}", attempts[0]["sid"].as_str().expect("a sid"))).expect(200);
    assert_eq!(one["sid"], attempts[0]["sid"]);
    let summary = rig.get("/v2/Attempts/Summary").expect(200);
    assert_eq!((&summary["total_attempts"], &summary["total_converted"]), (&json!(2), &json!(1)));
    assert_eq!(summary["conversion_rate_percentage"], "50.000000000");
    assert_eq!(rig.get("/v2/Attempts?Channel=email").expect(200)["attempts"], json!([]));
}

#[test]
fn rate_limits_are_made_changed_and_deleted() {
    let rig = Rig::new();
    let limit = rig.service("RateLimits", &[("UniqueName", "ip"), ("Description", "by address")]).expect(201);
    let path = format!("RateLimits/{}", limit["sid"].as_str().expect("a sid"));
    rig.service("RateLimits", &[("UniqueName", "ip")]).refused(400, 60208);
    rig.service("RateLimits", &[("UniqueName", "i p")]).refused(400, 60209);
    rig.service("RateLimits", &[]).refused(400, 60200);
    assert_eq!(rig.service(&path, &[("Description", "other")]).expect(200)["description"], "other");
    let bucket = rig.service(&format!("{path}/Buckets"), &[("Max", "1"), ("Interval", "60")]).expect(201);
    rig.service(&format!("{path}/Buckets"), &[("Max", "2"), ("Interval", "60")]).refused(400, 60211);
    rig.service(&format!("{path}/Buckets"), &[("Max", "0"), ("Interval", "10")]).refused(400, 60200);
    let bucket = format!("{path}/Buckets/{}", bucket["sid"].as_str().expect("a sid"));
    assert_eq!(rig.service(&bucket, &[("Max", "2")]).expect(200)["max"], 2);
    let limited =
        |to| rig.service("Verifications", &[("To", to), ("Channel", "sms"), ("RateLimits", "{\"ip\":\"a\"}")]);
    limited("+15005550001").expect(201);
    limited("+15005550002").expect(201);
    rig.advance(20);
    let refused = limited("+15005550003");
    refused.refused(429, 20429);
    assert_eq!(refused.header("Retry-After"), Some("40"));
    assert_eq!(rig.delete(&format!("/v2/Services/{SERVICE}/{bucket}")).status, 204);
    limited("+15005550003").expect(201);
    assert_eq!(rig.delete(&format!("/v2/Services/{SERVICE}/{path}")).status, 204);
    rig.get(&format!("/v2/Services/{SERVICE}/{path}")).refused(404, 20404);
}
