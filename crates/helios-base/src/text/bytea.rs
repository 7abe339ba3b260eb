//! Text forms of `bytea`: hexadecimal and escapes.

use std::fmt::Write;

use super::is_blank;
use super::scalar::hex_digit;
use crate::{Error, Result, SqlState};

/// Reads `\x…` or escaped bytes.
pub(super) fn parse(text: &str) -> Result<Vec<u8>> {
    match text.strip_prefix("\\x") {
        Some(hex) => parse_hex(hex),
        None => parse_escapes(text),
    }
}

fn parse_hex(text: &str) -> Result<Vec<u8>> {
    let bad = |message: String| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if is_blank(c) {
            continue;
        }
        let digit = |c: char| {
            u8::try_from(c)
                .ok()
                .and_then(hex_digit)
                .ok_or_else(|| bad(format!("invalid hexadecimal digit: \"{c}\"")))
        };
        let high = digit(c)?;
        let low = chars
            .next()
            .ok_or_else(|| bad("invalid hexadecimal data: odd number of digits".into()))?;
        bytes.push(high << 4 | digit(low)?);
    }
    Ok(bytes)
}

fn parse_escapes(text: &str) -> Result<Vec<u8>> {
    let octal = |digit: u8, max: u8| (b'0'..=max).contains(&digit).then(|| digit - b'0');
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match *after {
            [b'\\', ref after @ ..] => {
                bytes.push(b'\\');
                rest = after;
            }
            [a, b, c, ref after @ ..] => {
                let value = octal(a, b'3')
                    .zip(octal(b, b'7'))
                    .zip(octal(c, b'7'))
                    .map(|((a, b), c)| a << 6 | b << 3 | c);
                bytes.push(value.ok_or_else(invalid)?);
                rest = after;
            }
            _ => return Err(invalid()),
        }
    }
    Ok(bytes)
}

fn invalid() -> Error {
    Error::new(
        SqlState::INVALID_TEXT_REPRESENTATION,
        "invalid input syntax for type bytea",
    )
}

/// Appends the `hex` or the `escape` form.
pub(super) fn write(bytes: &[u8], hex: bool, out: &mut String) {
    if hex {
        const DIGITS: [char; 16] = [
            '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
        ];
        out.reserve(2 + bytes.len() * 2);
        out.push_str("\\x");
        for byte in bytes {
            out.push(DIGITS[usize::from(byte >> 4)]);
            out.push(DIGITS[usize::from(byte & 0xF)]);
        }
        return;
    }
    for &byte in bytes {
        // Writing to a string cannot fail.
        let _ = match byte {
            b'\\' => out.write_str("\\\\"),
            0x20..=0x7E => out.write_char(char::from(byte)),
            _ => write!(out, "\\{byte:03o}"),
        };
    }
}
