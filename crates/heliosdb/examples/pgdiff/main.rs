//! Compares HeliosDB with a real PostgreSQL 15, statement by statement.
//!
//! `cargo run -p heliosdb --example pgdiff [-- OPTIONS] [FILE…]`
//!
//! Starts a PostgreSQL server of its own in a temporary directory, gives both databases the same
//! statements in the same session, and compares rows (in order where the statement orders them),
//! column names and types, command tags, SQLSTATEs and the state of the transaction. Without files
//! it runs those in `tests/postgresql` and then generated statements. Prints the rate of each
//! file; the exit status says whether every difference was an accepted one. Without a PostgreSQL
//! on this machine it says so and succeeds.
//!
//! - `--show N`: print the first N differences of each file (10)
//! - `--answers`: print every statement with both answers
//! - `--messages`: print error messages that are worded differently
//! - `--generate N`: how many statements to generate (6000; none where files are given)
//! - `--seed N`: the seed to generate from (1)

mod accepted;
mod answer;
mod compare;
mod generate;
mod helios;
mod postgres;
mod script;
mod wire;

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use answer::{Answer, Outcome};
use script::Statement;

/// What to do, from the command line.
struct Options {
    show: usize,
    answers: bool,
    messages: bool,
    generate: usize,
    seed: u64,
    files: Vec<PathBuf>,
}

/// How a file went.
#[derive(Default)]
struct Tally {
    same: usize,
    accepted: usize,
    different: usize,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.same += other.same;
        self.accepted += other.accepted;
        self.different += other.different;
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let options = options()?;
    let Some(server) = postgres::Server::start()? else {
        println!("skipped: there is no PostgreSQL on this machine");
        return Ok(ExitCode::SUCCESS);
    };
    println!(
        "{:<32}{:>8}{:>10}{:>11}",
        "file", "same", "accepted", "different"
    );
    let keys = accepted::keys();
    let mut total = Tally::default();
    for file in &options.files {
        let name = file
            .file_stem()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let statements = script::statements(&std::fs::read_to_string(file)?);
        let tally = run(&server, &name, &statements, &keys, &options)?;
        print(&name, &tally);
        total.add(&tally);
    }
    for (at, statements) in generate::batches(options.seed, options.generate).enumerate() {
        let name = format!("generated {}.{at}", options.seed);
        let tally = run(&server, &name, &statements, &keys, &options)?;
        print(&name, &tally);
        total.add(&tally);
    }
    print("all", &total);
    Ok(if total.different == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options {
        show: 10,
        answers: false,
        messages: false,
        generate: 0,
        seed: 1,
        files: Vec::new(),
    };
    let mut given = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--show" => options.show = number(arguments.next())?,
            "--generate" => given = Some(number(arguments.next())?),
            "--seed" => options.seed = number(arguments.next())?,
            "--answers" => options.answers = true,
            "--messages" => options.messages = true,
            file => options.files.push(PathBuf::from(file)),
        }
    }
    options.generate = given.unwrap_or(if options.files.is_empty() { 6000 } else { 0 });
    if options.files.is_empty() && given.is_none() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/postgresql");
        options.files = std::fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        options
            .files
            .retain(|path| path.extension().is_some_and(|end| end == "sql"));
        options.files.sort();
    }
    Ok(options)
}

fn number<N: std::str::FromStr>(text: Option<String>) -> Result<N, &'static str> {
    text.and_then(|text| text.parse().ok())
        .ok_or("a number is missing behind an option")
}

fn print(name: &str, tally: &Tally) {
    println!(
        "{name:<32}{:>8}{:>10}{:>11}",
        tally.same, tally.accepted, tally.different
    );
}

/// Runs the statements in both databases, in one session each.
fn run(
    server: &postgres::Server,
    name: &str,
    statements: &[Statement],
    keys: &BTreeSet<&str>,
    options: &Options,
) -> Result<Tally, Box<dyn Error>> {
    let mut postgres = server.session(name)?;
    let mut helios = helios::Session::open()?;
    let mut tally = Tally::default();
    for statement in statements {
        let theirs = postgres.ask(&statement.sql, statement.stdin.as_deref())?;
        let ours = helios.ask(&statement.sql, statement.stdin.as_deref());
        let difference = compare::difference(&statement.sql, &theirs, &ours);
        if let Some(key) = &statement.differs
            && !keys.contains(key.as_str())
        {
            return Err(format!(
                "{name}:{}: no such accepted difference: {key}",
                statement.line
            )
            .into());
        }
        let accepted = match &statement.differs {
            None if difference.is_some() && name.starts_with("generated") => {
                accepted::of_generated(&statement.sql, &theirs, &ours).map(str::to_owned)
            }
            given => given.clone(),
        };
        let verdict = match (difference, &accepted) {
            (None, None) => {
                tally.same += 1;
                None
            }
            (Some(_), Some(_)) => {
                tally.accepted += 1;
                None
            }
            (None, Some(_)) => Some("does not differ any more"),
            (Some(what), None) => Some(what),
        };
        if let Some(what) = verdict {
            tally.different += 1;
            if tally.different <= options.show || what == "crash" {
                report(name, statement, what, &theirs, &ours);
            }
        } else if options.answers || (options.messages && worded_differently(&theirs, &ours)) {
            report(name, statement, "", &theirs, &ours);
        }
        if matches!(ours.outcome, Outcome::Crashed(_)) {
            helios = helios::Session::open()?;
        }
    }
    Ok(tally)
}

fn worded_differently(theirs: &Answer, ours: &Answer) -> bool {
    match (&theirs.outcome, &ours.outcome) {
        (Outcome::Failed { message, .. }, Outcome::Failed { message: our, .. }) => message != our,
        _ => false,
    }
}

fn report(name: &str, statement: &Statement, what: &str, theirs: &Answer, ours: &Answer) {
    println!("  {name}:{} {what}", statement.line);
    println!("    {}", statement.sql.replace('\n', "\n    "));
    println!(
        "    PostgreSQL {}: {}",
        theirs.status,
        theirs.outcome.describe()
    );
    println!(
        "    HeliosDB   {}: {}",
        ours.status,
        ours.outcome.describe()
    );
}
