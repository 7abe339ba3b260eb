// Guards against a database that stays open, or a panic, when garbage collection happens to hold the
// last handle.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use helios_base::{BranchId, TableId};
use helios_version::{IndexEntry, Indexer, Options, Read, Store, TxnOptions};

const T: TableId = TableId(1000);
const PATIENCE: Duration = Duration::from_secs(60);

/// An indexer that owns the store, as one above that upgrades a weak pointer may for a moment.
struct Owner {
    store: Mutex<Option<(Store, Receiver<()>)>>,
    events: Mutex<Sender<&'static str>>,
}

impl Indexer for Owner {
    fn entries(&self, _: BranchId, _: TableId, _: &[u8], _: &[u8], _: &mut Vec<IndexEntry>) {
        let Some((store, others_are_gone)) = self.store.lock().unwrap().take() else {
            return;
        };
        let events = self.events.lock().unwrap();
        events.send("collecting").unwrap();
        others_are_gone.recv_timeout(PATIENCE).unwrap();
        drop(store);
        events.send("dropped").unwrap();
    }
}

#[test]
fn the_last_handle_can_go_on_the_background_thread() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let options = Options {
        retention: Duration::ZERO,
        ..Options::default()
    };
    let store = Store::open(&path, options.clone()).unwrap();
    let (events, heard) = channel();
    let (gone, others_are_gone) = channel();
    store.set_indexer(Arc::new(Owner {
        store: Mutex::new(Some((store.clone(), others_are_gone))),
        events: Mutex::new(events),
    }));
    for value in [b"old", b"new"] {
        let txn = store.begin(TxnOptions::default()).unwrap();
        txn.put(T, b"key", value, &[]).unwrap();
        txn.commit().unwrap();
    }
    assert_eq!(heard.recv_timeout(PATIENCE), Ok("collecting"));
    drop(store);
    gone.send(()).unwrap();
    assert_eq!(heard.recv_timeout(PATIENCE), Ok("dropped"));
    // The thread itself still has to end.
    let begun = Instant::now();
    let again = loop {
        match Store::open(&path, options.clone()) {
            Ok(store) => break store,
            Err(error) if begun.elapsed() > PATIENCE => panic!("{error}"),
            Err(_) => std::thread::yield_now(),
        }
    };
    let newest = again.snapshot(BranchId::MAIN, None).unwrap();
    assert_eq!(&newest.get(T, b"key").unwrap().unwrap().row[..], b"new");
}
