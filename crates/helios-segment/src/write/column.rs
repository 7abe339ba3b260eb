//! The columns of a chunk, each compressed by itself, several at a time.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};

use crate::choose::{Before, Choice, ColumnOptions, compress};
use crate::coded::Coded;
use crate::error::{Error, Result};
use crate::parallel::in_parallel;
use crate::stats::{Sketch, Zone};

/// Strings are coded if there are so many rows to each different one.
const SHARE: usize = 8;

/// A compressed column and what is known of it.
pub(super) struct Made {
    pub choice: Choice,
    pub sketch: Sketch,
    pub zone: Zone,
}

/// What the columns of a chunk are compressed by.
pub(super) struct Making<'w> {
    /// Per column; those beyond are as by default.
    pub options: &'w [ColumnOptions],
    /// Per column: what was chosen for the chunks before.
    pub before: &'w [Option<Before>],
    /// Per column: bytes of the chunks before.
    pub raw: &'w [u64],
    /// Rows of the chunks before.
    pub rows: u64,
    /// Rows of the segment, if known.
    pub expected_rows: Option<u64>,
    /// Whether rows may follow those of this chunk.
    pub more: bool,
}

impl Making<'_> {
    /// The columns, in their order, made by up to so many threads.
    pub fn all(&self, columns: &[ArrayRef], threads: usize) -> Result<Vec<Made>> {
        let one = |place: usize| {
            let array = columns.get(place);
            let array = array.ok_or_else(|| Error::invalid("a column that is not there"))?;
            self.one(place, array)
        };
        in_parallel(columns.len(), threads, one)
            .into_iter()
            .collect()
    }

    fn one(&self, place: usize, array: &ArrayRef) -> Result<Made> {
        let options = self.options.get(place).copied().unwrap_or_default();
        let small = self.is_small(place, array, options.threshold);
        let before = self.before.get(place).and_then(Option::as_ref);
        let strings = array.as_string_view_opt();
        let coded = strings.and_then(|strings| Coded::of(strings, strings.len() / SHARE));
        let choice = compress(array, coded.as_ref(), &options, small, before)?;
        let (sketch, zone) = match (strings, &coded) {
            (Some(strings), Some(coded)) => {
                let sketch = Sketch::of_hashes(&coded.hashes);
                let values = coded.values(strings)?;
                let zone = Zone::of(&values, sketch.estimate());
                let nulls = strings.null_count() as u32;
                (sketch, Zone { nulls, ..zone })
            }
            _ => {
                let sketch = Sketch::of(array);
                let zone = Zone::of(array, sketch.estimate());
                (sketch, zone)
            }
        };
        Ok(Made {
            choice,
            sketch,
            zone,
        })
    }

    /// Whether the whole column will be below `threshold`. Without an expected number of rows, a
    /// chunk with others to follow is taken for a part of a large column.
    fn is_small(&self, place: usize, array: &ArrayRef, threshold: u64) -> bool {
        if threshold == 0 {
            return false;
        }
        let here = crate::codec::raw_bytes(array.as_ref()) as u64;
        let known = self.raw.get(place).copied().unwrap_or(0) + here;
        let rows = self.rows + array.len() as u64;
        match self.expected_rows {
            Some(expected) if expected > rows => {
                let whole = u128::from(known) * u128::from(expected) / u128::from(rows.max(1));
                whole < u128::from(threshold)
            }
            None if self.more => false,
            _ => known < threshold,
        }
    }
}
