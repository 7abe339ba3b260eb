//! Widths: of text, of columns, and how a table is made to fit.

use nu_ansi_term::{Color, Style};
use unicode_width::UnicodeWidthStr;

use super::{Cell, Column};

/// No column is made narrower than this to fit a terminal.
const NARROWEST: usize = 10;

/// Colours and weights; all plain when colour is off.
#[derive(Clone, Copy, Debug, Default)]
pub struct Styles {
    /// Column names.
    pub header: Style,
    /// NULL.
    pub null: Style,
    /// Rules and separators.
    pub rule: Style,
    /// `ERROR` and the caret.
    pub error: Style,
    /// Hints, notices, timings.
    pub aside: Style,
}

impl Styles {
    /// The styles of a terminal with colours.
    pub fn coloured() -> Self {
        Self {
            header: Style::new().bold(),
            null: Style::new().fg(Color::DarkGray).italic(),
            rule: Style::new().fg(Color::DarkGray),
            error: Style::new().fg(Color::Red).bold(),
            aside: Style::new().fg(Color::DarkGray),
        }
    }
}

/// Terminal columns that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The widest line of `text`.
pub fn widest_line(text: &str) -> usize {
    text.split('\n').map(width).max().unwrap_or(0)
}

/// The widths that leave every cell unwrapped.
pub fn natural_widths(columns: &[Column], rows: &[Vec<Cell>], null: &str) -> Vec<usize> {
    let mut widths: Vec<usize> = columns
        .iter()
        .map(|column| widest_line(&column.name))
        .collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            let cell = cell.as_deref().unwrap_or(null);
            *width = (*width).max(widest_line(cell));
        }
    }
    widths
}

/// Narrows the widest columns until the table fits `terminal`, or `None` when it cannot.
pub fn fit(columns: &[Column], natural: &[usize], terminal: usize) -> Option<Vec<usize>> {
    // Each column takes a blank on either side and, but for the last, a bar.
    let frame = columns.len() * 3;
    let mut widths = natural.to_vec();
    let mut excess = (widths.iter().sum::<usize>() + frame).saturating_sub(terminal + 1);
    while excess > 0 {
        let widest = widths.iter().copied().max()?;
        if widest <= NARROWEST {
            return None;
        }
        let second = widths
            .iter()
            .copied()
            .filter(|w| *w < widest)
            .max()
            .unwrap_or(NARROWEST);
        let holders = widths.iter().filter(|w| **w == widest).count();
        let floor = second.max(NARROWEST);
        // Cut all the widest columns alike, down to the next widest or until it fits.
        let cut = (widest - floor).min(excess.div_ceil(holders)).max(1);
        for width in widths.iter_mut().filter(|w| **w == widest) {
            let step = cut.min(excess);
            *width -= step;
            excess -= step;
        }
    }
    Some(widths)
}

/// Cuts `text` into pieces of at most `limit` terminal columns, at line ends first. The flag says
/// whether the piece goes on in the next one without a line end.
pub fn wrap(text: &str, limit: usize) -> Vec<(&str, bool)> {
    let mut pieces = Vec::new();
    for line in text.split('\n') {
        let mut rest = line;
        while width(rest) > limit {
            let mut end = 0;
            let mut taken = 0;
            for (at, character) in rest.char_indices() {
                let columns = width(character.encode_utf8(&mut [0; 4]));
                if taken + columns > limit && at > 0 {
                    break;
                }
                taken += columns;
                end = at + character.len_utf8();
            }
            let (piece, tail) = rest.split_at(end);
            pieces.push((piece, true));
            rest = tail;
        }
        pieces.push((rest, false));
    }
    pieces
}

/// Control characters would disturb the table or the terminal; they are shown as escapes.
pub fn printable(text: &str) -> std::borrow::Cow<'_, str> {
    if text.chars().any(|c| c.is_control() && c != '\n') {
        let mut shown = String::with_capacity(text.len() + 8);
        for character in text.chars() {
            match character {
                '\n' => shown.push('\n'),
                '\t' => shown.push_str("        "),
                '\r' => shown.push_str("\\r"),
                c if c.is_control() => shown.push_str(&format!("\\x{:02X}", u32::from(c))),
                c => shown.push(c),
            }
        }
        shown.into()
    } else {
        text.into()
    }
}
