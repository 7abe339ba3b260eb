//! Which keys a join knows, as a bit for each of their range: a look at a bit near others takes a fraction of one into a hash
//! table.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array};
use arrow::datatypes::{DataType as ArrowType, Int32Type, Int64Type};
use helios_base::Result;

use super::bits;

/// Keys of the widest range: two megabytes of bits.
const MOST: u64 = 1 << 24;

/// Keys that are asked together.
const BATCH: usize = 1 << 16;

/// One bit for each key from the least on.
pub(super) struct Members {
    least: i64,
    words: Vec<u64>,
}

/// Whether so many keys may become [`Members`], and are worth it where so many rows asked for theirs already: asking for all of
/// them then doubles at most what was spent.
pub(super) fn is_worth(range: &RangeInclusive<i64>, asked: usize) -> bool {
    let span = range.end().checked_sub(*range.start());
    let span = span.and_then(|span| u64::try_from(span).ok());
    span.is_some_and(|span| span < MOST && span / 2 < asked as u64)
}

impl Members {
    /// Asks for each key of a range; `None` if keys of type `ty` cannot be made.
    pub(super) fn among(
        range: RangeInclusive<i64>,
        ty: &ArrowType,
        mut ask: impl FnMut(ArrayRef) -> Result<BooleanArray>,
    ) -> Result<Option<Self>> {
        let least = *range.start();
        let mut words = Vec::new();
        let mut keys = range.peekable();
        while keys.peek().is_some() {
            // Whole words at a time.
            let some = keys.by_ref().take(BATCH);
            let some: ArrayRef = match ty {
                ArrowType::Int64 => Arc::new(Int64Array::from_iter_values(some)),
                ArrowType::Int32 => {
                    let some = some.map(i32::try_from).collect::<Result<Vec<_>, _>>();
                    match some {
                        Ok(some) => Arc::new(Int32Array::from(some)),
                        Err(_) => return Ok(None),
                    }
                }
                _ => return Ok(None),
            };
            let holds = ask(some)?;
            let count = holds.len().div_ceil(64);
            // An empty word follows those of whole ones.
            words.extend(holds.values().bit_chunks().iter_padded().take(count));
        }
        Ok(Some(Self { least, words }))
    }

    /// The rows whose key is one of them; `None` if they are of another type.
    pub(super) fn select(&self, keys: &ArrayRef) -> Option<BooleanArray> {
        let has = |key: i64| {
            let at = key.wrapping_sub(self.least).cast_unsigned();
            let word = usize::try_from(at >> 6).ok();
            let word = word.and_then(|word| self.words.get(word));
            word.is_some_and(|word| word >> (at & 63) & 1 != 0)
        };
        let chosen = match keys.data_type() {
            ArrowType::Int64 => bits::of(keys.as_primitive_opt::<Int64Type>()?.values(), has),
            ArrowType::Int32 => {
                let keys = keys.as_primitive_opt::<Int32Type>()?;
                bits::of(keys.values(), |key| has(i64::from(key)))
            }
            _ => return None,
        };
        let chosen = match keys.nulls() {
            Some(nulls) => &chosen & nulls.inner(),
            None => chosen,
        };
        Some(BooleanArray::new(chosen, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Guards against bits that stand for another key, at the ends above all.
    #[test]
    fn they_are_the_keys_that_were_asked_for() {
        let mut rng = fastrand::Rng::with_seed(16);
        for (least, count) in [(-5, 1), (0, 64), (-100, 65), (7, 200_000), (i64::MIN, 300)] {
            let greatest = least + count - 1;
            // Words that are in the wrong place say something else.
            let modulus = [3, 5, 7][rng.usize(0..3)];
            let wanted = |key: i64| key.rem_euclid(modulus) == 1;
            let is_32 = least > i64::from(i32::MIN);
            let ty = [ArrowType::Int64, ArrowType::Int32][usize::from(is_32 && rng.bool())].clone();
            let ask = |keys: ArrayRef| {
                let keys = arrow::compute::cast(&keys, &ArrowType::Int64).unwrap();
                let keys = keys.as_primitive::<Int64Type>();
                Ok(keys.values().iter().map(|key| Some(wanted(*key))).collect())
            };
            let members = Members::among(least..=greatest, &ty, ask).unwrap().unwrap();
            let around = [
                least.saturating_sub(1),
                least,
                greatest,
                greatest + 1,
                i64::MAX,
            ];
            let mut some: Vec<Option<i64>> = around.into_iter().map(Some).collect();
            some.extend((0..300).map(|_| (rng.u8(0..5) > 0).then(|| rng.i64(least..=greatest))));
            let keys: ArrayRef = Arc::new(Int64Array::from(some.clone()));
            let keys = arrow::compute::cast(&keys, &ty).unwrap();
            let found = members.select(&keys).unwrap();
            for (row, key) in some.iter().enumerate() {
                // What does not fit the narrower type became a null.
                let key = key.filter(|key| ty == ArrowType::Int64 || i32::try_from(*key).is_ok());
                let is_in = key.is_some_and(|key| (least..=greatest).contains(&key) && wanted(key));
                assert_eq!(found.value(row), is_in, "{key:?} from {least}, {count}");
            }
        }
    }

    #[test]
    fn wide_ranges_and_few_rows_are_not_worth_it() {
        assert!(is_worth(&(0..=1000), 600));
        assert!(!is_worth(&(0..=1000), 400));
        assert!(!is_worth(&(0..=1 << 40), usize::MAX));
        assert!(!is_worth(&(i64::MIN..=i64::MAX), usize::MAX));
        assert!(!is_worth(&RangeInclusive::new(5, 4), usize::MAX));
    }
}
