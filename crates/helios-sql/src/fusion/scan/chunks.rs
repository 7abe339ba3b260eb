//! Rows of segments, column by column.
//!
//! What lies together in a segment is read a chunk at a time: the zones tell whether any row can satisfy the
//! conditions, then the columns that these ask are decoded, and only where rows are left the others.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, BooleanArray, BooleanBufferBuilder, UInt64Array, new_null_array};
use arrow::buffer::{BooleanBuffer, Buffer};
use arrow::compute::and;
use arrow::datatypes::DataType as ArrowType;
use helios_base::{Error, Result, Scn};
use helios_table::columnar::{ChunkRows, SegmentRows, widen};
use helios_version::{ColdRows, Stretch};

use super::batches::Source;
use super::exec::Output;
use super::filter::RowFilter;
use super::ready::{Ready, filtered, predicate};
use super::sieve::Sieve;
use crate::fusion::error::from_arrow;
use crate::session::Interrupt;

/// The first rows that a part of a scan reads: it may not be asked for more.
const STEP_FIRST: usize = 4 * 1024;

/// Where one row of so many is left, only those are decoded of the other columns.
const FEW: usize = 32;

/// Where one row of so many is left, what was learnt is asked of those alone.
const SPARSE: usize = 4;

/// A stretch of one part of so many of a chunk, or more, is worth decoding the whole chunk, which may be kept.
const PART: usize = 4;

/// How many rows of a chunk are read together: few at first, then twice as many each time; a chunk at a time
/// where no limit is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    rows: usize,
    limited: bool,
}

/// A segment whose rows lie in another order than that of their keys, which several parts of a scan read: each takes a
/// chunk when it has none.
pub(super) struct SharedSegment {
    rows: Arc<dyn ColdRows>,
    places: Range<u64>,
    scn: Scn,
    kept: Option<(u64, BooleanBuffer)>,
    /// The next chunk that nobody has.
    next: AtomicUsize,
}

impl SharedSegment {
    /// # Errors
    /// `Io`, `Corrupt`.
    pub(super) fn new(stretch: Stretch) -> Result<Self> {
        let Chunks {
            rows,
            places,
            scn,
            kept,
            ..
        } = Chunks::new(stretch)?;
        Ok(Self {
            rows,
            places,
            scn,
            kept,
            next: AtomicUsize::new(0),
        })
    }

    /// The places of the next chunk that nobody has taken, as far as they are to be read.
    fn take(&self) -> Result<Option<Range<u64>>> {
        let segment = self.rows.as_any().downcast_ref::<SegmentRows>();
        let segment = segment.ok_or_else(unknown)?;
        loop {
            let chunk = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(all) = segment.chunk_places(chunk) else {
                return Ok(None);
            };
            let places = all.start.max(self.places.start)..all.end.min(self.places.end);
            if !places.is_empty() {
                return Ok(Some(places));
            }
        }
    }
}

fn unknown() -> Error {
    Error::internal("a segment of an unknown kind")
}

/// A stretch of a segment that is being read.
pub(super) struct Chunks {
    rows: Arc<dyn ColdRows>,
    /// Where more places come from, if others read of it as well.
    shared: Option<Arc<SharedSegment>>,
    /// Still to be read.
    places: Range<u64>,
    scn: Scn,
    /// Which places count, from that one on; all if absent.
    kept: Option<(u64, BooleanBuffer)>,
    /// Rows of a chunk that are still to be handed on.
    ready: Option<Ready>,
    /// Chunks that were read, and those that zones ruled out.
    pub(super) read: usize,
    pub(super) pruned: usize,
    /// Rows that were left out because of what was learnt.
    pub(super) sifted: usize,
    /// Rows that do not count because others took their places.
    pub(super) hidden: usize,
}

