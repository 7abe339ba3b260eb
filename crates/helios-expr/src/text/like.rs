//! `LIKE` matching, and `SIMILAR TO` patterns as regular expressions.

use helios_base::{Error, Result, SqlState};

/// Whether all of `text` matches the `LIKE` pattern, with `\` as escape character. `_` stands for
/// one character if `utf8`, else for one byte.
///
/// # Errors
/// `22025` if matching reaches an escape character at the end of the pattern.
///
/// # Cost
/// O(text · pattern) at worst; linear for patterns with one `%`. Allocates nothing.
pub(crate) fn matches(text: &[u8], pattern: &[u8], utf8: bool) -> Result<bool> {
    let (mut t, mut p) = (0, 0);
    // Where to resume: after the last `%`, and the text position it has swallowed up to.
    let mut resume: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(p) {
            Some(b'%') => {
                p += 1;
                if p == pattern.len() {
                    return Ok(true);
                }
                resume = Some((p, t));
                continue;
            }
            Some(b'_') => text.get(t).map(|&byte| (width(byte, utf8), 1)),
            Some(b'\\') => match pattern.get(p + 1) {
                None if t < text.len() => return Err(ends_with_escape()),
                None => None,
                Some(wanted) => (text.get(t) == Some(wanted)).then_some((1, 2)),
            },
            Some(wanted) => (text.get(t) == Some(wanted)).then_some((1, 1)),
            None if t >= text.len() => return Ok(true),
            None => None,
        };
        if let Some((forward, pattern_forward)) = step {
            t += forward;
            p += pattern_forward;
            continue;
        }
        // A mismatch: let the last `%` swallow one more character.
        match &mut resume {
            Some((after, from)) if *from < text.len() => {
                *from += text.get(*from).map_or(1, |&byte| width(byte, utf8));
                t = *from;
                p = *after;
            }
            _ => return Ok(false),
        }
    }
}

/// Length of the character that starts with this byte.
fn width(first: u8, utf8: bool) -> usize {
    match first {
        _ if !utf8 => 1,
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}

#[cold]
fn ends_with_escape() -> Error {
    Error::new(
        SqlState::INVALID_ESCAPE_SEQUENCE,
        "LIKE pattern must not end with escape character",
    )
}

/// `pattern ESCAPE escape` rewritten to use `\`.
///
/// # Errors
/// `22025` if `escape` is longer than one character.
pub(crate) fn escape(pattern: &str, escape: &str) -> Result<String> {
    let escape = escape_char(escape)?;
    let mut out = String::with_capacity(pattern.len());
    if escape == Some('\\') {
        return Ok(pattern.to_owned());
    }
    let mut after_escape = false;
    for c in pattern.chars() {
        if Some(c) == escape && !after_escape {
            out.push('\\');
            after_escape = true;
            continue;
        }
        if c == '\\' {
            // Twice, unless an escape has just put the first.
            if !after_escape {
                out.push('\\');
            }
        }
        out.push(c);
        after_escape = false;
    }
    Ok(out)
}

/// The same for strings of bytes.
///
/// # Errors
/// `22025` if `escape` is longer than one byte.
pub(crate) fn escape_bytes(pattern: &[u8], escape: &[u8]) -> Result<Vec<u8>> {
    // Each byte as the character of its number.
    let chars = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
    let escaped = self::escape(&chars(pattern), &chars(escape))?;
    Ok(escaped
        .chars()
        .filter_map(|c| u8::try_from(u32::from(c)).ok())
        .collect())
}

fn escape_char(escape: &str) -> Result<Option<char>> {
    let mut chars = escape.chars();
    let first = chars.next();
    if chars.next().is_some() {
        return Err(
            Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
                .with_hint("Escape string must be empty or one character."),
        );
    }
    Ok(first)
}

/// A `SIMILAR TO` pattern as a regular expression that matches the same whole strings. Two
/// `escape "` make it capture what is between them, with as little before as can be.
///
/// # Errors
/// `22025` if `escape` is longer than one character, `2200C` for a third `escape "`.
pub(crate) fn similar(pattern: &str, escape: &str) -> Result<String> {
    let escape = escape_char(escape)?;
    let mut out = String::from("^(?:");
    let mut after_escape = false;
    let mut in_brackets = false;
    let mut separators = 0;
    for c in pattern.chars() {
        if after_escape {
            after_escape = false;
            if c == '"' && !in_brackets {
                out.push_str(match separators {
                    0 => "){1,1}?(",
                    1 => "){1,1}(?:",
                    _ => return Err(too_many_separators()),
                });
                separators += 1;
                continue;
            }
            if c.is_ascii_alphanumeric() || !c.is_ascii() {
                out.push(c);
            } else {
                out.push('\\');
                out.push(c);
            }
        } else if Some(c) == escape {
            after_escape = true;
        } else if in_brackets {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
            in_brackets = c != ']';
        } else {
            match c {
                '[' => {
                    out.push(c);
                    in_brackets = true;
                }
                '%' => out.push_str(".*"),
                '_' => out.push('.'),
                // A plain group does not capture.
                '(' => out.push_str("(?:"),
                '\\' | '.' | '^' | '$' => {
                    out.push('\\');
                    out.push(c);
                }
                c => out.push(c),
            }
        }
    }
    out.push_str(")$");
    Ok(out)
}

#[cold]
fn too_many_separators() -> Error {
    Error::new(
        SqlState::INVALID_USE_OF_ESCAPE_CHARACTER,
        "SQL regular expression may not contain more than two escape-double-quote separators",
    )
}
