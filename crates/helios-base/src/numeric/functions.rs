//! `sqrt`, `exp`, `ln`, `log` and `factorial`, to PostgreSQL's scales.
//!
//! They compute in binary fixed point with guard bits beyond the last digit shown.

use num_bigint::{BigInt, Sign};
use num_traits::{One, ToPrimitive};

use super::arithmetic::{SIGNIFICANT_DIGITS_MIN, clamp_scale, div_round, weight};
use super::{Numeric, big_pow10, overflow};
use crate::{Error, Result, SqlState};

/// Beyond this exponents overflow, and below its negative they vanish.
const EXP_LIMIT: f64 = 6000.0;
/// log10(e) to the digits that PostgreSQL has: a last digit more or less changes scales where the
/// result is a power of ten.
#[allow(clippy::approx_constant, reason = "not the nearest double, on purpose")]
pub(super) const LOG10_E: f64 = 0.434_294_481_903_252;

/// Bits that hold `digits` decimal digits and some to guard.
fn bits_for(digits: u64) -> u64 {
    digits * 3322 / 1000 + 64
}

/// `coefficient / 10^scale` in fixed point with `bits` bits after the point.
fn to_fixed(coefficient: &BigInt, scale: u16, bits: u64) -> BigInt {
    div_round(&(coefficient << bits), &big_pow10(u32::from(scale)))
}

/// Fixed point to a number shown at `scale`.
fn from_fixed(fixed: &BigInt, bits: u64, scale: u16) -> Result<Numeric> {
    let scaled = fixed * big_pow10(u32::from(scale));
    Numeric::checked(div_round(&scaled, &(BigInt::one() << bits)), scale)
}

/// `2 · atanh(1 / n)` in fixed point, by its series.
fn twice_atanh_of_inverse(n: u32, bits: u64) -> BigInt {
    let square = BigInt::from(u64::from(n) * u64::from(n));
    let mut power = (BigInt::one() << (bits + 1)) / n;
    let mut sum = power.clone();
    let mut k = 3u32;
    loop {
        power /= &square;
        if power.sign() == Sign::NoSign {
            return sum;
        }
        sum += &power / k;
        k += 2;
    }
}

/// ln 2 in fixed point.
fn ln2(bits: u64) -> BigInt {
    // ln 2 = 2 · atanh(1/3)
    twice_atanh_of_inverse(3, bits)
}

/// ln of a positive fixed-point number.
fn ln_fixed(x: &BigInt, bits: u64) -> BigInt {
    // x = m · 2^k with m in [1, 2); then square roots pull m toward 1, where the series is short.
    let shift = x.bits() as i64 - 1 - bits as i64;
    let guard = 32 + x.bits() / 64;
    let wide = bits + guard;
    let mut m: BigInt = if shift >= 0 {
        (x << guard) >> shift.unsigned_abs()
    } else {
        x << (guard + shift.unsigned_abs())
    };
    let roots = 8 + (bits / 256).min(24) as u32;
    for _ in 0..roots {
        m = (m << wide).sqrt();
    }
    // ln m = 2 · atanh((m - 1) / (m + 1))
    let one = BigInt::one() << wide;
    let ratio = ((&m - &one) << wide) / (&m + &one);
    let square = (&ratio * &ratio) >> wide;
    let mut power = ratio.clone();
    let mut sum = ratio;
    let mut k = 3u32;
    loop {
        power = (power * &square) >> wide;
        if power.sign() == Sign::NoSign {
            break;
        }
        sum += &power / k;
        k += 2;
    }
    let result = (sum << (roots + 1)) + ln2(wide) * shift;
    result >> guard
}

