//! Guards against schema changes that lose rows, leave dependents behind or cannot be undone.

use helios_base::{DataType, Value};
use helios_table::catalog::{Dependency, FkAction, Relation, SchemaId, ViewColumn};
use helios_table::ddl::{
    CommentTarget, Conversion, NewColumn, NewConstraint, NewConstraintKind, NewIdentity, NewIndex,
    NewIndexKey, NewView, ObjectRef, SequenceOptions,
};
use helios_table::{KeyRange, TableReader, Transaction};

use crate::foreign_keys::references;
use crate::support::*;

fn three_rows() -> Transaction {
    let tables = database();
    let cols = columns(&[("id", DataType::Int4), ("a", DataType::Int4)]);
    create(&tables, &new_table("t", cols, vec![primary_key(&["id"])]));
    let transaction = begin(&tables);
    for id in 1..=3 {
        insert(&transaction, "t", &[int(id), int(id * 10)]).unwrap();
    }
    transaction.commit().unwrap();
    begin(&tables)
}

fn view(
    transaction: &Transaction,
    name: &str,
    reads: u32,
    columns: &[helios_base::ColumnId],
) -> NewView {
    let _ = transaction;
    NewView {
        schema: SchemaId::PUBLIC,
        name: name.to_owned(),
        sql: "SELECT id FROM t".to_owned(),
        search_path: vec!["public".to_owned()],
        columns: vec![ViewColumn {
            name: "id".to_owned(),
            ty: DataType::Int4,
            comment: None,
        }],
        depends: vec![Dependency {
            relation: reads,
            columns: columns.to_vec(),
        }],
        check_option: None,
    }
}

#[test]
fn an_added_column_needs_no_rewrite() {
    let transaction = three_rows();
    let before = table(&transaction, "t");
    let mut column = NewColumn::new("b", DataType::Text);
    column.default = Some("'new'".to_owned());
    column.not_null = true;
    transaction
        .add_column(before.id, &column, &context())
        .unwrap();
    let after = table(&transaction, "t");
    assert_eq!(before.storage, after.storage);
    assert_eq!(rows(&transaction, "t")[0], [int(1), int(10), text("new")]);
    update(&transaction, "t", &int(2), &[int(2), int(20), text("set")]).unwrap();
    transaction
        .add_column(after.id, &NewColumn::new("c", DataType::Int8), &context())
        .unwrap();
    assert_eq!(
        rows(&transaction, "t")[1],
        [int(2), int(20), text("set"), Value::Null]
    );
    let mut strict = NewColumn::new("d", DataType::Int8);
    strict.not_null = true;
    let error = transaction.add_column(after.id, &strict, &context());
    assert_eq!(
        failure(error).1,
        "column \"d\" of relation \"t\" contains null values"
    );
    // Dropped columns leave the others where they are.
    let a = after.column("a").unwrap().1.id;
    transaction
        .drop_objects(&[ObjectRef::Column(after.id, a)], false)
        .unwrap();
    assert_eq!(
        rows(&transaction, "t")[1],
        [int(2), text("set"), Value::Null]
    );
    transaction
        .add_column(after.id, &NewColumn::new("a", DataType::Int4), &context())
        .unwrap();
    assert_eq!(
        rows(&transaction, "t")[0],
        [int(1), text("new"), Value::Null, Value::Null]
    );
}

#[test]
fn schema_changes_are_transactional() {
    let transaction = three_rows();
    let tables = transaction.tables().clone();
    let id = table(&transaction, "t").id;
    let savepoint = transaction.savepoint();
    transaction
        .add_column(id, &NewColumn::new("b", DataType::Text), &context())
        .unwrap();
    let other = begin(&tables);
    assert_eq!(table(&other, "t").columns.len(), 2);
    assert_eq!(table(&transaction, "t").columns.len(), 3);
    transaction.rollback_to(&savepoint).unwrap();
    assert_eq!(table(&transaction, "t").columns.len(), 2);
    transaction
        .create_table(&new_table("u", columns(&[("x", DataType::Int4)]), vec![]))
        .unwrap();
    insert(&transaction, "u", &[int(1)]).unwrap();
    transaction.rollback();
    let after = begin(&tables);
    assert!(
        after
            .catalog()
            .unwrap()
            .resolve(None, "u", &["public"])
            .is_none()
    );
    after
        .create_table(&new_table("u", columns(&[("x", DataType::Int4)]), vec![]))
        .unwrap();
    let again = after.create_table(&new_table("u", columns(&[("x", DataType::Int4)]), vec![]));
    assert_eq!(failure(again).1, "relation \"u\" already exists");
}

