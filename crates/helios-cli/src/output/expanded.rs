//! Records, one column per line: `\x`.

use std::io::{self, Write};

use super::layout::{printable, width, wrap};
use super::{Cell, Column, Look};

/// Writes one record.
pub fn record(
    out: &mut dyn Write,
    look: &Look,
    columns: &[Column],
    cells: &[Cell],
    number: usize,
) -> io::Result<()> {
    let names = columns
        .iter()
        .map(|column| width(&column.name))
        .max()
        .unwrap_or(0);
    if look.tuples_only {
        if number > 1 {
            writeln!(out)?;
        }
    } else {
        let title = format!("-[ RECORD {number} ]");
        let rest = (names + 1).saturating_sub(title.len());
        let rule = format!("{title}{}+{}", "-".repeat(rest), "-".repeat(20));
        writeln!(out, "{}", look.styles.rule.paint(rule))?;
    }
    let room = look
        .width
        .map_or(usize::MAX, |width| width.saturating_sub(names + 4).max(10));
    for (column, cell) in columns.iter().zip(cells) {
        let text = printable(cell.as_deref().unwrap_or(&look.null));
        let style = if cell.is_none() {
            look.styles.null
        } else {
            Default::default()
        };
        for (line, (piece, _)) in wrap(&text, room).into_iter().enumerate() {
            let name = if line == 0 { column.name.as_str() } else { "" };
            let pad = names - width(name);
            writeln!(
                out,
                "{}{:pad$} {} {}",
                look.styles.header.paint(name),
                "",
                look.styles.rule.paint("|"),
                style.paint(piece)
            )?;
        }
    }
    Ok(())
}
