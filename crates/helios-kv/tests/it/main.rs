//! Guards the promises of the store boundary: order, atomicity, isolation of snapshots, and that a
//! checkpoint is there whole or not at all.

#![allow(clippy::unwrap_used)] // A test may fail by panicking.

mod contract;
mod crash;
mod durable;
mod file;
mod model;

use std::ops::Bound;
use std::path::Path;

use helios_kv::{Batch, Cursor, DurableKv, Keyspace, Kv, KvOptions, KvSnapshot};

type Entries = Vec<(Vec<u8>, Vec<u8>)>;

const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

fn open(dir: &Path) -> DurableKv {
    DurableKv::open(&dir.join("state.redb"), &options()).unwrap()
}

/// Little memory, so that what is kept of the file comes and goes.
fn options() -> KvOptions {
    KvOptions {
        cache_bytes: 4 << 20,
        block_bytes: [0, 20 << 10, 200 << 10, 20 << 20][fastrand::usize(..4)],
        ..KvOptions::new(7)
    }
}

/// What is left of a cursor.
fn drain(cursor: &mut dyn Cursor) -> Entries {
    let mut entries = Entries::new();
    while let Some((key, value)) = cursor.next().unwrap() {
        entries.push((key.to_vec(), value.to_vec()));
    }
    assert!(cursor.next().unwrap().is_none(), "the end stays the end");
    entries
}

fn entries(snapshot: &dyn KvSnapshot, keyspace: Keyspace) -> Entries {
    drain(&mut *snapshot.scan(keyspace, ALL, false).unwrap())
}

fn put(kv: &dyn Kv, keyspace: Keyspace, pairs: &[(&str, &str)]) {
    let mut batch = Batch::new();
    for (key, value) in pairs {
        batch.put(keyspace, key.as_bytes(), value.as_bytes());
    }
    kv.apply(batch).unwrap();
}

fn get(snapshot: &dyn KvSnapshot, keyspace: Keyspace, key: &str) -> Option<String> {
    let found = snapshot.get(keyspace, key.as_bytes()).unwrap()?;
    Some(String::from_utf8(found.to_vec()).unwrap())
}
