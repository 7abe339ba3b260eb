//! Freezing: rows of a branch become a segment.

use std::cmp::Ordering as Order;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use helios_base::{BranchId, Error, Result, Scn, SqlState, TableId, failpoint};
use helios_kv::{Batch, Cursor, Keyspace, KvSnapshot};

use super::{ColdBlock, ColdRows, Level, Part, SegmentInfo};
use crate::cache::{Newest, Probe};
use crate::codec::put_varint;
use crate::core::Core;
use crate::keys::{self, ObjectRange, PREFIX, Stored};
use crate::read::newest_in;
use crate::row::RowRef;
use crate::store::Step;

/// Rows adopted in one batch at most: while it is applied, commits wait.
const ADOPT_MAX: usize = 4096;

/// A segment being made: shows the rows that belong into it, in key order.
///
/// Dropping it without [`Freeze::finish`] changes nothing.
pub struct Freeze {
    marked: Marked,
    until: Scn,
    level: Option<Arc<Level>>,
    current: Box<dyn Cursor>,
    history: Box<dyn Cursor>,
    /// The key of `history`'s entry at or after the last row.
    past: Option<Vec<u8>>,
    _kv: Arc<dyn KvSnapshot>,
}

/// That a segment of the table is being made, for as long as it lives.
pub(super) struct Marked {
    pub(super) core: Arc<Core>,
    pub(super) id: u64,
    pub(super) table: TableId,
    pub(super) branch: BranchId,
}

impl Marked {
    /// From here on deletions leave tombstones. Returns the state of the store from then.
    pub(super) fn begin(
        core: &Arc<Core>,
        table: TableId,
        branch: BranchId,
    ) -> Result<(Self, Arc<dyn KvSnapshot>)> {
        let mut busy = false;
        // The mark comes before the rows are looked at.
        let kv = core.between_commits(|_| {
            core.tree.load().living(branch)?;
            core.cold.change(table, branch, |level| {
                busy = level.freezing > 0;
                level.freezing += usize::from(!busy);
            });
            Ok(core.kv.snapshot())
        })?;
        if busy {
            return Err(Error::new(
                SqlState::OBJECT_IN_USE,
                format!("rows of table {table} are being frozen already"),
            ));
        }
        let marked = Self {
            core: Arc::clone(core),
            id: core.cold.next.fetch_add(1, Ordering::Relaxed),
            table,
            branch,
        };
        Ok((marked, kv))
    }

    /// Refuses to go on when the branch or the table is gone.
    pub(super) fn still(&self) -> Result<()> {
        let (table, branch) = (self.table, self.branch);
        self.core.tree.load().living(branch)?;
        let level = self.core.cold.level(table, branch);
        if level.is_some_and(|level| level.is_gone) {
            return Err(Error::new(
                SqlState::UNDEFINED_TABLE,
                format!("the rows of table {table} were dropped while they were frozen"),
            ));
        }
        Ok(())
    }

    /// The entry of a segment that holds these rows.
    pub(super) fn entry(&self, frozen: Frozen, adopted: u64) -> SegmentInfo {
        SegmentInfo {
            id: self.id,
            table: self.table,
            branch: self.branch,
            rows: frozen.rows,
            adopted,
            least: frozen.least,
            greatest: frozen.greatest,
            newest: frozen.newest,
            bytes: frozen.bytes,
            descriptor: frozen.descriptor,
        }
    }
}

impl Drop for Marked {
    fn drop(&mut self) {
        let unmark = |level: &mut Level| level.freezing = level.freezing.saturating_sub(1);
        // It cannot fail, and if it did, a table would keep tombstones that it does not need.
        let _ = self.core.between_commits(|_| {
            self.core.cold.change(self.table, self.branch, unmark);
            Ok(())
        });
    }
}

