//! Guards against rows without entries, entries without rows and half-known columns when schema
//! changes and writers meet, also on disk and after reopening.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fastrand::Rng;
use helios_base::{DataType, Result, Value};
use helios_table::catalog::FkAction;
use helios_table::ddl::{NewColumn, NewIndex, NewIndexKey, ObjectRef};
use helios_table::{KeyRange, TableReader, TableWriter, Tables, Transaction};
use helios_version::{Isolation, Store};

use crate::foreign_keys::references;
use crate::support::*;

/// A statement that starts anew when the definition has changed, as a session does.
fn with_writer(
    transaction: &Transaction,
    work: impl FnOnce(&mut TableWriter<'_>) -> Result<()>,
) -> Result<()> {
    loop {
        transaction.statement()?;
        let catalog = transaction.catalog()?;
        let table = catalog.require_table(None, "t", &["public"])?;
        if transaction.lock_for_write(&table)? {
            let mut writer = TableWriter::new(transaction, &catalog, &table)?;
            work(&mut writer)?;
            return transaction.finish_statement(&context());
        }
    }
}

fn write(tables: &Arc<Tables>, isolation: Isolation, random: &mut Rng) -> Result<()> {
    let transaction = begin_at(tables, isolation);
    for _ in 0..random.u8(1..4) {
        let id = int(random.i32(0..30));
        let kind = random.u8(0..4);
        with_writer(&transaction, |writer| {
            let width = writer.table().columns.len();
            let mut row = vec![id.clone()];
            row.extend((1..width).map(|_| int(random.i32(0..9))));
            match find(writer, &transaction, &id) {
                Ok(old) if kind == 0 => writer.delete(&old),
                Ok(old) => writer.update(&old, &mut row, &context()).map(|_| ()),
                Err(error) if error.message() == "no such row" => {
                    writer.insert(&mut row, &context()).map(|_| ())
                }
                Err(error) => Err(error),
            }
        })?;
    }
    transaction.commit().map(|_| ())
}

fn change(tables: &Arc<Tables>, random: &mut Rng, number: u32) -> Result<()> {
    let transaction = begin(tables);
    let table = table(&transaction, "t");
    let name = format!("n{number}");
    match random.u8(0..8) {
        0 | 1 if table.columns.len() < 6 => {
            let mut column = NewColumn::new(name, DataType::Int4);
            column.default = Some("7".to_owned());
            transaction.add_column(table.id, &column, &context())?;
        }
        2 if table.columns.len() > 3 => {
            let column = table.columns[2].id;
            transaction.drop_objects(&[ObjectRef::Column(table.id, column)], false)?;
        }
        3..=5 if table.indexes.len() < 4 => {
            transaction.create_index(&NewIndex {
                name: Some(name),
                table: table.id,
                keys: vec![NewIndexKey::column("a")],
                include: Vec::new(),
                unique: false,
                nulls_not_distinct: false,
                predicate: random.bool().then(|| "a > 4".to_owned()),
            })?;
        }
        6 => transaction.truncate(&[table.id], false)?,
        _ => {
            if let Some(index) = table.indexes.iter().find(|index| !index.primary) {
                let object = ObjectRef::Index(table.id, index.id);
                transaction.drop_objects(&[object], false)?;
            }
        }
    }
    transaction.commit().map(|_| ())
}

/// Every index holds exactly the rows of the table that belong in it.
fn verify(tables: &Arc<Tables>) {
    let transaction = begin(tables);
    let view = transaction.statement().unwrap();
    let catalog = transaction.catalog().unwrap();
    let table = table(&transaction, "t");
    let rules = transaction.rules(&catalog, &table).unwrap();
    let reader = TableReader::new(&table, &view);
    // Both scans read the same snapshot: a new statement would see later commits.
    let mut all = Vec::new();
    let mut scan = reader.scan(&KeyRange::ALL, false).unwrap();
    while let Some(row) = scan.next(|row| row.values()).unwrap() {
        all.push(row);
    }
    assert!(all.iter().all(|row| row.len() == table.columns.len()));
    for index in &rules.indexes {
        let mut scan = reader.index_scan(index, &KeyRange::ALL, false).unwrap();
        let mut found = Vec::new();
        while let Some(row) = scan.next(|row| row.values()).unwrap() {
            found.push(row);
        }
        found.sort_by(|a, b| a[0].cmp_sql(&b[0]));
        let partial = index.predicate().is_some();
        let belongs = |row: &&Vec<Value>| !partial || matches!(row[1], Value::Int4(a) if a > 4);
        let expected: Vec<Vec<Value>> = all.iter().filter(belongs).cloned().collect();
        assert_eq!(found, expected, "index {}", index.def.name);
    }
}

/// Ends the writers also when the changer panics.
struct Finish<'a>(&'a AtomicBool);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn race(tables: &Arc<Tables>, isolation: Isolation, seed: u64) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 1..3 {
            let done = &done;
            scope.spawn(move || {
                let mut random = Rng::with_seed(seed * 10 + thread);
                while !done.load(Ordering::Acquire) {
                    if let Err(error) = write(tables, isolation, &mut random) {
                        let state = error.sqlstate().to_string();
                        let known = ["40001", "40P01", "23505"].contains(&state.as_str());
                        assert!(known || error.message() == "gone", "{error:?}");
                    }
                }
            });
        }
        let _finish = Finish(&done);
        let mut random = Rng::with_seed(seed);
        for number in 0..40 {
            if let Err(error) = change(tables, &mut random, number) {
                let state = error.sqlstate().to_string();
                assert!(["40P01", "55006"].contains(&state.as_str()), "{error:?}");
            }
            verify(tables);
        }
    });
    verify(tables);
}

