//! The registry over real files: everything that may be wrong with one has an error of its own,
//! and nothing of it runs in this process before a child has survived it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

#[path = "registry/bad_files.rs"]
mod bad_files;
#[path = "registry/flipped.rs"]
mod flipped;
#[path = "registry/loading.rs"]
mod loading;
#[path = "registry/probing.rs"]
mod probing;
#[path = "registry/services.rs"]
mod services;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign::bootstrap::{PluginPin, Plugins};
use countersign::registry::{Digest, LoadError, Registry, RegistryOptions, Search, inspect};
use tempfile::TempDir;

const PROVIDER: &str = "without-code";

/// The file that cargo built of the test plugin.
fn plugin_file() -> PathBuf {
    let id = countersign::registry::ProviderId::parse(PROVIDER).unwrap();
    Search::beside_program().unwrap().find(&id).unwrap().path
}

/// The harness program is the probe child: a test executable's `main` is not ours.
fn options() -> RegistryOptions {
    with_probe(Path::new(env!("CARGO_BIN_EXE_countersign-harness")))
}

fn with_probe(program: &Path) -> RegistryOptions {
    let mut options = RegistryOptions::default();
    options.probe_program = Some(program.to_path_buf());
    options
}

/// What a bootstrap says that names these files, none of them pinned.
fn named(files: &[(&str, &Path)]) -> Plugins {
    let mut plugins = Plugins::default();
    for (id, file) in files {
        let mut pin = PluginPin::default();
        pin.file = Some(file.to_path_buf());
        plugins.pins.insert((*id).to_owned(), pin);
    }
    plugins
}

/// What a bootstrap says that names this file and pins this digest.
fn pinned(file: &Path, sha256: Digest) -> Plugins {
    let mut plugins = named(&[(PROVIDER, file)]);
    plugins.pins.get_mut(PROVIDER).unwrap().sha256 = Some(*sha256.as_bytes());
    plugins
}

fn load(plugins: &Plugins) -> Result<Registry, Vec<LoadError>> {
    Registry::load(plugins, [PROVIDER], &options())
}

/// The one error of loading an unpinned file with these bytes.
fn refusal(bytes: &[u8]) -> LoadError {
    let folder = Folder::new();
    let file = folder.file("plugin.so", bytes);
    only(load(&named(&[(PROVIDER, &file)])).unwrap_err())
}

#[track_caller]
fn only(mut errors: Vec<LoadError>) -> LoadError {
    assert_eq!(errors.len(), 1, "{errors:?}");
    let error = errors.remove(0);
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

/// A folder that nobody else writes to, with files in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// An executable shell script.
    ///
    /// Another process writes it: a child that a test beside this one starts at that moment would
    /// inherit the open file, and the system runs no file that is open for writing.
    fn script(&self, name: &str, body: &str) -> PathBuf {
        let text = self.file("script", format!("#!/bin/sh\n{body}\n").as_bytes());
        fs::set_permissions(&text, fs::Permissions::from_mode(0o755)).unwrap();
        let path = self.path().join(name);
        assert!(Command::new("cp").arg("-p").args([&text, &path]).status().unwrap().success());
        path
    }
}

fn digest(file: &Path) -> Digest {
    inspect(file).unwrap().sha256
}
