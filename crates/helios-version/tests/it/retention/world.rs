// The store beside full copies of every state.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use helios_base::{BranchId, IndexId, Scn, TableId};
use helios_version::{
    BranchSpec, IndexEntry, Indexer, Options, RETENTION_PERIOD, Snapshot, Step, Store, Txn,
    TxnOptions,
};

use crate::cold::{Shelf, read};

/// A period that does not end while the test runs, in seconds.
pub(super) const LONG: u64 = 36_000;
pub(super) const KEYS: u8 = 20;
const SLOTS: usize = 3;
/// Stands for the tables that describe the others.
pub(super) const SYSTEM: TableId = TableId(2);

pub(super) type Point = (BranchId, Scn);
pub(super) type Rows = BTreeMap<u8, u32>;

#[derive(Clone)]
pub(super) struct Table {
    pub(super) storage: TableId,
    pub(super) rows: Rows,
    period: Option<u64>,
}

/// All that there is on a branch at a commit.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) tables: [Option<Table>; SLOTS],
    pub(super) system: Rows,
}

pub(super) struct Branch {
    parent: Option<BranchId>,
    fork: Scn,
    created: Scn,
    period: Option<u64>,
    states: Vec<(Scn, Rc<State>)>,
    /// Tables that were dropped on it, with the period they had.
    dropped: BTreeMap<TableId, Option<u64>>,
}

/// What may have been collected.
#[derive(Default)]
struct Lost {
    tables: BTreeMap<(BranchId, TableId), Scn>,
    rest: BTreeMap<BranchId, Scn>,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    commits: u32,
    pub(super) whole: u32,
    pub(super) partial: u32,
    pub(super) gone: u32,
    pub(super) refused: u32,
    forks: u32,
    pub(super) diffs: u32,
    collections: u32,
    frozen: u32,
    reopened: u32,
}

pub(super) struct World {
    store: Option<Store>,
    path: Option<PathBuf>,
    pub(super) random: Rng,
    pub(super) branches: BTreeMap<BranchId, Branch>,
    /// Tables made without a period of their own, of whose birth the store knows nothing.
    unknown: Vec<TableId>,
    pub(super) held: Vec<(Snapshot, Vec<TableId>)>,
    pins: Vec<(String, Point)>,
    lost: Lost,
    base: u64,
    next: u32,
    shelf: Shelf,
    pub(super) counts: Counts,
}

/// Every table above the system's has one index, of the rows' last two bits.
pub(super) fn index_of(table: TableId) -> IndexId {
    IndexId(table.0 + 100_000)
}

pub(super) fn entry(key: u8, value: u32) -> Vec<u8> {
    vec![(value % 4) as u8, key]
}

struct ByBits;

impl Indexer for ByBits {
    fn entries(
        &self,
        _: BranchId,
        table: TableId,
        pk: &[u8],
        row: &[u8],
        out: &mut Vec<IndexEntry>,
    ) {
        if table.0 > 1000 {
            let value = u32::from_be_bytes(row.try_into().unwrap());
            out.push(IndexEntry {
                index: index_of(table),
                key: entry(pk[0], value),
            });
        }
    }
}

fn seconds(random: &mut Rng) -> Option<u64> {
    [None, Some(0), Some(LONG)][random.usize(0..3)]
}

fn option(period: Option<u64>) -> Vec<(String, String)> {
    let option = period.map(|period| (RETENTION_PERIOD.to_owned(), format!("{period} seconds")));
    option.into_iter().collect()
}

impl World {
    pub(super) fn new(path: Option<PathBuf>, seed: u64) -> Self {
        let main = Branch {
            parent: None,
            fork: Scn::ZERO,
            created: Scn::ZERO,
            period: None,
            states: vec![(Scn::ZERO, Rc::default())],
            dropped: BTreeMap::new(),
        };
        let mut world = Self {
            store: None,
            path,
            random: Rng::with_seed(seed),
            branches: BTreeMap::from([(BranchId::MAIN, main)]),
            unknown: Vec::new(),
            held: Vec::new(),
            pins: Vec::new(),
            lost: Lost::default(),
            base: LONG,
            next: 1000,
            shelf: Shelf::default(),
            counts: Counts::default(),
        };
        world.reopen();
        world
    }

