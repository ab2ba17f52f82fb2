//! The exact bytes of the wire format. It is frozen: a literal here is never changed, only
//! added to. If one of these tests fails, plugins that exist will not load, or will misread.

use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;
use crate::failure::{Delivered, FailureKind, Fault, FaultKind, Retry};
use crate::http::{Effect, Endpoint, TransportFailureKind};
use crate::operation::*;
use crate::secret::Code;

/// The value is written as this text, and the text read and written again is the same.
#[track_caller]
fn frozen<T: Serialize + DeserializeOwned>(value: &T, text: &str) {
    assert_eq!(serde_json::to_string(value).expect("JSON"), text);
    let read: T = serde_json::from_str(text).expect("it can be read back");
    assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
}

/// What is read from an older or newer other side: unknown fields ignored, absent ones filled in.
#[track_caller]
fn reads_as<T: Serialize + DeserializeOwned>(text: &str, complete: &str) {
    let read: T = serde_json::from_str(text).expect("it can be read");
    assert_eq!(serde_json::to_string(&read).expect("JSON"), complete);
}

#[track_caller]
fn is_refused<T: DeserializeOwned>(text: &str, because: &str) {
    let Err(error) = serde_json::from_str::<T>(text) else { panic!("{text} was read") };
    assert!(error.to_string().contains(because), "{error}");
}

fn data() -> Data {
    Data { version: 1, value: json!({"sid": "VE1"}) }
}

fn phone() -> Option<Recipient> {
    Some(Recipient::Phone(crate::testing::phone()))
}

mod calls {
    use super::*;

    #[track_caller]
    fn call(operation: Operation, text: &str) {
        let name = operation.name();
        frozen(&Call { now: Timestamp::from_millis(1_767_225_600_000), operation }, text);
        assert_eq!(serde_json::to_value(name).expect("JSON"), name.as_str());
        assert!(text.starts_with(&format!("{{\"now\":1767225600000,\"operation\":{{\"{name}\":")), "{text}");
    }

    #[test]
    fn test_credentials() {
        let text = r#"{"now":1767225600000,"operation":{"test_credentials":{}}}"#;
        call(Operation::TestCredentials(TestCredentials {}), text);
    }

    #[test]
    fn provision() {
        let text = r#"{"now":1767225600000,"operation":{"provision":{"dry_run":true}}}"#;
        call(Operation::Provision(Provision { dry_run: true }), text);
    }

    #[test]
    fn enroll() {
        let person = Person {
            account: Some("ada".to_owned()),
            email: Some("ada@example.org".to_owned()),
            locale: Some("pt-BR".to_owned()),
        };
        call(
            Operation::Enroll(Enroll { channel: "totp".to_owned(), mode: None, person }),
            r#"{"now":1767225600000,"operation":{"enroll":{"channel":"totp","person":{"account":"ada","email":"ada@example.org","locale":"pt-BR"}}}}"#,
        );
    }

    #[test]
    fn confirm_enrollment() {
        let input = ConfirmEnrollment {
            channel: "totp".to_owned(),
            mode: Some("m".to_owned()),
            enrollment: data(),
            code: Code::new("012345"),
        };
        call(
            Operation::ConfirmEnrollment(input),
            r#"{"now":1767225600000,"operation":{"confirm_enrollment":{"channel":"totp","mode":"m","enrollment":{"version":1,"value":{"sid":"VE1"}},"code":"012345"}}}"#,
        );
    }

    #[test]
    fn unenroll() {
        call(
            Operation::Unenroll(Unenroll { channel: "voice".to_owned(), mode: None, enrollment: Some(data()) }),
            r#"{"now":1767225600000,"operation":{"unenroll":{"channel":"voice","enrollment":{"version":1,"value":{"sid":"VE1"}}}}}"#,
        );
    }

    #[test]
    fn start() {
        let input = StartChallenge {
            code: Some(Code::new("012345")),
            mode: Some("call".to_owned()),
            enrollment: Some(data()),
            ..crate::testing::start("voice")
        };
        call(
            Operation::Start(input),
            r#"{"now":1767225600000,"operation":{"start":{"channel":"voice","mode":"call","purpose":"login","recipient":{"phone":{"e164":"+15005550006","country_code":"1","national":"5005550006","region":"US"}},"code":"012345","person":{},"enrollment":{"version":1,"value":{"sid":"VE1"}}}}}"#,
        );
        let input = StartChallenge {
            recipient: Some(Recipient::Email("ada@example.org".to_owned())),
            purpose: Purpose::Enroll,
            ..crate::testing::start("mail")
        };
        call(
            Operation::Start(input),
            r#"{"now":1767225600000,"operation":{"start":{"channel":"mail","purpose":"enroll","recipient":{"email":"ada@example.org"},"person":{}}}}"#,
        );
    }

