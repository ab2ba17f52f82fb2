//! From the bootstrap's word "provider" to a plugin file that may be believed.
//!
//! The order is law: find the file by its exact name → compare the pinned digest, if there is one
//! → a whole dynamic library for this machine → the manifest out of its note. Up to here nothing
//! of the file was executed.

mod digest;
mod elf;
mod error;
mod file;
mod find;
mod inspect;
mod note;
#[cfg(test)]
mod tests;

pub use digest::{Digest, DigestMismatch};
pub use elf::{ElfError, Kind, Part, Target};
pub use error::LoadError;
pub use file::FileError;
pub use find::{EntryKind, FindError, Found, ProviderId, Search};
pub use inspect::{Inspection, inspect};
pub use note::NoteError;
