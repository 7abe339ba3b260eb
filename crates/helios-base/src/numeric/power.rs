//! `power`, to PostgreSQL's scales.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, ToPrimitive};

use super::arithmetic::{
    SIGNIFICANT_DIGITS_MIN, clamp_scale, digit_count, div_round, division_by_zero,
};
use super::functions::{LOG10_E, ln_weight};
use super::{INTEGER_DIGITS_MAX, Numeric, big_pow10, overflow};
use crate::{Error, Result, SqlState};

fn undefined(message: &str) -> Error {
    Error::new(SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, message)
}

impl Numeric {
    /// This number to the power `exponent`.
    ///
    /// # Errors
    /// `2201F` where the result is undefined or complex; `22003` on overflow.
    pub fn power(&self, exponent: &Self) -> Result<Self> {
        if !self.is_finite() || !exponent.is_finite() {
            return self.power_special(exponent);
        }
        if self.is_zero() && exponent.signum() < 0 {
            return Err(undefined("zero raised to a negative power is undefined"));
        }
        let integral = exponent.min_scale() == Some(0);
        if integral && let Ok(n) = exponent.to_i32() {
            return self.power_integer(n);
        }
        if self.is_zero() {
            return Ok(Self::new(0, SIGNIFICANT_DIGITS_MIN as u16));
        }
        if self.signum() < 0 && !integral {
            return Err(undefined(
                "a negative number raised to a non-integer power yields a complex result",
            ));
        }
        let negative = self.signum() < 0 && exponent.is_odd();
        let result = self.abs().power_by_logarithm(exponent)?;
        Ok(if negative { result.neg() } else { result })
    }

    fn is_odd(&self) -> bool {
        self.round(0)
            .ok()
            .and_then(|n| n.to_parts())
            .is_some_and(|(n, _)| n.is_odd())
    }

    /// `exp(exponent · ln self)` for a positive base.
    fn power_by_logarithm(&self, exponent: &Self) -> Result<Self> {
        let ln_weight = ln_weight(self);
        let places = (8 - ln_weight).max(0);
        let rough = self
            .ln_at(places as u16)?
            .mul(exponent)?
            .round(places)?
            .to_f64_lossy();
        if rough.abs() > 2000.0 * 3.01 {
            return if rough > 0.0 {
                Err(overflow())
            } else {
                Ok(Self::new(0, 1000))
            };
        }
        let decimal = (rough * LOG10_E) as i32;
        let scale = clamp_scale(
            (SIGNIFICANT_DIGITS_MIN - decimal)
                .max(i32::from(self.scale()))
                .max(i32::from(exponent.scale())),
        );
        let inner = (i32::from(scale) + decimal - ln_weight + 8).max(0);
        let product = self.ln_at(inner as u16)?.mul(exponent)?.round(inner)?;
        product.exp_at(scale)
    }

    fn power_integer(&self, exponent: i32) -> Result<Self> {
        let Some((coefficient, own)) = self.finite() else {
            return self.power_special(&Self::from(exponent));
        };
        let decimal = if self.is_zero() {
            0.0
        } else {
            // The leading sixteen digits or so estimate the weight of the result.
            let digits = digit_count(&coefficient) as u32;
            let drop = digits.saturating_sub(17);
            let leading = (BigInt::from(coefficient.magnitude().clone()) / big_pow10(drop))
                .to_f64()
                .unwrap_or(1.0);
            f64::from(exponent) * (leading.log10() + f64::from(drop) - f64::from(own))
        };
        if decimal > f64::from(INTEGER_DIGITS_MAX) {
            return Err(overflow());
        }
        let scale = clamp_scale(SIGNIFICANT_DIGITS_MIN.max(i32::from(own)));
        if decimal + 1.0 < -f64::from(scale) - 1.0 {
            return Ok(Self::new(0, scale));
        }
        match exponent {
            0 => return Self::ONE.round(i32::from(scale)),
            1 => return self.round(i32::from(scale)),
            _ if self.is_zero() && exponent < 0 => return Err(division_by_zero()),
            _ if self.is_zero() => return Ok(Self::new(0, scale)),
            _ => {}
        }
        // Binary powering on a coefficient cut to the digits that can matter, with guard digits.
        let keep = (decimal.abs() as u64) + u64::from(scale) + 24;
        let (mut result, mut result_exp) = (BigInt::one(), 0i64);
        let (mut base, mut base_exp) = (coefficient.into_owned(), -i64::from(own));
        let mut n = exponent.unsigned_abs();
        loop {
            if n & 1 == 1 {
                result *= &base;
                result_exp += base_exp;
                cut(&mut result, &mut result_exp, keep);
            }
            n >>= 1;
            if n == 0 {
                break;
            }
            base = &base * &base;
            base_exp *= 2;
            cut(&mut base, &mut base_exp, keep);
        }
        let shift = |by: i64| big_pow10(u32::try_from(by.unsigned_abs()).unwrap_or(u32::MAX));
        let scale_i = i64::from(scale);
        let rounded = if exponent > 0 {
            let by = result_exp + scale_i;
            if by >= 0 {
                result * shift(by)
            } else {
                div_round(&result, &shift(by))
            }
        } else {
            // 1 / (result · 10^result_exp), at `scale`.
            let by = scale_i - result_exp;
            if by >= 0 {
                div_round(&shift(by), &result)
            } else {
                BigInt::ZERO
            }
        };
        Self::checked(rounded, scale)
    }

    /// Powers in which a `NaN` or an infinity takes part, as POSIX `pow` has them.
    fn power_special(&self, exponent: &Self) -> Result<Self> {
        if self.is_nan() {
            return Ok(if exponent.is_zero() {
                Self::ONE
            } else {
                Self::NAN
            });
        }
        if exponent.is_nan() {
            return Ok(if *self == Self::ONE {
                Self::ONE
            } else {
                Self::NAN
            });
        }
        if self.is_zero() && exponent.signum() < 0 {
            return Err(undefined("zero raised to a negative power is undefined"));
        }
        if self.signum() < 0 && exponent.is_finite() && exponent.min_scale() != Some(0) {
            return Err(undefined(
                "a negative number raised to a non-integer power yields a complex result",
            ));
        }
        if *self == Self::ONE || exponent.is_zero() {
            return Ok(Self::ONE);
        }
        if exponent.is_infinite() {
            return Ok(match (self.abs().cmp(&Self::ONE), exponent.signum() > 0) {
                (std::cmp::Ordering::Equal, _) => Self::ONE,
                (std::cmp::Ordering::Greater, true) | (std::cmp::Ordering::Less, false) => {
                    Self::INFINITY
                }
                _ => Self::ZERO,
            });
        }
        // The base is infinite and the exponent finite and not zero.
        if exponent.signum() < 0 {
            return Ok(Self::ZERO);
        }
        Ok(Self::infinite(if self.signum() < 0 && exponent.is_odd() {
            -1
        } else {
            1
        }))
    }
}

/// Drops digits beyond the leading `keep`, counting them in `exponent`.
fn cut(number: &mut BigInt, exponent: &mut i64, keep: u64) {
    let digits = digit_count(number);
    if digits > keep * 2 + 16 {
        let drop = digits - keep;
        *number = div_round(number, &big_pow10(drop as u32));
        *exponent += drop as i64;
    }
}
