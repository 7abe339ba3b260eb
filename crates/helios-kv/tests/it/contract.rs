//! The contract of `Kv`, one function per promise, run for every engine.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use helios_kv::{Batch, KEY_LEN_MAX, Keyspace, Kv, MemoryKv};

use crate::{ALL, drain, entries, get, put};

const K: Keyspace = Keyspace::Current;

fn check<E: Kv>(make: impl Fn() -> E) {
    starts_empty(&make());
    later_changes_win(&make());
    keyspaces_are_apart(&make());
    snapshots_stay(&make());
    ranges_are_removed(&make());
    scans_keep_to_their_range(&make());
    seeks_go_both_ways(&make());
    odd_keys_and_values(&make());
    a_large_batch_is_atomic(make());
    checkpoints_change_nothing(&make());
}

fn starts_empty(kv: &dyn Kv) {
    let snapshot = kv.snapshot();
    for keyspace in Keyspace::ALL {
        assert!(entries(&*snapshot, keyspace).is_empty());
        assert!(snapshot.get(keyspace, b"").unwrap().is_none());
    }
    assert_eq!(kv.applied(), 0);
    assert!(!kv.checkpoint_step(10).unwrap());
    kv.apply(Batch::new()).unwrap();
}

fn later_changes_win(kv: &dyn Kv) {
    let mut batch = Batch::new();
    batch.put(K, b"a", b"1");
    batch.put(K, b"b", b"1");
    batch.delete(K, b"a");
    batch.put(K, b"b", b"2");
    batch.delete(K, b"c");
    batch.delete(K, b"d");
    batch.put(K, b"d", b"3");
    assert_eq!(batch.len(), 7);
    kv.apply(batch).unwrap();
    let snapshot = kv.snapshot();
    let expected = [
        (b"b".to_vec(), b"2".to_vec()),
        (b"d".to_vec(), b"3".to_vec()),
    ];
    assert_eq!(entries(&*snapshot, K), expected);
    assert_eq!(get(&*snapshot, K, "a"), None);
    assert_eq!(get(&*snapshot, K, "b").as_deref(), Some("2"));
}

fn keyspaces_are_apart(kv: &dyn Kv) {
    for keyspace in Keyspace::ALL {
        put(kv, keyspace, &[("key", keyspace.name())]);
        assert_eq!(Keyspace::from_number(keyspace.number()), Some(keyspace));
    }
    let mut batch = Batch::new();
    batch.delete_range(Keyspace::Index, ALL);
    kv.apply(batch).unwrap();
    let snapshot = kv.snapshot();
    for keyspace in Keyspace::ALL {
        let expected = (keyspace != Keyspace::Index).then_some(keyspace.name());
        assert_eq!(get(&*snapshot, keyspace, "key").as_deref(), expected);
    }
}

fn snapshots_stay(kv: &dyn Kv) {
    put(kv, K, &[("a", "1"), ("b", "1")]);
    let before = kv.snapshot();
    let mut cursor = before.scan(K, ALL, false).unwrap();
    put(kv, K, &[("a", "2"), ("c", "2")]);
    let mut batch = Batch::new();
    batch.delete(K, b"b");
    kv.apply(batch).unwrap();
    let after = kv.snapshot();
    assert_eq!(get(&*before, K, "a").as_deref(), Some("1"));
    assert_eq!(get(&*before, K, "b").as_deref(), Some("1"));
    assert_eq!(get(&*before, K, "c"), None);
    assert_eq!(get(&*after, K, "a").as_deref(), Some("2"));
    assert_eq!(get(&*after, K, "b"), None);
    drop(before);
    // The cursor lives on without its snapshot.
    assert_eq!(drain(&mut *cursor).len(), 2);
}

