//! Guards against a change feed that misses, repeats or shows undurable records.

use helios_log::Position;

use crate::{open, record};

#[test]
fn follows_as_records_become_durable() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path()).unwrap();
    let mut reader = log.read(Position(0)).unwrap();
    assert!(reader.next().unwrap().is_none());
    let mut seen = 0;
    for number in 0..120 {
        let extent = log.append(&record(number)).unwrap();
        assert!(reader.next().unwrap().is_none(), "not durable yet");
        log.sync(extent.end).unwrap();
        if number % 11 == 0 {
            while let Some(found) = reader.next().unwrap() {
                assert_eq!(found.bytes, record(seen));
                seen += 1;
            }
            assert_eq!(seen, number + 1);
            assert_eq!(reader.position(), log.end());
            log.mark(Position(0)).unwrap();
        } else if number % 11 != 10 {
            log.append(b"").unwrap();
            log.sync(log.end()).unwrap();
            while let Some(found) = reader.next().unwrap() {
                if !found.bytes.is_empty() {
                    assert_eq!(found.bytes, record(seen));
                    seen += 1;
                }
            }
        } else {
            while reader.next().unwrap().is_some() {
                seen += 1;
            }
        }
    }
}

#[test]
fn a_reader_finishes_its_segment_after_truncation() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path()).unwrap();
    for number in 0..100 {
        log.append(&record(number)).unwrap();
    }
    log.sync(log.end()).unwrap();
    let mut reader = log.read(Position(0)).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().bytes, record(0));
    log.truncate_before(log.end()).unwrap();
    for number in 100..200 {
        log.append(&record(number)).unwrap();
    }
    log.sync(log.end()).unwrap();
    let mut count = 1;
    let error = loop {
        match reader.next() {
            Ok(Some(found)) => assert_eq!(found.bytes, record(count)),
            Ok(None) => panic!("the next segment is gone"),
            Err(error) => break error,
        }
        count += 1;
    };
    assert!(count > 5, "{count}");
    assert!(error.message().contains("no longer kept"), "{error}");
}

#[test]
fn bad_positions_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path()).unwrap();
    let extent = log.append(&record(1)).unwrap();
    assert!(log.read(extent.end).is_err(), "not durable yet");
    log.sync(extent.end).unwrap();
    assert!(log.read(Position(8)).unwrap().next().is_err());
    assert!(log.read(extent.end).unwrap().next().unwrap().is_none());
    assert!(log.sync(Position(extent.end.0 + 8)).is_err());
}
