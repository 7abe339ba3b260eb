//! Guards against any difference between tables and a simple model: random rows, schema changes,
//! savepoints, rollbacks and old snapshots. Every index must answer as a full scan does.
//!
//! `HELIOS_MODEL_STEPS` sets the number of steps and `HELIOS_MODEL_SEED` the seed.

use std::sync::Arc;

use fastrand::Rng;
use helios_base::{BranchId, DataType, Value};
use helios_table::ddl::{NewColumn, NewIndex, NewIndexKey, ObjectRef};
use helios_table::{KeyRange, KeyRangeSpec, TableReader, Tables, Transaction};
use helios_version::{Read, Snapshot};

use crate::support::*;

/// The rows of the one table, as they should be, by column name.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    unique: bool,
}

struct Run {
    tables: Arc<Tables>,
    random: Rng,
    committed: Model,
    kept: Vec<(Snapshot, Model)>,
    names: u32,
}

fn value(random: &mut Rng) -> Value {
    if random.u8(0..6) == 0 {
        Value::Null
    } else {
        int(random.i32(0..12))
    }
}

/// The same rows in an order that does not matter.
fn sorted(mut rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    rows.sort_by(|a, b| {
        let pairs = a.iter().zip(b);
        let mut orders = pairs.map(|(a, b)| a.cmp_sql(b)).filter(|o| o.is_ne());
        orders.next().unwrap_or(std::cmp::Ordering::Equal)
    });
    rows
}

impl Run {
    fn new(seed: u64) -> Self {
        let tables = database();
        let cols = columns(&[("id", DataType::Int4), ("a", DataType::Int4)]);
        create(&tables, &new_table("t", cols, vec![primary_key(&["id"])]));
        Self {
            tables,
            random: Rng::with_seed(seed),
            committed: Model {
                columns: names(&["id", "a"]),
                ..Model::default()
            },
            kept: Vec::new(),
            names: 0,
        }
    }

    /// One transaction of a few changes.
    fn transaction(&mut self) {
        let transaction = begin(&self.tables);
        let mut model = self.committed.clone();
        let mut marks = Vec::new();
        for _ in 0..self.random.u8(1..12) {
            match self.random.u8(0..12) {
                0 => marks.push((transaction.savepoint(), model.clone())),
                1 if !marks.is_empty() => {
                    let mark = self.random.usize(0..marks.len());
                    marks.truncate(mark + 1);
                    transaction.rollback_to(&marks[mark].0).unwrap();
                    model = marks[mark].1.clone();
                }
                2 if self.random.u8(0..3) == 0 => self.schema_change(&transaction, &mut model),
                _ => self.row_change(&transaction, &mut model),
            }
        }
        let view = transaction.statement().unwrap();
        check(&self.tables, &transaction.catalog().unwrap(), &view, &model);
        if self.random.u8(0..4) == 0 {
            transaction.rollback();
        } else {
            transaction.commit().unwrap();
            self.committed = model;
        }
    }

    fn row_change(&mut self, transaction: &Transaction, model: &mut Model) {
        let id = int(self.random.i32(0..20));
        let place = model.rows.iter().position(|row| row[0] == id);
        let mut row = vec![id.clone()];
        row.extend((1..model.columns.len()).map(|_| value(&mut self.random)));
        let taken = |model: &Model, row: &[Value], but: Option<usize>| {
            let clash = |(at, other): (usize, &Vec<Value>)| {
                Some(at) != but
                    && (other[0] == row[0]
                        || model.unique && !row[1].is_null() && other[1] == row[1])
            };
            model.rows.iter().enumerate().any(clash)
        };
        let mark = transaction.savepoint();
        let (expected, done) = match (self.random.u8(0..4), place) {
            (0, Some(place)) => {
                model.rows.remove(place);
                (true, delete(transaction, "t", &id))
            }
            (1 | 2, Some(place)) => {
                if self.random.u8(0..3) == 0 {
                    row[0] = int(self.random.i32(0..20));
                }
                let free = !taken(model, &row, Some(place));
                if free {
                    model.rows[place].clone_from(&row);
                }
                (free, update(transaction, "t", &id, &row))
            }
            _ => {
                let free = !taken(model, &row, None);
                if free {
                    model.rows.push(row.clone());
                }
                (free, insert(transaction, "t", &row))
            }
        };
        match done {
            Ok(()) => assert!(expected),
            Err(error) => {
                assert!(!expected, "{error:?}");
                assert_eq!(error.sqlstate().as_str(), "23505");
                transaction.rollback_to(&mark).unwrap();
            }
        }
    }

