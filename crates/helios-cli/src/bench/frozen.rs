//! `heliosdb bench frozen`: rows in segments beside rows of the row store, and beside SQLite.
//!
//! The same table three times: frozen, as it is, and in SQLite. Single rows are read, updated and deleted by key, each
//! row at most a few times, so that most of what is met is still frozen. Then, on new copies, the whole table is
//! scanned while more and more of its rows are rewritten and deleted, now and as of before. Answers are compared.

use std::path::Path;
use std::time::{Duration, Instant};

use heliosdb::{Error, Result};

use super::cases::Numbers;
use super::helios::Helios;
use super::sqlite::Sqlite;
use super::{Engine, median, microseconds};
use crate::app::Failure;
use crate::args::FrozenArgs;

/// Rounds of each case; the median counts.
const ROUNDS: usize = 5;

/// Of so many rows one is rewritten before each scan.
const SHARES: [(i64, &str); 3] = [
    (1000, "scan, 0.1 % of the rows rewritten"),
    (100, "scan, 1 % rewritten"),
    (10, "scan, 10 % rewritten"),
];

/// The same table three times.
struct Copies {
    frozen: Helios,
    hot: Helios,
    sqlite: Sqlite,
}

/// Microseconds of each.
struct Times {
    frozen: f64,
    hot: f64,
    sqlite: Option<f64>,
}

/// Runs it and prints a line for each case.
pub fn run(args: &FrozenArgs) -> std::result::Result<(), Failure> {
    super::in_folder(args.path.as_deref(), "frozen", &args.output, |folder| {
        println!(
            "{:<44}{:>12}{:>12}{:>12}{:>8}{:>10}",
            "", "frozen", "hot", "SQLite", "/ hot", "/ SQLite"
        );
        singles(
            &mut Copies::create(&folder.join("singles"), args.rows)?,
            args.rows,
        )?;
        scans(
            &mut Copies::create(&folder.join("scans"), args.rows)?,
            args.rows,
        )
    })
}

impl Copies {
    fn create(folder: &Path, rows: i64) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .map_err(|error| Error::io(format!("create \"{}\"", folder.display()), error))?;
        let mut copies = Self {
            frozen: Helios::create(&folder.join("frozen.db"))?,
            hot: Helios::create(&folder.join("hot.db"))?,
            sqlite: Sqlite::create(&folder.join("sqlite.db"))?,
        };
        for engine in copies.engines() {
            engine.load(rows)?;
            engine.index()?;
            engine.settle()?;
        }
        let sql = "SELECT rows FROM helios_freeze('bench')";
        let moved: i64 = copies.frozen.connection().query_row(sql, ())?.get(0)?;
        match moved == rows {
            true => Ok(copies),
            false => Err(Error::internal(format!("{moved} of {rows} rows froze"))),
        }
    }

    /// Has the frozen copy's rows from an id on back in the row store, as reads of them would have at last.
    fn promote(&mut self, first: i64, rows: i64) -> Result<()> {
        for id in first..first + rows {
            self.frozen.point(id)?;
        }
        let connection = self.frozen.connection();
        connection.execute_batch("ALTER TABLE bench SET (access_count_threshold = 16)")?;
        connection.execute_batch("VACUUM")?;
        let sql = "SELECT promoted_rows FROM helios_hybrid_storage() WHERE table_name = 'bench'";
        let promoted: i64 = connection.query_row(sql, ())?.get(0)?;
        match promoted >= rows / 2 {
            true => Ok(()),
            false => Err(Error::internal(format!(
                "{promoted} of {rows} rows promoted"
            ))),
        }
    }

    fn engines(&mut self) -> [&mut dyn Engine; 3] {
        [&mut self.frozen, &mut self.hot, &mut self.sqlite]
    }

    /// The same for all, each in a transaction, in turns; the first round warms up.
    fn measure(
        &mut self,
        name: &str,
        times: usize,
        work: &mut dyn FnMut(&mut dyn Engine, &mut Numbers) -> Result<i64>,
    ) -> Result<Times> {
        let mut took: [Vec<Duration>; 3] = Default::default();
        for round in 0..=ROUNDS {
            let mut sums = [0_i64; 3];
            for ((engine, sum), took) in self.engines().into_iter().zip(&mut sums).zip(&mut took) {
                let mut numbers = Numbers::new(round as u64 + 1);
                engine.begin()?;
                let started = Instant::now();
                for _ in 0..times {
                    *sum = sum.wrapping_add(work(engine, &mut numbers)?);
                }
                let passed = started.elapsed();
                engine.commit()?;
                if round > 0 {
                    took.push(passed);
                }
            }
            let [frozen, hot, sqlite] = sums;
            if frozen != hot || frozen != sqlite {
                return Err(Error::internal(format!(
                    "{name}: frozen {frozen}, hot {hot}, SQLite {sqlite}"
                )));
            }
        }
        #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
        let [frozen, hot, sqlite] =
            took.map(|mut took| microseconds(median(&mut took)) / times as f64);
        Ok(Times {
            frozen,
            hot,
            sqlite: Some(sqlite),
        })
    }
}

