//! Guards against readers that miss rows on their way into a segment and back.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use helios_base::{BranchId, Scn, TableId};
use helios_version::{Options, Read, Step, Store, TxnOptions};

use crate::cold::{Shelf, read};

const T: TableId = TableId(1000);
const ROWS: u32 = 300;
const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

#[test]
fn readers_find_every_row_while_it_moves() {
    let store = Arc::new(Store::open_in_memory(Options::default()).unwrap());
    let shelf = Shelf::default();
    store.set_cold(Arc::new(shelf.clone()));
    let txn = store.begin(TxnOptions::default()).unwrap();
    for key in 0..ROWS {
        txn.put(T, &key.to_be_bytes(), b"row", &[]).unwrap();
    }
    txn.commit().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3u32)
        .map(|reader| {
            let (store, done) = (Arc::clone(&store), Arc::clone(&done));
            std::thread::spawn(move || {
                let mut key = reader;
                while !done.load(Ordering::Relaxed) {
                    key = (key * 7 + 1) % ROWS;
                    let pk = key.to_be_bytes();
                    let snapshot = store.snapshot(BranchId::MAIN, None).unwrap();
                    assert!(snapshot.get(T, &pk).unwrap().is_some(), "{key}");
                    assert_eq!(snapshot.history(T, &pk).unwrap().len(), 1, "{key}");
                    if key % 5 == 0 {
                        let rows = snapshot.scan(T, ALL, false).unwrap().collect().unwrap();
                        assert_eq!(rows.len(), ROWS as usize);
                    }
                }
            })
        })
        .collect();
    for _ in 0..60 {
        let mut rows = Vec::new();
        let mut freeze = store.freeze(T, BranchId::MAIN, Scn::MAX).unwrap();
        while !read(&mut freeze, &mut rows, 1000).unwrap() {}
        let mut adoption = shelf.finish(freeze, rows).unwrap().unwrap();
        while adoption.step(40).unwrap() == Step::More {}
        let segment = store.segments().pop().unwrap();
        assert_eq!(segment.adopted, u64::from(ROWS));
        let mut promoter = store.promote(T, BranchId::MAIN).unwrap();
        for from in (0..u64::from(ROWS)).step_by(30) {
            promoter.promote(segment.id, from..from + 30, 0).unwrap();
        }
        let promotions = store.promotions(T, BranchId::MAIN, i64::MAX);
        // Some are copies when their segment goes.
        for promotion in promotions.iter().skip(3) {
            assert_eq!(promoter.demote(promotion).unwrap(), 30);
        }
        drop(promoter);
        let mut thaw = store.thaw(&segment).unwrap();
        while thaw.step(40).unwrap() == Step::More {}
        assert_eq!(thaw.rows(), u64::from(ROWS));
        assert!(store.segments().is_empty());
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
}
