//! Files with random bytes flipped: an error or a clean load, never the end of the host.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use countersign::registry::Registry;

use super::{Folder, PROVIDER, named, options, plugin_file};

/// Names the folder for the process that plays the host.
const FOLDER: &str = "COUNTERSIGN_TEST_FLIPPED";
const FILES: usize = 24;
const FLIPPED: usize = 200;

#[test]
fn a_host_survives_unpinned_files_with_flipped_bytes() {
    let folder = Folder::new();
    let whole = fs::read(plugin_file()).unwrap();
    let mut random = Random(0x5eed);
    for number in 0..FILES {
        let mut bytes = whole.clone();
        // Every other one only where code and data lie, which the debugger's part follows.
        let range = if number % 2 == 0 { bytes.len() } else { bytes.len() / 4 };
        for _ in 0..FLIPPED {
            bytes[random.below(range)] = random.below(256) as u8;
        }
        folder.file(&format!("{number}.so"), &bytes);
    }
    let host = Command::new(std::env::current_exe().unwrap())
        .args(["flipped::plays_the_host", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&host.stdout);
    assert!(host.status.success(), "{:?}: {told}", host.status);
    // Most of them are caught by the child; none of that would prove that a child was needed.
    assert!(told.contains("killed by SIGSEGV"), "{told}");
    assert_eq!(told.lines().filter(|line| line.starts_with("file ")).count(), FILES, "{told}");
}

#[test]
#[ignore = "is what the test above runs as its child"]
fn plays_the_host() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("is set by the test that starts this"));
    for number in 0..FILES {
        let file = folder.join(format!("{number}.so"));
        // Flipped bytes can make an endless loop; that need not take its ten seconds here.
        let mut options = options();
        options.probe_limit = Duration::from_secs(2);
        match Registry::load(&named(&[(PROVIDER, &file)]), [PROVIDER], &options) {
            Ok(registry) => match registry.plugin(PROVIDER).unwrap().open(b"{}") {
                Ok(_) => println!("file {number}: loaded"),
                Err(error) => println!("file {number}: {error}"),
            },
            Err(errors) => println!("file {number}: {}", errors[0]),
        }
    }
}

/// xorshift64: the same files in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
