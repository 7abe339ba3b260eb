//! Which points in history somebody needs: running snapshots, named pins, fork points, retention.
//!
//! A point is a branch and a change number. [`Registry::plan`] turns all of them into the exact
//! question of garbage collection: does anybody need the version of branch *b* that was current in
//! `[begin, end)`? A reader of a child branch reads its parent at the fork (or earlier), so points
//! travel up the tree.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use helios_base::{BranchId, Error, Result, Scn, SqlState};
use parking_lot::Mutex;

use crate::branch::BranchTree;

/// The points in use.
pub(crate) struct Registry {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Running snapshots, counted.
    active: BTreeMap<(BranchId, Scn), usize>,
    /// Named pins.
    pins: BTreeMap<String, (BranchId, Scn)>,
    /// Garbage collection has removed, or may be removing, versions that only older points need.
    floor: Scn,
}

/// What garbage collection must keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Everything from here on is readable on every branch.
    pub(crate) horizon: Scn,
    /// Per branch the older points that are needed, ascending.
    points: HashMap<BranchId, Vec<Scn>>,
}

impl Plan {
    /// Whether somebody may read the version of `branch` that was current in `[begin, end)`.
    pub(crate) fn needs(&self, branch: BranchId, begin: Scn, end: Scn) -> bool {
        if end > self.horizon {
            return true;
        }
        let Some(points) = self.points.get(&branch) else {
            return false;
        };
        let first = points.partition_point(|point| *point < begin);
        points.get(first).is_some_and(|point| *point < end)
    }

    /// Whether somebody may read `branch` at a point before `scn`.
    pub(crate) fn needs_before(&self, branch: BranchId, scn: Scn) -> bool {
        self.horizon < scn
            || self
                .points
                .get(&branch)
                .and_then(|points| points.first())
                .is_some_and(|point| *point < scn)
    }

    /// The first needed point of `branch` at or after `scn`, unless that is after the horizon, where
    /// every number is one; and whether it is the first of all.
    pub(crate) fn interval(&self, branch: BranchId, scn: Scn) -> (Option<Scn>, bool) {
        if scn > self.horizon {
            return (None, false);
        }
        let points = self.points.get(&branch).map_or(&[][..], Vec::as_slice);
        let first = points.partition_point(|point| *point < scn);
        let point = points.get(first).copied().unwrap_or(self.horizon);
        (Some(point), first == 0)
    }

    /// Whether a point is exactly `scn`, on any branch.
    pub(crate) fn has_point(&self, scn: Scn) -> bool {
        self.points
            .values()
            .any(|points| points.binary_search(&scn).is_ok())
    }
}

impl Registry {
    pub(crate) fn new(floor: Scn, pins: BTreeMap<String, (BranchId, Scn)>) -> Self {
        Self {
            state: Mutex::new(State {
                active: BTreeMap::new(),
                pins,
                floor,
            }),
        }
    }

    /// Registers a reader of the newest state of `branch`.
    #[inline]
    pub(crate) fn acquire_newest(&self, branch: BranchId, published: &AtomicU64) -> Scn {
        let mut state = self.state.lock();
        // Read under the mutex: a plan made before cannot have a horizon after it.
        let scn = Scn(published.load(Ordering::Acquire));
        *state.active.entry((branch, scn)).or_default() += 1;
        scn
    }

    /// Registers a reader of `branch` at `scn`, if that is still kept.
    pub(crate) fn acquire(&self, branch: BranchId, scn: Scn, tree: &BranchTree) -> Result<()> {
        let mut state = self.state.lock();
        if scn < state.floor && !state.is_kept(branch, scn, tree) {
            return Err(Error::new(
                SqlState::SNAPSHOT_TOO_OLD,
                format!("change number {scn} is no longer kept"),
            )
            .with_detail(format!("The oldest that is kept is {}.", state.floor))
            .with_hint("raise the retention, or pin what must stay readable"));
        }
        *state.active.entry((branch, scn)).or_default() += 1;
        Ok(())
    }