fn ranges_are_removed(kv: &dyn Kv) {
    let numbers = || (0..3000u32).map(|n| format!("{n:05}"));
    for (case, range) in [
        (Bound::Included("00010"), Bound::Excluded("00020")),
        (Bound::Excluded("00010"), Bound::Included("00020")),
        (Bound::Included("00500"), Bound::Excluded("02500")),
        (Bound::Excluded("02000"), Bound::Unbounded),
        (Bound::Unbounded, Bound::Included("02000")),
        (Bound::Unbounded, Bound::Unbounded),
        (Bound::Included("2"), Bound::Excluded("1")),
        (Bound::Excluded("00500"), Bound::Excluded("00500")),
    ]
    .into_iter()
    .enumerate()
    {
        let mut batch = Batch::new();
        for key in numbers() {
            batch.put(K, key.as_bytes(), b"old");
        }
        kv.apply(batch).unwrap();
        let before = kv.snapshot();

        let mut batch = Batch::new();
        batch.put(K, b"00015", b"too early");
        batch.put(K, b"09999", b"too early");
        batch.delete_range(K, (range.0.map(str::as_bytes), range.1.map(str::as_bytes)));
        batch.put(K, b"00016", b"new");
        batch.put(K, b"01000", b"new");
        kv.apply(batch).unwrap();

        let covered = |key: &str| {
            let low = match range.0 {
                Bound::Included(start) => key >= start,
                Bound::Excluded(start) => key > start,
                Bound::Unbounded => true,
            };
            low && match range.1 {
                Bound::Included(end) => key <= end,
                Bound::Excluded(end) => key < end,
                Bound::Unbounded => true,
            }
        };
        let expected: Vec<(Vec<u8>, Vec<u8>)> = numbers()
            .chain(["09999".to_owned()])
            .filter_map(|key| {
                let value = match key.as_str() {
                    "00016" | "01000" => "new",
                    key if covered(key) => return None,
                    "00015" | "09999" => "too early",
                    _ => "old",
                };
                Some((key.into_bytes(), value.into()))
            })
            .collect();
        let after = kv.snapshot();
        assert_eq!(entries(&*after, K), expected, "case {case}");
        let mut backward = drain(&mut *after.scan(K, ALL, true).unwrap());
        backward.reverse();
        assert_eq!(backward, expected, "case {case}");
        for key in [
            "00010", "00015", "00016", "00020", "00500", "01000", "02999",
        ] {
            let found = expected.iter().find(|(k, _)| k == key.as_bytes());
            let found = found.map(|(_, value)| String::from_utf8(value.clone()).unwrap());
            assert_eq!(get(&*after, K, key), found, "case {case}, key {key}");
        }
        assert!(entries(&*before, K).len() >= 3000, "case {case}");
    }
}

fn scans_keep_to_their_range(kv: &dyn Kv) {
    put(kv, K, &[("b", "1"), ("d", "1"), ("f", "1"), ("h", "1")]);
    let snapshot = kv.snapshot();
    let bounds = |key: &'static str| {
        [
            Bound::Included(key.as_bytes()),
            Bound::Excluded(key.as_bytes()),
            Bound::Unbounded,
        ]
    };
    for start in ["a", "b", "c", "d", "h", "i"].map(bounds).concat() {
        for end in ["a", "b", "c", "d", "h", "i"].map(bounds).concat() {
            let inside = |key: &&str| {
                let key = key.as_bytes();
                let low = match start {
                    Bound::Included(start) => key >= start,
                    Bound::Excluded(start) => key > start,
                    Bound::Unbounded => true,
                };
                low && match end {
                    Bound::Included(end) => key <= end,
                    Bound::Excluded(end) => key < end,
                    Bound::Unbounded => true,
                }
            };
            let mut expected: Vec<Vec<u8>> = ["b", "d", "f", "h"]
                .iter()
                .filter(|k| inside(k))
                .map(|k| k.as_bytes().to_vec())
                .collect();
            for reverse in [false, true] {
                let mut cursor = snapshot.scan(K, (start, end), reverse).unwrap();
                let found: Vec<Vec<u8>> = drain(&mut *cursor).into_iter().map(|e| e.0).collect();
                assert_eq!(found, expected, "{start:?} {end:?} reverse {reverse}");
                expected.reverse();
            }
        }
    }
}

fn seeks_go_both_ways(kv: &dyn Kv) {
    put(
        kv,
        K,
        &[("b", "1"), ("d", "1"), ("f", "1"), ("h", "1"), ("j", "1")],
    );
    let snapshot = kv.snapshot();
    let range = (Bound::Included(&b"c"[..]), Bound::Excluded(&b"j"[..]));
    let mut forward = snapshot.scan(K, range, false).unwrap();
    let mut backward = snapshot.scan(K, range, true).unwrap();
    for (key, up, down) in [
        ("f", Some("f"), Some("f")),
        ("a", Some("d"), None),
        ("e", Some("f"), Some("d")),
        ("z", None, Some("h")),
        ("h", Some("h"), Some("h")),
        ("i", None, Some("h")),
        ("c", Some("d"), None),
        ("j", None, Some("h")),
        ("", Some("d"), None),
    ] {
        forward.seek(key.as_bytes()).unwrap();
        let found = forward.next().unwrap().map(|(key, _)| key.to_vec());
        assert_eq!(found.as_deref(), up.map(str::as_bytes), "up to {key}");
        backward.seek(key.as_bytes()).unwrap();
        let found = backward.next().unwrap().map(|(key, _)| key.to_vec());
        assert_eq!(found.as_deref(), down.map(str::as_bytes), "down to {key}");
    }
}

