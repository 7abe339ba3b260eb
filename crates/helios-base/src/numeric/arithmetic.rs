//! `+ - * / %` and their relatives, with PostgreSQL's result scales.

use num_bigint::{BigInt, Sign};
use num_integer::Integer;

use super::{Numeric, Repr, SCALE_MAX, big_pow10, pow10};
use crate::{Error, Result, SqlState};

/// Quotients and functions show at least this many significant digits.
pub(super) const SIGNIFICANT_DIGITS_MIN: i32 = 16;
/// Quotients and functions show at most this many digits after the point.
pub(super) const RESULT_SCALE_MAX: i32 = 1000;

pub(super) fn division_by_zero() -> Error {
    Error::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}

/// How many decimal digits `n` has; 0 for 0.
pub(super) fn digit_count(n: &BigInt) -> u64 {
    let bits = n.bits();
    if bits == 0 {
        return 0;
    }
    // floor((bits - 1) · log10 2) + 1 is the count or one too few.
    let least = (u128::from(bits - 1) * 30_102_999_566 / 100_000_000_000) as u64 + 1;
    let power = big_pow10(u32::try_from(least).unwrap_or(u32::MAX));
    if n.magnitude() >= power.magnitude() {
        least + 1
    } else {
        least
    }
}

/// The base-10000 weight and leading digit of a number, on which PostgreSQL's scales rest.
pub(super) fn weight(coefficient: &BigInt, scale: u16) -> (i32, u16) {
    let digits = digit_count(coefficient);
    if digits == 0 {
        return (0, 0);
    }
    let exponent = digits as i32 - i32::from(scale) - 1;
    let leading = exponent.rem_euclid(4) + 1;
    let shift = digits as i32 - leading;
    let magnitude = BigInt::from(coefficient.magnitude().clone());
    let first = if shift >= 0 {
        magnitude / big_pow10(shift as u32)
    } else {
        magnitude * big_pow10(shift.unsigned_abs())
    };
    (
        exponent.div_euclid(4),
        u16::try_from(first).unwrap_or(u16::MAX),
    )
}

/// The same for coefficients of 64 bits, without big integers.
fn weight_small(coefficient: i64, scale: u16) -> (i32, u16) {
    let magnitude = coefficient.unsigned_abs();
    if magnitude == 0 {
        return (0, 0);
    }
    let digits = magnitude.ilog10() as i32 + 1;
    let exponent = digits - i32::from(scale) - 1;
    let shift = digits - (exponent.rem_euclid(4) + 1);
    let power = 10u64.pow(shift.unsigned_abs());
    let first = if shift >= 0 {
        magnitude / power
    } else {
        magnitude * power
    };
    (exponent.div_euclid(4), first as u16)
}

/// The display scale of a quotient.
fn quotient_scale(a: (i32, u16), b: (i32, u16), scale_a: u16, scale_b: u16) -> u16 {
    let mut weight = a.0 - b.0;
    if a.1 <= b.1 {
        weight -= 1;
    }
    clamp_scale(
        (SIGNIFICANT_DIGITS_MIN - weight * 4)
            .max(i32::from(scale_a))
            .max(i32::from(scale_b)),
    )
}

/// Bounds a computed display scale.
pub(super) fn clamp_scale(scale: i32) -> u16 {
    scale.clamp(0, RESULT_SCALE_MAX) as u16
}

/// `a / b` rounded half away from zero; `b` is not zero.
pub(super) fn div_round(a: &BigInt, b: &BigInt) -> BigInt {
    let (quotient, remainder) = a.div_rem(b);
    let twice = remainder.magnitude() << 1u8;
    if &twice >= b.magnitude() {
        let away = if (a.sign() == Sign::Minus) == (b.sign() == Sign::Minus) {
            1
        } else {
            -1
        };
        quotient + away
    } else {
        quotient
    }
}

/// `a / b` rounded half away from zero; `b` is not zero and `2·|b|` fits.
pub(super) fn div_round_i128(a: i128, b: i128) -> i128 {
    let (quotient, remainder) = (a / b, a % b);
    if remainder.unsigned_abs() * 2 >= b.unsigned_abs() {
        quotient + if (a < 0) == (b < 0) { 1 } else { -1 }
    } else {
        quotient
    }
}

fn scaled_up(coefficient: &BigInt, by: u32) -> BigInt {
    if by == 0 {
        coefficient.clone()
    } else {
        coefficient * big_pow10(by)
    }
}

impl Numeric {
    /// `self + other`; opposite infinities add to `NaN`.
    ///
    /// # Errors
    /// `22003` beyond PostgreSQL's limits, here as in all arithmetic below.
    pub fn add(&self, other: &Self) -> Result<Self> {
        self.add_signed(other, false)
    }

