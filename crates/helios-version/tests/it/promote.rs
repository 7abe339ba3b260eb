//! Guards against copies of cold rows that change what anybody reads, that stay for good, or that are taken away while
//! nothing else has the row.

use std::ops::Bound;
use std::sync::Arc;

use helios_base::{BranchId, Scn, TableId};
use helios_version::{
    BranchSpec, Options, Promotion, Read, SegmentInfo, Snapshot, Step, Store, TxnOptions,
};

use crate::cold::{Shelf, read};

const T: TableId = TableId(1000);
const ROWS: u32 = 100;
const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

fn write(store: &Store, keys: std::ops::Range<u32>, row: Option<&[u8]>) {
    let txn = store.begin(TxnOptions::default()).unwrap();
    for key in keys {
        match row {
            Some(row) => txn.put(T, &key.to_be_bytes(), row, &[]).unwrap(),
            None => txn.delete(T, &key.to_be_bytes()).unwrap(),
        }
    }
    txn.commit().unwrap();
}

fn freeze(store: &Store, shelf: &Shelf) -> Option<SegmentInfo> {
    let mut rows = Vec::new();
    let mut freeze = store.freeze(T, BranchId::MAIN, Scn::MAX).unwrap();
    while !read(&mut freeze, &mut rows, 1000).unwrap() {}
    let mut adoption = shelf.finish(freeze, rows).unwrap()?;
    while adoption.step(40).unwrap() == Step::More {}
    store.segments().pop()
}

fn promotions(store: &Store) -> Vec<Promotion> {
    store.promotions(T, BranchId::MAIN, i64::MAX)
}

fn promote(store: &Store, segment: &SegmentInfo, places: std::ops::Range<u64>, now: i64) -> u64 {
    let mut promoter = store.promote(T, BranchId::MAIN).unwrap();
    promoter.promote(segment.id, places, now).unwrap()
}

fn demote_all(store: &Store) -> u64 {
    let mut promoter = store.promote(T, BranchId::MAIN).unwrap();
    let all = promotions(store);
    all.iter()
        .map(|promotion| promoter.demote(promotion).unwrap())
        .sum()
}

fn rows(snapshot: &Snapshot) -> Vec<(Vec<u8>, Scn, Vec<u8>)> {
    let mut cursor = snapshot.scan(T, ALL, false).unwrap();
    let mut rows = Vec::new();
    while let Some(row) = cursor.next().unwrap() {
        rows.push((row.pk.to_vec(), row.begin, row.row.to_vec()));
    }
    rows
}

/// The rows as of now, and single ones beside them.
fn seen(store: &Store) -> Vec<(Vec<u8>, Scn, Vec<u8>)> {
    let snapshot = store.snapshot(BranchId::MAIN, None).unwrap();
    let rows = rows(&snapshot);
    for (pk, begin, row) in &rows {
        let found = snapshot.get(T, pk).unwrap().unwrap();
        assert_eq!((found.begin, &found.row[..]), (*begin, &row[..]));
    }
    rows
}