#[test]
fn the_past_keeps_its_schema() {
    let transaction = three_rows();
    let tables = transaction.tables().clone();
    let snapshot = tables
        .store()
        .snapshot(helios_base::BranchId::MAIN, None)
        .unwrap();
    let old = table(&transaction, "t");
    transaction.truncate(&[old.id], false).unwrap();
    transaction
        .add_column(old.id, &NewColumn::new("b", DataType::Text), &context())
        .unwrap();
    transaction.commit().unwrap();
    assert!(committed(&tables, "t").is_empty());
    let transaction = begin(&tables);
    transaction
        .drop_objects(&[ObjectRef::Table(old.id)], false)
        .unwrap();
    transaction.commit().unwrap();
    let catalog = tables.catalog(&snapshot).unwrap();
    let table = catalog.require_table(None, "t", &["public"]).unwrap();
    assert_eq!(table.columns.len(), 2);
    let mut scan = TableReader::new(&table, &snapshot)
        .scan(&KeyRange::ALL, false)
        .unwrap();
    let mut count = 0;
    while scan.next(|_| Ok(())).unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 3);
    let now = begin(&tables).catalog().unwrap();
    let error = now.require_table(None, "t", &["public"]);
    assert_eq!(failure(error).1, "relation \"t\" does not exist");
}

#[test]
fn a_primary_key_can_come_and_go() {
    let tables = database();
    create(
        &tables,
        &new_table(
            "t",
            columns(&[("id", DataType::Int4), ("a", DataType::Int4)]),
            vec![],
        ),
    );
    let transaction = begin(&tables);
    for id in [3, 1, 2] {
        insert(&transaction, "t", &[int(id), int(0)]).unwrap();
    }
    let id = table(&transaction, "t").id;
    let error = transaction.add_constraint(id, &primary_key(&["a"]));
    assert_eq!(failure(error).1, "could not create unique index \"t_pkey\"");
    transaction.rollback();

    let transaction = begin(&tables);
    for id in [3, 1, 2] {
        insert(&transaction, "t", &[int(id), int(0)]).unwrap();
    }
    let keyed = transaction
        .add_constraint(id, &primary_key(&["id"]))
        .unwrap();
    assert!(keyed.primary_key().is_some() && keyed.columns[0].not_null);
    assert_eq!(
        rows(&transaction, "t")
            .iter()
            .map(|r| r[0].clone())
            .collect::<Vec<_>>(),
        [1, 2, 3].map(int)
    );
    let savepoint = transaction.savepoint();
    assert_eq!(state(insert(&transaction, "t", &[int(1), int(0)])), "23505");
    transaction.rollback_to(&savepoint).unwrap();
    let constraint = keyed.constraint("t_pkey").unwrap().id;
    transaction
        .drop_objects(&[ObjectRef::Constraint(id, constraint)], false)
        .unwrap();
    insert(&transaction, "t", &[int(1), int(0)]).unwrap();
    assert_eq!(rows(&transaction, "t").len(), 4);
    transaction.commit().unwrap();
    assert_eq!(committed(&tables, "t").len(), 4);
}

