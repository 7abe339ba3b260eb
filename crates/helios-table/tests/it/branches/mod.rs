// Guards against any difference between branches and a model that keeps a full copy of every branch
// after every commit: transactions that overlap, on a random tree of branches with forks in the past;
// merges in every direction with every strategy, cherry-picks and undos; reads and differences of any
// two points of the past; collection, checkpoints, drops, and reopening after a clean end or a crash.
//
// HELIOS_MODEL_OPS sets the number of operations, HELIOS_SEED the seed.

mod load;
mod merges;
mod oracle;
mod retention;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use helios_base::{BranchId, DataType, Scn, Value};
use helios_table::{KeyRange, StoredRow, TableReader, Tables, Transaction};
use helios_version::{BranchSpec, Options, RowVersion, Snapshot, Step, Store, TxnOptions};

use crate::support::{
    Words, begin, check, columns, create, delete, insert, int, new_table, primary_key, rows, table,
    update,
};
use oracle::{Cells, Rows, State};

type Point = (BranchId, Scn);

const KEYS: i32 = 60;
/// Transactions at once; each writes keys of its own, so that none waits for another.
const OPEN: i32 = 4;
const SEED: u64 = 1;

struct Branch {
    parent: Option<BranchId>,
    fork: Scn,
    states: Vec<(Scn, Rc<State>)>,
}

struct Open {
    txn: Transaction,
    branch: BranchId,
    share: i32,
    writes: BTreeMap<i32, Option<Cells>>,
}

#[derive(Debug, Default)]
struct Counts {
    commits: u32,
    reads: u32,
    parts: u32,
    diffs: u32,
    merges: u32,
    conflicts: u32,
    refused: u32,
    resolved: u32,
    both_ways: u32,
    reopened: u32,
    frozen: u64,
    compacted: u64,
}

struct World {
    /// Where it is on disk; in memory nothing is ever forgotten.
    place: Option<PathBuf>,
    /// Rows go into segments, and segments together, after almost every operation.
    freezes: bool,
    tables: Option<Arc<Tables>>,
    random: Rng,
    branches: BTreeMap<BranchId, Branch>,
    open: Vec<Open>,
    first: Scn,
    next: u32,
    retains: bool,
    counts: Counts,
}

fn row_of(id: i32, cells: &Cells) -> Vec<Value> {
    let mut row = vec![int(id)];
    row.extend(cells.iter().map(|cell| int(*cell)));
    row
}

fn number(value: &Value) -> i32 {
    match value {
        Value::Int4(n) => *n,
        other => panic!("{other:?}"),
    }
}

fn cells_of(row: &[Value]) -> (i32, Cells) {
    let cells = [number(&row[1]), number(&row[2]), number(&row[3])];
    (number(&row[0]), cells)
}

fn overlay(rows: &mut Rows, writes: &BTreeMap<i32, Option<Cells>>) {
    for (id, cells) in writes {
        match cells {
            Some(cells) => rows.insert(*id, *cells),
            None => rows.remove(id),
        };
    }
}

impl World {
    fn new(place: Option<PathBuf>, freezes: bool, seed: u64) -> Self {
        let mut world = Self {
            place,
            freezes,
            tables: None,
            random: Rng::with_seed(seed),
            branches: BTreeMap::new(),
            open: Vec::new(),
            first: Scn::ZERO,
            next: 0,
            retains: true,
            counts: Counts::default(),
        };
        world.reopen();
        let int = DataType::Int4;
        let list = [
            ("id!", int.clone()),
            ("a", int.clone()),
            ("b", int.clone()),
            ("c", int),
        ];
        let constraints = vec![primary_key(&["id"]), check("c < 900000000")];
        let mut new = new_table("t", columns(&list), constraints);
        if freezes {
            for (name, value) in [
                ("hybrid_storage_min_rows", "1"),
                ("hybrid_storage_hot_threshold", "0"),
            ] {
                new.options.insert(name.to_owned(), value.to_owned());
            }
        }
        create(world.tables(), &new);
        world.first = world.store().scn();
        let main = Branch {
            parent: None,
            fork: Scn::ZERO,
            states: vec![(Scn::ZERO, Rc::default())],
        };
        world.branches.insert(BranchId::MAIN, main);
        world
    }

    fn tables(&self) -> &Arc<Tables> {
        self.tables.as_ref().unwrap()
    }

    fn store(&self) -> &Store {
        self.tables().store()
    }

