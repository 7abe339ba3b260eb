//! How much memory reading takes: each engine reads the finished table in a process of its own, and
//! the most that was resident counts. Linux tells; elsewhere there is no such line.

use std::path::Path;
use std::process::Command;

use heliosdb::{Error, Result};

use super::cases::Numbers;
use super::{Engine, helios, sqlite};
use crate::args::BenchEngine;

/// Rows read by key before the scan.
const POINTS: u64 = 100_000;

/// The most memory, in MB, that `engine` has taken to read the table at `path`.
pub fn measured(engine: BenchEngine, path: &Path, rows: u64) -> Result<Option<f64>> {
    let failed = |error| Error::io("measure memory in another process", error);
    let name = match engine {
        BenchEngine::Helios => "helios",
        BenchEngine::Sqlite => "sqlite",
    };
    let output = Command::new(std::env::current_exe().map_err(failed)?)
        .args(["bench", "--memory-of", name, "--rows", &rows.to_string()])
        .arg("--path")
        .arg(path)
        .output()
        .map_err(failed)?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.trim().parse().ok())
}

/// Reads the table at `path` and prints the most memory that this process has had.
pub fn measure(engine: BenchEngine, path: &Path, rows: u64) -> Result<()> {
    let mut engine: Box<dyn Engine> = match engine {
        BenchEngine::Helios => Box::new(helios::Helios::open(path)?),
        BenchEngine::Sqlite => Box::new(sqlite::Sqlite::open(path)?),
    };
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let mut numbers = Numbers::new(1);
    for _ in 0..POINTS {
        engine.point(numbers.below(rows))?;
    }
    engine.aggregate(500)?;
    if let Some(megabytes) = most_resident() {
        println!("{megabytes}");
    }
    Ok(())
}

/// `VmHWM` of this process, see proc(5), in MB.
fn most_resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}
