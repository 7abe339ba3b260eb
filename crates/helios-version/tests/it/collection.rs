// Guards against space that grows with the number of updates instead of with live data, and against
// large transactions that stay in memory or commit in part.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use helios_base::{BranchId, IndexId, TableId};
use helios_version::{IndexEntry, Indexer, Options, Read, Step, Store, TxnOptions};

const T: TableId = TableId(1000);
const I: IndexId = IndexId(1);
const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

struct ByRow;

impl Indexer for ByRow {
    fn entries(&self, _: BranchId, _: TableId, pk: &[u8], row: &[u8], out: &mut Vec<IndexEntry>) {
        out.push(entry(pk, row));
    }
}

fn entry(pk: &[u8], row: &[u8]) -> IndexEntry {
    IndexEntry {
        index: I,
        key: [&row[..8], pk].concat(),
    }
}

fn open(path: &std::path::Path) -> Store {
    let options = Options {
        background: false,
        retention: Duration::ZERO,
        checkpoint_bytes: 1 << 20,
        txn_memory_bytes: 1 << 20,
        ..Options::default()
    };
    let store = Store::open(path, options).unwrap();
    store.set_indexer(Arc::new(ByRow));
    store
}

fn maintain(store: &Store) {
    while store.gc_step(1000).unwrap() == Step::More {}
    while store.checkpoint_step(usize::MAX).unwrap() == Step::More {}
}

#[test]
fn updates_of_the_same_rows_do_not_pile_up() {
    let updates = std::env::var("HELIOS_UPDATES")
        .ok()
        .and_then(|text| text.parse().ok());
    let updates: u64 = updates.unwrap_or(5_000);
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("db"));
    let load = store.begin(TxnOptions::default()).unwrap();
    for number in 0..10_000u64 {
        let (pk, row) = (number.to_be_bytes(), [number.to_be_bytes(); 10].concat());
        load.put(T, &pk, &row, &[entry(&pk, &row)]).unwrap();
    }
    load.commit().unwrap();
    maintain(&store);
    let before = store.stats();
    for number in 0..updates {
        let (pk, row) = (
            (number % 100).to_be_bytes(),
            [number.to_be_bytes(); 10].concat(),
        );
        let txn = store
            .begin(TxnOptions {
                asynchronous: true,
                ..TxnOptions::default()
            })
            .unwrap();
        txn.put(T, &pk, &row, &[entry(&pk, &row)]).unwrap();
        txn.commit().unwrap();
        if number % 1000 == 999 {
            maintain(&store);
        }
    }
    maintain(&store);
    let snapshot = store.snapshot(BranchId::MAIN, None).unwrap();
    for number in 0..100u64 {
        assert_eq!(snapshot.history(T, &number.to_be_bytes()).unwrap().len(), 1);
    }
    let entries = snapshot
        .index_scan(I, ALL, false)
        .unwrap()
        .collect()
        .unwrap();
    assert_eq!(entries.len(), 10_000, "old index entries stay");
    let after = store.stats();
    println!(
        "state {} -> {} bytes, log {} -> {} bytes",
        before.state_bytes, after.state_bytes, before.log_bytes, after.log_bytes
    );
    assert!(after.state_bytes <= before.state_bytes * 13 / 10);
    assert!(after.log_bytes <= before.log_bytes.max(64 << 20));
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

// Guards against a history that takes collected versions for a deletion, or hides one.
#[test]
fn a_gap_that_collection_left_is_no_deletion() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("db"));
    let write = |row: Option<&[u8; 8]>| {
        let txn = store.begin(TxnOptions::default()).unwrap();
        match row {
            Some(row) => txn.put(T, b"k", row, &[]).unwrap(),
            None => txn.delete(T, b"k").unwrap(),
        }
        txn.commit().unwrap()
    };
    let first = write(Some(b"version1"));
    store.pin("tag", BranchId::MAIN, first).unwrap();
    let second = write(Some(b"version2"));
    let third = write(Some(b"version3"));
    maintain(&store);
    let history = || -> Vec<_> {
        let newest = store.snapshot(BranchId::MAIN, None).unwrap();
        let versions = newest.history(T, b"k").unwrap().into_iter();
        versions
            .map(|version| (version.begin, version.end, version.row.is_some()))
            .collect()
    };
    let kept = (first, Some(second), true);
    assert_eq!(history(), [(third, None, true), kept]);
    let deleted = write(None);
    let again = write(Some(b"version4"));
    let newer = [
        (again, None, true),
        (deleted, Some(again), false),
        (third, Some(deleted), true),
        kept,
    ];
    assert_eq!(history(), newer);
}

#[test]
fn a_transaction_larger_than_memory_commits_whole_and_survives() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let store = open(&path);
    let txn = store.begin(TxnOptions::default()).unwrap();
    let row = [5; 200];
    // More than one batch, so that the state file takes in a part while the rest is applied.
    let rows = 150_000u64;
    for number in 0..rows {
        // Half ascending, half not.
        let number = if number % 2 == 0 {
            number
        } else {
            rows - number
        };
        let pk = number.to_be_bytes();
        txn.put(T, &pk, &row, &[entry(&pk, &row)]).unwrap();
    }
    assert!(
        txn.view()
            .unwrap()
            .get(T, &7u64.to_be_bytes())
            .unwrap()
            .is_some()
    );
    txn.commit().unwrap();
    drop(txn);
    // Opening again replays it from the log.
    store.abandon();
    let store = open(&path);
    let snapshot = store.snapshot(BranchId::MAIN, None).unwrap();
    let mut count = 0;
    let mut cursor = snapshot.scan(T, ALL, false).unwrap();
    while let Some(found) = cursor.next().unwrap() {
        assert_eq!(found.row, row);
        count += 1;
    }
    assert_eq!(count, rows);
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}
