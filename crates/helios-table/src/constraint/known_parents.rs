//! Parents that a statement has found and locked.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// Keys remembered of one foreign key at most, in some 20 to 40 bytes each.
const MOST: usize = 1 << 20;

/// The keys of parents that are there, and cannot go before the transaction ends, as rows of one statement
/// refer to them: a statement that loads many rows looks for each parent once.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownParents {
    /// Rows that come one after the other often have the same parent.
    last: Option<Vec<u8>>,
    /// Short keys, each as one number.
    short: HashSet<u128, BuildHasherDefault<Mix>>,
}

impl KnownParents {
    pub(crate) fn has(&self, key: &[u8]) -> bool {
        self.last.as_deref() == Some(key)
            || packed(key).is_some_and(|number| self.short.contains(&number))
    }

    pub(crate) fn add(&mut self, key: Vec<u8>) {
        // A statement of one row needs no table.
        let before = self.last.replace(key);
        if let Some(number) = before.as_deref().and_then(packed) {
            if self.short.len() >= MOST {
                self.short.clear();
            }
            self.short.insert(number);
        }
    }
}

/// A key of up to 15 bytes with its length, which no two keys share.
fn packed(key: &[u8]) -> Option<u128> {
    let mut bytes = [0; 16];
    let (length, rest) = bytes.split_first_mut()?;
    rest.get_mut(..key.len())?.copy_from_slice(key);
    *length = u8::try_from(key.len()).ok()?;
    Some(u128::from_le_bytes(bytes))
}

/// Spreads numbers over a table. Who chooses keys that collide slows down nobody else.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128(u128::from(*byte));
        }
    }

    fn write_u128(&mut self, number: u128) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let folded = (number as u64).wrapping_mul(ODD).rotate_left(32) ^ (number >> 64) as u64;
        let mixed = (self.0 ^ folded).wrapping_mul(ODD);
        self.0 = mixed ^ (mixed >> 32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_by_length_too() {
        let mut known = KnownParents::default();
        known.add(vec![1, 0]);
        known.add(vec![7; 40]);
        assert!(known.has(&[1, 0]) && known.has(&[7; 40]));
        for other in [&[1][..], &[1, 0, 0], &[0], &[], &[7; 39]] {
            assert!(!known.has(other), "{other:?}");
        }
        // Of long ones the last alone.
        known.add(vec![8; 16]);
        assert!(!known.has(&[7; 40]) && known.has(&[1, 0]));
    }

    #[test]
    fn many_keys_stay_bounded() {
        let mut known = KnownParents::default();
        for number in 0..(MOST as u64 + 10) {
            known.add(number.to_be_bytes().to_vec());
        }
        assert!(known.has(&(MOST as u64 + 9).to_be_bytes()));
        assert!(known.short.len() <= 10);
    }
}