/// exp of a fixed-point number, in fixed point.
fn exp_fixed(x: &BigInt, bits: u64) -> BigInt {
    // x = n · ln 2 + r; exp r by its series on r / 2^halvings, then squared back.
    let halvings = 8 + (bits / 128).min(64);
    let guard = 32 + halvings * 2;
    // Room for the squarings and for the integer part that 2^n brings.
    let wide = bits + guard + x.bits().saturating_sub(bits) + 16;
    let x = x << (wide - bits);
    let ln2 = ln2(wide);
    let n = num_integer::Integer::div_floor(&x, &ln2);
    let r = (x - &n * &ln2) >> halvings;
    let one = BigInt::one() << wide;
    let mut term = one.clone();
    let mut sum = one;
    let mut k = 1u32;
    loop {
        term = ((term * &r) >> wide) / k;
        if term.sign() == Sign::NoSign {
            break;
        }
        sum += &term;
        k += 1;
    }
    for _ in 0..halvings {
        sum = (&sum * &sum) >> wide;
    }
    let n = n.to_i64().unwrap_or(0) - (wide - bits) as i64;
    if n >= 0 {
        sum << n.unsigned_abs()
    } else {
        sum >> n.unsigned_abs()
    }
}

/// The decimal weight of `ln(number)`, estimated as PostgreSQL does to choose scales.
pub(super) fn ln_weight(number: &Numeric) -> i32 {
    if number.signum() <= 0 {
        return 0;
    }
    if *number >= Numeric::new(9, 1) && *number <= Numeric::new(11, 1) {
        // Near 1, ln(1 + x) is about x.
        let Some((x, scale)) = number.sub(&Numeric::ONE).ok().and_then(|x| x.to_parts()) else {
            return 0;
        };
        return match weight(&x, scale) {
            (_, 0) => 0,
            (weight, first) => weight * 4 + f64::from(first).log10() as i32,
        };
    }
    let Some((coefficient, scale)) = number.to_parts() else {
        return 0;
    };
    let (weight, first) = weight(&coefficient, scale);
    // The first two base-10000 digits are enough.
    let shifted = i32::from(scale) + (weight - 1) * 4;
    let two = if shifted >= 0 {
        coefficient / big_pow10(shifted.unsigned_abs())
    } else {
        coefficient * big_pow10(shifted.unsigned_abs())
    };
    let two = two.to_f64().unwrap_or_else(|| f64::from(first) * 1e4);
    let ln = two.ln() + f64::from((weight - 1) * 4) * std::f64::consts::LN_10;
    ln.abs().log10() as i32
}

impl Numeric {
    /// The square root.
    ///
    /// # Errors
    /// `2201F` for negative numbers.
    pub fn sqrt(&self) -> Result<Self> {
        let negative = || {
            Error::new(
                SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
                "cannot take square root of a negative number",
            )
        };
        let Some((coefficient, own)) = self.finite() else {
            return if self.signum() < 0 {
                Err(negative())
            } else {
                Ok(self.clone())
            };
        };
        if self.signum() < 0 {
            return Err(negative());
        }
        let (weight, _) = weight(&coefficient, own);
        let scale = clamp_scale((SIGNIFICANT_DIGITS_MIN - (2 * weight + 1)).max(i32::from(own)));
        // One digit more than shown, then rounded.
        let shift = 2 * (i32::from(scale) + 1) - i32::from(own);
        let radicand = if shift >= 0 {
            coefficient.as_ref() * big_pow10(shift.unsigned_abs())
        } else {
            coefficient.as_ref() / big_pow10(shift.unsigned_abs())
        };
        Self::checked(div_round(&radicand.sqrt(), &BigInt::from(10)), scale)
    }

    /// e to this power.
    ///
    /// # Errors
    /// `22003` on overflow.
    pub fn exp(&self) -> Result<Self> {
        if !self.is_finite() {
            return Ok(if self.signum() < 0 {
                Self::ZERO
            } else {
                self.clone()
            });
        }
        let decimal = (self.to_f64_lossy() * LOG10_E).clamp(-2000.0, 2000.0);
        let scale =
            clamp_scale((SIGNIFICANT_DIGITS_MIN - decimal as i32).max(i32::from(self.scale())));
        self.exp_at(scale)
    }

