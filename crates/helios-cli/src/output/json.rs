//! One array of objects per result set, a row per line.
//!
//! Numbers, booleans and JSON values stand as they are; `NaN` and the infinities, which JSON
//! lacks, and everything else are strings.

use std::io::{self, Write};

use super::{Cell, Column, Kind};

/// Opens the array.
pub fn open(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"[")
}

/// Writes one row as an object with the columns in order.
pub fn row(out: &mut dyn Write, columns: &[Column], cells: &[Cell], first: bool) -> io::Result<()> {
    out.write_all(if first { b"\n{" } else { b",\n{" })?;
    for (index, (column, cell)) in columns.iter().zip(cells).enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        string(out, &column.name)?;
        out.write_all(b":")?;
        match (cell, column.kind) {
            (None, _) => out.write_all(b"null")?,
            (Some(text), Kind::Number) if is_number(text) => out.write_all(text.as_bytes())?,
            (Some(text), Kind::Bool) => {
                out.write_all(if text.starts_with('t') {
                    b"true"
                } else {
                    b"false"
                })?;
            }
            (Some(text), Kind::Json) => out.write_all(text.as_bytes())?,
            (Some(text), _) => string(out, text)?,
        }
    }
    out.write_all(b"}")
}

/// Closes the array.
pub fn close(out: &mut dyn Write, rows: usize) -> io::Result<()> {
    out.write_all(if rows == 0 { b"]\n" } else { b"\n]\n" })
}

fn is_number(text: &str) -> bool {
    text.bytes()
        .next_back()
        .is_some_and(|byte| byte.is_ascii_digit())
}

fn string(out: &mut dyn Write, text: &str) -> io::Result<()> {
    out.write_all(b"\"")?;
    for character in text.chars() {
        match character {
            '"' => out.write_all(b"\\\"")?,
            '\\' => out.write_all(b"\\\\")?,
            '\n' => out.write_all(b"\\n")?,
            '\r' => out.write_all(b"\\r")?,
            '\t' => out.write_all(b"\\t")?,
            c if u32::from(c) < 0x20 => write!(out, "\\u{:04x}", u32::from(c))?,
            c => out.write_all(c.encode_utf8(&mut [0; 4]).as_bytes())?,
        }
    }
    out.write_all(b"\"")
}