#[test]
fn types_change_with_their_values() {
    let transaction = three_rows();
    let tables = transaction.tables().clone();
    let id = table(&transaction, "t").id;
    let mut index = NewIndex {
        name: None,
        table: id,
        keys: vec![NewIndexKey::column("a")],
        include: Vec::new(),
        unique: true,
        nulls_not_distinct: false,
        predicate: None,
    };
    assert_eq!(transaction.create_index(&index).unwrap().name, "t_a_idx");
    let mut to_text = |row: &[Value]| match &row[1] {
        Value::Int4(a) => Ok(text(&format!("<{a}>"))),
        _ => Ok(Value::Null),
    };
    transaction
        .alter_type(id, "a", &DataType::Text, Conversion::Plain(&mut to_text))
        .unwrap();
    assert_eq!(rows(&transaction, "t")[2], [int(3), text("<30>")]);
    assert_eq!(
        state(insert(&transaction, "t", &[int(4), text("<10>")])),
        "23505"
    );
    transaction.rollback();

    let transaction = begin(&tables);
    let view = view(&transaction, "v", id.0, &[helios_base::ColumnId(2)]);
    transaction.create_view(view, false).unwrap();
    let error = transaction.alter_type(id, "a", &DataType::Text, Conversion::Plain(&mut to_text));
    assert_eq!(
        failure(error).2,
        "rule _RETURN on view v depends on column \"a\""
    );
    index.keys[0] = NewIndexKey::column("nope");
    assert_eq!(state(transaction.create_index(&index)), "42703");
}

#[test]
fn serial_and_identity_number_rows() {
    let tables = database();
    let mut id = NewColumn::new("id", DataType::Int4);
    id.serial = true;
    let mut n = NewColumn::new("n", DataType::Int8);
    n.identity = Some(NewIdentity {
        always: true,
        sequence: SequenceOptions {
            start: Some(100),
            increment: Some(10),
            ..SequenceOptions::default()
        },
    });
    let table = create(&tables, &new_table("t", vec![id, n], vec![]));
    assert_eq!(
        table.columns[0].default.as_deref(),
        Some("nextval('public.t_id_seq')")
    );
    let transaction = begin(&tables);
    let catalog = transaction.catalog().unwrap();
    let serial = catalog
        .require_sequence(None, "t_id_seq", &["public"])
        .unwrap();
    let identity = catalog
        .require_sequence(None, "t_n_seq", &["public"])
        .unwrap();
    assert_eq!(transaction.nextval(&serial).unwrap(), 1);
    assert_eq!(transaction.nextval(&serial).unwrap(), 2);
    assert_eq!(transaction.nextval(&identity).unwrap(), 100);
    assert_eq!(transaction.nextval(&identity).unwrap(), 110);
    assert_eq!(serial.max, i64::from(i32::MAX));
    let error = transaction.drop_objects(&[ObjectRef::Sequence(identity.id)], true);
    assert_eq!(
        failure(error).1,
        "cannot drop sequence t_n_seq because column n of table t requires it"
    );
    let error = transaction.drop_objects(&[ObjectRef::Sequence(serial.id)], false);
    let (state, message, detail) = failure(error);
    assert_eq!(state, "2BP01");
    assert_eq!(
        message,
        "cannot drop sequence t_id_seq because other objects depend on it"
    );
    assert_eq!(
        detail,
        "default value for column id of table t depends on sequence t_id_seq"
    );
    // Restarting is undone with the transaction, handing out numbers is not.
    let savepoint = transaction.savepoint();
    let restart = SequenceOptions {
        restart: Some(None),
        ..SequenceOptions::default()
    };
    let restarted = transaction.alter_sequence(serial.id, &restart).unwrap();
    assert_eq!(transaction.nextval(&restarted).unwrap(), 1);
    transaction.rollback_to(&savepoint).unwrap();
    assert_eq!(transaction.nextval(&serial).unwrap(), 3);
    transaction.rename_sequence(serial.id, "numbers").unwrap();
    let renamed = crate::support::table(&transaction, "t");
    assert_eq!(
        renamed.columns[0].default.as_deref(),
        Some("nextval('public.numbers')")
    );
    let savepoint = transaction.savepoint();
    let column = ObjectRef::Column(table.id, table.columns[0].id);
    transaction.drop_objects(&[column], false).unwrap();
    assert_eq!(transaction.catalog().unwrap().sequences().count(), 1);
    transaction.rollback_to(&savepoint).unwrap();
    transaction
        .drop_objects(&[ObjectRef::Table(table.id)], false)
        .unwrap();
    assert!(transaction.catalog().unwrap().sequences().next().is_none());
}

