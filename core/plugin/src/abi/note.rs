//! The manifest as an ELF note, readable without executing the file.

/// Owner name of the note, padded to a multiple of four.
pub const NOTE_NAME: &[u8; 12] = b"Countersign\0";

/// Type of the note: manifest, format 1.
pub const NOTE_TYPE: u32 = 1;

/// A well-formed ELF note (gABI, "Note Section"): three words in the machine's byte order, the
/// owner's name, the descriptor. The descriptor is the file `manifest.json`, unchanged.
#[repr(C, align(4))]
pub struct ManifestNote<const N: usize> {
    name_size: u32,
    descriptor_size: u32,
    kind: u32,
    name: [u8; NOTE_NAME.len()],
    descriptor: [u8; N],
}

impl<const N: usize> ManifestNote<N> {
    /// Makes the note at compile time.
    ///
    /// # Panics
    /// At compile time, if `manifest` is not `N` bytes long or larger than a note can be.
    pub const fn new(manifest: &[u8]) -> Self {
        assert!(manifest.len() == N && N <= u32::MAX as usize);
        let mut descriptor = [0; N];
        descriptor.copy_from_slice(manifest);
        Self {
            name_size: NOTE_NAME.len() as u32,
            descriptor_size: N as u32,
            kind: NOTE_TYPE,
            name: *NOTE_NAME,
            descriptor,
        }
    }
}
