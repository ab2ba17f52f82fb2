//! `kill -9` at every store write, exchange, plugin step and answer of a person's way from the first code to
//! the last login, with the plugin files that people load. Another engine goes on with what is on the disk: nothing is
//! accepted twice, and nothing that the person was told is lost.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

#[path = "login_crash/afterwards.rs"]
mod afterwards;
#[path = "login_crash/app.rs"]
mod app;
#[path = "login_crash/history.rs"]
mod history;
#[path = "login_crash/journal.rs"]
mod journal;
#[path = "login_crash/moments.rs"]
mod moments;
#[path = "login_crash/provider.rs"]
mod provider;
#[path = "login_crash/site.rs"]
mod site;

use std::env;
use std::os::unix::process::ExitStatusExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use moments::Moments;
use site::{Installation, Site};

/// The installation that parent and child share, the folder in which the child works, and the moment at which it dies.
const INSTALLATION: &str = "LOGIN_CRASH_INSTALLATION";
const FOLDER: &str = "LOGIN_CRASH_FOLDER";
const MOMENT: &str = "LOGIN_CRASH_MOMENT";

/// As many moments as there must be at least, so that nobody thins them out unnoticed.
const MOMENTS: usize = 100;

#[test]
fn a_crash_at_any_moment_accepts_nothing_twice_and_loses_nothing_that_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let installation = Installation::create(folder.path());
    let names = play_through(&installation);
    let covered = names.len();
    assert!(covered >= MOMENTS, "{covered} stop points are covered, {MOMENTS} must be: {names:#?}");

    let next = AtomicUsize::new(0);
    let failed = AtomicUsize::new(0);
    let worker = || {
        loop {
            let moment = next.fetch_add(1, Ordering::SeqCst);
            let Some(name) = names.get(moment) else { break };
            let at = format!("moment {moment} of {covered}, {name}");
            // The others are tried all the same: which of them fail says what is wrong.
            if catch_unwind(AssertUnwindSafe(|| crash_and_go_on(&installation, moment, &at))).is_err() {
                failed.fetch_add(1, Ordering::SeqCst);
            }
        }
    };
    std::thread::scope(|threads| {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..workers {
            threads.spawn(worker);
        }
    });
    let failed = failed.into_inner();
    assert_eq!(failed, 0, "{failed} of {covered} stop points fail, see above");
    println!("{covered} stop points covered");
}

#[test]
#[ignore = "is what the test above runs as its child"]
fn the_child_that_is_killed() {
    let given = |name| env::var_os(name).expect("is set by the test that starts this");
    let (installation, folder) = (given(INSTALLATION), given(FOLDER));
    let moment = env::var(MOMENT).expect("is set by the test that starts this");
    let installation = Installation::read(Path::new(&installation));
    let moments = Arc::new(Moments::deadly(moment.parse().unwrap()));
    run(history::play(&Site::open(&installation, Path::new(&folder), &moments)));
}

/// The whole history without dying, and then what follows after a crash: the names of its moments.
fn play_through(installation: &Installation) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let moments = Arc::new(Moments::harmless());
    run(history::play(&Site::open(installation, folder.path(), &moments)));
    let names = moments.names();
    go_on(installation, folder.path(), "after the end");
    names
}

fn crash_and_go_on(installation: &Installation, moment: usize, at: &str) {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "the_child_that_is_killed", "--ignored"])
        .env(INSTALLATION, &installation.folder)
        .env(FOLDER, folder.path())
        .env(MOMENT, moment.to_string())
        .output()
        .unwrap();
    assert_eq!(child.status.signal(), Some(9), "{at}: it was not killed there: {child:?}");
    go_on(installation, folder.path(), at);
}

fn go_on(installation: &Installation, folder: &Path, at: &str) {
    let site = Site::open(installation, folder, &Arc::new(Moments::harmless()));
    run(afterwards::examine(&site, at));
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Replaces a file as a whole, so that whoever dies leaves the old one or the new one.
fn replace(file: &Path, bytes: &[u8]) {
    let new: PathBuf = file.with_extension("new");
    std::fs::write(&new, bytes).unwrap();
    std::fs::rename(new, file).unwrap();
}
