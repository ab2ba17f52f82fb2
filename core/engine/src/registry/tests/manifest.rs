//! Manifests: which ones this program can work with, and which services they fit.

use countersign_plugin::Manifest;
use countersign_plugin::manifest::{DeliveryType, Problem};
use serde_json::{Value, json};

use crate::registry::manifest::read;
use crate::registry::{ManifestError, ServiceError, Wanted, check_service};

/// A provider with a channel in two modes and one without.
fn sample() -> Value {
    let entry = |channel: &str, made: &str, checked: &str| {
        json!({
            "channel": channel, "code_made_by": made, "code_checked_by": checked,
            "destination": "phone", "operations": ["start", "check"],
        })
    };
    let mut call = entry("voice", "engine", "engine");
    call["mode"] = "call".into();
    let mut authy = entry("voice", "provider", "provider");
    authy["mode"] = "authy".into();
    json!({
        "manifest": 1, "id": "sample", "version": "1.2.3", "vendor": {"name": "v"}, "requires": ["http", "keep"],
        "delivery_type": "hosted-service", "labels": {}, "settings": {"properties": {"mode": {"type": "string"}}},
        "channels": [call, authy, entry("sms", "provider", "provider")],
    })
}

#[track_caller]
fn check(pointer: &str, value: Value, expected: &str) {
    let mut manifest = sample();
    *manifest.pointer_mut(pointer).unwrap() = value;
    let error = read(&serde_json::to_vec(&manifest).unwrap()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(expected), "{text}");
    assert!(text.starts_with("its manifest ") || text.starts_with("sample 1.2.3 "), "{text}");
    assert!(!text.contains('\n') && text.contains("; "), "{text}");
}

#[test]
fn what_this_program_cannot_keep_is_told_with_place_and_remedy() {
    assert!(read(&serde_json::to_vec(&sample()).unwrap()).is_ok());
    check("/manifest", json!(2), "format 2, countersign");
    check("/requires/1", json!("smtp"), "requires `smtp`, and countersign");
    check("/id", json!("Sample"), "the id \"Sample\"");
    check("/id", json!("../x"), "the id \"../x\"");
    check("/channels/2/channel", json!("sms\n"), "\"sms\\n\"");
    check("/channels/0/mode", json!("a b"), "\"a b\"");
    check("/channels/1/mode", json!("call"), "`voice` in mode `call` twice");
    check("/channels/1/mode", json!(null), "`voice` twice");
    check("/channels/0/code_checked_by", json!("provider"), "`voice` in mode `call` that one side");
    check("/channels/2/code_made_by", json!("someone"), "`someone`");
    check("/channels", json!("none"), "line 1 column");
}

#[test]
fn only_a_side_that_can_know_a_code_checks_it() {
    let ways = ["provider", "engine", "device", "nobody"].into_iter();
    let sound: Vec<(&str, &str)> = ways
        .flat_map(|made| ["provider", "engine", "plugin"].map(|checked| (made, checked)))
        .filter(|(made, checked)| {
            let mut manifest = sample();
            manifest["channels"][2]["code_made_by"] = json!(made);
            manifest["channels"][2]["code_checked_by"] = json!(checked);
            manifest["channels"][2]["operations"] = json!(["start", "check", "status", "enroll", "confirm_enrollment"]);
            match read(&serde_json::to_vec(&manifest).unwrap()) {
                Ok(_) => true,
                Err(ManifestError::Unsound { problem: Problem::MakerAndChecker { .. } }) => false,
                Err(other) => panic!("{other:?}"),
            }
        })
        .collect();
    let design = [
        ("provider", "provider"),
        ("engine", "engine"),
        ("device", "provider"),
        ("device", "plugin"),
        ("nobody", "provider"),
    ];
    assert_eq!(sound, design);
}

