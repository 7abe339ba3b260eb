//! `heliosdb bench`: the engine beside SQLite, in the same run, on the same table.
//!
//! Both are as durable as they can be made: SQLite in WAL mode with `synchronous = FULL`, HeliosDB
//! with `synchronous_commit = on`. Every case runs in rounds, the engines by turns, so that a
//! machine that slows down slows both; the median round counts. Answers are compared, so that
//! nobody is quick by being wrong.

mod branches;
mod cases;
mod churn;
mod duck;
mod frozen;
mod helios;
mod htap;
mod memory;
mod sqlite;
mod tpch;
mod vectors;
mod wide;

use std::path::Path;
use std::time::{Duration, Instant};

use heliosdb::{Error, Result};

use crate::app::{self, Failure};
use crate::args::{BenchArgs, BenchEngine, BenchOf, OutputArgs};
use crate::report;

/// What both engines can do, on the table `bench`.
///
/// Each method returns a check sum of what it read or changed.
pub trait Engine {
    /// Its name and version.
    fn name(&self) -> String;
    /// Inserts rows `0..rows` into the empty table in one transaction, then indexes `grp`.
    fn load(&mut self, rows: i64) -> Result<i64>;
    /// Builds the secondary index.
    fn index(&mut self) -> Result<i64>;
    /// Reads one row by its key.
    fn point(&mut self, id: i64) -> Result<i64>;
    /// Reads one row by its key, by a statement given as text.
    fn point_text(&mut self, id: i64) -> Result<i64>;
    /// Parses and plans a statement that was not seen before.
    fn plan(&mut self, number: i64) -> Result<i64>;
    /// Reads the rows of one group (ten rows) through the secondary index.
    fn group(&mut self, group: i64) -> Result<i64>;
    /// Reads 100 rows in key order.
    fn range(&mut self, from: i64) -> Result<i64>;
    /// Scans with a filter and aggregates.
    fn aggregate(&mut self, below: i64) -> Result<i64>;
    /// Updates one row by its key, inside a transaction that stays open.
    fn update(&mut self, id: i64) -> Result<i64>;
    /// Deletes one row by its key, inside a transaction that stays open.
    fn delete(&mut self, id: i64) -> Result<i64>;
    /// Begins a transaction.
    fn begin(&mut self) -> Result<()>;
    /// Commits it.
    fn commit(&mut self) -> Result<()>;
    /// Updates one row and commits durably.
    fn durable(&mut self, id: i64) -> Result<i64>;
    /// Another connection for another thread.
    fn connect(&self) -> Result<Box<dyn Engine + Send>>;
    /// Makes files as small and as settled as they get.
    fn settle(&mut self) -> Result<()>;
}

/// One line of the result.
struct Line {
    name: &'static str,
    unit: &'static str,
    ours: f64,
    theirs: f64,
    goal: Option<f64>,
}

pub use branches::parts as branch_parts;

/// Runs all cases and prints the table.
pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    match &args.of {
        Some(BenchOf::Branches(args)) => return branches::run(args),
        Some(BenchOf::Churn(args)) => return churn::run(args),
        Some(BenchOf::Frozen(args)) => return frozen::run(args),
        Some(BenchOf::Htap(args)) => return htap::run(args),
        Some(BenchOf::Tpch(args)) => return tpch::run(args),
        Some(BenchOf::Vectors(args)) => return vectors::run(args),
        Some(BenchOf::Wide(args)) => return wide::run(args),
        None => {}
    }
    if let (Some(engine), Some(path)) = (args.memory_of, &args.path) {
        return shown(memory::measure(engine, path, args.rows), &args.output);
    }
    let lines = in_folder(args.path.as_deref(), "bench", &args.output, |folder| {
        measure(folder, args)
    })?;
    for line in &lines {
        print_line(line);
    }
    Ok(())
}

/// Runs `work` in a new folder, removed afterwards; an error is shown.
fn in_folder<T>(
    path: Option<&Path>,
    name: &str,
    output: &OutputArgs,
    work: impl FnOnce(&Path) -> Result<T>,
) -> std::result::Result<T, Failure> {
    let folder = path.map_or_else(
        || std::env::temp_dir().join(format!("heliosdb-{name}-{}", std::process::id())),
        Path::to_owned,
    );
    let done = make(&folder).and_then(|()| {
        let done = work(&folder);
        let _ = std::fs::remove_dir_all(&folder);
        done
    });
    shown(done, output)
}

