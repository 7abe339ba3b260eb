//! Slots: for each vector in a structure, the row that has it.
//!
//! A slot stands for a row and a vector, not for a version: an update that leaves the vector alone needs no
//! new one. Slots are never used again; an index that has too many of the past is made anew.
//!
//! A slot is *current* if its row is known to have the vector where the index's base is. One that is not may have it all
//! the same: who wants to know looks at the row.

use std::collections::HashMap;

/// Which rows vectors came from.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// All keys, one behind the other.
    keys: Vec<u8>,
    /// Where each key ends.
    ends: Vec<usize>,
    /// The fingerprint of each vector.
    prints: Vec<u64>,
    /// The newest slot of a key and fingerprint, by a hash of both.
    places: HashMap<u64, u64>,
    /// A bit for each slot that is current.
    current: Vec<u64>,
    /// Slots that are no longer found, as others have the same hash: nobody could take back that they are current.
    hidden: Vec<u64>,
}

/// Slots of a word of bits.
const WORD: usize = u64::BITS as usize;

impl Slots {
    pub(super) fn len(&self) -> usize {
        self.prints.len()
    }

    /// The key and the fingerprint of a slot.
    pub(super) fn get(&self, slot: u64) -> Option<(&[u8], u64)> {
        let at = usize::try_from(slot).ok()?;
        let end = *self.ends.get(at)?;
        let start = match at.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        Some((self.keys.get(start..end)?, *self.prints.get(at)?))
    }

    /// The slot of a row's vector.
    pub(super) fn find(&self, key: &[u8], print: u64) -> Option<u64> {
        let slot = *self.places.get(&hash(key, print))?;
        (self.get(slot) == Some((key, print))).then_some(slot)
    }

    /// A new slot, unless the row's vector has one already.
    pub(super) fn add(&mut self, key: &[u8], print: u64) -> Option<u64> {
        match self.find(key, print) {
            Some(_) => None,
            None => Some(self.push(key, print)),
        }
    }

    /// A slot that was there when the index was saved.
    pub(super) fn restore(&mut self, key: &[u8], print: u64) {
        self.push(key, print);
    }

    fn push(&mut self, key: &[u8], print: u64) -> u64 {
        let slot = self.prints.len() as u64;
        self.keys.extend_from_slice(key);
        self.ends.push(self.keys.len());
        self.prints.push(print);
        if let Some(before) = self.places.insert(hash(key, print), slot) {
            self.hidden.push(before);
            self.set_current(before, false);
        }
        if self.current.len() * WORD < self.prints.len() {
            self.current.push(0);
        }
        slot
    }

    /// Whether the slot's row is known to have its vector where the base is.
    pub(super) fn is_current(&self, slot: u64) -> bool {
        let (word, bit) = place_of(slot);
        let word = usize::try_from(word)
            .ok()
            .and_then(|at| self.current.get(at));
        word.is_some_and(|word| word & bit != 0)
    }

    /// Says whether the slot's row has its vector where the base is.
    pub(super) fn set_current(&mut self, slot: u64, current: bool) {
        let (word, bit) = place_of(slot);
        let word = usize::try_from(word)
            .ok()
            .and_then(|at| self.current.get_mut(at));
        match (word, current) {
            (Some(word), true) => *word |= bit,
            (Some(word), false) => *word &= !bit,
            (None, _) => {}
        }
    }

    /// The bits of current slots, a word for 64 of them, the first the least.
    pub(super) fn current(&self) -> &[u64] {
        &self.current
    }

    /// Takes the bits that were saved of the slots that are there.
    pub(super) fn restore_current(&mut self, words: impl Iterator<Item = u64>) {
        for (slot, word) in self.current.iter_mut().zip(words) {
            *slot = word;
        }
        for hidden in std::mem::take(&mut self.hidden) {
            self.set_current(hidden, false);
            self.hidden.push(hidden);
        }
        // Of slots that are not there nothing is known.
        if let (Some(last), rest @ 1..) = (self.current.last_mut(), self.prints.len() % WORD) {
            *last &= (1 << rest) - 1;
        }
    }

    /// Bytes in memory, about.
    pub(super) fn memory(&self) -> usize {
        self.keys.capacity()
            + self.prints.capacity() * 16
            + self.places.capacity() * 18
            + self.current.capacity() * 8
    }

    /// Every slot's key and fingerprint, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        (0..self.len() as u64).filter_map(|slot| self.get(slot))
    }
}

