//! Garbage collection: removing what no snapshot, pin, fork or retention needs.
//!
//! A *round* fixes a [`Plan`] and then goes, in bounded steps, through
//!
//! 1. `History`: versions that the plan does not need; with the last of a key its tombstone, if that
//!    hides nothing; and index entries that no remaining version of the row has;
//! 2. dropped tables and indexes, whole ranges at once;
//! 3. dropped branches that nobody reads;
//! 4. lists of changes, which are joined or go;
//! 5. records of commits before the oldest floor;
//! 6. the log.
//!
//! No step changes what any possible snapshot sees. Versions are immutable once in `History`, so
//! they go without looking twice; a tombstone or an index entry goes only between commits, after
//! looking at the newest version again. A crash between two steps can leave index entries that no
//! row has: readers judge entries anyway.

mod changes;

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use helios_base::{BranchId, Result, Scn, TableId, failpoint};
use helios_kv::{Batch, Keyspace, KvSnapshot};

use crate::branch::BranchTree;
use crate::cache::Newest;
use crate::codec::{Reader, put_varint};
use crate::commit::CommitInfo;
use crate::core::{Core, now};
use crate::keys::{self, ObjectRange, Stored};
use crate::read::{newest_in, newest_of};
use crate::registry::Plan;
use crate::retention::put_period;
use crate::row::{IndexEntry, Indexer};
use crate::store::Step;

/// The state of garbage collection.
#[derive(Default)]
pub(crate) struct Collector {
    round: Option<Round>,
    /// The plan of the last finished round: the same plan would find nothing.
    done: Option<Plan>,
}

struct Round {
    plan: Plan,
    phase: Phase,
}

enum Phase {
    /// Goes on behind this key of `History`.
    History(Vec<u8>, Option<Group>),
    Dropped,
    Branches,
    /// Goes on behind this key of `Changes`.
    Changes(Vec<u8>),
    Commits,
}

/// The versions of one key, seen in part.
struct Group {
    /// Its key in `Current`.
    key: Vec<u8>,
    /// From where on all its versions are needed.
    floor: Scn,
    /// Begin of the newest version when the first was seen.
    newest: Scn,
    keeps_versions: bool,
    /// Not all versions that remain are known.
    keeps_entries: bool,
    /// Entries of versions that remain.
    kept: BTreeSet<IndexEntry>,
    /// Entries of versions that went.
    suspects: BTreeSet<IndexEntry>,
}

impl Core {
    /// Does a bounded piece of the running round, or begins one if a new plan could find anything.
    pub(crate) fn gc_step(&self, budget: usize) -> Result<Step> {
        failpoint::hit("version.collect")?;
        let mut collector = self.collector.lock();
        let mut round = match collector.round.take() {
            Some(round) => round,
            None => {
                let plan = self.plan()?;
                if collector.done.as_ref() == Some(&plan) && !self.has_dropped_branches() {
                    return Ok(Step::Done);
                }
                Round {
                    plan,
                    phase: Phase::History(Vec::new(), None),
                }
            }
        };
        let budget = budget.max(1);
        let next = match round.phase {
            Phase::History(after, group) => {
                self.collect_history(&round.plan, after, group, budget)?
            }
            Phase::Dropped => self.collect_dropped(&round.plan)?,
            Phase::Branches => self.collect_branches()?,
            Phase::Changes(after) => self.collect_changes(&round.plan, after, budget)?,
            Phase::Commits => self.collect_commits(&round.plan, budget)?,
        };
        match next {
            Some(phase) => {
                round.phase = phase;
                collector.round = Some(round);
                Ok(Step::More)
            }
            None => {
                collector.done = Some(round.plan);
                self.let_log_go()?;
                Ok(Step::Done)
            }
        }
    }

