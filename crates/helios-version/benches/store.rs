//! Speeds of the store's main paths, on disk. `cargo bench -p helios-version [-- ROWS] [bulk]
//! [commits]`; `bulk` stops after the load, `commits` skips the reads.

use std::hint::black_box;
use std::ops::{Bound, ControlFlow};
use std::time::{Duration, Instant};

use helios_base::{BranchId, Result, TableId};
use helios_version::{BranchSpec, LockMode, Options, Read, Store, TxnOptions, Wait};

const T: TableId = TableId(1000);
const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

fn report(what: &str, count: u64, took: Duration, busy: u64) {
    let each = took.as_nanos() as f64 / count as f64;
    println!(
        "{what:<40} {each:>10.0} ns each, {:>8.3} s, {:>8.0} ns of this thread's processor",
        took.as_secs_f64(),
        busy as f64 / count as f64
    );
}

/// Processor time of this thread in ns, where the system tells.
fn busy() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ')
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

fn timed<T>(what: &str, count: u64, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let (start, before) = (Instant::now(), busy());
    let result = work()?;
    report(what, count, start.elapsed(), busy() - before);
    Ok(result)
}

fn row(number: u64) -> [u8; 100] {
    let mut row = [(number % 251) as u8; 100];
    row[..8].copy_from_slice(&number.to_le_bytes());
    row
}

fn main() -> Result<()> {
    let rows = std::env::args()
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(1_000_000u64);
    let path = std::env::temp_dir().join(format!("helios-bench-{}", std::process::id()));
    let store = Store::open(&path, Options::default())?;

    let txn = store.begin(TxnOptions::default())?;
    timed("bulk: lock and put ascending keys", rows, || {
        for number in 0..rows {
            let pk = number.to_be_bytes();
            let locked = txn.lock_row(T, &pk, LockMode::Update, Wait::Block)?;
            assert!(locked.is_some_and(|locked| locked.latest.is_none()));
            txn.put(T, &pk, &row(number), &[])?;
        }
        Ok(())
    })?;
    timed("bulk: commit", rows, || txn.commit())?;
    drop(txn);
    timed("bulk: checkpoint", rows, || {
        while store.checkpoint_step(usize::MAX)? == helios_version::Step::More {}
        Ok(())
    })?;

    if std::env::args().any(|arg| arg == "bulk") {
        drop(store);
        let _ = std::fs::remove_dir_all(&path);
        return Ok(());
    }

    if !std::env::args().any(|arg| arg == "commits") {
        reads(&store, rows)?;
    }
    commits(&store, rows)?;
    println!("{:?}", store.stats());
    store.close()?;
    drop(store);
    // Only a temporary directory.
    let _ = std::fs::remove_dir_all(&path);
    Ok(())
}

fn reads(store: &Store, rows: u64) -> Result<()> {
    let snapshot = store.snapshot(BranchId::MAIN, None)?;
    timed("scan all, next", rows, || {
        let mut cursor = snapshot.scan(T, ALL, false)?;
        let mut sum = 0;
        while let Some(row) = cursor.next()? {
            sum += u64::from(row.row[0]);
        }
        Ok(black_box(sum))
    })?;
    timed("scan all, for_each", rows, || {
        let mut sum = 0;
        let _ = snapshot.scan(T, ALL, false)?.for_each(&mut |row| {
            sum += u64::from(row.row[0]);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(black_box(sum))
    })?;
    let count = 200_000;
    timed("range of 100", count / 100, || {
        for step in 0..count / 100 {
            let from = (step * 7919 % rows.max(1)).to_be_bytes();
            let range = (Bound::Included(&from[..]), Bound::Unbounded);
            let mut cursor = snapshot.scan(T, range, false)?;
            for _ in 0..100 {
                black_box(cursor.next()?);
            }
        }
        Ok(())
    })?;
    timed("get, random over all", count, || {
        for step in 0..count {
            let pk = (step.wrapping_mul(0x9e37_79b9_7f4a_7c15) % rows).to_be_bytes();
            black_box(snapshot.get(T, &pk)?);
        }
        Ok(())
    })?;
    timed("get, hot 1000", 5 * count, || {
        for step in 0..5 * count {
            black_box(snapshot.get(T, &(step % 1000).to_be_bytes())?);
        }
        Ok(())
    })?;
    let branch = store.create_branch(BranchSpec {
        name: "dev".into(),
        ..BranchSpec::default()
    })?;
    let child = store.snapshot(branch.id, None)?;
    timed("get, hot 1000, through a branch", count, || {
        for step in 0..count {
            black_box(child.get(T, &(step % 1000).to_be_bytes())?);
        }
        Ok(())
    })?;
    timed("snapshot of the newest", count, || {
        for _ in 0..count {
            black_box(store.snapshot(BranchId::MAIN, None)?);
        }
        Ok(())
    })
}

fn commits(store: &Store, rows: u64) -> Result<()> {
    for (what, asynchronous, count) in [
        ("update and commit, asynchronous", true, 100_000u64),
        ("update and commit, durable", false, 2_000),
    ] {
        timed(what, count, || {
            for step in 0..count {
                let txn = store.begin(TxnOptions {
                    asynchronous,
                    ..TxnOptions::default()
                })?;
                let number = step * 7919 % rows;
                txn.put(T, &number.to_be_bytes(), &row(step), &[])?;
                txn.commit()?;
            }
            Ok(())
        })?;
    }
    let (threads, each) = (8, 1_000);
    timed(
        "update and commit, durable, 8 threads",
        threads * each,
        || {
            std::thread::scope(|scope| {
                for thread in 0..threads {
                    scope.spawn(move || -> Result<()> {
                        for step in 0..each {
                            let txn = store.begin(TxnOptions::default())?;
                            let number = (thread * each + step) * 7919 % rows;
                            txn.put(T, &number.to_be_bytes(), &row(step), &[])?;
                            txn.commit()?;
                        }
                        Ok(())
                    });
                }
            });
            Ok(())
        },
    )
}
