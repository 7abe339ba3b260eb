//! Guards against losing records where one segment ends and the next begins.

use std::collections::BTreeSet;
use std::fs;

use helios_log::{Log, LogOptions, Position};

use crate::{open, open_from, options, record, records};

#[test]
fn many_segments_and_replay_from_any_record() {
    let dir = tempfile::tempdir().unwrap();
    let (log, found) = open(dir.path()).unwrap();
    assert!(found.is_empty());
    let mut extents = Vec::new();
    for number in 0..200 {
        extents.push(log.append(&record(number)).unwrap());
        if number % 7 == 0 {
            log.sync(log.end()).unwrap();
        }
    }
    log.mark(Position(0)).unwrap();
    drop(log);
    for from in (0..200).step_by(13) {
        let (_, found) = open_from(dir.path(), extents[from].start).unwrap();
        assert_eq!(found.len(), 200 - from);
        for (at, (extent, bytes)) in found.iter().enumerate() {
            assert_eq!(*extent, extents[from + at]);
            assert_eq!(*bytes, record(from + at));
        }
    }
    let (log, found) = open_from(dir.path(), extents[199].end).unwrap();
    assert!(found.is_empty());
    assert!(log.end() > extents[199].end, "the mark counts");
}

#[test]
fn records_larger_than_a_segment() {
    let dir = tempfile::tempdir().unwrap();
    let sizes = [
        10,
        5000,
        4000,
        0,
        100_000,
        4096 - 64 - 32,
        1,
        4096 - 64 - 31,
    ];
    let all: Vec<Vec<u8>> = sizes.iter().map(|n| vec![*n as u8; *n]).collect();
    let (log, _) = open(dir.path()).unwrap();
    for bytes in &all {
        log.append(bytes).unwrap();
    }
    log.sync(log.end()).unwrap();
    drop(log);
    assert_eq!(open(dir.path()).unwrap().1, all);
}

#[test]
fn truncation_recycles_and_survives_reopen() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path()).unwrap();
    let mut extents = Vec::new();
    for round in 0..40 {
        for number in 0..25 {
            extents.push(log.append(&record(round * 25 + number)).unwrap());
        }
        log.sync(log.end()).unwrap();
        let keep = extents[extents.len().saturating_sub(30)].start;
        log.truncate_before(keep).unwrap();
        assert!(log.begin() <= keep);
        assert!(log.file_bytes() <= 8 * 4096);
    }
    let files = fs::read_dir(dir.path()).unwrap().count();
    assert!(files <= 8, "{files} files");
    let begin = log.begin();
    assert!(log.read(Position(0)).is_err());
    drop(log);
    let (_, found) = open_from(dir.path(), begin).unwrap();
    let expected = extents.iter().filter(|e| e.start >= begin).count();
    assert_eq!(found.len(), expected);
    assert_eq!(found.last().unwrap().1, record(999));
    let error = open(dir.path()).err().unwrap();
    assert!(error.message().contains("begins after it"), "{error}");
}

#[test]
fn segment_size_may_change_between_opens() {
    let dir = tempfile::tempdir().unwrap();
    let mut wrote = 0;
    for size in [4096, 16384, 8192, 4096] {
        let mut options = options();
        options.segment_bytes = size;
        let mut found = 0;
        let log = Log::open(dir.path(), options, Position(0), &mut |_| {
            found += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(found, wrote);
        for _ in 0..50 {
            log.append(&record(wrote)).unwrap();
            wrote += 1;
        }
        log.sync(log.end()).unwrap();
    }
    assert_eq!(open(dir.path()).unwrap().1, records(wrote));
}

#[test]
fn leftovers_are_tidied() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    fs::write(dir.path().join("0000000000000002.new"), b"half").unwrap();
    fs::write(dir.path().join("0000000000000003.spare"), b"half").unwrap();
    fs::write(dir.path().join("notes.txt"), b"not ours").unwrap();
    drop(open(dir.path()).unwrap());
    assert!(!dir.path().join("0000000000000002.new").exists());
    assert!(!dir.path().join("0000000000000003.spare").exists());
    assert!(dir.path().join("notes.txt").exists());
}

#[test]
fn absurd_options_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for size in [0, 100, 4097] {
        let mut options = options();
        options.segment_bytes = size;
        assert!(Log::open(dir.path(), options, Position(0), &mut |_| Ok(())).is_err());
    }
}