    pub(super) fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    pub(super) fn reopen(&mut self) {
        if self.path.is_none() && self.store.is_some() {
            return;
        }
        self.held.clear();
        if let Some(store) = self.store.take() {
            if self.random.bool() {
                // A durable commit takes those before it along.
                let txn = store.begin(TxnOptions::default()).unwrap();
                txn.put(TableId(999), b"x", b"", &[]).unwrap();
                txn.commit().unwrap();
                store.abandon();
            } else {
                store.close().unwrap();
            }
        }
        let options = Options {
            background: false,
            retention: Duration::from_secs(self.base),
            ..Options::default()
        };
        let store = match &self.path {
            Some(path) => Store::open(path, options).unwrap(),
            None => Store::open_in_memory(options).unwrap(),
        };
        store.set_indexer(Arc::new(ByBits));
        self.shelf.clean(&store.segments());
        store.set_cold(Arc::new(self.shelf.clone()));
        for mut adoption in store.adoptions() {
            while adoption.step(100).unwrap() == Step::More {}
        }
        self.store = Some(store);
        self.counts.reopened += 1;
    }

    /// Before its fork a branch is its parent.
    pub(super) fn owner(&self, (branch, scn): Point) -> BranchId {
        let b = &self.branches[&branch];
        match b.parent {
            Some(parent) if scn < b.fork => self.owner((parent, scn)),
            _ => branch,
        }
    }

    pub(super) fn state_at(&self, point: Point) -> Rc<State> {
        let b = &self.branches[&self.owner(point)];
        let after = b.states.partition_point(|(at, _)| *at <= point.1);
        Rc::clone(&b.states[after - 1].1)
    }

    fn newest(&self, branch: BranchId) -> Rc<State> {
        self.state_at((branch, Scn::MAX))
    }

    /// Whether a branch is what it was forked from at this point.
    fn is_fork(&self, point: Point) -> bool {
        let owner = &self.branches[&self.owner(point)];
        owner.parent.is_some() && point.1 <= owner.created
    }

    /// Whether the store may refuse a table at a point.
    pub(super) fn may_miss(&self, point: Point, table: TableId) -> bool {
        let lost = self.lost.tables.get(&(self.owner(point), table));
        lost.is_some_and(|lost| point.1 < *lost) && !self.is_fork(point)
    }

    /// Whether the store may say that a point lacks something.
    pub(super) fn may_lack(&self, point: Point) -> bool {
        if self.is_fork(point) {
            return false;
        }
        let owner = self.owner(point);
        let state = self.state_at(point);
        let mut tables = state.tables.iter().flatten();
        self.lost
            .rest
            .get(&owner)
            .is_some_and(|lost| point.1 < *lost)
            || tables.any(|table| self.may_miss(point, table.storage))
            || self
                .unknown
                .iter()
                .any(|table| self.may_miss(point, *table))
    }

    /// Whether the store may refuse a point wholly.
    pub(super) fn may_refuse(&self, point: Point) -> bool {
        let lost = self.lost.rest.get(&self.owner(point));
        let state = self.state_at(point);
        let mut tables = state.tables.iter().flatten();
        lost.is_some_and(|lost| point.1 < *lost)
            && !self.is_fork(point)
            && tables.all(|table| self.may_miss(point, table.storage))
    }

    /// For messages.
    pub(super) fn about(&self, point: Point) -> String {
        let owner = self.owner(point);
        let b = &self.branches[&owner];
        let there = |state: &State| -> Vec<_> {
            state
                .tables
                .iter()
                .flatten()
                .map(|t| (t.storage.0, t.period))
                .collect()
        };
        let lost = self.lost.tables.iter().filter(|(key, _)| key.0 == owner);
        format!(
            "owner {owner} forked {} created {} period {:?} base {}, then {:?} now {:?} dropped {:?} lost {:?} rest {:?}",
            b.fork,
            b.created,
            b.period,
            self.base,
            there(&self.state_at(point)),
            there(&self.newest(owner)),
            b.dropped,
            lost.map(|(key, scn)| (key.1.0, scn.0)).collect::<Vec<_>>(),
            self.lost.rest.get(&owner)
        )
    }

    pub(super) fn any_branch(&mut self) -> BranchId {
        let n = self.random.usize(0..self.branches.len());
        *self.branches.keys().nth(n).unwrap()
    }

    pub(super) fn any_point(&mut self) -> Point {
        let newest = self.store().scn().0;
        let back = [3, 30, 300, 3000][self.random.usize(0..4)];
        let branch = self.any_branch();
        (
            branch,
            Scn(self.random.u64(newest.saturating_sub(back)..=newest)),
        )
    }