    fn reopen(&mut self) {
        self.open.clear();
        let options = Options {
            background: false,
            retention: Duration::from_secs(3600),
            ..Options::default()
        };
        let store = match &self.place {
            None if self.tables.is_some() => return,
            None => Store::open_in_memory(options).unwrap(),
            Some(path) => {
                if let Some(tables) = self.tables.take() {
                    let store = tables.store().clone();
                    drop(tables);
                    if self.random.bool() {
                        store.close().unwrap();
                    } else {
                        // A durable commit takes those before it along.
                        let txn = store.begin(TxnOptions::default()).unwrap();
                        let table = helios_base::TableId(u32::MAX - 1);
                        txn.put(table, b"x", b"", &[]).unwrap();
                        txn.commit().unwrap();
                        store.abandon();
                    }
                }
                Store::open(path, options).unwrap()
            }
        };
        self.retains = true;
        self.tables = Some(Tables::open(store, Arc::new(Words)).unwrap());
        self.counts.reopened += 1;
    }

    fn state_at(&self, (branch, scn): Point) -> Rc<State> {
        let b = &self.branches[&branch];
        match b.parent {
            Some(parent) if scn < b.fork => self.state_at((parent, scn)),
            _ => {
                let after = b.states.partition_point(|(at, _)| *at <= scn);
                Rc::clone(&b.states[after - 1].1)
            }
        }
    }

    fn newest(&self, branch: BranchId) -> Rc<State> {
        self.state_at((branch, Scn::MAX))
    }

    fn any_branch(&mut self) -> BranchId {
        let n = self.random.usize(0..self.branches.len());
        *self.branches.keys().nth(n).unwrap()
    }

    /// A point of the past.
    fn any_point(&mut self) -> Point {
        let newest = self.store().scn().0;
        let back = [3, 30, 300, 3000][self.random.usize(0..4)];
        let first = self.first.0.max(newest.saturating_sub(back));
        (self.any_branch(), Scn(self.random.u64(first..=newest)))
    }

    /// A snapshot of a point, unless it is forgotten.
    fn snapshot(&self, (branch, scn): Point) -> Option<Snapshot> {
        match self.store().snapshot(branch, Some(scn)) {
            Ok(snapshot) if snapshot.is_whole() => Some(snapshot),
            Ok(_) => {
                assert!(scn < self.store().horizon(), "{branch} {scn}");
                None
            }
            Err(error) => {
                assert_eq!(error.sqlstate().as_str(), "72000");
                assert!(scn < self.store().horizon(), "{branch} {scn}");
                None
            }
        }
    }

    fn begin_on(&self, branch: BranchId) -> Transaction {
        let options = TxnOptions {
            branch,
            asynchronous: true,
            ..TxnOptions::default()
        };
        self.tables().begin(options).unwrap()
    }

    /// Notes a commit that made these rows of what was there and wrote `written`.
    fn push(&mut self, branch: BranchId, scn: Scn, rows: Rows, written: impl Iterator<Item = i32>) {
        let mut ages = self.newest(branch).ages.clone();
        ages.extend(written.map(|id| (id, scn)));
        let branch = self.branches.get_mut(&branch).unwrap();
        branch.states.push((scn, Rc::new(State { rows, ages })));
        self.counts.commits += 1;
    }

    /// Begins a transaction, goes on with one, or ends one.
    fn transact(&mut self) {
        let slot = self.random.i32(0..OPEN);
        let Some(n) = self.open.iter().position(|open| open.share == slot) else {
            let branch = self.any_branch();
            let txn = self.begin_on(branch);
            return self.open.push(Open {
                txn,
                branch,
                share: slot,
                writes: BTreeMap::new(),
            });
        };
        match self.random.u8(0..10) {
            0..7 => self.write(n),
            7..9 => self.commit(n),
            _ => self.open.swap_remove(n).txn.rollback(),
        }
    }

    fn write(&mut self, n: usize) {
        let id = self.random.i32(0..KEYS / OPEN) * OPEN + self.open[n].share;
        let (value, cell, gone) = (
            self.random.i32(0..6),
            self.random.usize(0..3),
            self.random.u8(0..4) == 0,
        );
        let mut seen = self.newest(self.open[n].branch).rows.clone();
        overlay(&mut seen, &self.open[n].writes);
        let open = &mut self.open[n];
        let new = match seen.get(&id).copied() {
            Some(_) if gone => {
                delete(&open.txn, "t", &int(id)).unwrap();
                None
            }
            Some(mut cells) => {
                cells[cell] = value;
                update(&open.txn, "t", &int(id), &row_of(id, &cells)).unwrap();
                Some(cells)
            }
            None => {
                let cells = [value, value + 1, 0];
                insert(&open.txn, "t", &row_of(id, &cells)).unwrap();
                Some(cells)
            }
        };
        open.writes.insert(id, new);
        if self.random.u8(0..4) == 0 {
            overlay(&mut seen, &self.open[n].writes);
            let found: Rows = rows(&self.open[n].txn, "t")
                .iter()
                .map(|row| cells_of(row))
                .collect();
            assert_eq!(found, seen);
        }
    }

