//! Guards against orphans, against actions that go too far, and against wrong words about either.

use std::sync::Arc;

use helios_base::{DataType, Value};
use helios_table::catalog::FkAction;
use helios_table::ddl::{NewConstraint, NewConstraintKind, NewTable};
use helios_table::{ConstraintTarget, Tables};
use helios_version::Isolation;

use crate::support::*;

pub fn references(
    tables: &Arc<Tables>,
    columns: &[&str],
    parent: Option<&str>,
    on_delete: FkAction,
    on_update: FkAction,
) -> NewConstraint {
    NewConstraint::new(NewConstraintKind::ForeignKey {
        columns: names(columns),
        parent: parent.map(|name| id_of(tables, name)),
        parent_columns: Vec::new(),
        match_full: false,
        on_delete,
        on_update,
        set_columns: Vec::new(),
    })
}

fn parents(tables: &Arc<Tables>) {
    let cols = columns(&[("id", DataType::Int4), ("name", DataType::Text)]);
    create(tables, &new_table("p", cols, vec![primary_key(&["id"])]));
    let transaction = begin(tables);
    for id in 1..=3 {
        insert(&transaction, "p", &[int(id), text("x")]).unwrap();
    }
    transaction.commit().unwrap();
}

fn children(constraint: NewConstraint) -> NewTable {
    // The other integer type, so that keys are compared across types.
    let cols = columns(&[("id", DataType::Int4), ("p", DataType::Int8)]);
    new_table("c", cols, vec![primary_key(&["id"]), constraint])
}

fn big(value: i64) -> Value {
    Value::Int8(value)
}

fn family(on_delete: FkAction, on_update: FkAction) -> Arc<Tables> {
    let tables = database();
    parents(&tables);
    create(
        &tables,
        &children(references(&tables, &["p"], Some("p"), on_delete, on_update)),
    );
    let transaction = begin(&tables);
    insert(&transaction, "c", &[int(10), big(1)]).unwrap();
    insert(&transaction, "c", &[int(11), big(1)]).unwrap();
    insert(&transaction, "c", &[int(12), big(2)]).unwrap();
    insert(&transaction, "c", &[int(13), Value::Null]).unwrap();
    transaction.commit().unwrap();
    tables
}

#[test]
fn a_child_needs_its_parent() {
    let tables = family(FkAction::NoAction, FkAction::NoAction);
    let transaction = begin(&tables);
    let error = insert(&transaction, "c", &[int(20), big(9)]);
    assert_eq!(
        failure(error),
        (
            "23503".to_owned(),
            "insert or update on table \"c\" violates foreign key constraint \"c_p_fkey\""
                .to_owned(),
            "Key (p)=(9) is not present in table \"p\".".to_owned()
        )
    );
    transaction.rollback();
    let transaction = begin(&tables);
    assert_eq!(
        state(update(
            &transaction,
            "c",
            &int(10),
            &[int(10), big(i64::MAX)]
        )),
        "23503"
    );
}

#[test]
fn a_parent_with_children_stays() {
    for action in [FkAction::NoAction, FkAction::Restrict] {
        let tables = family(action, action);
        let transaction = begin(&tables);
        let error = delete(&transaction, "p", &int(1));
        assert_eq!(
            failure(error),
            (
                "23503".to_owned(),
                "update or delete on table \"p\" violates foreign key constraint \"c_p_fkey\" on table \"c\"".to_owned(),
                "Key (id)=(1) is still referenced from table \"c\".".to_owned()
            )
        );
        transaction.rollback();
        let transaction = begin(&tables);
        assert_eq!(
            state(update(&transaction, "p", &int(2), &[int(7), text("x")])),
            "23503"
        );
        transaction.rollback();
        // What is not referenced may go, and what is no key may change.
        let transaction = begin(&tables);
        delete(&transaction, "p", &int(3)).unwrap();
        update(&transaction, "p", &int(1), &[int(1), text("y")]).unwrap();
        transaction.commit().unwrap();
    }
}

#[test]
fn cascade_takes_the_children_along() {
    let tables = family(FkAction::Cascade, FkAction::Cascade);
    let transaction = begin(&tables);
    update(&transaction, "p", &int(1), &[int(8), text("x")]).unwrap();
    delete(&transaction, "p", &int(2)).unwrap();
    transaction.commit().unwrap();
    assert_eq!(
        committed(&tables, "c"),
        [[int(10), big(8)], [int(11), big(8)], [int(13), Value::Null]]
    );
}

#[test]
fn set_null_lets_the_children_go() {
    let tables = family(FkAction::SetNull, FkAction::SetNull);
    let transaction = begin(&tables);
    update(&transaction, "p", &int(1), &[int(8), text("x")]).unwrap();
    delete(&transaction, "p", &int(2)).unwrap();
    transaction.commit().unwrap();
    assert!(committed(&tables, "c").iter().all(|row| row[1].is_null()));
}

#[test]
fn set_default_checks_the_default() {
    let tables = database();
    parents(&tables);
    let mut new = children(references(
        &tables,
        &["p"],
        Some("p"),
        FkAction::SetDefault,
        FkAction::NoAction,
    ));
    new.columns[1].default = Some("3".to_owned());
    create(&tables, &new);
    let transaction = begin(&tables);
    insert(&transaction, "c", &[int(1), big(1)]).unwrap();
    delete(&transaction, "p", &int(1)).unwrap();
    assert_eq!(rows(&transaction, "c"), [[int(1), big(3)]]);
    assert_eq!(state(delete(&transaction, "p", &int(3))), "23503");
}

