//! Thawing: the rows of a segment come back into `Current` and `History`.
//!
//! While they are copied, a few between two commits, the segment stays as it is: a row that is in both places
//! with the same begin is one row to every reader. Of a key that was written since, the cold row becomes the oldest entry of
//! its history, as if the first of these writes had found it in `Current`. When all are there one
//! batch takes the segment's entry away. Nothing of this changes what anybody sees; a crash before the last batch
//! leaves copies, and who thaws again passes them over.
//!
//! Readers look into the state first and at segments second. So that none misses a row that came back in between, they look
//! again when they found nothing and a segment has gone meanwhile ([`ColdLevel::is_still`](super::ColdLevel::is_still)).

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use helios_base::{BranchId, Error, Result, Scn, SqlState, TableId, failpoint};
use helios_kv::{Batch, Keyspace, KvSnapshot};

use super::compact::{drop_tombstones, history_of};
use super::freeze::Marked;
use super::{ColdBlock, Part};
use crate::cache::{Newest, Probe};
use crate::core::Core;
use crate::history;
use crate::keys::{self, Stored};
use crate::read::newest_in;
use crate::row::RowRef;
use crate::store::Step;

/// Rows put back in one batch at most: while it is applied, commits wait.
const TOGETHER: usize = 1024;

/// A segment whose rows come back. Dropping it leaves copies of some, which do no harm.
pub struct Thaw {
    core: Arc<Core>,
    /// Absent when the segment is gone.
    marked: Option<Marked>,
    part: Arc<Part>,
    /// Rows that are back.
    done: u64,
    /// Keys that are deleted: their tombstones may hide nothing afterwards.
    deleted: Vec<Vec<u8>>,
}

impl Thaw {
    /// Fixes the segment, which has to be wholly adopted.
    pub(crate) fn begin(
        core: &Arc<Core>,
        table: TableId,
        branch: BranchId,
        segment: u64,
    ) -> Result<Self> {
        let (marked, _) = Marked::begin(core, table, branch)?;
        let level = core.cold.level(table, branch);
        let mut parts = level.iter().flat_map(|level| level.parts.iter());
        let part = parts.find(|part| part.info.id == segment);
        match part {
            Some(part) if part.info.adopted == part.info.rows => Ok(Self {
                core: Arc::clone(core),
                part: Arc::clone(part),
                marked: Some(marked),
                done: 0,
                deleted: Vec::new(),
            }),
            _ => Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("segment {segment} of table {table} does not exist any more"),
            )),
        }
    }

    /// How many rows are back.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.done
    }

    /// Brings up to about `budget` more rows back; with the last ones the segment goes.
    ///
    /// # Errors
    /// `Corrupt`, `Io`; 42704 when the branch was dropped meanwhile, 42P01 when the table is gone for good.
    pub fn step(&mut self, budget: usize) -> Result<Step> {
        let core = Arc::clone(&self.core);
        let Some(marked) = &self.marked else {
            return Ok(Step::Done);
        };
        if self.done >= self.part.info.rows {
            return self.finish(&core).map(|()| Step::Done);
        }
        let mut block = ColdBlock::default();
        let rows = core.cold.rows(&self.part)?;
        rows.read(self.done, budget.clamp(1, TOGETHER), &mut block)?;
        if block.is_empty() {
            return Err(Error::corrupt(format!(
                "segment {} of table {} has fewer rows than it should",
                self.part.info.id, self.part.info.table
            )));
        }
        let deleted = core.between_commits(|_| {
            marked.still()?;
            put_back(marked, &block)
        })?;
        self.deleted.extend(deleted);
        self.done += block.len() as u64;
        failpoint::hit("cold.thawed")?;
        Ok(Step::More)
    }

    /// Lets the segment go.
    fn finish(&mut self, core: &Core) -> Result<()> {
        let Some(marked) = &self.marked else {
            return Ok(());
        };
        let (table, branch, id) = (marked.table, marked.branch, self.part.info.id);
        // Collection may have taken note of what history there is, and ask the segment only later.
        let mut collector = core.collector.lock();
        collector.look_again();
        core.between_commits(|_| {
            marked.still()?;
            let level = core.cold.level(table, branch);
            let mut parts = level.iter().flat_map(|level| level.parts.iter());
            if !parts.any(|part| part.info.id == id) {
                return Ok(());
            }
            let mut batch = Batch::new();
            batch.delete(Keyspace::Meta, &self.part.info.key());
            core.kv.apply(batch)?;
            // What filters over chains know of these keys does not matter while there is a segment.
            for below in core.tree.load().all() {
                core.chains.forget(table, below.branch.id);
            }
            core.cold.remove(table, branch, id);
            core.note_retired(&self.part);
            Ok(())
        })?;
        drop(collector);
        failpoint::hit("cold.melted")?;
        self.marked = None;
        let floor = core.plan()?.floors.of(branch, table);
        let deleted = std::mem::take(&mut self.deleted);
        let mut deleted = deleted.chunks(TOGETHER / 4);
        deleted.try_for_each(|keys| drop_tombstones(core, table, branch, floor, keys))
    }
}

/// Puts rows where they would be if they had never been in a segment.
/// The keys among them that are deleted.
fn put_back(marked: &Marked, block: &ColdBlock) -> Result<Vec<Vec<u8>>> {
    let (core, table, branch) = (&marked.core, marked.table, marked.branch);
    let mut deleted = Vec::new();
    let kv = core.kv.snapshot();
    let mut batch = Batch::new();
    let (mut key, mut value) = (Vec::new(), Vec::new());
    let mut replaced = 0;
    for row in (0..block.len()).filter_map(|at| block.row(at)) {
        let newest = newest_in(&*kv, table, branch, row.pk)?;
        value.clear();
        if newest == Newest::Absent {
            keys::object_key(&mut key, table.0, branch, row.pk);
            let stored = Stored {
                scn: row.begin,
                row: Some(row.row),
            };
            stored.encode(&mut value);
            batch.put(Keyspace::Current, &key, &value);
            continue;
        }
        let end = oldest(&*kv, table, branch, &row, newest.begin())?;
        if end > row.begin {
            keys::history_key(&mut key, table, branch, row.pk, row.begin);
            let stored = Stored {
                scn: end,
                row: Some(row.row),
            };
            stored.encode(&mut value);
            batch.put(Keyspace::History, &key, &value);
            replaced += 1;
        }
        if matches!(newest, Newest::Tombstone(_)) {
            deleted.push(row.pk.to_vec());
        }
    }
    drop(kv);
    core.kv.apply(batch)?;
    core.replaced.fetch_add(replaced, Ordering::Relaxed);
    // The next write must see where they are.
    for row in (0..block.len()).filter_map(|at| block.row(at)) {
        core.cache.forget(&Probe::new(table, branch, row.pk));
    }
    Ok(deleted)
}

/// When the oldest version outside of segments began.
fn oldest(
    kv: &dyn KvSnapshot,
    table: TableId,
    branch: BranchId,
    row: &RowRef<'_>,
    newest: Scn,
) -> Result<Scn> {
    let (from, upto) = history_of(table, branch, row.pk);
    let range = (
        Bound::Included(from.as_slice()),
        Bound::Included(upto.as_slice()),
    );
    let mut oldest = newest;
    let mut versions = kv.scan(Keyspace::History, range, true)?;
    if let Some((key, value)) = versions.next()? {
        let (_, begin) = keys::split_history(key)?;
        history::each(begin, value, &mut |version| {
            oldest = oldest.min(version.begin);
            Ok(())
        })?;
    }
    Ok(oldest)
}
