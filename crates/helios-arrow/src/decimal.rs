//! The two array forms of `numeric`.
//!
//! *Decimal*: the coefficient at the column's scale; every value shows exactly that many digits.
//!
//! *Free*: the memcomparable key of the number followed by its display scale.
//!
//! | offset  | bytes | field | rule                                       |
//! |--------:|------:|-------|--------------------------------------------|
//! |       0 | n − 2 | key   | `helios_base::key`, ascending, self-delimiting |
//! |   n − 2 |     2 | scale | u16 BE, digits shown after the point       |
//!
//! Numbers are equal exactly if their keys are, and ordered as their keys are.

use helios_base::key::{self, KeyOrder};
use helios_base::{DataType, Error, Numeric, Result, Value};
use num_bigint::BigInt;

use crate::shape::{DECIMAL_DIGITS, DECIMAL_NAN};

/// Bytes of the display scale at the end of a free number.
const SCALE_BYTES: usize = 2;

/// The coefficient of `number` in a decimal column.
pub(crate) fn to_decimal(number: &Numeric, precision: u8, scale: u16) -> Result<i128> {
    if number.is_nan() {
        return Ok(DECIMAL_NAN);
    }
    let limit = 10i128.pow(u32::from(precision).min(u32::from(DECIMAL_DIGITS)));
    match number.to_i128_at(scale) {
        Some(coefficient) if number.scale() == scale && coefficient.abs() < limit => {
            Ok(coefficient)
        }
        _ => Err(Error::internal(format!(
            "number {number} in a column of {precision} digits at scale {scale}"
        ))),
    }
}

/// The number of a coefficient in a decimal column.
pub(crate) fn of_decimal(coefficient: i128, scale: u16) -> Numeric {
    if coefficient == DECIMAL_NAN {
        Numeric::NAN
    } else {
        Numeric::from_i128(coefficient, scale)
    }
}

/// Appends the free form of `number` to `out`.
pub(crate) fn push_free(number: Numeric, out: &mut Vec<u8>) -> Result<()> {
    let scale = number.scale();
    key::encode(
        &Value::Numeric(number),
        &DataType::Numeric(None),
        KeyOrder::ASC,
        out,
    )?;
    out.extend_from_slice(&scale.to_be_bytes());
    Ok(())
}

/// Splits a free number into its key and its display scale.
pub fn free_scale(bytes: &[u8]) -> Result<(&[u8], u16)> {
    match bytes.split_last_chunk::<SCALE_BYTES>() {
        Some((key, scale)) => Ok((key, u16::from_be_bytes(*scale))),
        None => Err(Error::internal("truncated number in a batch")),
    }
}

/// The number of a free form.
pub(crate) fn of_free(bytes: &[u8]) -> Result<Numeric> {
    let (mut key, scale) = free_scale(bytes)?;
    match key::decode(&mut key, &DataType::Numeric(None), KeyOrder::ASC)? {
        Value::Numeric(number) => Ok(shown_at(number, scale)),
        other => Err(Error::internal(format!("number decoded as {other:?}"))),
    }
}

/// The same number with this many digits after the point, at least as many as it needs.
fn shown_at(number: Numeric, scale: u16) -> Numeric {
    let own = number.scale();
    if own == scale || !number.is_finite() {
        return number;
    }
    if let Some(coefficient) = number.to_i128_at(scale) {
        return Numeric::from_i128(coefficient, scale);
    }
    match number.to_parts() {
        Some((coefficient, own)) if own < scale => Numeric::from_big(
            coefficient * BigInt::from(10u8).pow(u32::from(scale - own)),
            scale,
        ),
        _ => number,
    }
}