fn print(name: &str, times: &Times) {
    let Times {
        frozen,
        hot,
        sqlite,
    } = times;
    let beside = sqlite.map(|sqlite| (format!("{sqlite:.1}"), format!("{:.2}", frozen / sqlite)));
    let (sqlite, ratio) = beside.unwrap_or_default();
    println!(
        "{:<44}{frozen:>12.1}{hot:>12.1}{sqlite:>12}{:>8.2}{ratio:>10}",
        format!("{name}, µs"),
        frozen / hot
    );
}

fn singles(copies: &mut Copies, rows: i64) -> Result<()> {
    let mut case =
        |name, times, work: &mut dyn FnMut(&mut dyn Engine, &mut Numbers) -> Result<i64>| {
            let times = copies.measure(name, times, work)?;
            print(name, &times);
            Result::Ok(())
        };
    case("point select by key", 5_000, &mut |engine, numbers| {
        engine.point(numbers.below(rows))
    })?;
    case(
        "point select, keys near each other",
        5_000,
        &mut |engine, numbers| engine.point(rows / 2 + numbers.below((rows / 100).max(1))),
    )?;
    case("range of 100 by key", 500, &mut |engine, numbers| {
        engine.range(numbers.below((rows - 100).max(1)))
    })?;
    case("indexed select, 10 rows", 500, &mut |engine, numbers| {
        engine.group(numbers.below((rows / 10).max(1)))
    })?;
    // Two halves: what is deleted was not updated before, and is still frozen.
    let half = (rows / 2).max(1);
    case("update by key", 1_000, &mut |engine, numbers| {
        engine.update(numbers.below(half))
    })?;
    case("delete by key", 1_000, &mut |engine, numbers| {
        engine.delete(half + numbers.below(half))
    })?;
    let near = (rows / 100).max(1);
    copies.promote(rows / 2, near)?;
    let times = copies.measure("point select, promoted", 5_000, &mut |engine, numbers| {
        engine.point(rows / 2 + numbers.below(near))
    })?;
    print("the same of promoted rows, near each other", &times);
    Ok(())
}

fn scans(copies: &mut Copies, rows: i64) -> Result<()> {
    let scan = |copies: &mut Copies, name: &str| {
        let times = copies.measure(name, 1, &mut |engine, _| engine.aggregate(500))?;
        print(name, &times);
        Result::Ok(())
    };
    scan(copies, "scan with filter and aggregate")?;
    let before = [copies.frozen.now()?, copies.hot.now()?];
    let sum = copies.frozen.aggregate(500)?;
    let change = |copies: &mut Copies,
                  step: i64,
                  from: i64,
                  work: &dyn Fn(&mut dyn Engine, i64) -> Result<i64>| {
        for engine in copies.engines() {
            engine.begin()?;
            for id in (from..rows).step_by(step.unsigned_abs() as usize) {
                work(engine, id)?;
            }
            engine.commit()?;
        }
        Result::Ok(())
    };
    for (step, name) in SHARES {
        change(copies, step, 0, &|engine, id| engine.update(id))?;
        scan(copies, name)?;
    }
    let name = "the same as of before";
    let mut took: [Vec<Duration>; 2] = Default::default();
    for _ in 0..=ROUNDS {
        let engines = [&mut copies.frozen, &mut copies.hot];
        for ((engine, scn), took) in engines.into_iter().zip(before).zip(&mut took) {
            let started = Instant::now();
            let found = engine.aggregate_at(500, scn)?;
            took.push(started.elapsed());
            if found != sum {
                return Err(Error::internal(format!("{name}: {found} is not {sum}")));
            }
        }
    }
    let [frozen, hot] = took.map(|mut took| microseconds(median(&mut took)));
    let times = Times {
        frozen,
        hot,
        sqlite: None,
    };
    print(name, &times);
    change(copies, 10, 5, &|engine, id| engine.delete(id))?;
    scan(copies, "scan, 10 % rewritten and 10 % deleted")
}