    #[test]
    fn check() {
        let input = CheckCode {
            enrollment: Some(data()),
            delivery: Some(data()),
            recipient: None,
            ..crate::testing::check("sms", "012345")
        };
        call(
            Operation::Check(input),
            r#"{"now":1767225600000,"operation":{"check":{"channel":"sms","purpose":"login","code":"012345","enrollment":{"version":1,"value":{"sid":"VE1"}},"delivery":{"version":1,"value":{"sid":"VE1"}}}}}"#,
        );
    }

    #[test]
    fn cancel() {
        call(
            Operation::Cancel(CancelChallenge { channel: "sms".to_owned(), mode: None, delivery: Some(data()) }),
            r#"{"now":1767225600000,"operation":{"cancel":{"channel":"sms","delivery":{"version":1,"value":{"sid":"VE1"}}}}}"#,
        );
    }

    #[test]
    fn status() {
        let input = AskStatus { channel: "sms".to_owned(), mode: None, recipient: phone(), delivery: None };
        call(
            Operation::Status(input),
            r#"{"now":1767225600000,"operation":{"status":{"channel":"sms","recipient":{"phone":{"e164":"+15005550006","country_code":"1","national":"5005550006","region":"US"}}}}}"#,
        );
    }

    #[test]
    fn receive() {
        let input = Receive {
            url: "https://host.example/cb?d=1".to_owned(),
            method: "POST".to_owned(),
            headers: vec![("X-A".to_owned(), "1".to_owned()), ("x-a".to_owned(), "2".to_owned())],
            body: Bytes::from("a=b"),
            delivery: Some(data()),
        };
        call(
            Operation::Receive(input),
            r#"{"now":1767225600000,"operation":{"receive":{"url":"https://host.example/cb?d=1","method":"POST","headers":[["X-A","1"],["x-a","2"]],"body":{"text":"a=b"},"delivery":{"version":1,"value":{"sid":"VE1"}}}}}"#,
        );
    }

