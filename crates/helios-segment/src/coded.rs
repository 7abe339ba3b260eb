//! Strings as places among the different ones, where these are few: what is asked of the strings is asked of each once.

use arrow_array::{Array, ArrayRef, StringViewArray, UInt32Array};
use twox_hash::XxHash64;

use crate::error::Result;

/// Strings whose views were met last, whose places need not be looked for. A power of two.
const RECENT: usize = 1 << 11;

/// The hash of a string, as filters and sketches have it.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    XxHash64::oneshot(0, bytes)
}

/// Strings with few different ones.
#[derive(Clone, Debug)]
pub(crate) struct Coded {
    /// For each row the place of its string; 0 for nulls.
    pub codes: Vec<u32>,
    /// For each different string the first row that has it.
    pub firsts: Vec<u32>,
    /// For each different string its hash.
    pub hashes: Vec<u64>,
}

impl Coded {
    /// None if there are more than `most` different strings.
    pub fn of(strings: &StringViewArray, most: usize) -> Option<Self> {
        let views = strings.views();
        let nulls = strings.nulls().filter(|nulls| nulls.null_count() > 0);
        let mut places = Places::new(most);
        // Equal views are equal strings, and all short strings that are equal have equal views.
        let mut recent = vec![(0u128, NONE); RECENT];
        let mut codes = Vec::with_capacity(views.len());
        let mut last: Option<(&[u8], u32)> = None;
        for (row, view) in views.iter().enumerate() {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                codes.push(0);
                continue;
            }
            let known = recent.get_mut(mixed(*view) % RECENT)?;
            if known.0 != *view || known.1 == NONE {
                let text = strings.value(row).as_bytes();
                let code = match last {
                    Some((before, code)) if before == text => code,
                    _ => {
                        let is_it = |first: u32| strings.value(first as usize).as_bytes() == text;
                        places.find(u32::try_from(row).ok()?, hash(text), is_it)?
                    }
                };
                last = Some((text, code));
                *known = (*view, code);
            }
            codes.push(known.1);
        }
        Some(Self {
            codes,
            firsts: places.firsts,
            hashes: places.hashes,
        })
    }

    /// The different strings, in the order of their places.
    ///
    /// # Errors
    /// None that are known.
    pub fn values(&self, strings: &StringViewArray) -> Result<ArrayRef> {
        let firsts = UInt32Array::from(self.firsts.clone());
        Ok(arrow_select::take::take(strings, &firsts, None)?)
    }
}

/// Marsaglia's multiplication by the golden ratio, of both halves.
fn mixed(view: u128) -> usize {
    let folded = view as u64 ^ ((view >> 64) as u64).rotate_left(23);
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize
}

/// No place.
const NONE: u32 = u32::MAX;

/// Places by hashes, with open addressing.
struct Places {
    most: usize,
    /// A power of two, more than twice as many as there are places.
    slots: Vec<u32>,
    firsts: Vec<u32>,
    hashes: Vec<u64>,
}

impl Places {
    fn new(most: usize) -> Self {
        Self {
            most,
            slots: vec![NONE; 2 * (most + 1).next_power_of_two()],
            firsts: Vec::new(),
            hashes: Vec::new(),
        }
    }

    /// The place of a string by its hash, or a new one; none if there are too many.
    fn find(&mut self, row: u32, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots.get_mut(at)?;
            if *slot == NONE {
                if self.firsts.len() >= self.most {
                    return None;
                }
                *slot = u32::try_from(self.firsts.len()).ok()?;
                self.firsts.push(row);
                self.hashes.push(hash);
                return Some(*slot);
            }
            let place = *slot as usize;
            if self.hashes.get(place) == Some(&hash) && is_it(*self.firsts.get(place)?) {
                return Some(*slot);
            }
            at = (at + 1) & mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;

    use super::*;

    fn texts(rows: usize, distinct: usize, nulls: bool) -> StringViewArray {
        let text = |row: usize| match row * 7919 % distinct {
            0 => String::new(),
            at if at % 2 == 0 => format!("{at}"),
            at => format!("a string of more than twelve bytes {at}"),
        };
        // Each long string lies in a place of its own.
        (0..rows)
            .map(|row| (!(nulls && row % 5 == 2)).then(|| text(row)))
            .collect()
    }

    #[test]
    fn every_row_has_its_string() {
        for (rows, distinct, nulls) in [
            (0, 1, false),
            (1, 1, false),
            (10_000, 1, false),
            (10_000, 999, true),
            (10_000, 1000, false),
        ] {
            let strings = texts(rows, distinct, nulls);
            let coded = Coded::of(&strings, 1000).expect("few");
            assert!(coded.firsts.len() <= distinct);
            let values = coded.values(&strings).expect("taken");
            let values = values.as_string_view();
            for (row, code) in coded.codes.iter().enumerate() {
                if strings.is_valid(row) {
                    assert_eq!(values.value(*code as usize), strings.value(row));
                }
            }
            for (place, known) in coded.hashes.iter().enumerate() {
                assert_eq!(*known, hash(values.value(place).as_bytes()));
            }
        }
        assert!(Coded::of(&texts(10_000, 1001, false), 1000).is_none());
        assert!(Coded::of(&texts(10, 2, false), 1).is_none());
    }

    #[test]
    fn a_slice_has_its_own_rows() {
        let strings = texts(5000, 300, true).slice(1234, 2000);
        let coded = Coded::of(&strings, 500).expect("few");
        let values = coded.values(&strings).expect("taken");
        for (row, code) in coded.codes.iter().enumerate() {
            if strings.is_valid(row) {
                let value = values.as_string_view().value(*code as usize);
                assert_eq!(value, strings.value(row));
            }
        }
    }

    #[test]
    fn only_nulls_have_no_strings() {
        let coded = Coded::of(&StringViewArray::new_null(2000), 10).expect("none");
        assert!(coded.firsts.is_empty() && coded.codes.len() == 2000);
    }
}
