//! Rounding, truncation, scales and type modifiers.

use num_bigint::BigInt;
use num_integer::Integer;

use super::arithmetic::{div_round, div_round_i128};
use super::{Numeric, Repr, big_pow10, pow10, trimmed};
use crate::{Error, Result, SqlState};

/// The largest scale that `round` and `trunc` give, and the digits that a number can have before the point.
const ROUND_SCALE_MAX: i32 = 16_383;
const ROUND_SCALE_MIN: i32 = -131_073;

impl Numeric {
    /// Rounds half away from zero to `scale` digits after the point (before it, if negative).
    ///
    /// # Errors
    /// `22003` if rounding up passes PostgreSQL's limits.
    pub fn round(&self, scale: i32) -> Result<Self> {
        let scale = scale.clamp(ROUND_SCALE_MIN, ROUND_SCALE_MAX);
        self.to_scale(scale, div_round_i128, div_round)
    }

    /// Drops the digits beyond `scale` digits after the point (before it, if negative).
    ///
    /// # Errors
    /// As [`Numeric::round`].
    pub fn trunc(&self, scale: i32) -> Result<Self> {
        let scale = scale.clamp(ROUND_SCALE_MIN, ROUND_SCALE_MAX);
        self.to_scale(scale, |a, b| a / b, |a, b| a / b)
    }

    /// The nearest integer not above.
    ///
    /// # Errors
    /// As [`Numeric::round`].
    pub fn floor(&self) -> Result<Self> {
        self.to_scale(0, |a, b| a.div_euclid(b), Integer::div_floor)
    }

    /// The nearest integer not below.
    ///
    /// # Errors
    /// As [`Numeric::round`].
    pub fn ceil(&self) -> Result<Self> {
        self.to_scale(0, |a, b| -(-a).div_euclid(b), |a, b| -(-a).div_floor(b))
    }

    fn to_scale(
        &self,
        scale: i32,
        small: impl Fn(i128, i128) -> i128,
        big: impl Fn(&BigInt, &BigInt) -> BigInt,
    ) -> Result<Self> {
        let Some((coefficient, own)) = self.finite() else {
            return Ok(self.clone());
        };
        let shown = scale.max(0) as u16;
        let drop = i32::from(own) - scale;
        if drop <= 0 {
            // More digits: pad with zeros.
            let by = drop.unsigned_abs();
            if let (Some((c, _)), Some(power)) = (self.as_small(), pow10(by))
                && let Some(padded) = i128::from(c).checked_mul(power)
            {
                return Ok(Self::from_i128(padded, shown));
            }
            return Self::checked(coefficient.as_ref() * big_pow10(by), shown);
        }
        let by = drop as u32;
        // Digits that rounding drops before the point come back as zeros.
        let zeros = (-scale).max(0) as u32;
        if let (Some((c, _)), Some(power), 0) = (self.as_small(), pow10(by), zeros) {
            return Ok(Self::from_i128(small(i128::from(c), power), shown));
        }
        let kept = big(&coefficient, &big_pow10(by));
        Self::checked(kept * big_pow10(zeros), shown)
    }

    /// The smallest scale that shows the number exactly; `None` for `NaN` and the infinities.
    #[must_use]
    pub fn min_scale(&self) -> Option<u16> {
        self.finite()
            .map(|(coefficient, scale)| trimmed(&coefficient, scale).1.max(0) as u16)
    }

    /// The number at its smallest exact scale.
    #[must_use]
    pub fn trim_scale(&self) -> Self {
        match self.min_scale() {
            Some(scale) if scale < self.scale() => self
                .trunc(i32::from(scale))
                .unwrap_or_else(|_| self.clone()),
            _ => self.clone(),
        }
    }

    /// Makes the number fit a column of type `numeric(precision, scale)`: rounds to `scale` and
    /// checks the digits before the point.
    ///
    /// # Errors
    /// `22003` `numeric field overflow`, with PostgreSQL's detail.
    pub fn apply_modifier(&self, precision: u16, scale: i16) -> Result<Self> {
        let overflow = |detail: String| {
            Error::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                "numeric field overflow",
            )
            .with_detail(detail)
        };
        if self.is_nan() {
            return Ok(Self::NAN);
        }
        if self.is_infinite() {
            return Err(overflow(format!(
                "A field with precision {precision}, scale {scale} cannot hold an infinite value."
            )));
        }
        let rounded = self.to_scale(i32::from(scale), div_round_i128, div_round)?;
        let digits = i32::from(precision) - i32::from(scale);
        if rounded.is_zero() || rounded.below_power(digits) {
            return Ok(rounded);
        }
        let limit = if digits == 0 {
            "1".to_owned()
        } else {
            format!("10^{digits}")
        };
        Err(overflow(format!(
            "A field with precision {precision}, scale {scale} must round to an absolute value \
             less than {limit}."
        )))
    }

    /// Whether `|self| < 10^exponent`, for finite numbers.
    fn below_power(&self, exponent: i32) -> bool {
        let digits = exponent + i32::from(self.scale());
        if digits < 0 {
            return false;
        }
        match (&self.0, pow10(digits.unsigned_abs())) {
            (Repr::Small { coefficient, .. }, Some(power)) => {
                i128::from(coefficient.unsigned_abs()) < power
            }
            (Repr::Small { .. }, None) => true,
            (Repr::Big(big), _) => big.0.magnitude() < big_pow10(digits.unsigned_abs()).magnitude(),
            _ => false,
        }
    }
}
