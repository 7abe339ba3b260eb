//! Guards against rows that a constraint forbids, and against errors worded unlike PostgreSQL's.

use helios_base::{DataType, Value};
use helios_table::ddl::{NewColumn, NewConstraint};
use helios_table::{ConstraintTarget, Tables};
use std::sync::Arc;

use crate::support::*;

fn people() -> Arc<Tables> {
    let tables = database();
    let new = new_table(
        "people",
        columns(&[
            ("id", DataType::Int4),
            ("name!", DataType::Text),
            ("age", DataType::Int4),
        ]),
        vec![primary_key(&["id"]), unique(&["name"]), check("age >= 0")],
    );
    create(&tables, &new);
    tables
}

#[test]
fn not_null_and_check_show_the_row() {
    let tables = people();
    let transaction = begin(&tables);
    let error = insert(&transaction, "people", &[int(1), Value::Null, int(3)]);
    assert_eq!(
        failure(error),
        (
            "23502".to_owned(),
            "null value in column \"name\" of relation \"people\" violates not-null constraint"
                .to_owned(),
            "Failing row contains (1, null, 3).".to_owned()
        )
    );
    let error = insert(&transaction, "people", &[int(1), text("a"), int(-3)]);
    assert_eq!(
        failure(error),
        (
            "23514".to_owned(),
            "new row for relation \"people\" violates check constraint \"people_age_check\""
                .to_owned(),
            "Failing row contains (1, a, -3).".to_owned()
        )
    );
    // NULL is not false.
    insert(&transaction, "people", &[int(1), text("a"), Value::Null]).unwrap();
}

#[test]
fn duplicates_name_the_key() {
    let tables = people();
    let transaction = begin(&tables);
    insert(&transaction, "people", &[int(1), text("a"), int(1)]).unwrap();
    let error = insert(&transaction, "people", &[int(1), text("b"), int(1)]);
    assert_eq!(
        failure(error),
        (
            "23505".to_owned(),
            "duplicate key value violates unique constraint \"people_pkey\"".to_owned(),
            "Key (id)=(1) already exists.".to_owned()
        )
    );
    let error = insert(&transaction, "people", &[int(2), text("a"), int(1)]);
    assert_eq!(
        failure(error),
        (
            "23505".to_owned(),
            "duplicate key value violates unique constraint \"people_name_key\"".to_owned(),
            "Key (name)=(a) already exists.".to_owned()
        )
    );
}

#[test]
fn a_key_is_free_again_after_delete_and_update() {
    let tables = people();
    let transaction = begin(&tables);
    insert(&transaction, "people", &[int(1), text("a"), int(1)]).unwrap();
    transaction.commit().unwrap();
    let transaction = begin(&tables);
    update(
        &transaction,
        "people",
        &int(1),
        &[int(1), text("b"), int(1)],
    )
    .unwrap();
    insert(&transaction, "people", &[int(2), text("a"), int(1)]).unwrap();
    delete(&transaction, "people", &int(1)).unwrap();
    insert(&transaction, "people", &[int(1), text("c"), int(1)]).unwrap();
    insert(&transaction, "people", &[int(3), text("b"), int(1)]).unwrap();
    transaction.commit().unwrap();
    assert_eq!(committed(&tables, "people").len(), 3);
}

#[test]
fn nulls_are_distinct_unless_told_otherwise() {
    let tables = database();
    let cols = columns(&[("a", DataType::Int4), ("b", DataType::Int4)]);
    create(
        &tables,
        &new_table("d", cols.clone(), vec![unique(&["a", "b"])]),
    );
    let mut same = unique(&["a", "b"]);
    if let helios_table::ddl::NewConstraintKind::Unique {
        nulls_not_distinct, ..
    } = &mut same.kind
    {
        *nulls_not_distinct = true;
    }
    create(&tables, &new_table("s", cols, vec![same]));
    let transaction = begin(&tables);
    insert(&transaction, "d", &[int(1), Value::Null]).unwrap();
    insert(&transaction, "d", &[int(1), Value::Null]).unwrap();
    insert(&transaction, "s", &[int(1), Value::Null]).unwrap();
    let error = insert(&transaction, "s", &[int(1), Value::Null]);
    assert_eq!(failure(error).2, "Key (a, b)=(1, null) already exists.");
}

