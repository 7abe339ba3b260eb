//! Guards against a process death at any failpoint that loses an acknowledged record.
//!
//! The test runs itself again as a child that appends from several threads, truncates and says
//! which records it was promised, until its failpoint ends it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use helios_base::failpoint;
use helios_log::{FAILPOINTS, Position};

use crate::open_from;

const DIR: &str = "HELIOS_CRASH_DIR";
const THREADS: u64 = 3;

/// Numbers of the records in `dir`, which must be whole.
fn numbers(dir: &Path) -> Vec<u64> {
    let (_, records) = open_from(dir, first_position(dir)).unwrap();
    let number = |bytes: &[u8]| {
        let number = u64::from_le_bytes(bytes[..8].try_into().unwrap());
        assert_eq!(bytes, content(number));
        number
    };
    records.iter().map(|(_, bytes)| number(bytes)).collect()
}

fn content(number: u64) -> Vec<u8> {
    let mut bytes = vec![number as u8; 8 + (number % 400) as usize];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes
}

#[test]
fn child() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let dir = Path::new(&dir);
    // Threads do not run in step, so the largest number need not be the last one.
    let largest = numbers(&dir.join("log")).into_iter().max().unwrap_or(0);
    let begin = largest - largest % THREADS;
    let (log, _) = open_from(&dir.join("log"), first_position(&dir.join("log"))).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let log = &log;
            let path = dir.join(format!("acknowledged-{thread}"));
            scope.spawn(move || {
                let mut said = File::options()
                    .append(true)
                    .create(true)
                    .open(path)
                    .unwrap();
                // Enough for every point to be passed three times however the threads run: the
                // point ends the process, not the number.
                for step in 1..400 {
                    let number = begin + step * THREADS + thread;
                    let extent = log.append(&content(number)).unwrap();
                    log.sync(extent.end).unwrap();
                    let line = [number.to_le_bytes(), extent.start.0.to_le_bytes()].concat();
                    said.write_all(&line).unwrap();
                    if step % 4 == 0 {
                        let keep = Position(extent.start.0.saturating_sub(6_000));
                        log.truncate_before(keep).unwrap();
                    }
                }
            });
        }
    });
}

fn first_position(dir: &Path) -> Position {
    let first = fs::read_dir(dir)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.ends_with(".log"))
        .min();
    Position(first.map_or(0, |name| {
        let header = fs::read(dir.join(name)).unwrap();
        u64::from_le_bytes(header[40..48].try_into().unwrap())
    }))
}

#[test]
fn every_failpoint() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("log")).unwrap();
    let mut all = BTreeSet::new();
    for nth in [1, 3] {
        for name in FAILPOINTS {
            let status = Command::new(std::env::current_exe().unwrap())
                .args(["crash::child", "--exact", "--test-threads=1"])
                .env(DIR, dir.path())
                .env(failpoint::VARIABLE, format!("{name}:{nth}:abort"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert!(!status.success(), "{name} was not passed {nth} times");
            let found: BTreeSet<u64> = numbers(&dir.path().join("log")).into_iter().collect();
            let begin = first_position(&dir.path().join("log"));
            for thread in 0..THREADS {
                let path = dir.path().join(format!("acknowledged-{thread}"));
                let said = fs::read(path).unwrap_or_default();
                for line in said.chunks_exact(16) {
                    let number = u64::from_le_bytes(line[..8].try_into().unwrap());
                    let start = u64::from_le_bytes(line[8..].try_into().unwrap());
                    let truncated = start < begin.0;
                    assert!(
                        truncated || found.contains(&number),
                        "{name}:{nth}: lost {number}"
                    );
                }
            }
            all.extend(found);
        }
    }
    // How many come before each death depends on the machine; none at all would test nothing.
    assert!(all.len() > 20, "{} records", all.len());
}