    /// `self - other`; equal infinities subtract to `NaN`.
    ///
    /// # Errors
    /// As [`Numeric::add`].
    pub fn sub(&self, other: &Self) -> Result<Self> {
        self.add_signed(other, true)
    }

    fn add_signed(&self, other: &Self, negate: bool) -> Result<Self> {
        if let (Some((a, s)), Some((b, t))) = (self.as_small(), other.as_small()) {
            let b = if negate {
                -i128::from(b)
            } else {
                i128::from(b)
            };
            if s == t {
                return Ok(Self::from_i128(i128::from(a) + b, s));
            }
            // 64 bits times 10^18, twice, fits 128 bits.
            if let Some(power) = pow10(u32::from(s.abs_diff(t))).filter(|_| s.abs_diff(t) <= 18) {
                let sum = if s < t {
                    i128::from(a) * power + b
                } else {
                    i128::from(a) + b * power
                };
                return Ok(Self::from_i128(sum, s.max(t)));
            }
        }
        match (self.finite(), other.finite()) {
            (Some((a, s)), Some((b, t))) => {
                let scale = s.max(t);
                let a = scaled_up(&a, u32::from(scale - s));
                let b = scaled_up(&b, u32::from(scale - t));
                Self::checked(if negate { a - b } else { a + b }, scale)
            }
            _ => {
                let other = if negate { other.neg() } else { other.clone() };
                Ok(match (self.is_finite(), other.is_finite()) {
                    _ if self.is_nan() || other.is_nan() => Self::NAN,
                    (false, true) => self.clone(),
                    (true, false) => other,
                    _ if self == &other => other,
                    _ => Self::NAN,
                })
            }
        }
    }

    /// `self · other`; zero times an infinity is `NaN`.
    ///
    /// # Errors
    /// As [`Numeric::add`].
    pub fn mul(&self, other: &Self) -> Result<Self> {
        if let (Some((a, s)), Some((b, t))) = (self.as_small(), other.as_small())
            && s + t <= SCALE_MAX
        {
            return Ok(Self::from_i128(i128::from(a) * i128::from(b), s + t));
        }
        match (self.finite(), other.finite()) {
            (Some((a, s)), Some((b, t))) => {
                let product = a.as_ref() * b.as_ref();
                let scale = s + t;
                if scale > SCALE_MAX {
                    let excess = big_pow10(u32::from(scale - SCALE_MAX));
                    Self::checked(div_round(&product, &excess), SCALE_MAX)
                } else {
                    Self::checked(product, scale)
                }
            }
            _ if self.is_nan() || other.is_nan() || self.is_zero() || other.is_zero() => {
                Ok(Self::NAN)
            }
            _ => Ok(Self::infinite(self.signum() * other.signum())),
        }
    }

    /// `self / other`, at least 16 significant digits, rounded half away from zero.
    ///
    /// # Errors
    /// `22012` on zero; as [`Numeric::add`].
    pub fn div(&self, other: &Self) -> Result<Self> {
        if let (Some((a, s)), Some((b, t))) = (self.as_small(), other.as_small()) {
            if b == 0 {
                return Err(division_by_zero());
            }
            let scale = quotient_scale(weight_small(a, s), weight_small(b, t), s, t);
            // a / 10^s / (b / 10^t) at `scale` is a · 10^(scale + t - s) / b, and scale ≥ s.
            let shift = u32::from(scale) + u32::from(t) - u32::from(s);
            if let Some(dividend) = pow10(shift).and_then(|p| i128::from(a).checked_mul(p)) {
                return Ok(Self::from_i128(
                    div_round_i128(dividend, i128::from(b)),
                    scale,
                ));
            }
        }
        match (self.finite(), other.finite()) {
            (Some((a, s)), Some((b, t))) => {
                if b.sign() == Sign::NoSign {
                    return Err(division_by_zero());
                }
                let scale = quotient_scale(weight(&a, s), weight(&b, t), s, t);
                self.div_at(other, scale)
            }
            _ => self.div_special(other),
        }
    }

    /// The quotient of two finite numbers at a given display scale; `other` is not zero.
    pub(super) fn div_at(&self, other: &Self, scale: u16) -> Result<Self> {
        let (Some((a, s)), Some((b, t))) = (self.finite(), other.finite()) else {
            return self.div_special(other);
        };
        let shift = i32::from(scale) + i32::from(t) - i32::from(s);
        let quotient = if shift >= 0 {
            div_round(&scaled_up(&a, shift as u32), &b)
        } else {
            div_round(&a, &scaled_up(&b, shift.unsigned_abs()))
        };
        Self::checked(quotient, scale)
    }

