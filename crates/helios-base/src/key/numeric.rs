//! Keys of `numeric`: the value without its display scale.
//!
//! A finite number other than zero is `±0.d₁d₂d₃… · 10^exponent` with `d₁ ≠ 0` and without trailing
//! zeros. A class byte comes first; for negative numbers all that follows is complemented.
//!
//! | class  | value       | followed by              |
//! |-------:|-------------|--------------------------|
//! | `0x10` | `-Infinity` |                          |
//! | `0x20` | negative    | exponent, digits, `0x00` |
//! | `0x30` | zero        |                          |
//! | `0x40` | positive    | exponent, digits, `0x00` |
//! | `0x50` | `Infinity`  |                          |
//! | `0x60` | `NaN`       |                          |
//!
//! The exponent is one byte, `0x80 + exponent`, from -100 to 100; below it is `0x00` and above
//! `0xFF`, followed by `2²³ + exponent` in three bytes, big-endian. Digits go in pairs, each pair
//! plus one in a byte.
//!
//! Example: `12.3` is `40 82 0D 1F 00`.

use num_bigint::{BigInt, Sign};

use super::reader::KeyReader;
use crate::numeric::{INTEGER_DIGITS_MAX, SCALE_MAX, big_pow10};
use crate::{Error, Numeric, Result};

const NEG_INFINITY: u8 = 0x10;
const NEGATIVE: u8 = 0x20;
const ZERO: u8 = 0x30;
const POSITIVE: u8 = 0x40;
const INFINITY: u8 = 0x50;
const NAN: u8 = 0x60;
const END: u8 = 0x00;

const SHORT_MAX: i32 = 100;
const SHORT_BIAS: i32 = 0x80;
const LOW: u8 = 0x00;
const HIGH: u8 = 0xFF;
const LONG_BIAS: i32 = 1 << 23;

pub(super) fn put(number: &Numeric, out: &mut Vec<u8>) {
    if number.is_nan() {
        out.push(NAN);
    } else if number.is_infinite() {
        out.push(if number.signum() < 0 {
            NEG_INFINITY
        } else {
            INFINITY
        });
    } else if number.is_zero() {
        out.push(ZERO);
    } else if let Some((coefficient, scale)) = number.as_small() {
        let mut buffer = [0u8; 20];
        let mut rest = coefficient.unsigned_abs();
        for digit in buffer.iter_mut().rev() {
            *digit = (rest % 10) as u8;
            rest /= 10;
        }
        let leading = buffer.iter().position(|&d| d != 0).unwrap_or(0);
        let digits = buffer.get(leading..).unwrap_or_default();
        put_digits(digits, scale, coefficient < 0, out);
    } else if let Some((coefficient, scale)) = number.to_parts() {
        let digits = coefficient.magnitude().to_radix_be(10);
        put_digits(&digits, scale, coefficient.sign() == Sign::Minus, out);
    }
}

fn put_digits(digits: &[u8], scale: u16, negative: bool, out: &mut Vec<u8>) {
    let exponent = digits.len() as i32 - i32::from(scale);
    let significant = digits.iter().rposition(|&d| d != 0).map_or(0, |i| i + 1);
    out.push(if negative { NEGATIVE } else { POSITIVE });
    let start = out.len();
    if (-SHORT_MAX..=SHORT_MAX).contains(&exponent) {
        out.push((exponent + SHORT_BIAS) as u8);
    } else {
        out.push(if exponent < 0 { LOW } else { HIGH });
        let [_, long @ ..] = (exponent + LONG_BIAS).to_be_bytes();
        out.extend(long);
    }
    for pair in digits.get(..significant).unwrap_or_default().chunks(2) {
        let (tens, ones) = match pair {
            [tens, ones] => (*tens, *ones),
            [tens] => (*tens, 0),
            _ => (0, 0),
        };
        out.push(tens * 10 + ones + 1);
    }
    out.push(END);
    if negative {
        for byte in out.iter_mut().skip(start) {
            *byte = !*byte;
        }
    }
}

pub(super) fn take(reader: &mut KeyReader<'_>) -> Result<Numeric> {
    match reader.byte()? {
        NEG_INFINITY => Ok(Numeric::NEG_INFINITY),
        ZERO => Ok(Numeric::ZERO),
        INFINITY => Ok(Numeric::INFINITY),
        NAN => Ok(Numeric::NAN),
        POSITIVE => take_digits(reader, Sign::Plus),
        NEGATIVE => {
            reader.invert();
            let number = take_digits(reader, Sign::Minus)?;
            reader.invert();
            Ok(number)
        }
        class => Err(Error::corrupt(format!(
            "numeric key has class {class:#04x}"
        ))),
    }
}

fn take_digits(reader: &mut KeyReader<'_>, sign: Sign) -> Result<Numeric> {
    let exponent = match reader.byte()? {
        LOW | HIGH => {
            let [a, b, c] = reader.array()?;
            i32::from_be_bytes([0, a, b, c]) - LONG_BIAS
        }
        short => i32::from(short) - SHORT_BIAS,
    };
    let mut digits = Vec::new();
    for pair in reader.until(END)? {
        if pair > 100 {
            return Err(Error::corrupt(format!(
                "numeric key has digits {pair:#04x}"
            )));
        }
        digits.extend([(pair - 1) / 10, (pair - 1) % 10]);
    }
    if digits.last() == Some(&0) {
        digits.pop();
    }
    let sound = digits.first().is_some_and(|&d| d != 0) && digits.last().is_some_and(|&d| d != 0);
    let scale = digits.len() as i64 - i64::from(exponent);
    if !sound || i64::from(exponent) > i64::from(INTEGER_DIGITS_MAX) || scale > i64::from(SCALE_MAX)
    {
        return Err(Error::corrupt("numeric key is not in normal form"));
    }
    let mut coefficient = BigInt::from_radix_be(sign, &digits, 10).unwrap_or_default();
    if scale < 0 {
        coefficient *= big_pow10(scale.unsigned_abs() as u32);
    }
    Ok(Numeric::from_big(coefficient, scale.max(0) as u16))
}
