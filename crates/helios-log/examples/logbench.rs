//! Times of the commit log: `cargo run --release -p helios-log --example logbench [DIR]`.

#![allow(clippy::unwrap_used)] // A bench may fail by panicking.

use std::path::Path;
use std::time::{Duration, Instant};

use helios_log::{Log, LogOptions, Position};

fn open(dir: &Path) -> Log {
    Log::open(dir, LogOptions::new(1), Position(0), &mut |_| Ok(())).unwrap()
}

/// Commits of `threads` threads for a while.
fn commits(dir: &Path, threads: usize, bytes: usize) {
    let log = open(dir);
    let begin = Instant::now();
    let times: Vec<Duration> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|_| {
                let log = &log;
                scope.spawn(move || {
                    let record = vec![7; bytes];
                    let mut times = Vec::new();
                    while begin.elapsed() < Duration::from_secs(2) {
                        let start = Instant::now();
                        let extent = log.append(&record).unwrap();
                        log.sync(extent.end).unwrap();
                        times.push(start.elapsed());
                    }
                    times
                })
            })
            .collect();
        handles
            .into_iter()
            .flat_map(|handle| handle.join().unwrap())
            .collect()
    });
    let seconds = begin.elapsed().as_secs_f64();
    let mut times = times;
    times.sort_unstable();
    println!(
        "{threads} threads, {bytes} bytes: {:>8.0} commits/s, p50 {:?}, p99 {:?}, max {:?}",
        times.len() as f64 / seconds,
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        times[times.len() - 1],
    );
    log.truncate_before(log.end()).unwrap();
}

fn main() {
    let made = tempfile::tempdir().unwrap();
    let dir = std::env::args()
        .nth(1)
        .map_or_else(|| made.path().to_path_buf(), Into::into);
    for threads in [1, 2, 8, 32] {
        commits(&dir.join(threads.to_string()), threads, 400);
    }
    let log = open(&dir.join("append"));
    let record = vec![7; 200];
    let begin = Instant::now();
    let count = 2_000_000u32;
    for _ in 0..count {
        log.append(&record).unwrap();
    }
    log.sync(log.end()).unwrap();
    println!(
        "append of 200 bytes: {:?} each, written and synced once",
        begin.elapsed() / count
    );
    drop(log);
    let begin = Instant::now();
    let mut seen = 0;
    Log::open(
        &dir.join("append"),
        LogOptions::new(1),
        Position(0),
        &mut |record| {
            seen += record.bytes.len();
            Ok(())
        },
    )
    .unwrap();
    println!("replay of {} MB: {:?}", seen >> 20, begin.elapsed());
    let log = open(&dir.join("large"));
    let record = vec![7; 100 << 20];
    let begin = Instant::now();
    let extent = log.append(&record).unwrap();
    log.sync(extent.end).unwrap();
    println!("one record of 100 MiB: {:?}", begin.elapsed());
    drop(log);
    let begin = Instant::now();
    drop(open(&dir.join("1")));
    println!("open after a crash, one segment: {:?}", begin.elapsed());
}
