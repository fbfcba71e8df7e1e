//! Where an item belongs that is sent to one of several places by its key.

use std::hash::{Hash, Hasher};

/// The place of a key, of so many. Equal keys have the same place in every process: a `RandomState` would have another in each,
/// and what `DefaultHasher` gives may change with the compiler.
pub(crate) fn place_of(key: &impl Hash, count: usize) -> usize {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    key.hash(&mut hasher);
    (hasher.finish() % count.max(1) as u64) as usize
}

/// FNV-1a, of 64 bits. Numbers are written with their lowest byte first and `usize` as `u64`, whatever the machine has.
struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_u16(&mut self, number: u16) {
        self.write(&number.to_le_bytes());
    }

    fn write_u32(&mut self, number: u32) {
        self.write(&number.to_le_bytes());
    }

    fn write_u64(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }

    fn write_u128(&mut self, number: u128) {
        self.write(&number.to_le_bytes());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    /// Mixed, since the lowest bits decide and FNV's lowest bit is nothing but that of all bytes.
    fn finish(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^ (mixed >> 33)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_key_has_the_same_place_in_each_process_and_in_each_version() {
        assert_eq!([0_i64, 1, 2, -1].map(|key| place_of(&key, 1000)), [123, 497, 178, 973]);
        assert_eq!(["", "a", "ab"].map(|key| place_of(&key, 1000)), [933, 22, 358]);
        assert_eq!(place_of(&(7_u8, Some('x')), 1000), 424);
        assert_eq!(place_of(&"anything", 0), 0);
    }

    #[test]
    fn keys_are_spread_evenly() {
        for count in [2, 8, 64, 100] {
            let mut found = vec![0; count];
            (0..count * 100).for_each(|key| found[place_of(&key, count)] += 1);
            assert!(found.iter().all(|found| (50..200).contains(found)), "{found:?}");
        }
        // Of bytes whose lowest bits are alike.
        let places: BTreeSet<_> = (0..16_u8).map(|key| place_of(&(key << 4), 16)).collect();
        assert!(places.len() > 6, "{places:?}");
    }
}
