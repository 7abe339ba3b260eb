//! Times of the key-value engines: `cargo run --release -p helios-kv --example kvbench [ROWS]`.

#![allow(clippy::unwrap_used)] // A bench may fail by panicking.

use std::hint::black_box;
use std::ops::Bound;
use std::time::Instant;

use helios_kv::{Batch, DurableKv, Keyspace, Kv, KvOptions, MemoryKv};

const K: Keyspace = Keyspace::Current;
const VALUE: [u8; 100] = [7; 100];

fn key(n: u64) -> [u8; 16] {
    let mut key = [1; 16];
    key[8..].copy_from_slice(&n.to_be_bytes());
    key
}

/// Time that this thread has run, where the system tells, else time that has passed.
fn now(begin: Instant) -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ran = text.split(' ').next().and_then(|text| text.parse().ok());
    ran.unwrap_or_else(|| begin.elapsed().as_nanos() as u64)
}

/// Prints the time of one of `count` steps.
fn time(what: &str, count: u64, work: impl FnOnce()) {
    let clock = Instant::now();
    let begin = now(clock);
    work();
    let each = (now(clock) - begin) as f64 / count as f64;
    println!("{what:<44} {each:>10.1} ns  {:>10.2} M/s", 1e3 / each);
}

fn reads(kv: &dyn Kv, rows: u64) {
    let mut random = fastrand::Rng::with_seed(1);
    let count = 300_000;
    time("snapshot", count, || {
        for _ in 0..count {
            black_box(kv.snapshot());
        }
    });
    let snapshot = kv.snapshot();
    time("get, random", count, || {
        for _ in 0..count {
            let found = snapshot.get(K, &key(random.u64(..rows) * 2)).unwrap();
            assert!(black_box(found).is_some());
        }
    });
    time("get, absent", count, || {
        for _ in 0..count {
            let found = snapshot.get(K, &key(random.u64(..rows) * 2 + 1)).unwrap();
            assert!(black_box(found).is_none());
        }
    });
    time("scan of one", count, || {
        for _ in 0..count {
            let start = key(random.u64(..rows) * 2);
            let mut cursor = snapshot
                .scan(K, (Bound::Included(&start), Bound::Unbounded), false)
                .unwrap();
            black_box(cursor.next().unwrap());
        }
    });
    time("scan of 100, per row", count, || {
        for _ in 0..count / 100 {
            let start = key(random.u64(..rows) * 2);
            let mut cursor = snapshot
                .scan(K, (Bound::Included(&start), Bound::Unbounded), false)
                .unwrap();
            for _ in 0..100 {
                black_box(cursor.next().unwrap());
            }
        }
    });
    let mut cursor = snapshot
        .scan(K, (Bound::Unbounded, Bound::Unbounded), false)
        .unwrap();
    time("seek in an open cursor", count, || {
        for _ in 0..count {
            cursor.seek(&key(random.u64(..rows) * 2)).unwrap();
            black_box(cursor.next().unwrap());
        }
    });
    for reverse in [false, true] {
        let mut seen = 0;
        time(
            if reverse {
                "full scan, reverse"
            } else {
                "full scan"
            },
            rows,
            || {
                let mut cursor = snapshot
                    .scan(K, (Bound::Unbounded, Bound::Unbounded), reverse)
                    .unwrap();
                while let Some((_, value)) = cursor.next().unwrap() {
                    seen += black_box(value).len();
                }
            },
        );
        assert!(seen as u64 >= rows);
    }
}

fn writes(kv: &dyn Kv, rows: u64) {
    let mut random = fastrand::Rng::with_seed(2);
    let count = 50_000;
    time("apply of 1 random update", count, || {
        for _ in 0..count {
            let mut batch = Batch::new();
            batch.put(K, &key(random.u64(..rows) * 2), &VALUE);
            kv.apply(batch).unwrap();
        }
    });
    let mut next = rows;
    time(
        "apply of 8 keys (3 updates, 3 history, 2 new)",
        count,
        || {
            for _ in 0..count {
                let mut batch = Batch::new();
                for _ in 0..3 {
                    let row = key(random.u64(..rows) * 2);
                    batch.put(K, &row, &VALUE);
                    batch.put(
                        Keyspace::History,
                        &[&row[..], &next.to_be_bytes()].concat(),
                        &VALUE,
                    );
                }
                batch.put(K, &key(next * 2), &VALUE);
                batch.put(Keyspace::Commits, &next.to_be_bytes(), &VALUE[..40]);
                next += 1;
                kv.apply(batch).unwrap();
            }
        },
    );
}

fn load(kv: &dyn Kv, rows: u64) {
    let mut batch = Batch::new();
    time("build a sorted batch, per key", rows, || {
        for n in 0..rows {
            batch.put(K, &key(n * 2), &VALUE);
        }
    });
    time("apply it, per key", rows, || kv.apply(batch).unwrap());
}

fn main() {
    let rows = std::env::args()
        .nth(1)
        .map_or(1_000_000, |text| text.parse().unwrap());
    println!("-- in memory, {rows} rows");
    let kv = MemoryKv::new();
    load(&kv, rows);
    reads(&kv, rows);
    writes(&kv, rows);
    drop(kv);

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let kv = DurableKv::open(
        &path,
        &KvOptions {
            cache_bytes: 1 << 30,
            ..KvOptions::new(1)
        },
    )
    .unwrap();
    println!("-- durable, all in the overlay");
    load(&kv, rows);
    reads(&kv, rows);
    println!("-- durable, all in the file");
    time("checkpoint of the load, per key", rows, || {
        kv.checkpoint(1).unwrap()
    });
    reads(&kv, rows);
    println!("-- durable, {} random updates over the file", rows / 10);
    let mut random = fastrand::Rng::with_seed(3);
    let mut batch = Batch::new();
    for _ in 0..rows / 10 {
        batch.put(K, &key(random.u64(..rows) * 2), &VALUE);
    }
    time(
        "apply them as one unsorted batch, per key",
        rows / 10,
        || kv.apply(batch).unwrap(),
    );
    reads(&kv, rows);
    writes(&kv, rows);
    let waiting = kv.stats().overlay_entries;
    time("checkpoint of all that, per key", waiting, || {
        kv.checkpoint(2).unwrap()
    });
    println!("{:?}", kv.stats());
    println!("{:?}", kv.space().unwrap());
    drop(kv);
    time("open", 1, || {
        drop(DurableKv::open(&path, &KvOptions::new(1)).unwrap())
    });
}