/// What was written of a [`Freeze`]'s rows.
#[derive(Clone, Debug)]
pub struct Frozen {
    /// How many rows.
    pub rows: u64,
    /// The first key.
    pub least: Vec<u8>,
    /// The last key.
    pub greatest: Vec<u8>,
    /// The youngest row's begin.
    pub newest: Scn,
    /// Size of the file.
    pub bytes: u64,
    /// For [`SegmentInfo::descriptor`].
    pub descriptor: Vec<u8>,
}

impl Freeze {
    /// Fixes the rows: those of `table` that `branch` itself wrote, not after `until`, that have no history and
    /// are in no segment yet.
    pub(crate) fn begin(
        core: &Arc<Core>,
        table: TableId,
        branch: BranchId,
        until: Scn,
    ) -> Result<Self> {
        let (marked, kv) = Marked::begin(core, table, branch)?;
        let range = ObjectRange::all(table.0, branch);
        let mut freeze = Self {
            until: until.min(core.published()),
            level: core.cold.level(table, branch),
            current: kv.scan(Keyspace::Current, range.bounds(), false)?,
            history: kv.scan(Keyspace::History, range.bounds(), false)?,
            past: None,
            marked,
            _kv: kv,
        };
        freeze.next_past()?;
        Ok(freeze)
    }

