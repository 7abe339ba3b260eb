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
use helios_table::columnar::{ChunkRows, SegmentRows};
use helios_version::{ColdRows, Stretch};

use super::batches::Source;
use super::exec::Output;
use super::filter::RowFilter;
use super::sieve::Sieve;
use crate::fusion::error::from_arrow;
use crate::session::Interrupt;

/// The first rows that a part of a scan reads: it may not be asked for more.
const STEP_FIRST: usize = 4 * 1024;

/// Where one row of so many is left, only those are decoded of the other columns.
const FEW: usize = 32;

/// How many rows of a chunk are read together: few at first, then twice as many each time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step(usize);

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
    /// Rows that were left out because of what was learnt.
    pub(super) sifted: usize,
}

/// Some rows of a chunk.
struct Piece<'a> {
    segment: &'a SegmentRows,
    chunk: usize,
    rows: Range<usize>,
}

impl Step {
    /// For a scan of which so many rows are wanted.
    pub(super) fn new(limit: Option<usize>) -> Self {
        Self(limit.map_or(STEP_FIRST, |limit| limit.clamp(64, STEP_FIRST)))
    }

    fn take(&mut self, rows: Range<usize>) -> Range<usize> {
        let end = rows.end.min(rows.start.saturating_add(self.0));
        self.0 = self.0.saturating_mul(2);
        rows.start..end
    }
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
            sifted: 0,
        }
    }

    /// The next rows, at most `wanted`.
    pub(super) fn next(
        &mut self,
        source: &Source,
        sieves: &mut [Sieve],
        schema: &SchemaRef,
        wanted: usize,
        step: &mut Step,
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
            let Some((chunk, whole)) = segment.piece(&self.places) else {
                return Err(Error::internal("a segment ends too early"));
            };
            for sieve in &mut *sieves {
                sieve.refresh()?;
            }
            let is_out = |filter: &RowFilter| is_ruled_out(filter, source, segment, chunk);
            let learnt = || sieves.iter().flat_map(Sieve::tests);
            let range = if source.filters.iter().any(is_out) {
                self.pruned += 1;
                whole
            } else if learnt().any(is_out) {
                self.pruned += 1;
                self.sifted += whole.len();
                whole
            } else {
                let piece = Piece {
                    segment,
                    chunk,
                    rows: step.take(whole),
                };
                self.read += usize::from(piece.rows.start == 0 || self.read == 0);
                self.ready = piece.read(source, sieves, schema, self.scn, &mut self.sifted)?;
                piece.rows
            };
            self.places.start += range.len() as u64;
            interrupt.advance(range.len() as u64);
        }
    }
}

/// Whether the zones tell that no row of the chunk satisfies the condition.
fn is_ruled_out(filter: &RowFilter, source: &Source, segment: &SegmentRows, chunk: usize) -> bool {
    let column = source.table.columns.get(filter.position);
    let zone = column.and_then(|column| segment.zone(column.id, &column.ty, chunk));
    zone.is_some_and(|zone| !filter.may_hold(&zone))
}

impl Piece<'_> {
    fn column(&self, source: &Source, position: usize) -> Result<ArrayRef> {
        let rows = ChunkRows::Range(self.rows.clone());
        self.segment
            .column(&source.table, position, self.chunk, &rows)
    }

    /// An output of the scan for all rows.
    fn output(&self, source: &Source, output: &Output, read: &mut Decoded) -> Result<ArrayRef> {
        match output {
            Output::Column { position, .. } => {
                read.get(*position, || self.column(source, *position))
            }
            Output::Key => self.segment.keys(self.chunk, self.rows.clone()),
        }
    }

    /// The rows that satisfy all conditions: the columns that these ask are decoded first, and of
    /// the others only what is left, if that is little.
    fn read(
        &self,
        source: &Source,
        sieves: &mut [Sieve],
        schema: &SchemaRef,
        scn: Scn,
        sifted: &mut usize,
    ) -> Result<Option<RecordBatch>> {
        let mut read = Decoded::default();
        let mut wanted = self.segment.begun(self.chunk, self.rows.clone(), scn)?;
        let test = |condition: &RowFilter, read: &mut Decoded, wanted: &mut _| {
            let position = condition.position;
            let column = read.get(position, || self.column(source, position))?;
            narrow(wanted, condition.select(&column)?)
        };
        for condition in &source.filters {
            if !test(condition, &mut read, &mut wanted)? {
                return Ok(None);
            }
        }
        let total = self.rows.len();
        let left =
            |wanted: &Option<BooleanArray>| wanted.as_ref().map_or(total, BooleanArray::true_count);
        let before = left(&wanted);
        for condition in sieves.iter().flat_map(Sieve::tests) {
            if !test(condition, &mut read, &mut wanted)? {
                *sifted += before;
                return Ok(None);
            }
        }
        for sieve in sieves {
            let Some(inputs) = sieve.inputs(&source.outputs) else {
                continue;
            };
            let inputs = inputs
                .map(|output| self.output(source, output, &mut read))
                .collect::<Result<Vec<_>>>()?;
            let holds = sieve.select(inputs, total, wanted.as_ref())?;
            if !narrow(&mut wanted, holds)? {
                *sifted += before;
                return Ok(None);
            }
        }
        let count = left(&wanted);
        *sifted += before - count;
        let wanted = wanted.filter(|_| count < total);
        if count == 0 {
            return Ok(None);
        }
        // Places in the chunk of the rows that are left, if these are few.
        let these: Option<Vec<u32>> =
            wanted
                .as_ref()
                .filter(|_| count <= total / FEW)
                .and_then(|wanted| {
                    let places = wanted.values().set_indices();
                    let place = |at: usize| u32::try_from(self.rows.start + at).ok();
                    places.map(place).collect()
                });
        let mut arrays = Vec::with_capacity(source.outputs.len());
        for output in source.outputs.iter() {
            if let (Output::Column { position, .. }, Some(these)) = (output, &these)
                && !read.has(*position)
            {
                let rows = ChunkRows::These(these);
                let column = self
                    .segment
                    .column(&source.table, *position, self.chunk, &rows)?;
                arrays.push(column);
                continue;
            }
            let array = self.output(source, output, &mut read)?;
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
}

/// Leaves of the rows those that `holds` has, too; false if none is left.
fn narrow(wanted: &mut Option<BooleanArray>, holds: BooleanArray) -> Result<bool> {
    let both = match wanted.take() {
        Some(before) => and(&before, &holds).map_err(from_arrow)?,
        None => holds,
    };
    let some = both.true_count() > 0;
    *wanted = Some(both);
    Ok(some)
}

/// Columns by their positions in the table, each decoded once.
#[derive(Default)]
struct Decoded(Vec<(usize, ArrayRef)>);

impl Decoded {
    fn has(&self, position: usize) -> bool {
        self.0.iter().any(|(known, _)| *known == position)
    }

    fn get(
        &mut self,
        position: usize,
        decode: impl FnOnce() -> Result<ArrayRef>,
    ) -> Result<ArrayRef> {
        if let Some((_, array)) = self.0.iter().find(|(known, _)| *known == position) {
            return Ok(Arc::clone(array));
        }
        let array = decode()?;
        self.0.push((position, Arc::clone(&array)));
        Ok(array)
    }
}
