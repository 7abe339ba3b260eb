//! Rows of a stored table as batches.

use std::ops::{ControlFlow, Range};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::{ArrayRef, BinaryViewBuilder, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::compute::{BatchCoalescer, filter_record_batch};
use arrow::datatypes::SchemaRef;
use datafusion::common::Result as DfResult;
use datafusion::execution::RecordBatchStream;
use datafusion::physical_plan::metrics::{BaselineMetrics, Count, RecordOutput};
use futures::Stream;
use helios_base::Result;
use helios_table::catalog::TableDef;
use helios_table::{KeyRange, StoredRow};
use helios_version::{Apart, Read, RowCursor, RowRef, Run, Stretch};

use super::chunks::{Chunks, Reading, SharedSegment, Step};
use super::exec::Output;
use super::filter::RowFilter;
use super::morsels::{Segments, Taker};
use super::probe::{Keys, Probe};
use super::ready::Ready;
use super::sieve::Sieve;
use crate::fusion::array::ColumnBuilder;
use crate::fusion::error::{from_arrow, to_datafusion};
use crate::session::Interrupt;

/// How many rows go between two looks at the interrupt.
const ROWS_PER_CHECK: usize = 1024;

/// How many rows are looked up together.
const KEYS_AT_ONCE: usize = 256;

/// Batches of less than one part of so many of what they may have are put together with others.
const JOINED: usize = 2;

/// What a scan reads, and which rows of it.
pub(super) struct Source {
    pub(super) table: Arc<TableDef>,
    pub(super) read: Arc<dyn Read>,
    pub(super) outputs: Arc<[Output]>,
    pub(super) filters: Vec<RowFilter>,
    /// Where the rows are, in pieces that the parts share.
    pub(super) pieces: Pieces,
}

impl Source {
    /// The same rows.
    pub(super) fn with_outputs(&self, outputs: Arc<[Output]>) -> Self {
        Self {
            table: Arc::clone(&self.table),
            read: Arc::clone(&self.read),
            outputs,
            filters: self.filters.clone(),
            pieces: self.pieces.clone(),
        }
    }
}

/// Pieces of a scan.
#[derive(Clone)]
pub(super) enum Pieces {
    /// Ranges of the stored key, ascending.
    Ranges(Vec<KeyRange>),
    /// What an index leads to.
    Probe(Arc<Probe>),
}

/// One part of a scan.
pub(crate) struct Batches {
    source: Arc<Source>,
    schema: SchemaRef,
    pieces: Taker,
    /// The piece that is being read.
    piece: Option<Piece>,
    /// Rows of a segment that come before the rest of the piece.
    chunks: Option<Chunks>,
    /// Whether rows may come in any order.
    apart: bool,
    /// How many parts of the scan share each segment whose rows lie in another order than that of their keys.
    shares: usize,
    /// Segments of the pieces before, the next one last, where rows come in any order.
    waiting: Vec<Waiting>,
    /// Rows that do not make a batch yet, of pieces before: likewise.
    begun: Option<(Vec<Builder>, usize)>,
    /// What are batches of few rows each is put together in here, where rows in segments come in turns with others.
    joined: Option<BatchCoalescer>,
    step: Step,
    /// Whether rows of a piece do not come together with those of the next.
    by_piece: bool,
    /// Whether a piece has begun of which no rows were handed on.
    begins: bool,
    /// Conditions that were learnt.
    sieves: Vec<Sieve>,
    batch_rows: usize,
    /// How many rows are still wanted; 0 at the end.
    left: usize,
    interrupt: Interrupt,
    metrics: BaselineMetrics,
    /// Chunks of segments that were read, those that conditions ruled out, rows in them of which others took the
    /// place, and the rows that conditions left out which came to be known while the statement ran.
    counts: [Count; 4],
}

enum Piece {
    Rows(RowCursor),
    /// Rows outside of segments before those in segments.
    Apart(Apart, Turn),
    /// Segments of which others read as well.
    Shared(Segments),
    /// Keys with the numbers that are left.
    Keys(Arc<Keys>, Range<usize>),
}

/// Whose piece it is.
#[derive(Clone, Copy)]
enum Turn {
    /// Nobody else's.
    Alone,
    /// The piece of this number, of which other parts read segments as well.
    First(usize),
    /// Likewise, but another part has the rows outside of segments and all of the other segments.
    Other(usize),
}

/// A segment that comes before the next piece.
enum Waiting {
    Own(Stretch),
    Shared(Arc<SharedSegment>),
}

enum Builder {
    Column(usize, ColumnBuilder),
    Key(BinaryViewBuilder),
    /// Of rows that are in no segment: how many.
    NoPlace(usize),
}

/// A batch in the making.
struct Filling<'a> {
    source: &'a Source,
    sieves: &'a [Sieve],
    builders: Vec<Builder>,
    /// Rows put in.
    count: usize,
    wanted: usize,
    /// Rows looked at, and those that another part looks at.
    seen: usize,
    passed: usize,
    /// Rows left out because of what was learnt.
    sifted: usize,
    interrupt: &'a Interrupt,
}

