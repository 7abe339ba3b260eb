// Guards against any difference between the store and a model that keeps a full copy of every branch
// after every commit: random transactions of all levels with savepoints, several open at a time,
// old snapshots, pins, branches forked in the past, collection, checkpoint and freezing steps, reopening.
//
// HELIOS_MODEL_OPS sets the number of operations, HELIOS_SEED the seed. The same operations run by
// default.

mod bringing;
mod expect;
mod freezing;
mod reads;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use helios_base::{BranchId, IndexId, Scn, TableId};
use helios_version::{
    BranchSpec, IndexEntry, Isolation, LockMode, Options, Read, Savepoint, SequenceSpec, Snapshot,
    Step, Store, Txn, TxnOptions, View, Wait,
};

use expect::{
    ByCategory, entry_of, expect_all, expect_history, expect_index, expect_row, expect_scan,
    overlay, row_of, value_of,
};
use freezing::Freezing;
use reads::{Done, Reads};

const T: TableId = TableId(1000);
const I: IndexId = IndexId(2000);
const SEQUENCE: TableId = TableId(3000);
const KEYS: u16 = 120;
const CATEGORIES: u32 = 8;

type Key = u16;
type Rows = Rc<BTreeMap<Key, u32>>;

struct Branch {
    parent: Option<BranchId>,
    fork: Scn,
    /// The whole branch after each commit on it; the first is what it was forked from.
    states: Vec<(Scn, Rows)>,
    /// Newest change of each key by this branch's own commits.
    changed: BTreeMap<Key, Scn>,
}

/// A savepoint with the writes, entries and locks at it.
type Saved = (
    Savepoint,
    BTreeMap<Key, Option<u32>>,
    BTreeMap<Key, Vec<u8>>,
    BTreeSet<Key>,
);

struct Open {
    txn: Txn,
    branch: BranchId,
    isolation: Isolation,
    view: Option<(Scn, Rows)>,
    writes: BTreeMap<Key, Option<u32>>,
    entries: BTreeMap<Key, Vec<u8>>,
    locks: BTreeSet<Key>,
    saved: Vec<Saved>,
    reads: Reads,
}

struct World {
    store: Option<Store>,
    path: Option<PathBuf>,
    random: Rng,
    branches: BTreeMap<BranchId, Branch>,
    done: Vec<Done>,
    open: Vec<Open>,
    snapshots: Vec<(Snapshot, Rows)>,
    pins: Vec<(String, BranchId, Scn, Rows)>,
    freezing: Freezing,
    sequence: i64,
    next_name: u32,
    retains: bool,
    /// Copies of older states may be gone.
    forgotten: Scn,
    /// Forks of dropped branches, readable until those are collected.
    old_forks: BTreeSet<Scn>,
    /// What was merged into something.
    merged: BTreeSet<Scn>,
}

const SPEC: SequenceSpec = SequenceSpec {
    start: 1,
    increment: 1,
    min: 1,
    max: i64::MAX,
    cycle: false,
};

fn options() -> Options {
    Options {
        background: false,
        retention: Duration::from_secs(3600),
        row_cache_bytes: 256 << 10,
        block_cache_bytes: 512 << 10,
        ..Options::default()
    }
}

impl World {
    fn new(path: Option<PathBuf>, seed: u64) -> Self {
        let main = Branch {
            parent: None,
            fork: Scn::ZERO,
            states: vec![(Scn::ZERO, Rows::default())],
            changed: BTreeMap::new(),
        };
        let mut world = Self {
            store: None,
            path,
            random: Rng::with_seed(seed),
            branches: BTreeMap::from([(BranchId::MAIN, main)]),
            done: Vec::new(),
            open: Vec::new(),
            snapshots: Vec::new(),
            pins: Vec::new(),
            freezing: Freezing::default(),
            sequence: 0,
            next_name: 0,
            retains: true,
            forgotten: Scn::ZERO,
            old_forks: BTreeSet::new(),
            merged: BTreeSet::new(),
        };
        world.reopen();
        world
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        if self.path.is_none() && self.store.is_some() {
            return;
        }
        self.open.clear();
        self.snapshots.clear();
        self.freezing.stop();
        let crashed = self.random.bool();
        if let Some(store) = self.store.take() {
            if crashed {
                // A durable commit takes the asynchronous ones before it along.
                let txn = store.begin(TxnOptions::default()).unwrap();
                txn.put(TableId(999), b"x", b"", &[]).unwrap();
                txn.commit().unwrap();
                store.abandon();
            } else {
                store.close().unwrap();
            }
        }
        let store = match &self.path {
            Some(path) => Store::open(path, options()).unwrap(),
            None => Store::open_in_memory(options()).unwrap(),
        };
        store.set_indexer(Arc::new(ByCategory));
        self.freezing.start(&store);
        self.retains = true;
        self.store = Some(store);
        // A crash skips what was reserved and not used.
        if let Some(state) = self.store().sequence(BranchId::MAIN, SEQUENCE).unwrap() {
            assert!(state.value >= self.sequence);
            assert!(crashed || state.value == self.sequence);
            self.sequence = state.value;
        }
    }

