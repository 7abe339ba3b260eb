//! Comma-separated values (RFC 4180); NULL is the empty field, the empty string is `""`.

use std::io::{self, Write};

use super::{Cell, Column};

/// Writes the names.
pub fn header(out: &mut dyn Write, columns: &[Column]) -> io::Result<()> {
    line(out, columns.iter().map(|column| Some(column.name.as_str())))
}

/// Writes one row.
pub fn row(out: &mut dyn Write, cells: &[Cell]) -> io::Result<()> {
    line(out, cells.iter().map(|cell| cell.as_deref()))
}

fn line<'a>(out: &mut dyn Write, fields: impl Iterator<Item = Option<&'a str>>) -> io::Result<()> {
    for (index, field) in fields.enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        let Some(text) = field else { continue };
        if text.is_empty() || text.contains([',', '"', '\n', '\r']) {
            write!(out, "\"{}\"", text.replace('"', "\"\""))?;
        } else {
            out.write_all(text.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}
