//! Which points in history somebody needs: running snapshots, named pins, fork points, retention.
//!
//! A point is a branch and a change number. [`Registry::plan`] turns all of them into the exact
//! question of garbage collection: does anybody need the version of branch *b* that was current in
//! `[begin, end)`? A reader of a child branch reads its parent at the fork (or earlier), so points
//! travel up the tree.
//!
//! Tables may be kept for different times, so a point may have some of them and lack others. Readers of
//! such a point are told which ([`Partial`]). Forks, pins and merge bases are made of points that have
//! everything, and everything at them stays.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use helios_base::{BranchId, Error, Result, Scn, SqlState, TableId};
use parking_lot::Mutex;

use crate::branch::BranchTree;
use crate::floors::Floors;
use crate::retention::Dropped;

/// The points in use.
pub(crate) struct Registry {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Running snapshots.
    active: BTreeMap<(BranchId, Scn), Readers>,
    /// Named pins.
    pins: BTreeMap<String, (BranchId, Scn)>,
    /// Garbage collection has removed, or may be removing, versions that only points before these need.
    floors: Arc<Floors>,
}

/// The snapshots of one point.
#[derive(Default)]
struct Readers {
    /// Those that see everything.
    whole: usize,
    /// Those that came when some tables were gone, and by which floors: the first of them holds what was
    /// there for those that come after it.
    partial: usize,
    floors: Option<Arc<Floors>>,
}

/// A point of which some tables are gone.
#[derive(Clone)]
pub(crate) struct Partial {
    /// The branch that the point belongs to.
    pub(crate) owner: BranchId,
    scn: Scn,
    floors: Arc<Floors>,
}

impl Partial {
    /// Whether a table is gone.
    #[inline]
    pub(crate) fn misses(&self, table: TableId) -> bool {
        self.floors.of(self.owner, table) > self.scn
    }
}

/// What garbage collection must keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// From where on everything is readable, by table and branch.
    pub(crate) floors: Arc<Floors>,
    /// From where on anything is readable on any branch.
    pub(crate) oldest: Scn,
    /// Per branch the older points that are needed, ascending.
    points: HashMap<BranchId, Vec<Scn>>,
}

impl Plan {
    /// Whether somebody may read the version of `branch` that was current in `[begin, end)`, of a table
    /// with this floor there.
    pub(crate) fn needs(&self, branch: BranchId, floor: Scn, begin: Scn, end: Scn) -> bool {
        if end > floor {
            return true;
        }
        let Some(points) = self.points.get(&branch) else {
            return false;
        };
        let first = points.partition_point(|point| *point < begin);
        points.get(first).is_some_and(|point| *point < end)
    }

    /// Whether somebody may read something with this floor on `branch` at a point before `scn`.
    pub(crate) fn needs_before(&self, branch: BranchId, floor: Scn, scn: Scn) -> bool {
        floor < scn
            || self
                .points
                .get(&branch)
                .and_then(|points| points.first())
                .is_some_and(|point| *point < scn)
    }

    /// The first needed point of `branch` at or after `scn` for a table with this floor, unless that is
    /// after the floor, where every number is one; and whether it is the first of all.
    pub(crate) fn interval(&self, branch: BranchId, floor: Scn, scn: Scn) -> (Option<Scn>, bool) {
        if scn > floor {
            return (None, false);
        }
        let points = self.points.get(&branch).map_or(&[][..], Vec::as_slice);
        let first = points.partition_point(|point| *point < scn);
        let point = points.get(first).copied().unwrap_or(floor);
        (Some(point.min(floor)), first == 0)
    }

    /// Whether a point is exactly `scn`, on any branch.
    pub(crate) fn has_point(&self, scn: Scn) -> bool {
        self.points
            .values()
            .any(|points| points.binary_search(&scn).is_ok())
    }
}

impl Registry {
    pub(crate) fn new(floors: Floors, pins: BTreeMap<String, (BranchId, Scn)>) -> Self {
        Self {
            state: Mutex::new(State {
                active: BTreeMap::new(),
                pins,
                floors: Arc::new(floors),
            }),
        }
    }

    /// Registers a reader of the newest state of `branch`.
    #[inline]
    pub(crate) fn acquire_newest(&self, branch: BranchId, published: &AtomicU64) -> Scn {
        let mut state = self.state.lock();
        // Read under the mutex: a plan made before cannot have a floor after it.
        let scn = Scn(published.load(Ordering::Acquire));
        state.active.entry((branch, scn)).or_default().whole += 1;
        scn
    }