    /// The rows of a branch at a change number, from the copies.
    fn rows_at(&self, branch: BranchId, scn: Scn) -> Rows {
        let b = &self.branches[&branch];
        match b.parent {
            Some(parent) if scn < b.fork => self.rows_at(parent, scn),
            _ => {
                let after = b.states.partition_point(|(at, _)| *at <= scn);
                Rc::clone(&b.states[after.saturating_sub(1)].1)
            }
        }
    }

    fn any_branch(&mut self) -> BranchId {
        let n = self.random.usize(0..self.branches.len());
        *self.branches.keys().nth(n).unwrap()
    }

    fn key(&mut self) -> Key {
        // Some keys are hot.
        if self.random.bool() {
            self.random.u16(0..KEYS)
        } else {
            self.random.u16(0..8)
        }
    }

    fn begin(&mut self) {
        if self.open.len() >= 5 {
            return self.finish();
        }
        let branch = self.any_branch();
        let isolation = match self.random.u8(0..3) {
            0 => Isolation::ReadCommitted,
            1 => Isolation::RepeatableRead,
            _ => Isolation::Serializable,
        };
        let asynchronous = self.path.is_none() || self.random.u8(0..4) > 0;
        let txn = self
            .store()
            .begin(TxnOptions {
                branch,
                isolation,
                asynchronous,
                ..TxnOptions::default()
            })
            .unwrap();
        self.open.push(Open {
            txn,
            branch,
            isolation,
            view: None,
            writes: BTreeMap::new(),
            entries: BTreeMap::new(),
            locks: BTreeSet::new(),
            saved: Vec::new(),
            reads: Reads::default(),
        });
    }

    fn any_open(&mut self) -> Option<usize> {
        (!self.open.is_empty()).then(|| self.random.usize(0..self.open.len()))
    }

    /// Starts a statement and returns its view with what it must show.
    fn statement(&mut self, n: usize) -> (View, BTreeMap<Key, u32>) {
        let view = self.open[n].txn.statement().unwrap();
        let scn = self.store().scn();
        let open = &self.open[n];
        let fresh = open.view.is_none() || open.isolation == Isolation::ReadCommitted;
        if fresh {
            let rows = self.rows_at(open.branch, scn);
            self.open[n].view = Some((scn, rows));
        }
        let open = &self.open[n];
        let (scn, rows) = open.view.as_ref().unwrap();
        assert_eq!(view.scn(), *scn);
        let mut rows = BTreeMap::clone(rows);
        overlay(&mut rows, &open.writes);
        (view, rows)
    }

    fn read(&mut self, n: usize) {
        let (view, rows) = self.statement(n);
        let mut noted = Reads::default();
        match self.random.u8(0..3) {
            0 => {
                let key = self.key();
                expect_row(&view, key, &rows);
                noted.keys.extend(key..key.saturating_add(4));
            }
            1 => noted
                .ranges
                .push(expect_scan(&mut self.random, &view, &rows)),
            _ => {
                let (range, candidates) = expect_index(&mut self.random, &view, &rows);
                noted.categories.push(range);
                noted.keys.extend(candidates);
            }
        }
        let own = &self.open[n].writes;
        noted.keys.retain(|key| !own.contains_key(key));
        let reads = &mut self.open[n].reads;
        reads.keys.append(&mut noted.keys);
        reads.ranges.append(&mut noted.ranges);
        reads.categories.append(&mut noted.categories);
    }

