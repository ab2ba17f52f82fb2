//! Fails when manifest, settings struct and `Cargo.toml` drift apart.

use std::fmt;

use serde_json::Value;

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
    expect(Manifest::is_id(&manifest.id), format!("`id` is `{}`; it must match [a-z][a-z0-9-]{{0,39}}", manifest.id));
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
    for egress in &manifest.egress {
        expect(egress.base.starts_with("https://"), format!("the egress base `{}` is not https", egress.base));
        for path in &egress.paths {
            expect(path.starts_with('/'), format!("the egress path `{path}` does not begin with a slash"));
        }
    }
    let schema = serde_json::to_value(schemars::schema_for!(P::Settings)).unwrap_or(Value::Null);
    expect(
        manifest.settings == schema,
        format!("`settings` is not the schema of the settings struct, which is:\n{schema:#}"),
    );
    if drift.is_empty() { Ok(()) } else { Err(Drift(drift)) }
}
