//! The rows that segments have, as one more side of a cursor.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use helios_base::{Result, Scn};

use super::Visitor;
use super::merged::Side;
use crate::cold::{ColdBlock, ColdRows, Level, Part};
use crate::core::Core;
use crate::row::{Bounds, RowRef};

/// Rows decoded at a time: the first two blocks are small, for readers of few rows, and each next one twice as large.
const FIRST: usize = 64;
const BLOCK: usize = 1024;
/// Where rows lie in another order than that of their keys, each block comes from all over the segment.
const SCATTERED: usize = 32 * 1024;

/// Rows of a segment that follow each other in a scan.
pub struct Stretch {
    /// The segment.
    pub rows: Arc<dyn ColdRows>,
    /// Their places.
    pub places: std::ops::Range<u64>,
    /// Only those count that began at this commit or earlier.
    pub scn: Scn,
    /// A bit for each place, from the lowest of the first word on, set where no other row takes the place of this
    /// one; all are if absent.
    pub kept: Option<Vec<u64>>,
}

/// Rows of some segments of one table and branch, none of which reaches into another's keys.
pub(crate) struct ColdRun {
    core: Arc<Core>,
    /// What a reader at this number sees.
    scn: Scn,
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
    reverse: bool,
    /// Segments still to come, the next one last.
    parts: Vec<Arc<Part>>,
    /// Of the segment being read: the places not decoded yet.
    open: Option<(Arc<Part>, u64, u64)>,
    block: ColdBlock,
    /// Rows of the block still to come, and the one that it stands on.
    rest: std::ops::Range<usize>,
    at: Option<usize>,
    size: usize,
    /// Rows decoded so far.
    had: usize,
    /// Whether its reader takes stretches: then only keys are decoded where one may begin.
    stretches: bool,
    /// Whether its reader takes keys alone.
    keys: bool,
    /// Whether the rows of the block are keys without what belongs to them.
    bare: bool,
}

impl ColdRun {
    /// The runs that have the rows of `level` in `range`.
    pub(crate) fn of(
        core: &Arc<Core>,
        level: &Level,
        scn: Scn,
        range: Bounds<'_>,
        reverse: bool,
    ) -> Vec<Self> {
        let mut runs: Vec<Vec<Arc<Part>>> = Vec::new();
        for part in &level.parts {
            if part.info.adopted == 0 || is_outside(part, range) {
                continue;
            }
            let before = |run: &&mut Vec<Arc<Part>>| {
                (run.last()).is_some_and(|last| last.info.greatest < part.info.least)
            };
            match runs.iter_mut().find(before) {
                Some(run) => run.push(Arc::clone(part)),
                None => runs.push(vec![Arc::clone(part)]),
            }
        }
        let run = |mut parts: Vec<Arc<Part>>| {
            if !reverse {
                parts.reverse();
            }
            Self {
                core: Arc::clone(core),
                scn,
                start: range.0.map(<[u8]>::to_vec),
                end: range.1.map(<[u8]>::to_vec),
                reverse,
                parts,
                open: None,
                block: ColdBlock::default(),
                rest: 0..0,
                at: None,
                size: FIRST,
                had: 0,
                stretches: false,
                keys: false,
                bare: false,
            }
        };
        runs.into_iter().map(run).collect()
    }

    /// Its reader will ask for stretches. Call it before the first row.
    pub(super) const fn expect_stretches(&mut self) {
        self.stretches = !self.reverse;
    }

    /// Its reader will ask for keys alone. Call it before the first row.
    pub(super) const fn expect_keys(&mut self) {
        self.keys = true;
    }

    /// Moves to the next row that has begun.
    pub(crate) fn step(&mut self) -> Result<bool> {
        loop {
            let next = if self.reverse {
                self.rest.next_back()
            } else {
                self.rest.next()
            };
            let Some(at) = next else {
                if self.decode()? {
                    continue;
                }
                self.at = None;
                return Ok(false);
            };
            if (self.block.row(at)).is_some_and(|row| row.begin <= self.scn) {
                self.at = Some(at);
                return Ok(true);
            }
        }
    }

