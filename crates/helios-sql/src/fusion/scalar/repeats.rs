//! Texts that come again and again within a batch, so that each is computed with once.
//!
//! Equal views are equal texts, and texts of a decoded dictionary have equal views; only others are hashed.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use datafusion::common::hash_utils::RandomState;

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
    /// `None` unless it is an array of texts most of which repeat.
    pub fn of(array: &ArrayRef) -> Option<Self> {
        if let Some(texts) = array.as_string_view_opt() {
            let mut recent = Recent::new();
            let views = texts.views();
            return Self::among(texts.len(), |row, known| {
                if texts.is_null(row) {
                    return known.number(None, row);
                }
                let view = views.get(row).copied().unwrap_or_default();
                recent.get(view, || known.number(Some(texts.value(row)), row))
            });
        }
        let texts = array.as_string_opt::<i32>()?;
        Self::among(texts.len(), |row, known| {
            let text = texts.is_valid(row).then(|| texts.value(row));
            known.number(text, row)
        })
    }

    fn among<'t>(
        rows: usize,
        mut number: impl FnMut(usize, &mut Numbers<'t>) -> u32,
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

/// Numbers of texts, and the row in which each stands first.
#[derive(Default)]
struct Numbers<'t> {
    known: HashMap<Option<&'t str>, u32, RandomState>,
    first: Vec<u32>,
}

impl<'t> Numbers<'t> {
    fn number(&mut self, text: Option<&'t str>, row: usize) -> u32 {
        let first = &mut self.first;
        *self.known.entry(text).or_insert_with(|| {
            first.push(row as u32);
            first.len() as u32 - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{StringViewArray, StringViewBuilder};

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
    fn what_does_not_repeat_is_left_alone() {
        assert!(Repeats::of(&texts(|row| Some(row.to_string()))).is_none());
        let numbers: ArrayRef = Arc::new(UInt32Array::from(vec![1; 2000]));
        assert!(Repeats::of(&numbers).is_none());
        assert!(Repeats::of(&texts(|_| None).slice(0, 100)).is_none());
    }
}
