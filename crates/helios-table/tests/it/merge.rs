// Guards against any difference between merges and a model that keeps a full copy of every branch
// after every commit: random row changes on a random tree of branches with forks in the past, merges
// in every direction with every strategy, collection, drops.
//
// HELIOS_MODEL_OPS sets the number of operations, HELIOS_SEED the seed, which is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use fastrand::Rng;
use helios_base::{BranchId, DataType, Scn, Value};
use helios_table::merge::{Action, MergeOptions, Rule, Strategy};
use helios_table::{Tables, Transaction};
use helios_version::{BranchSpec, Read, Step, TxnOptions};

use crate::support::{
    check, columns, context, create, database, delete, insert, int, new_table, primary_key, rows,
    update,
};

type Cells = [i32; 3];
type Rows = Rc<BTreeMap<i32, Cells>>;
type Point = (BranchId, Scn);

const KEYS: i32 = 150;

struct Branch {
    parent: Option<BranchId>,
    fork: Scn,
    states: Vec<(Scn, Rows)>,
}

struct World {
    tables: Arc<Tables>,
    random: Rng,
    branches: BTreeMap<BranchId, Branch>,
    /// When each version of a row on a branch was written, for "newer".
    next: u32,
    merges: u32,
    conflicts: u32,
    refused: u32,
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

impl World {
    fn new(seed: u64) -> Self {
        let tables = database();
        let int = DataType::Int4;
        create(
            &tables,
            &new_table(
                "t",
                columns(&[
                    ("id!", int.clone()),
                    ("a", int.clone()),
                    ("b", int.clone()),
                    ("c", int),
                ]),
                vec![primary_key(&["id"]), check("c < 900000000")],
            ),
        );
        let scn = tables.store().scn();
        let main = Branch {
            parent: None,
            fork: Scn::ZERO,
            states: vec![(Scn::ZERO, Rows::default()), (scn, Rows::default())],
        };
        Self {
            tables,
            random: Rng::with_seed(seed),
            branches: BTreeMap::from([(BranchId::MAIN, main)]),
            next: 0,
            merges: 0,
            conflicts: 0,
            refused: 0,
        }
    }

    fn rows_at(&self, (branch, scn): Point) -> Rows {
        let b = &self.branches[&branch];
        match b.parent {
            Some(parent) if scn < b.fork => self.rows_at((parent, scn)),
            _ => {
                let after = b.states.partition_point(|(at, _)| *at <= scn);
                Rc::clone(&b.states[after - 1].1)
            }
        }
    }

    fn any_branch(&mut self) -> BranchId {
        let n = self.random.usize(0..self.branches.len());
        *self.branches.keys().nth(n).unwrap()
    }

    fn begin(&self, branch: BranchId) -> Transaction {
        let options = TxnOptions {
            branch,
            ..TxnOptions::default()
        };
        self.tables.begin(options).unwrap()
    }

    fn change(&mut self) {
        let branch = self.any_branch();
        let txn = self.begin(branch);
        let mut model = BTreeMap::clone(&self.rows_at((branch, Scn::MAX)));
        for _ in 0..self.random.usize(1..5) {
            let id = self.random.i32(0..KEYS);
            let value = self.random.i32(0..6);
            match model.get(&id).copied() {
                Some(_) if self.random.u8(0..4) == 0 => {
                    delete(&txn, "t", &int(id)).unwrap();
                    model.remove(&id);
                }
                Some(mut cells) => {
                    cells[self.random.usize(0..3)] = value;
                    update(&txn, "t", &int(id), &row_of(id, &cells)).unwrap();
                    model.insert(id, cells);
                }
                None => {
                    let cells = [value, value + 1, 0];
                    insert(&txn, "t", &row_of(id, &cells)).unwrap();
                    model.insert(id, cells);
                }
            }
        }
        let scn = txn.commit().unwrap();
        self.push(branch, scn, model);
    }

    fn push(&mut self, branch: BranchId, scn: Scn, rows: BTreeMap<i32, Cells>) {
        let branch = self.branches.get_mut(&branch).unwrap();
        branch.states.push((scn, Rc::new(rows)));
    }

