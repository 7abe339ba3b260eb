//! Feeds mutated statements to the database and watches for panics, hangs and values of the wrong
//! type.
//!
//! `cargo run --release -p heliosdb --example fuzz [-- SECONDS [SEED]]`
//!
//! The statements of `tests/postgresql` are cut, spliced, repeated and sprinkled with tokens of
//! each other. Prints the seed and every finding with its statement; the exit status says whether
//! there was any.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use helios_testkit::Rng;
use heliosdb::{Connection, Database, Outcome};

/// No statement may take longer; short enough to fuzz on, long enough for a slow machine.
const PATIENCE: Duration = Duration::from_secs(5);
/// A cancelled statement must end within this.
const GRACE: Duration = Duration::from_secs(10);
/// Statements that share a database.
const BATCH: usize = 400;
/// Rows read of one statement.
const ROWS_MAX: usize = 1000;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(60), |text| text.parse())?;
    let seed = match arguments.next() {
        Some(text) => text.parse()?,
        None => Rng::random().seed(),
    };
    println!("seed {seed}");
    // A panic is reported with its statement.
    std::panic::set_hook(Box::new(|info| println!("PANIC {info}")));
    let mut rng = Rng::with_seed(seed);
    let corpus = corpus()?;
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut statements, mut accepted, mut findings) = (0_u64, 0_u64, 0_u64);
    while Instant::now() < end {
        let database = Database::open_in_memory()?;
        let mut connection = database.connect()?;
        // Some tables to talk about.
        let file = rng.pick(&corpus).clone();
        let setup = rng.usize(0..40);
        for sql in file.iter().take(setup) {
            let _ = connection.execute_batch(sql);
        }
        for _ in 0..BATCH {
            if Instant::now() >= end {
                break;
            }
            let sql = mutated(&mut rng, &corpus, &file);
            statements += 1;
            match attempt(&mut connection, &sql) {
                Ok(done) => accepted += u64::from(done),
                Err(finding) => {
                    findings += 1;
                    println!("{finding}: {sql}");
                    break;
                }
            }
        }
    }
    println!("{statements} statements, {accepted} without error, {findings} findings");
    Ok(if findings == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The statements of each file.
fn corpus() -> Result<Vec<Vec<String>>, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/postgresql");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let text = std::fs::read_to_string(entry?.path())?;
        let lines = text.lines().filter(|line| !line.starts_with("--"));
        files.push(
            lines
                .filter(|line| line.ends_with(';') && !line.contains("pg_sleep"))
                .map(|line| line.trim_end_matches(';').to_owned())
                .collect(),
        );
    }
    Ok(files)
}

/// A statement of the file, or of any, changed in a few places.
fn mutated(rng: &mut Rng, corpus: &[Vec<String>], file: &[String]) -> String {
    let any = |rng: &mut Rng| -> Vec<String> {
        let from = if rng.one_in(3) {
            rng.pick(corpus)
        } else {
            file
        };
        tokens(rng.pick::<String>(from))
    };
    let mut words = any(rng);
    for _ in 0..rng.usize(0..4) {
        let at = rng.usize(0..=words.len());
        match rng.u8(0..8) {
            0 if at < words.len() => drop(words.remove(at)),
            1 if at < words.len() => {
                let word = words[at].clone();
                words.insert(at, word);
            }
            2 => {
                let other = any(rng);
                let from = rng.usize(0..=other.len());
                let to = rng.usize(from..=other.len().min(from + 8));
                words.splice(at..at, other[from..to].iter().cloned());
            }
            3 => {
                let other = any(rng);
                let from = rng.usize(0..=other.len());
                words.truncate(at);
                words.extend_from_slice(&other[from..]);
            }
            4 => {
                let odd = [
                    "NULL",
                    "0",
                    "-1",
                    "2147483647",
                    "9223372036854775808",
                    "1e400",
                    "''",
                    "'\u{1F600}'",
                    "(",
                    ")",
                    "[",
                    "]",
                    "*",
                    ",",
                    "$1",
                    "::int",
                    "::text[]",
                    "'{}'",
                    "(SELECT 1)",
                    "'NaN'::float8",
                    "'infinity'::timestamp",
                    "DISTINCT",
                    "OVER ()",
                ];
                words.insert(at, (*rng.pick(&odd)).to_owned());
            }
            5 if at < words.len() => {
                let other = any(rng);
                if !other.is_empty() {
                    words[at] = rng.pick(&other).clone();
                }
            }
            6 if words.len() > 1 => {
                let other = rng.usize(0..words.len());
                let last = words.len() - 1;
                words.swap(at.min(last), other);
            }
            _ => {}
        }
    }
    let mut sql = words.join(" ");
    if rng.one_in(20) {
        let at = sql.floor_char_boundary(rng.usize(0..=sql.len()));
        sql.insert_str(at, &rng.text(4));
    }
    sql
}

/// Words, numbers, strings and single signs.
fn tokens(sql: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut chars = sql.chars().peekable();
    while let Some(char) = chars.next() {
        if char.is_whitespace() {
            continue;
        }
        let mut token = String::from(char);
        if char == '\'' {
            for next in chars.by_ref() {
                token.push(next);
                if next == '\'' {
                    break;
                }
            }
        } else {
            let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
            let sign = |c: char| "+-*/<>=~!@#%^&|`?:".contains(c);
            let same: &dyn Fn(char) -> bool = if word(char) {
                &word
            } else if sign(char) {
                &sign
            } else {
                &|_| false
            };
            while let Some(next) = chars.next_if(|next| same(*next)) {
                token.push(next);
            }
        }
        tokens.push(token);
    }
    tokens
}

/// Runs one statement; says whether it succeeded, or what went wrong with us.
fn attempt(connection: &mut Connection, sql: &str) -> Result<bool, String> {
    let (done, waiting) = channel::<()>();
    let handle = connection.cancel_handle();
    let text = sql.to_owned();
    let watch = std::thread::spawn(move || {
        if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            handle.cancel();
            if waiting.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
                println!("HANG: {text}");
                std::process::exit(1);
            }
        }
    });
    let result = catch_unwind(AssertUnwindSafe(|| run(connection, sql)));
    drop(done);
    let _ = watch.join();
    match result {
        Ok(result) => result,
        Err(_) => Err("panicked".to_owned()),
    }
}

fn run(connection: &mut Connection, sql: &str) -> Result<bool, String> {
    for outcome in connection.script(sql) {
        let rows = match outcome {
            Ok(Outcome::Rows(rows)) => rows,
            Ok(_) => continue,
            Err(error) if error.sqlstate().class() == "XX" => {
                return Err(format!("internal error ({error})"));
            }
            Err(_) => return Ok(false),
        };
        let columns = rows.columns().clone();
        for row in rows.take(ROWS_MAX) {
            let Ok(row) = row else {
                return Ok(false);
            };
            if row.len() != columns.len() {
                return Err("a row of the wrong width".to_owned());
            }
            for (value, column) in row.iter().zip(columns.iter()) {
                if !value.fits(&column.ty) {
                    return Err(format!("{value:?} is no {}", column.ty));
                }
            }
        }
    }
    Ok(true)
}