impl Batches {
    #[allow(clippy::too_many_arguments, reason = "one caller")]
    pub(super) fn new(
        source: Arc<Source>,
        schema: SchemaRef,
        sieves: Vec<Sieve>,
        pieces: Taker,
        (apart, shares): (bool, usize),
        batch_rows: usize,
        limit: Option<usize>,
        interrupt: Interrupt,
        metrics: BaselineMetrics,
        counts: [Count; 4],
    ) -> Self {
        Self {
            source,
            schema,
            pieces,
            piece: None,
            chunks: None,
            apart,
            shares,
            waiting: Vec::new(),
            begun: None,
            joined: None,
            step: Step::new(limit),
            by_piece: false,
            begins: true,
            sieves,
            batch_rows,
            left: limit.unwrap_or(usize::MAX),
            interrupt,
            metrics,
            counts,
        }
    }

    /// The next rows; small batches of a scan in order are put together.
    fn whole_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(joined) = &mut self.joined
                && let Some(batch) = joined.next_completed_batch()
            {
                return Ok(Some(batch));
            }
            let next = match self.left {
                0 => None,
                _ => self.batch()?,
            };
            let Some(batch) = next else {
                self.left = 0;
                let Some(mut joined) = self.joined.take() else {
                    return Ok(None);
                };
                joined.finish_buffered_batch().map_err(from_arrow)?;
                return Ok(joined.next_completed_batch());
            };
            let is_small = batch.num_rows() < self.batch_rows / JOINED;
            let in_turns = matches!(&self.piece, Some(Piece::Rows(rows)) if rows.has_segments());
            let joins = self.joined.is_some() || is_small && in_turns;
            if !joins || batch.num_columns() == 0 {
                return Ok(Some(batch));
            }
            let (schema, rows) = (&self.schema, self.batch_rows);
            let joined = (self.joined).get_or_insert_with(|| {
                let joined = BatchCoalescer::new(Arc::clone(schema), rows);
                joined.with_biggest_coalesce_batch_size(Some(rows / JOINED))
            });
            joined.push_batch(batch).map_err(from_arrow)?;
        }
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>> {
        let (schema, most) = (Arc::clone(&self.schema), self.batch_rows.min(self.left));
        let of_segments = |ready: &mut Ready| {
            let batch = ready.batch(&schema, most)?;
            Ok(batch.map(|batch| (batch.num_rows(), batch)))
        };
        self.next_of(of_segments, |batch| batch)
    }

    /// The next rows: what is made of those of a chunk of a segment, and how many they are, or of a batch of others.
    fn next_of<T>(
        &mut self,
        mut of_segments: impl FnMut(&mut Ready) -> Result<Option<(usize, T)>>,
        of_others: impl FnOnce(RecordBatch) -> T,
    ) -> Result<Option<T>> {
        loop {
            if let Some(chunks) = &mut self.chunks {
                let mut reading = Reading {
                    source: &self.source,
                    sieves: &mut self.sieves,
                    step: &mut self.step,
                    interrupt: &self.interrupt,
                };
                if let Some((rows, next)) = chunks.next(&mut reading, &mut of_segments)? {
                    self.left = self.left.saturating_sub(rows);
                    return Ok(Some(next));
                }
                let [read, pruned, hidden, sifted] = &self.counts;
                read.add(chunks.read);
                pruned.add(chunks.pruned);
                hidden.add(chunks.hidden);
                sifted.add(chunks.sifted);
                self.chunks = None;
            }
            if let Some(next) = self.waiting.pop() {
                self.chunks = Some(match next {
                    Waiting::Own(stretch) => Chunks::new(stretch)?,
                    Waiting::Shared(segment) => Chunks::shared(segment),
                });
                continue;
            }
            match self.rows()? {
                Some(batch) => {
                    if let Some(batch) = self.sift(batch)? {
                        return Ok(Some(of_others(batch)));
                    }
                }
                None if self.chunks.is_none() && self.waiting.is_empty() => return Ok(None),
                None => {}
            }
        }
    }

    /// The next rows as they are kept, a chunk of a segment at a time.
    ///
    /// # Errors
    /// As those of the scan, after which there are no more.
    pub(crate) fn kept(&mut self) -> Result<Option<Ready>> {
        let time = self.metrics.elapsed_compute().clone();
        let _timer = time.timer();
        let of_segments = |ready: &mut Ready| {
            let whole = ready.take();
            Ok(whole.map(|whole| (0, whole)))
        };
        let next = match self.left {
            0 => Ok(None),
            _ => self.next_of(of_segments, Ready::of),
        };
        match &next {
            Ok(Some(ready)) => self.metrics.record_output(ready.count()),
            _ => self.end(),
        }
        next
    }

    /// As [`Batches::kept`] of a scan in order, and whether the rows are the first of a piece: others follow those before without
    /// a gap.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn kept_in_order(&mut self) -> Result<Option<(Ready, bool)>> {
        self.by_piece = true;
        let next = self.kept()?;
        Ok(next.map(|ready| (ready, std::mem::take(&mut self.begins))))
    }

    /// Lets go of everything.
    fn end(&mut self) {
        self.joined = None;
        self.piece = None;
        self.chunks = None;
        self.waiting = Vec::new();
        self.left = 0;
    }

    /// The rows of a batch that satisfy what was learnt, if there are any.
    fn sift(&mut self, mut batch: RecordBatch) -> Result<Option<RecordBatch>> {
        for sieve in &mut self.sieves {
            if let Some(holds) = sieve.of_batch(&batch)? {
                let before = batch.num_rows();
                batch = filter_record_batch(&batch, &holds).map_err(from_arrow)?;
                let [.., sifted] = &self.counts;
                sifted.add(before - batch.num_rows());
            }
        }
        Ok((batch.num_rows() > 0).then_some(batch))
    }

    /// The next rows up to where a stretch of a segment begins.
    fn rows(&mut self) -> Result<Option<RecordBatch>> {
        for sieve in &mut self.sieves {
            sieve.refresh()?;
        }
        let mut filling = Filling::new(
            &self.source,
            &self.sieves,
            self.begun.take(),
            self.batch_rows.min(self.left),
            &self.interrupt,
        );
        while filling.count < filling.wanted {
            let piece = match &mut self.piece {
                Some(piece) => piece,
                None => {
                    let shares = self.apart.then_some(self.shares);
                    match next_piece(&self.source, &self.pieces, shares, &self.interrupt)? {
                        Some(piece) => {
                            self.begins = true;
                            self.piece.insert(piece)
                        }
                        None => {
                            self.left = 0;
                            break;
                        }
                    }
                }
            };
            let flow = match piece {
                Piece::Rows(rows) if rows.has_segments() => {
                    let flow = filling.add_runs(rows, &mut self.chunks)?;
                    if self.chunks.is_some() {
                        break;
                    }
                    flow
                }
                // The other part hands them on.
                Piece::Apart(rows, Turn::Other(_)) => rows.for_each(&mut |_| filling.pass())?,
                Piece::Apart(rows, _) => rows.for_each(&mut |row| filling.add(row))?,
                Piece::Shared(_) => ControlFlow::Continue(()),
                Piece::Rows(rows) => rows.for_each(&mut |row| filling.add(row))?,
                Piece::Keys(keys, numbers) => filling.look_up(keys, numbers)?,
            };
            if flow.is_continue()
                && let Some(done) = self.piece.take()
            {
                self.waiting = done.into_segments(&self.pieces)?;
                if !self.waiting.is_empty() || self.by_piece && filling.count > 0 {
                    break;
                }
            }
        }
        let count = filling.count;
        self.interrupt.advance(filling.seen as u64);
        let [.., sifted] = &self.counts;
        sifted.add(filling.sifted);
        if !self.waiting.is_empty() && count < filling.wanted {
            // The next pieces may have more.
            self.begun = Some((filling.builders, count));
            return Ok(None);
        }
        self.left = self.left.saturating_sub(count);
        if count == 0 {
            return Ok(None);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let arrays = filling.finish();
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map(Some)
            .map_err(from_arrow)
    }
}

