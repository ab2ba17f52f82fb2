//! The keys of a store, and what is done with them: sealing, opening, keyed hashes.
//!
//! A sealed value is `version (1 byte = 1) ‖ key number (4, big endian) ‖ nonce (12) ‖ AES-256-GCM
//! ciphertext and tag`. The additional data names table, column and row, and covers the header,
//! so that a value moved elsewhere does not open. Each column has its own subkey (HKDF-SHA-256).
//!
//! Nonces are random. NIST SP 800-38D §8.3 allows 2³² values under one key then: for one column
//! that is a thousand million enrollments and more per seal key. Add a seal key before.

use std::collections::BTreeMap;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{hkdf, hmac};
use zeroize::Zeroizing;

use super::KeyedHash;
use crate::clock::{NoRandomness, Random, SystemRandom};

const KEY_LEN: usize = 32;
const VERSION: u8 = 1;
const HEADER_LEN: usize = 1 + 4 + NONCE_LEN;

/// 256 random bits, wiped on drop.
pub(super) type Key = Zeroizing<[u8; KEY_LEN]>;

/// The keys of one store: one for hashes, which stays for ever, since what was hashed under it
/// could not be found again, and numbered ones for sealing, of which the newest seals.
pub(super) struct KeyRing {
    index: Key,
    seals: BTreeMap<u32, Key>,
}

/// Where a sealed value belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
    /// The parts of the row's key.
    pub(super) row: &'a [&'a str],
}

/// A sealed value does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DoesNotOpen;

impl KeyRing {
    pub(super) fn new(index: Key, seals: BTreeMap<u32, Key>) -> Self {
        Self { index, seals }
    }

    /// New keys, from the operating system's randomness whatever clock and randomness a test
    /// owns: a nonce or a key that can be foreseen is none.
    pub(super) fn random() -> Result<Self, NoRandomness> {
        Ok(Self { index: random_key()?, seals: BTreeMap::from([(1, random_key()?)]) })
    }

    pub(super) fn index(&self) -> &Key {
        &self.index
    }

    /// The sealing keys by number, oldest first.
    pub(super) fn seals(&self) -> impl Iterator<Item = (u32, &Key)> {
        self.seals.iter().map(|(number, key)| (*number, key))
    }

    /// The number under which values are sealed now.
    pub(super) fn newest_seal(&self) -> u32 {
        self.seals.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// Adds a key that seals from now on, and returns its number; `None` where there is no greater.
    pub(super) fn add_seal(&mut self) -> Result<Option<u32>, NoRandomness> {
        let Some(number) = self.newest_seal().checked_add(1) else { return Ok(None) };
        self.seals.insert(number, random_key()?);
        Ok(Some(number))
    }

    /// The number of the key under which this value was sealed.
    pub(super) fn seal_of(sealed: &[u8]) -> Option<u32> {
        let number = sealed.get(1..5)?;
        Some(u32::from_be_bytes(number.try_into().ok()?))
    }

    /// Seals a value for one place. It fails where there is no randomness: a ring has a seal key,
    /// HKDF gives 256 bits, and no value comes near the 64 GiB that AES-GCM takes.
    pub(super) fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, NoRandomness> {
        let (number, key) = self.seals.last_key_value().ok_or(NoRandomness)?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom.fill(&mut nonce)?;
        // All of it in one buffer of the final size, so that no plain copy stays behind.
        let mut sealed = Vec::with_capacity(HEADER_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&number.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        let aad = Aad::from(additional_data(place, &sealed));
        sealed.extend_from_slice(plain);
        let tag = column_key(key, place)
            .ok_or(NoRandomness)?
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed[HEADER_LEN..])
            .map_err(|_| NoRandomness)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens a value that was sealed for this place.
    pub(super) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let (header, body) = sealed.split_at_checked(HEADER_LEN).ok_or(DoesNotOpen)?;
        let number = Self::seal_of(header).filter(|_| header[0] == VERSION).ok_or(DoesNotOpen)?;
        let key = self.seals.get(&number).and_then(|key| column_key(key, place)).ok_or(DoesNotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(&header[5..]).map_err(|_| DoesNotOpen)?;
        let mut plain = Zeroizing::new(body.to_vec());
        let length = key
            .open_in_place(nonce, Aad::from(additional_data(place, header)), &mut plain)
            .map_err(|_| DoesNotOpen)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    /// HMAC-SHA-256 over the domain and the parts, each preceded by its length.
    pub(super) fn hash(&self, domain: &str, parts: &[&[u8]]) -> KeyedHash {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.index.as_slice()));
        for part in std::iter::once(domain.as_bytes()).chain(parts.iter().copied()) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.sign().as_ref());
        KeyedHash(hash)
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing({} seal keys)", self.seals.len())
    }
}

fn random_key() -> Result<Key, NoRandomness> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    SystemRandom.fill(key.as_mut_slice())?;
    Ok(key)
}

/// The subkey of one column. It is made for each value and not kept, since `ring` does not wipe
/// its keys; the derivation costs a microsecond, next to a disk write.
fn column_key(key: &Key, place: Place<'_>) -> Option<LessSafeKey> {
    let info = [b"countersign seal".as_slice(), place.table.as_bytes(), b".", place.column.as_bytes()];
    let expanded = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, key.as_slice());
    let unbound = UnboundKey::from(expanded.expand(&info, &AES_256_GCM).ok()?);
    Some(LessSafeKey::new(unbound))
}

fn additional_data(place: Place<'_>, header: &[u8]) -> Vec<u8> {
    let names = [place.table, place.column];
    let mut data = header.to_vec();
    for part in names.iter().chain(place.row) {
        data.extend_from_slice(&(part.len() as u64).to_be_bytes());
        data.extend_from_slice(part.as_bytes());
    }
    data
}
