//! Guards against row counts and statistics that mislead the planner.

use helios_base::{DataType, Value};

use crate::support::*;

#[test]
fn counts_follow_commits() {
    let tables = database();
    let made = create(
        &tables,
        &new_table(
            "t",
            columns(&[("id", DataType::Int4)]),
            vec![primary_key(&["id"])],
        ),
    );
    let count = || {
        let snapshot = tables
            .store()
            .snapshot(helios_base::BranchId::MAIN, None)
            .unwrap();
        tables.row_count(&snapshot, &made).unwrap()
    };
    assert_eq!(count(), 0);
    let transaction = begin(&tables);
    for id in 0..10 {
        insert(&transaction, "t", &[int(id)]).unwrap();
    }
    assert_eq!(count(), 0);
    transaction.commit().unwrap();
    assert_eq!(count(), 10);
    let transaction = begin(&tables);
    delete(&transaction, "t", &int(3)).unwrap();
    transaction.rollback();
    let transaction = begin(&tables);
    delete(&transaction, "t", &int(4)).unwrap();
    transaction.commit().unwrap();
    assert_eq!(count(), 9);
}

#[test]
fn analyze_sees_the_spread() {
    let tables = database();
    let cols = columns(&[
        ("id", DataType::Int4),
        ("kind", DataType::Text),
        ("doc", DataType::Json),
    ]);
    let made = create(&tables, &new_table("t", cols, vec![primary_key(&["id"])]));
    let transaction = begin(&tables);
    for id in 0..1000 {
        let kind = match id % 10 {
            0 => Value::Null,
            1..=5 => text("common"),
            _ => text(&format!("rare{}", id % 100)),
        };
        insert(&transaction, "t", &[int(id), kind, text("{}")]).unwrap();
    }
    transaction.analyze(&made).unwrap();
    transaction.commit().unwrap();
    let snapshot = tables
        .store()
        .snapshot(helios_base::BranchId::MAIN, None)
        .unwrap();
    let stats = tables.statistics(&snapshot, &made).unwrap().unwrap();
    assert_eq!(stats.rows, 1000);
    let id = &stats.columns[0];
    assert_eq!((id.distinct, id.null_fraction), (1000.0, 0.0));
    assert_eq!(id.histogram.first(), Some(&int(0)));
    assert_eq!(id.histogram.last(), Some(&int(999)));
    assert!(id.common.is_empty());
    let kind = &stats.columns[1];
    assert!((kind.null_fraction - 0.1).abs() < 1e-9);
    assert_eq!(kind.distinct, 41.0);
    assert_eq!(kind.common[0], (text("common"), 0.5));
    assert_eq!(stats.columns[2].distinct, 0.0);
    assert_eq!(tables.row_count(&snapshot, &made).unwrap(), 1000);
}
