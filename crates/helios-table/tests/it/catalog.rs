//! Guards against catalogs that are lost at reopening or seen on the wrong branch.

use std::sync::Arc;

use helios_base::DataType;
use helios_table::Tables;
use helios_table::ddl::{NewColumn, NewIndex, NewIndexKey, ObjectRef};
use helios_version::{BranchSpec, Store, TxnOptions};

use crate::support::*;

#[test]
fn everything_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    {
        let store = Store::open(&path, options()).unwrap();
        let tables = Tables::open(store, Arc::new(Words)).unwrap();
        let mut cols = columns(&[
            ("id", DataType::Int4),
            ("name", DataType::Varchar(Some(20))),
        ]);
        cols[1].default = Some("'x'".to_owned());
        create(
            &tables,
            &new_table(
                "t",
                cols,
                vec![primary_key(&["id"]), unique(&["name"]), check("id > 0")],
            ),
        );
        let transaction = begin(&tables);
        let id = table(&transaction, "t").id;
        insert(&transaction, "t", &[int(1), text("a")]).unwrap();
        let mut column = NewColumn::new("price", DataType::Numeric(Some((10, 2))));
        column.default = Some("5".to_owned());
        transaction.add_column(id, &column, &context()).unwrap();
        transaction
            .create_index(&NewIndex {
                name: None,
                table: id,
                keys: vec![NewIndexKey::column("price")],
                include: Vec::new(),
                unique: false,
                nulls_not_distinct: false,
                predicate: Some("id > 0".to_owned()),
            })
            .unwrap();
        transaction.commit().unwrap();
        tables.save_counts().unwrap();
        tables.store().close().unwrap();
    }
    let store = Store::open(&path, options()).unwrap();
    let tables = Tables::open(store, Arc::new(Words)).unwrap();
    let transaction = begin(&tables);
    let found = table(&transaction, "t");
    assert_eq!(found.columns[2].ty, DataType::Numeric(Some((10, 2))));
    assert_eq!(found.indexes.len(), 3);
    let row = rows(&transaction, "t").remove(0);
    assert_eq!(
        row[2].to_text(&found.columns[2].ty, &helios_base::TextContext::default()),
        "5.00"
    );
    assert_eq!(
        state(insert(
            &transaction,
            "t",
            &[int(1), text("b"), row[2].clone()]
        )),
        "23505"
    );
    transaction.rollback();
    // New objects do not reuse numbers.
    let other = create(
        &tables,
        &new_table("u", columns(&[("x", DataType::Int4)]), vec![]),
    );
    assert!(other.id > found.id);
}

#[test]
fn branches_have_their_own_schema() {
    let tables = database();
    let made = create(
        &tables,
        &new_table(
            "t",
            columns(&[("id", DataType::Int4)]),
            vec![primary_key(&["id"])],
        ),
    );
    let transaction = begin(&tables);
    insert(&transaction, "t", &[int(1)]).unwrap();
    transaction.commit().unwrap();
    let branch = tables
        .store()
        .create_branch(BranchSpec {
            name: "dev".to_owned(),
            ..BranchSpec::default()
        })
        .unwrap();
    let on_branch = || {
        tables
            .begin(TxnOptions {
                branch: branch.id,
                ..TxnOptions::default()
            })
            .unwrap()
    };
    let transaction = on_branch();
    transaction
        .add_column(made.id, &NewColumn::new("b", DataType::Int4), &context())
        .unwrap();
    insert(&transaction, "t", &[int(2), int(2)]).unwrap();
    transaction.commit().unwrap();
    assert_eq!(committed(&tables, "t"), [[int(1)]]);
    assert_eq!(rows(&on_branch(), "t").len(), 2);
    let transaction = begin(&tables);
    transaction
        .drop_objects(&[ObjectRef::Table(made.id)], false)
        .unwrap();
    transaction.commit().unwrap();
    assert_eq!(rows(&on_branch(), "t").len(), 2);
    assert_eq!(state(insert(&on_branch(), "t", &[int(1), int(0)])), "23505");
}