/// The word of a slot's bit, and the bit.
fn place_of(slot: u64) -> (u64, u64) {
    (slot / WORD as u64, 1 << (slot % WORD as u64))
}

fn hash(key: &[u8], print: u64) -> u64 {
    fingerprint(key) ^ print.rotate_left(32)
}

/// A hash that is the same on every machine and in every version.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = mix(0x9e37_79b9_7f4a_7c15, bytes.len() as u64);
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    for (slot, byte) in last.iter_mut().zip(rest) {
        *slot = *byte;
    }
    mix(hash, u64::from_le_bytes(last))
}

/// The fingerprint of a vector; zero has one, whatever its sign.
pub(super) fn fingerprint_of(numbers: &[f32]) -> u64 {
    fingerprint_by(numbers, |x| *x)
}

/// As [`fingerprint_of`], of numbers as they are stored in rows.
pub(super) fn fingerprint_of_stored(numbers: &[[u8; 4]]) -> u64 {
    fingerprint_by(numbers, |bytes| f32::from_le_bytes(*bytes))
}

#[inline(always)]
fn fingerprint_by<T>(numbers: &[T], number: impl Fn(&T) -> f32) -> u64 {
    let bits = |x: &T| match number(x) {
        0.0 => 0,
        x => u64::from(x.to_bits()),
    };
    let start = mix(0x9e37_79b9_7f4a_7c15, numbers.len() as u64);
    // Four hashes side by side: one multiplication would wait for the other.
    let mut lanes = [start, start ^ 1, start ^ 2, start ^ 3];
    let (groups, rest) = numbers.as_chunks::<8>();
    for group in groups {
        let (pairs, _) = group.as_chunks::<2>();
        for (lane, [low, high]) in lanes.iter_mut().zip(pairs) {
            *lane = mix(*lane, bits(low) | bits(high) << 32);
        }
    }
    let all = lanes.into_iter().fold(start, mix);
    rest.iter().fold(all, |hash, x| mix(hash, bits(x)))
}

fn mix(hash: u64, word: u64) -> u64 {
    let product = (hash ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
    product ^ (product >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slot_for_each_row_and_vector() {
        let mut slots = Slots::default();
        assert_eq!(slots.add(b"a", 1), Some(0));
        assert_eq!(slots.add(b"", 1), Some(1));
        assert_eq!(slots.add(b"a", 1), None);
        assert_eq!(slots.add(b"a", 2), Some(2));
        assert_eq!(slots.find(b"a", 1), Some(0));
        assert_eq!(slots.find(b"b", 1), None);
        assert_eq!(slots.get(1), Some((&b""[..], 1)));
        assert_eq!(slots.get(3), None);
        assert_eq!(slots.iter().count(), 3);
        assert!((0..4).all(|slot| !slots.is_current(slot)));
        slots.set_current(1, true);
        slots.set_current(2, true);
        slots.set_current(2, false);
        slots.set_current(64, true);
        assert_eq!(slots.current(), [0b10]);
        slots.restore_current([u64::MAX, 1].into_iter());
        assert!((0..3).all(|slot| slots.is_current(slot)) && !slots.is_current(3));
        assert_eq!(fingerprint_of(&[0.0, 1.0]), fingerprint_of(&[-0.0, 1.0]));
        assert_ne!(fingerprint_of(&[1.0, 0.0]), fingerprint_of(&[0.0, 1.0]));
        // Every place counts, and so does what stands in it.
        let numbers: Vec<f32> = (0..21).map(|x| x as f32 - 3.0).collect();
        let mut known = std::collections::HashSet::from([fingerprint_of(&numbers)]);
        for at in 0..numbers.len() {
            let mut other = numbers.clone();
            other[at] = 0.5;
            assert!(known.insert(fingerprint_of(&other)));
            other.clone_from(&numbers);
            other.swap(at, (at + 5) % 21);
            assert!(known.insert(fingerprint_of(&other)));
        }
        assert_eq!(
            fingerprint_of(&numbers),
            0x9127_5d15_f972_7749,
            "it is in files"
        );
        let stored: Vec<[u8; 4]> = numbers.iter().map(|x| x.to_le_bytes()).collect();
        assert_eq!(fingerprint_of(&numbers), fingerprint_of_stored(&stored));
        assert_ne!(fingerprint(b"a"), fingerprint(b"a\0"));
    }
}
