//! Text from `-c`, `-f` and standard input.

use std::io::{self, Read};
use std::path::Path;

use crate::app::{App, Failure};
use crate::args::Work;
use crate::lexer::{self, Piece};
use crate::report;
use crate::shell;

/// Runs the work of the command line in order; stops at the first failure.
pub fn run_all(app: &mut App, work: &[Work]) -> Result<(), Failure> {
    for item in work {
        match item {
            Work::Text(text) if text.trim_start().starts_with('\\') => run_text(app, text)?,
            // One request, as psql sends it: without transaction commands one transaction.
            Work::Text(text) => app.run(text)?,
            Work::File(path) => run_file(app, path)?,
        }
    }
    Ok(())
}

/// Runs a file, or standard input for `-`, statement by statement.
pub fn run_file(app: &mut App, path: &Path) -> Result<(), Failure> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    match text {
        Ok(text) => run_text(app, text.strip_prefix('\u{feff}').unwrap_or(&text)),
        Err(error) => {
            let error = heliosdb::Error::io(format!("read \"{}\"", path.display()), error);
            report::error(&error, None, &app.look.styles);
            Err(Failure::Statement)
        }
    }
}

/// Runs statements and backslash commands one by one; stops at the first failure.
pub fn run_text(app: &mut App, text: &str) -> Result<(), Failure> {
    let mut rest = text;
    loop {
        match lexer::first_piece(rest) {
            Piece::Statement(statement, end) => {
                rest = &rest[end..];
                if lexer::mentions(statement, &["COPY", "FROM", "STDIN"]) {
                    let (data, after) = inline_data(rest);
                    let data = io::Cursor::new(data.to_owned());
                    app.connection.lock().set_copy_input(Some(Box::new(data)));
                    app.run_with_streams(statement)?;
                    rest = after;
                } else if !lexer::is_blank(statement) {
                    app.run(statement)?;
                }
            }
            Piece::Meta {
                before,
                line,
                rest: after,
            } => {
                match shell::meta(app, before, line)? {
                    shell::Next::Leave => return Ok(()),
                    shell::Next::GoOn => {}
                }
                rest = &rest[after..];
            }
            Piece::Unfinished(left) if lexer::is_blank(left) => return Ok(()),
            Piece::Unfinished(left) => return app.run(left),
        }
    }
}

/// The lines of data behind `COPY … FROM STDIN;`, up to a line `\.` or the end, and what follows.
fn inline_data(rest: &str) -> (&str, &str) {
    let begin = rest.find('\n').map_or(rest.len(), |at| at + 1);
    let data = &rest[begin..];
    let mut at = 0;
    for line in data.split_inclusive('\n') {
        if line.trim_end() == "\\." {
            return (&data[..at], &data[at + line.len()..]);
        }
        at += line.len();
    }
    (data, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_data_ends_at_its_mark() {
        assert_eq!(
            inline_data("\n1\t2\n\\.\nselect 1;"),
            ("1\t2\n", "select 1;")
        );
        assert_eq!(inline_data(" -- x\n1"), ("1", ""));
        assert_eq!(inline_data(""), ("", ""));
    }
}
