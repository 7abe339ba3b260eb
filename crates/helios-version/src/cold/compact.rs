//! Compaction: several segments of a table on a branch become one, without the rows that nobody can see any more.
//!
//! A cold row is *dead* when the versions that shadow it are all that any snapshot, pin, fork or the retention
//! needs. Its entries in indexes go first, since nobody finds it by them; then one batch takes the old segments' entries
//! away and puts the new one's; then the tombstones go that hid nothing but dead rows. A crash in between leaves
//! at most such tombstones, which hide nothing.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use helios_base::{BranchId, Error, Result, Scn, SqlState, TableId, failpoint};
use helios_kv::{Batch, Cursor, Keyspace, KvSnapshot};

use super::freeze::{Marked, put_next};
use super::{ColdRows, Frozen, Level, Part, SegmentInfo};
use crate::cache::Newest;
use crate::core::Core;
use crate::cursor::ColdRun;
use crate::history;
use crate::keys::{self, ObjectRange, PREFIX, Stored};
use crate::read::newest_in;
use crate::registry::Plan;
use crate::row::RowRef;

/// Dead rows looked after between two commits.
const TOGETHER: usize = 256;

/// Segments becoming one: shows their rows, in key order. Dropping it without [`Compaction::finish`] changes nothing
/// that anybody can see.
pub struct Compaction {
    marked: Marked,
    inputs: Vec<Arc<Part>>,
    runs: Vec<ColdRun>,
    /// The run that has the row at hand.
    at: Option<usize>,
    is_begun: bool,
    plan: Plan,
    /// From where on everything of the table is needed.
    floor: Scn,
    kv: Arc<dyn KvSnapshot>,
    current: Box<dyn Cursor>,
    /// The key under `current` and when its version began.
    shadow: Option<(Vec<u8>, Scn)>,
    /// Dead rows whose index entries are still there.
    pending: Vec<(Vec<u8>, Vec<u8>)>,
    /// Keys of all dead rows.
    dead: Vec<Vec<u8>>,
}

impl Compaction {
    /// Fixes the segments, which all have to be there and wholly adopted, and what is needed of them.
    pub(crate) fn begin(
        core: &Arc<Core>,
        table: TableId,
        branch: BranchId,
        segments: &[u64],
    ) -> Result<Self> {
        let plan = core.plan()?;
        let (marked, kv) = Marked::begin(core, table, branch)?;
        let level = core.cold.level(table, branch);
        let parts = level.iter().flat_map(|level| level.parts.iter());
        let wanted = parts.filter(|part| segments.contains(&part.info.id));
        let inputs: Vec<Arc<Part>> = wanted.map(Arc::clone).collect();
        let is_whole = |part: &Arc<Part>| part.info.adopted == part.info.rows;
        if inputs.len() != segments.len() || !inputs.iter().all(is_whole) {
            return Err(gone(table));
        }
        let of = Level {
            parts: inputs.clone(),
            ..Level::default()
        };
        let all = (Bound::Unbounded, Bound::Unbounded);
        let range = ObjectRange::all(table.0, branch);
        let mut compaction = Self {
            runs: ColdRun::of(core, &of, Scn::MAX, all, false),
            current: kv.scan(Keyspace::Current, range.bounds(), false)?,
            marked,
            inputs,
            at: None,
            is_begun: false,
            floor: plan.floors.of(branch, table),
            plan,
            kv,
            shadow: None,
            pending: Vec::new(),
            dead: Vec::new(),
        };
        compaction.next_shadow()?;
        Ok(compaction)
    }

