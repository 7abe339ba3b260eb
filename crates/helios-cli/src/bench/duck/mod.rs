//! DuckDB, in a process of its own, and queries in turns with it.

mod turns;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use heliosdb::{Error, Result};

pub use turns::{Turns, print_heads, print_line, print_pair, print_sums, quoted, verdict};

const SCRIPT: &str = include_str!("duckdb.py");

/// A running DuckDB that answers line by line.
pub struct Duck {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    pub version: String,
    /// Its database.
    pub file: PathBuf,
}

impl Duck {
    /// Starts it with an interpreter that knows the package `duckdb`, if one is named, and loads; with the time that took.
    pub fn loaded(
        python: Option<&Path>,
        folder: &Path,
        sql: &str,
    ) -> Result<(Option<Self>, Option<Duration>)> {
        let Some(python) = python else {
            return Ok((None, None));
        };
        let mut duck = Self::start(python, folder)?;
        let time = duck.load(sql)?;
        Ok((Some(duck), Some(time)))
    }

    fn start(python: &Path, folder: &Path) -> Result<Self> {
        let script = folder.join("duckdb.py.run");
        std::fs::write(&script, SCRIPT)
            .map_err(|error| Error::io(format!("write \"{}\"", script.display()), error))?;
        let file = folder.join("duck.db");
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut child = Command::new(python)
            .arg(&script)
            .arg(&file)
            .arg(threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Error::io(format!("run \"{}\"", python.display()), error))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("DuckDB's process has no pipes"));
        };
        let mut duck = Self {
            child,
            input,
            output: BufReader::new(output),
            version: String::new(),
            file,
        };
        duck.version = duck.line()?;
        Ok(duck)
    }

    /// Runs statements, closes the database and opens it again; the time it took.
    fn load(&mut self, sql: &str) -> Result<Duration> {
        self.ask("load", sql).map(|(time, _)| time)
    }

    /// The time and the answer of the one query among the statements.
    pub fn query(&mut self, statements: &[String]) -> Result<(Duration, Vec<String>)> {
        self.ask("query", &statements.join(";\n"))
    }

    fn ask(&mut self, what: &str, sql: &str) -> Result<(Duration, Vec<String>)> {
        let sql = sql.replace('\n', " ");
        writeln!(self.input, "{what} {sql}")
            .and_then(|()| self.input.flush())
            .map_err(|error| Error::io("write to DuckDB's process", error))?;
        let head = self.line()?;
        let parsed = head.split_once(' ').and_then(|(rows, seconds)| {
            let rows = rows.parse::<usize>().ok()?;
            let seconds = Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?;
            Some((rows, seconds))
        });
        let Some((rows, time)) = parsed else {
            return Err(failed("DuckDB's process failed").with_detail(head));
        };
        let lines = (0..rows).map(|_| self.line()).collect::<Result<_>>()?;
        Ok((time, lines))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self
            .output
            .read_line(&mut line)
            .map_err(|error| Error::io("read from DuckDB's process", error))?;
        if read == 0 {
            return Err(failed("DuckDB's process ended")
                .with_hint("It needs an interpreter with the package duckdb."));
        }
        Ok(line.trim_end_matches('\n').to_owned())
    }
}

impl Drop for Duck {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn failed(what: impl Into<String>) -> Error {
    Error::internal(what)
}
