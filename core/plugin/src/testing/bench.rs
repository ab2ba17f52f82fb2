//! A provider that is opened for its unit tests, as a host opens a plugin file.

use std::sync::Arc;

use serde_json::Value;

use crate::abi::instances::read_settings;
use crate::failure::Failure;
use crate::manifest::Manifest;
use crate::provider::Provider;
use crate::testing::host::Host;
use crate::testing::service::Service;

/// An opened provider under test.
///
/// Its hosts refuse what the engine refuses: the [`contract`](crate::contract), and with
/// [`Bench::manifest`] also what that does not declare.
pub struct Bench<P> {
    provider: Arc<P>,
    service: Service,
}

impl<P: Provider> Bench<P> {
    /// Opens the provider with these settings; a secret setting is `{"secret": "its name"}`.
    ///
    /// # Panics
    /// If the settings are not accepted.
    #[track_caller]
    pub fn open(settings: Value) -> Self {
        match Self::try_open(settings) {
            Ok(bench) => bench,
            Err(failure) => panic!("the provider does not open: {failure}"),
        }
    }

    /// Like [`Bench::open`], for tests of refused settings.
    ///
    /// # Errors
    /// What the provider, or its settings struct, has against them, as a host would tell it.
    pub fn try_open(settings: Value) -> Result<Self, Failure> {
        let read = read_settings(settings.to_string().as_bytes())?;
        let provider = Arc::new(P::open(read)?);
        Ok(Self { provider, service: Service { settings, manifest: None } })
    }

    /// Holds the provider to its manifest as well: operations that it does not declare for
    /// channel and mode are not begun, and requests beyond its egress are refused.
    ///
    /// ```ignore
    /// Bench::<AcmeSms>::open(settings).manifest(include_bytes!("../manifest.json"))
    /// ```
    ///
    /// # Panics
    /// If it is not a manifest.
    #[must_use]
    #[track_caller]
    pub fn manifest(mut self, manifest: &[u8]) -> Self {
        match Manifest::parse(manifest) {
            Ok(manifest) => self.service.manifest = Some(Arc::new(manifest)),
            Err(error) => panic!("it is not a manifest: {error}"),
        }
        self
    }

    /// A host to run one operation with. Its clock stands at 2026-01-01T00:00:00Z, its
    /// "random" bytes count up from 0.
    pub fn host(&self) -> Host<P> {
        Host::new(Arc::clone(&self.provider), self.service.clone())
    }
}
