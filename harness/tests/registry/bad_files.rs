//! Bad files, each with an error of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, id};

use countersign::registry::{
    ContactError, Digest, ElfError, FindError, LoadError, ManifestError, NoteError, ProbeError,
};
use countersign_plugin::manifest::Problem;

use super::{Folder, PROVIDER, load, named, only, pinned, plugin_file, refusal};

#[test]
fn a_missing_file_is_told_with_every_place_looked_at() {
    let (one, two) = (Folder::new(), Folder::new());
    let mut plugins = countersign::bootstrap::Plugins::default();
    plugins.search = Some(vec![one.path(), two.path()]);
    let error = only(load(&plugins).unwrap_err());
    assert!(matches!(error, LoadError::Find(FindError::Missing { .. })), "{error:?}");
    for folder in [one, two] {
        let path = folder.path().join("libwithout_code.so");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

#[test]
fn what_is_no_library_is_told_without_opening_it() {
    assert!(matches!(refusal(b""), LoadError::Elf { cause: ElfError::Empty, .. }));
    assert!(matches!(refusal(b"#!/bin/sh\n"), LoadError::Elf { cause: ElfError::NotElf, .. }));
    let bytes = fs::read(plugin_file()).unwrap();
    for kept in [20_000, bytes.len() * 7 / 10, bytes.len() - 1] {
        assert!(matches!(refusal(&bytes[..kept]), LoadError::Elf { .. }), "{kept}");
    }
    let mut foreign = bytes;
    foreign[18..20].copy_from_slice(if cfg!(target_arch = "aarch64") { &[62, 0] } else { &[183, 0] });
    let text = refusal(&foreign).to_string();
    assert!(text.contains("aarch64") && text.contains("x86_64"), "{text}");
}

#[test]
fn a_library_that_is_no_plugin_is_told_without_opening_it() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let libc = maps.lines().filter_map(|line| line.split_whitespace().last()).find(|path| path.contains("libc.so"));
    let bytes = fs::read(libc.unwrap()).unwrap();
    assert!(matches!(refusal(&bytes), LoadError::Note { cause: NoteError::Missing, .. }));
}

#[test]
fn a_pinned_file_with_flipped_bits_is_refused_by_its_digest() {
    let folder = Folder::new();
    let mut bytes = fs::read(plugin_file()).unwrap();
    let digest = Digest::of(&bytes);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let file = folder.file("flipped.so", &bytes);
    let error = only(load(&pinned(&file, digest)).unwrap_err());
    assert!(matches!(error, LoadError::Pin { .. }), "{error:?}");
}

/// The test plugin with its note, and only that, changed.
pub(super) fn with_note(from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = fs::read(plugin_file()).unwrap();
    let owner = find(&bytes, b"Countersign\0{").unwrap();
    let at = owner + find(&bytes[owner..], from.as_bytes()).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    bytes
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[test]
fn a_manifest_that_this_program_cannot_keep_is_told_with_both_sides() {
    #[track_caller]
    fn check(from: &str, to: &str, expected: fn(&ManifestError) -> bool, words: &[&str]) {
        let error = refusal(&with_note(from, to));
        let LoadError::Manifest { cause, .. } = &error else { panic!("{error:?}") };
        assert!(expected(cause), "{cause:?}");
        for word in words {
            assert!(error.to_string().contains(word), "{error}");
        }
    }
    check(
        r#""manifest": 1"#,
        r#""manifest": 2"#,
        |it| matches!(it, ManifestError::Version { found: 2 }),
        &["format 2", "format 1"],
    );
    check(
        r#""http""#,
        r#""smtp""#,
        |it| matches!(it, ManifestError::Requires { .. }),
        &["`smtp`", "`http`", "without-code 0.1.0"],
    );
    check(
        r#""without-code""#,
        r#""WITHOUT-CODE""#,
        |it| matches!(it, ManifestError::Unsound { problem: Problem::Id { .. } }),
        &["WITHOUT-CODE"],
    );
    check(
        r#""nobody""#,
        r#""engine""#,
        |it| matches!(it, ManifestError::Unsound { problem: Problem::MakerAndChecker { .. } }),
        &["`approval`"],
    );
    check(r#""channels""#, r#""chammels""#, |it| matches!(it, ManifestError::Unreadable { .. }), &["channels", "line"]);
}

#[test]
fn code_that_describes_itself_otherwise_than_the_note_is_refused() {
    let error = refusal(&with_note("0.1.0", "0.1.9"));
    assert!(matches!(error, LoadError::Contact { cause: ContactError::TwoManifests, .. }), "{error:?}");
}

/// Compiles a library whose constructor writes its process id into `witness` and then does `deed`.
fn hostile(folder: &Folder, witness: &Path, deed: &str, with_manifest: bool) -> PathBuf {
    let manifest = folder.file("manifest.json", include_bytes!("../plugins/without-code/manifest.json"));
    let note = format!(
        r#"__asm__(".section .note.countersign,\"a\",@note\n .balign 4\n .long 12, 2f-1f, 1\n .ascii \"Countersign\\0\"\n1: .incbin \"{}\"\n2: .balign 4\n .previous");"#,
        manifest.display()
    );
    let source = format!(
        r#"#include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        {note}
        __attribute__((constructor)) static void ran(void) {{
            FILE *file = fopen("{witness}", "a");
            if (file) {{ fprintf(file, "%d\n", getpid()); fclose(file); }}
            {deed}
        }}
        "#,
        note = if with_manifest { note.as_str() } else { "" },
        witness = witness.display(),
    );
    let source = folder.file("hostile.c", source.as_bytes());
    let library = folder.path().join("hostile.so");
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    assert!(compiled.expect("a C compiler").success(), "cc refused {}", source.display());
    library
}

#[test]
fn the_constructor_of_a_library_that_is_no_plugin_never_runs() {
    let folder = Folder::new();
    let witness = folder.path().join("witness");
    let library = hostile(&folder, &witness, "", false);
    let error = only(load(&named(&[(PROVIDER, &library)])).unwrap_err());
    assert!(matches!(error, LoadError::Note { cause: NoteError::Missing, .. }), "{error:?}");
    assert!(!witness.exists());
}

#[test]
fn the_constructor_of_a_library_with_a_manifest_runs_in_the_child_only() {
    #[track_caller]
    fn check(deed: &str, expected: impl FnOnce(&LoadError) -> bool) {
        let folder = Folder::new();
        let witness = folder.path().join("witness");
        let library = hostile(&folder, &witness, deed, true);
        let error = only(load(&named(&[(PROVIDER, &library)])).unwrap_err());
        assert!(expected(&error), "{error:?}");
        let ran_in = fs::read_to_string(&witness).unwrap();
        assert_eq!(ran_in.lines().count(), 1, "{ran_in}");
        assert_ne!(ran_in.trim(), id().to_string());
    }
    check("", |error| matches!(error, LoadError::Contact { cause: ContactError::NoRoot, .. }));
    check("abort();", |error| error.to_string().contains("SIGABRT"));
    check("*(volatile int *)8 = 1;", |error| error.to_string().contains("SIGSEGV"));
    check("_exit(0);", |error| matches!(error, LoadError::Probe { cause: ProbeError::NoReport { .. }, .. }));
}
