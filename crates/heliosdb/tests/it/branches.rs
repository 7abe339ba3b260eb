//! Guards what branches, diffs and merges answer: scripts with their expected output, each case on
//! a new database in memory.
//!
//! A case begins with `-- case: name`; statements are followed by what they answer, in lines that begin
//! with `--> `. `HELIOS_BLESS=1` writes the present answers into the files.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use heliosdb::{Connection, Database, Outcome, TextContext, Value};

#[test]
fn scripts_answer_as_written() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/branches");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "sql"))
        .collect();
    files.sort();
    let only = std::env::var("HELIOS_CASE").ok();
    let mut cases = 0;
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut written = String::new();
        let mut connection = None;
        let mut name = String::new();
        let mut statement = String::new();
        for line in text.lines() {
            if line.starts_with("--> ") || line == "-->" {
                continue;
            }
            let _ = writeln!(written, "{line}");
            if let Some(case) = line.strip_prefix("-- case: ") {
                case.clone_into(&mut name);
                connection = Some(Database::open_in_memory().unwrap().connect().unwrap());
                cases += 1;
                continue;
            }
            if line.starts_with("--") || line.trim().is_empty() && statement.is_empty() {
                continue;
            }
            statement.push_str(line);
            statement.push('\n');
            if line.trim_end().ends_with(';') {
                let connection = connection.as_mut().expect("a case");
                for answer in run(connection, statement.trim()) {
                    let _ = writeln!(written, "--> {answer}");
                }
                statement.clear();
            }
        }
        assert!(
            statement.is_empty(),
            "{}: unfinished statement",
            file.display()
        );
        if written == text {
            continue;
        }
        if std::env::var("HELIOS_BLESS").is_ok() {
            std::fs::write(&file, &written).unwrap();
            continue;
        }
        let (mut case, mut pairs) = (String::new(), text.lines().zip(written.lines()));
        for (old, new) in pairs.by_ref() {
            if let Some(name) = old.strip_prefix("-- case: ") {
                name.clone_into(&mut case);
            }
            if old != new {
                wrong.push(format!("{} / {case}:\n  {old}\n  {new}", file.display()));
                break;
            }
        }
        let _ = (&only, &name);
    }
    println!("{cases} cases");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn run(connection: &mut Connection, statement: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let outcome = connection.run(statement.trim_end_matches(';'), ());
    match outcome {
        Ok(Outcome::Rows(mut rows)) => {
            let columns = rows.columns().clone();
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            lines.push(names.join(" | "));
            let context = TextContext::default();
            loop {
                match rows.next_row() {
                    Ok(Some(row)) => {
                        let cells = row.iter().zip(columns.iter());
                        let cells: Vec<String> = cells
                            .map(|(value, column)| match value {
                                Value::Null => "NULL".to_owned(),
                                value => value.to_text(&column.ty, &context),
                            })
                            .collect();
                        lines.push(cells.join(" | ").replace('\n', "\\n"));
                    }
                    Ok(None) => break,
                    Err(error) => {
                        lines.push(format!("{} {}", error.sqlstate(), error.message()));
                        break;
                    }
                }
            }
        }
        Ok(Outcome::Done(_)) => {}
        Err(error) => {
            lines.push(format!("{} {}", error.sqlstate(), error.message()));
            if let Some(detail) = error.detail() {
                lines.extend(detail.lines().map(|line| format!("  {line}")));
            }
            if let Some(hint) = error.hint() {
                lines.push(format!("  hint: {hint}"));
            }
        }
        #[allow(unreachable_patterns, reason = "the enum may grow")]
        Ok(_) => lines.push("?".into()),
    }
    for notice in connection.take_notices() {
        lines.push(format!("{}: {}", notice.severity, untimed(&notice.message)));
    }
    lines
}

/// How long something took is for people only.
fn untimed(message: &str) -> String {
    const TIME: &str = "estimated time: ";
    match message.split_once(TIME) {
        Some((before, rest)) => {
            let rest = rest.split_once(' ').map_or("", |(_, rest)| rest);
            format!("{before}{TIME}some {rest}")
        }
        None => message.to_owned(),
    }
}
