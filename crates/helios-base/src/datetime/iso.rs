//! A short cut for the one form that nearly all dates and timestamps come in:
//! `YYYY-MM-DD[ HH:MM:SS[.ffffff]][Z|±HH[:MM]]`, in range.

use super::civil::{Civil, days_in_month};

/// The date and time, and the offset in seconds east of UTC if there is one; `None` for every other
/// form and for anything out of range, which the full grammar then reads or refuses.
pub(super) fn parse(text: &str) -> Option<(Civil, Option<i32>)> {
    let mut rest = text.as_bytes();
    let mut civil = Civil {
        year: number(&mut rest, 4)?,
        ..Civil::default()
    };
    byte(&mut rest, b'-')?;
    civil.month = number(&mut rest, 2)?;
    byte(&mut rest, b'-')?;
    civil.day = number(&mut rest, 2)?;
    if civil.year < 1
        || !(1..=12).contains(&civil.month)
        || !(1..=days_in_month(civil.year, civil.month)).contains(&civil.day)
    {
        return None;
    }
    if rest.is_empty() {
        return Some((civil, None));
    }
    byte(&mut rest, b' ').or_else(|| byte(&mut rest, b'T'))?;
    civil.hour = number(&mut rest, 2)?;
    byte(&mut rest, b':')?;
    civil.minute = number(&mut rest, 2)?;
    byte(&mut rest, b':')?;
    civil.second = number(&mut rest, 2)?;
    if civil.hour > 23 || civil.minute > 59 || civil.second > 59 {
        return None;
    }
    if byte(&mut rest, b'.').is_some() {
        let mut unit = 100_000;
        let mut digits = 0;
        while let [digit @ b'0'..=b'9', after @ ..] = rest {
            civil.micro += i32::from(digit - b'0') * unit;
            unit /= 10;
            digits += 1;
            rest = after;
        }
        if !(1..=6).contains(&digits) {
            return None;
        }
    }
    let sign = match rest {
        [] => return Some((civil, None)),
        [b'Z'] => return Some((civil, Some(0))),
        [b'+', after @ ..] => {
            rest = after;
            1
        }
        [b'-', after @ ..] => {
            rest = after;
            -1
        }
        _ => return None,
    };
    let hours = number(&mut rest, 2)?;
    let minutes = match byte(&mut rest, b':') {
        Some(()) => number(&mut rest, 2)?,
        None => 0,
    };
    if hours > 15 || minutes > 59 || !rest.is_empty() {
        return None;
    }
    Some((civil, Some(sign * (hours * 3600 + minutes * 60))))
}

fn byte(rest: &mut &[u8], expected: u8) -> Option<()> {
    let (&first, after) = rest.split_first()?;
    (first == expected).then(|| *rest = after)
}

fn number(rest: &mut &[u8], digits: usize) -> Option<i32> {
    let (number, after) = rest.split_at_checked(digits)?;
    let mut value = 0;
    for digit in number {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i32::from(digit - b'0');
    }
    *rest = after;
    Some(value)
}