    fn write(&mut self, n: usize) {
        let key = self.key();
        let pk = key.to_be_bytes();
        let branch = self.open[n].branch;
        let (view, rows) = self.statement(n);
        let seen = view.snapshot().get(T, &pk).unwrap();
        drop(view);
        let others = self.open.iter().enumerate();
        let blocked = others
            .filter(|(other, _)| *other != n)
            .any(|(_, open)| open.branch == branch && open.locks.contains(&key));
        let open = &self.open[n];
        let (mode, wait) = (LockMode::Update, Wait::NoWait);
        let locked = match open.writes.contains_key(&key) || self.random.bool() {
            true => open.txn.lock_row(T, &pk, mode, wait),
            false => open.txn.lock_seen(T, &pk, seen, mode, wait),
        };
        if blocked {
            assert_eq!(locked.unwrap_err().sqlstate().as_str(), "55P03");
            return;
        }
        self.open[n].locks.insert(key);
        let open = &self.open[n];
        let scn = open.view.as_ref().unwrap().0;
        let changed = self.branches[&branch]
            .changed
            .get(&key)
            .copied()
            .unwrap_or(Scn::ZERO);
        if changed > scn && open.isolation != Isolation::ReadCommitted {
            match locked {
                Err(error) => assert_eq!(error.sqlstate().as_str(), "40001"),
                // Inserted and deleted since, and both are collected already.
                Ok(locked) => {
                    assert_eq!(locked.unwrap().latest, None);
                    assert!(!rows.contains_key(&key));
                }
            }
            self.open.swap_remove(n);
            return;
        }
        let locked = locked.unwrap().unwrap();
        // A tombstone that hid nothing may have been collected, and a statement starts with a new
        // snapshot, so only this direction is certain.
        if locked.changed_since_snapshot {
            assert!(changed > scn);
        }
        let newest = self.rows_at(branch, Scn::MAX);
        let latest = match open.writes.get(&key) {
            Some(own) => *own,
            None => newest.get(&key).copied(),
        };
        assert_eq!(locked.latest.map(|row| value_of(&row.row)), latest);
        assert_eq!(open.txn.share_key(T, &pk).unwrap(), latest.is_some());

        let value = (self.random.u8(0..3) > 0).then(|| self.random.u32(..));
        let open = &mut self.open[n];
        // As a table does it: entries that the new version has and the old one had not, and own
        // entries of an own old version are taken back.
        let old = latest.map(|value| entry_of(key, value));
        let new = value.map(|value| entry_of(key, value));
        if old != new && open.writes.contains_key(&key) {
            let cancelled = old.iter().map(|key| IndexEntry {
                index: I,
                key: key.clone(),
            });
            open.txn
                .cancel_entries(&cancelled.collect::<Vec<_>>())
                .unwrap();
            open.entries.remove(&key);
        }
        match value {
            Some(value) => {
                let added = new.filter(|new| old.as_ref() != Some(new));
                if let Some(entry) = &added {
                    open.entries.insert(key, entry.clone());
                }
                let entries: Vec<_> = added
                    .map(|key| IndexEntry { index: I, key })
                    .into_iter()
                    .collect();
                open.txn.put(T, &pk, &row_of(value), &entries).unwrap();
            }
            None => open.txn.delete(T, &pk).unwrap(),
        }
        open.writes.insert(key, value);
    }

    fn savepoint(&mut self, n: usize) {
        let choice = self.random.u8(0..3);
        let open = &mut self.open[n];
        if choice > 0 || open.saved.is_empty() {
            let saved = (
                open.txn.savepoint(),
                open.writes.clone(),
                open.entries.clone(),
                open.locks.clone(),
            );
            open.saved.push(saved);
            return;
        }
        let at = self.random.usize(0..open.saved.len());
        open.saved.truncate(at + 1);
        let (savepoint, writes, entries, locks) = open.saved[at].clone();
        open.txn.rollback_to(savepoint).unwrap();
        (open.writes, open.entries, open.locks) = (writes, entries, locks);
    }

