//! Snapshots: the database as of a branch and a change number.

use std::sync::Arc;

use helios_base::{BranchId, IndexId, Result, Scn, TableId};
use helios_kv::KvSnapshot;

use crate::branch::Link;
use crate::core::Core;
use crate::cursor::{KeyCursor, RowCursor};
use crate::registry::Partial;
use crate::row::{Bounds, RowRef, RowVersion, ShowEachRow, ShowRow, Version};
use crate::versions::{VersionCursor, last_change};

/// Reads of committed rows at one point, with or without a transaction's own writes.
pub trait Read: Send + Sync {
    /// The branch read.
    fn branch(&self) -> BranchId;

    /// The change number read at.
    fn scn(&self) -> Scn;

    /// Refuses a table whose rows are no longer kept at this point, as all methods that read rows do:
    /// for those that begin with an index.
    ///
    /// # Errors
    /// 72000.
    fn require(&self, table: TableId) -> Result<()>;

    /// The row with this key.
    ///
    /// # Errors
    /// `Corrupt` when stored bytes are wrong, `Io` when the disk refuses; 72000 when the table is kept
    /// for a shorter time than others that can be read at this point.
    ///
    /// # Cost
    /// A hash lookup for a hot row, else a few lookups in the store per branch of the chain.
    fn get(&self, table: TableId, pk: &[u8]) -> Result<Option<RowVersion>>;

    /// Shows the row with this key to `visit`, where it lies if that can be; false if there is none.
    ///
    /// # Errors
    /// As [`Read::get`], and what `visit` returns.
    fn show(&self, table: TableId, pk: &[u8], visit: &mut ShowRow<'_>) -> Result<bool> {
        let Some(found) = self.get(table, pk)? else {
            return Ok(false);
        };
        let (begin, row) = (found.begin, &*found.row);
        visit(RowRef { pk, begin, row }).map(|()| true)
    }

    /// Shows those of the rows with these keys that are there to `visit`, with the numbers of their
    /// keys, in their order.
    ///
    /// # Errors
    /// As [`Read::show`].
    ///
    /// # Cost
    /// Keys that follow each other in key order and lie near each other share most of it.
    fn show_each(&self, table: TableId, pks: &[&[u8]], visit: &mut ShowEachRow<'_>) -> Result<()> {
        for (number, pk) in pks.iter().enumerate() {
            self.show(table, pk, &mut |row| visit(number, row))?;
        }
        Ok(())
    }

