//! Neither a code, a token, a seed nor a phone number appears in clear in logs, errors, audit or on the disk: all
//! plugin files, real exchanges over loopback, successes and every kind of failure, with providers that repeat what
//! they were sent and plugins that tell what they know.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

#[path = "login_crash/app.rs"]
mod app;
#[path = "canary/gossip.rs"]
mod gossip;
#[path = "canary/history.rs"]
mod history;
#[path = "canary/provider.rs"]
mod provider;
#[path = "canary/secrets.rs"]
mod secrets;
#[path = "canary/site.rs"]
mod site;
#[path = "canary/watch.rs"]
mod watch;

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use secrets::Secrets;

/// The folder in which the child works.
const FOLDER: &str = "CANARY_FOLDER";
/// What the child writes there about the secrets that it met.
const FOUND: &str = "secrets.json";

#[test]
fn no_secret_is_told_by_logs_errors_audit_files_or_panics() {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "the_child_that_is_listened_to", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let said = [child.stdout, child.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(child.status.success(), "{}", said.concat());
    // Also what no subscriber sees: panic hooks, prints of plugins.
    let secrets: Secrets = serde_json::from_slice(&fs::read(folder.path().join(FOUND)).unwrap()).unwrap();
    secrets.must_not_be_in(&[("what the process printed", &said.concat())]);
}

#[test]
#[ignore = "is what the test above runs as its child"]
fn the_child_that_is_listened_to() {
    let folder = env::var_os(FOLDER).expect("is set by the test that starts this");
    let folder = Path::new(&folder);
    let watch = watch::Watch::begin();
    let secrets = history::play(&folder.join("site"), &watch);
    fs::write(folder.join(FOUND), serde_json::to_vec(&secrets).unwrap()).unwrap();
    watch.judge(&secrets);
}
