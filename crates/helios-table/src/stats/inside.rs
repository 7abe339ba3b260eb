//! Rows of segments, of which `ANALYZE` decodes a few, column by column.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::BooleanArray;
use helios_arrow::{ColumnReader, Shape};
use helios_base::{Error, Result, Value};
use helios_version::{ColdRows, Stretch};

use super::sample::Random;
use crate::catalog::{ColumnDef, TableDef};
use crate::columnar::{ChunkRows, SegmentRows, sketch_of, widen};

/// A segment's file tells of the rows that count if these are so many of four of its rows, or more.
const MOST: u64 = 3;

/// The rows of segments that count.
#[derive(Default)]
pub(super) struct Inside {
    segments: Vec<OneSegment>,
    rows: u64,
}

struct OneSegment {
    cold: Arc<dyn ColdRows>,
    chunks: Vec<Chunk>,
    rows: u64,
}

/// Rows of a chunk.
struct Chunk {
    number: usize,
    rows: Range<usize>,
    /// Which of them count; all if absent.
    counted: Option<BooleanArray>,
    /// How many do.
    count: usize,
    /// Those that are looked at, by their numbers in the chunk, ascending.
    chosen: Vec<u32>,
}

impl OneSegment {
    fn segment(&self) -> Result<&SegmentRows> {
        segment(&self.cold)
    }

    /// Whether most rows of the file count.
    fn is_mostly_there(&self, segment: &SegmentRows) -> bool {
        self.rows.saturating_mul(4) >= segment.segment().rows().saturating_mul(MOST)
    }
}

fn segment(cold: &Arc<dyn ColdRows>) -> Result<&SegmentRows> {
    let segment = cold.as_any().downcast_ref::<SegmentRows>();
    segment.ok_or_else(|| Error::internal("a segment of an unknown kind"))
}

impl Inside {
    /// # Errors
    /// `Io`, `Corrupt`; those of `interrupt`.
    pub(super) fn of(stretches: Vec<Stretch>, interrupt: &dyn Fn() -> Result<()>) -> Result<Self> {
        let mut inside = Self::default();
        for stretch in stretches {
            let chunks = chunks_of(&stretch, interrupt)?;
            let rows = chunks.iter().map(|chunk| chunk.count as u64).sum();
            inside.rows += rows;
            inside.segments.push(OneSegment {
                cold: stretch.rows,
                chunks,
                rows,
            });
        }
        Ok(inside)
    }

    /// How many rows count.
    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    /// Chooses so many of the rows, of each chunk its share.
    pub(super) fn choose(&mut self, wanted: usize) {
        let (all, mut random) = (u128::from(self.rows), Random::new());
        let upto = |rows: u64| u128::from(rows) * wanted as u128 / all.max(1);
        let mut passed = 0;
        for chunk in self.segments.iter_mut().flat_map(|s| &mut s.chunks) {
            let before = upto(passed);
            passed += chunk.count as u64;
            let share = usize::try_from(upto(passed) - before).unwrap_or(chunk.count);
            chunk.choose(share.min(chunk.count), &mut random);
        }
    }

    /// The values of a column in the rows that were chosen.
    ///
    /// # Errors
    /// `Io`, `Corrupt`; those of `interrupt`.
    pub(super) fn values(
        &self,
        table: &TableDef,
        position: usize,
        interrupt: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Value>> {
        let Some(column) = table.columns.get(position) else {
            return Err(Error::internal("statistics of a column that is gone"));
        };
        let shape = Shape::of(&column.ty);
        let mut values = Vec::new();
        for one in &self.segments {
            let segment = one.segment()?;
            for chunk in one.chunks.iter().filter(|chunk| !chunk.chosen.is_empty()) {
                interrupt()?;
                let rows = ChunkRows::Once(&chunk.chosen);
                let array = segment.column(table, position, chunk.number, &rows)?;
                let reader = ColumnReader::new(&widen(&array)?, &shape)?;
                for at in 0..reader.len() {
                    values.push(reader.value(at)?);
                }
            }
        }
        Ok(values)
    }

    /// About how many rows are `NULL` in a column; exactly where all rows of chunks count.
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    pub(super) fn nulls(&self, column: &ColumnDef) -> f64 {
        let mut nulls = 0.0;
        for one in &self.segments {
            let Ok(segment) = one.segment() else { continue };
            for chunk in &one.chunks {
                let rows = segment.rows_of(chunk.number).max(1);
                let here = f64::from(segment.nulls_of(column, chunk.number));
                nulls += here * chunk.count as f64 / rows as f64;
            }
        }
        nulls
    }

    /// The least and the greatest values of the chunks whose rows all count.
    pub(super) fn ends(&self, column: &ColumnDef) -> Vec<Value> {
        let mut ends: Option<[Value; 2]> = None;
        for one in &self.segments {
            let Ok(segment) = one.segment() else { continue };
            let whole = |chunk: &&Chunk| chunk.count == segment.rows_of(chunk.number);
            for chunk in one.chunks.iter().filter(whole) {
                let Some([least, greatest]) = segment.ends_of(column, chunk.number) else {
                    continue;
                };
                match &mut ends {
                    Some([first, last]) => {
                        if least.cmp_as(first, &column.ty).is_lt() {
                            *first = least;
                        }
                        if greatest.cmp_as(last, &column.ty).is_gt() {
                            *last = greatest;
                        }
                    }
                    none => *none = Some([least, greatest]),
                }
            }
        }
        ends.into_iter().flatten().collect()
    }

    /// About how many different values a column has in these rows and `outside`; `None` if the files do not tell.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    pub(super) fn distinct<'v>(
        &self,
        column: &ColumnDef,
        outside: impl Iterator<Item = &'v Value>,
    ) -> Result<Option<f64>> {
        let mut all = sketch_of(outside, &column.ty)?;
        for one in self.segments.iter().filter(|one| one.rows > 0) {
            let segment = one.segment()?;
            if !one.is_mostly_there(segment) {
                return Ok(None);
            }
            match segment.sketch_of(column)? {
                Some(sketch) => all.merge(&sketch),
                None => return Ok(None),
            }
        }
        Ok(Some(all.estimate() as f64))
    }
}

