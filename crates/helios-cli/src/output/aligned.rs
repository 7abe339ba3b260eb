//! psql's aligned tables, wrapped to the terminal.

use std::io::{self, Write};

use super::layout::{printable, width, wrap};
use super::{Cell, Column, Kind, Look};

/// Writes the names and the rule below them.
pub fn header(
    out: &mut dyn Write,
    look: &Look,
    columns: &[Column],
    widths: &[usize],
) -> io::Result<()> {
    let names: Vec<Vec<(&str, bool)>> = columns
        .iter()
        .zip(widths)
        .map(|(column, limit)| wrap(&column.name, (*limit).max(1)))
        .collect();
    let height = names.iter().map(Vec::len).max().unwrap_or(1);
    for line in 0..height {
        for (index, pieces) in names.iter().enumerate() {
            let piece = pieces.get(line).map_or("", |piece| piece.0);
            let room = widths[index].saturating_sub(width(piece));
            let left = room / 2;
            let bar = if index == 0 { "" } else { "|" };
            write!(out, "{}", look.styles.rule.paint(bar))?;
            let last = index + 1 == names.len();
            let right = if last { 0 } else { room - left + 1 };
            write!(
                out,
                " {:left$}{}{:right$}",
                "",
                look.styles.header.paint(piece),
                ""
            )?;
        }
        writeln!(out)?;
    }
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    writeln!(out, "{}", look.styles.rule.paint(rule.join("+")))
}

/// Writes one row, on several lines where cells have line ends or do not fit.
pub fn row(
    out: &mut dyn Write,
    look: &Look,
    columns: &[Column],
    widths: &[usize],
    cells: &[Cell],
) -> io::Result<()> {
    let shown: Vec<_> = cells
        .iter()
        .map(|cell| printable(cell.as_deref().unwrap_or(&look.null)))
        .collect();
    let wrapped: Vec<Vec<(&str, bool)>> = shown
        .iter()
        .zip(widths)
        .map(|(text, limit)| wrap(text, (*limit).max(1)))
        .collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(1);
    for line in 0..height {
        for (index, pieces) in wrapped.iter().enumerate() {
            let (piece, goes_on) = pieces.get(line).copied().unwrap_or(("", false));
            let room = widths[index].saturating_sub(width(piece));
            let last = index + 1 == wrapped.len();
            let to_the_right = columns[index].kind == Kind::Number;
            let (left, right) = if to_the_right { (room, 0) } else { (0, room) };
            let style = if cells[index].is_none() {
                look.styles.null
            } else {
                Default::default()
            };
            let bar = if index == 0 { "" } else { "|" };
            write!(out, "{} {:left$}", look.styles.rule.paint(bar), "")?;
            write!(out, "{}", style.paint(piece))?;
            // psql marks a wrapped line with a dot and a line end inside a cell with a plus.
            let mark = match (goes_on, line + 1 < pieces.len()) {
                (true, _) => ".",
                (false, true) => "+",
                (false, false) => " ",
            };
            // Blanks at the end of a line say nothing.
            if !last || mark != " " {
                write!(out, "{:right$}{mark}", "")?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}
