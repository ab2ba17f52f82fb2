//! What counts as a whole dynamic library for this machine.

use proptest::prelude::*;

use super::sample::{self, CLASS, HEADER, MACHINE, ORDER, SECTION, SEGMENT, TYPE};
use crate::registry::elf::{Elf, ElfError, Part};

fn whole() -> Vec<u8> {
    sample::library(&sample::note(b"{}"))
}

#[track_caller]
fn check(bytes: &[u8], expected: &str) {
    let error = Elf::parse(bytes).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}\nlacks: {expected}");
}

/// The whole library with some bytes replaced.
fn spoiled(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = whole();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

#[test]
fn a_whole_library_of_this_machine_passes() {
    let file = whole();
    let elf = Elf::parse(&file).unwrap();
    assert_eq!((elf.segments.len(), elf.sections.len()), (3, 3));
}

#[test]
fn what_is_no_elf_file_is_refused() {
    check(b"", "it is empty");
    check(b"just some text, long enough to be a header of 64 bytes or more", "not an ELF file");
    check(b"\x7fELF", "cut short: its ELF header ends at byte 64, the file has 4");
}

#[test]
fn a_file_for_another_machine_names_both_sides() {
    let this = std::env::consts::ARCH;
    let (number, other) = if this == "aarch64" { (62_u16, "x86_64") } else { (183, "aarch64") };
    check(
        &spoiled(MACHINE.start, &number.to_ne_bytes()),
        &format!("built for {other} (64-bit, little-endian), this program runs on {this} (64-bit"),
    );
    check(&spoiled(MACHINE.start, &0x7777_u16.to_ne_bytes()), "built for ELF machine 30583 (");
    check(&spoiled(CLASS, &[1]), "(32-bit, ");

    let (order, name) = if cfg!(target_endian = "big") { (1, "little") } else { (2, "big") };
    let mut swapped = spoiled(ORDER, &[order]);
    swapped[MACHINE].reverse();
    check(&swapped, &format!("built for {this} (64-bit, {name}-endian)"));
}

#[test]
fn only_a_dynamic_library_passes() {
    for (number, name) in [(1_u16, "an object file"), (2, "a program"), (4, "a core dump")] {
        check(&spoiled(TYPE.start, &number.to_ne_bytes()), &format!("it is {name}"));
    }
    check(&spoiled(TYPE.start, &0xfe00_u16.to_ne_bytes()), "an ELF file of type 65024");
}

#[test]
fn a_malformed_header_is_refused() {
    check(&spoiled(CLASS, &[9]), "its ELF header is malformed");
    check(&spoiled(ORDER, &[0]), "its ELF header is malformed");
    check(&spoiled(6, &[0]), "its ELF header is malformed");
    check(&spoiled(20, &7_u32.to_ne_bytes()), "its ELF header is malformed");
    // Entry sizes of the two tables.
    check(&spoiled(54, &55_u16.to_ne_bytes()), "its program header table is malformed");
    check(&spoiled(58, &63_u16.to_ne_bytes()), "its section header table is malformed");
}

#[test]
fn every_part_must_lie_within_the_file() {
    let size = whole().len() as u64;
    // p_filesz and p_memsz of the loadable segment, which begins at 0.
    let beyond = [(size + 1).to_ne_bytes(), (size + 1).to_ne_bytes()].concat();
    check(&spoiled(HEADER + 32, &beyond), &format!("its segment 0 ends at byte {}", size + 1));
    check(&spoiled(HEADER + 8, &u64::MAX.to_ne_bytes()), "its segment 0 ends at byte 18446744");
    // e_phoff, e_shoff, and the offset of section 1.
    check(&spoiled(32, &size.to_ne_bytes()), "its program header table ends at byte");
    check(&spoiled(40, &size.to_ne_bytes()), "its section header table ends at byte");
    // One byte beyond the end is too much.
    let section = size as usize - 2 * SECTION;
    let beyond = [size.to_ne_bytes(), 1_u64.to_ne_bytes()].concat();
    check(&spoiled(section + 24, &beyond), &format!("its section 1 ends at byte {}", size + 1));
    // A table without a count has at least the entry that holds the count.
    let mut uncounted = spoiled(60, &0_u16.to_ne_bytes());
    assert!(Elf::parse(&uncounted).is_ok());
    uncounted.truncate(uncounted.len() - 2 * SECTION - 1);
    check(&uncounted, "its section header table ends at byte");
}

#[test]
fn a_segment_must_fit_its_memory_and_the_loader_needs_two_kinds() {
    check(&spoiled(HEADER + 40, &1_u64.to_ne_bytes()), "its segment 0 is malformed");
    for number in [0, 1] {
        let kind = HEADER + number * SEGMENT;
        check(&spoiled(kind, &0_u32.to_ne_bytes()), "its program header table is malformed");
    }
}

#[test]
fn a_section_without_bytes_in_the_file_may_lie_anywhere() {
    let mut file = whole();
    let section = file.len() - 2 * SECTION;
    file[section + 4..section + 8].copy_from_slice(&8_u32.to_ne_bytes());
    file[section + 24..section + 32].copy_from_slice(&(1_u64 << 40).to_ne_bytes());
    assert!(Elf::parse(&file).is_ok());
}

#[test]
fn a_library_cut_at_any_length_is_refused() {
    let file = whole();
    for length in 0..file.len() {
        let error = Elf::parse(&file[..length]).unwrap_err();
        assert!(matches!(error, ElfError::Empty | ElfError::NotElf | ElfError::Truncated { .. }), "{length}: {error}");
    }
}

/// The C library that this test runs with: a real file of the system's own linker.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn real_library() -> Vec<u8> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let path = maps.split_whitespace().find(|word| word.contains("/libc.so") || word.contains("/libc-2")).unwrap();
    std::fs::read(path).unwrap()
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn a_real_library_passes_whole_and_is_refused_cut_at_any_length() {
    let file = real_library();
    assert!(Elf::parse(&file).is_ok());
    proptest!(|(length in 0..file.len())| {
        prop_assert!(Elf::parse(&file[..length]).is_err());
    });
    // Where the section headers are is where a cut hurts least, and shows least.
    for length in file.len() - 4096..file.len() {
        let part = match Elf::parse(&file[..length]) {
            Err(ElfError::Truncated { part, .. }) => part,
            other => panic!("{length}: {other:?}"),
        };
        assert!(matches!(part, Part::SectionHeaders | Part::Section(_)), "{length}: {part}");
    }
}

proptest! {
    #[test]
    fn damaged_files_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40)) {
        let mut file = whole();
        for (at, byte) in flips {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Ok(elf) = Elf::parse(&file) {
            let _ = crate::registry::note::manifest(&elf);
        }
    }

    #[test]
    fn arbitrary_bytes_after_the_magic_never_panic(tail in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut file = whole();
        file.truncate(20);
        file.extend(tail);
        if let Ok(elf) = Elf::parse(&file) {
            let _ = crate::registry::note::manifest(&elf);
        }
    }
}
