//! Merges of many rows that only one side changed; HELIOS_MERGE_ROWS says of how many.

use helios_base::{BranchId, DataType, Value};
use helios_table::Tables;
use helios_version::{BranchSpec, Options, Store, TxnOptions};
use std::sync::Arc;
use std::time::Instant;

use crate::support::{
    Words, columns, context, create, new_table, primary_key, rows, table, writer,
};

fn row(id: i64, name: &str, amount: i64) -> Vec<Value> {
    vec![Value::Int8(id), Value::text(name), Value::Int8(amount)]
}

// Guards against a merge of rows that only one side changed losing or doubling any.
#[test]
fn rows_of_one_side_all_arrive() {
    let all: i64 = std::env::var("HELIOS_MERGE_ROWS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(500);
    let scratch = tempfile::tempdir().unwrap();
    let options = Options {
        background: false,
        ..Options::default()
    };
    let store = Store::open(&scratch.path().join("db"), options).unwrap();
    let tables = Tables::open(store.clone(), Arc::new(Words)).unwrap();
    let list = [
        ("id!", DataType::Int8),
        ("name", DataType::Text),
        ("amount", DataType::Int8),
    ];
    create(
        &tables,
        &new_table("t", columns(&list), vec![primary_key(&["id"])]),
    );
    let begin = |branch| {
        let options = TxnOptions {
            branch,
            ..TxnOptions::default()
        };
        tables.begin(options).unwrap()
    };
    let load = begin(BranchId::MAIN);
    let mut into = writer(&load, "t");
    for id in 0..all {
        into.insert(&mut row(id, "somebody", id), &context())
            .unwrap();
    }
    drop(into);
    load.commit().unwrap();
    let branch = store
        .create_branch(BranchSpec {
            name: "dev".into(),
            ..BranchSpec::default()
        })
        .unwrap()
        .id;
    let change = |branch, odd, name: &str, more: i64| {
        let txn = begin(branch);
        let def = table(&txn, "t");
        let mut into = writer(&txn, "t");
        for id in (odd..all).step_by(2) {
            let old = row(id, "somebody", id);
            let mut key = Vec::new();
            def.shape().encode_key_of(&old, &mut key).unwrap();
            let wait = helios_version::Wait::Block;
            let mode = helios_version::LockMode::NoKeyUpdate;
            let helios_table::Lock::Row(locked) = into.lock(&key, mode, wait).unwrap() else {
                panic!("row {id} is gone");
            };
            into.update(&locked, &mut row(id, name, id + more), &context())
                .unwrap();
        }
        drop(into);
        txn.commit().unwrap();
    };
    change(branch, 0, "somebody", 1);
    change(BranchId::MAIN, 1, "somebody else", 0);
    while store.checkpoint_step(100_000).unwrap() == helios_version::Step::More {}
    let started = Instant::now();
    let source = store.snapshot(branch, None).unwrap();
    let txn = begin(BranchId::MAIN);
    txn.lock_merges().unwrap();
    let parent = (branch, helios_version::Read::scn(&source));
    let input = tables
        .merge_input(source, (BranchId::MAIN, parent.1))
        .unwrap();
    let report = txn
        .merge(
            &input,
            &helios_table::merge::MergeOptions::default(),
            &context(),
        )
        .unwrap();
    let merged = started.elapsed();
    txn.txn().add_merge_parent(parent.0, parent.1);
    txn.commit().unwrap();
    println!(
        "{all} rows: merged {merged:?}, committed {:?}",
        started.elapsed()
    );
    assert!(report.decisions.is_empty());
    let txn = begin(BranchId::MAIN);
    let wanted: Vec<Vec<Value>> = (0..all)
        .map(|id| match id % 2 {
            0 => row(id, "somebody", id + 1),
            _ => row(id, "somebody else", id),
        })
        .collect();
    assert!(rows(&txn, "t") == wanted);
}
