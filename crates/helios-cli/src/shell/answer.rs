//! Queries of the shell's own, for commands that show what the database says in another form.

use heliosdb::{DataType, Error, Params};

use crate::app::{App, Failure};
use crate::output::{Cell, Column, Kind, ResultWriter};
use crate::report;

/// Runs a query and gives its rows as text; an error is shown.
pub fn rows(app: &mut App, sql: &str, params: impl Params) -> Result<Vec<Vec<Cell>>, Failure> {
    match read(app, sql, params) {
        Ok(rows) => Ok(rows),
        Err(error) => {
            // The position is one in a query that nobody typed.
            report::error(&error, None, &app.look.styles);
            Err(Failure::Statement)
        }
    }
}

fn read(app: &mut App, sql: &str, params: impl Params) -> Result<Vec<Vec<Cell>>, Error> {
    let mut connection = app.connection.lock();
    let context = connection.text_context();
    let rows = connection.query(sql, params)?;
    let types: Vec<DataType> = rows
        .columns()
        .iter()
        .map(|column| column.ty.clone())
        .collect();
    let mut all = Vec::new();
    for row in rows {
        let row = row?;
        let cells = row.values().iter().zip(&types);
        all.push(
            cells
                .map(|(value, ty)| (!value.is_null()).then(|| value.to_text(ty, &context)))
                .collect(),
        );
    }
    Ok(all)
}

/// Runs a statement for its effect; an error is shown, and so are notices.
pub fn execute(app: &mut App, sql: &str) -> Result<(), Failure> {
    let mut connection = app.connection.lock();
    let result = connection.execute_batch(sql);
    report::notices(&connection.take_notices(), &app.look.styles);
    drop(connection);
    result.map_err(|error| {
        report::error(&error, None, &app.look.styles);
        Failure::Statement
    })
}

/// What stands below a table of the shell's own.
#[derive(Clone, Copy)]
pub enum Footer {
    /// As below every result: `(3 rows)`.
    Rows,
    /// `(3 branches)`, by the words for one and for many.
    Count(&'static str, &'static str),
    /// Nothing: how many lines there are says nothing.
    Nothing,
}

/// Writes a table with a title.
pub fn table(
    app: &mut App,
    title: &str,
    names: &[&str],
    rows: Vec<Vec<Cell>>,
    footer: Footer,
) -> std::io::Result<()> {
    let plain = app.look.format.is_machine() || app.look.tuples_only;
    if !plain {
        let title = app.look.styles.header.paint(title).to_string();
        app.say(&title)?;
    }
    let count = rows.len();
    let columns = names
        .iter()
        .map(|name| Column {
            name: (*name).to_owned(),
            kind: Kind::Text,
        })
        .collect();
    let mut look = app.look.clone();
    look.null = String::new();
    let mut out = Vec::new();
    let mut writer = ResultWriter::new(&mut out, &look, columns)?;
    for row in rows {
        writer.row(row)?;
    }
    writer.finish()?;
    let mut text = String::from_utf8_lossy(&out).into_owned();
    if !plain && !matches!(footer, Footer::Rows) {
        let end = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
        text.truncate(end);
        if let Footer::Count(one, many) = footer {
            let noun = if count == 1 { one } else { many };
            text.push_str(&format!("({count} {noun})\n"));
        }
    }
    app.say(text.trim_end())?;
    match footer {
        // More about the same thing follows.
        Footer::Nothing => Ok(()),
        _ if app.look.format.is_machine() => Ok(()),
        Footer::Rows | Footer::Count(..) => app.say(""),
    }
}

/// A cell's text; empty for NULL.
pub fn text(row: &[Cell], column: usize) -> &str {
    row.get(column)
        .and_then(|cell| cell.as_deref())
        .unwrap_or("")
}

/// A change number as a log position: `0/00001A3F`.
pub fn lsn(scn: &str) -> String {
    let scn: u64 = scn.parse().unwrap_or(0);
    format!("{:X}/{:08X}", scn >> 32, scn & 0xffff_ffff)
}