    /// Ends one registration.
    #[inline]
    pub(crate) fn release(&self, branch: BranchId, scn: Scn) {
        let mut state = self.state.lock();
        if let Some(count) = state.active.get_mut(&(branch, scn)) {
            *count -= 1;
            if *count == 0 {
                state.active.remove(&(branch, scn));
            }
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

    pub(crate) fn floor(&self) -> Scn {
        self.state.lock().floor
    }

    /// Whether a snapshot of the branch is open.
    pub(crate) fn is_read(&self, branch: BranchId) -> bool {
        let state = self.state.lock();
        let range = (branch, Scn::ZERO)..=(branch, Scn::MAX);
        state.active.range(range).next().is_some()
    }

    /// Fixes what must be kept, given that retention needs everything from `horizon` on, and
    /// refuses older readers from now on.
    pub(crate) fn plan(&self, horizon: Scn, tree: &BranchTree) -> Plan {
        let mut state = self.state.lock();
        state.floor = state.floor.max(horizon);
        let horizon = state.floor;
        let mut points: HashMap<BranchId, Vec<Scn>> = HashMap::new();
        let bases = tree.bases(horizon, state.held());
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
        for own in points.values_mut() {
            own.sort_unstable();
            own.dedup();
            own.retain(|scn| *scn < horizon);
        }
        points.retain(|_, own| !own.is_empty());
        Plan { horizon, points }
    }
}

impl State {
    /// Points of readers and pins.
    fn held(&self) -> impl Iterator<Item = (BranchId, Scn)> {
        let readers = self.active.keys().copied();
        readers.chain(self.pins.values().copied())
    }

    /// Whether a point that retention gave up is held by somebody else.
    fn is_kept(&self, branch: BranchId, scn: Scn, tree: &BranchTree) -> bool {
        let held = |branch, scn| {
            self.active.contains_key(&(branch, scn))
                || self.pins.values().any(|pin| *pin == (branch, scn))
        };
        held(branch, scn)
            || tree.bases(self.floor, self.held()).contains(&(branch, scn))
            || tree.children(branch).any(|child| {
                child.branch.fork == scn || held(child.branch.id, scn) && scn < child.branch.fork
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::branch::Branch;

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
        let registry = Registry::new(Scn::ZERO, BTreeMap::new());
        let (main, child) = (BranchId(0), BranchId(1));
        registry.pin("p", main, Scn(40));
        registry.acquire(BranchId(2), Scn(15), &tree).unwrap();
        let plan = registry.plan(Scn(100), &tree);
        // Retention.
        assert!(plan.needs(main, Scn(99), Scn(101)));
        assert!(!plan.needs(main, Scn(99), Scn(100)));
        // The pin, the fork of the child.
        assert!(plan.needs(main, Scn(40), Scn(41)));
        assert!(!plan.needs(main, Scn(39), Scn(40)));
        assert!(plan.needs(main, Scn(5), Scn(11)));
        assert!(!plan.needs(main, Scn(11), Scn(40)));
        // The grandchild's reader at 15 reads the child at 15 and main at 10.
        assert!(plan.needs(child, Scn(15), Scn(16)));
        assert!(plan.needs(child, Scn(20), Scn(21)));
        assert!(!plan.needs(child, Scn(16), Scn(20)));
        assert!(plan.needs_before(child, Scn(16)));
        assert!(!plan.needs_before(child, Scn(15)));

        // Old points are refused unless somebody holds them.
        assert!(registry.acquire(main, Scn(50), &tree).is_err());
        assert!(registry.acquire(main, Scn(40), &tree).is_ok());
        assert!(registry.acquire(main, Scn(10), &tree).is_ok());
        assert!(registry.acquire(child, Scn(15), &tree).is_ok());
        assert!(registry.acquire(main, Scn(100), &tree).is_ok());
        registry.release(BranchId(2), Scn(15));
        registry.release(child, Scn(15));
        let plan = registry.plan(Scn(100), &tree);
        assert!(!plan.needs(child, Scn(15), Scn(16)));
    }
}