    fn finish(&mut self) {
        let Some(n) = self.any_open() else { return };
        let mut open = self.open.swap_remove(n);
        match self.random.u8(0..5) {
            0 => return open.txn.rollback(),
            1 if !self.bring(&mut open) => return,
            _ => {}
        }
        let conflict = open.isolation == Isolation::Serializable
            && open.txn.has_writes()
            && self.done.iter().any(|done| {
                done.branch == open.branch
                    && open.view.as_ref().is_some_and(|(scn, _)| done.scn > *scn)
                    && open.reads.conflict_with(done)
            });
        let has_writes = open.txn.has_writes();
        if self.random.bool() {
            self.freezing.load(&open.txn, &mut self.random);
        }
        if has_writes && self.random.u8(0..8) == 0 {
            let other = self.any_branch();
            let scn = self.store().scn();
            open.txn.add_merge_parent(other, scn);
            self.merged.insert(scn);
        }
        match open.txn.commit() {
            Err(error) => {
                assert_eq!(error.sqlstate().as_str(), "40001");
                assert!(conflict, "refused without a reason");
            }
            Ok(scn) => {
                assert!(!conflict, "a conflict was not found");
                assert_eq!(scn, self.store().scn());
                if has_writes {
                    self.committed(scn, &open);
                }
            }
        }
    }

    fn committed(&mut self, scn: Scn, open: &Open) {
        let before = self.rows_at(open.branch, Scn::MAX);
        let mut rows = BTreeMap::clone(&before);
        overlay(&mut rows, &open.writes);
        let branch = self.branches.get_mut(&open.branch).unwrap();
        branch.states.push((scn, Rc::new(rows)));
        for (key, value) in &open.writes {
            if value.is_some() || before.contains_key(key) {
                branch.changed.insert(*key, scn);
            }
        }
        self.done.push(Done {
            scn,
            branch: open.branch,
            keys: open.writes.keys().copied().collect(),
            entries: open.entries.values().cloned().collect(),
        });
        if self.done.len() > 400 {
            let oldest = self
                .open
                .iter()
                .filter_map(|open| open.view.as_ref().map(|v| v.0))
                .min();
            let oldest = oldest.unwrap_or(scn);
            self.done.retain(|done| done.scn > oldest);
        }
    }

    fn old_snapshot(&mut self) {
        if !self.snapshots.is_empty() && self.random.bool() {
            let n = self.random.usize(0..self.snapshots.len());
            let (snapshot, rows) = self.snapshots.swap_remove(n);
            expect_all(&snapshot, &rows);
            expect_scan(&mut self.random, &snapshot, &rows);
            expect_index(&mut self.random, &snapshot, &rows);
            return;
        }
        let branch = self.any_branch();
        let scn = self.some_scn();
        match self.store().snapshot(branch, Some(scn)) {
            Ok(snapshot) => {
                let rows = self.rows_at(branch, scn);
                expect_scan(&mut self.random, &snapshot, &rows);
                expect_row(&snapshot, self.random.u16(0..KEYS), &rows);
                self.snapshots.push((snapshot, rows));
                if self.snapshots.len() > 6 {
                    self.snapshots.swap_remove(0);
                }
            }
            Err(error) => {
                assert_eq!(error.sqlstate().as_str(), "72000");
                assert!(scn < self.store().stats().horizon);
            }
        }
    }

    fn some_scn(&mut self) -> Scn {
        let newest = self.store().scn().0;
        let back = if self.random.bool() { 10 } else { 300 };
        let scn = Scn(self.random.u64(newest.saturating_sub(back)..=newest));
        // A crash may bring back what was collected and is not in the copies any more.
        if self.store().stats().horizon < self.forgotten {
            return scn.max(self.forgotten);
        }
        scn
    }

    /// Compares any two points that can be read: the difference, and that it turns one into the
    /// other.
    fn diff(&mut self) {
        let mut point = || {
            if !self.snapshots.is_empty() && self.random.bool() {
                let n = self.random.usize(0..self.snapshots.len());
                return Some(self.snapshots[n].clone());
            }
            let branch = self.any_branch();
            let scn = self.some_scn();
            let snapshot = self.store().snapshot(branch, Some(scn)).ok()?;
            Some((snapshot, self.rows_at(branch, scn)))
        };
        if let (Some((a, old)), Some((b, new))) = (point(), point()) {
            self.expect_diff((&a, &old), (&b, &new));
        }
    }

