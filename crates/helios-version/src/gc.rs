//! Garbage collection: removing what no snapshot, pin, fork or retention needs.
//!
//! A *round* fixes a [`Plan`] and then goes, in bounded steps, through
//!
//! 1. `History`: versions that the plan does not need; with the last of a key its tombstone, if that
//!    hides nothing; and index entries that no remaining version of the row has. Those that remain are
//!    bundled (`history/`);
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
mod history;

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use helios_base::{BranchId, Result, Scn, TableId, failpoint};
use helios_kv::{Batch, Keyspace, KvSnapshot};

use self::history::Group;
use crate::branch::BranchTree;
use crate::codec::{Reader, put_varint};
use crate::commit::CommitInfo;
use crate::core::{Core, now};
use crate::keys::{self, ObjectRange};
use crate::registry::Plan;
use crate::retention::put_period;
use crate::store::Step;

/// Versions that have to be replaced before a round is made only to bundle them.
const BUNDLING_MIN: u64 = 1024;

/// The state of garbage collection.
#[derive(Default)]
pub(crate) struct Collector {
    round: Option<Round>,
    /// The plan of the last finished round: the same plan would find nothing to remove.
    done: Option<Plan>,
    /// [`Core::replaced`] when that round began.
    replaced: u64,
    /// Versions that it left in `History`.
    versions: u64,
}

struct Round {
    plan: Plan,
    phase: Phase,
    /// [`Core::replaced`] when it began.
    replaced: u64,
    /// Versions passed and left in `History`.
    versions: u64,
}

impl Collector {
    /// There is something to remove that the plan of the last round did not show.
    pub(crate) fn look_again(&mut self) {
        self.done = None;
    }

    /// Whether so many versions were replaced that bundling them pays for a walk over all.
    fn may_bundle(&self, replaced: u64) -> bool {
        replaced.saturating_sub(self.replaced) >= BUNDLING_MIN.max(self.versions / 8)
    }
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

impl Core {
    /// Does a bounded piece of the running round, or begins one if a new plan could find anything.
    pub(crate) fn gc_step(&self, budget: usize) -> Result<Step> {
        failpoint::hit("version.collect")?;
        let mut collector = self.collector.lock();
        let mut round = match collector.round.take() {
            Some(round) => round,
            None => {
                let plan = self.plan()?;
                let replaced = self.replaced.load(Ordering::Relaxed);
                if collector.done.as_ref() == Some(&plan)
                    && !self.has_dropped_branches()
                    && !collector.may_bundle(replaced)
                {
                    return Ok(Step::Done);
                }
                Round {
                    plan,
                    phase: Phase::History(Vec::new(), None),
                    replaced,
                    versions: 0,
                }
            }
        };
        let budget = budget.max(1);
        let next = match round.phase {
            Phase::History(after, group) => {
                let (next, left) = self.collect_history(&round.plan, after, group, budget)?;
                round.versions += left;
                next
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
                collector.replaced = round.replaced;
                collector.versions = round.versions;
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