    /// Registers a reader of `branch` at `scn`, if anything of that is still kept; says what is not.
    pub(crate) fn acquire(
        &self,
        branch: BranchId,
        scn: Scn,
        tree: &BranchTree,
    ) -> Result<Option<Partial>> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let owner = tree.owner(branch, scn);
        let node = tree.any(owner);
        // Up to its creation a branch is what it was forked from.
        let is_fork = node.is_some_and(|n| n.branch.parent.is_some() && scn <= n.branch.created);
        if is_fork || state.floors.is_whole(owner, scn) || state.is_kept(branch, scn, tree) {
            state.active.entry((branch, scn)).or_default().whole += 1;
            return Ok(None);
        }
        let readers = state.active.get(&(branch, scn));
        let held = readers.and_then(|readers| readers.floors.clone());
        let floors = match held {
            Some(floors) => floors,
            None if scn >= state.floors.least(owner) => Arc::clone(&state.floors),
            None => {
                let least = state.floors.least(owner);
                return Err(too_old(tree, owner, scn, least));
            }
        };
        let readers = state.active.entry((branch, scn)).or_default();
        readers.partial += 1;
        readers.floors.get_or_insert_with(|| Arc::clone(&floors));
        Ok(Some(Partial { owner, scn, floors }))
    }

    /// Ends one registration.
    #[inline]
    pub(crate) fn release(&self, branch: BranchId, scn: Scn, is_whole: bool) {
        let mut state = self.state.lock();
        let Some(readers) = state.active.get_mut(&(branch, scn)) else {
            return;
        };
        if is_whole {
            readers.whole = readers.whole.saturating_sub(1);
        } else {
            readers.partial = readers.partial.saturating_sub(1);
            if readers.partial == 0 {
                readers.floors = None;
            }
        }
        if readers.whole + readers.partial == 0 {
            state.active.remove(&(branch, scn));
        }
    }

    pub(crate) fn pin(&self, name: &str, branch: BranchId, scn: Scn) {
        self.state
            .lock()
            .pins
            .insert(name.to_owned(), (branch, scn));
    }

    pub(crate) fn unpin(&self, name: &str) {
        self.state.lock().pins.remove(name);
    }

    pub(crate) fn pins(&self) -> Vec<(String, BranchId, Scn)> {
        let state = self.state.lock();
        let pins = state.pins.iter();
        pins.map(|(name, &(branch, scn))| (name.clone(), branch, scn))
            .collect()
    }

    pub(crate) fn floors(&self) -> Arc<Floors> {
        Arc::clone(&self.state.lock().floors)
    }

    /// Whether a snapshot of the branch is open.
    pub(crate) fn is_read(&self, branch: BranchId) -> bool {
        let state = self.state.lock();
        let range = (branch, Scn::ZERO)..=(branch, Scn::MAX);
        state.active.range(range).next().is_some()
    }

    /// Fixes what must be kept, given that retention needs everything from the floors `wanted` on, and
    /// refuses older readers from now on.
    pub(crate) fn plan(&self, wanted: &Floors, tree: &BranchTree, dropped: &Dropped) -> Plan {
        let mut state = self.state.lock();
        let floors = state.floors.raised(wanted, tree, dropped);
        if *state.floors != floors {
            state.floors = Arc::new(floors);
        }
        let floors = Arc::clone(&state.floors);
        let mut points: HashMap<BranchId, Vec<Scn>> = HashMap::new();
        let bases = tree.bases(&|branch| floors.of_branch(branch), state.held());
        for (branch, scn) in state.held().chain(bases) {
            points.entry(branch).or_default().push(scn);
        }
        // Children come after their parents, so going backwards every branch is complete when its
        // points are handed on.
        for node in tree.all().rev() {
            let own = points.entry(node.branch.id).or_default();
            own.sort_unstable();
            own.dedup();
            let Some(parent) = node.branch.parent else {
                continue;
            };
            let fork = node.branch.fork;
            let mut up: Vec<Scn> = own.iter().copied().filter(|scn| *scn < fork).collect();
            up.push(fork);
            points.entry(parent).or_default().extend(up);
        }
        for (branch, own) in &mut points {
            own.sort_unstable();
            own.dedup();
            let greatest = floors.greatest(*branch);
            own.retain(|scn| *scn < greatest);
        }
        points.retain(|_, own| !own.is_empty());
        let oldest = tree.all().map(|node| floors.least(node.branch.id)).min();
        Plan {
            oldest: oldest.unwrap_or(floors.base),
            floors,
            points,
        }
    }
}

impl State {
    /// Points of readers and pins.
    fn held(&self) -> impl Iterator<Item = (BranchId, Scn)> {
        let readers = self.active.keys().copied();
        readers.chain(self.pins.values().copied())
    }

    /// As [`State::held`], without those of which something is gone.
    fn held_whole(&self) -> impl Iterator<Item = (BranchId, Scn)> {
        let readers = self.active.iter().filter(|(_, readers)| readers.whole > 0);
        let readers = readers.map(|(point, _)| *point);
        readers.chain(self.pins.values().copied())
    }

    /// Whether a point that retention gave up, in part or wholly, is held by somebody else.
    fn is_kept(&self, branch: BranchId, scn: Scn, tree: &BranchTree) -> bool {
        let held = |branch, scn| {
            let readers = self.active.get(&(branch, scn));
            readers.is_some_and(|readers| readers.whole > 0)
                || self.pins.values().any(|pin| *pin == (branch, scn))
        };
        let floor = |branch| self.floors.of_branch(branch);
        held(branch, scn)
            || tree
                .bases(&floor, self.held_whole())
                .contains(&(branch, scn))
            || tree.children(branch).any(|child| {
                child.branch.fork == scn || held(child.branch.id, scn) && scn < child.branch.fork
            })
    }
}