    /// Remembers which points are refused.
    pub(crate) fn put_floors(&self, batch: &mut Batch) {
        let floors = self.registry.floors();
        let mut value = Vec::new();
        put_varint(&mut value, floors.base.0);
        put_varint(&mut value, self.first_commit.load(Ordering::Acquire));
        batch.put(
            Keyspace::Meta,
            &keys::meta_key(keys::META_HORIZON, &[]),
            &value,
        );
        let key = keys::meta_key(keys::META_FLOORS, &[]);
        batch.put(Keyspace::Meta, &key, &floors.encode());
    }

    fn collect_history(
        &self,
        plan: &Plan,
        mut after: Vec<u8>,
        mut group: Option<Group>,
        budget: usize,
    ) -> Result<Option<Phase>> {
        let indexer = self.indexer.load();
        let indexer: Option<&dyn Indexer> = indexer.as_ref().map(|indexer| &***indexer);
        let kv = self.kv.snapshot();
        let mut batch = Batch::new();
        let mut finished = Vec::new();
        let mut ended = true;
        {
            let from = Bound::Excluded(after.as_slice());
            let mut cursor = kv.scan(Keyspace::History, (from, Bound::Unbounded), false)?;
            let mut seen = 0;
            let mut last = Vec::new();
            while let Some((key, value)) = cursor.next()? {
                let (row_key, begin) = keys::split_history(key)?;
                let (table, branch, pk) = keys::split(row_key)?;
                if group.as_ref().is_none_or(|group| group.key != row_key) {
                    finished.extend(group.take());
                    let floor = plan.floors.of(branch, TableId(table));
                    group = Some(self.open_group(&*kv, row_key, floor, indexer)?);
                }
                let stored = Stored::decode(value)?;
                if let Some(group) = &mut group {
                    let needed = plan.needs(branch, group.floor, begin, stored.scn);
                    if !needed {
                        batch.delete(Keyspace::History, key);
                    }
                    group.keeps_versions |= needed;
                    if let (Some(indexer), Some(row)) = (indexer, stored.row) {
                        group.add(indexer, branch, TableId(table), pk, row, needed);
                    }
                }
                last.clear();
                last.extend_from_slice(key);
                seen += 1;
                if seen >= budget {
                    ended = false;
                    break;
                }
            }
            after = last;
        }
        if ended {
            finished.extend(group.take());
        }
        if !batch.is_empty() || !finished.is_empty() {
            self.between_commits(|_| {
                let kv = self.kv.snapshot();
                for group in &mut finished {
                    self.finish_group(&*kv, group, indexer, &mut batch)?;
                }
                if batch.is_empty() {
                    return Ok(());
                }
                self.kv.apply(batch)
            })?;
        }
        Ok(Some(if ended {
            Phase::Dropped
        } else {
            Phase::History(after, group)
        }))
    }

    fn open_group(
        &self,
        kv: &dyn KvSnapshot,
        row_key: &[u8],
        floor: Scn,
        indexer: Option<&dyn Indexer>,
    ) -> Result<Group> {
        let mut group = Group {
            key: row_key.to_vec(),
            floor,
            newest: Scn::ZERO,
            keeps_versions: false,
            keeps_entries: false,
            kept: BTreeSet::new(),
            suspects: BTreeSet::new(),
        };
        let (table, branch, pk) = keys::split(row_key)?;
        let newest = newest_in(kv, TableId(table), branch, pk)?;
        group.newest = newest.begin();
        if let (Some(indexer), Newest::Row(_, row)) = (indexer, &newest) {
            group.add(indexer, branch, TableId(table), pk, row, true);
        }
        if let Some(indexer) = indexer
            && self.cold_covers(TableId(table), branch, pk)
        {
            // What a segment has is still read, by those from before.
            match self.cold_row(TableId(table), branch, pk) {
                Ok(Some((_, row))) => group.add(indexer, branch, TableId(table), pk, &row, true),
                Ok(None) => {}
                Err(_) => group.keeps_entries = true,
            }
        }
        Ok(group)
    }