#[test]
fn a_channel_offers_what_an_approval_needs() {
    for (made, checked, needed) in [
        ("provider", "provider", &["start", "check"][..]),
        ("engine", "engine", &["start"]),
        ("device", "plugin", &["enroll", "confirm_enrollment", "check"]),
        ("device", "provider", &["check"]),
        ("nobody", "provider", &["status"]),
    ] {
        let mut manifest = sample();
        manifest["channels"] = json!([{
            "channel": "app", "mode": "m", "code_made_by": made, "code_checked_by": checked, "destination": "device",
            "operations": needed,
        }]);
        let read = |manifest: &Value| read(&serde_json::to_vec(manifest).unwrap());
        assert!(read(&manifest).is_ok(), "{made} {checked}");
        for missing in needed {
            let others: Vec<_> = needed.iter().filter(|name| *name != missing).collect();
            manifest["channels"][0]["operations"] = json!(others);
            manifest["operations"] = json!([]);
            let refused = read(&manifest).unwrap_err().to_string();
            let expected = format!("its manifest does not offer `{missing}` on the channel `app` in mode `m`, without");
            assert!(refused.starts_with(&expected), "{refused}");
            manifest["operations"] = json!([missing]);
            assert!(read(&manifest).is_ok(), "{made} {checked}: `{missing}` for all channels");
        }
    }
}

#[test]
fn codes_have_four_to_thirty_two_digits() {
    for (digits, fits) in
        [([4, 4], true), ([6, 12], true), ([4, 32], true), ([3, 6], false), ([6, 33], false), ([8, 6], false)]
    {
        let mut manifest = sample();
        manifest["channels"][2]["code_digits"] = json!(digits);
        let read = read(&serde_json::to_vec(&manifest).unwrap());
        assert_eq!(read.is_ok(), fits, "{digits:?} {read:?}");
    }
}

fn manifest() -> Manifest {
    serde_json::from_value(sample()).unwrap()
}

fn wanted<'a>(channel: &'a str, mode: Option<&'a str>) -> Wanted<'a> {
    Wanted { service: "phone", channel, mode, delivery_type: DeliveryType::HostedService }
}

#[test]
fn a_service_goes_by_the_entry_of_its_channel_and_mode() {
    let manifest = manifest();
    let entry = |channel, mode| check_service(&wanted(channel, mode), &manifest).unwrap();
    assert_eq!(entry("voice", Some("call")), &manifest.channels[0]);
    assert_eq!(entry("voice", Some("authy")), &manifest.channels[1]);
    assert_eq!(entry("sms", None), &manifest.channels[2]);
    // A plugin with modes may have a channel that is the same in all of them.
    assert_eq!(entry("sms", Some("call")), &manifest.channels[2]);
}

#[test]
fn what_a_plugin_does_not_offer_is_told_with_both_sides() {
    #[track_caller]
    fn check(wanted: &Wanted<'_>, expected: &[&str]) {
        let errors = check_service(wanted, &manifest()).unwrap_err();
        let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(told, expected);
    }
    check(
        &wanted("totp", None),
        &[
            "service `phone` wants the channel `totp`, but plugin sample 1.2.3 offers `voice`, `sms`; name one of these as `channel`, or choose another provider",
        ],
    );
    check(
        &wanted("voice", Some("fax")),
        &[
            "service `phone` wants the channel `voice` in mode `fax`, but plugin sample 1.2.3 offers it in mode `call`, `authy`; set `mode`, or choose another provider",
        ],
    );
    check(
        &wanted("voice", None),
        &[
            "service `phone` wants the channel `voice` in no mode, but plugin sample 1.2.3 offers it in mode `call`, `authy`; set `mode`, or choose another provider",
        ],
    );
    let local = "service `phone` has delivery_type \"local\", but plugin sample 1.2.3 is \"hosted-service\"; write delivery_type = \"hosted-service\", or choose another provider";
    check(&Wanted { delivery_type: DeliveryType::Local, ..wanted("sms", None) }, &[local]);

    let manifest = manifest();
    let both = check_service(&Wanted { delivery_type: DeliveryType::Local, ..wanted("totp", None) }, &manifest);
    assert!(matches!(both.unwrap_err()[..], [ServiceError::DeliveryType { .. }, ServiceError::Channel { .. }]));
}
