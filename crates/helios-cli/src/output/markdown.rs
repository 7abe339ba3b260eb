//! GitHub-flavoured Markdown tables.

use std::io::{self, Write};

use super::{Cell, Column, Kind};

/// Writes the names and the rule.
pub fn header(out: &mut dyn Write, columns: &[Column]) -> io::Result<()> {
    for column in columns {
        write!(out, "| {} ", escaped(&column.name))?;
    }
    out.write_all(b"|\n")?;
    for column in columns {
        let rule: &[u8] = if column.kind == Kind::Number {
            b"|---:"
        } else {
            b"|---"
        };
        out.write_all(rule)?;
    }
    out.write_all(b"|\n")
}

/// Writes one row.
pub fn row(out: &mut dyn Write, cells: &[Cell], null: &str) -> io::Result<()> {
    for cell in cells {
        write!(out, "| {} ", escaped(cell.as_deref().unwrap_or(null)))?;
    }
    out.write_all(b"|\n")
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('\n', "<br>")
}