    /// With nothing being applied meanwhile: removes the tombstone and the index entries that the
    /// versions that went leave behind.
    fn finish_group(
        &self,
        kv: &dyn KvSnapshot,
        group: &mut Group,
        indexer: Option<&dyn Indexer>,
        batch: &mut Batch,
    ) -> Result<()> {
        let (table, branch, pk) = keys::split(&group.key)?;
        let table = TableId(table);
        let newest = match kv.get(Keyspace::Current, &group.key)? {
            Some(value) => newest_of(value)?,
            None => Newest::Absent,
        };
        if newest.begin() == group.newest {
            if let Newest::Tombstone(begin) = newest
                && !group.keeps_versions
                && begin <= group.floor
                && !self.cold_has(table, branch, pk)
            {
                let tree = self.tree.load();
                let ancestors = tree.any(branch).map(|node| node.ancestors());
                if !self.inherits(ancestors.unwrap_or_default(), table, pk)? {
                    batch.delete(Keyspace::Current, &group.key);
                }
            }
        } else if !group.suspects.is_empty()
            && let Some(indexer) = indexer
        {
            // Versions written since the group was opened may have the entries again.
            let mut from = group.key.clone();
            from.extend_from_slice(&0u64.to_be_bytes());
            let mut upto = group.key.clone();
            upto.extend_from_slice(&(!group.newest.0).to_be_bytes());
            let range = (
                Bound::Included(from.as_slice()),
                Bound::Included(upto.as_slice()),
            );
            let mut newer = BTreeSet::new();
            let mut note = |row: &[u8]| {
                let mut entries = Vec::new();
                indexer.entries(branch, table, pk, row, &mut entries);
                newer.extend(entries);
            };
            if let Newest::Row(_, row) = &newest {
                note(row);
            }
            let mut cursor = kv.scan(Keyspace::History, range, false)?;
            while let Some((_, value)) = cursor.next()? {
                if let Some(row) = Stored::decode(value)?.row {
                    note(row);
                }
            }
            group.kept.extend(newer);
        }
        if group.keeps_entries {
            return Ok(());
        }
        let mut key = Vec::new();
        for entry in group.suspects.difference(&group.kept) {
            keys::object_key(&mut key, entry.index.0, branch, &entry.key);
            batch.delete(Keyspace::Index, &key);
        }
        Ok(())
    }

    /// Removes one dropped table or index that nobody can reach any more.
    fn collect_dropped(&self, plan: &Plan) -> Result<Option<Phase>> {
        let kv = self.kv.snapshot();
        for tag in [keys::META_DROPPED_TABLE, keys::META_DROPPED_INDEX] {
            let (start, end) = ([tag], [tag + 1]);
            let range = (Bound::Included(&start[..]), Bound::Excluded(&end[..]));
            let mut cursor = kv.scan(Keyspace::Meta, range, false)?;
            while let Some((key, value)) = cursor.next()? {
                let (object, branch, _) = keys::split(key.get(1..).unwrap_or_default())?;
                let scn = Scn(Reader::new(value, "drop record").varint()?);
                // Which table an index belonged to is not known here.
                let floor = match tag {
                    keys::META_DROPPED_TABLE => plan.floors.of(branch, TableId(object)),
                    _ => plan.floors.least(branch),
                };
                if plan.needs_before(branch, floor, scn) {
                    continue;
                }
                let mut batch = Batch::new();
                let range = ObjectRange::all(object, branch);
                if tag == keys::META_DROPPED_TABLE {
                    batch.delete_range(Keyspace::Current, range.bounds());
                    batch.delete_range(Keyspace::History, range.bounds());
                    batch.delete_range(Keyspace::Changes, range.bounds());
                } else {
                    batch.delete_range(Keyspace::Index, range.bounds());
                }
                batch.delete(Keyspace::Meta, key);
                self.between_commits(|_| {
                    if tag == keys::META_DROPPED_TABLE {
                        self.retire(|table, on| (table.0, on) == (object, branch), &mut batch);
                        self.forget_period(branch, TableId(object), scn, &mut batch);
                    }
                    self.kv.apply(batch)
                })?;
                return Ok(Some(Phase::Dropped));
            }
        }
        Ok(Some(Phase::Branches))
    }

