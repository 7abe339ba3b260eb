//! Guards against acknowledging what a failing disk did not keep.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use helios_base::{ErrorKind, SqlState};
use helios_log::{Files, Log, LogFile, Position};

use crate::quick::Quick;
use crate::{open, options, record};

/// When the disk misbehaves; a negative count means never.
#[derive(Default)]
struct Plan {
    /// Largest write that is not cut short; 0 means any.
    chunk: AtomicUsize,
    /// Bytes until the disk is full.
    room: AtomicI64,
    /// Syncs until one fails.
    syncs: AtomicI64,
}

struct Faulty(Arc<Plan>);

struct FaultyFile {
    file: Box<dyn LogFile>,
    plan: Arc<Plan>,
}

impl Faulty {
    fn wrap(&self, file: Box<dyn LogFile>) -> Box<dyn LogFile> {
        let plan = Arc::clone(&self.0);
        Box::new(FaultyFile { file, plan })
    }
}

impl Files for Faulty {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        Quick.create_dir(dir)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        Quick.list(dir)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        Ok(self.wrap(Quick.open(path)?))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        Ok(self.wrap(Quick.create(path)?))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Quick.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        Quick.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        Quick.sync_dir(dir)
    }
}

impl LogFile for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let length = buffer.len().min(1000);
        self.file.read_at(&mut buffer[..length], offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let chunk = self.plan.chunk.load(Ordering::Relaxed);
        let mut length = if chunk == 0 {
            bytes.len()
        } else {
            bytes.len().min(chunk)
        };
        let room = self.plan.room.load(Ordering::Relaxed);
        if room >= 0 {
            if room == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            length = length.min(room as usize);
            self.plan.room.fetch_sub(length as i64, Ordering::Relaxed);
        }
        self.file.write_at(&bytes[..length], offset)
    }
    fn truncate(&self, size: u64) -> io::Result<()> {
        self.file.truncate(size)
    }
    fn sync_data(&self) -> io::Result<()> {
        if self.plan.syncs.load(Ordering::Relaxed) >= 0
            && self.plan.syncs.fetch_sub(1, Ordering::Relaxed) == 0
        {
            return Err(io::Error::other("bad sector"));
        }
        self.file.sync_data()
    }
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
}

fn plan() -> Arc<Plan> {
    Arc::new(Plan {
        chunk: AtomicUsize::new(0),
        room: AtomicI64::new(-1),
        syncs: AtomicI64::new(-1),
    })
}

fn open_faulty(dir: &Path, plan: &Arc<Plan>) -> Log {
    let files = Box::new(Faulty(Arc::clone(plan)));
    Log::open_with(files, dir, options(), Position(0), &mut |_| Ok(())).unwrap()
}

#[test]
fn short_writes_and_reads_are_completed() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan();
    plan.chunk.store(13, Ordering::Relaxed);
    let log = open_faulty(dir.path(), &plan);
    for number in 0..60 {
        log.append(&record(number)).unwrap();
    }
    log.sync(log.end()).unwrap();
    assert_eq!(open(dir.path()).unwrap().1, crate::records(60));
}

/// Writes until something fails; returns how many were acknowledged.
fn write_until_failure(log: &Log) -> usize {
    for number in 0..500 {
        let synced = log
            .append(&record(number))
            .and_then(|extent| log.sync(extent.end));
        if let Err(error) = synced {
            assert_eq!(error.kind(), ErrorKind::Poisoned, "{error}");
            // From now on everything is refused, with the first cause in the detail.
            let error = log.append(b"more").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Poisoned);
            assert_eq!(error.sqlstate(), SqlState::IO_ERROR);
            assert!(error.detail().is_some());
            assert!(log.sync(log.end()).is_err());
            assert!(log.mark(Position(0)).is_err());
            return number;
        }
    }
    panic!("nothing failed");
}

#[test]
fn a_full_disk_loses_nothing_acknowledged() {
    for room in [0, 1, 31, 32, 100, 999, 4096, 5000, 9999] {
        let dir = tempfile::tempdir().unwrap();
        let plan = plan();
        let log = open_faulty(dir.path(), &plan);
        plan.room.store(room, Ordering::Relaxed);
        let acknowledged = write_until_failure(&log);
        drop(log);
        let (_, found) = open(dir.path()).unwrap();
        assert!(found.len() >= acknowledged, "room {room}");
        assert!(found.len() <= acknowledged + 1, "room {room}");
        assert_eq!(found, crate::records(found.len()), "room {room}");
    }
}

#[test]
fn a_failed_sync_is_never_retried() {
    for syncs in [0, 1, 5, 17, 18, 19, 20, 21, 22, 40] {
        let dir = tempfile::tempdir().unwrap();
        let plan = plan();
        let log = open_faulty(dir.path(), &plan);
        plan.syncs.store(syncs, Ordering::Relaxed);
        let acknowledged = write_until_failure(&log);
        let durable = log.durable();
        drop(log);
        let (log, found) = open(dir.path()).unwrap();
        assert!(log.durable() >= durable);
        assert!(found.len() >= acknowledged, "syncs {syncs}");
        assert_eq!(found, crate::records(found.len()));
    }
}

#[test]
fn everybody_who_waits_learns_of_the_failure() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan();
    let log = open_faulty(dir.path(), &plan);
    plan.syncs.store(3, Ordering::Relaxed);
    let failed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for number in 0..50 {
                    let synced = log
                        .append(&record(number))
                        .and_then(|extent| log.sync(extent.end));
                    if synced.is_err() {
                        failed.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                }
            });
        }
    });
    assert_eq!(failed.into_inner(), 6);
}

#[test]
fn an_error_of_the_callback_stops_the_open() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path()).unwrap();
    log.append(b"x").unwrap();
    log.mark(Position(0)).unwrap();
    drop(log);
    let error = Log::open(dir.path(), options(), Position(0), &mut |_| {
        Err(helios_base::Error::internal("stop"))
    })
    .err()
    .unwrap();
    assert_eq!(error.message(), "stop");
}