fn odd_keys_and_values(kv: &dyn Kv) {
    let long = vec![b'k'; KEY_LEN_MAX];
    let huge = vec![b'v'; 3_000_000];
    let keys: [&[u8]; 7] = [b"", b"\0", b"\0\0", b"\xff", b"\xff\xff", b"k", &long];
    let values: [&[u8]; 5] = [b"", b"x", &huge[..512], &huge[..513], &huge];
    let mut batch = Batch::new();
    for (key, value) in keys.iter().zip(values.iter().cycle()) {
        batch.put(K, key, value);
    }
    kv.apply(batch).unwrap();
    let mut batch = Batch::new();
    batch.put(K, &[&long[..], b"k"].concat(), b"");
    assert!(kv.apply(batch).is_err(), "one byte too long");
    kv.checkpoint(1).unwrap();
    let snapshot = kv.snapshot();
    for (key, value) in keys.iter().zip(values.iter().cycle()) {
        assert_eq!(snapshot.get(K, key).unwrap().unwrap(), value);
    }
    let mut sorted: Vec<&[u8]> = keys.to_vec();
    sorted.sort_unstable();
    let found = entries(&*snapshot, K);
    assert!(found.iter().map(|(key, _)| &key[..]).eq(sorted));
}

fn a_large_batch_is_atomic(kv: impl Kv) {
    const KEYS: u32 = 20_000;
    let kv = Arc::new(kv);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (kv, stop) = (Arc::clone(&kv), &stop);
            scope.spawn(move || {
                let mut last = 0;
                while !stop.load(Ordering::Relaxed) {
                    let snapshot = kv.snapshot();
                    let found = snapshot.get(K, &7u32.to_be_bytes()).unwrap();
                    let round = found.map_or(0, |value| value[0]);
                    assert!(round >= last, "a later snapshot shows no less");
                    last = round;
                    let mut cursor = snapshot.scan(K, ALL, round % 2 == 0).unwrap();
                    let mut count = 0;
                    while let Some((_, value)) = cursor.next().unwrap() {
                        assert_eq!(value[0], round);
                        count += 1;
                    }
                    assert_eq!(count, if round == 0 { 0 } else { KEYS });
                }
            });
        }
        for round in 1..=12u8 {
            let mut batch = Batch::new();
            for n in 0..KEYS {
                batch.put(K, &n.to_be_bytes(), &[round; 8]);
            }
            kv.apply(batch).unwrap();
            if round % 3 == 0 {
                kv.checkpoint(u64::from(round)).unwrap();
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(kv.applied(), 12);
}

fn checkpoints_change_nothing(kv: &dyn Kv) {
    put(kv, K, &[("a", "1"), ("b", "1"), ("c", "1")]);
    kv.checkpoint(1).unwrap();
    assert_eq!(kv.applied(), 1);
    let mut batch = Batch::new();
    batch.delete(K, b"b");
    batch.put(K, b"c", b"2");
    kv.apply(batch).unwrap();
    let snapshot = kv.snapshot();
    let expected = [
        (b"a".to_vec(), b"1".to_vec()),
        (b"c".to_vec(), b"2".to_vec()),
    ];
    assert_eq!(entries(&*snapshot, K), expected);
    assert!(kv.freeze(2).unwrap());
    put(kv, K, &[("d", "3")]);
    assert_eq!(entries(&*snapshot, K), expected);
    assert_eq!(entries(&*kv.snapshot(), K).len(), 3);
    while kv.checkpoint_step(1).unwrap() {
        assert_eq!(entries(&*snapshot, K), expected);
        assert_eq!(entries(&*kv.snapshot(), K).len(), 3);
    }
    assert_eq!(kv.applied(), 2);
    assert_eq!(entries(&*snapshot, K), expected);
    assert_eq!(entries(&*kv.snapshot(), K).len(), 3);
}

#[test]
fn memory() {
    check(MemoryKv::new);
}

#[test]
fn durable() {
    let dir = tempfile::tempdir().unwrap();
    let made = std::cell::Cell::new(0);
    check(|| {
        made.set(made.get() + 1);
        let dir = dir.path().join(made.get().to_string());
        std::fs::create_dir(&dir).unwrap();
        crate::open(&dir)
    });
}