    /// Forgets how long a table was kept that the commit `scn` dropped; where the branch would inherit that
    /// of an ancestor's, it says that there is none.
    fn forget_period(&self, branch: BranchId, table: TableId, scn: Scn, batch: &mut Batch) {
        let before = self.tree.load();
        if !before.says_period(branch, table) && before.period(branch, table).is_none() {
            return;
        }
        let mut tree = BranchTree::clone(&before);
        tree.forget_period(branch, table);
        let from = keys::period_key(table, branch, Scn::ZERO);
        let upto = keys::period_key(table, branch, Scn::MAX);
        let said = (
            Bound::Included(from.as_slice()),
            Bound::Included(upto.as_slice()),
        );
        batch.delete_range(Keyspace::Meta, said);
        if tree.period(branch, table).is_some() {
            tree.note_period(branch, table, scn, (None, false));
            let mut value = Vec::new();
            put_period(&mut value, None, false);
            batch.put(
                Keyspace::Meta,
                &keys::period_key(table, branch, scn),
                &value,
            );
        }
        self.tree.store(Arc::new(tree));
    }

    fn has_dropped_branches(&self) -> bool {
        self.tree.load().all().any(|node| node.dropped)
    }

    /// Removes one dropped branch that nobody reads.
    fn collect_branches(&self) -> Result<Option<Phase>> {
        let tree = self.tree.load_full();
        // Children first, so that a dropped subtree goes leaf by leaf.
        let gone = tree.all().rev().find(|node| {
            let id = node.branch.id;
            node.dropped && tree.children(id).next().is_none() && !self.registry.is_read(id)
        });
        let Some(node) = gone else {
            return Ok(Some(Phase::Changes(Vec::new())));
        };
        let id = node.branch.id;
        self.between_commits(|_| {
            let kv = self.kv.snapshot();
            let mut batch = Batch::new();
            for keyspace in [
                Keyspace::Current,
                Keyspace::History,
                Keyspace::Index,
                Keyspace::Changes,
            ] {
                for object in objects_of(&*kv, keyspace, id)? {
                    let range = ObjectRange::all(object, id);
                    batch.delete_range(keyspace, range.bounds());
                }
            }
            let first = keys::meta_key(keys::META_SEQUENCE, &id.0.to_be_bytes());
            let mut last = first.clone();
            last.extend_from_slice(&[0xff; 5]);
            let range = (
                Bound::Included(first.as_slice()),
                Bound::Excluded(last.as_slice()),
            );
            batch.delete_range(Keyspace::Meta, range);
            for tag in [
                keys::META_DROPPED_TABLE,
                keys::META_DROPPED_INDEX,
                keys::META_PERIOD,
            ] {
                let (start, end) = ([tag], [tag + 1]);
                let range = (Bound::Included(&start[..]), Bound::Excluded(&end[..]));
                let mut cursor = kv.scan(Keyspace::Meta, range, false)?;
                while let Some((key, _)) = cursor.next()? {
                    if keys::split(key.get(1..).unwrap_or_default())?.1 == id {
                        batch.delete(Keyspace::Meta, key);
                    }
                }
            }
            let first = keys::meta_key(keys::META_MERGE, &id.0.to_be_bytes());
            let mut last = first.clone();
            last.extend_from_slice(&[0xff; 9]);
            let range = (
                Bound::Included(first.as_slice()),
                Bound::Excluded(last.as_slice()),
            );
            batch.delete_range(Keyspace::Meta, range);
            let key = keys::meta_key(keys::META_BRANCH, &id.0.to_be_bytes());
            batch.delete(Keyspace::Meta, &key);
            self.retire(|_, on| on == id, &mut batch);
            self.kv.apply(batch)?;
            let mut tree = BranchTree::clone(&self.tree.load());
            tree.remove(id);
            tree.forget_merges(id);
            tree.forget_periods(id);
            self.tree.store(Arc::new(tree));
            Ok(())
        })?;
        Ok(Some(Phase::Branches))
    }

