//! Conversion between `numeric` and the machine's numbers.

use num_traits::ToPrimitive;

use super::{Numeric, Repr};
use crate::{Error, Result, SqlState};

macro_rules! from_integer {
    ($($int:ty),*) => {$(
        impl From<$int> for Numeric {
            fn from(n: $int) -> Self {
                Self::new(i64::from(n), 0)
            }
        }
    )*};
}

from_integer!(i16, i32, i64, u32);

impl From<i128> for Numeric {
    fn from(n: i128) -> Self {
        Self::from_i128(n, 0)
    }
}

/// Powers of ten that a double holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

impl Numeric {
    /// Rounded half away from zero to 16 bits.
    ///
    /// # Errors
    /// `22003` `smallint out of range`; `0A000` for `NaN` and the infinities.
    pub fn to_i16(&self) -> Result<i16> {
        self.to_integer("smallint")
    }

    /// Rounded half away from zero to 32 bits.
    ///
    /// # Errors
    /// `22003` `integer out of range`; `0A000` for `NaN` and the infinities.
    pub fn to_i32(&self) -> Result<i32> {
        self.to_integer("integer")
    }

    /// Rounded half away from zero to 64 bits.
    ///
    /// # Errors
    /// `22003` `bigint out of range`; `0A000` for `NaN` and the infinities.
    pub fn to_i64(&self) -> Result<i64> {
        self.to_integer("bigint")
    }

    fn to_integer<T: TryFrom<i64>>(&self, name: &str) -> Result<T> {
        let out_of_range = || {
            Error::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                format!("{name} out of range"),
            )
        };
        match &self.0 {
            Repr::Small {
                coefficient,
                scale: 0,
            } => T::try_from(*coefficient).map_err(|_| out_of_range()),
            Repr::NaN => Err(Error::unsupported(format!("cannot convert NaN to {name}"))),
            Repr::Infinity | Repr::NegInfinity => Err(Error::unsupported(format!(
                "cannot convert infinity to {name}"
            ))),
            _ => {
                let rounded = self.round(0)?;
                let (coefficient, _) = rounded.as_small().ok_or_else(out_of_range)?;
                T::try_from(coefficient).map_err(|_| out_of_range())
            }
        }
    }

    /// The nearest double; numbers beyond its range become infinite or zero.
    #[must_use]
    pub fn to_f64_lossy(&self) -> f64 {
        match &self.0 {
            Repr::Small { coefficient, scale } => {
                // One correctly rounded division of two exact numbers.
                if coefficient.unsigned_abs() <= 1 << 53
                    && let Some(power) = EXACT_POWERS.get(usize::from(*scale))
                {
                    return *coefficient as f64 / power;
                }
                self.to_string().parse().unwrap_or(f64::NAN)
            }
            Repr::Big(big) if big.1 == 0 => big.0.to_f64().unwrap_or(f64::NAN),
            Repr::Big(_) => self.to_string().parse().unwrap_or(f64::NAN),
            Repr::NaN => f64::NAN,
            Repr::Infinity => f64::INFINITY,
            Repr::NegInfinity => f64::NEG_INFINITY,
        }
    }

    /// The nearest double.
    ///
    /// # Errors
    /// `22003` if the number is finite and beyond the range of doubles.
    pub fn to_f64(&self) -> Result<f64> {
        let x = self.to_f64_lossy();
        if self.is_finite() && (x.is_infinite() || (x == 0.0 && !self.is_zero())) {
            return Err(self.out_of_range("double precision"));
        }
        Ok(x)
    }

    /// The nearest single-precision number.
    ///
    /// # Errors
    /// `22003` if the number is finite and beyond its range.
    pub fn to_f32(&self) -> Result<f32> {
        let x = if self.is_finite() {
            self.to_string().parse().unwrap_or(f32::NAN)
        } else {
            self.to_f64_lossy() as f32
        };
        if self.is_finite() && (x.is_infinite() || (x == 0.0 && !self.is_zero())) {
            return Err(self.out_of_range("real"));
        }
        Ok(x)
    }

    fn out_of_range(&self, name: &str) -> Error {
        Error::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            format!("\"{self}\" is out of range for type {name}"),
        )
    }

    /// The number at 15 significant digits, as PostgreSQL casts `double precision` to `numeric`.
    #[must_use]
    pub fn from_f64(x: f64) -> Self {
        Self::from_scientific(x, format!("{x:.14e}"))
    }

    /// The number at 6 significant digits, as PostgreSQL casts `real` to `numeric`.
    #[must_use]
    pub fn from_f32(x: f32) -> Self {
        Self::from_scientific(f64::from(x), format!("{x:.5e}"))
    }

    fn from_scientific(x: f64, text: String) -> Self {
        if x.is_nan() {
            return Self::NAN;
        }
        if x.is_infinite() {
            return Self::infinite(if x < 0.0 { -1 } else { 1 });
        }
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mantissa = if mantissa.contains('.') {
            mantissa.trim_end_matches('0').trim_end_matches('.')
        } else {
            mantissa
        };
        // Fifteen digits and a double's exponent are always in range.
        format!("{mantissa}e{exponent}")
            .parse()
            .unwrap_or(Self::NAN)
    }
}
