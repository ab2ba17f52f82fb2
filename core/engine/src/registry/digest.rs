//! SHA-256 of a plugin file: what a pin in the bootstrap is compared with.

use std::fmt;

use ring::digest::{SHA256, digest};

/// SHA-256 of a file's bytes (FIPS 180-4), written as 64 lower-case hexadecimal digits.
///
/// It is no secret: it prints, and it is compared in plain time.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; Self::LENGTH]);

impl Digest {
    /// Bytes of a SHA-256.
    pub const LENGTH: usize = 32;

    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut sha256 = [0; Self::LENGTH];
        for (to, from) in sha256.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
            *to = *from;
        }
        Self(sha256)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// Compares a file's digest (`self`) with the one that the bootstrap pins.
    ///
    /// # Errors
    /// [`DigestMismatch`] with both sides when they differ.
    pub fn matches(self, pinned: Self) -> Result<(), DigestMismatch> {
        if self == pinned { Ok(()) } else { Err(DigestMismatch { expected: pinned, found: self }) }
    }
}

impl From<[u8; Self::LENGTH]> for Digest {
    fn from(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// The file is not the one that was pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "its SHA-256 is {found}, but {expected} is pinned; put the pinned file back, or, if this \
     change is wanted, write the new one as `sha256` of this plugin into the bootstrap"
)]
pub struct DigestMismatch {
    /// What the bootstrap pins.
    pub expected: Digest,
    /// What the file has.
    pub found: Digest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_the_published_one() {
        // FIPS 180-4, example "abc".
        assert_eq!(Digest::of(b"abc").to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn the_pinned_file_passes_and_another_is_refused_with_both_digests() {
        let pinned = Digest::of(b"a plugin");
        assert_eq!(Digest::of(b"a plugin").matches(pinned), Ok(()));

        let found = Digest::of(b"another plugin");
        let text = found.matches(pinned).unwrap_err().to_string();
        assert!(text.contains(&format!("SHA-256 is {found}")), "{text}");
        assert!(text.contains(&format!("{pinned} is pinned")), "{text}");
    }
}
