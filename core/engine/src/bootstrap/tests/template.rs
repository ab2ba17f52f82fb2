//! The bootstrap that `countersign init` writes.

use super::*;

#[test]
fn the_template_is_valid_with_totp_alone() {
    let bootstrap = read(TEMPLATE, &[]).unwrap();
    assert!(bootstrap.services.keys().eq(["totp"]));
    assert_eq!(bootstrap.limits, Limits::default());
    assert_eq!(bootstrap.two_factor.registration, Registration::default());
    assert_eq!(bootstrap.two_factor.unknown_users, UnknownUsers::default());
    assert_eq!(bootstrap.store.path.file_name(), Some("countersign.sqlite".as_ref()));
    assert_eq!(bootstrap.store.key_file.file_name(), Some("countersign.key".as_ref()));
}

#[test]
fn the_template_is_valid_with_all_that_it_offers_and_shows_every_limit() {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => {
            format!("{key}\n")
        }
        _ => format!("{line}\n"),
    };
    let everything: String = TEMPLATE.lines().map(line).collect();
    let bootstrap = read(&everything, &[]).unwrap();
    assert!(bootstrap.services.keys().eq(["sms", "totp", "voice"]));
    assert_eq!(bootstrap.services["voice"].fallback.len(), 1);
    assert!(bootstrap.plugins.pins.contains_key("totp"));
    let limits = serde_json::to_value(Limits::default()).unwrap();
    for key in limits.as_object().unwrap().keys() {
        assert!(TEMPLATE.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key}");
    }
}
