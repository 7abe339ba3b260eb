//! Errors, notices and times, for people.

use std::time::Duration;

use heliosdb::{Error, Notice};

use crate::output::Styles;

/// Shows an error on standard error: message, SQLSTATE, the line with a caret, detail, hint
/// and context.
pub fn error(error: &Error, sql: Option<&str>, styles: &Styles) {
    eprintln!(
        "{} {} {}",
        styles.error.paint("ERROR:"),
        error.message(),
        styles.aside.paint(format!("({})", error.sqlstate()))
    );
    if let (Some(position), Some(sql)) = (error.position(), sql)
        && let Some((line, text, column)) = place(sql, position)
    {
        let head = format!("LINE {line}: ");
        eprintln!("{head}{text}");
        eprintln!("{:1$}{2}", "", head.len() + column, styles.error.paint("^"));
    }
    if let Some(detail) = error.detail() {
        eprintln!("DETAIL: {detail}");
    }
    if let Some(hint) = error.hint() {
        eprintln!("HINT: {hint}");
    }
    if let Some(context) = error.context() {
        eprintln!("CONTEXT: {context}");
    }
}

/// Shows notices on standard error.
pub fn notices(notices: &[Notice], styles: &Styles) {
    for notice in notices {
        let head = format!("{}:", notice.severity);
        eprintln!("{} {}", styles.aside.paint(head), notice.message);
        if let Some(hint) = &notice.hint {
            eprintln!("HINT: {hint}");
        }
    }
}

/// The line of `sql` that holds the character at `position` (from 1): its number, its text, and
/// the terminal column of the character in it. Long lines are cut around the place.
fn place(sql: &str, position: usize) -> Option<(usize, String, usize)> {
    const SHOWN: usize = 70;
    let mut left = position.checked_sub(1)?;
    for (number, line) in sql.split('\n').enumerate() {
        let length = line.chars().count();
        if left <= length {
            let line = line.trim_end_matches('\r').replace('\t', " ");
            let skip = left
                .saturating_sub(SHOWN / 2)
                .min(length.saturating_sub(SHOWN));
            let shown: String = line.chars().skip(skip).take(SHOWN).collect();
            let before: String = line.chars().skip(skip).take(left - skip).collect();
            let (head, pad) = if skip > 0 { ("…", 1) } else { ("", 0) };
            let tail = if skip + SHOWN < length { "…" } else { "" };
            let column = unicode_width::UnicodeWidthStr::width(before.as_str()) + pad;
            return Some((number + 1, format!("{head}{shown}{tail}"), column));
        }
        left -= length + 1;
    }
    None
}

/// A duration as people read it.
pub fn duration(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.3} ms", seconds * 1000.0)
    } else if seconds < 60.0 {
        format!("{seconds:.2} s")
    } else {
        let whole = took.as_secs();
        format!("{}:{:02} min", whole / 60, whole % 60)
    }
}

/// A number with its thousands apart.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_character() {
        let sql = "SELECT 1,\n  nam FROM t";
        assert_eq!(place(sql, 13), Some((2, "  nam FROM t".into(), 2)));
        assert_eq!(place("é x", 3), Some((1, "é x".into(), 2)));
        assert_eq!(place("a", 9), None);
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let sql = format!("SELECT {}, oops, {}", "a".repeat(200), "b".repeat(200));
        let position = sql.find("oops").unwrap() + 1;
        let (_, text, column) = place(&sql, position).unwrap();
        assert!(text.chars().count() < 80);
        assert_eq!(
            text.chars().skip(column).take(4).collect::<String>(),
            "oops"
        );
    }

    #[test]
    fn numbers_and_durations_read_well() {
        assert_eq!(thousands(63_436), "63,436");
        assert_eq!(thousands(7), "7");
        assert_eq!(duration(Duration::from_micros(1500)), "1.500 ms");
        assert_eq!(duration(Duration::from_secs(75)), "1:15 min");
    }
}
