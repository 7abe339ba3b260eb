//! `parse_ident` and `unistr`.

use helios_base::{ArrayValue, Error, Result, SqlState, Value};

use super::text;
use crate::function::{Call, Function, function};
use crate::ty::Ty::{self, Bool, Text};

const TEXTS: Ty = Ty::Array(&Text);

pub(super) static FUNCTIONS: &[Function] = &[
    function("parse_ident", &[Text], TEXTS, parse_ident),
    function("parse_ident", &[Text, Bool], TEXTS, parse_ident),
    function("unistr", &[Text], Text, unistr),
];

/// `a.b."C d"` as an array of its parts, unquoted ones in lower case. With `false` as second
/// argument, what follows the last part is ignored.
fn parse_ident(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let whole = text(args, 0)?;
    let strict = !matches!(args.get(1), Some(Value::Bool(false)));
    let invalid = |detail: Option<String>| {
        let error = Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("string is not a valid identifier: \"{whole}\""),
        );
        match detail {
            Some(detail) => error.with_detail(detail),
            None => error,
        }
    };
    let mut parts = Vec::new();
    let mut rest = whole.trim_start();
    let mut after_dot = false;
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let end = closing_quote(quoted)
                .ok_or_else(|| invalid(Some("String has unclosed double quotes.".to_owned())))?;
            let (name, after) = quoted.split_at(end);
            if name.is_empty() {
                return Err(invalid(Some(
                    "Quoted identifier must not be empty.".to_owned(),
                )));
            }
            parts.push(Value::text(name.replace("\"\"", "\"")));
            rest = after.get(1..).unwrap_or_default();
        } else {
            let starts = rest
                .chars()
                .next()
                .is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii());
            if !starts {
                return Err(if after_dot {
                    invalid(Some("No valid identifier after \".\".".to_owned()))
                } else if rest.starts_with('.') {
                    invalid(Some("No valid identifier before \".\".".to_owned()))
                } else {
                    invalid(None)
                });
            }
            let end = rest
                .find(|c: char| {
                    !(c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii())
                })
                .unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            parts.push(Value::text(name.to_ascii_lowercase()));
            rest = after;
        }
        rest = rest.trim_start();
        match rest.strip_prefix('.') {
            Some(next) => {
                after_dot = true;
                rest = next.trim_start();
            }
            None if rest.is_empty() || !strict => {
                return Ok(Value::from(ArrayValue::one_dimensional(parts)));
            }
            None => return Err(invalid(None)),
        }
    }
}

/// The position of the quote that is not doubled.
fn closing_quote(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'"', Some(b'"')) => at += 2,
            (b'"', _) => return Some(at),
            _ => at += 1,
        }
    }
}

/// `\XXXX`, `\+XXXXXX`, `\uXXXX`, `\UXXXXXXXX` and `\\` as characters.
fn unistr(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let mut rest = text(args, 0)?;
    let mut out = String::with_capacity(rest.len());
    // The first half of a pair of UTF-16 units.
    let mut high: Option<u32> = None;
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at(at);
        if !plain.is_empty() && high.is_some() {
            return Err(bad_pair());
        }
        out.push_str(plain);
        let escape = escape.get(1..).unwrap_or_default();
        if let Some(after) = escape.strip_prefix('\\') {
            if high.is_some() {
                return Err(bad_pair());
            }
            out.push('\\');
            rest = after;
            continue;
        }
        let (skip, digits) = match escape.as_bytes().first() {
            Some(b'+') => (1, 6),
            Some(b'u') => (1, 4),
            Some(b'U') => (1, 8),
            _ => (0, 4),
        };
        let code = escape
            .get(skip..skip + digits)
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            .ok_or_else(|| {
                Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode escape").with_hint(
                    "Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.",
                )
            })?;
        rest = escape.get(skip + digits..).unwrap_or_default();
        match (high.take(), code) {
            (None, 0xD800..=0xDBFF) => high = Some(code),
            (Some(first), 0xDC00..=0xDFFF) => {
                let joined = 0x10000 + ((first - 0xD800) << 10) + (code - 0xDC00);
                out.extend(char::from_u32(joined));
            }
            (Some(_), _) | (None, 0xDC00..=0xDFFF) => return Err(bad_pair()),
            (None, code) => match char::from_u32(code).filter(|c| *c != '\0') {
                Some(c) => out.push(c),
                None => {
                    return Err(Error::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        format!("invalid Unicode code point: {code:04X}"),
                    ));
                }
            },
        }
    }
    if high.is_some() {
        return Err(bad_pair());
    }
    out.push_str(rest);
    Ok(Value::text(out))
}

#[cold]
fn bad_pair() -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode surrogate pair")
}