    fn expect_diff(&self, (a, old): (&Snapshot, &Rows), (b, new): (&Snapshot, &Rows)) {
        let mut expected = BTreeMap::new();
        for key in old.keys().chain(new.keys()) {
            let sides = (old.get(key).copied(), new.get(key).copied());
            if sides.0 != sides.1 {
                expected.insert(*key, sides);
            }
        }
        let mut named = self.store().changed_keys(a, b, T).unwrap();
        assert!(expected.is_empty() || !named.is_empty().unwrap());
        for key in 0..KEYS {
            let may = named.may_have(&key.to_be_bytes()).unwrap();
            assert!(may || !expected.contains_key(&key), "{key} is not named");
        }
        let mut found = BTreeMap::new();
        let mut diff = self.store().diff(a, b, Some(T)).unwrap();
        let mut last = None;
        while let Some(change) = diff.next().unwrap() {
            let key = Key::from_be_bytes(change.pk.as_slice().try_into().unwrap());
            assert!(last < Some(key), "order");
            last = Some(key);
            let value = |row: Option<helios_version::RowVersion>| row.map(|r| value_of(&r.row));
            found.insert(key, (value(change.old), value(change.new)));
        }
        assert_eq!(
            found,
            expected,
            "from {} at {} to {} at {}",
            a.branch(),
            a.scn(),
            b.branch(),
            b.scn()
        );
    }

    /// Every two branches have a base that can be read.
    fn expect_bases(&self) {
        let now = self.store().scn();
        for &a in self.branches.keys() {
            for &b in self.branches.keys() {
                let bases = self.store().merge_bases((a, now), (b, now));
                assert!(!bases.is_empty());
                for (branch, scn) in bases {
                    let base = self.store().snapshot(branch, Some(scn)).unwrap();
                    let rows = self.rows_at(branch, scn);
                    let newest = self.store().snapshot(a, None).unwrap();
                    self.expect_diff((&base, &rows), (&newest, &self.rows_at(a, Scn::MAX)));
                }
            }
        }
    }

    fn pin(&mut self) {
        if self.pins.len() > 2 {
            let n = self.random.usize(0..self.pins.len());
            let (name, branch, scn, rows) = self.pins.swap_remove(n);
            expect_all(&self.store().snapshot(branch, Some(scn)).unwrap(), &rows);
            self.store().unpin(&name).unwrap();
            return;
        }
        let (branch, scn) = (self.any_branch(), self.some_scn());
        self.next_name += 1;
        let name = format!("pin{}", self.next_name);
        if self.store().pin(&name, branch, scn).is_ok() {
            let rows = self.rows_at(branch, scn);
            self.pins.push((name, branch, scn, rows));
        }
    }

    fn branch(&mut self) {
        if self.branches.len() >= 8 {
            return self.drop_branch();
        }
        let parent = self.any_branch();
        let at = self.random.bool().then(|| self.some_scn());
        self.next_name += 1;
        let spec = BranchSpec {
            name: format!("b{}", self.next_name),
            parent,
            at,
            options: Vec::new(),
        };
        let before = self.store().scn();
        if let Ok(branch) = self.store().create_branch(spec) {
            assert_eq!(branch.fork, at.unwrap_or(before));
            let rows = self.rows_at(parent, branch.fork);
            self.branches.insert(
                branch.id,
                Branch {
                    parent: Some(parent),
                    fork: branch.fork,
                    states: vec![(branch.fork, rows)],
                    changed: BTreeMap::new(),
                },
            );
        }
    }

    fn drop_branch(&mut self) {
        let id = self.any_branch();
        let is_parent = self
            .branches
            .values()
            .any(|branch| branch.parent == Some(id));
        let used = self.open.iter().any(|open| open.branch == id);
        let dropped = self.store().drop_branch(id);
        assert_eq!(dropped.is_err(), is_parent || used || id == BranchId::MAIN);
        if dropped.is_ok() {
            let branch = self.branches.remove(&id).unwrap();
            self.old_forks.insert(branch.fork);
            self.pins.retain(|pin| pin.1 != id);
        }
    }

    fn maintain(&mut self) {
        let budget = self.random.usize(1..200);
        match self.random.u8(0..12) {
            6.. => {
                let branch = self.any_branch();
                let Some(store) = &self.store else { return };
                self.freezing.step(store, &mut self.random, branch);
            }
            0..3 => {
                let _: Step = self.store().gc_step(budget).unwrap();
            }
            3 => {
                let _: Step = self.store().checkpoint_step(budget).unwrap();
            }
            4 => while self.store().gc_step(budget).unwrap() == Step::More {},
            _ => {
                self.retains = !self.retains;
                let retention = if self.retains { 3600 } else { 0 };
                self.store().set_retention(Duration::from_secs(retention));
            }
        }
    }

