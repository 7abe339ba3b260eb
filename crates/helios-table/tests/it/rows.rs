//! Guards against rows that come back other than they went in, or not where they belong.

use helios_base::{DataType, Value};
use helios_table::{KeyRangeSpec, TableReader};
use std::ops::Bound;

use crate::support::*;

#[test]
fn rows_come_back_in_key_order() {
    let tables = database();
    let new = new_table(
        "t",
        columns(&[("id", DataType::Int4), ("name", DataType::Text)]),
        vec![primary_key(&["id"])],
    );
    create(&tables, &new);
    let transaction = begin(&tables);
    for id in [3, 1, 2, -5] {
        insert(&transaction, "t", &[int(id), text(&format!("n{id}"))]).unwrap();
    }
    let ids: Vec<Value> = rows(&transaction, "t")
        .into_iter()
        .map(|mut r| r.remove(0))
        .collect();
    assert_eq!(ids, [int(-5), int(1), int(2), int(3)]);
    assert!(committed(&tables, "t").is_empty());
    transaction.commit().unwrap();
    assert_eq!(committed(&tables, "t").len(), 4);
    assert_eq!(committed(&tables, "t")[1], [int(1), text("n1")]);
}

#[test]
fn tables_without_key_keep_equal_rows_apart() {
    let tables = database();
    create(
        &tables,
        &new_table("t", columns(&[("a", DataType::Int4)]), vec![]),
    );
    let transaction = begin(&tables);
    for _ in 0..3 {
        insert(&transaction, "t", &[int(7)]).unwrap();
    }
    delete(&transaction, "t", &int(7)).unwrap();
    transaction.commit().unwrap();
    assert_eq!(committed(&tables, "t"), [[int(7)], [int(7)]]);
}

#[test]
fn point_reads_and_ranges() {
    let tables = database();
    let new = new_table(
        "t",
        columns(&[
            ("a", DataType::Int4),
            ("b", DataType::Text),
            ("c", DataType::Int8),
        ]),
        vec![primary_key(&["a", "b"])],
    );
    create(&tables, &new);
    let transaction = begin(&tables);
    for a in 0..5 {
        for b in ["x", "y", "z"] {
            let row = [int(a), text(b), Value::Int8(i64::from(a) * 10)];
            insert(&transaction, "t", &row).unwrap();
        }
    }
    transaction.commit().unwrap();
    let snapshot = tables
        .store()
        .snapshot(helios_base::BranchId::MAIN, None)
        .unwrap();
    let catalog = tables.catalog(&snapshot).unwrap();
    let table = catalog.require_table(None, "t", &["public"]).unwrap();
    let reader = TableReader::new(&table, &snapshot);
    let mut buffer = Vec::new();
    let found = reader
        .point(&[int(3), text("y")], &mut buffer, |row| row.value(2))
        .unwrap();
    assert_eq!(found, Some(Value::Int8(30)));
    let found = reader
        .point(&[int(3), text("w")], &mut buffer, |row| row.value(2))
        .unwrap();
    assert_eq!(found, None);

    let count = |spec: &KeyRangeSpec<'_>, reverse| {
        let range = reader.key_range(spec).unwrap();
        let mut scan = reader.scan(&range, reverse).unwrap();
        let mut found = Vec::new();
        while let Some(row) = scan.next(|row| row.values()).unwrap() {
            found.push(row);
        }
        found
    };
    assert_eq!(count(&KeyRangeSpec::equal(&[int(2)]), false).len(), 3);
    let from_y = KeyRangeSpec {
        equal: &[int(2)],
        lower: Bound::Excluded(&text("x")),
        upper: Bound::Unbounded,
        nulls: false,
    };
    let backwards = count(&from_y, true);
    assert_eq!(backwards.len(), 2);
    assert_eq!(backwards[0][1], text("z"));
    let none = KeyRangeSpec {
        equal: &[],
        lower: Bound::Included(&int(4)),
        upper: Bound::Excluded(&int(2)),
        nulls: false,
    };
    assert!(count(&none, false).is_empty());
}

#[test]
fn a_changed_key_moves_the_row() {
    let tables = database();
    let new = new_table(
        "t",
        columns(&[("id", DataType::Int4), ("v", DataType::Int4)]),
        vec![primary_key(&["id"])],
    );
    create(&tables, &new);
    let transaction = begin(&tables);
    insert(&transaction, "t", &[int(1), int(10)]).unwrap();
    insert(&transaction, "t", &[int(2), int(20)]).unwrap();
    update(&transaction, "t", &int(1), &[int(5), int(11)]).unwrap();
    let error = update(&transaction, "t", &int(5), &[int(2), int(0)]);
    assert_eq!(failure(error).2, "Key (id)=(2) already exists.");
    transaction.rollback();

    let transaction = begin(&tables);
    insert(&transaction, "t", &[int(1), int(10)]).unwrap();
    transaction.commit().unwrap();
    let transaction = begin(&tables);
    update(&transaction, "t", &int(1), &[int(5), int(11)]).unwrap();
    transaction.commit().unwrap();
    assert_eq!(committed(&tables, "t"), [[int(5), int(11)]]);
}

#[test]
fn savepoints_undo_rows_and_counts() {
    let tables = database();
    let table = create(
        &tables,
        &new_table(
            "t",
            columns(&[("id", DataType::Int4)]),
            vec![primary_key(&["id"])],
        ),
    );
    let transaction = begin(&tables);
    insert(&transaction, "t", &[int(1)]).unwrap();
    let savepoint = transaction.savepoint();
    insert(&transaction, "t", &[int(2)]).unwrap();
    transaction.rollback_to(&savepoint).unwrap();
    insert(&transaction, "t", &[int(3)]).unwrap();
    assert_eq!(transaction.uncommitted_rows(table.storage), 2);
    transaction.commit().unwrap();
    assert_eq!(committed(&tables, "t"), [[int(1)], [int(3)]]);
}
