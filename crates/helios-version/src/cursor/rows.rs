//! Rows of a table in key order.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use helios_base::{Result, Scn, TableId};
use helios_kv::KvSnapshot;

use super::apart::Apart;
use super::branch::BranchRows;
use super::cold::{ColdRun, Stretch};
use super::merged::{Merged, Side};
use super::own::OwnRows;
use super::{Guard, Visitor};
use crate::branch::Link;
use crate::core::Core;
use crate::pipeline::SharedWrites;
use crate::row::{Bounds, RowRef};

/// Rows of one table in key order, as of a snapshot.
///
/// Lives on its own: the snapshot it came from may go.
pub struct RowCursor {
    rows: Rows,
    _guard: Guard,
}

/// What comes next of a scan.
pub enum Run<'c> {
    /// A row; valid until the next call.
    Row(RowRef<'c>),
    /// Rows of a segment, not decoded.
    Stretch(Stretch),
}

#[allow(
    clippy::large_enum_variant,
    reason = "the large one is the usual one, and is not moved"
)]
enum Rows {
    /// A branch without a parent, and no own writes.
    One(BranchRows),
    Many(Merged<RowSide>),
}

pub(super) enum RowSide {
    Own(OwnRows),
    Branch(BranchRows),
    Cold(ColdRun),
}

impl RowSide {
    pub(super) fn row(&self) -> Option<RowRef<'_>> {
        match self {
            Self::Branch(rows) => rows.row(),
            Self::Cold(rows) => rows.row(),
            Self::Own(own) => Some(RowRef {
                pk: own.key()?,
                begin: Scn::MAX,
                row: own.row()?,
            }),
        }
    }
}

impl Side for RowSide {
    fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Own(own) => own.key(),
            Self::Branch(rows) => rows.key(),
            Self::Cold(rows) => rows.key(),
        }
    }

    fn advance(&mut self, reverse: bool) -> Result<()> {
        match self {
            Self::Own(own) => own.advance(reverse),
            Self::Branch(rows) => rows.advance(reverse),
            Self::Cold(rows) => rows.advance(reverse),
        }
    }
}

/// What [`RowCursor::for_each`] shows rows to.
pub(super) type Visit<'v> = dyn FnMut(RowRef<'_>) -> Result<ControlFlow<()>> + 'v;

impl RowCursor {
    pub(crate) fn new(
        core: &Arc<Core>,
        kv: &Arc<dyn KvSnapshot>,
        links: impl Iterator<Item = Link> + Clone,
        table: TableId,
        range: Bounds<'_>,
        reverse: bool,
        guard: Guard,
    ) -> Result<Self> {
        if core.cold_on(table, links.clone()) {
            return Self::with_segments(core, kv, links, table, range, reverse, guard);
        }
        let mut branches = links
            .map(|link| BranchRows::new(kv, table, link, range, reverse))
            .collect::<Result<Vec<_>>>()?;
        let rows = match branches.pop() {
            Some(only) if branches.is_empty() => Rows::One(only),
            last => {
                let sides = branches.into_iter().chain(last).map(RowSide::Branch);
                Rows::Many(Merged::new(sides.collect(), reverse))
            }
        };
        Ok(Self {
            rows,
            _guard: guard,
        })
    }

    /// As [`RowCursor::new`] where there are segments: below each branch's rows are its cold ones.
    #[cold]
    fn with_segments(
        core: &Arc<Core>,
        kv: &Arc<dyn KvSnapshot>,
        links: impl Iterator<Item = Link>,
        table: TableId,
        range: Bounds<'_>,
        reverse: bool,
        guard: Guard,
    ) -> Result<Self> {
        let mut sides = Vec::new();
        for link in links {
            let rows = BranchRows::new(kv, table, link, range, reverse)?;
            sides.push(RowSide::Branch(rows));
            if let Some(level) = core.cold.level(table, link.branch) {
                let runs = ColdRun::of(core, &level, link.scn, range, reverse);
                sides.extend(runs.into_iter().map(RowSide::Cold));
            }
        }
        Ok(Self {
            rows: Rows::Many(Merged::new(sides, reverse)),
            _guard: guard,
        })
    }

    /// Puts own writes on top. Call it before the first row.
    pub(crate) fn with_own(
        self,
        writes: SharedWrites,
        table: TableId,
        limit: usize,
        range: Bounds<'_>,
        reverse: bool,
    ) -> Result<Self> {
        let merged = match self.rows {
            Rows::One(only) => Merged::new(vec![RowSide::Branch(only)], reverse),
            Rows::Many(merged) => merged,
        };
        let own = RowSide::Own(OwnRows::new(writes, table, limit, range));
        Ok(Self {
            rows: Rows::Many(merged.with_nearest(own)),
            _guard: self._guard,
        })
    }