    /// Goes on behind this key.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn skip(&mut self, pk: &[u8]) -> Result<()> {
        let mut key = Vec::new();
        keys::object_key(&mut key, self.table().0, self.branch(), pk);
        // The least key after it.
        key.push(0);
        self.current.seek(&key)?;
        self.history.seek(&key)?;
        self.next_past()
    }

    /// The segment's number.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.marked.id
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> TableId {
        self.marked.table
    }

    /// The branch.
    #[must_use]
    pub fn branch(&self) -> BranchId {
        self.marked.branch
    }

    fn next_past(&mut self) -> Result<()> {
        self.past = match self.history.next()? {
            Some((key, _)) => Some(keys::split_history(key)?.0.to_vec()),
            None => None,
        };
        Ok(())
    }

    /// The next row; valid until the next call.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    #[allow(clippy::should_implement_trait, reason = "a lending iterator")]
    pub fn next(&mut self) -> Result<Option<RowRef<'_>>> {
        loop {
            match self.look()? {
                Some(true) => return self.row(),
                Some(false) => {}
                None => return Ok(None),
            }
        }
    }

    /// Moves on by one key, and says whether its row belongs into the segment; `None` at the end. For those who
    /// count what they look at.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn look(&mut self) -> Result<Option<bool>> {
        if !self.current.step()? {
            return Ok(None);
        }
        self.is_due().map(Some)
    }

    /// The row of the key that [`Freeze::look`] moved to; `None` if it is deleted.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn row(&self) -> Result<Option<RowRef<'_>>> {
        let Some((key, value)) = self.current.entry() else {
            return Ok(None);
        };
        let stored = Stored::decode(value)?;
        Ok(stored.row.map(|row| RowRef {
            pk: key.get(PREFIX..).unwrap_or_default(),
            begin: stored.scn,
            row,
        }))
    }

    fn is_due(&mut self) -> Result<bool> {
        let key = match self.row()? {
            Some(row) if row.begin <= self.until => self.current.entry().map(|(key, _)| key),
            _ => None,
        };
        let Some(key) = key else { return Ok(false) };
        let key = key.to_vec();
        loop {
            match self.past.as_deref().map(|past| past.cmp(key.as_slice())) {
                Some(Order::Less) => self.next_past()?,
                Some(Order::Equal) => return Ok(false),
                _ => break,
            }
        }
        let pk = key.get(PREFIX..).unwrap_or_default();
        for part in self.level.iter().flat_map(|level| level.covering(pk)) {
            if self.marked.core.cold.rows(part)?.find(pk)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes in what was written and is durable. [`Adoption::step`] does the rest.
    ///
    /// # Errors
    /// 42704 when the branch was dropped meanwhile, 42P01 when the table is gone for good.
    pub fn finish(self, frozen: Frozen, rows: Arc<dyn ColdRows>) -> Result<Adoption> {
        failpoint::hit("cold.written")?;
        let core = Arc::clone(&self.marked.core);
        let (id, table, branch) = (self.id(), self.table(), self.branch());
        let info = self.marked.entry(frozen, 0);
        core.between_commits(|_| {
            self.marked.still()?;
            let mut batch = Batch::new();
            batch.put(Keyspace::Meta, &info.key(), &info.encode());
            put_next(&core, &mut batch);
            core.kv.apply(batch)?;
            let part = Arc::new(Part::new(info, Some(rows)));
            core.cold
                .change(table, branch, |level| level.parts.push(Arc::clone(&part)));
            Ok(())
        })?;
        Ok(Adoption {
            core,
            id,
            table,
            branch,
        })
    }
}

/// Remembers which number the next segment gets.
pub(super) fn put_next(core: &Core, batch: &mut Batch) {
    let mut value = Vec::new();
    put_varint(&mut value, core.cold.next.load(Ordering::Relaxed));
    batch.put(
        Keyspace::Meta,
        &keys::meta_key(keys::META_NEXT_SEGMENT, &[]),
        &value,
    );
}

/// A segment whose rows leave `Current`.
pub struct Adoption {
    core: Arc<Core>,
    id: u64,
    table: TableId,
    branch: BranchId,
}

impl Adoption {
    /// Goes on with a segment that is not wholly adopted.
    pub(crate) fn resume(core: &Arc<Core>, part: &Part) -> Self {
        Self {
            core: Arc::clone(core),
            id: part.info.id,
            table: part.info.table,
            branch: part.info.branch,
        }
    }

    /// Adopts up to `budget` more rows.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn step(&mut self, budget: usize) -> Result<Step> {
        let core = &self.core;
        let level = core.cold.level(self.table, self.branch);
        let part = level.iter().flat_map(|level| level.parts.iter());
        let Some(part) = part.into_iter().find(|part| part.info.id == self.id) else {
            // The table went away.
            return Ok(Step::Done);
        };
        if part.info.adopted >= part.info.rows {
            return Ok(Step::Done);
        }
        let mut block = ColdBlock::default();
        let rows = core.cold.rows(part)?;
        rows.heads(part.info.adopted, budget.clamp(1, ADOPT_MAX), &mut block)?;
        if block.is_empty() {
            return Err(Error::corrupt(format!(
                "segment {} of table {} has fewer rows than it should",
                self.id, self.table
            )));
        }
        core.between_commits(|_| self.adopt(&block))?;
        failpoint::hit("cold.adopted")?;
        Ok(Step::More)
    }

    /// Takes those of the rows out of `Current` that are still as they were. What was written over them
    /// meanwhile shadows them.
    fn adopt(&self, block: &ColdBlock) -> Result<()> {
        let (core, table, branch) = (&self.core, self.table, self.branch);
        let kv = core.kv.snapshot();
        let mut batch = Batch::new();
        let mut key = Vec::new();
        for row in (0..block.len()).filter_map(|at| block.row(at)) {
            if let Newest::Row(begin, _) = newest_in(&*kv, table, branch, row.pk)?
                && begin == row.begin
            {
                keys::object_key(&mut key, table.0, branch, row.pk);
                batch.delete(Keyspace::Current, &key);
            }
        }
        drop(kv);
        let mut adopted = None;
        core.cold.change(table, branch, |level| {
            for part in &mut level.parts {
                if part.info.id == self.id {
                    let mut info = part.info.clone();
                    info.adopted = (info.adopted + block.len() as u64).min(info.rows);
                    adopted = Some((info.key(), info.encode()));
                    *part = Arc::new(part.with(info));
                }
            }
        });
        let Some((entry, value)) = adopted else {
            return Ok(());
        };
        batch.put(Keyspace::Meta, &entry, &value);
        core.kv.apply(batch)?;
        // What the cache says of them is right for readers; the next write must see that they left.
        for row in (0..block.len()).filter_map(|at| block.row(at)) {
            core.cache.forget(&Probe::new(table, branch, row.pk));
        }
        Ok(())
    }
}