    /// Removes records of commits before the oldest floor, except those of kept points.
    fn collect_commits(&self, plan: &Plan, budget: usize) -> Result<Option<Phase>> {
        let first = self.first_commit.load(Ordering::Acquire);
        let upto = plan.oldest.0.min(first.saturating_add(budget as u64));
        if upto <= first {
            return Ok(None);
        }
        let kv = self.kv.snapshot();
        let mut batch = Batch::new();
        for scn in (first..upto).map(Scn) {
            if plan.has_point(scn) {
                continue;
            }
            let key = keys::commit_key(scn);
            if let Some(value) = kv.get(Keyspace::Commits, &key)? {
                let info = CommitInfo::decode(scn, &value)?;
                batch.delete(Keyspace::Commits, &key);
                batch.delete(Keyspace::Txids, &keys::txid_key(info.txid));
            }
        }
        self.between_commits(|_| {
            self.first_commit.store(upto, Ordering::Release);
            self.put_floors(&mut batch);
            self.kv.apply(batch)
        })?;
        Ok((upto < plan.oldest.0).then_some(Phase::Commits))
    }

    /// Lets go of log segments that neither recovery nor readers of changes need.
    pub(crate) fn let_log_go(&self) -> Result<()> {
        self.log.truncate_before(self.log_needed()?)
    }

    /// Where the log begins that recovery, or a reader of changes, may need.
    pub(crate) fn log_needed(&self) -> Result<u64> {
        let mut keep = self.kv.applied();
        let retention = self.options.log_retention.as_micros();
        if retention > 0 {
            let since = now().saturating_sub_unsigned(u64::try_from(retention).unwrap_or(u64::MAX));
            let oldest = match self.scn_at(since) {
                Ok(scn) => scn.next(),
                Err(_) => Scn(self.first_commit.load(Ordering::Acquire)),
            };
            if let Some(info) = self.commit_info(oldest)? {
                keep = keep.min(info.position);
            }
        }
        Ok(keep)
    }
}

impl Group {
    fn add(
        &mut self,
        indexer: &dyn Indexer,
        branch: BranchId,
        table: TableId,
        pk: &[u8],
        row: &[u8],
        keep: bool,
    ) {
        let mut entries = Vec::new();
        indexer.entries(branch, table, pk, row, &mut entries);
        for entry in entries {
            if keep {
                self.kept.insert(entry);
            } else if !self.kept.contains(&entry) {
                self.suspects.insert(entry);
            }
        }
    }
}

/// The tables or indexes that have keys of a branch in a keyspace: a seek each.
pub(crate) fn objects_of(
    kv: &dyn KvSnapshot,
    keyspace: Keyspace,
    branch: BranchId,
) -> Result<Vec<u32>> {
    let mut objects = Vec::new();
    let mut cursor = kv.scan(keyspace, (Bound::Unbounded, Bound::Unbounded), false)?;
    let mut next = Some(0u32);
    while let Some(object) = next {
        cursor.seek(&keys::prefix(object, branch))?;
        let Some((key, _)) = cursor.next()? else {
            break;
        };
        let (found, found_branch, _) = keys::split(key)?;
        next = if (found, found_branch) == (object, branch) {
            objects.push(object);
            object.checked_add(1)
        } else if found == object {
            object.checked_add(1)
        } else {
            Some(found)
        };
    }
    Ok(objects)
}
