//! Scripts whose answers PostgreSQL has given: `golden/*.sql`, answers in `golden/*.out` (written
//! anew by `golden.sh`). Rows, messages, SQLSTATEs, details, hints and constraint names must agree.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::fmt::Write;
use std::path::Path;

use heliosdb::{Connection, Database, Error, Outcome};

/// Runs a script and compares what `psql` would have shown.
fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let read = |ending: &str| std::fs::read_to_string(folder.join(format!("{name}.{ending}")));
    let (script, expected) = (read("sql").expect("script"), read("out").expect("answers"));
    let mut connection = Database::open_in_memory()
        .expect("open")
        .connect()
        .expect("connect");
    let mut wrong = String::new();
    let mut rest = expected.as_str();
    let mut count = 0;
    let mut failed = 0;
    for statement in statements(&script) {
        count += 1;
        rest = rest.strip_prefix(statement).unwrap_or_else(|| {
            panic!("{name}.out lacks the statement {statement}; run tests/golden.sh")
        });
        rest = rest.strip_prefix('\n').unwrap_or(rest);
        let end = next_statement(rest, &script, statement).unwrap_or(rest.len());
        let (wanted, after) = rest.split_at(end);
        let found = answer(&mut connection, statement);
        if found != wanted {
            failed += 1;
            writeln!(wrong, "{statement}\n-- expected\n{wanted}-- found\n{found}").expect("write");
        }
        rest = after;
    }
    assert!(
        wrong.is_empty(),
        "{failed} of {count} statements of {name}:\n{wrong}"
    );
}

/// Statements end with a semicolon at the end of a line.
fn statements(script: &str) -> impl Iterator<Item = &str> {
    script
        .split_inclusive(";\n")
        .map(str::trim_end)
        .filter(|statement| !statement.is_empty())
}

/// Where the statement after `statement` is echoed.
fn next_statement(rest: &str, script: &str, statement: &str) -> Option<usize> {
    // Both point into the same text.
    let after = statement.as_ptr() as usize + statement.len() - script.as_ptr() as usize;
    let next = statements(script.get(after..)?.trim_start()).next()?;
    if rest.starts_with(next) {
        return Some(0);
    }
    rest.find(&format!("\n{next}\n")).map(|at| at + 1)
}

fn answer(connection: &mut Connection, statement: &str) -> String {
    match run(connection, statement) {
        Ok(rows) => rows,
        Err(error) => show(&error),
    }
}

fn run(connection: &mut Connection, statement: &str) -> Result<String, Error> {
    let context = connection.text_context();
    let Outcome::Rows(rows) = connection.run(statement, ())? else {
        return Ok(String::new());
    };
    let types: Vec<_> = rows
        .columns()
        .iter()
        .map(|column| column.ty.clone())
        .collect();
    let mut text = String::new();
    for row in rows {
        let row = row?;
        for (at, (value, ty)) in row.iter().zip(&types).enumerate() {
            if at > 0 {
                text.push('|');
            }
            if value.is_null() {
                text += "NULL";
            } else {
                value.write_text(ty, &context, &mut text);
            }
        }
        text.push('\n');
    }
    Ok(text)
}

fn show(error: &Error) -> String {
    let mut text = format!("ERROR:  {}: {}\n", error.sqlstate(), error.message());
    let parts = [
        ("DETAIL:  ", error.detail()),
        ("HINT:  ", error.hint()),
        ("CONSTRAINT NAME:  ", error.constraint()),
    ];
    for (label, part) in parts {
        if let Some(part) = part {
            writeln!(text, "{label}{part}").expect("write");
        }
    }
    text
}

#[test]
fn enums() {
    check("enum");
}

#[test]
fn domains() {
    check("domain");
}

#[test]
fn composites() {
    check("composite");
}

#[test]
fn row_level_security() {
    check("row_security");
}

/// What drivers and their tests ask.
#[test]
fn clients() {
    check("clients");
}

/// What `psql` asks for `\d` and its kin.
#[test]
fn psql_describes() {
    check("psql");
}

/// What else `psql` asks: answers differ from PostgreSQL's in numbers, sizes and what is built in,
/// but there must be one.
#[test]
fn psql_queries_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("script");
    let mut connection = Database::open_in_memory()
        .expect("open")
        .connect()
        .expect("connect");
    let schema = read("psql.sql");
    let made = statements(&schema).filter(|statement| !statement.starts_with("SELECT"));
    for statement in made {
        answer(&mut connection, statement);
    }
    let mut wrong = String::new();
    for statement in statements(&read("runs.txt")) {
        if let Err(error) = run(&mut connection, statement) {
            writeln!(wrong, "{statement}\n{}", show(&error)).expect("write");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Views, constraints, defaults and indexes as PostgreSQL shows them.
#[test]
fn definitions() {
    check("definitions");
}

/// Functions and aggregates that need more than a table of types.
#[test]
fn functions() {
    check("functions");
}

#[test]
fn privileges() {
    check("privileges");
}