    /// The new segment's number.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.marked.id
    }

    /// How many dead rows there were so far.
    #[must_use]
    pub fn dead(&self) -> u64 {
        self.dead.len() as u64
    }

    /// Moves on by one row, and says whether it is still needed; `None` at the end.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn look(&mut self) -> Result<Option<bool>> {
        match self.at.and_then(|at| self.runs.get_mut(at)) {
            Some(run) => {
                run.step()?;
            }
            None if !self.is_begun => {
                self.is_begun = true;
                for run in &mut self.runs {
                    run.step()?;
                }
            }
            None => return Ok(None),
        }
        let heads = self.runs.iter().enumerate();
        let heads = heads.filter_map(|(at, run)| Some((run.row()?.pk, at)));
        self.at = heads.min().map(|(_, at)| at);
        let Some(row) = self.row() else {
            return Ok(None);
        };
        let (pk, begin) = (row.pk.to_vec(), row.begin);
        if self.is_needed(&pk, begin)? {
            return Ok(Some(true));
        }
        let bytes = self.row().map(|row| row.row.to_vec()).unwrap_or_default();
        self.dead.push(pk.clone());
        self.pending.push((pk, bytes));
        if self.pending.len() >= TOGETHER {
            self.drop_entries()?;
        }
        Ok(Some(false))
    }

    /// The row that [`Compaction::look`] moved to.
    #[must_use]
    pub fn row(&self) -> Option<RowRef<'_>> {
        self.runs.get(self.at?)?.row()
    }

    fn next_shadow(&mut self) -> Result<()> {
        self.shadow = match self.current.next()? {
            Some((key, value)) => {
                let pk = key.get(PREFIX..).unwrap_or_default().to_vec();
                Some((pk, Stored::decode(value)?.scn))
            }
            None => None,
        };
        Ok(())
    }

    /// Whether anybody may see the row.
    fn is_needed(&mut self, pk: &[u8], begin: Scn) -> Result<bool> {
        let is_before = |shadow: &Option<(Vec<u8>, Scn)>| {
            shadow.as_ref().is_some_and(|(key, _)| key.as_slice() < pk)
        };
        if is_before(&self.shadow) {
            let mut key = Vec::new();
            keys::object_key(&mut key, self.marked.table.0, self.marked.branch, pk);
            self.current.seek(&key)?;
            self.next_shadow()?;
        }
        let Some((_, newest)) = self.shadow.as_ref().filter(|(key, _)| key == pk) else {
            return Ok(true);
        };
        // The oldest version that is left ended it, or one before that, which is gone.
        let mut end = *newest;
        let (from, upto) = history_of(self.marked.table, self.marked.branch, pk);
        let range = (
            Bound::Included(from.as_slice()),
            Bound::Included(upto.as_slice()),
        );
        let mut oldest = self.kv.scan(Keyspace::History, range, true)?;
        if let Some((key, _)) = oldest.next()? {
            end = end.min(keys::split_history(key)?.1);
        }
        let branch = self.marked.branch;
        Ok(end <= begin || self.plan.needs(branch, self.floor, begin, end))
    }

    /// Takes away the index entries that only dead rows had.
    fn drop_entries(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let core = &self.marked.core;
        let Some(indexer) = core.indexer.load_full() else {
            return Ok(());
        };
        let (table, branch) = (self.marked.table, self.marked.branch);
        core.between_commits(|_| {
            let kv = core.kv.snapshot();
            let mut batch = Batch::new();
            for (pk, row) in &pending {
                let entries = |row: &[u8], out: &mut BTreeSet<_>| {
                    let mut found = Vec::new();
                    indexer.entries(branch, table, pk, row, &mut found);
                    out.extend(found);
                };
                let (mut gone, mut kept) = (BTreeSet::new(), BTreeSet::new());
                entries(row, &mut gone);
                if let Newest::Row(_, row) = newest_in(&*kv, table, branch, pk)? {
                    entries(&row, &mut kept);
                }
                let (from, upto) = history_of(table, branch, pk);
                let range = (
                    Bound::Included(from.as_slice()),
                    Bound::Included(upto.as_slice()),
                );
                let mut versions = kv.scan(Keyspace::History, range, false)?;
                while let Some((key, value)) = versions.next()? {
                    let (_, oldest) = keys::split_history(key)?;
                    history::each(oldest, value, &mut |version| {
                        version
                            .row
                            .into_iter()
                            .for_each(|row| entries(row, &mut kept));
                        Ok(())
                    })?;
                }
                let mut key = Vec::new();
                for entry in gone.difference(&kept) {
                    keys::object_key(&mut key, entry.index.0, branch, &entry.key);
                    batch.delete(Keyspace::Index, &key);
                }
            }
            drop(kv);
            core.kv.apply(batch)
        })
    }

    /// Puts the new segment, whose file is durable, in the place of the others; none if no row is needed.
    ///
    /// # Errors
    /// 42704 when the branch was dropped meanwhile or a segment is not there any more, 42P01 when the table is gone for
    /// good; `Io`, `Poisoned`.
    pub fn finish(mut self, made: Option<(Frozen, Arc<dyn ColdRows>)>) -> Result<()> {
        failpoint::hit("cold.written")?;
        self.drop_entries()?;
        let core = Arc::clone(&self.marked.core);
        let (table, branch) = (self.marked.table, self.marked.branch);
        let is_input = |id: u64| self.inputs.iter().any(|input| input.info.id == id);
        core.between_commits(|_| {
            self.marked.still()?;
            let level = core.cold.level(table, branch);
            let there = level.iter().flat_map(|level| level.parts.iter());
            if there.filter(|part| is_input(part.info.id)).count() != self.inputs.len() {
                return Err(gone(table));
            }
            let mut batch = Batch::new();
            for input in &self.inputs {
                batch.delete(Keyspace::Meta, &input.info.key());
            }
            let part = made.map(|(frozen, rows)| {
                let all = frozen.rows;
                Arc::new(Part::new(self.marked.entry(frozen, all), Some(rows)))
            });
            if let Some(part) = &part {
                batch.put(Keyspace::Meta, &part.info.key(), &part.info.encode());
            }
            put_next(&core, &mut batch);
            core.cold.change(table, branch, |level| {
                level.parts.retain(|part| !is_input(part.info.id));
                level.parts.extend(part);
            });
            core.kv.apply(batch)?;
            for input in &self.inputs {
                core.note_retired(input);
            }
            Ok(())
        })?;
        failpoint::hit("cold.swapped")?;
        let Self {
            marked,
            floor,
            dead,
            ..
        } = self;
        drop(marked);
        dead.chunks(TOGETHER)
            .try_for_each(|keys| drop_tombstones(&core, table, branch, floor, keys))
    }
}