    #[test]
    fn may_grow_by_fields_and_lack_optional_ones() {
        reads_as::<Call>(
            r#"{"now":1,"new":{},"operation":{"start":{"channel":"sms","new":1,"purpose":"login"}}}"#,
            r#"{"now":1,"operation":{"start":{"channel":"sms","purpose":"login","person":{}}}}"#,
        );
        // A purpose that came later is a challenge like any other.
        reads_as::<Call>(
            r#"{"now":1,"operation":{"start":{"channel":"sms","purpose":"of a later release"}}}"#,
            r#"{"now":1,"operation":{"start":{"channel":"sms","purpose":"other","person":{}}}}"#,
        );
        is_refused::<Call>(r#"{"now":1,"operation":{"dance":{}}}"#, "unknown variant `dance`");
        is_refused::<Call>(r#"{"operation":{"test_credentials":{}}}"#, "missing field `now`");
    }
}

mod answers {
    use super::*;

    #[track_caller]
    fn step(action: Action, text: &str) {
        let kind = text.strip_prefix("{\"id\":1,\"do\":{\"").and_then(|rest| rest.split('"').next());
        assert!(STEP_KINDS.contains(&kind.unwrap_or_default()), "{kind:?} is not listed");
        frozen(&Step { id: 1, action }, text);
    }

    #[test]
    fn http_with_a_form_and_basic_auth() {
        let token = SecretRef::named("auth_token");
        let request = Request::post(Endpoint::new("https://h.example").path(["v2", "a b"]))
            .basic_auth("AC1", &token)
            .header("X-Plain", "1")
            .header("X-Key", &token)
            .form([("To", "+15005550006")])
            .form([("Token", &token)]);
        step(
            Action::Http(request),
            r#"{"id":1,"do":{"http":{"method":"POST","url":"https://h.example/v2/a%20b","effect":"act","headers":[["X-Plain","1"],["X-Key",{"secret":"auth_token"}]],"auth":{"basic":{"user":"AC1","password":{"secret":"auth_token"}}},"body":{"form":[["To","+15005550006"],["Token",{"secret":"auth_token"}]]}}}}"#,
        );
    }

    #[test]
    fn http_with_json_and_a_bearer_token() {
        let request = Request::post(Endpoint::new("https://h.example"))
            .effect(Effect::Idempotent)
            .bearer(&SecretRef::named("token"))
            .json(json!({"to": "ada"}));
        step(
            Action::Http(request),
            r#"{"id":1,"do":{"http":{"method":"POST","url":"https://h.example","effect":"idempotent","auth":{"bearer":{"token":{"secret":"token"}}},"body":{"json":{"to":"ada"}}}}}"#,
        );
    }

    #[test]
    fn http_methods() {
        use crate::http::Method::{Delete, Get, Patch, Post, Put};
        for (method, name) in [(Get, "GET"), (Post, "POST"), (Put, "PUT"), (Patch, "PATCH"), (Delete, "DELETE")] {
            let request = Request::new(method, Effect::Read, Endpoint::new("https://h.example"));
            let text = format!(
                r#"{{"id":1,"do":{{"http":{{"method":"{name}","url":"https://h.example","effect":"read"}}}}}}"#
            );
            step(Action::Http(request), &text);
            assert_eq!(method.as_str(), name);
        }
    }

    #[test]
    fn random() {
        step(Action::Random { bytes: 20 }, r#"{"id":1,"do":{"random":{"bytes":20}}}"#);
    }

    #[test]
    fn keep() {
        step(
            Action::Keep { scope: Scope::Delivery, data: data() },
            r#"{"id":1,"do":{"keep":{"scope":"delivery","data":{"version":1,"value":{"sid":"VE1"}}}}}"#,
        );
        step(
            Action::Keep { scope: Scope::Enrollment, data: data() },
            r#"{"id":1,"do":{"keep":{"scope":"enrollment","data":{"version":1,"value":{"sid":"VE1"}}}}}"#,
        );
    }

    #[test]
    fn hmac() {
        let secret = SecretRef::named("auth_token");
        step(
            Action::Hmac { secret: secret.clone(), algorithm: HmacAlgorithm::Sha1, message: Bytes::from("m") },
            r#"{"id":1,"do":{"hmac":{"secret":{"secret":"auth_token"},"algorithm":"sha1","message":{"text":"m"}}}}"#,
        );
        step(
            Action::Hmac { secret, algorithm: HmacAlgorithm::Sha256, message: Bytes::from([0xff]) },
            r#"{"id":1,"do":{"hmac":{"secret":{"secret":"auth_token"},"algorithm":"sha256","message":{"base64":"/w=="}}}}"#,
        );
    }

    #[test]
    fn failure() {
        let failure = Failure::new(FailureKind::RateLimited, "slow down")
            .code("20429")
            .delivered(Delivered::Maybe)
            .retry(Retry::After { seconds: 7 })
            .person("Wait.");
        step(
            Action::Done(Done::Failure(failure)),
            r#"{"id":1,"do":{"done":{"failure":{"kind":"rate_limited","provider_code":"20429","delivered":"maybe","retry":{"after":{"seconds":7}},"operator":"slow down","person":"Wait."}}}}"#,
        );
    }

    #[test]
    fn failures_say_how_to_go_on() {
        frozen(&Retry::Never, r#""never""#);
        frozen(&Retry::AnotherProvider, r#""another_provider""#);
        frozen(&Delivered::No, r#""no""#);
        // What is not said is read as the worst.
        reads_as::<Failure>(
            r#"{"kind":"blocked","operator":"o","person":"p"}"#,
            r#"{"kind":"blocked","delivered":"maybe","retry":"never","operator":"o","person":"p"}"#,
        );
        reads_as::<Failure>(
            r#"{"kind":"of a later release","operator":"o","person":"p"}"#,
            r#"{"kind":"plugin_fault","delivered":"maybe","retry":"never","operator":"o","person":"p"}"#,
        );
    }

    #[test]
    fn failure_kinds() {
        use FailureKind::*;
        for (kind, name) in [
            (InvalidRecipient, "invalid_recipient"),
            (UnreachableRecipient, "unreachable_recipient"),
            (Blocked, "blocked"),
            (RateLimited, "rate_limited"),
            (TooManyAttempts, "too_many_attempts"),
            (Expired, "expired"),
            (BadCredentials, "bad_credentials"),
            (Misconfigured, "misconfigured"),
            (Unsupported, "unsupported"),
            (Unavailable, "unavailable"),
            (MalformedReply, "malformed_reply"),
            (PluginFault, "plugin_fault"),
        ] {
            frozen(&kind, &format!("\"{name}\""));
            assert_eq!(kind.name(), name);
        }
    }

    #[test]
    fn the_answer_around_the_steps() {
        let logs = [Level::Debug, Level::Info, Level::Warn, Level::Error]
            .map(|level| LogLine { level, text: "t".to_owned() })
            .to_vec();
        let steps = vec![Step { id: 3, action: Action::Random { bytes: 1 } }];
        frozen(
            &Answer { handle: 7, steps, logs },
            r#"{"handle":7,"steps":[{"id":3,"do":{"random":{"bytes":1}}}],"logs":[{"level":"debug","text":"t"},{"level":"info","text":"t"},{"level":"warn","text":"t"},{"level":"error","text":"t"}]}"#,
        );
        frozen(&Answer::default(), r#"{"steps":[]}"#);
        frozen(&Opened { instance: 1 }, r#"{"instance":1}"#);
    }

    #[test]
    fn an_unknown_step_is_refused_by_name_and_unknown_fields_are_ignored() {
        is_refused::<Answer>(r#"{"steps":[{"id":1,"do":{"smtp":{"to":"x"}}}]}"#, "unknown variant `smtp`");
        reads_as::<Answer>(
            r#"{"handle":1,"new":0,"steps":[{"id":1,"new":0,"do":{"random":{"bytes":1,"new":0}}}]}"#,
            r#"{"handle":1,"steps":[{"id":1,"do":{"random":{"bytes":1}}}]}"#,
        );
    }

    #[test]
    fn faults() {
        use FaultKind::*;
        for (kind, name) in [
            (BadSettings, "bad_settings"),
            (StaleInstance, "stale_instance"),
            (StaleHandle, "stale_handle"),
            (BusyHandle, "busy_handle"),
            (BadCall, "bad_call"),
            (BadReply, "bad_reply"),
            (Panicked, "panicked"),
            (ForeignAwait, "foreign_await"),
            (TooLarge, "too_large"),
            (Unknown, "unknown"),
        ] {
            frozen(&Fault::new(kind, "m"), &format!(r#"{{"kind":"{name}","message":"m"}}"#));
        }
        frozen(
            &Fault::new(Panicked, "m").logs(vec![LogLine::new(Level::Warn, "t")]),
            r#"{"kind":"panicked","message":"m","logs":[{"level":"warn","text":"t"}]}"#,
        );
        reads_as::<Fault>(r#"{"kind":"of a later release","message":"m"}"#, r#"{"kind":"unknown","message":"m"}"#);
    }
}

mod outcomes {
    use super::*;

    #[test]
    fn test_credentials() {
        let finding = |state, remedy: Option<&str>| Finding {
            subject: "auth_token".to_owned(),
            state,
            message: "m".to_owned(),
            remedy: remedy.map(str::to_owned),
        };
        let findings = vec![
            finding(Health::Good, None),
            finding(Health::Notice, None),
            finding(Health::Bad, Some("r")),
            finding(Health::Unknown, None),
        ];
        frozen(
            &Diagnosis { findings },
            r#"{"findings":[{"subject":"auth_token","state":"good","message":"m"},{"subject":"auth_token","state":"notice","message":"m"},{"subject":"auth_token","state":"bad","message":"m","remedy":"r"},{"subject":"auth_token","state":"unknown","message":"m"}]}"#,
        );
    }

    #[test]
    fn provision() {
        let settings = [("service_sid".to_owned(), json!("VA1"))].into_iter().collect();
        frozen(
            &Provisioned { changes: vec!["c".to_owned()], settings, checklist: vec![] },
            r#"{"changes":["c"],"settings":{"service_sid":"VA1"},"checklist":[]}"#,
        );
    }

    #[test]
    fn enroll_and_unenroll() {
        let text = |text: &str| text.to_owned();
        let setup = Setup { uri: text("u"), key: text("k"), qr_svg: text("s"), qr_text: text("t") };
        frozen(
            &Enrolled { enrollment: data(), setup },
            r#"{"enrollment":{"version":1,"value":{"sid":"VE1"}},"setup":{"uri":"u","key":"k","qr_svg":"s","qr_text":"t"}}"#,
        );
        frozen(&Unenrolled {}, "{}");
    }

    #[test]
    fn confirm_enrollment() {
        frozen(
            &Confirmed::Confirmed { accepted_step: Some(1), enrollment: Some(data()) },
            r#"{"confirmed":{"accepted_step":1,"enrollment":{"version":1,"value":{"sid":"VE1"}}}}"#,
        );
        frozen(&Confirmed::Confirmed { accepted_step: None, enrollment: None }, r#"{"confirmed":{}}"#);
        frozen(&Confirmed::WrongCode, r#""wrong_code""#);
    }

    #[test]
    fn start() {
        let started = Started {
            delivery: Some(data()),
            enrollment: Some(data()),
            expires_in_seconds: Some(600),
            instruction: Some("open the app".to_owned()),
        };
        frozen(
            &started,
            r#"{"delivery":{"version":1,"value":{"sid":"VE1"}},"enrollment":{"version":1,"value":{"sid":"VE1"}},"expires_in_seconds":600,"instruction":"open the app"}"#,
        );
        frozen(&Started::default(), "{}");
    }

    #[test]
    fn check_and_cancel() {
        frozen(&Checked::Approved { accepted_step: Some(1) }, r#"{"approved":{"accepted_step":1}}"#);
        frozen(&Checked::Approved { accepted_step: None }, r#"{"approved":{}}"#);
        frozen(&Checked::WrongCode, r#""wrong_code""#);
        frozen(&Canceled::Canceled, r#""canceled""#);
        frozen(&Canceled::AlreadyOver, r#""already_over""#);
    }

    #[test]
    fn an_outcome_that_nobody_knows_is_no_approval() {
        is_refused::<Checked>(r#""approved""#, "");
        is_refused::<Checked>(r#"{"probably":{}}"#, "unknown variant `probably`");
        is_refused::<Checked>("true", "");
        is_refused::<Checked>("{}", "");
        is_refused::<Status>(r#""fine""#, "unknown variant `fine`");
    }

    #[test]
    fn status() {
        use Status::*;
        for (status, name) in [
            (Pending, "pending"),
            (Approved, "approved"),
            (Denied, "denied"),
            (Expired, "expired"),
            (Canceled, "canceled"),
            (Undelivered, "undelivered"),
        ] {
            frozen(&status, &format!("\"{name}\""));
        }
    }

    #[test]
    fn receive() {
        let received = |event| Received {
            event,
            status: 200,
            content_type: "text/xml".to_owned(),
            body: Bytes::from("<Response/>"),
        };
        frozen(
            &received(Callback::AskStatus),
            r#"{"event":"ask_status","status":200,"content_type":"text/xml","body":{"text":"<Response/>"}}"#,
        );
        frozen(&Callback::Nothing, r#""nothing""#);
    }
}

mod replies {
    use super::*;

    #[track_caller]
    fn reply(got: Event, text: &str) {
        frozen(&StepReply { id: 1, now: Timestamp::from_millis(1_767_225_600_000), got }, text);
    }

    #[test]
    fn http() {
        let headers = vec![("Content-Type".to_owned(), "text/plain".to_owned())];
        reply(
            Event::Http(Reply { status: 201, headers, body: Bytes::from("ok") }),
            r#"{"id":1,"now":1767225600000,"got":{"http":{"status":201,"headers":[["Content-Type","text/plain"]],"body":{"text":"ok"}}}}"#,
        );
        reads_as::<Event>(r#"{"http":{"status":204}}"#, r#"{"http":{"status":204,"headers":[],"body":{"text":""}}}"#);
    }

    #[test]
    fn transport() {
        use TransportFailureKind::{Deadline, NoAnswer, NotSent, Refused, TooLarge};
        for (kind, name) in [
            (NotSent, "not_sent"),
            (NoAnswer, "no_answer"),
            (TooLarge, "too_large"),
            (Refused, "refused"),
            (Deadline, "deadline"),
        ] {
            let text =
                format!(r#"{{"id":1,"now":1767225600000,"got":{{"transport":{{"kind":"{name}","detail":"d"}}}}}}"#);
            reply(Event::Transport(TransportFailure { kind, detail: "d".to_owned() }), &text);
        }
        // Whatever a later host calls it, it may have arrived.
        reads_as::<TransportFailure>(r#"{"kind":"of a later release"}"#, r#"{"kind":"no_answer","detail":""}"#);
    }

    #[test]
    fn random_kept_and_hmac() {
        let random = r#"{"id":1,"now":1767225600000,"got":{"random":{"base64":"AP8="}}}"#;
        reply(Event::Random(Bytes::from([0x00, 0xff])), random);
        reply(Event::Kept, r#"{"id":1,"now":1767225600000,"got":"kept"}"#);
        reply(Event::Hmac(Bytes::from([0xff])), r#"{"id":1,"now":1767225600000,"got":{"hmac":{"base64":"/w=="}}}"#);
    }

    #[test]
    fn an_unknown_reply_is_refused_by_name() {
        is_refused::<StepReply>(r#"{"id":1,"now":1,"got":{"smtp":{}}}"#, "unknown variant `smtp`");
    }
}
