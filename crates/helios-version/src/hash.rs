//! A fast 64-bit hash of keys, seeded per process. For tables in memory only, never stored.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

use helios_base::BranchId;

/// Odd constants with well spread bits.
const A: u64 = 0x9e37_79b9_7f4a_7c15;
const B: u64 = 0xd6e8_feb8_6659_fd93;

static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// Hashes the key of an object on a branch.
#[inline]
pub(crate) fn hash_key(object: u32, branch: BranchId, key: &[u8]) -> u64 {
    let mut state = *SEED ^ fold(u64::from(object) << 32 | u64::from(branch.0), A);
    let mut chunks = key.chunks_exact(8);
    for chunk in &mut chunks {
        if let Ok(word) = chunk.try_into() {
            state = fold(state ^ u64::from_le_bytes(word), A ^ state.rotate_left(32));
        }
    }
    let mut last = [0; 8];
    let rest = chunks.remainder();
    last[..rest.len()].copy_from_slice(rest);
    state = fold(state ^ u64::from_le_bytes(last), B);
    fold(state ^ key.len() as u64, A ^ B)
}

/// For keys that are hashes already.
#[derive(Clone, Copy, Default)]
pub(crate) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.0 = self.0.rotate_left(29) ^ word;
    }
}

/// Builds [`Hashed`].
pub(crate) type BuildHashed = std::hash::BuildHasherDefault<Hashed>;

#[cfg(test)]
mod tests {
    use super::*;

    // Guards against keys that differ only in trailing zeros or in place falling together.
    #[test]
    fn different_keys_differ() {
        let mut seen = std::collections::HashSet::new();
        for len in 0..40 {
            assert!(seen.insert(hash_key(1, BranchId(0), &vec![0; len])));
        }
        for key in 1..100_000u64 {
            assert!(seen.insert(hash_key(1, BranchId(0), &key.to_be_bytes())));
        }
        assert!(seen.insert(hash_key(0, BranchId(1), &[])));
    }
}
