//! What concerns both modes: the manifest, the settings, and failure tables.

use std::collections::BTreeSet;

use countersign_plugin::testing::{self, Bench};
use countersign_plugin::{
    AskStatus, CancelChallenge, Context, Data, Delivered, Effect, Failure, FailureKind, Provider, Reply, Retry,
    StartChallenge, Started, Timestamp,
};
use serde_json::{Value, json};

use crate::failures::{Again, Table};
use crate::{TwilioVoice, authy, call};

pub(crate) const AC: &str = "AC0123456789abcdef0123456789abcdef";
pub(crate) const SK: &str = "SK0123456789abcdef0123456789abcdef";
pub(crate) const CA: &str = "CA0123456789abcdef0123456789abcdef";
pub(crate) const TO: &str = "+15005550006";
/// Stands where a provider quotes what must not be repeated.
pub(crate) const CANARY: &str = "+4917012345678";

pub(crate) fn bench(settings: Value) -> Bench<TwilioVoice> {
    Bench::open(settings).manifest(include_bytes!("../manifest.json"))
}

pub(crate) fn with(mut settings: Value, key: &str, value: Value) -> Value {
    settings[key] = value;
    settings
}

pub(crate) fn call_settings() -> Value {
    json!({"auth_id": AC, "auth_token": {"secret": "auth_token"}, "from": "+15017122661"})
}

pub(crate) fn authy_settings() -> Value {
    json!({"mode": "authy", "authy_api_key": {"secret": "authy_api_key"}})
}

/// Checks a failure table against what was read from the reference: each code once, none more.
#[track_caller]
pub(crate) fn check_table(table: &Table, expected: &[(FailureKind, Retry, &[u32])]) {
    let mut left: BTreeSet<u32> = BTreeSet::new();
    for code in table.rows.iter().flat_map(|row| row.codes) {
        assert!(left.insert(*code), "code {code} stands twice in the table");
    }
    for (kind, retry, codes) in expected {
        for code in *codes {
            let number = json!({table.member: code, "message": format!("to {CANARY}"), "status": 400});
            let text = json!({table.member: code.to_string(), "message": CANARY});
            for (status, body) in [(400, number), (503, text)] {
                let failure = table.failure(&Reply::from_json(status, &body), Effect::Act, Timestamp::from_secs(0));
                assert_eq!((failure.kind, failure.retry), (*kind, *retry), "code {code}");
                assert_eq!(failure.provider_code.as_deref(), Some(code.to_string().as_str()));
                let delivered = if status == 400 { Delivered::No } else { Delivered::Maybe };
                assert_eq!(failure.delivered, delivered, "code {code}, HTTP {status}");
                must_not_tell(&failure, CANARY);
            }
            assert!(left.remove(code), "code {code} is not in the table");
        }
    }
    assert!(left.is_empty(), "not expected: {left:?}");
}

/// The engine takes none of these kinds elsewhere, so a row that says so would not be true.
#[test]
fn what_is_never_taken_elsewhere_does_not_ask_for_it() {
    for row in [&call::TABLE, &authy::TABLE].into_iter().flat_map(|table| table.rows) {
        let refusal = matches!(
            row.kind,
            FailureKind::Blocked
                | FailureKind::InvalidRecipient
                | FailureKind::TooManyAttempts
                | FailureKind::RateLimited
        );
        assert!(!refusal || row.again != Again::Elsewhere, "{:?}", row.codes);
    }
}

#[track_caller]
pub(crate) fn must_not_tell(shown: &(impl std::fmt::Debug + ?Sized), secret: &str) {
    let shown = format!("{shown:?}");
    assert!(!shown.contains(secret), "{shown}");
}

/// The bench tells of a panic as of a failure.
#[track_caller]
pub(crate) fn unbroken<T>(outcome: Result<T, Failure>) -> Result<T, Failure> {
    if let Err(failure) = &outcome {
        assert_ne!(failure.kind, FailureKind::PluginFault, "{failure}");
    }
    outcome
}

#[test]
fn a_panic_is_a_plugin_fault() {
    struct Panics;
    impl Provider for Panics {
        type Settings = ();
        fn open((): ()) -> Result<Self, Failure> {
            Ok(Self)
        }
        async fn start(&self, _: &Context, _: StartChallenge) -> Result<Started, Failure> {
            panic!("on purpose")
        }
    }
    let failure = Bench::<Panics>::open(json!(null)).host().start(testing::start("voice")).outcome.expect_err("panics");
    assert_eq!(failure.kind, FailureKind::PluginFault);
}

#[test]
fn the_manifest_is_true() -> Result<(), testing::Drift> {
    testing::check_manifest::<TwilioVoice>(include_bytes!("../manifest.json"), env!("CARGO_PKG_VERSION"))
}

#[track_caller]
fn refused(settings: Value, naming: &[&str]) {
    let Err(failure) = Bench::<TwilioVoice>::try_open(settings) else { panic!("must be refused") };
    assert_eq!(failure.kind, FailureKind::Misconfigured);
    for name in naming {
        assert!(failure.operator.contains(name), "`{name}` is not named: {failure}");
    }
}

