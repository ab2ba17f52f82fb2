//! Fails when manifest, settings struct and `Cargo.toml` drift apart.

use std::fmt;

use serde_json::Value;

use crate::contract::{ambiguity, written_path};
use crate::manifest::{HOST_FEATURES, MANIFEST_VERSION, Manifest};
use crate::provider::Provider;

/// What does not agree, one line each.
pub struct Drift(pub Vec<String>);

impl fmt::Debug for Drift {
    /// As text: a test that returns it shows this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Drift {}

/// Compares the manifest with the settings struct of `P` and the version in `Cargo.toml`.
///
/// ```ignore
/// #[test]
/// fn the_manifest_is_true() -> Result<(), testing::Drift> {
///     testing::check_manifest::<AcmeSms>(include_bytes!("../manifest.json"), env!("CARGO_PKG_VERSION"))
/// }
/// ```
///
/// # Errors
/// Every difference. For the settings it prints the schema that the struct has, ready to paste.
pub fn check_manifest<P: Provider>(manifest: &[u8], cargo_version: &str) -> Result<(), Drift> {
    let manifest = match Manifest::parse(manifest) {
        Ok(manifest) => manifest,
        Err(error) => return Err(Drift(vec![format!("manifest.json is not a manifest: {error}")])),
    };
    let mut drift = Vec::new();
    let mut expect = |holds: bool, text: String| {
        if !holds {
            drift.push(text);
        }
    };
    expect(
        manifest.manifest == MANIFEST_VERSION,
        format!("`manifest` is {}, this SDK writes {MANIFEST_VERSION}", manifest.manifest),
    );
    expect(
        manifest.version == cargo_version,
        format!("`version` is {}, Cargo.toml says {cargo_version}", manifest.version),
    );
    expect(manifest.labels.contains_key("en"), "`labels` lacks `en`".to_owned());
    expect(!manifest.channels.is_empty(), "`channels` is empty".to_owned());
    for feature in &manifest.requires {
        expect(
            HOST_FEATURES.contains(&feature.as_str()),
            format!("`requires` names `{feature}`, which no host of this SDK's release has"),
        );
    }
    for problem in manifest.problems() {
        expect(false, format!("the manifest {problem}"));
    }
    for egress in &manifest.egress {
        let base = egress.base.strip_prefix("https://").filter(|rest| !rest.contains(['?', '#', '@']));
        let sound = base.is_some() && written_path(&egress.base).is_some_and(|path| ambiguity(path).is_none());
        expect(sound, format!("the egress base `{}` is not https, host and path alone", egress.base));
        for path in &egress.paths {
            let sound = path.starts_with('/') && ambiguity(path).is_none() && !path.contains(['?', '#']);
            expect(sound, format!("the egress path `{path}` is not a path that begins with a slash"));
        }
    }
    let schema = serde_json::to_value(schemars::schema_for!(P::Settings)).unwrap_or(Value::Null);
    expect(
        manifest.settings == schema,
        format!("`settings` is not the schema of the settings struct, which is:\n{schema:#}"),
    );
    if drift.is_empty() { Ok(()) } else { Err(Drift(drift)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Failure, SecretRef};

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[allow(dead_code, reason = "only the schema is of interest")]
    struct Settings {
        auth_id: String,
        auth_token: SecretRef,
        mode: Mode,
    }

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        Call,
        Authy,
    }

    struct Acme;

    impl Provider for Acme {
        type Settings = Settings;

        fn open(_: Settings) -> Result<Self, Failure> {
            Ok(Self)
        }
    }

    fn manifest() -> Value {
        json!({
            "manifest": 1, "id": "acme", "version": "1.2.3", "vendor": {"name": "ACME"}, "requires": ["http"],
            "delivery_type": "hosted-service", "labels": {"en": {"name": "ACME"}}, "account": ["auth_id"],
            "channels": [{
                "channel": "voice", "mode": "call", "code_made_by": "engine", "code_checked_by": "engine",
                "destination": "phone", "operations": ["start"],
            }],
            "egress": [{"base": "https://acme.example", "paths": ["/v1"], "mode": "call"}],
            "settings": schemars::schema_for!(Settings),
        })
    }

    #[track_caller]
    fn check(pointer: &str, value: Value, expected: &str) {
        let mut manifest = manifest();
        *manifest.pointer_mut(pointer).expect("a place") = value;
        let Err(Drift(told)) = check_manifest::<Acme>(manifest.to_string().as_bytes(), "1.2.3") else {
            panic!("{pointer} passed")
        };
        assert!(told.len() == 1 && told[0].contains(expected), "{told:?}");
    }

    #[test]
    fn a_true_manifest_passes() -> Result<(), Drift> {
        check_manifest::<Acme>(manifest().to_string().as_bytes(), "1.2.3")
    }

    #[test]
    fn what_cargo_or_the_settings_struct_says_otherwise_is_told() {
        check("/version", json!("1.2.4"), "`version` is 1.2.4, Cargo.toml says 1.2.3");
        check("/settings/properties/auth_id/type", json!("integer"), "is not the schema of the settings struct");
    }

    #[test]
    fn what_a_host_would_refuse_is_told() {
        check("/manifest", json!(2), "`manifest` is 2");
        check("/requires/0", json!("smtp"), "`smtp`, which no host");
        check("/labels", json!({}), "`labels` lacks `en`");
        check("/channels", json!([]), "`channels` is empty");
        check("/id", json!("ACME"), "has the id \"ACME\"");
        check("/channels/0/code_checked_by", json!("plugin"), "`voice` in mode `call` that one side");
        check("/channels/0/mode", json!("call2"), "the mode `call2` in `channels`");
        check("/account/0", json!("account_sid"), "`account_sid` in `account`");
        for base in ["http://acme.example", "https://ada@acme.example", "https://acme.example/..", "https:acme.example"]
        {
            check("/egress/0/base", json!(base), &format!("the egress base `{base}`"));
        }
        for path in ["v1", "/v1/..%2f", "/v1?x"] {
            check("/egress/0/paths/0", json!(path), &format!("the egress path `{path}`"));
        }
    }

    #[test]
    fn everything_is_told_at_once() {
        let mut manifest = manifest();
        manifest["version"] = json!("1.0.0");
        manifest["id"] = json!("");
        let drift = check_manifest::<Acme>(manifest.to_string().as_bytes(), "1.2.3").expect_err("two problems");
        assert_eq!(drift.0.len(), 2, "{drift}");
    }
}