#[test]
fn drops_tell_what_hangs_on_them() {
    let transaction = three_rows();
    let tables = transaction.tables().clone();
    transaction.rollback();
    let p = id_of(&tables, "t");
    let cols = columns(&[("id", DataType::Int4), ("t", DataType::Int4)]);
    let fk = references(
        &tables,
        &["t"],
        Some("t"),
        FkAction::NoAction,
        FkAction::NoAction,
    );
    create(&tables, &new_table("c", cols, vec![fk]));
    let transaction = begin(&tables);
    let made = transaction
        .create_view(view(&transaction, "v", p.0, &[]), false)
        .unwrap();
    transaction
        .create_view(view(&transaction, "w", made.id.0, &[]), false)
        .unwrap();
    let error = transaction
        .drop_objects(&[ObjectRef::Table(p)], false)
        .unwrap_err();
    assert_eq!(
        error.message(),
        "cannot drop table t because other objects depend on it"
    );
    assert_eq!(
        error.detail(),
        Some(
            "constraint c_t_fkey on table c depends on table t\nview v depends on table t\nview w depends on view v"
        )
    );
    assert_eq!(
        error.hint(),
        Some("Use DROP ... CASCADE to drop the dependent objects too.")
    );
    let pkey = table(&transaction, "t").constraint("t_pkey").unwrap().id;
    let error = transaction.drop_objects(&[ObjectRef::Constraint(p, pkey)], false);
    assert_eq!(
        failure(error).2,
        "constraint c_t_fkey on table c depends on index t_pkey"
    );
    let dropped = transaction
        .drop_objects(&[ObjectRef::Table(p)], true)
        .unwrap();
    assert_eq!(
        dropped.cascaded,
        ["constraint c_t_fkey on table c", "view v", "view w"]
    );
    insert(&transaction, "c", &[int(1), int(99)]).unwrap();
    transaction.commit().unwrap();
    assert_eq!(committed(&tables, "c").len(), 1);
}

#[test]
fn truncate_respects_references() {
    let transaction = three_rows();
    let tables = transaction.tables().clone();
    transaction.rollback();
    let p = id_of(&tables, "t");
    let cols = columns(&[("t", DataType::Int4)]);
    let fk = references(
        &tables,
        &["t"],
        Some("t"),
        FkAction::NoAction,
        FkAction::NoAction,
    );
    create(&tables, &new_table("c", cols, vec![fk]));
    let transaction = begin(&tables);
    insert(&transaction, "c", &[int(1)]).unwrap();
    let error = transaction.truncate(&[p], false);
    assert_eq!(failure(error).2, "Table \"c\" references \"t\".");
    let all = Transaction::truncate_closure(&transaction.catalog().unwrap(), &[p]);
    transaction.truncate(&all, false).unwrap();
    assert!(rows(&transaction, "c").is_empty() && rows(&transaction, "t").is_empty());
    insert(&transaction, "t", &[int(1), int(1)]).unwrap();
    insert(&transaction, "c", &[int(1)]).unwrap();
    transaction.commit().unwrap();
    assert_eq!(committed(&tables, "c").len(), 1);
}