impl Piece {
    /// The segments that come behind it, the first one last.
    fn into_segments(self, taker: &Taker) -> Result<Vec<Waiting>> {
        let (stretches, turn) = match self {
            Self::Apart(rows, turn) => (rows.into_stretches(), turn),
            Self::Shared(segments) => {
                let shared = segments.iter().rev().map(Arc::clone);
                return Ok(shared.map(Waiting::Shared).collect());
            }
            Self::Rows(_) | Self::Keys(..) => return Ok(Vec::new()),
        };
        let piece = match turn {
            Turn::Alone => {
                let own = stretches.into_iter().rev();
                return Ok(own.map(Waiting::Own).collect());
            }
            Turn::First(piece) | Turn::Other(piece) => piece,
        };
        // The pieces are cut where the chunks of the others are.
        let (own, shared): (Vec<_>, Vec<_>) =
            (stretches.into_iter()).partition(|stretch| stretch.rows.is_in_order());
        let shared = shared.into_iter().map(SharedSegment::new);
        let shared = taker.share(piece, shared.collect::<Result<_>>()?);
        let mut waiting: Vec<Waiting> = (shared.iter().rev())
            .map(|segment| Waiting::Shared(Arc::clone(segment)))
            .collect();
        if matches!(turn, Turn::First(_)) {
            waiting.extend(own.into_iter().rev().map(Waiting::Own));
        }
        Ok(waiting)
    }
}