#[test]
fn a_mode_without_what_it_needs_is_refused_by_the_name_of_the_setting() {
    for name in ["auth_id", "auth_token", "from"] {
        let mut settings = call_settings();
        settings.as_object_mut().expect("an object").remove(name);
        refused(settings, &[&format!("`{name}`"), "mode `call`"]);
    }
    refused(json!({"mode": "authy"}), &["`authy_api_key`", "mode `authy`"]);
}

#[test]
fn an_api_key_does_not_tell_the_account() {
    let settings = with(call_settings(), "auth_id", json!(SK));
    refused(settings.clone(), &["`account_sid`", "SK"]);
    bench(with(settings, "account_sid", json!(AC)));
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    #[track_caller]
    fn check(settings: Value, field: &str, bad: &[&str]) {
        for bad in bad {
            refused(with(settings.clone(), field, json!(bad)), &[&format!("`{field}`")]);
        }
    }
    let sids = ["", "AC", "VA0123456789abcdef0123456789abcdef", "AC0123456789abcdef0123456789abcdeg"];
    check(call_settings(), "auth_id", &sids);
    check(call_settings(), "auth_id", &["AC0123456789abcdef0123456789abcdef0", "SK0123456789abcdef0123456789abcdef\n"]);
    check(call_settings(), "account_sid", &sids);
    check(call_settings(), "account_sid", &[SK, "AC../../../../../../../../../../.."]);
    check(call_settings(), "from", &["", "15017122661", "+1", "+05017122661", "+1501712266x", "+1 501 712 2661"]);
    check(call_settings(), "from", &["+150171226611501712", "Countersign", "+１５０１７１２２６６１"]);
    for settings in [call_settings(), authy_settings()] {
        check(
            settings.clone(),
            "base_url",
            &["", "api.twilio.com", "ftp://x", "https://", "https:///v2", "https://x?y"],
        );
        check(settings.clone(), "base_url", &["https://x#y", "https://u:p@x", "https://x y"]);
        bench(with(settings, "base_url", json!("http://127.0.0.1:8080/proxy/")));
    }
}

#[test]
fn a_language_that_is_not_spoken_is_refused_with_those_that_are() {
    refused(with(call_settings(), "language", json!("tlh")), &["`language`", "`tlh`", "de-DE", "pt-BR"]);
}

#[test]
fn unknown_settings_modes_and_bare_secrets_are_refused() {
    refused(with(call_settings(), "auth_tokn", json!("x")), &["auth_tokn"]);
    refused(with(call_settings(), "mode", json!("fax")), &["fax", "call"]);
    refused(with(call_settings(), "auth_token", json!("0123")), &[]);
}

#[test]
fn a_challenge_of_another_channel_or_mode_is_refused_without_a_request() {
    let start = |channel: &str, mode: Option<&str>| testing::start(channel).mode(mode.map(str::to_owned));
    for (settings, input) in [
        (call_settings(), start("sms", None)),
        (call_settings(), start("voice", Some("authy"))),
        (authy_settings(), start("voice", Some("call"))),
    ] {
        let ran = bench(settings).host().start(input);
        assert_eq!(ran.outcome.map_err(|failure| failure.kind), Err(FailureKind::Unsupported));
        assert!(ran.requests.is_empty());
    }
}

#[test]
fn each_mode_offers_its_own_operations_only() {
    let unsupported = |failure: Failure| assert_eq!(failure.kind, FailureKind::Unsupported);
    unsupported(bench(call_settings()).host().check(testing::check("voice", "123456")).outcome.expect_err("engine's"));
    let authy = bench(authy_settings());
    let (channel, mode, delivery) = ("voice".to_owned(), None, None);
    let cancel = CancelChallenge::new(channel.clone()).mode(mode.clone()).delivery(delivery.clone());
    unsupported(authy.host().cancel(cancel).outcome.expect_err("no such call"));
    let status = AskStatus::new(channel).mode(mode).delivery(delivery);
    unsupported(authy.host().status(status).outcome.expect_err("no such call"));
}

#[test]
fn data_of_another_version_is_not_guessed_at() {
    #[track_caller]
    fn check<T>(ran: testing::Ran<T>) {
        assert!(ran.requests.is_empty());
        let Err(failure) = ran.outcome else { panic!("must fail") };
        assert_eq!(failure.kind, FailureKind::PluginFault);
        assert!(failure.operator.contains("install that version again"), "{failure}");
    }
    let channel = || "voice".to_owned();
    for version in [0, 2] {
        let call = Some(Data::from_json(version, json!({"sid": CA})));
        let cancel = CancelChallenge::new(channel()).delivery(call.clone());
        check(bench(call_settings()).host().cancel(cancel));
        let status = AskStatus::new(channel()).delivery(call);
        check(bench(call_settings()).host().status(status));
        let user = Some(Data::from_json(version, json!({"authy_id": "1000", "phone": TO})));
        let start = testing::start("voice").enrollment(user.clone());
        check(bench(authy_settings()).host().start(start));
        for (delivery, enrollment) in [(user.clone(), None), (None, user)] {
            let input = testing::check("voice", "123456").delivery(delivery).enrollment(enrollment);
            check(bench(authy_settings()).host().check(input));
        }
    }
}