    /// Lets go of copies that nobody can ask for any more.
    fn forget(&mut self) {
        let horizon = self.store().stats().horizon;
        self.forgotten = self.forgotten.max(horizon);
        let mut kept: BTreeSet<Scn> = self.pins.iter().map(|pin| pin.2).collect();
        kept.extend(self.branches.values().map(|branch| branch.fork));
        kept.extend(&self.old_forks);
        kept.extend(&self.merged);
        kept.extend(self.snapshots.iter().map(|(snapshot, _)| snapshot.scn()));
        kept.extend(
            self.open
                .iter()
                .filter_map(|open| open.view.as_ref().map(|v| v.0)),
        );
        for branch in self.branches.values_mut() {
            let states = std::mem::take(&mut branch.states);
            let ends: Vec<Scn> = states
                .iter()
                .skip(1)
                .map(|s| s.0)
                .chain([Scn::MAX])
                .collect();
            for ((begin, rows), end) in states.into_iter().zip(ends) {
                let point = kept.range(begin..end).next().is_some();
                if end > horizon || point {
                    branch.states.push((begin, rows));
                }
            }
        }
    }

    fn compare_all(&self) {
        for &branch in self.branches.keys() {
            let snapshot = self.store().snapshot(branch, None).unwrap();
            expect_all(&snapshot, &self.rows_at(branch, Scn::MAX));
            expect_history(&snapshot, &self.rows_at(branch, Scn::MAX));
        }
        for (name, branch, scn, rows) in &self.pins {
            let snapshot = self.store().snapshot(*branch, Some(*scn));
            expect_all(
                &snapshot.unwrap_or_else(|error| panic!("{name}: {error}")),
                rows,
            );
        }
        for (snapshot, rows) in &self.snapshots {
            expect_all(snapshot, rows);
        }
        self.expect_bases();
        assert_eq!(self.store().check().unwrap(), Vec::<String>::new());
    }

    fn step(&mut self) {
        let choice = self.random.u16(0..1000);
        match choice {
            0..150 => self.begin(),
            150..400 => {
                if let Some(n) = self.any_open() {
                    self.read(n);
                }
            }
            400..700 => {
                if let Some(n) = self.any_open() {
                    self.write(n);
                }
            }
            700..750 => {
                if let Some(n) = self.any_open() {
                    self.savepoint(n);
                }
            }
            750..900 => self.finish(),
            900..920 => self.old_snapshot(),
            920..930 => self.diff(),
            930..935 => self.pin(),
            935..943 => self.branch(),
            943..946 => self.drop_branch(),
            946..990 => self.maintain(),
            990..998 => {
                let value = self
                    .store()
                    .nextval(BranchId::MAIN, SEQUENCE, &SPEC)
                    .unwrap();
                self.sequence += 1;
                assert_eq!(value, self.sequence);
            }
            _ => {
                self.forget();
                if self.random.u8(0..4) == 0 {
                    self.reopen();
                    self.compare_all();
                }
            }
        }
    }
}

/// The seed where none is given.
const SEED: u64 = 1;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn run(path: Option<PathBuf>, share: u64) {
    let seed = number("HELIOS_SEED", SEED);
    let ops = number("HELIOS_MODEL_OPS", 20_000) / share;
    let place = if path.is_some() { "disk" } else { "memory" };
    println!(
        "model on {place}: HELIOS_SEED={seed} HELIOS_MODEL_OPS={}",
        ops * share
    );
    let mut world = World::new(path, seed);
    for op in 0..ops {
        world.step();
        if op % 5_000 == 4_999 {
            world.compare_all();
        }
    }
    world.open.clear();
    world.snapshots.clear();
    world.compare_all();
    world.freezing.settle();
    world.compare_all();
    world.reopen();
    world.compare_all();
    world.store().set_retention(Duration::ZERO);
    while world.store().gc_step(64).unwrap() == Step::More {}
    world.compare_all();
    let freezing = &world.freezing;
    println!("model on {place}: {ops} operations, {freezing}, no difference");
}

#[test]
fn the_store_in_memory_is_the_model() {
    run(None, 2);
}

#[test]
fn the_store_on_disk_is_the_model() {
    let dir = tempfile::tempdir().unwrap();
    run(Some(dir.path().join("db")), 2);
}
