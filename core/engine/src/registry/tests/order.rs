//! The steps in their order: pinned digest → whole library → manifest.

use std::fs;

use tempfile::tempdir;

use super::sample;
use crate::registry::{Digest, LoadError, inspect, inspect::examine};

/// Writes the bytes to a file and reads them back through every step.
fn examined(bytes: &[u8], pin: Option<Digest>) -> Result<Vec<u8>, LoadError> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("plugin");
    fs::write(&path, bytes).unwrap();
    examine(&path, pin).map(|it| it.manifest)
}

#[test]
fn a_plugin_file_is_described_without_a_change() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("plugin");
    let bytes = sample::library(&sample::note(b"{ }\n"));
    fs::write(&path, &bytes).unwrap();

    let inspection = examine(&path, None).unwrap();
    assert_eq!(inspection.path, path);
    assert_eq!(inspection.manifest, b"{ }\n");
    assert_eq!(inspection.sha256, Digest::of(&bytes));
    assert_eq!(inspection.size, bytes.len() as u64);
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn the_pin_is_compared_before_anything_in_the_file_is_believed() {
    let good = sample::library(&sample::note(b"{}"));
    let other = Some(Digest::of(b"other"));
    assert!(matches!(examined(b"text", other), Err(LoadError::Pin { .. })));
    assert!(matches!(examined(&good, other), Err(LoadError::Pin { .. })));

    assert!(examined(&good, Some(Digest::of(&good))).is_ok());
    // A pin does not make a file whole.
    assert!(matches!(examined(b"text", Some(Digest::of(b"text"))), Err(LoadError::Elf { .. })));
}

#[test]
fn a_flipped_bit_of_a_pinned_file_is_refused_by_its_digest() {
    let good = sample::library(&sample::note(b"{}"));
    let pin = Some(Digest::of(&good));
    for at in 0..good.len() {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        assert!(matches!(examined(&flipped, pin), Err(LoadError::Pin { .. })), "byte {at}");
    }
}

#[test]
fn every_refusal_names_the_file_in_one_line() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("plugin");
    let not_a_plugin = sample::library(&sample::foreign_note(b"GNU\0", 3, b"id"));
    let cases: [(Option<&[u8]>, &str); 4] = [
        (None, "cannot be read"),
        (Some(b""), "it is empty"),
        (Some(b"#!/bin/sh"), "not an ELF file"),
        (Some(&not_a_plugin), "not a Countersign plugin"),
    ];
    for (bytes, expected) in cases {
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        let text = inspect(&path).unwrap_err().to_string();
        assert!(text.starts_with(&format!("plugin file {}: it ", path.display())), "{text}");
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
}
