//! Guards against index answers that differ from a full scan.

use std::ops::Bound;

use helios_base::{DataType, Value};
use helios_table::ddl::{NewIndex, NewIndexKey};
use helios_table::{KeyRange, KeyRangeSpec, TableReader, Transaction};

use helios_version::{Isolation, Read};

use crate::support::*;

fn new_index(transaction: &Transaction, name: &str, keys: Vec<NewIndexKey>) -> NewIndex {
    NewIndex {
        name: Some(name.to_owned()),
        table: table(transaction, "t").id,
        keys,
        include: Vec::new(),
        unique: false,
        nulls_not_distinct: false,
        predicate: None,
    }
}

/// First columns of what an index scan finds, in its order.
fn scan(
    transaction: &Transaction,
    index: &str,
    spec: &KeyRangeSpec<'_>,
    reverse: bool,
) -> Vec<Value> {
    let view = transaction.statement().unwrap();
    let catalog = transaction.catalog().unwrap();
    let table = table(transaction, "t");
    let rules = transaction.rules(&catalog, &table).unwrap();
    let index = rules.indexes.iter().find(|i| i.def.name == index).unwrap();
    let range = index.key_range(spec).unwrap();
    let mut scan = TableReader::new(&table, &view)
        .index_scan(index, &range, reverse)
        .unwrap();
    let mut found = Vec::new();
    while let Some(id) = scan.next(|row| row.value(0)).unwrap() {
        found.push(id);
    }
    found
}

fn filled() -> Transaction {
    let tables = database();
    let cols = columns(&[
        ("id", DataType::Int4),
        ("a", DataType::Int4),
        ("s", DataType::Text),
    ]);
    create(&tables, &new_table("t", cols, vec![primary_key(&["id"])]));
    let transaction = begin(&tables);
    let data = [
        (1, Some(5), "Bob"),
        (2, Some(3), "ann"),
        (3, None, "Cy"),
        (4, Some(5), "dan"),
        (5, Some(9), "EVE"),
    ];
    for (id, a, s) in data {
        insert(
            &transaction,
            "t",
            &[int(id), a.map_or(Value::Null, int), text(s)],
        )
        .unwrap();
    }
    transaction
}

#[test]
fn order_bounds_and_nulls() {
    let transaction = filled();
    let up = new_index(&transaction, "up", vec![NewIndexKey::column("a")]);
    let mut down = new_index(&transaction, "down", vec![NewIndexKey::column("a")]);
    down.keys[0].descending = true;
    transaction.create_index(&up).unwrap();
    transaction.create_index(&down).unwrap();
    let all = KeyRangeSpec::ALL;
    assert_eq!(
        scan(&transaction, "up", &all, false),
        [2, 1, 4, 5, 3].map(int)
    );
    assert_eq!(
        scan(&transaction, "up", &all, true),
        [3, 5, 4, 1, 2].map(int)
    );
    assert_eq!(
        scan(&transaction, "down", &all, false),
        [3, 5, 1, 4, 2].map(int)
    );
    let between = KeyRangeSpec {
        equal: &[],
        lower: Bound::Excluded(&int(3)),
        upper: Bound::Unbounded,
        nulls: false,
    };
    assert_eq!(
        scan(&transaction, "up", &between, false),
        [1, 4, 5].map(int)
    );
    assert_eq!(
        scan(&transaction, "down", &between, false),
        [5, 1, 4].map(int)
    );
    let upto = KeyRangeSpec {
        equal: &[],
        lower: Bound::Unbounded,
        upper: Bound::Included(&int(5)),
        nulls: false,
    };
    assert_eq!(scan(&transaction, "up", &upto, true), [4, 1, 2].map(int));
    assert_eq!(scan(&transaction, "down", &upto, false), [1, 4, 2].map(int));
    let null = [Value::Null];
    assert_eq!(
        scan(&transaction, "down", &KeyRangeSpec::equal(&null), false),
        [int(3)]
    );
    let not_null = KeyRangeSpec {
        nulls: false,
        ..KeyRangeSpec::ALL
    };
    assert_eq!(
        scan(&transaction, "down", &not_null, false),
        [5, 1, 4, 2].map(int)
    );
}

