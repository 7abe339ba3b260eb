//! Runs SQL logic tests and prints the rate of each file.
//!
//! `cargo run --release -p heliosdb --example slt -- FOLDER|FILE…`
//!
//! Every file starts in an empty database. Records are judged one by one, with the label
//! `postgresql`; `--show N` prints the first N failures of each file. The exit status says whether
//! every record that was not skipped passed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use heliosdb::{Connection, DataType, Database, Error, Outcome, TextContext, Value};
use sqllogictest::{DB, DBOutput, DefaultColumnType, QueryExpect, Record, Runner, TestError};

/// The column types that the record about to run expects: they say how its values are written.
type Wanted = Arc<Mutex<Vec<DefaultColumnType>>>;

/// The database under test, as the runner wants it.
struct Helios {
    connection: Connection,
    context: TextContext,
    wanted: Wanted,
}

impl Helios {
    fn open(wanted: Wanted) -> Result<Self, Error> {
        let connection = Database::open_in_memory()?.connect()?;
        let context = connection.text_context();
        Ok(Self {
            connection,
            context,
            wanted,
        })
    }

    /// A value as the corpus writes it: `I` whole, `R` with three decimals, `T` as it is. The corpus was
    /// written by C's conversions, so text in an `I` column is the number that it begins with, else 0.
    fn cell(&self, value: &Value, ty: &DataType, wanted: Option<&DefaultColumnType>) -> String {
        let text = match value {
            Value::Null => return "NULL".to_owned(),
            Value::Bool(flag) => u8::from(*flag).to_string(),
            other => other.to_text(ty, &self.context),
        };
        let number = ty.is_numeric().then(|| text.parse::<f64>().ok()).flatten();
        match (wanted, number) {
            (Some(DefaultColumnType::Integer), None) if ty.is_string() => leading_number(&text),
            #[allow(clippy::cast_possible_truncation, reason = "as the corpus was written")]
            (Some(DefaultColumnType::Integer), Some(number)) => (number as i64).to_string(),
            (Some(DefaultColumnType::FloatingPoint), Some(number)) => format!("{number:.3}"),
            _ if text.is_empty() => "(empty)".to_owned(),
            _ => text,
        }
    }
}

/// The whole number that `text` begins with, else 0.
fn leading_number(text: &str) -> String {
    let text = text.trim_start();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let count = digits.chars().take_while(char::is_ascii_digit).count();
    let end = text.len() - digits.len() + count;
    let number = text.get(..end).and_then(|text| text.parse::<i64>().ok());
    number.unwrap_or(0).to_string()
}

impl DB for Helios {
    type Error = Error;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Error> {
        match self.connection.run(sql, ())? {
            Outcome::Rows(mut stream) => {
                let types: Vec<DataType> = stream
                    .columns()
                    .iter()
                    .map(|column| column.ty.clone())
                    .collect();
                let wanted = self
                    .wanted
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                let mut rows = Vec::new();
                while let Some(row) = stream.next_row()? {
                    let cells = row.iter().zip(&types).enumerate();
                    rows.push(
                        cells
                            .map(|(at, (value, ty))| self.cell(value, ty, wanted.get(at)))
                            .collect(),
                    );
                }
                Ok(DBOutput::Rows {
                    types: vec![DefaultColumnType::Any; types.len()],
                    rows,
                })
            }
            done => Ok(DBOutput::StatementComplete(
                done.finish()?.rows.unwrap_or(0),
            )),
        }
    }
}

#[derive(Default)]
struct Tally {
    ok: u64,
    failed: u64,
    skipped: u64,
}

fn main() -> ExitCode {
    let mut show = 0_usize;
    let mut files: Vec<PathBuf> = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--show" {
            show = arguments
                .next()
                .and_then(|number| number.parse().ok())
                .unwrap_or(3);
        } else {
            files.extend(expand(Path::new(&argument)));
        }
    }
    if files.is_empty() {
        eprintln!("usage: slt [--show N] FOLDER|FILE…");
        return ExitCode::from(2);
    }
    println!(
        "{:<42}{:>8}{:>8}{:>9}{:>10}",
        "file", "ok", "not ok", "skipped", "seconds"
    );
    let mut total = Tally::default();
    let mut took = Duration::ZERO;
    for file in &files {
        let started = Instant::now();
        let tally = match run(file, show) {
            Ok(tally) => tally,
            Err(message) => {
                eprintln!("{}: {message}", file.display());
                return ExitCode::from(2);
            }
        };
        let name = file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        print(&name.unwrap_or_default(), &tally, started.elapsed());
        total.ok += tally.ok;
        total.failed += tally.failed;
        total.skipped += tally.skipped;
        took += started.elapsed();
    }
    print("all", &total, took);
    if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn print(name: &str, tally: &Tally, took: Duration) {
    let Tally {
        ok,
        failed,
        skipped,
    } = tally;
    println!(
        "{name:<42}{ok:>8}{failed:>8}{skipped:>9}{:>10.2}",
        took.as_secs_f64()
    );
}

fn expand(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(path) else {
        return vec![path.to_owned()];
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|end| end == "test" || end == "slt")
        })
        .collect();
    files.sort();
    files
}

fn run(file: &Path, show: usize) -> Result<Tally, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let name = file.display().to_string();
    let records = sqllogictest::parse_with_name::<DefaultColumnType>(&without_remarks(&text), name)
        .map_err(|error| error.to_string())?;
    let wanted = Wanted::default();
    let mut runner = Runner::new(|| async { Helios::open(Arc::clone(&wanted)) });
    runner.add_label("postgresql");
    let mut tally = Tally::default();
    let mut shown = 0;
    for record in records {
        let counts = matches!(record, Record::Statement { .. } | Record::Query { .. });
        let skipped = match &record {
            Record::Statement { conditions, .. } | Record::Query { conditions, .. } => {
                conditions.iter().any(skips)
            }
            _ => false,
        };
        if skipped {
            tally.skipped += 1;
            continue;
        }
        if matches!(record, Record::Halt { .. }) {
            break;
        }
        if let Record::Query {
            expected: QueryExpect::Results { types, .. },
            ..
        } = &record
        {
            wanted
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone_from(types);
        }
        match runner.run(record) {
            Ok(_) if counts => tally.ok += 1,
            Ok(_) => {}
            Err(error) => {
                tally.failed += 1;
                if shown < show {
                    shown += 1;
                    report(&error);
                }
            }
        }
    }
    Ok(tally)
}

/// The corpus explains its conditions behind them, which the parser does not expect.
fn without_remarks(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for line in text.lines() {
        let conditional = line.starts_with("onlyif ") || line.starts_with("skipif ");
        let kept = match line.split_once(" #") {
            Some((condition, _)) if conditional => condition,
            _ => line,
        };
        plain.push_str(kept);
        plain.push('\n');
    }
    plain
}

fn skips(condition: &sqllogictest::Condition) -> bool {
    match condition {
        sqllogictest::Condition::OnlyIf { label } => label != "postgresql",
        sqllogictest::Condition::SkipIf { label } => label == "postgresql",
    }
}

fn report(error: &TestError) {
    println!(
        "  {}",
        error.display(false).to_string().replace('\n', "\n  ")
    );
}