    fn fork(&mut self) {
        if self.branches.len() >= 6 {
            return self.drop_branch();
        }
        let parent = self.any_branch();
        let newest = self.tables.store().scn();
        let back = self.random.u64(0..20);
        let at = Scn(newest.0.saturating_sub(back).max(3));
        self.next += 1;
        let spec = BranchSpec {
            name: format!("b{}", self.next),
            parent,
            at: Some(at),
            options: Vec::new(),
        };
        // Older points may be gone.
        if let Ok(branch) = self.tables.store().create_branch(spec) {
            let rows = self.rows_at((parent, at));
            self.branches.insert(
                branch.id,
                Branch {
                    parent: Some(parent),
                    fork: at,
                    states: vec![(at, rows)],
                },
            );
        }
    }

    fn drop_branch(&mut self) {
        let id = self.any_branch();
        if self.tables.store().drop_branch(id).is_ok() {
            self.tables.forget_branch(id);
            self.branches.remove(&id);
        }
    }

    /// Merges, and compares the result, the report and the refusals with the model.
    fn merge(&mut self) {
        let (source, target) = (self.any_branch(), self.any_branch());
        if source == target {
            return;
        }
        let strategy = match self.random.u8(0..5) {
            0 => Strategy::Abort,
            1 => Strategy::Ours,
            2 => Strategy::Theirs,
            3 => Strategy::RuleBased,
            _ => Strategy::Manual,
        };
        let options = MergeOptions {
            rules: if strategy == Strategy::RuleBased {
                vec![rule("a", Action::Sum), rule("b", Action::Max)]
            } else {
                Vec::new()
            },
            strategy,
            ..MergeOptions::default()
        };
        let snapshot = self.tables.store().snapshot(source, None).unwrap();
        let scn = snapshot.scn();
        let txn = self.begin(target);
        txn.lock_merges().unwrap();
        let input = self.tables.merge_input(snapshot, (target, scn)).unwrap();
        let points: Vec<Point> = input.bases.iter().map(|b| (b.branch(), b.scn())).collect();
        let root = input.root.as_ref().map(|r| (r.branch(), r.scn()));
        let report = txn.merge(&input, &options, &context()).unwrap();
        let (expected, open) = self.model_merge(&points, root, (source, scn), target, strategy);
        assert_eq!(report.open(), open, "{strategy:?} bases {points:?}");
        self.merges += 1;
        self.conflicts += u32::from(!report.decisions.is_empty());
        if open > 0 {
            self.refused += 1;
            txn.rollback();
            return;
        }
        txn.txn().add_merge_parent(source, scn);
        let committed = txn.commit().unwrap();
        self.push(target, committed, expected);
        self.expect(target);
        if report.decisions.is_empty() {
            // Without conflicts the order of the sides does not matter.
            let (back, open) = {
                let at = Scn(committed.0 - 1);
                let ours = self.rows_at((target, at));
                let theirs = self.rows_at((source, at));
                let bases: Vec<_> = points.iter().map(|p| self.rows_at(*p)).collect();
                let root = root.map(|root| self.rows_at(root));
                merge_rows(&bases, root.as_deref(), &theirs, &ours, strategy)
            };
            assert_eq!(open, 0);
            assert_eq!(back, *self.rows_at((target, committed)));
        }
    }

    fn model_merge(
        &self,
        bases: &[Point],
        root: Option<Point>,
        source: Point,
        target: BranchId,
        strategy: Strategy,
    ) -> (BTreeMap<i32, Cells>, usize) {
        let bases: Vec<Rows> = bases.iter().map(|point| self.rows_at(*point)).collect();
        let root = root.map(|root| self.rows_at(root));
        let ours = self.rows_at((target, Scn::MAX));
        let theirs = self.rows_at(source);
        merge_rows(&bases, root.as_deref(), &ours, &theirs, strategy)
    }

    fn expect(&self, branch: BranchId) {
        let found: BTreeMap<i32, Cells> = rows(&self.begin(branch), "t")
            .iter()
            .map(|row| {
                let cells = [number(&row[1]), number(&row[2]), number(&row[3])];
                (number(&row[0]), cells)
            })
            .collect();
        assert_eq!(found, *self.rows_at((branch, Scn::MAX)), "{branch}");
    }

