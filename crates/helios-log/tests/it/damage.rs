//! Guards against believing damaged bytes, and against refusing a mere torn tail.

use std::fs;
use std::path::{Path, PathBuf};

use helios_base::ErrorKind;
use helios_log::{Log, Position};

use crate::{open, options, record, records};

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn segment(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:016}.log"))
}

/// Writes `count` records, each synced, and returns where the last frame ends in the first file.
fn write(dir: &Path, count: usize, mark: bool) -> usize {
    let (log, _) = open(dir).unwrap();
    for number in 0..count {
        let extent = log.append(&record(number)).unwrap();
        log.sync(extent.end).unwrap();
    }
    if mark {
        log.mark(Position(0)).unwrap();
    }
    64 + log.end().0 as usize
}

/// Opens and expects a prefix of the records, which must be able to grow, or `Corrupt`.
fn check_prefix(dir: &Path, all: &[Vec<u8>], what: &str) -> Option<usize> {
    match open(dir) {
        Ok((log, found)) => {
            assert!(all.starts_with(&found), "{what}: not a prefix");
            let extent = log.append(b"afterwards").unwrap();
            log.sync(extent.end).unwrap();
            drop(log);
            let (_, again) = open(dir).unwrap();
            assert_eq!(again.len(), found.len() + 1, "{what}");
            assert_eq!(again.last().unwrap(), b"afterwards", "{what}");
            Some(found.len())
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}");
            None
        }
    }
}

#[test]
fn cut_at_every_byte() {
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("original");
    let end = write(&original, 6, false);
    let bytes = fs::read(segment(&original, 1)).unwrap();
    let copied = dir.path().join("copy");
    for zeroed in [false, true] {
        let mut last = 0;
        for at in 0..=end {
            copy(&original, &copied);
            let mut cut = bytes[..at].to_vec();
            if zeroed {
                cut.resize(bytes.len(), 0);
            }
            fs::write(segment(&copied, 1), cut).unwrap();
            if let Some(found) = check_prefix(&copied, &records(6), &format!("cut at {at}")) {
                assert!(found >= last, "cut at {at}");
                last = found;
            } else {
                assert!(at < 64, "cut at {at}: a torn tail is not damage");
            }
        }
        assert_eq!(last, 6);
    }
}

#[test]
fn flip_every_byte() {
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("original");
    for mark in [false, true] {
        let _ = fs::remove_dir_all(&original);
        let end = write(&original, 5, mark);
        let bytes = fs::read(segment(&original, 1)).unwrap();
        let copied = dir.path().join("copy");
        for at in 0..bytes.len().min(end + 16) {
            copy(&original, &copied);
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x41;
            fs::write(segment(&copied, 1), flipped).unwrap();
            let found = check_prefix(&copied, &records(5), &format!("flip at {at}"));
            // A record followed by a later one that knows it as durable is never lost silently.
            assert!(
                found.is_none_or(|n| n >= if mark { 5 } else { 4 }),
                "flip at {at}"
            );
        }
    }
}

#[test]
fn remains_of_a_torn_group_do_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path()).unwrap();
    // Three records in one write; then the second is torn while the third survived.
    for number in 0..3 {
        log.append(&[number; 24]).unwrap();
    }
    log.sync(log.end()).unwrap();
    drop(log);
    let path = segment(dir.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[64 + 56 + 40] ^= 1;
    fs::write(&path, bytes).unwrap();

    let (log, found) = open(dir.path()).unwrap();
    assert_eq!(found, [[0u8; 24]]);
    // Fills exactly the place of the torn record, so that the old third one follows it.
    let extent = log.append(&[9; 24]).unwrap();
    log.sync(extent.end).unwrap();
    drop(log);
    let (_, found) = open(dir.path()).unwrap();
    assert_eq!(found, [[0u8; 24], [9; 24]]);
}

#[test]
fn damage_in_an_earlier_segment_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("original");
    write(&original, 60, false);
    assert!(segment(&original, 3).exists());
    for (number, at) in [(1, 70), (2, 70), (1, 3000), (2, 10), (3, 40)] {
        let copied = dir.path().join("copy");
        copy(&original, &copied);
        let mut bytes = fs::read(segment(&copied, number)).unwrap();
        bytes[at] ^= 4;
        fs::write(segment(&copied, number), bytes).unwrap();
        let error = open(&copied).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(
            error.message().contains(&format!("{number:016}.log")),
            "{error}"
        );
        assert!(error.message().contains("offset"), "{error}");
    }
    fs::remove_file(segment(&original, 2)).unwrap();
    let error = open(&original).err().unwrap();
    assert!(error.message().contains("is missing"), "{error}");
}

#[test]
fn foreign_logs_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 1, true);
    let mut other = options();
    other.database = 8;
    let error = Log::open(dir.path(), other, Position(0), &mut |_| Ok(()))
        .err()
        .unwrap();
    assert!(error.message().contains("another database"), "{error}");
    fs::write(segment(dir.path(), 1), vec![b'x'; 500]).unwrap();
    let error = open(dir.path()).err().unwrap();
    assert!(error.message().contains("is not a log segment"), "{error}");
}

#[test]
fn a_checkpoint_ahead_of_the_log_is_corruption() {
    let dir = tempfile::tempdir().unwrap();
    let error = crate::open_from(dir.path(), Position(8)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "no log at all: {error}");
    write(dir.path(), 2, true);
    let error = crate::open_from(dir.path(), Position(1 << 20))
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "log too short: {error}");
    let error = crate::open_from(dir.path(), Position(8)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "within a record: {error}");
}