#[test]
fn expressions_and_predicates() {
    let transaction = filled();
    let lower = NewIndexKey {
        source: Err("lower(s)".to_owned()),
        descending: false,
        nulls_first: None,
    };
    let mut partial = new_index(&transaction, "partial", vec![NewIndexKey::column("s")]);
    partial.predicate = Some("a > 4".to_owned());
    transaction
        .create_index(&new_index(&transaction, "lower", vec![lower.clone()]))
        .unwrap();
    transaction.create_index(&partial).unwrap();
    let bob = [text("bob")];
    assert_eq!(
        scan(&transaction, "lower", &KeyRangeSpec::equal(&bob), false),
        [int(1)]
    );
    assert_eq!(
        scan(&transaction, "lower", &KeyRangeSpec::ALL, false),
        [2, 1, 3, 4, 5].map(int)
    );
    assert_eq!(
        scan(&transaction, "partial", &KeyRangeSpec::ALL, false),
        [1, 5, 4].map(int)
    );
    // Rows enter and leave the index as the condition changes.
    update(&transaction, "t", &int(1), &[int(1), int(0), text("Bob")]).unwrap();
    update(&transaction, "t", &int(2), &[int(2), int(7), text("Zoe")]).unwrap();
    assert_eq!(
        scan(&transaction, "partial", &KeyRangeSpec::ALL, false),
        [5, 2, 4].map(int)
    );
    assert_eq!(
        scan(
            &transaction,
            "lower",
            &KeyRangeSpec::equal(&[text("ann")]),
            false
        ),
        []
    );

    let mut unique = new_index(&transaction, "unique", vec![lower]);
    unique.unique = true;
    transaction.create_index(&unique).unwrap();
    let error = insert(&transaction, "t", &[int(9), int(1), text("BOB")]);
    assert_eq!(
        failure(error),
        (
            "23505".to_owned(),
            "duplicate key value violates unique constraint \"unique\"".to_owned(),
            "Key (lower(s))=(bob) already exists.".to_owned()
        )
    );
}

#[test]
fn building_a_unique_index_finds_duplicates() {
    let transaction = filled();
    let mut unique = new_index(&transaction, "u", vec![NewIndexKey::column("a")]);
    unique.unique = true;
    let savepoint = transaction.savepoint();
    let (state, message, detail) = failure(transaction.create_index(&unique));
    assert_eq!(state, "23505");
    assert_eq!(message, "could not create unique index \"u\"");
    assert_eq!(detail, "Key (a)=(5) is duplicated.");
    transaction.rollback_to(&savepoint).unwrap();
    delete(&transaction, "t", &int(4)).unwrap();
    transaction.create_index(&unique).unwrap();
}

#[test]
fn old_snapshots_keep_their_answers() {
    let transaction = filled();
    let tables = transaction.tables().clone();
    transaction
        .create_index(&new_index(
            &transaction,
            "up",
            vec![NewIndexKey::column("a")],
        ))
        .unwrap();
    transaction.commit().unwrap();
    let before = tables
        .store()
        .snapshot(helios_base::BranchId::MAIN, None)
        .unwrap();
    let transaction = begin(&tables);
    update(&transaction, "t", &int(2), &[int(2), int(99), text("x")]).unwrap();
    delete(&transaction, "t", &int(5)).unwrap();
    transaction.commit().unwrap();
    let catalog = tables.catalog(&before).unwrap();
    let table = catalog.require_table(None, "t", &["public"]).unwrap();
    let rules = tables.rules(&catalog, &table).unwrap();
    let index = rules.indexes.iter().find(|i| i.def.name == "up").unwrap();
    let mut scan = TableReader::new(&table, &before)
        .index_scan(index, &KeyRange::ALL, false)
        .unwrap();
    let mut found = Vec::new();
    while let Some(id) = scan.next(|row| row.value(0)).unwrap() {
        found.push(id);
    }
    assert_eq!(found, [2, 1, 4, 5, 3].map(int));
}