    fn commit(&mut self, n: usize) {
        let open = self.open.swap_remove(n);
        let before = self.newest(open.branch);
        let mut rows = before.rows.clone();
        overlay(&mut rows, &open.writes);
        let scn = open.txn.commit().unwrap();
        if open.writes.is_empty() {
            return;
        }
        // What was added and deleted again has not been there, and gets no older or younger.
        let there = |id: &i32| before.rows.contains_key(id) || rows.contains_key(id);
        let written: Vec<i32> = open.writes.into_keys().filter(there).collect();
        self.push(open.branch, scn, rows, written.into_iter());
    }

    /// Ends what runs on a branch, for whoever needs its rows.
    fn settle(&mut self, branch: BranchId) {
        while let Some(n) = self.open.iter().position(|open| open.branch == branch) {
            self.commit(n);
        }
    }

    /// Makes a branch as of a point, if that is still there.
    fn fork(&mut self, (parent, at): Point) -> Option<BranchId> {
        self.next += 1;
        let spec = BranchSpec {
            name: format!("b{}", self.next),
            parent,
            at: Some(at),
            options: Vec::new(),
        };
        let readable = self.snapshot((parent, at)).is_some();
        let branch = self.store().create_branch(spec);
        assert_eq!(branch.is_ok(), readable);
        let id = branch.ok()?.id;
        let states = vec![(at, self.state_at((parent, at)))];
        let branch = Branch {
            parent: Some(parent),
            fork: at,
            states,
        };
        self.branches.insert(id, branch);
        Some(id)
    }

    fn drop_branch(&mut self, id: BranchId) {
        let is_parent = self.branches.values().any(|b| b.parent == Some(id));
        let is_used = self.open.iter().any(|open| open.branch == id);
        let dropped = self.store().drop_branch(id);
        assert_eq!(
            dropped.is_err(),
            is_parent || is_used || id == BranchId::MAIN
        );
        if dropped.is_ok() {
            self.tables().forget_branch(id);
            self.branches.remove(&id);
        }
    }

    /// What a snapshot shows of the table.
    fn seen(&self, snapshot: &Snapshot) -> Rows {
        let catalog = self.tables().catalog(snapshot).unwrap();
        let table = catalog.require_table(None, "t", &["public"]).unwrap();
        let reader = TableReader::new(&table, snapshot);
        let mut scan = reader.scan(&KeyRange::ALL, false).unwrap();
        let mut rows = Rows::new();
        while let Some((id, cells)) = scan.next(|row| Ok(cells_of(&row.values()?))).unwrap() {
            rows.insert(id, cells);
        }
        rows
    }

    fn expect(&mut self, point: Point) {
        if let Some(snapshot) = self.snapshot(point) {
            let (found, wanted) = (self.seen(&snapshot), self.state_at(point));
            assert_eq!(found, wanted.rows, "{} at {}", point.0, point.1);
            self.counts.reads += 1;
        } else {
            self.expect_part(point);
        }
    }

    /// Compares two points, and makes one of the other by what differs.
    fn diff(&mut self) {
        let (a, b) = (self.any_point(), self.any_point());
        let (Some(old), Some(new)) = (self.snapshot(a), self.snapshot(b)) else {
            return;
        };
        let def = table(&begin(self.tables()), "t");
        let decode = |pk: &[u8], row: &Option<RowVersion>| {
            let row = row.as_ref()?;
            let row = StoredRow::new(def.shape(), pk, row.begin, &row.row).unwrap();
            Some(cells_of(&row.values().unwrap()))
        };
        let mut patch = Vec::new();
        let mut diff = self.store().diff(&old, &new, Some(def.storage)).unwrap();
        while let Some(change) = diff.next().unwrap() {
            let sides = (
                decode(&change.pk, &change.old),
                decode(&change.pk, &change.new),
            );
            assert_ne!(sides.0, sides.1);
            patch.push(sides);
        }
        let (from, to) = (self.state_at(a), self.state_at(b));
        let mut patched = from.rows.clone();
        for side in &patch {
            match side {
                (old, Some((id, cells))) => {
                    assert_eq!(patched.insert(*id, *cells), old.map(|(_, cells)| cells));
                }
                (Some((id, cells)), None) => assert_eq!(patched.remove(id), Some(*cells)),
                (None, None) => unreachable!(),
            }
        }
        assert_eq!(patched, to.rows, "{a:?} to {b:?}");
        self.counts.diffs += 1;
        if patch.is_empty() || self.random.bool() {
            return;
        }
        let Some(copy) = self.fork(a) else { return };
        let txn = self.begin_on(copy);
        for side in &patch {
            match side {
                (None, Some((id, cells))) => insert(&txn, "t", &row_of(*id, cells)),
                (Some(_), Some((id, cells))) => update(&txn, "t", &int(*id), &row_of(*id, cells)),
                (Some((id, _)), None) => delete(&txn, "t", &int(*id)),
                (None, None) => unreachable!(),
            }
            .unwrap();
        }
        let scn = txn.commit().unwrap();
        let written = patch
            .iter()
            .filter_map(|(old, new)| new.or(*old))
            .map(|(id, _)| id);
        self.push(copy, scn, to.rows.clone(), written);
        self.expect((copy, scn));
        // What was made equal has no differences.
        let copied = self.store().snapshot(copy, None).unwrap();
        let mut diff = self.store().diff(&copied, &new, Some(def.storage)).unwrap();
        assert!(diff.next().unwrap().is_none());
        drop((diff, copied));
        self.drop_branch(copy);
    }

