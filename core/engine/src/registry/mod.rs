//! From the bootstrap's word "provider" to a loaded plugin, and from there to services.
//!
//! The order is law: find the file by its exact name → compare the pinned digest, if there is one
//! → a whole dynamic library for this machine → the manifest out of its note. Up to here nothing
//! of the file was executed. Then: a probe child, unless the file is pinned → load → the code says
//! the same of itself as the note.

mod account;
mod catalog;
mod check;
mod digest;
mod elf;
mod error;
mod file;
mod find;
mod inspect;
mod load;
mod manifest;
mod note;
mod plugin;
pub mod probe;
pub mod services;
#[cfg(test)]
mod tests;

pub use catalog::{NotLoaded, Registry, RegistryOptions, Unloaded};
pub use check::{ServiceError, Wanted, check_service};
pub use digest::{Digest, DigestMismatch};
pub use elf::{ElfError, Kind, Part, Target};
pub use error::{LoadError, OpenError};
pub use file::FileError;
pub use find::{EntryKind, FindError, Found, ProviderId, Search};
pub use inspect::{Inspection, inspect};
pub use load::ContactError;
pub use manifest::ManifestError;
pub use note::NoteError;
pub use plugin::{InProcess, Plugin};
pub use probe::{End, ProbeError};
