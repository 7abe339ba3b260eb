//! Guards against checkpoints that lose, delay or mix up anything, and against failing disks.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use helios_base::ErrorKind;
use helios_kv::{Batch, DurableKv, Keyspace, Kv};
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use crate::{ALL, entries, get, open, options, put};

const K: Keyspace = Keyspace::Current;

#[test]
fn only_checkpoints_survive() {
    let dir = tempfile::tempdir().unwrap();
    let kv = open(dir.path());
    put(&kv, K, &[("a", "1"), ("b", "1")]);
    kv.checkpoint(10).unwrap();
    put(&kv, K, &[("a", "2")]);
    assert!(kv.freeze(20).unwrap());
    assert!(!kv.freeze(21).unwrap(), "one at a time");
    kv.checkpoint_step(1).unwrap();
    drop(kv);
    let kv = open(dir.path());
    assert_eq!(kv.applied(), 10);
    assert_eq!(get(&*kv.snapshot(), K, "a").as_deref(), Some("1"));
    kv.checkpoint(30).unwrap();
    drop(kv);
    assert_eq!(
        open(dir.path()).applied(),
        30,
        "an empty checkpoint keeps its mark"
    );
}

#[test]
fn stats_tell_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let kv = open(dir.path());
    assert_eq!((kv.stats().overlay_entries, kv.stats().layers), (0, 1));
    put(&kv, K, &[("a", "1"), ("b", "22")]);
    put(&kv, K, &[("a", "333")]);
    let stats = kv.stats();
    assert_eq!((stats.overlay_entries, stats.overlay_bytes), (2, 7));
    kv.freeze(1).unwrap();
    put(&kv, K, &[("c", "1")]);
    let stats = kv.stats();
    assert_eq!(
        (
            stats.overlay_entries,
            stats.overlay_bytes,
            stats.frozen_bytes
        ),
        (3, 9, 7)
    );
    assert_eq!(stats.layers, 2);
    while kv.checkpoint_step(100).unwrap() {}
    let stats = kv.stats();
    assert_eq!(
        (
            stats.overlay_entries,
            stats.overlay_bytes,
            stats.frozen_bytes
        ),
        (1, 2, 0)
    );
    assert_eq!((stats.layers, stats.checkpoints), (1, 1));
    assert!(stats.file_bytes > 0);
    let space = kv.space().unwrap();
    assert!(space.stored_bytes >= 7 && space.file_bytes == stats.file_bytes);
}

#[test]
fn small_range_deletions_make_no_layer() {
    let dir = tempfile::tempdir().unwrap();
    let kv = open(dir.path());
    for round in 0..50u32 {
        let mut batch = Batch::new();
        for n in 0..100u32 {
            batch.put(K, &n.to_be_bytes(), &round.to_be_bytes());
        }
        kv.apply(batch).unwrap();
        let mut batch = Batch::new();
        batch.delete_range(K, ALL);
        kv.apply(batch).unwrap();
    }
    assert_eq!(kv.stats().layers, 1);
    let mut batch = Batch::new();
    for n in 0..5000u32 {
        batch.put(K, &n.to_be_bytes(), b"");
    }
    kv.apply(batch).unwrap();
    for _ in 0..5 {
        let mut batch = Batch::new();
        batch.delete_range(K, ALL);
        kv.apply(batch).unwrap();
    }
    assert_eq!(kv.stats().layers, 2);
    kv.checkpoint(1).unwrap();
    assert_eq!(kv.stats().layers, 1);
    assert!(entries(&*kv.snapshot(), K).is_empty());
}

/// The same keys written over and over need no more space than one checkpoint's worth.
#[test]
fn space_is_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let kv = open(dir.path());
    let mut most = 0;
    for round in 0..30u64 {
        let mut batch = Batch::new();
        for n in 0..4000u32 {
            batch.put(K, &n.to_be_bytes(), &[round as u8; 100]);
        }
        kv.apply(batch).unwrap();
        kv.checkpoint(round).unwrap();
        let bytes = kv.stats().file_bytes;
        if round == 9 {
            most = bytes;
        }
        assert!(
            round < 10 || bytes <= most,
            "round {round}: {bytes} > {most}"
        );
    }
    let mut kv = kv;
    kv.compact().unwrap();
    assert!(kv.stats().file_bytes <= most);
    assert_eq!(entries(&*kv.snapshot(), K).len(), 4000);
}

/// A file whose writes and syncs fail after a while.
#[derive(Debug)]
struct Failing {
    file: InMemoryBackend,
    calls_left: Arc<AtomicI64>,
}

impl Failing {
    fn count(&self) -> io::Result<()> {
        if self.calls_left.fetch_sub(1, Ordering::Relaxed) <= 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl StorageBackend for Failing {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.count()?;
        self.file.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.count()?;
        self.file.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.count()?;
        self.file.write(offset, data)
    }
}

#[test]
fn a_failed_checkpoint_leaves_reads_and_writes_alone() {
    for calls in 0..12 {
        let calls_left = Arc::new(AtomicI64::new(i64::MAX));
        let backend = Failing {
            file: InMemoryBackend::new(),
            calls_left: Arc::clone(&calls_left),
        };
        let kv = DurableKv::open_backend(backend, &options()).unwrap();
        put(&kv, K, &[("a", "1")]);
        kv.checkpoint(1).unwrap();
        put(&kv, K, &[("a", "2"), ("b", "2")]);
        calls_left.store(calls, Ordering::Relaxed);
        let Err(error) = kv.checkpoint(2) else {
            assert!(calls > 2, "something must have been written");
            continue;
        };
        assert_eq!(error.kind(), ErrorKind::Poisoned, "{error:?}");
        assert_eq!(kv.applied(), 1);
        assert_eq!(get(&*kv.snapshot(), K, "a").as_deref(), Some("2"));
        put(&kv, K, &[("a", "3")]);
        assert_eq!(get(&*kv.snapshot(), K, "a").as_deref(), Some("3"));
        // A disk that works again does not make the state of the file known again.
        calls_left.store(i64::MAX, Ordering::Relaxed);
        let error = kv.checkpoint(3).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Poisoned, "{error:?}");
        assert_eq!(kv.applied(), 1);
    }
}