/// A transaction that reads an older snapshot builds an index over newer rows and asks it.
#[test]
fn an_index_built_over_newer_rows_finds_the_older_ones() {
    let setup = filled();
    let tables = setup.tables().clone();
    setup.commit().unwrap();
    let old = begin_at(&tables, Isolation::RepeatableRead);
    assert_eq!(rows(&old, "t").len(), 5);
    let other = begin(&tables);
    update(&other, "t", &int(1), &[int(1), int(77), text("Bob")]).unwrap();
    delete(&other, "t", &int(2)).unwrap();
    insert(&other, "t", &[int(6), int(5), text("new")]).unwrap();
    other.commit().unwrap();
    let index = new_index(&old, "up", vec![NewIndexKey::column("a")]);
    old.create_index(&index).unwrap();
    assert_eq!(
        scan(&old, "up", &KeyRangeSpec::ALL, false),
        [2, 1, 4, 5, 3].map(int)
    );
    old.commit().unwrap();
    let new = begin(&tables);
    assert_eq!(
        scan(&new, "up", &KeyRangeSpec::ALL, false),
        [4, 6, 5, 1, 3].map(int)
    );
}

/// Entries of versions that nobody needs any more go away, and only those.
#[test]
fn garbage_collection_removes_old_entries() {
    let setup = filled();
    let tables = setup.tables().clone();
    let up = new_index(&setup, "up", vec![NewIndexKey::column("a")]);
    let mut partial = new_index(&setup, "partial", vec![NewIndexKey::column("s")]);
    partial.predicate = Some("a > 50".to_owned());
    let storages = [
        setup.create_index(&up).unwrap().storage,
        setup.create_index(&partial).unwrap().storage,
    ];
    setup.commit().unwrap();
    for round in 0..100 {
        let transaction = begin(&tables);
        let row = [int(1), int(round), text(&format!("s{round}"))];
        update(&transaction, "t", &int(1), &row).unwrap();
        transaction.commit().unwrap();
    }
    while tables.store().gc_step(10_000).unwrap() == helios_version::Step::More {}
    let snapshot = tables
        .store()
        .snapshot(helios_base::BranchId::MAIN, None)
        .unwrap();
    let counts = storages.map(|storage| {
        let mut entries = snapshot
            .index_scan(storage, KeyRange::ALL.bounds(), false)
            .unwrap();
        let mut count = 0;
        while entries.next().unwrap().is_some() {
            count += 1;
        }
        count
    });
    assert_eq!(counts, [5, 1]);
}

// Guards against entries that no version of a row ever had at a commit: nothing would remove them.
#[test]
fn replaced_own_rows_leave_no_entries() {
    let transaction = filled();
    let up = new_index(&transaction, "up", vec![NewIndexKey::column("a")]);
    let index = transaction.create_index(&up).unwrap();
    let entries = |transaction: &Transaction| {
        let view = transaction.statement().unwrap();
        let rules = transaction
            .rules(&transaction.catalog().unwrap(), &table(transaction, "t"))
            .unwrap();
        let rules = rules.indexes.iter().find(|i| i.def.id == index.id).unwrap();
        let all = (Bound::Unbounded, Bound::Unbounded);
        let mut cursor = view.index_scan(rules.storage(), all, false).unwrap();
        let mut count = 0;
        while cursor.next().unwrap().is_some() {
            count += 1;
        }
        count
    };
    assert_eq!(entries(&transaction), 5);
    let row = |id, a| [int(id), int(a), text("x")];
    for a in 10..20 {
        update(&transaction, "t", &int(1), &row(1, a)).unwrap();
    }
    assert_eq!(entries(&transaction), 5);
    // To another key and back.
    update(&transaction, "t", &int(1), &row(7, 19)).unwrap();
    update(&transaction, "t", &int(7), &row(1, 19)).unwrap();
    let savepoint = transaction.savepoint();
    delete(&transaction, "t", &int(2)).unwrap();
    update(&transaction, "t", &int(1), &row(1, 30)).unwrap();
    assert_eq!(entries(&transaction), 4);
    transaction.rollback_to(&savepoint).unwrap();
    assert_eq!(entries(&transaction), 5);
    let tables = transaction.tables().clone();
    transaction.commit().unwrap();
    // What is committed stays, for snapshots that see it.
    let transaction = begin(&tables);
    for a in 40..50 {
        update(&transaction, "t", &int(1), &row(1, a)).unwrap();
    }
    assert_eq!(entries(&transaction), 6);
    update(&transaction, "t", &int(1), &row(1, 19)).unwrap();
    assert_eq!(entries(&transaction), 5);
    delete(&transaction, "t", &int(1)).unwrap();
    assert_eq!(entries(&transaction), 5);
    assert_eq!(scan(&transaction, "up", &KeyRangeSpec::ALL, false).len(), 4);
}
