//! Text forms of `macaddr`.

use std::fmt::Write;

use crate::{Error, Result, SqlState};

/// Reads `08:00:2b:01:02:03`, `08-00-2b-01-02-03`, `08002b:010203`, `08002b-010203`,
/// `0800.2b01.0203`, `0800-2b01-0203` or `08002b010203`.
///
/// # Errors
/// 22P02 for anything else, 22003 for an octet of more than two digits.
pub fn parse_mac(text: &str) -> Result<[u8; 6]> {
    let invalid = || {
        Error::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("invalid input syntax for type macaddr: \"{text}\""),
        )
    };
    let body = text.trim_matches([' ', '\t', '\n', '\r', '\x0B', '\x0C']);
    for separator in [':', '-'] {
        let parts: Vec<&str> = body.split(separator).collect();
        if parts.len() == 6 {
            return spread(&parts, text).ok_or_else(invalid)?;
        }
    }
    // Digits in groups of equal length.
    let separators: Vec<char> = body.chars().filter(|c| matches!(c, ':' | '.')).collect();
    let hyphens = body.matches('-').count();
    let width = match (separators.as_slice(), hyphens) {
        ([':'], 0) => 6,
        (['.', '.'], 0) => 4,
        ([], 1) if !body.starts_with('-') => 6,
        ([], 2) if !body.starts_with('-') => 4,
        ([], _) => body.len(),
        _ => return Err(invalid()),
    };
    let mut octets = Vec::with_capacity(6);
    let groups: Vec<&str> = if width == body.len() {
        vec![body]
    } else {
        body.split([':', '-', '.']).collect()
    };
    for group in &groups {
        if groups.len() > 1 && group.len() != width {
            return Err(invalid());
        }
        let mut rest = *group;
        while !rest.is_empty() {
            // The last one may have one digit, if nothing follows.
            let (octet, after) = rest.split_at_checked(2).unwrap_or((rest, ""));
            octets.push(octet);
            rest = after;
        }
    }
    if octets.len() != 6 {
        return Err(invalid());
    }
    spread(&octets, text).ok_or_else(invalid)?
}

/// Six octets, each of one digit or more.
fn spread(parts: &[&str], text: &str) -> Option<Result<[u8; 6]>> {
    let mut address = [0; 6];
    for (slot, part) in address.iter_mut().zip(parts) {
        // A sign is read, and makes it too large.
        let octet = match part.strip_prefix('-') {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
                -i64::from_str_radix(digits, 16).ok()?
            }
            _ => i64::from_str_radix(part, 16).ok()?,
        };
        match u8::try_from(octet) {
            Ok(octet) => *slot = octet,
            Err(_) => {
                return Some(Err(Error::new(
                    SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                    format!("invalid octet value in \"macaddr\" value: \"{text}\""),
                )));
            }
        }
    }
    Some(Ok(address))
}

/// Appends `08:00:2b:01:02:03`.
pub fn write_mac(address: &[u8; 6], out: &mut String) {
    for (at, byte) in address.iter().enumerate() {
        let colon = if at > 0 { ":" } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(out, "{colon}{byte:02x}");
    }
}