/// Takes a piece that is not empty; `shares` tells how many share one where rows may come in any order.
fn next_piece(
    source: &Source,
    taker: &Taker,
    shares: Option<usize>,
    interrupt: &Interrupt,
) -> Result<Option<Piece>> {
    loop {
        let number = taker.take();
        match &source.pieces {
            Pieces::Ranges(ranges) => {
                let of = shares.unwrap_or(1);
                let (piece, is_first) = (number / of, number.is_multiple_of(of));
                let Some(range) = ranges.get(piece) else {
                    return Ok(None);
                };
                if range.is_empty() {
                    continue;
                }
                if !is_first && let Some(shared) = taker.shared(piece) {
                    return Ok(Some(Piece::Shared(shared)));
                }
                let table = source.table.storage;
                let rows = source.read.scan(table, range.bounds(), false)?;
                let turn = match (of, is_first) {
                    (1, _) => Turn::Alone,
                    (_, true) => Turn::First(piece),
                    (_, false) => Turn::Other(piece),
                };
                return Ok(Some(match shares {
                    Some(_) if rows.has_segments() => Piece::Apart(rows.apart()?, turn),
                    _ if !is_first => continue,
                    _ => Piece::Rows(rows),
                }));
            }
            Pieces::Probe(probe) => {
                source.read.require(source.table.storage)?;
                let keys = probe.piece(number, source.read.as_ref(), interrupt)?;
                return Ok(keys.map(|(keys, numbers)| Piece::Keys(keys, numbers)));
            }
        }
    }
}