    fn maintain(&mut self) {
        let budget = self.random.usize(1..400);
        match self.random.u8(0..8) {
            0..3 => {
                let _: Step = self.store().gc_step(budget).unwrap();
            }
            3 => {
                let _: Step = self.store().checkpoint_step(budget).unwrap();
            }
            4..6 => while self.store().gc_step(budget).unwrap() == Step::More {},
            _ if self.place.is_some() && self.random.bool() => self.set_period(),
            _ if self.place.is_some() => {
                self.retains = !self.retains;
                let retention = if self.retains { 3600 } else { 0 };
                self.store().set_retention(Duration::from_secs(retention));
            }
            _ => {}
        }
    }

    /// Puts rows of a branch into segments, or lets the background take a few steps.
    fn freeze(&mut self) {
        let ids = |store: &Store| -> BTreeSet<u64> {
            store.segments().into_iter().map(|info| info.id).collect()
        };
        if self.random.bool() {
            let branch = self.any_branch();
            let catalog = self.tables().newest_catalog(branch).unwrap();
            let def = catalog.tables().find(|def| def.name == "t").unwrap();
            let report = (self.tables()).freeze(def, branch, Scn::MAX, &|| Ok(()));
            self.counts.frozen += report.unwrap().rows;
            return;
        }
        let before = ids(self.store());
        let store = self.store();
        let now = store.commit_info(store.scn()).unwrap();
        let now = now.map_or(0, |info| info.time);
        for _ in 0..self.random.usize(1..20) {
            let budget = self.random.usize(1..50);
            self.tables().tend_step(now, budget).unwrap();
        }
        let after = ids(self.store());
        self.counts.compacted += before.difference(&after).count() as u64;
    }

    fn step(&mut self) {
        if self.freezes && self.random.u8(0..4) > 0 {
            self.freeze();
        }
        match self.random.u16(0..1000) {
            0..600 => self.transact(),
            600..760 => {
                let point = self.any_point();
                self.expect(point);
            }
            760..790 => self.diff(),
            790..890 => self.merge(),
            890..920 => self.take_one(),
            920..930 => self.merge_both_ways(),
            930..950 if self.branches.len() < 7 => {
                let point = self.any_point();
                self.fork(point);
            }
            930..965 => {
                let id = self.any_branch();
                self.drop_branch(id);
            }
            965..998 => self.maintain(),
            _ => {
                self.reopen();
                self.expect_all();
            }
        }
    }

    fn expect_all(&mut self) {
        for branch in self.branches.keys().copied().collect::<Vec<_>>() {
            self.expect((branch, self.store().scn()));
        }
        assert_eq!(self.store().check().unwrap(), Vec::<String>::new());
    }
}

fn run(place: Option<PathBuf>, freezes: bool, share: u64) {
    let read = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = read("HELIOS_SEED").unwrap_or(SEED);
    let all: u64 = read("HELIOS_MODEL_OPS").unwrap_or(12_000);
    let on = match (&place, freezes) {
        (None, _) => "memory",
        (Some(_), false) => "disk",
        (Some(_), true) => "disk, frozen",
    };
    println!("branches on {on}: HELIOS_SEED={seed} HELIOS_MODEL_OPS={all}");
    let mut world = World::new(place, freezes, seed);
    for _ in 0..all / share {
        world.step();
    }
    world.open.clear();
    world.expect_all();
    let counts = &world.counts;
    assert_eq!(freezes, counts.frozen > 0 && counts.compacted > 0);
    println!(
        "branches on {on}: {} operations, no difference: {:?}",
        all / share,
        world.counts
    );
}

#[test]
fn branches_in_memory_are_the_models() {
    run(None, false, 2);
}

fn on_disk(freezes: bool, share: u64) {
    // Nothing here is about the disk itself.
    let memory = std::path::Path::new("/dev/shm");
    let scratch = match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    };
    run(Some(scratch.path().join("db")), freezes, share);
}

#[test]
fn branches_on_disk_are_the_models() {
    on_disk(false, 2);
}

#[test]
fn branches_in_segments_are_the_models() {
    on_disk(true, 4);
}