impl Chunk {
    /// Chooses so many of the rows that count, each with the same chance.
    ///
    /// # Source
    /// Floyd, in: Bentley, "Programming Pearls: a sample of brilliance", CACM 30 (9), 1987.
    fn choose(&mut self, wanted: usize, random: &mut Random) {
        let mut bits = vec![0_u64; self.count.div_ceil(64)];
        let mut set = |at: usize| {
            let (word, bit) = (bits.get_mut(at / 64), 1 << (at % 64));
            word.is_some_and(|word| {
                let is_new = *word & bit == 0;
                *word |= bit;
                is_new
            })
        };
        for last in self.count - wanted..self.count {
            let at = usize::try_from(random.next() % (last as u64 + 1)).unwrap_or(0);
            if !set(at) {
                set(last);
            }
        }
        let is_chosen = |at: usize| {
            let word = bits.get(at / 64);
            word.is_some_and(|word| word & (1 << (at % 64)) != 0)
        };
        let start = self.rows.start;
        let number = |at: usize| u32::try_from(start + at).unwrap_or(u32::MAX);
        self.chosen = match &self.counted {
            None => {
                let chosen = (0..self.count).filter(|at| is_chosen(*at));
                chosen.map(number).collect()
            }
            Some(counted) => {
                let rows = counted.values().set_indices().enumerate();
                let chosen = rows.filter(|(at, _)| is_chosen(*at));
                chosen.map(|(_, row)| number(row)).collect()
            }
        };
    }
}

/// The rows of a stretch, chunk by chunk.
fn chunks_of(stretch: &Stretch, interrupt: &dyn Fn() -> Result<()>) -> Result<Vec<Chunk>> {
    let segment = segment(&stretch.rows)?;
    let (mut places, kept) = segment.lying(stretch.places.clone(), stretch.kept.clone())?;
    let first = places.start;
    let mut chunks = Vec::new();
    while !places.is_empty() {
        interrupt()?;
        let Some((number, rows)) = segment.piece(&places) else {
            return Err(Error::internal("a segment ends too early"));
        };
        let from = usize::try_from(places.start - first).unwrap_or(usize::MAX);
        let begun = segment.begun(number, rows.clone(), stretch.scn)?;
        let is_kept = |at: usize| {
            let at = from + at;
            let word = kept.as_ref().map(|kept| kept.get(at / 64));
            word.is_none_or(|word| word.is_some_and(|word| word & (1 << (at % 64)) != 0))
        };
        let counted = match (&kept, begun) {
            (None, begun) => begun,
            (Some(_), None) => Some((0..rows.len()).map(|at| Some(is_kept(at))).collect()),
            (Some(_), Some(begun)) => {
                let both = |at: usize| begun.value(at) && is_kept(at);
                Some((0..rows.len()).map(|at| Some(both(at))).collect())
            }
        };
        let count = counted
            .as_ref()
            .map_or(rows.len(), BooleanArray::true_count);
        places.start += rows.len() as u64;
        chunks.push(Chunk {
            number,
            counted: counted.filter(|_| count < rows.len()),
            rows,
            count,
            chosen: Vec::new(),
        });
    }
    Ok(chunks)
}