    /// The rows whose keys lie in `range`, ascending, or descending with `reverse`.
    ///
    /// # Errors
    /// As [`Read::get`].
    fn scan(&self, table: TableId, range: Bounds<'_>, reverse: bool) -> Result<RowCursor>;

    /// The entries of an index in `range`: candidates, ascending, or descending with `reverse`.
    /// The row at this snapshot is the judge of each. Callers ask [`Read::require`] for the table before.
    ///
    /// # Errors
    /// As [`Read::get`].
    fn index_scan(&self, index: IndexId, range: Bounds<'_>, reverse: bool) -> Result<KeyCursor>;

    /// The newest commit seen here that wrote any of `tables`: where two readers of a branch agree in it,
    /// they see the same rows in them. `None` if there is none, or it is not known, as where a transaction
    /// has changes of its own.
    ///
    /// # Errors
    /// As [`Read::get`].
    ///
    /// # Cost
    /// One lookup per table and branch of the chain.
    fn last_change(&self, tables: &[TableId]) -> Result<Option<Scn>> {
        let _ = tables;
        Ok(None)
    }

    /// How many segments the rows of a table are in, beside those that are not in any.
    fn segments(&self, table: TableId) -> usize {
        let _ = table;
        0
    }

    /// Whether rows of some segment of a table lie in another order than that of their keys, so that no cut through the keys
    /// is one through its rows.
    ///
    /// # Errors
    /// As [`Read::get`].
    fn is_scattered(&self, table: TableId) -> Result<bool> {
        let _ = table;
        Ok(false)
    }

    /// Where scans of a table that has segments are best cut, ascending, with `fine` into smaller pieces; and how
    /// many rows are in these segments, dead or alive.
    ///
    /// # Errors
    /// As [`Read::get`].
    fn cuts(&self, table: TableId, fine: bool) -> Result<(Vec<Vec<u8>>, u64)> {
        let _ = (table, fine);
        Ok((Vec::new(), 0))
    }

    /// Committed versions of one row on this branch and its ancestors up to this snapshot that are
    /// still stored, newest first. Intervals are cut at the fork points.
    ///
    /// # Errors
    /// As [`Read::get`].
    fn history(&self, table: TableId, pk: &[u8]) -> Result<Vec<Version>>;
}

/// The database as of a branch and a change number. Cheap to clone; while one exists garbage
/// collection keeps what it sees. Never blocks and is never blocked.
#[derive(Clone)]
pub struct Snapshot(Arc<Inner>);

struct Inner {
    core: Arc<Core>,
    first: Link,
    rest: Arc<[Link]>,
    /// Which tables are gone, if any are.
    partial: Option<Partial>,
}

impl Inner {
    /// Refuses a table that is gone.
    #[inline]
    fn require(&self, table: TableId) -> Result<()> {
        match &self.partial {
            Some(partial) if partial.misses(table) => {
                Err(self.core.gone(partial, self.first.scn, table))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let Link { branch, scn } = self.first;
        let is_whole = self.partial.is_none();
        self.core.registry.release(branch, scn, is_whole);
    }
}

impl Snapshot {
    /// Wraps a point that is registered already; dropping the last clone ends the registration.
    pub(crate) fn registered(
        core: &Arc<Core>,
        first: Link,
        rest: Arc<[Link]>,
        partial: Option<Partial>,
    ) -> Self {
        Self(Arc::new(Inner {
            core: Arc::clone(core),
            first,
            rest,
            partial,
        }))
    }

    /// The newest state of a living branch.
    pub(crate) fn newest(core: &Arc<Core>, branch: BranchId) -> Result<Self> {
        let tree = core.tree.load();
        let node = tree.living(branch)?;
        let scn = core
            .registry
            .acquire_newest(branch, &core.pipeline.published);
        let (first, rest) = node.links(scn);
        Ok(Self::registered(core, first, rest, None))
    }

    /// The present state of the store, which has all that the snapshot sees.
    pub(crate) fn kv(&self) -> Arc<dyn KvSnapshot> {
        self.0.core.kv.snapshot()
    }

    pub(crate) fn links(&self) -> impl Iterator<Item = Link> + Clone {
        std::iter::once(self.0.first).chain(self.0.rest.iter().copied())
    }
}

impl Snapshot {
    /// Whether every table can be read: some may be kept longer than others.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0.partial.is_none()
    }

    /// Refuses a snapshot of which some tables are gone.
    ///
    /// # Errors
    /// 72000.
    pub fn require_whole(&self) -> Result<()> {
        match &self.0.partial {
            Some(partial) => Err(self.0.core.not_whole(partial, self.scn())),
            None => Ok(()),
        }
    }

    /// The first change number from which on every state of a table can be read on the way to this
    /// snapshot.
    #[must_use]
    pub fn kept(&self, table: TableId) -> Scn {
        let core = &self.0.core;
        let owner = core.tree.load().owner(self.branch(), self.scn());
        core.kept(owner, Some(table))
    }

    /// The keys of a table in `range`, ascending, each with the versions that some reader on this
    /// branch sees between `since` and this snapshot.
    ///
    /// What garbage collection has removed is not there: ask
    /// [`Snapshot::kept`] afterwards whether it has come past `since`.
    ///
    /// # Errors
    /// As [`Read::get`].
    ///
    /// # Cost
    /// A few lookups per key of the range, whether it changed or not.
    pub fn versions(&self, table: TableId, range: Bounds<'_>, since: Scn) -> Result<VersionCursor> {
        self.0.require(table)?;
        VersionCursor::new(
            &self.0.core,
            (self.0.first, Arc::clone(&self.0.rest)),
            table,
            range,
            since,
            Arc::clone(&self.0) as _,
        )
    }

    /// The newest commit that this snapshot sees which wrote any of `tables`: two snapshots of a
    /// branch that agree in it see the same rows in them. `None` if there is none, or none is known.
    ///
    /// # Errors
    /// As [`Read::get`].
    ///
    /// # Cost
    /// One lookup per table and branch of the chain.
    pub fn last_change(&self, tables: &[TableId]) -> Result<Option<Scn>> {
        let links: Vec<Link> = self.links().collect();
        last_change(&*self.kv(), links.iter().copied(), tables)
    }
}

impl Read for Snapshot {
    fn last_change(&self, tables: &[TableId]) -> Result<Option<Scn>> {
        Self::last_change(self, tables)
    }

    fn branch(&self) -> BranchId {
        self.0.first.branch
    }

    fn scn(&self) -> Scn {
        self.0.first.scn
    }

    fn require(&self, table: TableId) -> Result<()> {
        self.0.require(table)
    }

    #[inline]
    fn get(&self, table: TableId, pk: &[u8]) -> Result<Option<RowVersion>> {
        self.0.require(table)?;
        self.0.core.get(self.0.first, &self.0.rest, table, pk)
    }

    #[inline]
    fn show(&self, table: TableId, pk: &[u8], visit: &mut ShowRow<'_>) -> Result<bool> {
        self.0.require(table)?;
        let (first, rest) = (self.0.first, &self.0.rest);
        self.0.core.show(first, rest, table, pk, visit)
    }

    fn show_each(&self, table: TableId, pks: &[&[u8]], visit: &mut ShowEachRow<'_>) -> Result<()> {
        self.0.require(table)?;
        let (first, rest) = (self.0.first, &self.0.rest);
        self.0.core.show_each(first, rest, table, pks, visit)
    }

    fn scan(&self, table: TableId, range: Bounds<'_>, reverse: bool) -> Result<RowCursor> {
        self.0.require(table)?;
        loop {
            let stamp = self.0.core.cold.stamp();
            let kv = self.0.core.kv.snapshot();
            let cursor = RowCursor::new(
                &self.0.core,
                &kv,
                self.links(),
                table,
                range,
                reverse,
                Arc::clone(&self.0) as _,
            )?;
            if self.0.core.cold.is_still(stamp) {
                return Ok(cursor);
            }
        }
    }

    fn index_scan(&self, index: IndexId, range: Bounds<'_>, reverse: bool) -> Result<KeyCursor> {
        let kv = self.0.core.kv.snapshot();
        let branches = self.links().map(|link| link.branch);
        KeyCursor::new(
            &kv,
            branches,
            index,
            range,
            reverse,
            Arc::clone(&self.0) as _,
        )
    }

    fn segments(&self, table: TableId) -> usize {
        let levels = self
            .links()
            .filter_map(|link| self.0.core.cold.level(table, link.branch));
        levels.map(|level| level.parts.len()).sum()
    }

    fn is_scattered(&self, table: TableId) -> Result<bool> {
        for link in self.links() {
            let level = self.0.core.cold.level(table, link.branch);
            for part in level.iter().flat_map(|level| level.parts.iter()) {
                if !self.0.core.cold.rows(part)?.is_in_order() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn cuts(&self, table: TableId, fine: bool) -> Result<(Vec<Vec<u8>>, u64)> {
        let (mut cuts, mut adopted) = (Vec::new(), 0);
        for link in self.links() {
            let Some(level) = self.0.core.cold.level(table, link.branch) else {
                continue;
            };
            for part in level.parts.iter().filter(|part| part.info.adopted > 0) {
                cuts.extend(self.0.core.cold.rows(part)?.cuts(fine)?);
                adopted += part.info.adopted;
            }
        }
        cuts.sort_unstable();
        cuts.dedup();
        Ok((cuts, adopted))
    }

    fn history(&self, table: TableId, pk: &[u8]) -> Result<Vec<Version>> {
        self.0.require(table)?;
        self.0.core.history(self.0.first, &self.0.rest, table, pk)
    }
}