    /// The row that it stands on.
    #[inline]
    pub(crate) fn row(&self) -> Option<RowRef<'_>> {
        self.block.row(self.at?)
    }

    /// Decodes the next rows. False if there are none.
    fn decode(&mut self) -> Result<bool> {
        loop {
            let Some((part, from, upto)) = self.open.take() else {
                let Some(part) = self.parts.pop() else {
                    return Ok(false);
                };
                let (from, upto) = self.places(&part)?;
                self.open = Some((part, from, upto));
                continue;
            };
            if from >= upto {
                continue;
            }
            let in_order = self.core.cold.rows(&part)?.is_in_order();
            let most = if in_order { BLOCK } else { SCATTERED };
            let count = self.size.min(most).min((upto - from) as usize);
            self.bare = self.keys || (self.stretches && in_order);
            if !(self.stretches && in_order) {
                self.had = self.had.saturating_add(count);
                self.size = self.had.min(SCATTERED);
            }
            let at = if self.reverse {
                upto - count as u64
            } else {
                from
            };
            self.block.clear();
            self.read(&part, at, count)?;
            self.rest = 0..count;
            self.open = Some(match self.reverse {
                true => (part, from, at),
                false => (part, at + count as u64, upto),
            });
            return Ok(true);
        }
    }

    /// Fills the block.
    fn read(&mut self, part: &Part, from: u64, count: usize) -> Result<()> {
        let rows = self.core.cold.rows(part)?;
        while self.block.len() < count {
            let had = self.block.len();
            let (from, count) = (from + had as u64, count - had);
            match self.bare {
                true => rows.heads(from, count, &mut self.block)?,
                false => rows.read(from, count, &mut self.block)?,
            }
            if self.block.len() == had {
                return Err(helios_base::Error::corrupt(format!(
                    "segment {} of table {} has fewer rows than it should",
                    part.info.id, part.info.table
                )));
            }
        }
        Ok(())
    }

    /// Decodes what belongs to the keys of the block, if that was not done.
    #[inline]
    pub(super) fn fill(&mut self) -> Result<()> {
        match self.bare {
            true => self.fill_block(),
            false => Ok(()),
        }
    }

    #[cold]
    fn fill_block(&mut self) -> Result<()> {
        self.bare = false;
        let Some((part, next, upto)) = self.open.take() else {
            return Ok(());
        };
        let count = self.block.len();
        self.block.clear();
        self.read(&part, next - count as u64, count)?;
        self.open = Some((part, next, upto));
        Ok(())
    }

    /// The places of the rows in range.
    fn places(&self, part: &Part) -> Result<(u64, u64)> {
        let rows = self.core.cold.rows(part)?;
        let at = |key: &[u8], behind: bool| -> Result<u64> {
            let place = rows.seek(key)?;
            let is_it = behind && rows.find(key)?.is_some();
            Ok(place + u64::from(is_it))
        };
        let from = match &self.start {
            Bound::Included(key) => at(key, false)?,
            Bound::Excluded(key) => at(key, true)?,
            Bound::Unbounded => 0,
        };
        let upto = match &self.end {
            Bound::Included(key) => at(key, true)?,
            Bound::Excluded(key) => at(key, false)?,
            Bound::Unbounded => part.info.rows,
        };
        Ok((from, upto.min(part.info.adopted)))
    }

    /// The segments, each with the places of its rows in range. Call it before the first row.
    pub(super) fn into_stretches(mut self) -> Result<Vec<(Arc<Part>, Stretch)>> {
        let mut stretches = Vec::with_capacity(self.parts.len());
        while let Some(part) = self.parts.pop() {
            let (from, upto) = self.places(&part)?;
            if from < upto {
                let stretch = Stretch {
                    rows: Arc::clone(self.core.cold.rows(&part)?),
                    places: from..upto,
                    scn: self.scn,
                    kept: None,
                };
                stretches.push((part, stretch));
            }
        }
        Ok(stretches)
    }

    /// Takes the row that it stands on and all that follow in the same segment and come before `limit`, without
    /// decoding them. `None` if there is none.
    pub(super) fn stretch(&mut self, limit: Option<&[u8]>) -> Result<Option<Stretch>> {
        let (Some(at), Some((part, next, upto)), false) = (self.at, &self.open, self.reverse)
        else {
            return Ok(None);
        };
        if !self.core.cold.rows(part)?.is_in_order() {
            return Ok(None);
        }
        let first = *next - (self.block.len() - at) as u64;
        if let Some(limit) = limit
            && let Some(end) = self.block_end(at, limit)
        {
            // It ends among the rows whose keys are at hand.
            let stretch = Stretch {
                rows: Arc::clone(self.core.cold.rows(part)?),
                places: first..first + (end - at) as u64,
                scn: self.scn,
                kept: None,
            };
            self.rest = end..self.block.len();
            self.step()?;
            return Ok(Some(stretch));
        }
        let (next, upto) = (*next, *upto);
        let rows = Arc::clone(self.core.cold.rows(part)?);
        let end = match limit {
            Some(limit) => rows.seek(limit)?.clamp(next, upto),
            None => upto,
        };
        self.open = Some((Arc::clone(part), end, upto));
        self.rest = 0..0;
        self.step()?;
        Ok(Some(Stretch {
            rows,
            places: first..end,
            scn: self.scn,
            kept: None,
        }))
    }

    /// The first row of the block behind `at` whose key is at or beyond `limit`; `None` if there is none.
    fn block_end(&self, at: usize, limit: &[u8]) -> Option<usize> {
        let beyond = |row: usize| self.block.row(row).is_some_and(|row| row.pk >= limit);
        let (mut low, mut high) = (at + 1, self.block.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match beyond(middle) {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        beyond(low).then_some(low)
    }

    /// Shows the next rows to `visit` until it breaks or a key is at or beyond `until`. Afterwards it stands on
    /// the row with which `visit` broke, or before the next row.
    pub(super) fn visit<V: Visitor + ?Sized>(
        &mut self,
        until: Option<&[u8]>,
        visit: &mut V,
    ) -> Result<ControlFlow<()>> {
        while self.step()? {
            self.fill()?;
            let Some(row) = self.row() else { break };
            let beyond = until.is_some_and(|until| match self.reverse {
                true => row.pk <= until,
                false => row.pk >= until,
            });
            if beyond {
                // Back before it.
                if let Some(at) = self.at.take() {
                    match self.reverse {
                        true => self.rest.end = at + 1,
                        false => self.rest.start = at,
                    }
                }
                return Ok(ControlFlow::Continue(()));
            }
            if visit.row(row)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl Side for ColdRun {
    #[inline]
    fn key(&self) -> Option<&[u8]> {
        self.row().map(|row| row.pk)
    }

    fn advance(&mut self, _reverse: bool) -> Result<()> {
        self.step().map(drop)
    }
}

/// Whether no key of the segment is in the range.
fn is_outside(part: &Part, range: Bounds<'_>) -> bool {
    let before = match range.0 {
        Bound::Included(key) => part.info.greatest.as_slice() < key,
        Bound::Excluded(key) => part.info.greatest.as_slice() <= key,
        Bound::Unbounded => false,
    };
    let after = match range.1 {
        Bound::Included(key) => part.info.least.as_slice() > key,
        Bound::Excluded(key) => part.info.least.as_slice() >= key,
        Bound::Unbounded => false,
    };
    before || after
}