#[test]
fn constraints_look_at_rows_that_are_there() {
    let transaction = three_rows();
    let id = table(&transaction, "t").id;
    let error = transaction.add_constraint(id, &check("a < 25"));
    assert_eq!(
        failure(error).1,
        "check constraint \"t_a_check\" of relation \"t\" is violated by some row"
    );
    transaction.rollback();
    let transaction = begin(transaction.tables());
    let mut later = check("a < 25");
    later.not_valid = true;
    transaction.add_constraint(id, &later).unwrap();
    let savepoint = transaction.savepoint();
    assert_eq!(
        state(insert(&transaction, "t", &[int(9), int(30)])),
        "23514"
    );
    transaction.rollback_to(&savepoint).unwrap();
    assert_eq!(
        state(transaction.validate_constraint(id, "t_a_check")),
        "23514"
    );
    transaction.rollback_to(&savepoint).unwrap();
    delete(&transaction, "t", &int(3)).unwrap();
    transaction.validate_constraint(id, "t_a_check").unwrap();
    transaction
        .rename_constraint(id, "t_a_check", "small")
        .unwrap();
    let error = insert(&transaction, "t", &[int(9), int(30)]);
    assert_eq!(
        failure(error).1,
        "new row for relation \"t\" violates check constraint \"small\""
    );
}

#[test]
fn bad_foreign_keys_are_refused() {
    let transaction = three_rows();
    let tables = transaction.tables().clone();
    transaction.rollback();
    let fk = |columns: &[&str], parent_columns: &[&str]| {
        let mut fk = references(
            &tables,
            columns,
            Some("t"),
            FkAction::NoAction,
            FkAction::NoAction,
        );
        if let NewConstraintKind::ForeignKey {
            parent_columns: place,
            ..
        } = &mut fk.kind
        {
            *place = names(parent_columns);
        }
        fk
    };
    let try_it = |ty: DataType, fk: NewConstraint| {
        let transaction = begin(&tables);
        failure(transaction.create_table(&new_table("c", columns(&[("x", ty)]), vec![fk])))
    };
    assert_eq!(
        try_it(DataType::Int4, fk(&["x"], &["a"])).1,
        "there is no unique constraint matching given keys for referenced table \"t\""
    );
    let (state, message, detail) = try_it(DataType::Text, fk(&["x"], &[]));
    assert_eq!(state, "42804");
    assert_eq!(
        message,
        "foreign key constraint \"c_x_fkey\" cannot be implemented"
    );
    assert_eq!(
        detail,
        "Key columns \"x\" and \"id\" are of incompatible types: text and integer."
    );
    assert_eq!(try_it(DataType::Int4, fk(&["y"], &[])).0, "42703");
}

#[test]
fn names_comments_and_schemas() {
    let transaction = three_rows();
    let id = table(&transaction, "t").id;
    let schema = transaction.create_schema("s").unwrap();
    assert_eq!(state(transaction.create_schema("s")), "42P06");
    transaction.move_table(id, schema.id).unwrap();
    transaction.rename_schema(schema.id, "z").unwrap();
    transaction
        .comment(CommentTarget::Table(id), Some("rows"))
        .unwrap();
    let catalog = transaction.catalog().unwrap();
    let moved = catalog.require_table(Some("z"), "t", &["public"]).unwrap();
    assert_eq!(moved.schema_name, "z");
    assert_eq!(moved.comment.as_deref(), Some("rows"));
    assert!(matches!(
        catalog.require(Some("z"), "t_pkey", &["public"]),
        Ok(Relation::Index(..))
    ));
    assert_eq!(
        state(catalog.require_table(None, "t", &["public"])),
        "42P01"
    );
    let error = transaction.drop_objects(&[ObjectRef::Schema(schema.id)], false);
    assert_eq!(failure(error).2, "table z.t depends on schema z");
    transaction.rename_table(id, "u").unwrap();
    transaction.rename_column(id, "a", "b").unwrap();
    assert!(
        transaction
            .catalog()
            .unwrap()
            .require_table(Some("z"), "u", &["public"])
            .unwrap()
            .column("b")
            .is_some()
    );
    transaction
        .drop_objects(&[ObjectRef::Schema(schema.id)], true)
        .unwrap();
    assert_eq!(
        state(
            transaction
                .catalog()
                .unwrap()
                .require_schema("z")
                .map(|_| ())
        ),
        "3F000"
    );
    transaction.commit().unwrap();
}