/// Some rows of a chunk.
struct Piece<'a> {
    cold: &'a Arc<dyn ColdRows>,
    segment: &'a SegmentRows,
    chunk: usize,
    rows: Range<usize>,
    /// Whether all of the chunk is decoded, and kept if there is room.
    kept: bool,
}

/// What rows of segments are read with.
pub(super) struct Reading<'a> {
    pub(super) source: &'a Source,
    pub(super) sieves: &'a mut [Sieve],
    pub(super) step: &'a mut Step,
    pub(super) interrupt: &'a Interrupt,
}

impl Step {
    /// For a scan of which so many rows are wanted.
    pub(super) fn new(limit: Option<usize>) -> Self {
        Self {
            rows: limit.map_or(STEP_FIRST, |limit| limit.clamp(64, STEP_FIRST)),
            limited: limit.is_some(),
        }
    }

    /// Some of these rows of a chunk of so many, and whether all of the chunk are worth decoding.
    fn take(&mut self, rows: Range<usize>, chunk: usize) -> (Range<usize>, bool) {
        if !self.limited && rows.len().saturating_mul(PART) >= chunk {
            return (rows, true);
        }
        let end = rows.end.min(rows.start.saturating_add(self.rows));
        self.rows = self.rows.saturating_mul(2);
        (rows.start..end, false)
    }
}

impl Chunks {
    /// # Errors
    /// `Io`, `Corrupt`.
    pub(super) fn new(stretch: Stretch) -> Result<Self> {
        let segment = stretch.rows.as_any().downcast_ref::<SegmentRows>();
        let (places, kept) = match segment {
            Some(segment) => segment.lying(stretch.places, stretch.kept)?,
            None => return Err(unknown()),
        };
        let kept = kept.map(|words| {
            let all = words.len() * 64;
            let count = usize::try_from(places.end - places.start).unwrap_or(all);
            let bits = BooleanBuffer::new(Buffer::from_vec(words), 0, count.min(all));
            (places.start, bits)
        });
        Ok(Self {
            rows: stretch.rows,
            shared: None,
            places,
            scn: stretch.scn,
            kept,
            ready: None,
            read: 0,
            pruned: 0,
            sifted: 0,
            hidden: 0,
        })
    }

    /// Those chunks of a segment that no other part takes.
    pub(super) fn shared(segment: Arc<SharedSegment>) -> Self {
        let (rows, kept) = (Arc::clone(&segment.rows), segment.kept.clone());
        Self {
            rows,
            places: 0..0,
            scn: segment.scn,
            kept,
            shared: Some(segment),
            ready: None,
            read: 0,
            pruned: 0,
            sifted: 0,
            hidden: 0,
        }
    }

    /// Which of the next rows count, and how many do not; `None`: all do.
    fn kept(&self, rows: usize) -> Option<(BooleanArray, usize)> {
        let (first, bits) = self.kept.as_ref()?;
        let from = usize::try_from(self.places.start - first).ok()?;
        let bits = bits.slice(from, rows.min(bits.len().checked_sub(from)?));
        let hidden = bits.len() - bits.count_set_bits();
        (hidden > 0).then(|| (BooleanArray::new(bits, None), hidden))
    }