#[test]
fn what_is_promoted_is_remembered_and_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Shelf::default();
    let open = || {
        let options = Options {
            background: false,
            ..Options::default()
        };
        let store = Store::open(&dir.path().join("db"), options).unwrap();
        store.set_cold(Arc::new(shelf.clone()));
        store
    };
    let store = open();
    write(&store, 0..ROWS, Some(b"row"));
    let segment = freeze(&store, &shelf).unwrap();
    let before = seen(&store);
    assert_eq!(promote(&store, &segment, 10..30, 77), 20);
    // Those that are there already are not copied again.
    assert_eq!(promote(&store, &segment, 20..40, 78), 10);
    assert_eq!(promote(&store, &segment, 90..400, 79), 10);
    assert_eq!(seen(&store), before);
    let noted = promotions(&store);
    assert_eq!(noted.len(), 3);
    assert_eq!(store.promotions(T, BranchId::MAIN, 77), noted[..1]);
    assert_eq!(store.promoted()[&(T, BranchId::MAIN)], 40);
    assert_eq!((noted[0].rows, noted[0].since), (20, 77));
    assert_eq!(noted[0].first, 10u32.to_be_bytes());
    assert_eq!(noted[0].last, 29u32.to_be_bytes());
    while store.checkpoint_step(1000).unwrap() == Step::More {}
    drop(store);
    let store = open();
    assert_eq!(promotions(&store), noted);
    assert_eq!(seen(&store), before);
    // Nothing of it freezes a second time.
    assert_eq!(freeze(&store, &shelf), None);
    assert!(store.check().unwrap().is_empty());
    // Some are changed, deleted, or new among them.
    let then = store.scn();
    write(&store, 12..15, Some(b"new"));
    write(&store, 20..22, None);
    write(&store, ROWS..ROWS + 5, Some(b"more"));
    let after = seen(&store);
    assert_eq!(demote_all(&store), 40 - 5);
    assert_eq!(promotions(&store), []);
    assert_eq!(seen(&store), after);
    let past = store.snapshot(BranchId::MAIN, Some(then)).unwrap();
    assert_eq!(rows(&past), before);
    assert_eq!(past.history(T, &12u32.to_be_bytes()).unwrap().len(), 1);
    assert!(store.check().unwrap().is_empty());
    assert_eq!(store.segments(), [segment]);
}

#[test]
fn compaction_keeps_the_rows_below_copies() {
    let store = Store::open_in_memory(Options::default()).unwrap();
    let shelf = Shelf::default();
    store.set_cold(Arc::new(shelf.clone()));
    store.set_retention(std::time::Duration::ZERO);
    write(&store, 0..ROWS, Some(b"row"));
    let segment = freeze(&store, &shelf).unwrap();
    promote(&store, &segment, 0..50, 1);
    // A copy that was changed, one that was deleted, and rows that were not promoted.
    write(&store, 3..4, Some(b"new"));
    write(&store, 7..8, None);
    write(&store, 80..82, None);
    while store.gc_step(1000).unwrap() == Step::More {}
    let before = seen(&store);
    let mut compaction = store.compact(T, BranchId::MAIN, &[segment.id]).unwrap();
    assert!(store.promote(T, BranchId::MAIN).is_err(), "one at a time");
    let mut kept = Vec::new();
    while let Some(needed) = compaction.look().unwrap() {
        if needed {
            let row = compaction.row().unwrap();
            kept.push((row.pk.to_vec(), row.begin, row.row.to_vec()));
        }
    }
    assert_eq!(kept.len(), ROWS as usize - 4);
    shelf.swap(compaction, kept).unwrap();
    assert_eq!(seen(&store), before);
    // The records name keys, not places of the segment that is gone.
    assert_eq!(demote_all(&store), 48);
    assert_eq!(seen(&store), before);
    assert!(store.check().unwrap().is_empty());
}

#[test]
fn branches_share_what_is_below_them() {
    let store = Store::open_in_memory(Options::default()).unwrap();
    let shelf = Shelf::default();
    store.set_cold(Arc::new(shelf.clone()));
    write(&store, 0..ROWS, Some(b"row"));
    let segment = freeze(&store, &shelf).unwrap();
    let spec = |name: &str| BranchSpec {
        name: name.to_owned(),
        ..BranchSpec::default()
    };
    let dev = store.create_branch(spec("dev")).unwrap();
    // The segment is the parent's, and so is what is promoted.
    let mut promoter = store.promote(T, dev.id).unwrap();
    assert_eq!(promoter.promote(segment.id, 0..50, 1).unwrap(), 0);
    drop(promoter);
    assert_eq!(promote(&store, &segment, 0..50, 1), 50);
    assert_eq!(store.branch_bytes(dev.id).unwrap(), 0);
    write(&store, 0..60, Some(b"new"));
    let old = rows(&store.snapshot(dev.id, None).unwrap());
    assert_eq!(old.len(), ROWS as usize);
    assert!(old.iter().all(|row| row.2 == b"row"));
    assert_eq!(demote_all(&store), 0);
    assert_eq!(rows(&store.snapshot(dev.id, None).unwrap()), old);
    assert!(store.check().unwrap().is_empty());
}