    fn div_special(&self, other: &Self) -> Result<Self> {
        if self.is_nan() || other.is_nan() {
            Ok(Self::NAN)
        } else if self.is_finite() {
            Ok(Self::ZERO)
        } else if other.is_zero() {
            Err(division_by_zero())
        } else if other.is_finite() {
            Ok(Self::infinite(self.signum() * other.signum()))
        } else {
            Ok(Self::NAN)
        }
    }

    /// The integer quotient, truncated toward zero: `div(a, b)`.
    ///
    /// # Errors
    /// As [`Numeric::div`].
    pub fn div_trunc(&self, other: &Self) -> Result<Self> {
        let (Some((a, s)), Some((b, t))) = (self.finite(), other.finite()) else {
            return self.div_special(other);
        };
        if b.sign() == Sign::NoSign {
            return Err(division_by_zero());
        }
        let scale = s.max(t);
        let a = scaled_up(&a, u32::from(scale - s));
        let b = scaled_up(&b, u32::from(scale - t));
        Self::checked(a / b, 0)
    }

    /// The remainder of the truncated quotient; it has the sign of `self`.
    ///
    /// # Errors
    /// As [`Numeric::div`].
    pub fn rem(&self, other: &Self) -> Result<Self> {
        if let (Some((a, s)), Some((b, t))) = (self.as_small(), other.as_small())
            && b != 0
            && s.abs_diff(t) <= 18
        {
            let scale = s.max(t);
            if let (Some(p), Some(q)) = (pow10(u32::from(scale - s)), pow10(u32::from(scale - t))) {
                let remainder = (i128::from(a) * p) % (i128::from(b) * q);
                return Ok(Self::from_i128(remainder, scale));
            }
        }
        match (self.finite(), other.finite()) {
            (Some((a, s)), Some((b, t))) => {
                if b.sign() == Sign::NoSign {
                    return Err(division_by_zero());
                }
                let scale = s.max(t);
                let a = scaled_up(&a, u32::from(scale - s));
                let b = scaled_up(&b, u32::from(scale - t));
                Self::checked(a % b, scale)
            }
            _ if self.is_nan() || other.is_nan() => Ok(Self::NAN),
            (Some(_), None) => Ok(self.clone()),
            _ if other.is_zero() => Err(division_by_zero()),
            _ => Ok(Self::NAN),
        }
    }

    /// `-self`
    #[must_use]
    pub fn neg(&self) -> Self {
        match &self.0 {
            Repr::Small { coefficient, scale } => {
                Self::from_i128(-i128::from(*coefficient), *scale)
            }
            Repr::Big(big) => Self::from_big(-big.0.clone(), big.1),
            Repr::NaN => Self::NAN,
            Repr::Infinity => Self::NEG_INFINITY,
            Repr::NegInfinity => Self::INFINITY,
        }
    }

    /// The absolute value.
    #[must_use]
    pub fn abs(&self) -> Self {
        if self.signum() < 0 {
            self.neg()
        } else {
            self.clone()
        }
    }

    /// -1, 0 or 1 as a number; `NaN` for `NaN`.
    #[must_use]
    pub fn sign(&self) -> Self {
        if self.is_nan() {
            Self::NAN
        } else {
            Self::new(i64::from(self.signum()), 0)
        }
    }

    /// Greatest common divisor, at the larger scale.
    ///
    /// # Errors
    /// As [`Numeric::add`].
    pub fn gcd(&self, other: &Self) -> Result<Self> {
        let (Some((a, s)), Some((b, t))) = (self.finite(), other.finite()) else {
            return Ok(Self::NAN);
        };
        let scale = s.max(t);
        let a = scaled_up(&a, u32::from(scale - s));
        let b = scaled_up(&b, u32::from(scale - t));
        Self::checked(a.gcd(&b), scale)
    }

    /// Least common multiple, at the larger scale.
    ///
    /// # Errors
    /// As [`Numeric::add`].
    pub fn lcm(&self, other: &Self) -> Result<Self> {
        let (Some((a, s)), Some((b, t))) = (self.finite(), other.finite()) else {
            return Ok(Self::NAN);
        };
        let scale = s.max(t);
        let a = scaled_up(&a, u32::from(scale - s));
        let b = scaled_up(&b, u32::from(scale - t));
        Self::checked(a.lcm(&b), scale)
    }

    pub(super) fn infinite(sign: i32) -> Self {
        if sign < 0 {
            Self::NEG_INFINITY
        } else {
            Self::INFINITY
        }
    }
}
