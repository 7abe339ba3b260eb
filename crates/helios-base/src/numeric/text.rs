//! Text input and output of `numeric`.

use std::fmt;
use std::str::FromStr;

use num_bigint::{BigInt, Sign};

use super::{INTEGER_DIGITS_MAX, Numeric, Repr, SCALE_MAX, big_pow10, overflow};
use crate::{Error, Result, SqlState};

fn invalid(text: &str) -> Error {
    Error::new(
        SqlState::INVALID_TEXT_REPRESENTATION,
        format!("invalid input syntax for type numeric: \"{text}\""),
    )
}

/// Reads PostgreSQL's forms: sign, digits, point, exponent, `NaN`, `[+-]inf[inity]`, with blanks
/// around.
impl FromStr for Numeric {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let body = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\x0B');
        let (negative, unsigned) = match body.as_bytes() {
            [b'-', ..] => (true, &body[1..]),
            [b'+', ..] => (false, &body[1..]),
            _ => (false, body),
        };
        if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
            return Ok(if negative {
                Self::NEG_INFINITY
            } else {
                Self::INFINITY
            });
        }
        if body.eq_ignore_ascii_case("nan") {
            return Ok(Self::NAN);
        }
        let parts = Decimal::split(unsigned).ok_or_else(|| invalid(text))?;
        parts.build(negative)
    }
}

/// The pieces of a decimal literal.
struct Decimal<'a> {
    integer: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Decimal<'a> {
    fn split(text: &'a str) -> Option<Self> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if (integer.is_empty() && fraction.is_empty())
            || !all_digits(integer)
            || !all_digits(fraction)
        {
            return None;
        }
        let exponent = match exponent {
            None => 0,
            Some(digits) => {
                let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(digits);
                if unsigned.is_empty() || !all_digits(unsigned) {
                    return None;
                }
                // Beyond every limit, so that absurd exponents overflow as they should.
                digits
                    .parse::<i64>()
                    .unwrap_or(i64::from(i32::MAX))
                    .clamp(-i64::from(i32::MAX), i64::from(i32::MAX))
            }
        };
        Some(Self {
            integer,
            fraction,
            exponent,
        })
    }

    fn build(&self, negative: bool) -> Result<Numeric> {
        let scale = self.fraction.len() as i64 - self.exponent;
        let integer = self.integer.trim_start_matches('0');
        let zero = integer.is_empty() && self.fraction.bytes().all(|b| b == b'0');
        if zero && scale < 0 {
            return Ok(Numeric::ZERO);
        }
        if integer.len() as i64 + self.exponent.max(0) > i64::from(INTEGER_DIGITS_MAX) {
            return Err(overflow());
        }
        if scale > i64::from(SCALE_MAX) {
            return Err(overflow());
        }
        if integer.len() + self.fraction.len() <= 18 && (0..=18).contains(&scale) {
            let mut coefficient = 0i64;
            for digit in integer.bytes().chain(self.fraction.bytes()) {
                coefficient = coefficient * 10 + i64::from(digit - b'0');
            }
            let coefficient = if negative { -coefficient } else { coefficient };
            return Ok(Numeric::new(coefficient, scale as u16));
        }
        let digits: Vec<u8> = integer
            .bytes()
            .chain(self.fraction.bytes())
            .map(|digit| digit - b'0')
            .collect();
        let sign = if negative { Sign::Minus } else { Sign::Plus };
        let mut coefficient = BigInt::from_radix_be(sign, &digits, 10).unwrap_or_default();
        if scale < 0 {
            coefficient *= big_pow10(scale.unsigned_abs() as u32);
        }
        Numeric::checked(coefficient, scale.max(0) as u16)
    }
}

impl Numeric {
    /// [`FromStr::from_str`] under a shorter name.
    ///
    /// # Errors
    /// `22P02` on malformed text, `22003` beyond PostgreSQL's limits.
    pub fn parse(text: &str) -> Result<Self> {
        text.parse()
    }
}

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digits, negative, scale) = match &self.0 {
            Repr::Small { coefficient, scale } => {
                if *scale == 0 {
                    return write!(f, "{coefficient}");
                }
                (
                    coefficient.unsigned_abs().to_string(),
                    *coefficient < 0,
                    usize::from(*scale),
                )
            }
            Repr::Big(big) => (
                big.0.magnitude().to_str_radix(10),
                big.0.sign() == Sign::Minus,
                usize::from(big.1),
            ),
            Repr::NaN => return f.write_str("NaN"),
            Repr::Infinity => return f.write_str("Infinity"),
            Repr::NegInfinity => return f.write_str("-Infinity"),
        };
        if negative {
            f.write_str("-")?;
        }
        if scale == 0 {
            return f.write_str(&digits);
        }
        match digits.split_at_checked(digits.len().saturating_sub(scale)) {
            Some((integer, fraction)) if !integer.is_empty() => write!(f, "{integer}.{fraction}"),
            _ => write!(f, "0.{digits:0>scale$}"),
        }
    }
}