    /// The next row, or `None` at the end. The row is valid until the next call.
    ///
    /// # Errors
    /// `Corrupt` when stored bytes are wrong, `Io` when the disk refuses.
    #[allow(clippy::should_implement_trait, reason = "a lending iterator")]
    #[inline]
    pub fn next(&mut self) -> Result<Option<RowRef<'_>>> {
        match &mut self.rows {
            Rows::One(rows) => {
                while rows.step()? {
                    if rows.row().is_some() {
                        break;
                    }
                }
                Ok(rows.row())
            }
            Rows::Many(merged) => {
                let found = loop {
                    let Some(number) = merged.next()? else {
                        break None;
                    };
                    fill(merged, number)?;
                    if merged.side(number).and_then(RowSide::row).is_some() {
                        break Some(number);
                    }
                };
                Ok(found
                    .and_then(|number| merged.side(number))
                    .and_then(RowSide::row))
            }
        }
    }

    /// Whether some of the rows may be in segments: then [`RowCursor::next_run`] is the fastest way to read many.
    #[must_use]
    pub fn has_segments(&self) -> bool {
        match &self.rows {
            Rows::One(_) => false,
            Rows::Many(merged) => merged.any(|side| matches!(side, RowSide::Cold(_))),
        }
    }

    /// The first key, or `None` if there is no row: nothing else is read of rows in segments. The cursor is of no
    /// further use.
    ///
    /// # Errors
    /// As [`RowCursor::next`].
    pub fn first_key(mut self) -> Result<Option<Vec<u8>>> {
        if let Rows::Many(merged) = &mut self.rows {
            for side in merged.fresh().into_iter().flatten() {
                if let RowSide::Cold(rows) = side {
                    rows.expect_keys();
                }
            }
            while let Some(number) = merged.next()? {
                if let Some(row) = merged.side(number).and_then(RowSide::row) {
                    return Ok(Some(row.pk.to_vec()));
                }
            }
            return Ok(None);
        }
        Ok(self.next()?.map(|row| row.pk.to_vec()))
    }

    /// The next row, or several at once that lie together in a segment; `None` at the end.
    ///
    /// # Errors
    /// As [`RowCursor::next`].
    pub fn next_run(&mut self) -> Result<Option<Run<'_>>> {
        if matches!(self.rows, Rows::One(_)) {
            return Ok(self.next()?.map(Run::Row));
        }
        let Rows::Many(merged) = &mut self.rows else {
            return Ok(None);
        };
        for side in merged.fresh().into_iter().flatten() {
            if let RowSide::Cold(rows) = side {
                rows.expect_stretches();
            }
        }
        let found = loop {
            let Some(number) = merged.next()? else {
                return Ok(None);
            };
            if matches!(merged.side(number), Some(RowSide::Cold(_))) {
                merged.leave(number)?;
                let limit = merged.limit(number).map(<[u8]>::to_vec);
                if let Some(RowSide::Cold(rows)) = merged.side_mut(number)
                    && let Some(stretch) = rows.stretch(limit.as_deref())?
                {
                    merged.forget();
                    return Ok(Some(Run::Stretch(stretch)));
                }
                fill(merged, number)?;
            }
            if merged.side(number).and_then(RowSide::row).is_some() {
                break number;
            }
        };
        Ok(merged.side(found).and_then(RowSide::row).map(Run::Row))
    }

    /// Hands the next rows to `visit` until it breaks or none is left: the fastest way to read many.
    /// The cursor can be read on afterwards.
    ///
    /// # Errors
    /// As [`RowCursor::next`], and whatever `visit` returns.
    pub fn for_each(&mut self, visit: &mut Visit<'_>) -> Result<ControlFlow<()>> {
        match &mut self.rows {
            Rows::One(rows) => rows.visit(None, visit),
            Rows::Many(merged) => for_each_merged(merged, visit),
        }
    }

    /// The same rows for who needs no order: first those outside of segments, then what these leave of the segments.
    /// Call it before the first row, of a cursor that goes forward.
    ///
    /// # Errors
    /// As [`RowCursor::next`].
    ///
    /// # Cost
    /// Where segments of a branch and of its ancestors overlap, the keys of the nearer ones are looked for in the others
    /// at once.
    pub fn apart(self) -> Result<Apart> {
        let sides = match self.rows {
            Rows::One(rows) => vec![RowSide::Branch(rows)],
            Rows::Many(merged) => merged.into_fresh(),
        };
        Apart::new(sides, self._guard)
    }

    /// The remaining rows, copied: for tests and small results.
    ///
    /// # Errors
    /// As [`RowCursor::next`].
    pub fn collect(mut self) -> Result<Vec<(Vec<u8>, Bytes)>> {
        let mut rows = Vec::new();
        while let Some(row) = self.next()? {
            rows.push((row.pk.to_vec(), Bytes::copy_from_slice(row.row)));
        }
        Ok(rows)
    }
}

/// What is known of the row that a side stands on may be its key alone: reads the rest.
#[inline]
fn fill(merged: &mut Merged<RowSide>, number: usize) -> Result<()> {
    match merged.side_mut(number) {
        Some(RowSide::Cold(rows)) => rows.fill(),
        _ => Ok(()),
    }
}

/// Row by row from one side to another, and in a run while one side alone has the next keys.
pub(super) fn for_each_merged<V: Visitor + ?Sized>(
    merged: &mut Merged<RowSide>,
    visit: &mut V,
) -> Result<ControlFlow<()>> {
    let mut limit = Vec::new();
    while let Some(number) = merged.next()? {
        fill(merged, number)?;
        visit.from(number);
        if let Some(side) = merged.side(number) {
            match (side.row(), side.key()) {
                (Some(row), _) if visit.row(row)?.is_break() => {
                    return Ok(ControlFlow::Break(()));
                }
                (None, Some(pk)) => visit.gone(pk)?,
                _ => {}
            }
        }
        merged.leave(number)?;
        let until = merged.limit(number).map(|key| {
            limit.clear();
            limit.extend_from_slice(key);
            limit.as_slice()
        });
        let flow = match merged.side_mut(number) {
            Some(RowSide::Branch(rows)) => rows.visit(until, visit)?,
            Some(RowSide::Cold(rows)) => rows.visit(until, visit)?,
            _ => continue,
        };
        if flow.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if let Some(side) = merged.side_mut(number) {
            side.advance(false)?;
        }
        merged.forget();
    }
    Ok(ControlFlow::Continue(()))
}