fn deferrable(mut constraint: NewConstraint) -> NewConstraint {
    constraint.deferrable = true;
    constraint
}

#[test]
fn deferrable_keys_are_checked_at_the_end() {
    let tables = database();
    let new = new_table(
        "t",
        columns(&[("id", DataType::Int4), ("v", DataType::Int4)]),
        vec![deferrable(primary_key(&["id"]))],
    );
    create(&tables, &new);
    let transaction = begin(&tables);
    for id in 1..=3 {
        insert(&transaction, "t", &[int(id), int(0)]).unwrap();
    }
    // One statement that moves every key up by one: duplicates only on the way.
    transaction.statement().unwrap();
    {
        let mut writer = writer(&transaction, "t");
        for id in 1..=3 {
            let old = find(&writer, &transaction, &int(id)).unwrap();
            let zero = old.values()[1] == int(0);
            if zero {
                writer
                    .update(&old, &mut [int(id + 1), int(1)], &context())
                    .unwrap();
            }
        }
    }
    assert_eq!(state(transaction.finish_statement(&context())), "23505");
    transaction.rollback();

    let transaction = begin(&tables);
    for id in 1..=3 {
        insert(&transaction, "t", &[int(id), int(0)]).unwrap();
    }
    transaction
        .set_constraints(&ConstraintTarget::All, true, &["public"])
        .unwrap();
    insert(&transaction, "t", &[int(1), int(9)]).unwrap();
    let savepoint = transaction.savepoint();
    let error = transaction.set_constraints(&ConstraintTarget::All, false, &["public"]);
    assert_eq!(state(error), "23505");
    transaction.rollback_to(&savepoint).unwrap();
    assert_eq!(state(transaction.commit()), "23505");
    assert!(committed(&tables, "t").is_empty());
}

#[test]
fn generated_columns_follow() {
    let tables = database();
    let mut cols = columns(&[("id", DataType::Int4), ("a", DataType::Int4)]);
    let mut twice = NewColumn::new("twice", DataType::Int4);
    twice.generated = Some("a * 2".to_owned());
    cols.push(twice);
    create(&tables, &new_table("t", cols, vec![primary_key(&["id"])]));
    let transaction = begin(&tables);
    insert(&transaction, "t", &[int(1), int(4), Value::Null]).unwrap();
    update(&transaction, "t", &int(1), &[int(1), int(5), Value::Null]).unwrap();
    assert_eq!(rows(&transaction, "t"), [[int(1), int(5), int(10)]]);
    let id = table(&transaction, "t").id;
    transaction.drop_expression(id, "twice").unwrap();
    update(&transaction, "t", &int(1), &[int(1), int(6), int(0)]).unwrap();
    assert_eq!(rows(&transaction, "t"), [[int(1), int(6), int(0)]]);
    assert_eq!(state(transaction.drop_expression(id, "twice")), "55000");
}

#[test]
fn on_conflict_finds_the_row() {
    let tables = people();
    let transaction = begin(&tables);
    insert(&transaction, "people", &[int(1), text("a"), int(1)]).unwrap();
    transaction.commit().unwrap();
    let transaction = begin(&tables);
    transaction.statement().unwrap();
    let mut writer = writer(&transaction, "people");
    let mut row = vec![int(2), text("a"), int(7)];
    writer.complete(&mut row, &context()).unwrap();
    let conflict = writer.find_conflict(&row, &[]).unwrap().unwrap();
    assert_eq!(writer.latest(&conflict.key).unwrap().unwrap()[0], int(1));
    row[1] = text("b");
    assert!(writer.find_conflict(&row, &[]).unwrap().is_none());
    writer.insert(&mut row, &context()).unwrap();
    row[0] = int(3);
    assert!(writer.find_conflict(&row, &[]).unwrap().is_some());
}
