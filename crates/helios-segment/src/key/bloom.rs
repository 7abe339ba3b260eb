//! A split-block Bloom filter: one cache line per question.
//!
//! The filter is blocks of 256 bits, each eight words of 32. A key's 64-bit XXH64 (seed 0) chooses
//! a block by its high half (multiplied by the number of blocks, high half of the product) and one
//! bit in each word by its low half: multiplied by the word's salt, the top five bits. This is the
//! filter of the Parquet format. At 12 bits a key about 0.4 % of absent keys pass.

use crate::error::{Error, Result};

/// Bits per key.
const BITS: usize = 12;
const BLOCK: usize = 32;
/// Odd constants from the Parquet specification.
const SALT: [u32; 8] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// A filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bloom {
    blocks: Vec<[u8; BLOCK]>,
}

/// The hash that the filter wants.
pub(crate) use crate::coded::hash;

impl Bloom {
    /// Of keys by their hashes.
    pub fn of(hashes: &[u64]) -> Self {
        let count = (hashes.len() * BITS).div_ceil(BLOCK * 8).max(1);
        let mut bloom = Self {
            blocks: vec![[0; BLOCK]; count],
        };
        for hash in hashes {
            let place = bloom.place(*hash);
            if let Some(block) = bloom.blocks.get_mut(place) {
                for (word, mask) in block.as_chunks_mut::<4>().0.iter_mut().zip(masks(*hash)) {
                    *word = (u32::from_le_bytes(*word) | mask).to_le_bytes();
                }
            }
        }
        bloom
    }

    fn place(&self, hash: u64) -> usize {
        (((hash >> 32) * self.blocks.len() as u64) >> 32) as usize
    }

    /// Whether a key of this hash may be among them.
    pub fn may_contain(&self, hash: u64) -> bool {
        self.blocks.get(self.place(hash)).is_some_and(|block| {
            block
                .as_chunks::<4>()
                .0
                .iter()
                .zip(masks(hash))
                .all(|(word, mask)| u32::from_le_bytes(*word) & mask != 0)
        })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        self.blocks.concat()
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        if blocks.is_empty() || !rest.is_empty() {
            return Err(Error::damaged(format!("filter of {} bytes", bytes.len())));
        }
        Ok(Self {
            blocks: blocks.to_vec(),
        })
    }
}

fn masks(hash: u64) -> impl Iterator<Item = u32> {
    SALT.into_iter()
        .map(move |salt| 1 << ((hash as u32).wrapping_mul(salt) >> 27))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_lost_and_few_others_pass() {
        let keys: Vec<u64> = (0..65_536u64).map(|n| hash(&n.to_be_bytes())).collect();
        let bloom = Bloom::of(&keys);
        assert!(keys.iter().all(|key| bloom.may_contain(*key)));
        let absent = (65_536..165_536u64).filter(|n| bloom.may_contain(hash(&n.to_be_bytes())));
        let passed = absent.count();
        assert!(passed < 1_000, "{passed} of 100,000 absent keys pass");
        assert_eq!(Bloom::from_bytes(&bloom.to_bytes()).expect("reads"), bloom);
        assert!(Bloom::from_bytes(&[0; 33]).is_err());
    }

    #[test]
    fn the_hash_is_xxh64() {
        assert_eq!(hash(b""), 0xef46_db37_51d8_e999);
        assert_eq!(hash(b"abc"), 0x44bc_2cf5_ad77_0999);
    }
}