fn shown<T>(result: Result<T>, output: &OutputArgs) -> std::result::Result<T, Failure> {
    result.map_err(|error| {
        report::error(&error, None, &app::error_styles(output));
        Failure::Statement
    })
}

fn make(folder: &Path) -> Result<()> {
    if folder.exists() {
        return Err(Error::new(
            heliosdb::SqlState::DUPLICATE_FILE,
            format!("\"{}\" is there already", folder.display()),
        )
        .with_hint("Name a place that does not exist yet; it is removed afterwards."));
    }
    std::fs::create_dir_all(folder)
        .map_err(|error| Error::io(format!("create \"{}\"", folder.display()), error))
}

fn measure(folder: &Path, args: &BenchArgs) -> Result<Vec<Line>> {
    let ours_at = folder.join("helios.db");
    let theirs_at = folder.join("sqlite.db");
    let mut lines = Vec::new();
    {
        let mut ours: Box<dyn Engine> = Box::new(helios::Helios::create(&ours_at)?);
        let mut theirs: Box<dyn Engine> = Box::new(sqlite::Sqlite::create(&theirs_at)?);
        println!(
            "{} beside {}, {} rows",
            ours.name(),
            theirs.name(),
            report::thousands(args.rows)
        );
        println!(
            "{:<44}{:>12}{:>12}{:>8}{:>8}",
            "", "HeliosDB", "SQLite", "ratio", "goal"
        );
        cases::all(&mut *ours, &mut *theirs, args, &mut |line| lines.push(line))?;
        ours.settle()?;
        theirs.settle()?;
    }
    lines.push(Line {
        name: "size on disk",
        unit: "MB",
        ours: megabytes(&ours_at),
        theirs: megabytes(&theirs_at),
        goal: None,
    });
    let memory = |engine, path| memory::measured(engine, path, args.rows);
    if let (Some(ours), Some(theirs)) = (
        memory(BenchEngine::Helios, &ours_at)?,
        memory(BenchEngine::Sqlite, &theirs_at)?,
    ) {
        lines.push(Line {
            name: "memory after 100,000 reads and a scan",
            unit: "MB",
            ours,
            theirs,
            goal: None,
        });
    }
    let opened = |open: &dyn Fn() -> Result<()>| -> Result<f64> {
        let mut times = Vec::new();
        for _ in 0..5 {
            let started = Instant::now();
            open()?;
            times.push(started.elapsed());
        }
        Ok(milliseconds(median(&mut times)))
    };
    lines.push(Line {
        name: "open, first row read, close",
        unit: "ms",
        ours: opened(&|| helios::Helios::open(&ours_at)?.point(1).map(drop))?,
        theirs: opened(&|| sqlite::Sqlite::open(&theirs_at)?.point(1).map(drop))?,
        goal: None,
    });
    Ok(lines)
}

fn print_line(line: &Line) {
    let ratio = line.ours / line.theirs;
    let goal = line
        .goal
        .map_or_else(String::new, |goal| format!("≤ {goal:.2}"));
    let verdict = match line.goal {
        Some(goal) if ratio > goal => " lost",
        _ => "",
    };
    println!(
        "{:<44}{:>12.3}{:>12.3}{ratio:>8.2}{goal:>8}{verdict}",
        format!("{}, {}", line.name, line.unit),
        line.ours,
        line.theirs
    );
}

/// The middle of the times.
fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// What a file, or a directory with all in it, takes on disk: a file that was made longer and never
/// written there is hollow.
#[allow(clippy::cast_precision_loss, reason = "megabytes for people")]
fn megabytes(path: &Path) -> f64 {
    fn bytes(path: &Path) -> u64 {
        let Ok(meta) = std::fs::metadata(path) else {
            return 0;
        };
        if meta.is_file() {
            #[cfg(unix)]
            let used = std::os::unix::fs::MetadataExt::blocks(&meta) * 512;
            #[cfg(not(unix))]
            let used = meta.len();
            return used.min(meta.len());
        }
        let Ok(entries) = std::fs::read_dir(path) else {
            return 0;
        };
        entries.flatten().map(|entry| bytes(&entry.path())).sum()
    }
    let sidecars: u64 = ["-wal", "-shm"]
        .iter()
        .map(|end| {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            bytes(Path::new(&name))
        })
        .sum();
    (bytes(path) + sidecars) as f64 / 1e6
}