#[test]
fn a_table_may_reference_itself() {
    let tables = database();
    let cols = columns(&[("id", DataType::Int4), ("boss", DataType::Int4)]);
    let boss = references(
        &tables,
        &["boss"],
        None,
        FkAction::Cascade,
        FkAction::NoAction,
    );
    create(
        &tables,
        &new_table("staff", cols, vec![primary_key(&["id"]), boss]),
    );
    let transaction = begin(&tables);
    insert(&transaction, "staff", &[int(1), int(1)]).unwrap();
    insert(&transaction, "staff", &[int(2), int(1)]).unwrap();
    insert(&transaction, "staff", &[int(3), int(2)]).unwrap();
    // One statement whose rows need each other.
    transaction.statement().unwrap();
    {
        let mut writer = writer(&transaction, "staff");
        writer.insert(&mut [int(8), int(9)], &context()).unwrap();
        writer.insert(&mut [int(9), int(8)], &context()).unwrap();
    }
    transaction.finish_statement(&context()).unwrap();
    delete(&transaction, "staff", &int(1)).unwrap();
    assert_eq!(rows(&transaction, "staff").len(), 2);
    delete(&transaction, "staff", &int(9)).unwrap();
    assert!(rows(&transaction, "staff").is_empty());
}

#[test]
fn deferred_checks_wait_for_commit() {
    let tables = database();
    parents(&tables);
    let mut fk = references(
        &tables,
        &["p"],
        Some("p"),
        FkAction::NoAction,
        FkAction::NoAction,
    );
    fk.deferrable = true;
    fk.initially_deferred = true;
    create(&tables, &children(fk));
    let transaction = begin(&tables);
    insert(&transaction, "c", &[int(1), big(50)]).unwrap();
    // The row moves before its parent appears.
    update(&transaction, "c", &int(1), &[int(2), big(50)]).unwrap();
    insert(&transaction, "p", &[int(50), text("late")]).unwrap();
    transaction.commit().unwrap();

    let transaction = begin(&tables);
    delete(&transaction, "p", &int(50)).unwrap();
    let savepoint = transaction.savepoint();
    let now = transaction.set_constraints(&ConstraintTarget::All, false, &["public"]);
    assert_eq!(state(now), "23503");
    transaction.rollback_to(&savepoint).unwrap();
    insert(&transaction, "p", &[int(50), text("again")]).unwrap();
    transaction.commit().unwrap();

    let transaction = begin(&tables);
    insert(&transaction, "c", &[int(5), big(51)]).unwrap();
    assert_eq!(state(transaction.commit()), "23503");
    assert_eq!(committed(&tables, "c"), [[int(2), big(50)]]);

    let transaction = begin(&tables);
    update(&transaction, "c", &int(2), &[int(3), big(77)]).unwrap();
    update(&transaction, "c", &int(3), &[int(4), big(77)]).unwrap();
    assert_eq!(state(transaction.commit()), "23503");
}

#[test]
fn match_full_refuses_halves() {
    let tables = database();
    let cols = columns(&[("a", DataType::Int4), ("b", DataType::Int4)]);
    create(
        &tables,
        &new_table("p", cols, vec![primary_key(&["a", "b"])]),
    );
    let mut fk = references(
        &tables,
        &["y", "x"],
        Some("p"),
        FkAction::Cascade,
        FkAction::NoAction,
    );
    if let NewConstraintKind::ForeignKey {
        match_full,
        parent_columns,
        ..
    } = &mut fk.kind
    {
        *match_full = true;
        *parent_columns = names(&["b", "a"]);
    }
    let cols = columns(&[("x", DataType::Int4), ("y", DataType::Int4)]);
    create(&tables, &new_table("c", cols, vec![fk]));
    let transaction = begin(&tables);
    insert(&transaction, "p", &[int(1), int(2)]).unwrap();
    insert(&transaction, "c", &[int(1), int(2)]).unwrap();
    insert(&transaction, "c", &[Value::Null, Value::Null]).unwrap();
    let savepoint = transaction.savepoint();
    assert_eq!(
        failure(insert(&transaction, "c", &[int(1), Value::Null])).2,
        "MATCH FULL does not allow mixing of null and nonnull key values."
    );
    transaction.rollback_to(&savepoint).unwrap();
    assert_eq!(
        failure(insert(&transaction, "c", &[int(2), int(1)])).2,
        "Key (y, x)=(1, 2) is not present in table \"p\"."
    );
    transaction.rollback_to(&savepoint).unwrap();
    delete(&transaction, "p", &int(1)).unwrap();
    assert_eq!(rows(&transaction, "c"), [[Value::Null, Value::Null]]);
}

#[test]
fn children_committed_after_the_snapshot_count() {
    for isolation in [Isolation::RepeatableRead, Isolation::Serializable] {
        let tables = family(FkAction::NoAction, FkAction::NoAction);
        let old = begin_at(&tables, isolation);
        assert_eq!(rows(&old, "p").len(), 3);
        let other = begin(&tables);
        insert(&other, "c", &[int(30), big(3)]).unwrap();
        other.commit().unwrap();
        let outcome = delete(&old, "p", &int(3)).and_then(|()| old.commit().map(|_| ()));
        assert!(matches!(state(outcome).as_str(), "23503" | "40001"));
    }
}