impl<'a> Filling<'a> {
    /// `begun`: rows that are in it already.
    fn new(
        source: &'a Source,
        sieves: &'a [Sieve],
        begun: Option<(Vec<Builder>, usize)>,
        wanted: usize,
        interrupt: &'a Interrupt,
    ) -> Self {
        let builder = |output: &Output| match output {
            Output::Column { position, shape } => {
                Builder::Column(*position, ColumnBuilder::new(shape, wanted))
            }
            Output::Key | Output::KeyOutside => {
                Builder::Key(BinaryViewBuilder::with_capacity(wanted))
            }
            Output::Place(_) => Builder::NoPlace(0),
        };
        let (builders, count) =
            begun.unwrap_or_else(|| (source.outputs.iter().map(builder).collect(), 0));
        Self {
            source,
            sieves,
            builders,
            count,
            wanted,
            seen: 0,
            passed: 0,
            sifted: 0,
            interrupt,
        }
    }

    /// Passes over a row that another part has.
    #[inline]
    fn pass(&mut self) -> Result<ControlFlow<()>> {
        if self.passed.is_multiple_of(ROWS_PER_CHECK) {
            self.interrupt.check()?;
        }
        self.passed += 1;
        Ok(ControlFlow::Continue(()))
    }

    /// Adds a row if the filters want it; breaks when the batch is full.
    #[inline]
    fn add(&mut self, row: RowRef<'_>) -> Result<ControlFlow<()>> {
        if self.seen.is_multiple_of(ROWS_PER_CHECK) {
            self.interrupt.check()?;
        }
        self.seen += 1;
        if !(self.builders.is_empty() && self.source.filters.is_empty()) {
            let row = StoredRow::from_ref(self.source.table.shape(), row)?;
            for filter in &self.source.filters {
                if !filter.holds(&row)? {
                    return Ok(ControlFlow::Continue(()));
                }
            }
            for test in self.sieves.iter().flat_map(Sieve::tests) {
                if !test.holds(&row)? {
                    self.sifted += 1;
                    return Ok(ControlFlow::Continue(()));
                }
            }
            for builder in &mut self.builders {
                match builder {
                    Builder::Column(position, builder) => {
                        builder.append_field(row.field(*position)?)?;
                    }
                    Builder::Key(builder) => builder.append_value(row.key()),
                    Builder::NoPlace(count) => *count += 1,
                }
            }
        }
        self.count += 1;
        Ok(match self.count < self.wanted {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        })
    }

    /// Adds rows up to where a stretch of a segment begins; breaks there, or when the batch is full.
    fn add_runs(
        &mut self,
        rows: &mut RowCursor,
        chunks: &mut Option<Chunks>,
    ) -> Result<ControlFlow<()>> {
        while let Some(run) = rows.next_run()? {
            let flow = match run {
                Run::Row(row) => self.add(row)?,
                Run::Stretch(stretch) => {
                    *chunks = Some(Chunks::new(stretch)?);
                    ControlFlow::Break(())
                }
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Adds the rows of these keys that are there; breaks when the batch is full.
    fn look_up(&mut self, keys: &Keys, numbers: &mut Range<usize>) -> Result<ControlFlow<()>> {
        let (read, table) = (&self.source.read, self.source.table.storage);
        while numbers.start < numbers.end {
            // As many as there is room for, if all of them are wanted.
            let room = (self.wanted - self.count).min(KEYS_AT_ONCE);
            let some: Vec<&[u8]> = numbers
                .by_ref()
                .take(room)
                .filter_map(|number| keys.get(number))
                .collect();
            read.show_each(table, &some, &mut |_, row| self.add(row).map(drop))?;
            if self.count >= self.wanted {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn finish(self) -> Vec<ArrayRef> {
        let array = |builder| match builder {
            Builder::Column(_, mut builder) => builder.finish(),
            Builder::Key(mut builder) => Arc::new(builder.finish()) as ArrayRef,
            Builder::NoPlace(count) => Arc::new(UInt64Array::from(vec![0; count])),
        };
        self.builders.into_iter().map(array).collect()
    }
}

impl Stream for Batches {
    type Item = DfResult<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let time = self.metrics.elapsed_compute().clone();
        let _timer = time.timer();
        if self.left == 0 && self.joined.is_none() {
            return Poll::Ready(None);
        }
        let batch = self.whole_batch().map_err(to_datafusion).transpose();
        if batch.as_ref().is_none_or(Result::is_err) {
            self.end();
        }
        let batch = batch.map(|batch| batch.record_output(&self.metrics));
        Poll::Ready(batch)
    }
}

impl RecordBatchStream for Batches {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