    /// What `take` takes of the next rows that it finds something in.
    pub(super) fn next<T>(
        &mut self,
        reading: &mut Reading<'_>,
        mut take: impl FnMut(&mut Ready) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let Reading {
            source,
            sieves,
            step,
            interrupt,
        } = reading;
        loop {
            if let Some(ready) = &mut self.ready {
                if let Some(taken) = take(ready)? {
                    return Ok(Some(taken));
                }
                self.ready = None;
            }
            if self.places.is_empty() {
                match &self.shared {
                    Some(shared) => match shared.take()? {
                        Some(places) => self.places = places,
                        None => return Ok(None),
                    },
                    None => return Ok(None),
                }
            }
            interrupt.check()?;
            let rows_of = Arc::clone(&self.rows);
            let Some(segment) = rows_of.as_any().downcast_ref::<SegmentRows>() else {
                return Err(unknown());
            };
            let Some((chunk, whole)) = segment.piece(&self.places) else {
                return Err(Error::internal("a segment ends too early"));
            };
            for sieve in &mut **sieves {
                sieve.refresh()?;
            }
            let is_out = |filter: &RowFilter| is_ruled_out(filter, source, segment, chunk);
            let range = if source.filters.iter().any(is_out) {
                self.pruned += 1;
                whole
            } else if sieves.iter().any(|sieve| sieve.is_ruled_out(is_out)) {
                self.pruned += 1;
                self.sifted += whole.len();
                whole
            } else {
                let (rows, kept) = step.take(whole, segment.rows_of(chunk));
                let piece = Piece {
                    cold: &rows_of,
                    segment,
                    chunk,
                    rows,
                    kept,
                };
                self.read += usize::from(piece.rows.start == 0 || self.read == 0);
                let kept = self.kept(piece.rows.len());
                self.hidden += kept.as_ref().map_or(0, |(_, hidden)| *hidden);
                let kept = kept.map(|(kept, _)| kept);
                self.ready = piece.read(source, sieves, self.scn, kept, &mut self.sifted)?;
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
        let rows = self.rows.clone();
        let rows = match self.kept {
            true => ChunkRows::Kept(rows),
            false => ChunkRows::Range(rows),
        };
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
            Output::KeyOutside => Ok(new_null_array(&ArrowType::BinaryView, self.rows.len())),
            Output::Place(places) => {
                let first = places.add(self.cold, self.chunk);
                let rows = self.rows.start as u64..self.rows.end as u64;
                Ok(Arc::new(UInt64Array::from_iter_values(
                    rows.map(|row| first + row),
                )))
            }
        }
    }

    /// The places in the chunk of the rows that are wanted, if these are few.
    fn few(&self, wanted: Option<&BooleanArray>) -> Option<Vec<u32>> {
        let wanted = wanted.filter(|wanted| wanted.true_count() <= self.rows.len() / FEW)?;
        let places = wanted.values().set_indices();
        let place = |at: usize| u32::try_from(self.rows.start + at).ok();
        places.map(place).collect()
    }

    /// As [`Piece::read`] of few rows, of which conditions are asked alone.
    fn read_few(
        &self,
        source: &Source,
        sieves: &mut [Sieve],
        these: &[u32],
        sifted: &mut usize,
    ) -> Result<Option<Ready>> {
        let rows = these.len();
        let mut read = Decoded::default();
        let column = |position: usize, read: &mut Decoded| {
            read.get(position, || {
                let rows = ChunkRows::These(these);
                self.segment
                    .column(&source.table, position, self.chunk, &rows)
            })
        };
        let mut wanted = None;
        for condition in &source.filters {
            let column = column(condition.position, &mut read)?;
            if !narrow(&mut wanted, condition.select(&column)?)? {
                return Ok(None);
            }
        }
        let left =
            |wanted: &Option<BooleanArray>| wanted.as_ref().map_or(rows, BooleanArray::true_count);
        let before = left(&wanted);
        for condition in sieves.iter().flat_map(Sieve::tests) {
            let column = column(condition.position, &mut read)?;
            if !narrow(&mut wanted, condition.select(&column)?)? {
                *sifted += before;
                return Ok(None);
            }
        }
        let output = |output: &Output, read: &mut Decoded| match output {
            Output::Column { position, .. } => column(*position, read),
            Output::KeyOutside => Ok(new_null_array(&ArrowType::BinaryView, rows)),
            Output::Place(places) => {
                let first = places.add(self.cold, self.chunk);
                let places = these.iter().map(|row| first + u64::from(*row));
                Ok(Arc::new(UInt64Array::from_iter_values(places)) as ArrayRef)
            }
            Output::Key => Err(Error::internal("keys of few rows of a segment")),
        };
        for sieve in sieves {
            let Some(inputs) = sieve.inputs(&source.outputs) else {
                continue;
            };
            let inputs = inputs
                .map(|input| widen(&output(input, &mut read)?))
                .collect::<Result<Vec<_>>>()?;
            let holds = sieve.select(inputs, rows, wanted.as_ref())?;
            if !narrow(&mut wanted, holds)? {
                *sifted += before;
                return Ok(None);
            }
        }
        let count = left(&wanted);
        *sifted += before - count;
        if count == 0 {
            return Ok(None);
        }
        let arrays = source.outputs.iter().map(|of| output(of, &mut read));
        let arrays = arrays.collect::<Result<_>>()?;
        let wanted = wanted.filter(|_| count < rows);
        let wanted = wanted.map(|wanted| (wanted, count));
        Ok(Some(Ready::new(arrays, rows, wanted)))
    }

    /// The rows that satisfy all conditions: the columns that these ask are decoded first, and of
    /// the others only what is left, if that is little.
    fn read(
        &self,
        source: &Source,
        sieves: &mut [Sieve],
        scn: Scn,
        kept: Option<BooleanArray>,
        sifted: &mut usize,
    ) -> Result<Option<Ready>> {
        let mut read = Decoded::default();
        let mut wanted = self.segment.begun(self.chunk, self.rows.clone(), scn)?;
        if let Some(kept) = kept
            && !narrow(&mut wanted, kept)?
        {
            return Ok(None);
        }
        if let Some(few) = self.few(wanted.as_ref())
            && !source.outputs.iter().any(|o| matches!(o, Output::Key))
        {
            return self.read_few(source, sieves, &few, sifted);
        }
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
                .map(|output| {
                    let input = self.output(source, output, &mut read)?;
                    widen(&input)
                })
                .collect::<Result<Vec<_>>>()?;
            let few = wanted.as_ref().filter(|_| left(&wanted) < total / SPARSE);
            let holds = match few {
                Some(few) => {
                    let predicate = predicate(few, inputs.len());
                    let inputs = filtered(&predicate, inputs)?;
                    scattered(few, &sieve.select(inputs, predicate.count(), None)?)
                }
                None => sieve.select(inputs, total, wanted.as_ref())?,
            };
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
        let Some(these) = &self.few(wanted.as_ref()) else {
            let outputs = source.outputs.iter();
            let arrays = outputs.map(|output| self.output(source, output, &mut read));
            let arrays = arrays.collect::<Result<_>>()?;
            let wanted = wanted.map(|wanted| (wanted, count));
            return Ok(Some(Ready::new(arrays, total, wanted)));
        };
        let predicate = wanted.map(|wanted| predicate(&wanted, source.outputs.len()));
        let mut arrays = Vec::with_capacity(source.outputs.len());
        for output in source.outputs.iter() {
            if let Output::Column { position, .. } = output
                && !read.has(*position)
                && !(self.kept
                    && self
                        .segment
                        .has_column(&source.table, *position, self.chunk))
            {
                let rows = ChunkRows::These(these);
                let column = self
                    .segment
                    .column(&source.table, *position, self.chunk, &rows)?;
                arrays.push(column);
                continue;
            }
            let array = self.output(source, output, &mut read)?;
            arrays.push(match &predicate {
                Some(predicate) => predicate.filter(&array).map_err(from_arrow)?,
                None => array,
            });
        }
        Ok(Some(Ready::new(arrays, count, None)))
    }
}

/// Of all rows those that `holds` has, whose values belong to the wanted rows alone.
fn scattered(wanted: &BooleanArray, holds: &BooleanArray) -> BooleanArray {
    let mut all = BooleanBufferBuilder::new(wanted.len());
    all.append_n(wanted.len(), false);
    for (at, place) in wanted.values().set_indices().enumerate() {
        if holds.value(at) {
            all.set_bit(place, true);
        }
    }
    BooleanArray::new(all.finish(), None)
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