    fn begin(&self, branch: BranchId) -> Txn {
        let options = TxnOptions {
            branch,
            asynchronous: true,
            ..TxnOptions::default()
        };
        self.store().begin(options).unwrap()
    }

    fn commit(&mut self) {
        let branch = self.any_branch();
        let txn = self.begin(branch);
        let mut state = State::clone(&self.newest(branch));
        for slot in 0..SLOTS {
            self.change(&txn, branch, &mut state.tables[slot]);
        }
        if self.random.u8(0..4) == 0 {
            let (key, value) = (self.random.u8(0..KEYS), self.random.u32(..));
            txn.put(SYSTEM, &[key], &value.to_be_bytes(), &[]).unwrap();
            state.system.insert(key, value);
        }
        if !txn.has_writes() {
            return txn.rollback();
        }
        if self.random.u8(0..12) == 0 {
            let other = self.any_branch();
            txn.add_merge_parent(other, self.store().scn());
        }
        let scn = txn.commit().unwrap();
        let branch = self.branches.get_mut(&branch).unwrap();
        branch.states.push((scn, Rc::new(state)));
        self.counts.commits += 1;
    }

    /// What a transaction does to one table.
    fn change(&mut self, txn: &Txn, branch: BranchId, slot: &mut Option<Table>) {
        let choice = self.random.u8(0..60);
        let Some(table) = slot else {
            if choice < 20 {
                *slot = Some(self.create(txn, None));
            }
            return;
        };
        match choice {
            0..30 => {
                for _ in 0..self.random.u8(1..4) {
                    let key = self.random.u8(0..KEYS);
                    let value = (self.random.u8(0..4) > 0).then(|| self.random.u32(..));
                    put(txn, table, key, value);
                }
            }
            30..32 => {
                table.period = seconds(&mut self.random);
                let period = table.period.map(Duration::from_secs);
                txn.retain(table.storage, period, false).unwrap();
            }
            32..34 => {
                let gone = (table.storage, table.period);
                txn.drop_table(table.storage).unwrap();
                txn.drop_index(index_of(table.storage)).unwrap();
                // Truncated, or dropped.
                let again = self.random.bool().then_some(table.period);
                *slot = again.map(|period| self.create(txn, Some(period)));
                let branch = self.branches.get_mut(&branch).unwrap();
                branch.dropped.insert(gone.0, gone.1);
            }
            _ => {}
        }
    }

    fn create(&mut self, txn: &Txn, period: Option<Option<u64>>) -> Table {
        self.next += 1;
        let mut table = Table {
            storage: TableId(self.next),
            rows: Rows::new(),
            period: period.unwrap_or_else(|| seconds(&mut self.random)),
        };
        let period = table.period.map(Duration::from_secs);
        txn.retain(table.storage, period, true).unwrap();
        if period.is_none() {
            self.unknown.push(table.storage);
        }
        for key in 0..self.random.u8(1..KEYS) {
            put(txn, &mut table, key, Some(self.random.u32(..)));
        }
        table
    }

    fn set_period(&mut self) {
        if self.random.bool() {
            self.base = [0, LONG][self.random.usize(0..2)];
            self.store().set_retention(Duration::from_secs(self.base));
            return;
        }
        let id = self.any_branch();
        let period = seconds(&mut self.random);
        let name = self.store().branch_by_id(id).unwrap().name;
        self.store()
            .alter_branch(id, &name, option(period))
            .unwrap();
        self.branches.get_mut(&id).unwrap().period = period;
    }

    fn collect(&mut self) {
        let now = self.store().scn();
        for (id, branch) in &self.branches {
            let rest = branch.period.unwrap_or(self.base);
            if rest == 0 {
                self.lost.rest.insert(*id, now);
            }
            let (_, state) = branch.states.last().unwrap();
            let there = state.tables.iter().flatten();
            let there = there.map(|table| (table.storage, table.period));
            let dropped = branch
                .dropped
                .iter()
                .map(|(table, period)| (*table, *period));
            for (table, period) in there.chain(dropped) {
                if period.unwrap_or(rest) == 0 {
                    self.lost.tables.insert((*id, table), now);
                }
            }
        }
        let budget = self.random.usize(1..300);
        if self.random.bool() {
            let _: Step = self.store().gc_step(budget).unwrap();
        } else {
            while self.store().gc_step(budget).unwrap() == Step::More {}
        }
        self.counts.collections += 1;
    }

