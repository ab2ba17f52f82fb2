//! The manifest inside a plugin file: an ELF note, readable without executing anything.
//!
//! Layout (System V ABI, "Note Section"): three `u32` in the file's byte order (length of the name,
//! length of the descriptor, type), the name padded to 4 bytes, the descriptor padded to 4 bytes.
//! Ours has the owner name `Countersign` with its closing zero, type 1, and as descriptor the bytes
//! of `manifest.json`, unchanged.

use std::collections::BTreeMap;

use countersign_plugin::abi::{NOTE_NAME, NOTE_TYPE};
use object::{
    Endianness,
    elf::FileHeader64,
    read::elf::{NoteIterator, ProgramHeader, SectionHeader},
};

use super::elf::{Elf, Part};

/// A manifest holds at most so many bytes.
pub(super) const MANIFEST_LIMIT: usize = 256 * 1024;

/// The manifest's bytes in this file.
///
/// Linkers place a note in a segment *and* a section that overlap, and tools that strip a file may
/// drop either, so both are read; the same bytes seen twice count once.
pub(super) fn manifest<'data>(elf: &Elf<'data>) -> Result<&'data [u8], NoteError> {
    let mut found = Found::default();
    for (number, segment) in elf.segments.iter().enumerate() {
        let part = Part::Segment(number);
        match segment.notes(elf.endian, elf.bytes) {
            Ok(None) => {}
            Ok(Some(notes)) => found.collect(elf, part, notes)?,
            Err(_) => return Err(NoteError::Malformed { part }),
        }
    }
    for (number, section) in elf.sections.iter().enumerate() {
        let part = Part::Section(number);
        match section.notes(elf.endian, elf.bytes) {
            Ok(None) => {}
            Ok(Some(notes)) => found.collect(elf, part, notes)?,
            Err(_) => return Err(NoteError::Malformed { part }),
        }
    }
    found.only()
}

/// Our notes, by where their descriptor begins in the file.
#[derive(Default)]
struct Found<'data> {
    manifests: BTreeMap<usize, &'data [u8]>,
    unknown: Option<u32>,
}

impl<'data> Found<'data> {
    fn collect(
        &mut self,
        elf: &Elf<'data>,
        part: Part,
        notes: NoteIterator<'data, FileHeader64<Endianness>>,
    ) -> Result<(), NoteError> {
        for note in notes {
            let note = note.map_err(|_| NoteError::Malformed { part })?;
            if note.name_bytes() != NOTE_NAME {
                continue;
            }
            let kind = note.n_type(elf.endian).0;
            if kind == NOTE_TYPE {
                // Wrapping: an empty descriptor need not point into the file.
                let start = elf.bytes.as_ptr().addr();
                let offset = note.desc().as_ptr().addr().wrapping_sub(start);
                self.manifests.insert(offset, note.desc());
            } else {
                self.unknown = Some(kind);
            }
        }
        Ok(())
    }

    fn only(self) -> Result<&'data [u8], NoteError> {
        let count = self.manifests.len();
        match (self.manifests.into_values().next(), self.unknown) {
            (Some(_), _) if count > 1 => Err(NoteError::Several { count }),
            (Some([]), _) => Err(NoteError::Empty),
            (Some(manifest), _) if manifest.len() > MANIFEST_LIMIT => {
                Err(NoteError::TooLarge { size: manifest.len(), limit: MANIFEST_LIMIT })
            }
            (Some(manifest), _) => Ok(manifest),
            (None, Some(found)) => Err(NoteError::UnknownType { found }),
            (None, None) => Err(NoteError::Missing),
        }
    }
}

/// Why no manifest could be read from a dynamic library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// The library carries no note of ours.
    #[error(
        "it is not a Countersign plugin (no manifest note in it); name a file built with \
         countersign-plugin's `export_provider!`"
    )]
    Missing,
    /// More than one manifest: nobody could say which one holds.
    #[error("it carries {count} manifests instead of one; link exactly one plugin into it")]
    Several {
        /// How many there are.
        count: usize,
    },
    /// The manifest has no bytes.
    #[error("its manifest is empty; build it again with its manifest.json")]
    Empty,
    /// The manifest is longer than allowed.
    #[error("its manifest has {size} bytes, at most {limit} are allowed; shorten manifest.json")]
    TooLarge {
        /// Bytes found.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A note of ours, but of a type that this release does not know.
    #[error(
        "its manifest note has type {found}, this release reads type {NOTE_TYPE}; use a newer \
         countersign, or build the plugin with the countersign-plugin of this release"
    )]
    UnknownType {
        /// The type found.
        found: u32,
    },
    /// Notes that contradict the ELF specification.
    #[error("it is damaged: the notes in {part} are malformed; copy or build it again")]
    Malformed {
        /// Where the notes are.
        part: Part,
    },
}
