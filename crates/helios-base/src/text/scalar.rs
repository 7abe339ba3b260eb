//! Text forms of booleans, integers, object identifiers and UUIDs.

use std::fmt::Write;
use std::num::IntErrorKind;
use std::str::FromStr;

use super::{invalid, is_blank, out_of_range};
use crate::Result;

/// Reads `t`, `yes`, `on`, `1` and their like: any unambiguous beginning, in any case.
pub(super) fn parse_bool(text: &str) -> Result<bool> {
    let word = text.trim_matches(is_blank).to_ascii_lowercase();
    let begins = |whole: &str, least: usize| word.len() >= least && whole.starts_with(&word);
    if begins("true", 1) || begins("yes", 1) || begins("on", 2) || word == "1" {
        Ok(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0" {
        Ok(false)
    } else {
        Err(invalid("boolean", text))
    }
}

/// Reads a decimal integer with blanks around.
pub(super) fn parse_integer<T: FromStr<Err = std::num::ParseIntError>>(
    text: &str,
    ty: &str,
) -> Result<T> {
    let digits = text.trim_matches(is_blank);
    digits
        .parse()
        .map_err(|error: std::num::ParseIntError| match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => out_of_range(ty, text),
            _ => invalid(ty, text),
        })
}

/// Reads an object identifier; negative numbers count from 2³², as in C.
pub(crate) fn parse_oid(text: &str) -> Result<u32> {
    let number: i128 = parse_integer(text, "oid")?;
    u32::try_from(number)
        .or_else(|_| i32::try_from(number).map(|n| n as u32))
        .map_err(|_| out_of_range("oid", text))
}

/// Reads 32 hexadecimal digits, in braces or not, with hyphens after any group of four.
pub(super) fn parse_uuid(text: &str) -> Result<[u8; 16]> {
    let error = || invalid("uuid", text);
    let body = match text.strip_prefix('{') {
        Some(inner) => inner.strip_suffix('}').ok_or_else(error)?,
        None => text,
    };
    let mut uuid = [0u8; 16];
    let mut rest = body.as_bytes();
    for (i, byte) in uuid.iter_mut().enumerate() {
        let (pair, after) = rest.split_first_chunk::<2>().ok_or_else(error)?;
        let [high, low] = pair.map(hex_digit);
        *byte = high.ok_or_else(error)? << 4 | low.ok_or_else(error)?;
        rest = match after.strip_prefix(b"-") {
            Some(after) if i % 2 == 1 && i < 15 => after,
            _ => after,
        };
    }
    if rest.is_empty() {
        Ok(uuid)
    } else {
        Err(error())
    }
}

/// The value of a hexadecimal digit.
pub(super) fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// Appends the hyphenated lower-case form.
pub(super) fn write_uuid(uuid: &[u8; 16], out: &mut String) {
    for (i, byte) in uuid.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
}