    fn step(&mut self) {
        match self.random.u8(0..100) {
            0..60 => self.change(),
            60..68 => self.fork(),
            68..70 => self.drop_branch(),
            70..72 => {
                let budget = self.random.usize(1..400);
                while self.tables.store().gc_step(budget).unwrap() == Step::More {}
            }
            _ => self.merge(),
        }
    }
}

fn rule(column: &'static str, action: Action) -> Rule {
    Rule {
        name: column.to_owned(),
        table: Arc::new(|_| true),
        column: Arc::new(move |name| name == column),
        action,
    }
}

/// One row of several bases: the cells, `None` where they disagree without a reason.
fn base_of(root: Option<&Cells>, bases: &[Option<Cells>]) -> Option<[Option<i32>; 3]> {
    let mut merged = bases[0].map(|cells| cells.map(Some));
    for other in &bases[1..] {
        merged = match (merged, other) {
            (Some(mut cells), Some(other)) => {
                for n in 0..3 {
                    let root = root.map(|root| root[n]);
                    if cells[n] == Some(other[n]) || root == Some(other[n]) {
                        continue;
                    }
                    cells[n] = if root.is_some() && cells[n] == root {
                        Some(other[n])
                    } else {
                        None
                    };
                }
                Some(cells)
            }
            (Some(_), None) if root.is_some() => None,
            (None, Some(other)) if root.is_none() => Some(other.map(Some)),
            (merged, _) => merged,
        };
    }
    merged
}

fn merge_rows(
    bases: &[Rows],
    root: Option<&BTreeMap<i32, Cells>>,
    ours: &BTreeMap<i32, Cells>,
    theirs: &BTreeMap<i32, Cells>,
    strategy: Strategy,
) -> (BTreeMap<i32, Cells>, usize) {
    let mut merged = ours.clone();
    let mut open = 0;
    let keys: BTreeSet<i32> = ours
        .keys()
        .chain(theirs.keys())
        .chain(bases.iter().flat_map(|base| base.keys()))
        .copied()
        .collect();
    for id in keys {
        let of: Vec<Option<Cells>> = bases.iter().map(|base| base.get(&id).copied()).collect();
        let base = base_of(root.and_then(|root| root.get(&id)), &of);
        let (o, t) = (ours.get(&id), theirs.get(&id));
        // What no base sees differently on the source is not looked at.
        if of.iter().all(|base| base.as_ref() == t) {
            continue;
        }
        let is = |row: &Cells| base == Some(row.map(Some));
        match (base, o, t) {
            (_, None, None) | (None, Some(_), None) => {}
            (None, None, Some(t)) => {
                merged.insert(id, *t);
            }
            (Some(_), Some(o), None) if is(o) => {
                merged.remove(&id);
            }
            (Some(_), None, Some(t)) if is(t) => {}
            (Some(_), o, None) => match strategy {
                Strategy::Theirs => {
                    let _ = o;
                    merged.remove(&id);
                }
                Strategy::Ours => {}
                _ => open += 1,
            },
            (Some(_), None, Some(t)) => match strategy {
                Strategy::Theirs => {
                    merged.insert(id, *t);
                }
                Strategy::Ours => {}
                _ => open += 1,
            },
            (base, Some(o), Some(t)) => {
                let mut row = *o;
                let mut stuck = false;
                for n in 0..3 {
                    let b = base.and_then(|base| base[n]);
                    if o[n] == t[n] || b == Some(t[n]) {
                        continue;
                    }
                    row[n] = if b == Some(o[n]) {
                        t[n]
                    } else {
                        match (strategy, n) {
                            (Strategy::Ours, _) => o[n],
                            (Strategy::Theirs, _) => t[n],
                            (Strategy::RuleBased, 0) => o[n] + t[n] - b.unwrap_or(0),
                            (Strategy::RuleBased, 1) => o[n].max(t[n]),
                            _ => {
                                stuck = true;
                                o[n]
                            }
                        }
                    };
                }
                open += usize::from(stuck);
                merged.insert(id, row);
            }
        }
    }
    (merged, open)
}

#[test]
fn merges_are_the_models() {
    let read = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = read("HELIOS_SEED").unwrap_or_else(|| fastrand::u64(..));
    let ops: u64 = read("HELIOS_MODEL_OPS").unwrap_or(4000);
    println!("HELIOS_SEED={seed} HELIOS_MODEL_OPS={ops}");
    let mut world = World::new(seed);
    for _ in 0..ops {
        world.step();
    }
    for branch in world.branches.keys().copied().collect::<Vec<_>>() {
        world.expect(branch);
    }
    assert_eq!(world.tables.store().check().unwrap(), Vec::<String>::new());
    println!(
        "{ops} operations, {} merges, {} with conflicts, {} refused, no difference",
        world.merges, world.conflicts, world.refused
    );
}
