//! The script format.
//!
//! ```text
//! # a comment
//! > SELECT 1 AS one,
//! >        NULL;
//! 1|NULL
//!
//! [other] > BEGIN;
//! BEGIN
//! ```
//!
//! Each block, up to a line that ends in `;`, runs its text in the named session (`main` if none is named) and is followed by the
//! rows, with columns between `|`, the tags of statements without rows, notices, or the error.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use helios_sql::{Engine, EngineOptions, Outcome, Session, SessionOptions};

/// Runs the script at `path`; returns what differs.
pub fn run(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("a readable script");
    let engine = Engine::open_in_memory(EngineOptions::default()).expect("an engine");
    let mut sessions: HashMap<String, Session> = HashMap::new();
    let mut failures = Vec::new();
    let mut completed = String::new();
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while at < lines.len() {
        let Some((session, _)) = statement_line(lines[at]) else {
            completed.push_str(lines[at]);
            completed.push('\n');
            at += 1;
            continue;
        };
        let first = at;
        let mut sql = String::new();
        while let Some((same, part)) = lines.get(at).copied().and_then(statement_line) {
            if same != session {
                break;
            }
            completed.push_str(lines[at]);
            completed.push('\n');
            sql.push_str(part);
            sql.push('\n');
            at += 1;
            if part.trim_end().ends_with(';') {
                break;
            }
        }
        let mut expected = String::new();
        while at < lines.len() && !lines[at].is_empty() && statement_line(lines[at]).is_none() {
            expected.push_str(lines[at]);
            expected.push('\n');
            at += 1;
        }
        let session = sessions.entry(session.to_owned()).or_insert_with(|| {
            let mut options = SessionOptions::default();
            // A script that waits for itself fails instead of hanging.
            options.settings = vec![("lock_timeout".to_owned(), "2s".to_owned())];
            engine.session(options).expect("a session")
        });
        let actual = answer(session, &sql);
        completed.push_str(&actual);
        if actual != expected {
            failures.push(format!(
                "{}:{}: {sql}expected:\n{expected}actual:\n{actual}",
                path.display(),
                first + 1
            ));
        }
    }
    if std::env::var_os("HELIOS_COMPLETE").is_some() {
        std::fs::write(path, completed).expect("a writable script");
        return Vec::new();
    }
    failures
}

/// The session and the text of a line that belongs to a statement.
fn statement_line(line: &str) -> Option<(&str, &str)> {
    if let Some(text) = line.strip_prefix("> ") {
        return Some(("main", text));
    }
    let (name, text) = line.strip_prefix('[')?.split_once("] > ")?;
    Some((name, text))
}

/// What the session answers, a line each.
fn answer(session: &mut Session, sql: &str) -> String {
    let mut out = String::new();
    let mut results = Vec::new();
    for outcome in session.execute(sql) {
        results.push(outcome.and_then(|outcome| {
            let mut shown = Vec::new();
            match outcome {
                Outcome::Rows(mut rows) => {
                    let columns = rows.columns().clone();
                    for row in rows.collect_rows()? {
                        shown.push((columns.clone(), row));
                    }
                    if shown.is_empty() {
                        return Ok((Some(rows.completion().to_string()), shown));
                    }
                    Ok((None, shown))
                }
                Outcome::Done(done) => Ok((Some(done.to_string()), shown)),
                _ => Ok((None, shown)),
            }
        }));
    }
    let context = session.text_context();
    for notice in session.take_notices() {
        let _ = writeln!(out, "{}: {}", notice.severity, notice.message);
    }
    for result in results {
        match result {
            Ok((tag, rows)) => {
                for (columns, row) in rows {
                    let fields: Vec<String> = row
                        .iter()
                        .zip(columns.iter())
                        .map(|(value, column)| {
                            if value.is_null() {
                                "NULL".to_owned()
                            } else {
                                value.to_text(&column.ty, &context)
                            }
                        })
                        .collect();
                    let _ = writeln!(out, "{}", fields.join("|"));
                }
                if let Some(tag) = tag {
                    let _ = writeln!(out, "{tag}");
                }
            }
            Err(error) => {
                let _ = writeln!(out, "ERROR {}: {}", error.sqlstate(), error.message());
                if let Some(detail) = error.detail() {
                    let _ = writeln!(out, "DETAIL: {detail}");
                }
            }
        }
    }
    out
}
