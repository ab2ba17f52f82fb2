//! Where a manifest is found, and what is refused.

use proptest::prelude::*;

use super::sample::{self, Library, foreign_note, note};
use crate::registry::{
    elf::Elf,
    note::{MANIFEST_LIMIT, NoteError, manifest},
};

fn read(file: &[u8]) -> Result<Vec<u8>, NoteError> {
    manifest(&Elf::parse(file).unwrap()).map(<[u8]>::to_vec)
}

#[track_caller]
fn check(notes: &[u8], expected: Result<&[u8], NoteError>) {
    assert_eq!(read(&sample::library(notes)), expected.map(<[u8]>::to_vec));
}

#[test]
fn the_manifest_is_found_by_segment_or_by_section_and_counted_once() {
    let notes = note(b"{\"id\": 1}");
    for (segment, section) in [(true, true), (true, false), (false, true)] {
        let file = Library { notes: &notes, segment, section }.bytes();
        assert_eq!(read(&file), Ok(b"{\"id\": 1}".to_vec()), "{segment} {section}");
    }
    let file = Library { notes: &notes, segment: false, section: false }.bytes();
    assert_eq!(read(&file), Err(NoteError::Missing));
}

#[test]
fn notes_of_others_are_passed_over() {
    let build_id = foreign_note(b"GNU\0", 3, &[7; 20]);
    // The owner's name is compared whole: no prefix, no missing zero, no other case.
    let near = [
        foreign_note(b"Countersign", 1, b"no"),
        foreign_note(b"Countersigned\0", 1, b"no"),
        foreign_note(b"countersign\0", 1, b"no"),
    ]
    .concat();
    check(&build_id, Err(NoteError::Missing));
    check(&near, Err(NoteError::Missing));
    check(&[&build_id[..], &near, &note(b"yes")].concat(), Ok(b"yes"));
}

#[test]
fn two_manifests_are_refused_even_if_they_are_equal() {
    check(&[note(b"{}"), note(b"{}")].concat(), Err(NoteError::Several { count: 2 }));
}

#[test]
fn an_unknown_type_says_so_unless_a_manifest_is_there_too() {
    let newer = foreign_note(b"Countersign\0", 2, b"newer");
    check(&newer, Err(NoteError::UnknownType { found: 2 }));
    check(&[newer, note(b"known")].concat(), Ok(b"known"));
}

#[test]
fn a_manifest_has_at_least_one_byte_and_at_most_the_limit() {
    check(&note(b""), Err(NoteError::Empty));
    let longest = vec![b' '; MANIFEST_LIMIT];
    check(&note(&longest), Ok(&longest));
    let size = MANIFEST_LIMIT + 1;
    check(&note(&vec![b' '; size]), Err(NoteError::TooLarge { size, limit: MANIFEST_LIMIT }));
}

#[test]
fn malformed_notes_are_refused_wherever_they_are() {
    let whole = note(b"a manifest");
    for (at, value) in [(0, 4096_u32), (4, 4096), (0, u32::MAX), (4, u32::MAX)] {
        let mut notes = whole.clone();
        notes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        let error = read(&sample::library(&notes)).unwrap_err();
        assert!(error.to_string().contains("the notes in its segment 2 are malformed"), "{error}");
        let file = Library { notes: &notes, segment: false, section: true }.bytes();
        let error = read(&file).unwrap_err();
        assert!(error.to_string().contains("the notes in its section 1 are malformed"), "{error}");
    }
    // A rest too short for another note, after a good one.
    let rest = [&whole[..], &[0; 8]].concat();
    assert!(matches!(read(&sample::library(&rest)), Err(NoteError::Malformed { .. })));
}

proptest! {
    #[test]
    fn a_manifest_comes_out_byte_by_byte_as_it_went_in(
        text in prop::collection::vec(any::<u8>(), 1..400),
        before in prop::collection::vec(any::<u8>(), 0..30),
    ) {
        let notes = [foreign_note(b"Other\0", 9, &before), note(&text)].concat();
        prop_assert_eq!(read(&sample::library(&notes)), Ok(text));
    }
}