    fn schema_change(&mut self, transaction: &Transaction, model: &mut Model) {
        let table = table(transaction, "t");
        self.names += 1;
        let name = format!("n{}", self.names);
        match self.random.u8(0..6) {
            0 if model.columns.len() < 6 => {
                let mut column = NewColumn::new(&name, DataType::Int4);
                let default = value(&mut self.random);
                if let Value::Int4(default) = default {
                    column.default = Some(default.to_string());
                }
                transaction
                    .add_column(table.id, &column, &context())
                    .unwrap();
                model.columns.push(name);
                model
                    .rows
                    .iter_mut()
                    .for_each(|row| row.push(default.clone()));
            }
            1 if model.columns.len() > 3 => {
                let place = self.random.usize(2..model.columns.len());
                let column = table.column(&model.columns[place]).unwrap().1.id;
                let object = ObjectRef::Column(table.id, column);
                transaction.drop_objects(&[object], false).unwrap();
                model.columns.remove(place);
                model
                    .rows
                    .iter_mut()
                    .for_each(|row| drop(row.remove(place)));
            }
            2 if table.indexes.len() < 5 => {
                let column = self.random.choice(&model.columns).cloned().unwrap();
                let mut second = NewIndexKey::column("a");
                second.descending = self.random.bool();
                let unique = !model.unique && self.random.u8(0..3) == 0;
                let keys = if unique {
                    vec![second]
                } else {
                    vec![NewIndexKey::column(column), second]
                };
                let index = NewIndex {
                    name: Some(name),
                    table: table.id,
                    keys,
                    include: Vec::new(),
                    unique,
                    nulls_not_distinct: false,
                    predicate: (!unique && self.random.bool()).then(|| "a > 4".to_owned()),
                };
                let mark = transaction.savepoint();
                let values: Vec<&Value> = model
                    .rows
                    .iter()
                    .map(|r| &r[1])
                    .filter(|v| !v.is_null())
                    .collect();
                let clash = values
                    .iter()
                    .enumerate()
                    .any(|(i, v)| values[..i].contains(v));
                match transaction.create_index(&index) {
                    Ok(_) => {
                        assert!(!(unique && clash));
                        model.unique |= unique;
                    }
                    Err(error) => {
                        assert!(unique && clash, "{error:?}");
                        transaction.rollback_to(&mark).unwrap();
                    }
                }
            }
            3 => {
                if let Some(index) = table
                    .indexes
                    .iter()
                    .find(|index| index.constraint.is_none())
                {
                    let object = ObjectRef::Index(table.id, index.id);
                    transaction.drop_objects(&[object], false).unwrap();
                    model.unique &= !index.unique;
                }
            }
            4 if self.random.u8(0..4) == 0 => {
                transaction.truncate(&[table.id], false).unwrap();
                model.rows.clear();
            }
            _ => {
                let pkey = table.constraint("t_pkey").unwrap().id;
                let object = ObjectRef::Constraint(table.id, pkey);
                transaction.drop_objects(&[object], false).unwrap();
                transaction
                    .add_constraint(table.id, &primary_key(&["id"]))
                    .unwrap();
            }
        }
    }
}

/// Compares the table that `read` sees with the model, through every index.
fn check(tables: &Arc<Tables>, catalog: &helios_table::Catalog, read: &dyn Read, model: &Model) {
    let table = catalog.require_table(None, "t", &["public"]).unwrap();
    let found: Vec<&String> = table.columns.iter().map(|c| &c.name).collect();
    assert_eq!(found, model.columns.iter().collect::<Vec<_>>());
    let reader = TableReader::new(&table, read);
    let mut rows = Vec::new();
    let mut scan = reader.scan(&KeyRange::ALL, false).unwrap();
    while let Some(row) = scan.next(|row| row.values()).unwrap() {
        rows.push(row);
    }
    let all = sorted(model.rows.clone());
    assert_eq!(rows, all, "full scan");
    let rules = tables.rules(catalog, &table).unwrap();
    for index in &rules.indexes {
        let spec = KeyRangeSpec::ALL;
        let range = index.key_range(&spec).unwrap();
        let mut lists = Vec::new();
        for reverse in [false, true] {
            let mut scan = reader.index_scan(index, &range, reverse).unwrap();
            let mut rows = Vec::new();
            while let Some(row) = scan.next(|row| row.values()).unwrap() {
                rows.push(row);
            }
            lists.push(rows);
        }
        lists[1].reverse();
        assert_eq!(lists[0], lists[1], "{} backwards", index.def.name);
        let partial = index.predicate().is_some();
        let expected = all
            .iter()
            .filter(|row| !partial || matches!(row[1], Value::Int4(a) if a > 4));
        let expected: Vec<Vec<Value>> = expected.cloned().collect();
        assert_eq!(
            sorted(lists[0].clone()),
            expected,
            "index {}",
            index.def.name
        );
        // A point of the index is the same rows filtered.
        if let Some(first) = expected.first() {
            let key = index.key_values(first).unwrap().remove(0);
            let range = index
                .key_range(&KeyRangeSpec::equal(std::slice::from_ref(&key)))
                .unwrap();
            let mut scan = reader.index_scan(index, &range, false).unwrap();
            let mut count = 0;
            while scan.next(|_| Ok(())).unwrap().is_some() {
                count += 1;
            }
            let same = expected
                .iter()
                .filter(|row| index.key_values(row).unwrap()[0] == key);
            assert_eq!(count, same.count(), "point of {}", index.def.name);
        }
    }
}

fn run(seed: u64, steps: u64) {
    println!("HELIOS_MODEL_SEED={seed} HELIOS_MODEL_STEPS={steps}");
    let mut run = Run::new(seed);
    for step in 0..steps {
        run.transaction();
        let snapshot = run.tables.store().snapshot(BranchId::MAIN, None).unwrap();
        if step % 7 == 0 {
            run.kept.push((snapshot, run.committed.clone()));
        }
        if step % 10 == 0 {
            if run.kept.len() > 6 {
                run.kept.remove(run.random.usize(0..6));
            }
            if step % 30 == 0 {
                while run.tables.store().gc_step(10_000).unwrap() == helios_version::Step::More {}
            }
            for (snapshot, model) in &run.kept {
                let catalog = run.tables.catalog(snapshot).unwrap();
                check(&run.tables, &catalog, snapshot, model);
            }
        }
    }
    assert_eq!(run.tables.store().check().unwrap(), Vec::<String>::new());
}

#[test]
fn tables_are_the_model() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let steps = number("HELIOS_MODEL_STEPS").unwrap_or(150);
    match number("HELIOS_MODEL_SEED") {
        Some(seed) => run(seed, steps),
        None => (0..4).for_each(|seed| run(seed, steps)),
    }
}
