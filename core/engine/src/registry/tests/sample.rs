//! A small, whole dynamic library of this machine, made byte by byte so that a test can spoil any
//! part of it. It has a loadable, a dynamic and a note segment, and two sections.

use std::{env::consts::ARCH, ops::Range};

pub(super) const HEADER: usize = 64;
pub(super) const SEGMENT: usize = 56;
pub(super) const SECTION: usize = 64;
const NAMES: &[u8] = b"\0.note.countersign\0.shstrtab\0";

/// Where fields of the file header are.
pub(super) const CLASS: usize = 4;
pub(super) const ORDER: usize = 5;
pub(super) const TYPE: Range<usize> = 16..18;
pub(super) const MACHINE: Range<usize> = 18..20;

/// A note of ours with this manifest.
pub(super) fn note(manifest: &[u8]) -> Vec<u8> {
    foreign_note(b"Countersign\0", 1, manifest)
}

/// Any note, padded as the System V ABI says.
pub(super) fn foreign_note(name: &[u8], kind: u32, descriptor: &[u8]) -> Vec<u8> {
    let mut note = Vec::new();
    word(&mut note, name.len() as u32);
    word(&mut note, descriptor.len() as u32);
    word(&mut note, kind);
    for part in [name, descriptor] {
        note.extend_from_slice(part);
        note.resize(note.len().next_multiple_of(4), 0);
    }
    note
}

/// A whole library with these notes.
pub(super) fn library(notes: &[u8]) -> Vec<u8> {
    Library { notes, segment: true, section: true }.bytes()
}

pub(super) struct Library<'a> {
    pub(super) notes: &'a [u8],
    /// Whether a PT_NOTE segment shows the notes.
    pub(super) segment: bool,
    /// Whether a SHT_NOTE section shows them.
    pub(super) section: bool,
}

impl Library<'_> {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let notes_at = HEADER + 3 * SEGMENT;
        let dynamic_at = (notes_at + self.notes.len()).next_multiple_of(8);
        let names_at = dynamic_at + 16;
        let sections_at = (names_at + NAMES.len()).next_multiple_of(8);
        let loaded = names_at as u64;
        let (notes_at, notes) = (notes_at as u64, self.notes.len() as u64);

        let mut file = Vec::new();
        header(&mut file, sections_at as u64);
        segment(&mut file, 1, 5, 0, loaded, 0x1000);
        segment(&mut file, 2, 6, dynamic_at as u64, 16, 8);
        let kind = if self.segment { 4 } else { 0 };
        segment(&mut file, kind, 4, notes_at, notes, 4);
        file.extend_from_slice(self.notes);
        file.resize(names_at, 0);
        file.extend_from_slice(NAMES);
        file.resize(sections_at, 0);
        section(&mut file, 0, 0, 0, 0, 0);
        let kind = if self.section { 7 } else { 1 };
        section(&mut file, 1, kind, notes_at, notes, 4);
        section(&mut file, 19, 3, names_at as u64, NAMES.len() as u64, 1);
        file
    }
}

fn header(file: &mut Vec<u8>, sections_at: u64) {
    file.extend_from_slice(b"\x7fELF");
    let order = if cfg!(target_endian = "big") { 2 } else { 1 };
    file.extend_from_slice(&[2, order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    half(file, 3);
    half(file, machine());
    word(file, 1);
    long(file, 0);
    long(file, HEADER as u64);
    long(file, sections_at);
    word(file, 0);
    for value in [HEADER, SEGMENT, 3, SECTION, 3, 2] {
        half(file, value as u16);
    }
}

fn machine() -> u16 {
    match ARCH {
        "x86_64" => 62,
        "aarch64" => 183,
        "powerpc64" => 21,
        "riscv64" => 243,
        "s390x" => 22,
        "loongarch64" => 258,
        other => panic!("no ELF number for {other} in this test"),
    }
}

fn segment(file: &mut Vec<u8>, kind: u32, flags: u32, offset: u64, size: u64, align: u64) {
    word(file, kind);
    word(file, flags);
    for value in [offset, offset, offset, size, size, align] {
        long(file, value);
    }
}

fn section(file: &mut Vec<u8>, name: u32, kind: u32, offset: u64, size: u64, align: u64) {
    word(file, name);
    word(file, kind);
    for value in [2, offset, offset, size] {
        long(file, value);
    }
    word(file, 0);
    word(file, 0);
    long(file, align);
    long(file, 0);
}

fn half(file: &mut Vec<u8>, value: u16) {
    file.extend_from_slice(&value.to_ne_bytes());
}

fn word(file: &mut Vec<u8>, value: u32) {
    file.extend_from_slice(&value.to_ne_bytes());
}

fn long(file: &mut Vec<u8>, value: u64) {
    file.extend_from_slice(&value.to_ne_bytes());
}
