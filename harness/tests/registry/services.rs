//! From a bootstrap file to services, with the files that cargo built.

use std::fs;

use countersign::bootstrap::Bootstrap;
use countersign::registry::{Registry, ServiceError, services};
use countersign::service::Service;
use countersign_plugin::OperationName;
use countersign_plugin::manifest::{Checker, Destination, Maker};

use super::{Folder, options};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const VERIFY: &str = r#"
[providers.twilio-verify]
auth_id = "AC00000000000000000000000000000001"
auth_token = { file = "token" }
service_sid = "VA00000000000000000000000000000001"
"#;
const SMS: &str = r#"
[services.sms]
delivery_type = "hosted-service"
provider = "twilio-verify"
"#;

type Built = Result<Vec<std::sync::Arc<Service>>, Vec<ServiceError>>;

fn build(parts: &[&str]) -> Built {
    let folder = Folder::new();
    folder.file("token", TOKEN.as_bytes());
    let file = folder.file("countersign.toml", format!("version = 1\n{}", parts.concat()).as_bytes());
    let bootstrap = Bootstrap::read_with(&file, []).unwrap();
    let registry = Registry::of_bootstrap(&bootstrap, &options()).unwrap();
    services::build(&bootstrap, &registry)
}

#[track_caller]
fn check(parts: &[&str], expected: &[&[&str]]) {
    let errors = build(parts).unwrap_err();
    assert_eq!(errors.len(), expected.len(), "{errors:?}");
    for (error, words) in errors.iter().zip(expected) {
        for word in *words {
            assert!(error.to_string().contains(word), "{error}\n{word}");
        }
        assert!(!error.to_string().contains(TOKEN));
    }
}

#[test]
fn a_service_has_everything_that_the_engine_needs_of_it() {
    let built = build(&[SMS, VERIFY]).unwrap();
    let [sms] = built.as_slice() else { panic!("{built:?}") };
    assert_eq!((&*sms.name, &*sms.channel, &*sms.provider, &sms.mode), ("sms", "sms", "twilio-verify", &None));
    assert_eq!(
        (sms.maker(), sms.checker(), sms.destination()),
        (Maker::Provider, Checker::Provider, Destination::Phone)
    );
    assert!(sms.supports(OperationName::Cancel) && sms.supports(OperationName::TestCredentials));
    assert!(!sms.supports(OperationName::Enroll));
    assert_eq!(sms.secrets.named("auth_token").unwrap().expose(), TOKEN);
    assert_eq!(sms.egress.places(), ["https://verify.twilio.com/v2/Services"]);
    assert_eq!(sms.manifest().id, "twilio-verify");
    assert!(sms.fallback.is_empty());
    assert!(!format!("{sms:?}").contains(TOKEN));
}

#[test]
fn services_at_one_account_share_their_identity_and_others_do_not() {
    let voice = SMS.replace("sms", "voice");
    let other = format!(
        "{}service_sid = \"VA00000000000000000000000000000002\"\n",
        SMS.replace("sms", "other") + "channel = \"sms\"\n"
    );
    let built = build(&[SMS, &voice, &other, VERIFY]).unwrap();
    let account = |name| &built.iter().find(|it| it.name == name).unwrap().account;
    assert_eq!(account("sms"), account("voice"));
    assert_ne!(account("sms"), account("other"));
}

