//! Rows of segments, column by column.
//!
//! What lies together in a segment is read a chunk at a time: the zones tell whether any row can satisfy the
//! conditions, then the columns that these ask are decoded, and only where rows are left the others.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{and, filter};
use arrow::datatypes::SchemaRef;
use helios_base::{Error, Result, Scn};
use helios_table::columnar::SegmentRows;
use helios_version::{ColdRows, Stretch};

use super::batches::Source;
use super::exec::Output;
use crate::fusion::error::from_arrow;
use crate::session::Interrupt;

/// A stretch of a segment that is being read.
pub(super) struct Chunks {
    rows: Arc<dyn ColdRows>,
    /// Still to be read.
    places: Range<u64>,
    scn: Scn,
    /// Rows of a chunk that satisfy all conditions and are still to be handed on.
    ready: Option<RecordBatch>,
    /// Chunks that were read, and those that zones ruled out.
    pub(super) read: usize,
    pub(super) pruned: usize,
}

impl Chunks {
    pub(super) fn new(stretch: Stretch) -> Self {
        Self {
            rows: stretch.rows,
            places: stretch.places,
            scn: stretch.scn,
            ready: None,
            read: 0,
            pruned: 0,
        }
    }

    /// The next rows, at most `wanted`.
    pub(super) fn next(
        &mut self,
        source: &Source,
        schema: &SchemaRef,
        wanted: usize,
        interrupt: &Interrupt,
    ) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(ready) = self.ready.take() {
                let rows = ready.num_rows();
                if rows > wanted {
                    self.ready = Some(ready.slice(wanted, rows - wanted));
                }
                return Ok(Some(ready.slice(0, rows.min(wanted))));
            }
            if self.places.is_empty() {
                return Ok(None);
            }
            interrupt.check()?;
            let rows = Arc::clone(&self.rows);
            let Some(segment) = rows.as_any().downcast_ref::<SegmentRows>() else {
                return Err(Error::internal("a segment of an unknown kind"));
            };
            let Some((chunk, range)) = segment.piece(&self.places) else {
                return Err(Error::internal("a segment ends too early"));
            };
            self.places.start += range.len() as u64;
            interrupt.advance(range.len() as u64);
            if is_ruled_out(source, segment, chunk) {
                self.pruned += 1;
                continue;
            }
            self.read += 1;
            self.ready = read(source, schema, segment, chunk, &range, self.scn)?;
        }
    }
}

/// Whether the zones tell that no row of the chunk satisfies the conditions.
fn is_ruled_out(source: &Source, segment: &SegmentRows, chunk: usize) -> bool {
    source.filters.iter().any(|filter| {
        let column = source.table.columns.get(filter.position);
        let zone = column.and_then(|column| segment.zone(column.id, &column.ty, chunk));
        zone.is_some_and(|zone| !filter.may_hold(&zone))
    })
}

fn read(
    source: &Source,
    schema: &SchemaRef,
    segment: &SegmentRows,
    chunk: usize,
    range: &Range<usize>,
    scn: Scn,
) -> Result<Option<RecordBatch>> {
    let mut read: Vec<(usize, ArrayRef)> = Vec::new();
    let mut column = |position: usize| -> Result<ArrayRef> {
        if let Some((_, array)) = read.iter().find(|(known, _)| *known == position) {
            return Ok(Arc::clone(array));
        }
        let array = segment.column(&source.table, position, chunk, range.clone())?;
        read.push((position, Arc::clone(&array)));
        Ok(array)
    };
    let mut wanted = segment.begun(chunk, range.clone(), scn)?;
    for condition in &source.filters {
        let holds = condition.select(&column(condition.position)?)?;
        let both = match &wanted {
            Some(before) => and(before, &holds).map_err(from_arrow)?,
            None => holds,
        };
        if both.true_count() == 0 {
            return Ok(None);
        }
        wanted = Some(both);
    }
    let wanted = wanted.filter(|wanted: &BooleanArray| wanted.true_count() < wanted.len());
    let count = (wanted.as_ref()).map_or(range.len(), BooleanArray::true_count);
    if count == 0 {
        return Ok(None);
    }
    let mut arrays = Vec::with_capacity(source.outputs.len());
    for output in source.outputs.iter() {
        let array = match output {
            Output::Column { position, .. } => column(*position)?,
            Output::Key => segment.keys(chunk, range.clone())?,
        };
        arrays.push(match &wanted {
            Some(wanted) => filter(&array, wanted).map_err(from_arrow)?,
            None => array,
        });
    }
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)
        .map(Some)
        .map_err(from_arrow)
}
