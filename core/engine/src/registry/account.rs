//! What identifies account and service at a provider, as bytes.
//!
//! Two services with the same bytes share their codes at the provider, so only one of them may
//! have a live code for a recipient. The bytes contain secrets; the engine keeps their keyed hash.

use countersign_plugin::Manifest;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::bootstrap::ResolvedSettings;

/// The bytes for a service in this mode with these settings.
///
/// Each part is preceded by its length, so no two different lists of parts give the same bytes.
/// A setting that is left out counts as its default: it makes no other account.
pub(super) fn identity(manifest: &Manifest, mode: Option<&str>, settings: &ResolvedSettings) -> Zeroizing<Vec<u8>> {
    let properties = manifest.settings.get("properties").and_then(Value::as_object);
    let mut names: Vec<&str> = match manifest.account.as_slice() {
        [] => properties.into_iter().flat_map(serde_json::Map::keys).map(String::as_str).collect(),
        named => named.iter().map(String::as_str).collect(),
    };
    if manifest.account.is_empty() {
        // Settings that only a branch of the schema knows.
        names.extend(settings.json.as_object().into_iter().flat_map(serde_json::Map::keys).map(String::as_str));
    }
    names.sort_unstable();
    names.dedup();

    let mut parts: Vec<Zeroizing<String>> =
        [manifest.id.as_str(), mode.unwrap_or_default()].map(|text| Zeroizing::new(text.to_owned())).into();
    for name in names {
        parts.push(Zeroizing::new(name.to_owned()));
        parts.push(value(manifest, settings, name));
    }
    // Reserved whole, so that growing leaves no copy of a secret behind.
    let size = parts.iter().map(|part| part.len() + size_of::<u64>()).sum();
    let mut bytes = Zeroizing::new(Vec::with_capacity(size));
    for part in &parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

fn value(manifest: &Manifest, settings: &ResolvedSettings, name: &str) -> Zeroizing<String> {
    if let Some(secret) = settings.secrets.named(name) {
        return Zeroizing::new(secret.expose().to_owned());
    }
    let given = settings.json.get(name).filter(|value| !value.is_null());
    let value = given.or_else(|| default(manifest, name)).unwrap_or(&Value::Null);
    Zeroizing::new(value.to_string())
}

/// The default of a setting, by the plugin's schema.
pub(super) fn default<'m>(manifest: &'m Manifest, name: &str) -> Option<&'m Value> {
    manifest.settings.get("properties")?.get(name)?.get("default")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::secrets::{Secret, Secrets};

    fn manifest(account: &[&str]) -> Manifest {
        serde_json::from_value(json!({
            "manifest": 1, "id": "sample", "version": "1.0.0", "vendor": {"name": "v"}, "delivery_type": "local",
            "labels": {}, "channels": [], "account": account,
            "settings": {"properties": {
                "auth_id": {}, "auth_token": {}, "service": {"default": "main"}, "speed": {"default": null},
            }},
        }))
        .unwrap()
    }

    fn settings(json: Value, token: &str) -> ResolvedSettings {
        let secrets: Secrets = [("auth_token".to_owned(), Secret::new(token))].into_iter().collect();
        ResolvedSettings { json, secrets, warnings: Vec::new() }
    }

    /// Whether services with these settings share their codes.
    #[track_caller]
    fn check(account: &[&str], one: (Value, &str), other: (Value, &str), expected: bool) {
        let manifest = manifest(account);
        let bytes = |(json, token)| identity(&manifest, None, &settings(json, token));
        assert_eq!(bytes(one) == bytes(other), expected);
    }

    #[test]
    fn settings_that_name_the_account_tell_services_apart_and_others_do_not() {
        let base = || (json!({"auth_id": "A", "speed": 1}), "t");
        check(&["auth_id"], base(), (json!({"auth_id": "A", "speed": 2}), "other"), true);
        check(&["auth_id"], base(), (json!({"auth_id": "B", "speed": 1}), "t"), false);
        check(&["auth_id", "auth_token"], base(), (json!({"auth_id": "A"}), "other"), false);
        check(&["auth_token", "auth_id"], base(), (json!({"auth_id": "A"}), "t"), true);
    }

    #[test]
    fn without_such_settings_all_of_them_count() {
        let base = || (json!({"auth_id": "A", "speed": 1}), "t");
        check(&[], base(), base(), true);
        check(&[], base(), (json!({"auth_id": "A", "speed": 2}), "t"), false);
        check(&[], base(), (json!({"auth_id": "A", "speed": 1}), "other"), false);
        check(&[], base(), (json!({"auth_id": "A", "speed": 1, "of_a_branch": 1}), "t"), false);
    }

    #[test]
    fn a_default_that_is_written_out_makes_no_other_account() {
        let with = |service: Value| (json!({"auth_id": "A", "service": service}), "t");
        check(&["auth_id", "service"], (json!({"auth_id": "A"}), "t"), with(json!("main")), true);
        check(&[], (json!({"auth_id": "A"}), "t"), with(json!(null)), true);
        check(&["service"], (json!({}), "t"), with(json!("other")), false);
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        let manifest = manifest(&["a", "b"]);
        let bytes = |a: &str, b: &str| {
            let secrets = [("a", a), ("b", b)].map(|(name, value)| (name.to_owned(), Secret::new(value)));
            identity(
                &manifest,
                None,
                &ResolvedSettings { json: json!({}), secrets: secrets.into_iter().collect(), warnings: Vec::new() },
            )
        };
        assert_ne!(bytes("1b2", "3"), bytes("1", "2b3"));
    }

    #[test]
    fn another_mode_is_another_account() {
        let (manifest, settings) = (manifest(&["auth_id"]), settings(json!({"auth_id": "A"}), "t"));
        let bytes = |mode| identity(&manifest, mode, &settings);
        assert_ne!(bytes(Some("call")), bytes(Some("authy")));
        assert_ne!(bytes(Some("call")), bytes(None));
    }
}