    fn freeze(&mut self) {
        let branch = self.any_branch();
        let state = self.newest(branch);
        let tables: Vec<_> = state.tables.iter().flatten().collect();
        let Some(table) = self.random.choice(tables) else {
            return;
        };
        let until = self.any_point().1;
        let mut freeze = self.store().freeze(table.storage, branch, until).unwrap();
        let mut rows = Vec::new();
        while !read(&mut freeze, &mut rows, 100).unwrap() {}
        if let Some(mut adoption) = self.shelf.finish(freeze, rows).unwrap() {
            while adoption.step(7).unwrap() == Step::More {}
            self.counts.frozen += 1;
        }
    }

    fn fork(&mut self) {
        if self.branches.len() >= 6 {
            return self.drop_branch();
        }
        let point = self.any_point();
        self.next += 1;
        let period = seconds(&mut self.random);
        let spec = BranchSpec {
            name: format!("b{}", self.next),
            parent: point.0,
            at: Some(point.1),
            options: option(period),
        };
        match self.store().create_branch(spec) {
            Ok(made) => {
                let state = self.state_at(point);
                let branch = Branch {
                    parent: Some(point.0),
                    fork: point.1,
                    created: made.created,
                    period,
                    states: vec![(point.1, state)],
                    dropped: BTreeMap::new(),
                };
                self.branches.insert(made.id, branch);
                self.counts.forks += 1;
                self.expect_whole((made.id, made.created));
                self.expect_whole((made.id, made.fork));
            }
            Err(error) => {
                assert_eq!(error.sqlstate().as_str(), "72000");
                assert!(self.may_lack(point), "{point:?}: {error}");
                self.counts.refused += 1;
            }
        }
    }

    fn drop_branch(&mut self) {
        let id = self.any_branch();
        let is_parent = self.branches.values().any(|b| b.parent == Some(id));
        let dropped = self.store().drop_branch(id);
        assert_eq!(dropped.is_err(), is_parent || id == BranchId::MAIN);
        if dropped.is_ok() {
            self.branches.remove(&id);
            self.pins.retain(|(_, (branch, _))| *branch != id);
            self.held
                .retain(|(snapshot, _)| helios_version::Read::branch(snapshot) != id);
        }
    }

    fn pin(&mut self) {
        if self.pins.len() > 2 {
            let (name, point) = self.pins.swap_remove(0);
            self.expect_whole(point);
            return self.store().unpin(&name).unwrap();
        }
        let point = self.any_point();
        self.next += 1;
        let name = format!("p{}", self.next);
        match self.store().pin(&name, point.0, point.1) {
            Ok(()) => self.pins.push((name, point)),
            Err(error) => assert!(self.may_lack(point), "{point:?}: {error}"),
        }
    }

    pub(super) fn step(&mut self) {
        match self.random.u16(0..1000) {
            0..550 => self.commit(),
            550..750 => self.look(),
            750..790 => self.diff(),
            790..830 => self.expect_window(),
            830..860 => self.set_period(),
            860..920 => self.collect(),
            920..935 => self.freeze(),
            935..960 => self.fork(),
            960..970 => self.drop_branch(),
            970..985 => self.pin(),
            985..997 => {
                let _: Step = self.store().checkpoint_step(100).unwrap();
            }
            _ => {
                self.reopen();
                self.expect_all();
            }
        }
    }

    pub(super) fn expect_all(&mut self) {
        let now = self.store().scn();
        for branch in self.branches.keys().copied().collect::<Vec<_>>() {
            self.expect_whole((branch, now));
            for other in self.branches.keys().copied().collect::<Vec<_>>() {
                for base in self.store().merge_bases((branch, now), (other, now)) {
                    self.expect_whole(base);
                }
            }
        }
        for (_, point) in self.pins.clone() {
            self.expect_whole(point);
        }
        assert_eq!(self.store().check().unwrap(), Vec::<String>::new());
    }
}

/// Writes or deletes a row as a table does it, with its entry.
fn put(txn: &Txn, table: &mut Table, key: u8, value: Option<u32>) {
    let old = table.rows.get(&key).map(|value| entry(key, *value));
    let Some(value) = value else {
        table.rows.remove(&key);
        return txn.delete(table.storage, &[key]).unwrap();
    };
    let new = entry(key, value);
    let entries: Vec<_> = (old.as_ref() != Some(&new))
        .then_some(IndexEntry {
            index: index_of(table.storage),
            key: new,
        })
        .into_iter()
        .collect();
    let row = value.to_be_bytes();
    txn.put(table.storage, &[key], &row, &entries).unwrap();
    table.rows.insert(key, value);
}
