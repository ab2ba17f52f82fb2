//! Draws that decide where a fault falls: the same for the same seed, fault and exchange, whatever ran before.

/// Draws from a seed (SplitMix64). Nothing secret comes of it.
#[derive(Clone, Debug)]
pub(super) struct Lot(u64);

impl Lot {
    /// The draws of that exchange, the first being 0, under that fault.
    pub(super) fn new(seed: u64, fault: &str, exchange: u64) -> Self {
        // FNV-1a, so that faults draw differently.
        let named = fault
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        let mut lot = Self(seed ^ named);
        Self(lot.draw() ^ exchange)
    }

    /// A number below a bound; 0 where that is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        usize::try_from(self.draw() % bound).unwrap_or_default()
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
