//! `heliosdb bench wide`: 43 queries over one wide table of events, of the kinds that ClickBench asks, beside DuckDB
//! if asked.
//!
//! The rows are made of real packages and their dependencies (`packages.parquet` and `dependencies.parquet` of a folder).
//! Both load the same Parquet file into a file of their own, use as many threads, and take turns. Answers are compared.

use std::path::Path;
use std::time::Instant;

use heliosdb::{Database, Error, Result};

use super::duck::{Duck, Turns, print_heads, print_line, print_pair, print_sums, quoted, verdict};
use super::megabytes;
use crate::app::Failure;
use crate::args::WideArgs;

const TABLE: &str = include_str!("table.sql");
const ROWS: &str = include_str!("rows.sql");
const QUERIES: &str = include_str!("queries.sql");

/// Runs it and prints a line for each query.
pub fn run(args: &WideArgs) -> std::result::Result<(), Failure> {
    let wrong = super::in_folder(args.path.as_deref(), "wide", &args.output, |folder| {
        measure(folder, args)
    })?;
    verdict(wrong)
}

/// How many answers are wrong.
fn measure(folder: &Path, args: &WideArgs) -> Result<usize> {
    let file = folder.join("events.parquet");
    make(&file, args)?;
    let path = folder.join("helios.db");
    let load = format!("{TABLE}INSERT INTO events SELECT * FROM {};", quoted(&file));
    let started = Instant::now();
    {
        let database = Database::open(&path)?;
        let mut connection = database.connect()?;
        connection.execute_batch(&load)?;
        connection.execute_batch("ANALYZE; CHECKPOINT")?;
    }
    let ours = started.elapsed();
    let (duck, theirs) = Duck::loaded(args.duckdb.as_deref(), folder, &load)?;
    let mut turns = Turns::open(&path, duck, args.rounds)?;
    turns.print_load(&path, ours, theirs);
    print_pair("Parquet, MB", megabytes(&file), None);
    print_heads();
    let mut lines = Vec::new();
    for (at, query) in QUERIES.lines().enumerate() {
        let number = at + 1;
        if args.query.is_some_and(|wanted| wanted != number) {
            continue;
        }
        let query = query.trim_end_matches(';').to_owned();
        let line = turns.query(number, &[query], |_| Ok("not compared"))?;
        print_line(&line);
        lines.push(line);
    }
    Ok(print_sums(&lines))
}

/// Writes the rows.
fn make(file: &Path, args: &WideArgs) -> Result<()> {
    let source = |name: &str| {
        let path = args.data.join(name);
        match path.is_file() {
            true => Ok(quoted(&path)),
            false => Err(Error::new(
                heliosdb::SqlState::UNDEFINED_FILE,
                format!("there is no \"{}\"", path.display()),
            )),
        }
    };
    let sql = ROWS
        .replace(":dependencies", &source("dependencies.parquet")?)
        .replace(":packages", &source("packages.parquet")?)
        .replace(":copies", &args.copies.to_string())
        .replace(":file", &quoted(file));
    Database::open_in_memory()?.connect()?.execute_batch(&sql)
}
