//! `heliosdb bench tpch`: the 22 queries of TPC-H over tables with all their constraints declared, whose
//! answers must be right, beside DuckDB if asked.
//!
//! Both read the same CSV files into a file of their own, use as many threads, and take turns; DuckDB runs in a
//! process of its own (`duckdb.py`), which measures itself. The first run of a query comes after both
//! databases were opened anew, though the operating system may still have their files in memory. Kept results are turned off.

mod answers;
mod load;
mod queries;

use std::path::Path;
use std::time::Instant;

use heliosdb::{Connection, Database, Error, Result};

pub(super) use self::queries::statements as query_statements;

use super::duck::{Duck, Turns, print_heads, print_line, print_sums, verdict};
use crate::app::Failure;
use crate::args::TpchArgs;

/// Runs it and prints a line for each query.
pub fn run(args: &TpchArgs) -> std::result::Result<(), Failure> {
    let wrong = super::in_folder(args.path.as_deref(), "tpch", &args.output, |folder| {
        measure(folder, args)
    })?;
    verdict(wrong)
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
    let script = load::load_duck(&files, args.duckdb_without_keys);
    let (duck, theirs) = Duck::loaded(args.duckdb.as_deref(), folder, &script)?;
    let mut turns = Turns::open(&path, duck, args.rounds)?;
    if let Some(executor) = &args.executor {
        let sql = format!("SET executor = {executor}");
        turns.connection.execute_batch(&sql)?;
    }
    turns.print_load(&path, ours, theirs);
    print_heads();
    let mut lines = Vec::new();
    for number in args.query.map_or(1..=22, |number| number..=number) {
        let statements = queries::statements(number, args.scale)?;
        let judge = |rows: &[String]| answers::compare(number, args.scale, rows);
        let line = turns.query(number, &statements, judge)?;
        print_line(&line);
        lines.push(line);
    }
    Ok(print_sums(&lines))
}

fn failed(what: impl Into<String>) -> Error {
    Error::internal(what)
}