#[test]
fn fallbacks_are_services_in_their_order() {
    let fallback = r#"
        [[services.sms.fallback]]
        channel = "voice"
        delivery_type = "hosted-service"
        provider = "twilio-verify"
        base_url = "http://127.0.0.1:9"
    "#;
    let built = build(&[SMS, fallback, VERIFY]).unwrap();
    let [sms] = built.as_slice() else { panic!("{built:?}") };
    let [voice] = sms.fallback.as_slice() else { panic!("{sms:?}") };
    assert_eq!(voice.channel, "voice");
    assert_eq!(voice.egress.places(), ["http://127.0.0.1:9/v2/Services"]);

    let elsewhere = r#"
        [[services.sms.fallback]]
        channel = "approval"
        delivery_type = "hosted-service"
        provider = "without-code"
    "#;
    check(&[SMS, elsewhere, VERIFY], &[&["`sms fallback 1`", "service `sms`", "a phone", "nothing in particular"]]);
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_both_sides() {
    let app = r#"
        [services.app]
        delivery_type = "local"
        provider = "without-code"
    "#;
    let approval = r#"
        [services.approval]
        delivery_type = "hosted-service"
        provider = "without-code"
        base_url = "http://elsewhere.example"
    "#;
    check(
        &[app, approval, SMS, "auth_id = \"AC1\"", VERIFY],
        &[
            &["service `app`", "\"local\"", "without-code 0.1.0", "\"hosted-service\""],
            &["service `app`", "channel `app`", "without-code 0.1.0", "`approval`"],
            &["service `approval`", "without-code 0.1.0", "http://elsewhere.example", "https"],
            &["countersign.toml:", "services.sms.auth_id", "text of 3 characters"],
        ],
    );
}

#[test]
fn a_provider_that_is_not_loaded_is_told() {
    let folder = Folder::new();
    folder.file("token", TOKEN.as_bytes());
    let file = folder.file("countersign.toml", format!("version = 1\n{SMS}{VERIFY}").as_bytes());
    let bootstrap = Bootstrap::read_with(&file, []).unwrap();
    let errors = services::build(&bootstrap, &Registry::default()).unwrap_err();
    assert!(matches!(errors[..], [ServiceError::NotLoaded { .. }]), "{errors:?}");
}

#[test]
fn a_missing_token_file_opens_nothing_and_is_told_by_its_name() {
    let folder = Folder::new();
    let file = folder.file("countersign.toml", format!("version = 1\n{SMS}{VERIFY}").as_bytes());
    let bootstrap = Bootstrap::read_with(&file, []).unwrap();
    let registry = Registry::of_bootstrap(&bootstrap, &options()).unwrap();
    let errors = services::build(&bootstrap, &registry).unwrap_err();
    assert!(errors[0].to_string().contains(&folder.path().join("token").display().to_string()), "{errors:?}");
    fs::write(folder.path().join("token"), TOKEN).unwrap();
    assert_eq!(services::build(&bootstrap, &registry).unwrap().len(), 1);
}

#[test]
fn the_mode_of_a_service_decides_who_makes_the_code_and_where_requests_go() {
    let call = r#"
        [services.voice]
        delivery_type = "hosted-service"
        provider = "twilio-voice"
        auth_id = "AC00000000000000000000000000000001"
        auth_token = { file = "token" }
        from = "+15005550006"
    "#;
    let authy = r#"
        [services.voice]
        delivery_type = "hosted-service"
        provider = "twilio-voice"
        mode = "authy"
        authy_api_key = { file = "token" }
    "#;
    for (settings, mode, maker, place) in [
        (call, "call", Maker::Engine, "https://api.twilio.com/"),
        (authy, "authy", Maker::Provider, "https://api.authy.com/"),
    ] {
        let built = build(&[settings]).unwrap();
        let [voice] = built.as_slice() else { panic!("{built:?}") };
        assert_eq!(voice.mode.as_deref(), Some(mode));
        assert_eq!(voice.maker(), maker);
        let places = voice.egress.places();
        assert!(!places.is_empty() && places.iter().all(|it| it.starts_with(place)), "{places:?}");
    }
    check(
        &[&authy.replace("services.voice", "services.sms")],
        &[&["service `sms`", "channel `sms`", "twilio-voice 0.1.0", "`voice`"]],
    );
}

#[test]
fn a_local_service_needs_no_secret_and_reaches_nothing() {
    let built =
        build(&["[services.totp]\ndelivery_type = \"local\"\nprovider = \"totp\"\nissuer = \"ACME\"\n"]).unwrap();
    let [totp] = built.as_slice() else { panic!("{built:?}") };
    assert_eq!((totp.maker(), totp.checker()), (Maker::Device, Checker::Plugin));
    assert!(totp.egress.places().is_empty());
}

#[test]
fn what_a_schema_cannot_say_is_told_by_the_plugin_with_service_and_file() {
    let halves = r#"
        [services.voice]
        delivery_type = "hosted-service"
        provider = "twilio-voice"
        mode = "authy"
    "#;
    check(&[halves], &[&["service `voice`", "libtwilio_voice.so", "authy_api_key"]]);
}
