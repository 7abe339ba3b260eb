//! `numeric` in groups of four decimal digits.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 2 | number of groups |
//! | 2 | 2 | weight: the first group counts 10000^weight |
//! | 4 | 2 | sign: 0 positive, 0x4000 negative, 0xC000 NaN, 0xD000 infinity, 0xF000 -infinity |
//! | 6 | 2 | display scale |
//! | 8 | 2 each | groups, each 0 to 9999 |

use num_bigint::BigInt;
use num_traits::Signed;

use super::{Reader, malformed};
use crate::numeric::{Numeric, SCALE_MAX, big_pow10};
use crate::{Result, SqlState};

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEG_INFINITY: u16 = 0xF000;
/// Decimal digits in a group.
const GROUP: usize = 4;
/// More groups than any number in range has.
const GROUPS_MAX: usize = 131_072 / GROUP + 16_383 / GROUP + 2;

pub(super) fn write(number: &Numeric, out: &mut Vec<u8>) {
    let Some((coefficient, scale)) = number.to_parts() else {
        // PostgreSQL happens to send a display scale of 32 with infinities.
        let (sign, scale) = match (number.is_nan(), number.signum()) {
            (true, _) => (NAN, 0),
            (false, 1..) => (INFINITY, 32),
            _ => (NEG_INFINITY, 32),
        };
        for field in [0, 0, sign, scale] {
            out.extend(u16::to_be_bytes(field));
        }
        return;
    };
    // Digits, filled up on both sides so that groups meet at the decimal point.
    let digits = coefficient.abs().to_string();
    let fraction = usize::from(scale);
    let integer = digits.len().saturating_sub(fraction);
    let mut padded = "0".repeat((GROUP - integer % GROUP) % GROUP);
    let integer_groups = (padded.len() + integer) / GROUP;
    if digits.len() < fraction {
        padded.push_str(&"0".repeat(fraction - digits.len()));
    }
    padded.push_str(&digits);
    padded.push_str(&"0".repeat((GROUP - padded.len() % GROUP) % GROUP));
    let groups: Vec<u16> = padded
        .as_bytes()
        .chunks(GROUP)
        .map(|group| {
            group
                .iter()
                .fold(0, |n, digit| n * 10 + u16::from(digit - b'0'))
        })
        .collect();
    let leading = groups.iter().take_while(|group| **group == 0).count();
    let trailing = groups.iter().rev().take_while(|group| **group == 0).count();
    let kept = groups
        .get(leading..groups.len().saturating_sub(trailing))
        .unwrap_or_default();
    // Zero has no groups; its weight is 0.
    let weight = if kept.is_empty() {
        0
    } else {
        integer_groups as i64 - 1 - leading as i64
    };
    let sign = if coefficient.is_negative() {
        NEGATIVE
    } else {
        0
    };
    out.extend((kept.len() as u16).to_be_bytes());
    out.extend((weight as i16).to_be_bytes());
    out.extend(sign.to_be_bytes());
    out.extend(scale.to_be_bytes());
    for group in kept {
        out.extend(group.to_be_bytes());
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Numeric> {
    let groups = usize::from(reader.u16()?);
    let weight = i64::from(reader.i16()?);
    let sign = reader.u16()?;
    let scale = reader.u16()?;
    match sign {
        0 | NEGATIVE => {}
        NAN => return Ok(Numeric::NAN),
        INFINITY => return Ok(Numeric::INFINITY),
        NEG_INFINITY => return Ok(Numeric::NEG_INFINITY),
        _ => return Err(malformed("invalid sign in external \"numeric\" value")),
    }
    if scale > SCALE_MAX {
        return Err(malformed("invalid scale in external \"numeric\" value"));
    }
    if groups > GROUPS_MAX {
        return Err(malformed("invalid length in external \"numeric\" value"));
    }
    let mut digits = String::with_capacity(groups * GROUP);
    for _ in 0..groups {
        let group = reader.u16()?;
        if group > 9999 {
            return Err(malformed("invalid digit in external \"numeric\" value"));
        }
        digits.push_str(&format!("{group:04}"));
    }
    let mut coefficient: BigInt = match digits.as_str() {
        "" => BigInt::ZERO,
        digits => digits
            .parse()
            .map_err(|_| malformed("invalid digit in external \"numeric\" value"))?,
    };
    if sign == NEGATIVE {
        coefficient = -coefficient;
    }
    // The value is coefficient × 10^shift; digits beyond the scale are cut, as PostgreSQL cuts them.
    let shift = (weight - groups as i64 + 1) * GROUP as i64 + i64::from(scale);
    let exponent = u32::try_from(shift.unsigned_abs()).map_err(|_| overflow())?;
    if coefficient != BigInt::ZERO {
        if shift >= 0 {
            coefficient *= big_pow10(exponent);
        } else {
            coefficient /= big_pow10(exponent);
        }
    }
    Numeric::checked(coefficient, scale)
}

fn overflow() -> crate::Error {
    crate::Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "value overflows numeric format",
    )
}
