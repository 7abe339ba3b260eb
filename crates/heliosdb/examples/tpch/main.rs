//! TPC-H: the schema with all its constraints, and the 22 queries, whose answers must be right.
//!
//! ```console
//! $ cargo run --release -p heliosdb --example tpch -- --scale 0.1
//! ```
//!
//! Answers are compared with DuckDB's at scale 0.01 and 0.1, and with the benchmark's own at scale 1.
//! `--executor row` or `vector` forces an executor, `--query N` runs one query only, `--path` keeps the
//! database (and uses what is there).

mod answers;
mod load;
mod queries;

use std::time::Instant;

use heliosdb::{Connection, Database, Result};

struct Options {
    scale: f64,
    executor: Option<String>,
    query: Option<usize>,
    path: Option<String>,
}

fn options() -> std::result::Result<Options, String> {
    let mut options = Options {
        scale: 0.1,
        executor: None,
        query: None,
        path: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(format!("{name} needs a value"))?;
        let wrong = || format!("{name} {value}?");
        match name.as_str() {
            "--scale" => options.scale = value.parse().map_err(|_| wrong())?,
            "--executor" => options.executor = Some(value),
            "--query" => options.query = Some(value.parse().map_err(|_| wrong())?),
            "--path" => options.path = Some(value),
            _ => return Err(wrong()),
        }
    }
    Ok(options)
}

fn main() -> std::process::ExitCode {
    let outcome = options().and_then(|options| run(&options).map_err(|error| error.to_string()));
    match outcome {
        Ok(0) => std::process::ExitCode::SUCCESS,
        Ok(wrong) => {
            eprintln!("{wrong} queries wrong");
            std::process::ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<usize> {
    let database = match &options.path {
        Some(path) => Database::open(path)?,
        None => Database::open_in_memory()?,
    };
    let mut connection = database.connect()?;
    if !connection.has_table("lineitem")? {
        let start = Instant::now();
        load::load(&mut connection, options.scale)?;
        println!("loaded in {:.1} s", start.elapsed().as_secs_f64());
    }
    if let Some(executor) = &options.executor {
        connection.execute_batch(&format!("SET executor = {executor}"))?;
    }
    let mut wrong = 0;
    for number in options.query.map_or(1..=22, |number| number..=number) {
        let start = Instant::now();
        let rows = answer(&mut connection, &queries::statements(number, options.scale));
        let time = start.elapsed().as_secs_f64() * 1000.0;
        let judged = rows
            .map_err(|error| error.to_string())
            .and_then(|rows| answers::compare(number, options.scale, &rows));
        match judged {
            Ok(what) => println!("Q{number:<3}{time:10.1} ms  {what}"),
            Err(why) => {
                wrong += 1;
                println!("Q{number:<3}{time:10.1} ms  WRONG: {why}");
            }
        }
    }
    Ok(wrong)
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
