//! `heliosdb bench tpch`: the 22 queries of TPC-H over tables with all their constraints declared, whose
//! answers must be right, beside DuckDB if asked.
//!
//! Both read the same CSV files into a file of their own, use as many threads, and take turns; DuckDB runs in a
//! process of its own (`duckdb.py`), which measures itself. The first run of a query comes after both
//! databases were opened anew, though the operating system may still have their files in memory. Kept results are turned off.

mod answers;
mod duckdb;
mod load;
mod queries;

use std::path::Path;
use std::time::{Duration, Instant};

use heliosdb::{Connection, Database, Error, Result};

pub(super) use self::queries::statements as query_statements;

use self::duckdb::Duck;
use super::{median, megabytes, milliseconds};
use crate::app::Failure;
use crate::args::TpchArgs;

/// What each of the two took for a query, in milliseconds.
struct Line {
    number: usize,
    ours: Times,
    theirs: Option<Times>,
    judged: std::result::Result<&'static str, String>,
}

/// The first run, and the middle of the others.
#[derive(Clone, Copy)]
struct Times {
    first: f64,
    hot: f64,
}

/// Runs it and prints a line for each query.
pub fn run(args: &TpchArgs) -> std::result::Result<(), Failure> {
    let wrong = super::in_folder(args.path.as_deref(), "tpch", &args.output, |folder| {
        measure(folder, args)
    })?;
    if wrong > 0 {
        eprintln!("{wrong} queries wrong");
        return Err(Failure::Statement);
    }
    Ok(())
}

/// Creates and fills the tables; the files come into `folder`.
pub fn fill(connection: &mut Connection, folder: &Path, scale: f64) -> Result<()> {
    let files = folder.join("csv");
    load::write(&files, scale)?;
    load::load(connection, &files)?;
    connection.execute_batch("CHECKPOINT")
}

/// How many answers are wrong.
fn measure(folder: &Path, args: &TpchArgs) -> Result<usize> {
    let path = folder.join("helios.db");
    let files = folder.join("csv");
    load::write(&files, args.scale)?;
    let started = Instant::now();
    {
        let database = Database::open(&path)?;
        let mut connection = database.connect()?;
        if let Some(rows) = args.bulk {
            connection.execute_batch(&format!("SET bulk_load_threshold = {rows}"))?;
        }
        load::load(&mut connection, &files)?;
        connection.execute_batch("CHECKPOINT")?;
    }
    let ours = started.elapsed();
    let mut duck = match &args.duckdb {
        Some(python) => Some(Duck::start(python, folder)?),
        None => None,
    };
    let theirs = match &mut duck {
        Some(duck) => Some(duck.load(load::SCHEMA, &load::TABLES, &files)?),
        None => None,
    };
    match &duck {
        Some(duck) => println!(
            "HeliosDB {} beside {}",
            env!("CARGO_PKG_VERSION"),
            duck.version
        ),
        None => println!("HeliosDB {}", env!("CARGO_PKG_VERSION")),
    }
    print_pair("load, s", ours.as_secs_f64(), theirs.map(|ms| ms / 1e3));
    let size = duck.as_ref().map(|duck| megabytes(&duck.file));
    print_pair("size on disk, MB", megabytes(&path), size);

    let database = Database::open(&path)?;
    let mut connection = database.connect()?;
    connection.execute_batch("SET query_cache_size = 0")?;
    if let Some(executor) = &args.executor {
        connection.execute_batch(&format!("SET executor = {executor}"))?;
    }
    println!(
        "{:<8}{:>12}{:>12}{:>12}{:>12}{:>8}",
        "ms", "first", "hot", "DuckDB first", "hot", "ratio"
    );
    let mut lines = Vec::new();
    for number in args.query.map_or(1..=22, |number| number..=number) {
        let line = query(&mut connection, duck.as_mut(), number, args)?;
        print_line(&line);
        lines.push(line);
    }
    let total = |times: &dyn Fn(&Line) -> f64| lines.iter().map(times).sum::<f64>();
    let hot = total(&|line| line.ours.hot);
    let their_hot = total(&|line| line.theirs.map_or(0.0, |times| times.hot));
    let first = total(&|line| line.ours.first);
    let their_first = total(&|line| line.theirs.map_or(0.0, |times| times.first));
    let beside = duck.is_some();
    print_pair("all, first, ms", first, beside.then_some(their_first));
    print_pair("all, hot, ms", hot, beside.then_some(their_hot));
    Ok(lines.iter().filter(|line| line.judged.is_err()).count())
}

fn query(
    connection: &mut Connection,
    mut duck: Option<&mut Duck>,
    number: usize,
    args: &TpchArgs,
) -> Result<Line> {
    let statements = queries::statements(number, args.scale)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut judged = Ok("not compared");
    for round in 0..=args.rounds {
        let started = Instant::now();
        let rows = answer(connection, &statements)?;
        ours.push(started.elapsed());
        let their_rows = match &mut duck {
            Some(duck) => {
                let (time, rows) = duck.query(&statements)?;
                theirs.push(time);
                Some(rows)
            }
            None => None,
        };
        if round == 0 {
            judged = match their_rows {
                Some(expected) => answers::same(&expected, &rows).map(|()| "as DuckDB"),
                None => answers::compare(number, args.scale, &rows),
            };
        }
    }
    Ok(Line {
        number,
        ours: times(&ours),
        theirs: (!theirs.is_empty()).then(|| times(&theirs)),
        judged,
    })
}

fn times(all: &[Duration]) -> Times {
    let (first, hot) = all.split_first().unwrap_or((&Duration::ZERO, &[]));
    let mut hot = if hot.is_empty() {
        vec![*first]
    } else {
        hot.to_vec()
    };
    Times {
        first: milliseconds(*first),
        hot: milliseconds(median(&mut hot)),
    }
}

/// The rows of the one query among the statements.
fn answer(connection: &mut Connection, statements: &[String]) -> Result<Vec<String>> {
    let text = connection.text_context();
    let mut rows = Vec::new();
    for statement in statements {
        if statement.starts_with("select") {
            for row in connection.query(statement.as_str(), ())? {
                rows.push(answers::line(&row?, &text));
            }
        } else {
            connection.execute_batch(statement)?;
        }
    }
    Ok(rows)
}

fn print_line(line: &Line) {
    let name = format!("Q{}", line.number);
    print!("{name:<8}{:>12.1}{:>12.1}", line.ours.first, line.ours.hot);
    if let Some(theirs) = &line.theirs {
        let ratio = line.ours.hot / theirs.hot;
        print!("{:>12.1}{:>12.1}{ratio:>8.2}", theirs.first, theirs.hot);
    }
    match &line.judged {
        Ok(what) => println!("  {what}"),
        Err(why) => println!("  WRONG: {why}"),
    }
}

fn print_pair(name: &str, ours: f64, theirs: Option<f64>) {
    match theirs {
        Some(theirs) => println!("{name:<20}{ours:>12.1}{theirs:>24.1}{:>8.2}", ours / theirs),
        None => println!("{name:<20}{ours:>12.1}"),
    }
}

fn failed(what: impl Into<String>) -> Error {
    Error::internal(what)
}
