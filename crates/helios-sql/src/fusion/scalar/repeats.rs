//! Texts and bytes that come again and again within a batch, so that each is computed with once; likewise dates of which something is
//! asked that is the same for all of a year or a month.
//!
//! Equal views are equal texts, and texts of a decoded dictionary have equal views; only others are hashed.

use std::collections::HashMap;
use std::hash::Hash;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::datatypes::Date32Type;
use datafusion::common::hash_utils::RandomState;
use helios_base::datetime::is_infinite_date;

/// After so many rows it is seen whether texts repeat.
const TRIAL: usize = 512;

/// Views that were met last, of which the texts need not be looked for. A power of two.
const RECENT: usize = 1 << 10;

/// What was found for views that were met last.
pub(super) struct Recent<T> {
    last: Option<(u128, T)>,
    slots: Vec<(u128, Option<T>)>,
}

impl<T: Copy> Recent<T> {
    pub fn new() -> Self {
        Self {
            last: None,
            slots: vec![(0, None); RECENT],
        }
    }

    /// What was found for this view, or what is found now.
    #[inline]
    pub fn get(&mut self, view: u128, find: impl FnOnce() -> T) -> T {
        if let Some((known, found)) = self.last
            && known == view
        {
            return found;
        }
        let folded = view as u64 ^ ((view >> 64) as u64).rotate_left(23);
        let at = (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize % RECENT;
        let found = match self.slots.get_mut(at) {
            Some((known, Some(found))) if *known == view => *found,
            Some(slot) => {
                let found = find();
                *slot = (view, Some(found));
                found
            }
            None => find(),
        };
        self.last = Some((view, found));
        found
    }
}

/// Where each text stands first, and which of these each row has.
pub(super) struct Repeats {
    pub first: Vec<u32>,
    pub of: UInt32Array,
}

impl Repeats {
    /// `None` unless it is an array of texts or bytes most of which repeat.
    pub fn of(array: &ArrayRef) -> Option<Self> {
        if let Some(texts) = array.as_string_view_opt() {
            return Self::of_views(array, texts.views(), |row| texts.value(row).as_bytes());
        }
        if let Some(bytes) = array.as_binary_view_opt() {
            return Self::of_views(array, bytes.views(), |row| bytes.value(row));
        }
        let texts = array.as_string_opt::<i32>()?;
        Self::among::<Option<&str>>(texts.len(), |row, known| {
            let text = texts.is_valid(row).then(|| texts.value(row));
            known.number(text, row)
        })
    }

    fn of_views<'t>(
        array: &ArrayRef,
        views: &[u128],
        value: impl Fn(usize) -> &'t [u8],
    ) -> Option<Self> {
        let mut recent = Recent::new();
        Self::among::<Option<&'t [u8]>>(array.len(), |row, known| {
            if array.is_null(row) {
                return known.number(None, row);
            }
            let view = views.get(row).copied().unwrap_or_default();
            recent.get(view, || known.number(Some(value(row)), row))
        })
    }

    /// Of dates, those of one class being taken for one; `None` unless most repeat. Infinite dates are classes of their own.
    pub fn of_dates(array: &ArrayRef, class: impl Fn(i32) -> i32) -> Option<Self> {
        const NULL: u128 = u128::MAX;
        const INFINITE: u128 = 1 << 64;
        let dates = array.as_primitive_opt::<Date32Type>()?;
        let mut recent = Recent::new();
        Self::among::<u128>(dates.len(), |row, known| {
            let date = dates.value(row);
            let class = match dates.is_null(row) {
                true => NULL,
                false if is_infinite_date(date) => INFINITE | u128::from(date.cast_unsigned()),
                false => class(date).cast_unsigned().into(),
            };
            recent.get(class, || known.number(class, row))
        })
    }

    fn among<K: Hash + Eq>(
        rows: usize,
        mut number: impl FnMut(usize, &mut Numbers<K>) -> u32,
    ) -> Option<Self> {
        if rows < TRIAL {
            return None;
        }
        let mut known = Numbers::default();
        let mut of = Vec::with_capacity(rows);
        for row in 0..rows {
            if row == TRIAL && known.first.len() * 2 > TRIAL {
                return None;
            }
            of.push(number(row, &mut known));
        }
        Some(Self {
            first: known.first,
            of: of.into(),
        })
    }
}

/// Numbers of what is met, and the row in which each stands first.
struct Numbers<K> {
    known: HashMap<K, u32, RandomState>,
    first: Vec<u32>,
}

impl<K> Default for Numbers<K> {
    fn default() -> Self {
        Self {
            known: HashMap::default(),
            first: Vec::new(),
        }
    }
}

impl<K: Hash + Eq> Numbers<K> {
    fn number(&mut self, key: K, row: usize) -> u32 {
        let first = &mut self.first;
        *self.known.entry(key).or_insert_with(|| {
            first.push(row as u32);
            first.len() as u32 - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Date32Array, StringViewArray, StringViewBuilder};

    use super::*;

    fn texts(of: impl Fn(usize) -> Option<String>) -> ArrayRef {
        Arc::new((0..2000).map(of).collect::<StringViewArray>())
    }

    #[test]
    fn each_row_has_its_text() {
        let array =
            texts(|row| (row % 7 > 0).then(|| format!("a longer text, number {}", row % 50)));
        let repeats = Repeats::of(&array).unwrap();
        assert_eq!(repeats.first.len(), 51);
        let texts = array.as_string_view();
        let value = |row: usize| texts.is_valid(row).then(|| texts.value(row));
        for (row, number) in repeats.of.values().iter().enumerate() {
            let first = repeats.first[*number as usize] as usize;
            assert_eq!(value(row), value(first));
        }
    }

    #[test]
    fn equal_texts_have_one_number_whatever_their_views() {
        let mut builder = StringViewBuilder::new();
        let block = builder.append_block(b"the same longer text, the same longer text".into());
        for row in 0..1000 {
            let start = if row % 2 == 0 { 0 } else { 22 };
            builder.try_append_view(block, start, 20).unwrap();
        }
        let array: ArrayRef = Arc::new(builder.finish());
        assert_eq!(Repeats::of(&array).unwrap().first, [0]);
    }

    #[test]
    fn dates_of_a_class_are_one() {
        let date = |row: i32| match row % 9 {
            0 => None,
            1 => Some(i32::MAX),
            2 => Some(i32::MIN),
            _ => Some(row % 700),
        };
        let array: ArrayRef = Arc::new((0..2000).map(date).collect::<Date32Array>());
        let repeats = Repeats::of_dates(&array, |date| date / 100).unwrap();
        assert_eq!(repeats.first.len(), 3 + 7);
        let class = |row: usize| date(row as i32).map(|date| date / 100);
        for (row, number) in repeats.of.values().iter().enumerate() {
            let first = repeats.first[*number as usize] as usize;
            assert_eq!(class(row), class(first));
        }
        assert!(Repeats::of_dates(&array.slice(0, 500), |date| date).is_none());
    }

    #[test]
    fn what_does_not_repeat_is_left_alone() {
        assert!(Repeats::of(&texts(|row| Some(row.to_string()))).is_none());
        let numbers: ArrayRef = Arc::new(UInt32Array::from(vec![1; 2000]));
        assert!(Repeats::of(&numbers).is_none());
        assert!(Repeats::of(&texts(|_| None).slice(0, 100)).is_none());
    }
}
