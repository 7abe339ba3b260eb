//! Rows of a scan that are to be handed on.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{FilterBuilder, FilterPredicate};
use arrow::datatypes::SchemaRef;
use helios_base::Result;
use helios_table::columnar::widen;

use crate::fusion::error::from_arrow;

/// Outputs of a scan, perhaps in fewer bits than their types have, of which the wanted rows are handed on a batch at a time: what one batch takes fits into the
/// processor's cache.
#[derive(Default)]
pub(crate) struct Ready {
    arrays: Vec<ArrayRef>,
    rows: usize,
    /// Those that are wanted, and how many; all if absent.
    wanted: Option<(BooleanArray, usize)>,
    next: usize,
}

impl Ready {
    /// Of so many rows the wanted ones, and how many these are; all if absent.
    pub(super) fn new(
        arrays: Vec<ArrayRef>,
        rows: usize,
        wanted: Option<(BooleanArray, usize)>,
    ) -> Self {
        Self {
            arrays,
            rows,
            wanted,
            next: 0,
        }
    }

    /// All rows of a batch.
    pub(super) fn of(batch: RecordBatch) -> Self {
        let (_, arrays, rows) = batch.into_parts();
        Self::new(arrays, rows, None)
    }

    /// The rows, of which nothing is left here.
    pub(super) fn take(&mut self) -> Option<Self> {
        (self.next < self.rows).then(|| std::mem::take(self))
    }

    /// How many rows are wanted.
    pub(super) fn count(&self) -> usize {
        self.wanted.as_ref().map_or(self.rows, |(_, count)| *count)
    }

    /// How many rows are to be handed on, at most.
    pub fn left(&self) -> usize {
        self.rows - self.next
    }

    /// The wanted rows that are to be handed on, all if absent.
    pub fn wanted(&self) -> Option<BooleanBuffer> {
        let (wanted, _) = self.wanted.as_ref()?;
        Some(wanted.values().slice(self.next, self.left()))
    }

    /// The outputs of the rows that are to be handed on, wanted or not.
    pub fn arrays(&self) -> impl Iterator<Item = ArrayRef> + '_ {
        let arrays = self.arrays.iter();
        arrays.map(|array| match self.next {
            0 => Arc::clone(array),
            from => array.slice(from, self.left()),
        })
    }

    /// Hands on rows, wanted or not.
    pub fn advance(&mut self, rows: usize) {
        self.next = self.rows.min(self.next.saturating_add(rows));
    }

    /// Leaves the wanted rows alone, if they are not more than one of so many.
    ///
    /// # Errors
    /// None that arrays of one length raise.
    pub fn settle(&mut self, sparse: usize) -> Result<()> {
        let few = |(_, count): &(_, usize)| count.saturating_mul(sparse) <= self.rows;
        if self.next > 0 || !self.wanted.as_ref().is_some_and(few) {
            return Ok(());
        }
        if let Some((wanted, count)) = self.wanted.take() {
            let predicate = predicate(&wanted, self.arrays.len());
            self.arrays = filtered(&predicate, std::mem::take(&mut self.arrays))?;
            self.rows = count;
        }
        Ok(())
    }

    /// The next wanted rows, at most so many.
    pub fn batch(&mut self, schema: &SchemaRef, most: usize) -> Result<Option<RecordBatch>> {
        let most = most.max(1);
        while self.next < self.rows {
            let from = self.next;
            let rest = self.rows - from;
            let Some((wanted, count)) = &self.wanted else {
                let rows = rest.min(most);
                self.next += rows;
                let arrays = self.arrays.iter().map(|array| array.slice(from, rows));
                return batch(schema, arrays.collect(), rows).map(Some);
            };
            // About as many as make a batch, if the wanted ones are spread evenly.
            let even = most.saturating_mul(self.rows) / (*count).max(1);
            let mut rows = (even - even / 8).clamp(most, rest.max(most)).min(rest);
            let mut part = wanted.slice(from, rows);
            while part.true_count() > most {
                rows /= 2;
                part = wanted.slice(from, rows);
            }
            self.next += rows;
            let predicate = predicate(&part, self.arrays.len());
            if predicate.count() == 0 {
                continue;
            }
            let arrays = self.arrays.iter().map(|array| array.slice(from, rows));
            let arrays = filtered(&predicate, arrays.collect())?;
            return batch(schema, arrays, predicate.count()).map(Some);
        }
        Ok(None)
    }
}

fn batch(schema: &SchemaRef, arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let arrays = arrays.iter().map(widen).collect::<Result<_>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options).map_err(from_arrow)
}

/// What leaves the wanted rows of so many arrays.
pub(super) fn predicate(wanted: &BooleanArray, arrays: usize) -> FilterPredicate {
    let builder = FilterBuilder::new(wanted);
    match arrays {
        0 | 1 => builder.build(),
        _ => builder.optimize().build(),
    }
}

pub(super) fn filtered(
    predicate: &FilterPredicate,
    arrays: Vec<ArrayRef>,
) -> Result<Vec<ArrayRef>> {
    let arrays = arrays.iter().map(|array| predicate.filter(array));
    arrays
        .collect::<std::result::Result<_, _>>()
        .map_err(from_arrow)
}
