//! Texts that come again and again within a batch, so that each is computed with once.

use std::collections::HashMap;

use arrow::array::{ArrayRef, AsArray, UInt32Array};
use datafusion::common::hash_utils::RandomState;

/// After so many rows it is seen whether texts repeat.
const TRIAL: usize = 512;

/// Where each text stands first, and which of these each row has.
pub(super) struct Repeats {
    pub first: Vec<u32>,
    pub of: UInt32Array,
}

impl Repeats {
    /// `None` unless it is an array of texts most of which repeat.
    pub fn of(array: &ArrayRef) -> Option<Self> {
        if let Some(texts) = array.as_string_view_opt() {
            return Self::among(texts.iter());
        }
        array
            .as_string_opt::<i32>()
            .and_then(|texts| Self::among(texts.iter()))
    }

    fn among<'t>(texts: impl ExactSizeIterator<Item = Option<&'t str>>) -> Option<Self> {
        if texts.len() < TRIAL {
            return None;
        }
        let mut known: HashMap<Option<&str>, u32, RandomState> = HashMap::default();
        let (mut first, mut of) = (Vec::new(), Vec::with_capacity(texts.len()));
        for (row, text) in texts.enumerate() {
            if row == TRIAL && first.len() * 2 > TRIAL {
                return None;
            }
            let number = *known.entry(text).or_insert_with(|| {
                first.push(row as u32);
                first.len() as u32 - 1
            });
            of.push(number);
        }
        let of = of.into();
        Some(Self { first, of })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array, StringViewArray};

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
    fn what_does_not_repeat_is_left_alone() {
        assert!(Repeats::of(&texts(|row| Some(row.to_string()))).is_none());
        let numbers: ArrayRef = Arc::new(UInt32Array::from(vec![1; 2000]));
        assert!(Repeats::of(&numbers).is_none());
        assert!(Repeats::of(&texts(|_| None).slice(0, 100)).is_none());
    }
}