    /// `exp` at a given display scale.
    pub(super) fn exp_at(&self, scale: u16) -> Result<Self> {
        let Some((coefficient, own)) = self.finite() else {
            return self.exp();
        };
        let x = self.to_f64_lossy();
        if x.abs() >= EXP_LIMIT {
            return if x > 0.0 {
                Err(overflow())
            } else {
                Ok(Self::new(0, scale))
            };
        }
        let whole = (x * LOG10_E).max(0.0) as u64;
        let bits = bits_for(u64::from(scale) + whole);
        from_fixed(
            &exp_fixed(&to_fixed(&coefficient, own, bits), bits),
            bits,
            scale,
        )
    }

    fn require_positive(&self) -> Result<()> {
        let message = match self.signum() {
            0 => "cannot take logarithm of zero",
            -1 => "cannot take logarithm of a negative number",
            _ => return Ok(()),
        };
        Err(Error::new(
            SqlState::INVALID_ARGUMENT_FOR_LOGARITHM,
            message,
        ))
    }

    /// The natural logarithm.
    ///
    /// # Errors
    /// `2201E` unless the number is positive.
    pub fn ln(&self) -> Result<Self> {
        self.require_positive()?;
        if !self.is_finite() {
            return Ok(self.clone());
        }
        let scale =
            clamp_scale((SIGNIFICANT_DIGITS_MIN - ln_weight(self)).max(i32::from(self.scale())));
        self.ln_at(scale)
    }

    /// `ln` of a positive finite number at a given display scale.
    pub(super) fn ln_at(&self, scale: u16) -> Result<Self> {
        let Some((coefficient, own)) = self.finite() else {
            return Ok(self.clone());
        };
        // Tiny arguments need their leading bits as well.
        let bits = bits_for(u64::from(scale) + 2 * u64::from(own));
        from_fixed(
            &ln_fixed(&to_fixed(&coefficient, own, bits), bits),
            bits,
            scale,
        )
    }

    /// The logarithm to `base`.
    ///
    /// # Errors
    /// `2201E` unless both are positive; `22012` if `base` is 1.
    pub fn log(&self, base: &Self) -> Result<Self> {
        if self.is_nan() || base.is_nan() {
            return Ok(Self::NAN);
        }
        base.require_positive()?;
        self.require_positive()?;
        match (base.is_infinite(), self.is_infinite()) {
            (true, true) => return Ok(Self::NAN),
            (true, false) => return Ok(Self::ZERO),
            (false, true) => return Ok(Self::INFINITY),
            (false, false) => {}
        }
        let (base_weight, own_weight) = (ln_weight(base), ln_weight(self));
        let weight = own_weight - base_weight;
        let scale = clamp_scale(
            (SIGNIFICANT_DIGITS_MIN - weight)
                .max(i32::from(base.scale()))
                .max(i32::from(self.scale())),
        );
        let inner = |own: i32| (i32::from(scale) + weight - own + 8).max(0) as u16;
        let ln_base = base.ln_at(inner(base_weight))?;
        let ln_self = self.ln_at(inner(own_weight))?;
        if ln_base.is_zero() {
            return Err(super::arithmetic::division_by_zero());
        }
        ln_self.div_at(&ln_base, scale)
    }

    /// The logarithm to base 10.
    ///
    /// # Errors
    /// `2201E` unless the number is positive.
    pub fn log10(&self) -> Result<Self> {
        self.log(&Self::new(10, 0))
    }

    /// `n!`
    ///
    /// # Errors
    /// `22003` for negative numbers and on overflow.
    pub fn factorial(n: i64) -> Result<Self> {
        if n < 0 {
            return Err(Error::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                "factorial of a negative number is undefined",
            ));
        }
        if n > 32_177 {
            return Err(overflow());
        }
        Self::checked((2..=n).fold(BigInt::one(), |product, k| product * k), 0)
    }
}