/// Nothing of a point is kept any more.
fn too_old(tree: &BranchTree, owner: BranchId, scn: Scn, least: Scn) -> Error {
    let error = Error::new(
        SqlState::SNAPSHOT_TOO_OLD,
        format!("change number {scn} is no longer kept"),
    );
    let error = match tree.any(owner) {
        Some(node) => error.with_detail(format!(
            "The oldest that is kept on branch \"{}\" is {least}.",
            node.branch.name
        )),
        None => error,
    };
    error.with_hint("raise the retention, or pin what must stay readable")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::branch::Branch;
    use crate::floors::Floor;

    fn tree() -> BranchTree {
        let mut tree = BranchTree::new(0);
        for (id, parent, fork) in [(1, 0, 10), (2, 1, 20)] {
            tree.create(Branch {
                id: BranchId(id),
                name: id.to_string(),
                parent: Some(BranchId(parent)),
                fork: Scn(fork),
                created: Scn(fork),
                created_at: 0,
                options: Vec::new(),
            });
        }
        tree
    }

    // Guards against removing what a pin, a fork or a reader of a descendant needs, and against
    // keeping what nobody does.
    #[test]
    fn plans_keep_exactly_what_is_needed() {
        let tree = tree();
        let registry = Registry::new(Floors::default(), BTreeMap::new());
        let (main, child) = (BranchId(0), BranchId(1));
        registry.pin("p", main, Scn(40));
        assert!(registry.acquire(BranchId(2), Scn(15), &tree).is_ok());
        let floor = Scn(100);
        let plan = || registry.plan(&Floors::new(floor), &tree, &Dropped::new());
        let made = plan();
        let needs = |branch, begin, end| made.needs(branch, floor, Scn(begin), Scn(end));
        // Retention.
        assert!(needs(main, 99, 101));
        assert!(!needs(main, 99, 100));
        // The pin, the fork of the child.
        assert!(needs(main, 40, 41));
        assert!(!needs(main, 39, 40));
        assert!(needs(main, 5, 11));
        assert!(!needs(main, 11, 40));
        // The grandchild's reader at 15 reads the child at 15 and main at 10.
        assert!(needs(child, 15, 16));
        assert!(needs(child, 20, 21));
        assert!(!needs(child, 16, 20));
        assert!(made.needs_before(child, floor, Scn(16)));
        assert!(!made.needs_before(child, floor, Scn(15)));

        // Old points are refused unless somebody holds them.
        assert!(registry.acquire(main, Scn(50), &tree).is_err());
        for (branch, scn) in [(main, 40), (main, 10), (child, 15), (main, 100)] {
            assert!(registry.acquire(branch, Scn(scn), &tree).unwrap().is_none());
        }
        registry.release(BranchId(2), Scn(15), true);
        registry.release(child, Scn(15), true);
        assert!(!plan().needs(child, floor, Scn(15), Scn(16)));
    }

    // Guards against reading what is gone beside what is not, and against losing what was there when
    // a reader came.
    #[test]
    fn points_may_have_some_tables_and_lack_others() {
        let tree = tree();
        let registry = Registry::new(Floors::default(), BTreeMap::new());
        let (main, long, short) = (BranchId(0), TableId(1000), TableId(1001));
        let floors = |base: u64, long_floor: u64| {
            let mut floors = Floors::new(Scn(base));
            let (from, born) = (Scn(long_floor), Scn::ZERO);
            floors.tables.insert((main, long), Floor { from, born });
            floors
        };
        let plan = |wanted: &Floors| registry.plan(wanted, &tree, &Dropped::new());
        let made = plan(&floors(80, 30));
        assert_eq!(made.oldest, Scn(30));
        let partial = registry.acquire(main, Scn(50), &tree).unwrap().unwrap();
        assert!(partial.misses(short) && !partial.misses(long) && !partial.misses(TableId(1)));
        assert!(registry.acquire(main, Scn(29), &tree).is_err());
        // Before its fork the child's points are those of its parent.
        let child = registry.acquire(BranchId(1), Scn(5), &tree);
        assert!(child.is_err());
        // Everything moves on, but the reader stays, and others may join it.
        let made = plan(&floors(90, 70));
        assert!(made.needs(main, made.floors.of(main, long), Scn(45), Scn(55)));
        let joined = registry.acquire(main, Scn(50), &tree).unwrap().unwrap();
        assert!(joined.misses(short) && !joined.misses(long));
        registry.release(main, Scn(50), false);
        assert!(registry.acquire(main, Scn(50), &tree).is_ok());
        registry.release(main, Scn(50), false);
        registry.release(main, Scn(50), false);
        assert!(registry.acquire(main, Scn(50), &tree).is_err());
        let made = plan(&floors(90, 70));
        assert!(!made.needs(main, made.floors.of(main, long), Scn(45), Scn(55)));
    }
}
