//! `\copy`: COPY between the database and a file on this side.

use std::fs::File;
use std::io::{BufReader, BufWriter};

use super::meta::{fail, unquoted};
use crate::app::{App, Failure};
use crate::lexer::{self, Kind};

/// Runs `\copy TABLE from|to FILE [OPTIONS]`; the file's name may stand in quotes.
pub fn run(app: &mut App, argument: &str) -> Result<(), Failure> {
    let Some(parts) = split(argument) else {
        return fail(
            app,
            "usage: \\copy TABLE [(COLUMNS)] | (QUERY) from|to FILE [OPTIONS]",
        )
        .map(drop);
    };
    let reading = parts.from;
    let path = unquoted(parts.file);
    let end = if reading { "FROM STDIN" } else { "TO STDOUT" };
    let sql = format!("COPY {} {end} {}", parts.what, parts.options);
    let connection = std::sync::Arc::clone(&app.connection);
    let opened = if reading {
        File::open(path).map(|file| {
            connection
                .lock()
                .set_copy_input(Some(Box::new(BufReader::new(file))));
        })
    } else {
        File::create(path).map(|file| {
            connection
                .lock()
                .set_copy_output(Some(Box::new(BufWriter::new(file))));
        })
    };
    if let Err(error) = opened {
        return fail(app, &format!("could not open \"{path}\": {error}")).map(drop);
    }
    let ran = app.run_with_streams(&sql);
    let mut connection = connection.lock();
    connection.set_copy_input(None);
    connection.set_copy_output(None);
    ran
}

struct Parts<'a> {
    what: &'a str,
    from: bool,
    file: &'a str,
    options: &'a str,
}

/// Finds the FROM or TO outside parentheses, and the file behind it.
fn split(argument: &str) -> Option<Parts<'_>> {
    let mut depth = 0_usize;
    for token in lexer::tokens(argument) {
        let text = &argument[token.span.clone()];
        match (token.kind, text) {
            (Kind::Symbol, "(") => depth += 1,
            (Kind::Symbol, ")") => depth = depth.saturating_sub(1),
            (Kind::Word, word) if depth == 0 => {
                let from = word.eq_ignore_ascii_case("from");
                if !from && !word.eq_ignore_ascii_case("to") {
                    continue;
                }
                let rest = argument[token.span.end..].trim_start();
                let end = match rest.strip_prefix('\'') {
                    Some(quoted) => quoted.find('\'')? + 2,
                    None => rest.find(char::is_whitespace).unwrap_or(rest.len()),
                };
                let (file, options) = rest.split_at(end);
                let what = argument[..token.span.start].trim();
                return (!what.is_empty() && !file.is_empty()).then_some(Parts {
                    what,
                    from,
                    file,
                    options: options.trim(),
                });
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_and_options_are_found() {
        let parts = split("(select * from t) to '/tmp/a b.csv' with (format csv)").unwrap();
        assert_eq!((parts.what, parts.from), ("(select * from t)", false));
        assert_eq!(
            (parts.file, parts.options),
            ("'/tmp/a b.csv'", "with (format csv)")
        );
        let parts = split("t (a, b) from x.csv csv header").unwrap();
        assert_eq!(
            (parts.what, parts.from, parts.file),
            ("t (a, b)", true, "x.csv")
        );
        assert!(split("t from").is_none());
        assert!(split("t").is_none());
    }
}