fn create_t(tables: &Arc<Tables>) {
    let cols = columns(&[("id", DataType::Int4), ("a", DataType::Int4)]);
    create(tables, &new_table("t", cols, vec![primary_key(&["id"])]));
}

#[test]
fn indexes_keep_up_with_writers() {
    for (seed, isolation) in [
        (1, Isolation::ReadCommitted),
        (2, Isolation::RepeatableRead),
        (3, Isolation::Serializable),
    ] {
        let tables = database();
        create_t(&tables);
        race(&tables, isolation, seed);
        assert_eq!(tables.store().check().unwrap(), Vec::<String>::new());
    }
}

#[test]
fn everything_holds_on_disk_and_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let open = || {
        let store = Store::open(&path, options()).unwrap();
        Tables::open(store, Arc::new(Words)).unwrap()
    };
    let tables = open();
    create_t(&tables);
    let boss = references(
        &tables,
        &["t"],
        Some("t"),
        FkAction::Cascade,
        FkAction::NoAction,
    );
    let cols = columns(&[("id", DataType::Int4), ("t", DataType::Int4)]);
    create(&tables, &new_table("c", cols, vec![boss]));
    let transaction = begin(&tables);
    insert(&transaction, "t", &[int(100), int(1)]).unwrap();
    insert(&transaction, "c", &[int(1), int(100)]).unwrap();
    transaction.commit().unwrap();
    let (indexed, before) = {
        let transaction = begin(&tables);
        let index = NewIndex {
            name: None,
            table: table(&transaction, "t").id,
            keys: vec![NewIndexKey::column("a")],
            include: Vec::new(),
            unique: true,
            nulls_not_distinct: false,
            predicate: None,
        };
        let made = transaction.create_index(&index).unwrap();
        transaction.commit().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let tables = &tables;
                scope.spawn(move || {
                    let mut random = Rng::with_seed(thread);
                    for _ in 0..30 {
                        let _ = write(tables, Isolation::ReadCommitted, &mut random);
                    }
                });
            }
        });
        verify(&tables);
        (made.name.clone(), committed(&tables, "t"))
    };
    // The last transaction goes with the last database handle.
    drop(transaction);
    tables.store().close().unwrap();
    drop(tables);
    let tables = open();
    verify(&tables);
    assert_eq!(committed(&tables, "t"), before);
    assert_eq!(indexed, "t_a_idx");
    let transaction = begin(&tables);
    let taken = before[0][1].clone();
    let error = insert(&transaction, "t", &[int(999), taken]);
    assert_eq!(state(error), "23505");
    transaction.rollback();
    let transaction = begin(&tables);
    delete(&transaction, "t", &int(100)).unwrap();
    transaction.commit().unwrap();
    assert!(committed(&tables, "c").is_empty());
    assert_eq!(tables.store().check().unwrap(), Vec::<String>::new());
}