/// Takes away the tombstones of these keys that hide nothing any more.
pub(super) fn drop_tombstones(
    core: &Core,
    table: TableId,
    branch: BranchId,
    floor: Scn,
    dead: &[Vec<u8>],
) -> Result<()> {
    core.between_commits(|_| {
        let kv = core.kv.snapshot();
        let mut batch = Batch::new();
        let mut key = Vec::new();
        let tree = core.tree.load();
        let ancestors = tree.any(branch).map(|node| node.ancestors());
        for pk in dead {
            let Newest::Tombstone(begin) = newest_in(&*kv, table, branch, pk)? else {
                continue;
            };
            let (from, upto) = history_of(table, branch, pk);
            let has_past = kv.first(Keyspace::History, &from, &upto)?.is_some();
            if begin <= floor
                && !has_past
                && !core.cold_has(table, branch, pk)
                && !core.inherits(ancestors.unwrap_or_default(), table, pk)?
            {
                keys::object_key(&mut key, table.0, branch, pk);
                batch.delete(Keyspace::Current, &key);
            }
        }
        drop(kv);
        core.kv.apply(batch)
    })
}

impl Core {
    /// How many keys outside of segments lie in the range of this one, counted up to `most`, that may hide a dead row:
    /// nobody reads at a point between its youngest row and theirs. Those in promoted ranges are mostly copies.
    pub(crate) fn shadows(&self, info: &SegmentInfo, most: u64) -> Result<u64> {
        let kv = self.kv.snapshot();
        let keys = (
            Bound::Included(info.least.as_slice()),
            Bound::Included(info.greatest.as_slice()),
        );
        let range = ObjectRange::new(info.table.0, info.branch, keys);
        let mut current = kv.scan(Keyspace::Current, range.bounds(), false)?;
        let plan = self.plan()?;
        let floor = plan.floors.of(info.branch, info.table);
        let promoted = self.cold.promotions(info.table, info.branch, i64::MAX);
        let mut promoted = promoted.iter().peekable();
        let mut found = 0;
        while found < most
            && let Some((key, value)) = current.next()?
        {
            let pk = key.get(PREFIX..).unwrap_or_default();
            while promoted
                .next_if(|range| range.last.as_slice() < pk)
                .is_some()
            {}
            if promoted
                .peek()
                .is_some_and(|range| range.first.as_slice() <= pk)
            {
                continue;
            }
            let end = Stored::decode(value)?.scn;
            found += u64::from(!plan.needs(info.branch, floor, info.newest, end));
        }
        Ok(found)
    }
}

/// Where the versions of a key are in `History`, the newest first.
pub(super) fn history_of(table: TableId, branch: BranchId, pk: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut from, mut upto) = (Vec::new(), Vec::new());
    keys::history_key(&mut from, table, branch, pk, Scn::MAX);
    keys::history_key(&mut upto, table, branch, pk, Scn::ZERO);
    (from, upto)
}

fn gone(table: TableId) -> Error {
    Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("a segment of table {table} does not exist any more"),
    )
}
