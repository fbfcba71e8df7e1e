//! Random numbers for names.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A number that nobody else has: of the operating system's randomness, which std draws for its hash maps.
pub(super) fn token() -> u64 {
    RandomState::new().build_hasher().finish()
}