// Guards against commits that make the file longer one by one, and against loads that are written
// twice.
#[test]
fn small_writes_find_zeroes_ahead_and_large_ones_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions::new(7);
    let files = Box::new(crate::quick::Quick);
    let log = Log::open_with(files, dir.path(), options, Position(0), &mut |_| Ok(())).unwrap();
    let mut lengths = BTreeSet::new();
    for number in 0..10_000 {
        let extent = log.append(&record(number)).unwrap();
        log.sync(extent.end).unwrap();
        let size = log.file_bytes();
        assert!(extent.end.0 + 64 <= size);
        assert!(size <= extent.end.0 + 64 + (1 << 20) + 8);
        lengths.insert(size);
    }
    assert!(lengths.len() < 10, "{lengths:?}");
    for number in 0..20_000 {
        log.append(&record(number)).unwrap();
    }
    let end = log.end();
    log.sync(end).unwrap();
    assert!(log.file_bytes() <= (end.0 + 64).max(*lengths.last().unwrap()));
}

// Guards against a small database that takes megabytes, and against an open that reads them.
#[test]
fn segments_grow_and_a_clean_end_gives_back_what_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let options = || LogOptions {
        segment_bytes: 64 << 10,
        ..LogOptions::new(7)
    };
    let open = |expected: usize| {
        let mut found = 0;
        let log = Log::open(dir.path(), options(), Position(0), &mut |record| {
            assert_eq!(record.bytes, super::record(found));
            found += 1;
            Ok(())
        });
        assert_eq!(found, expected);
        log.unwrap()
    };
    let sizes = || {
        let mut files: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|file| file.unwrap())
            .map(|file| (file.file_name(), file.metadata().unwrap().len()))
            .collect();
        files.sort();
        files.into_iter().map(|(_, size)| size).collect::<Vec<_>>()
    };
    let mut wrote = 0;
    let mut log = open(0);
    assert_eq!(sizes(), [64]);
    for _ in 0..3 {
        log.append(&record(wrote)).unwrap();
        wrote += 1;
        log.sync(log.end()).unwrap();
        log.mark(Position(0)).unwrap();
        let end = log.end().0;
        assert_eq!(sizes(), [64 + end]);
        assert_eq!(log.file_bytes(), 64 + end);
        // A second mark says nothing new.
        log.mark(Position(0)).unwrap();
        assert_eq!(log.end().0, end);
        drop(log);
        log = open(wrote);
        log.mark(Position(0)).unwrap();
        assert_eq!(log.end().0, end, "opening and closing writes nothing");
    }
    while wrote < 2000 {
        log.append(&record(wrote)).unwrap();
        wrote += 1;
        log.sync(log.end()).unwrap();
    }
    let live = sizes();
    assert!(live.iter().all(|size| *size == 64 << 10), "{live:?}");
    log.mark(Position(0)).unwrap();
    let marked = sizes();
    assert!(marked.last().unwrap() <= live.last().unwrap());
    assert_eq!(log.file_bytes(), marked.iter().sum::<u64>());
    drop(log);
    let log = open(wrote);
    // Nobody needs anything: then next to nothing is left.
    let end = log.end();
    for _ in 0..400 {
        log.append(&record(wrote)).unwrap();
        wrote += 1;
    }
    log.sync(log.end()).unwrap();
    let needed = log.end();
    assert!(needed > end);
    log.mark(needed).unwrap();
    assert_eq!(sizes().len(), 1);
    assert_eq!(sizes(), [64 + 32]);
    assert!(log.begin() <= needed);
    drop(log);
    for from in [needed.0, needed.0 + 32] {
        let mut count = 0;
        let log = Log::open(dir.path(), options(), Position(from), &mut |_| {
            count += 1;
            Ok(())
        });
        let log = log.unwrap();
        assert_eq!(count, 0);
        assert_eq!(log.end().0, needed.0 + 32);
    }
}
