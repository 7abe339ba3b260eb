//! Where rows of one key end, of rows in the order of their keys.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, UInt32Array};
use arrow::datatypes::{DataType as ArrowType, Date32Type, Int16Type, Int32Type, Int64Type};
use datafusion::common::{Result as DfResult, internal_err};

use super::terms::{BLOCK, Computed, Numbered, Terms};

/// Runs of rows of one key.
#[derive(Default)]
pub(super) struct Ends {
    /// 1 for rows that are the last of theirs.
    is_last: Vec<u8>,
    /// Behind the last row of each run.
    ends: Vec<u32>,
}

impl Ends {
    /// Whether keys may be of this type.
    pub(super) fn serves(ty: &ArrowType) -> bool {
        matches!(
            ty,
            ArrowType::Int16 | ArrowType::Int32 | ArrowType::Int64 | ArrowType::Date32
        )
    }

    /// Finds the runs of keys, none of which is `NULL`.
    pub(super) fn find(&mut self, keys: &ArrayRef) -> DfResult<()> {
        if keys.null_count() > 0 {
            return internal_err!("a key that is NULL");
        }
        match keys.data_type() {
            ArrowType::Int16 => self.of(values::<Int16Type>(keys)),
            ArrowType::Int32 => self.of(values::<Int32Type>(keys)),
            ArrowType::Int64 => self.of(values::<Int64Type>(keys)),
            ArrowType::Date32 => self.of(values::<Date32Type>(keys)),
            other => return internal_err!("keys that are {other}"),
        }
        Ok(())
    }

    fn of<T: Copy + PartialEq>(&mut self, keys: &[T]) {
        self.is_last.clear();
        let next = keys.iter().skip(1);
        let differs = keys
            .iter()
            .zip(next)
            .map(|(key, next)| u8::from(key != next));
        self.is_last.extend(differs);
        self.is_last.extend(keys.last().map(|_| 1));
        let count: usize = self.is_last.iter().map(|last| usize::from(*last)).sum();
        self.ends.clear();
        // Each row says where its run ends until the next one does: no branch has to be foreseen.
        self.ends.resize(count + 1, 0);
        let mut run = 0;
        for (row, last) in self.is_last.iter().enumerate() {
            if let Some(end) = self.ends.get_mut(run) {
                *end = row as u32 + 1;
            }
            run += usize::from(*last);
        }
        self.ends.truncate(count);
    }

    /// How many runs there are.
    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    /// The last row of each run.
    pub(super) fn last_rows(&self) -> UInt32Array {
        UInt32Array::from_iter_values(self.ends.iter().map(|end| end.saturating_sub(1)))
    }

    /// How many rows each run has.
    pub(super) fn lengths(&self) -> impl Iterator<Item = u32> + '_ {
        let starts = std::iter::once(&0).chain(&self.ends);
        self.ends.iter().zip(starts).map(|(end, start)| end - start)
    }

    /// The run of each row.
    pub(super) fn groups(&self) -> Vec<usize> {
        let mut run = 0;
        let mut groups = Vec::with_capacity(self.is_last.len());
        for last in &self.is_last {
            groups.push(run);
            run += usize::from(*last);
        }
        groups
    }

    /// The sums of terms by run; `None` if one may not fit.
    pub(super) fn sums(
        &self,
        terms: &Terms,
        summed: &[usize],
        inputs: &[Numbered<'_>],
        computed: &mut Computed,
    ) -> Option<Vec<Vec<i64>>> {
        let rows = self.is_last.len();
        // No run has more rows than there are.
        let more = usize::BITS - rows.leading_zeros();
        let mut sums = vec![vec![0i64; self.count() + 1]; summed.len()];
        let mut totals = vec![0i64; summed.len()];
        let mut first = 0;
        for (block, is_last) in self.is_last.chunks(BLOCK).enumerate() {
            if !terms.compute(inputs, block * BLOCK, is_last.len(), computed) {
                return None;
            }
            let mut run = first;
            for ((term, sums), total) in summed.iter().zip(&mut sums).zip(&mut totals) {
                let (values, bits) = computed.term(*term)?;
                if bits + more >= i64::BITS {
                    return None;
                }
                // The sum of all rows up to the end of each run, of which the difference is that of the run even if it wraps around.
                run = first;
                let mut sum = *total;
                for (value, last) in values.iter().zip(is_last) {
                    sum = sum.wrapping_add(*value);
                    if let Some(to) = sums.get_mut(run) {
                        *to = sum;
                    }
                    run += usize::from(*last);
                }
                *total = sum;
            }
            first = run;
        }
        for sums in &mut sums {
            sums.truncate(self.count());
            let mut before = 0;
            for sum in sums {
                let total = *sum;
                *sum = total.wrapping_sub(before);
                before = total;
            }
        }
        Some(sums)
    }
}

fn values<T: ArrowPrimitiveType>(keys: &ArrayRef) -> &[T::Native] {
    keys.as_primitive_opt::<T>()
        .map_or(&[], |keys| keys.values())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, Int64Array};

    use super::*;

    // Guards against rows that are added to the run before or after theirs, at the borders of blocks too.
    #[test]
    fn sums_are_those_of_runs() {
        let mut rng = fastrand::Rng::with_seed(9);
        for round in 0..300 {
            let rows = [0, 1, 2, BLOCK, BLOCK + 1, rng.usize(0..3000)][rng.usize(0..6)];
            let length = [1, 2, 7, 700][round % 4];
            let mut key = -5;
            let keys: Vec<i32> = (0..rows)
                .map(|_| {
                    key += i32::from(rng.u32(0..length) == 0);
                    key
                })
                .collect();
            let most = rng.u32(1..63);
            let values: Vec<i64> = (0..rows).map(|_| rng.i64(..) >> most).collect();
            let mut ends = Ends::default();
            let array: ArrayRef = Arc::new(Int32Array::from(keys.clone()));
            ends.find(&array).unwrap();
            let mut wanted: Vec<(i32, i128, u32)> = Vec::new();
            for (key, value) in keys.iter().zip(&values) {
                match wanted.last_mut() {
                    Some((last, sum, count)) if last == key => {
                        *sum += i128::from(*value);
                        *count += 1;
                    }
                    _ => wanted.push((*key, i128::from(*value), 1)),
                }
            }
            assert_eq!(ends.count(), wanted.len());
            let last = ends.last_rows();
            let found: Vec<i32> = last
                .values()
                .iter()
                .map(|row| keys[*row as usize])
                .collect();
            assert_eq!(found, wanted.iter().map(|run| run.0).collect::<Vec<_>>());
            assert_eq!(
                ends.lengths().collect::<Vec<_>>(),
                wanted.iter().map(|run| run.2).collect::<Vec<_>>()
            );
            let mut terms = Terms::default();
            let term = terms.column(0);
            let array: ArrayRef = Arc::new(Int64Array::from(values));
            let inputs = [Numbered::of(&array).unwrap()];
            match ends.sums(&terms, &[term, term], &inputs, &mut terms.room()) {
                Some(sums) => {
                    let sums: Vec<i128> = sums[1].iter().map(|sum| i128::from(*sum)).collect();
                    assert_eq!(sums, wanted.iter().map(|run| run.1).collect::<Vec<_>>());
                }
                None => assert!(most < 16),
            }
        }
    }
}
