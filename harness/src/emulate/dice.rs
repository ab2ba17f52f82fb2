//! What the emulator makes up: ids, codes and credentials, all from one seed, so that a run can be repeated.

use std::fmt;

use ring::digest::{SHA256, digest};

/// Draws from a seed. The n-th draw is the same for the same seed; no two draws of a run are equal.
pub(super) struct Dice {
    seed: u64,
    drawn: u64,
}

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// An id as Twilio's: two letters, 32 hexadecimal digits.
    pub(super) fn sid(&mut self, prefix: &str) -> String {
        format!("{prefix}{}", self.hex())
    }

    /// 32 hexadecimal digits, as auth tokens and Authy keys have them.
    pub(super) fn hex(&mut self) -> String {
        self.draw::<16>().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A code of so many decimal digits, at most 19.
    pub(super) fn digits(&mut self, length: usize) -> String {
        let drawn = u64::from_be_bytes(self.draw::<8>());
        let length = length.min(19);
        // 10^19 still fits; what the remainder favors is below one part in a billion for ten digits.
        let modulus = 10_u64.pow(u32::try_from(length).unwrap_or(19));
        format!("{:0length$}", drawn % modulus)
    }

    /// A number below a bound other than 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        u64::from_be_bytes(self.draw::<8>()) % bound.max(1)
    }

    /// As many bytes as asked for, at most 32.
    pub(super) fn draw<const N: usize>(&mut self) -> [u8; N] {
        const { assert!(N <= 32, "a draw gives 32 bytes") };
        let mut input = *b"countersign-emulator................";
        input[20..28].copy_from_slice(&self.seed.to_be_bytes());
        input[28..].copy_from_slice(&self.drawn.to_be_bytes());
        self.drawn = self.drawn.wrapping_add(1);
        let mut bytes = [0; N];
        bytes.copy_from_slice(&digest(&SHA256, &input).as_ref()[..N]);
        bytes
    }
}

impl fmt::Debug for Dice {
    /// Without the seed: whoever knows it knows every code to come.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dice").field("drawn", &self.drawn).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_draws_and_another_gives_others() {
        let draws = |seed| {
            let mut dice = Dice::new(seed);
            (dice.sid("VE"), dice.digits(6), dice.hex())
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
    }

    #[test]
    fn ids_are_shaped_as_twilios_and_unique() {
        let mut dice = Dice::new(1);
        let sids: BTreeSet<String> = (0..1000).map(|_| dice.sid("VE")).collect();
        assert_eq!(sids.len(), 1000);
        assert!(sids.iter().all(|sid| sid.len() == 34 && sid[2..].bytes().all(|byte| byte.is_ascii_hexdigit())));
    }

    #[test]
    fn codes_have_the_length_asked_for_with_leading_zeros() {
        let mut dice = Dice::new(1);
        for length in 3..=10 {
            let codes: Vec<String> = (0..200).map(|_| dice.digits(length)).collect();
            assert!(codes.iter().all(|code| code.len() == length && code.bytes().all(|byte| byte.is_ascii_digit())));
            assert!(codes.iter().any(|code| code.starts_with('0')), "{length}");
        }
    }
}
