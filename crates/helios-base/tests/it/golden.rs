//! Golden files: one case a line, fields separated by tabs, the last one what PostgreSQL 15 says:
//! the text of the result, or `!SQLSTATE message`, then ` | detail` if there is one.

use helios_base::{Error, Result};

/// Runs `case` on every line of a golden file, given the fields before the last, and reports all
/// lines that differ.
pub fn check(name: &str, text: &str, mut case: impl FnMut(&[&str]) -> Result<String>) {
    let mut failures = Vec::new();
    let mut lines = 0;
    for (number, line) in text.lines().enumerate() {
        let fields: Vec<&str> = line.split('\t').collect();
        let (expected, input) = fields.split_last().expect("a line has fields");
        lines += 1;
        let got = case(input).unwrap_or_else(|error| show(&error));
        let expected = unescape(expected);
        if got != expected {
            failures.push(format!(
                "{name}:{}: {input:?}\n  expected {expected}\n       got {got}",
                number + 1
            ));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {lines} lines differ\n{}",
        failures.len(),
        failures[..failures.len().min(60)].join("\n")
    );
}

fn show(error: &Error) -> String {
    let mut text = format!("!{} {error}", error.sqlstate());
    if let Some(detail) = error.detail() {
        text.push_str(" | ");
        text.push_str(detail);
    }
    text
}

/// Undoes the escapes of `COPY … TO`.
pub fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\x08',
            Some('f') => '\x0C',
            Some('v') => '\x0B',
            Some(other) => other,
            None => '\\',
        });
    }
    out
}
