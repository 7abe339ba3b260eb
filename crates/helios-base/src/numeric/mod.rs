//! Exact decimal numbers of any size: SQL `numeric`.
//!
//! Results and their display scales are PostgreSQL's. Coefficients that fit 64 bits stay inline;
//! arithmetic on them runs in 128 bits and falls back to big integers.

mod arithmetic;
mod convert;
mod functions;
mod power;
mod round;
mod text;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;

use crate::{Error, Result, SqlState};

/// The largest number of digits after the decimal point.
pub const SCALE_MAX: u16 = 16_383;
/// The largest number of digits before the decimal point.
pub const INTEGER_DIGITS_MAX: u32 = 131_072;
/// The largest precision that a `numeric(precision, scale)` may declare.
pub const PRECISION_MAX: u16 = 1_000;

/// An exact decimal with a display scale, `NaN` or an infinity.
///
/// Equality, order and hash look at the value, not at the display scale: `1.0` equals `1.00`.
/// `NaN` equals itself and is above everything else. 16 bytes.
#[derive(Clone, Debug)]
pub struct Numeric(Repr);

#[derive(Clone, Debug)]
pub(crate) enum Repr {
    /// `coefficient / 10^scale`.
    Small {
        coefficient: i64,
        scale: u16,
    },
    /// The same for coefficients that do not fit 64 bits, and only for those.
    Big(Box<(BigInt, u16)>),
    NaN,
    Infinity,
    NegInfinity,
}

const _: () = assert!(size_of::<Numeric>() == 16);

/// Powers of ten that fit 128 bits.
const POWERS: [i128; 39] = {
    let mut powers = [1i128; 39];
    let mut i = 1;
    while i < 39 {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// `10^exponent` if it fits 128 bits.
pub(crate) fn pow10(exponent: u32) -> Option<i128> {
    POWERS.get(exponent as usize).copied()
}

/// `10^exponent`.
pub(crate) fn big_pow10(exponent: u32) -> BigInt {
    match pow10(exponent) {
        Some(power) => BigInt::from(power),
        None => BigInt::from(10u8).pow(exponent),
    }
}

impl Numeric {
    /// 0
    pub const ZERO: Self = Self::new(0, 0);
    /// 1
    pub const ONE: Self = Self::new(1, 0);
    /// Not a number.
    pub const NAN: Self = Self(Repr::NaN);
    /// Above every finite number.
    pub const INFINITY: Self = Self(Repr::Infinity);
    /// Below every finite number.
    pub const NEG_INFINITY: Self = Self(Repr::NegInfinity);

    /// `coefficient / 10^scale`, shown with `scale` digits after the point.
    #[must_use]
    pub const fn new(coefficient: i64, scale: u16) -> Self {
        Self(Repr::Small { coefficient, scale })
    }

    /// `coefficient / 10^scale`, shown with `scale` digits after the point.
    #[must_use]
    pub fn from_big(coefficient: BigInt, scale: u16) -> Self {
        match coefficient.to_i64() {
            Some(small) => Self::new(small, scale),
            None => Self(Repr::Big(Box::new((coefficient, scale)))),
        }
    }

    /// `coefficient / 10^scale`, shown with `scale` digits after the point.
    #[must_use]
    pub fn from_i128(coefficient: i128, scale: u16) -> Self {
        match i64::try_from(coefficient) {
            Ok(small) => Self::new(small, scale),
            Err(_) => Self(Repr::Big(Box::new((BigInt::from(coefficient), scale)))),
        }
    }

    /// [`Numeric::from_big`], refusing what PostgreSQL's format cannot hold.
    pub(crate) fn checked(coefficient: BigInt, scale: u16) -> Result<Self> {
        let number = Self::from_big(coefficient, scale);
        number.check()?;
        Ok(number)
    }

    fn check(&self) -> Result<()> {
        if let Repr::Big(big) = &self.0 {
            // A bit is less than 0.302 of a digit: an upper bound that spares most numbers the count.
            let limit = u64::from(INTEGER_DIGITS_MAX) + u64::from(big.1);
            let at_most = big.0.bits() * 302 / 1000 + 1;
            if at_most > limit && arithmetic::digit_count(&big.0) > limit {
                return Err(overflow());
            }
        }
        Ok(())
    }

    /// The coefficient and scale of a finite number.
    pub(crate) fn finite(&self) -> Option<(Cow<'_, BigInt>, u16)> {
        match &self.0 {
            Repr::Small { coefficient, scale } => {
                Some((Cow::Owned(BigInt::from(*coefficient)), *scale))
            }
            Repr::Big(big) => Some((Cow::Borrowed(&big.0), big.1)),
            _ => None,
        }
    }

    /// The coefficient and scale if the coefficient fits 64 bits.
    #[must_use]
    pub fn as_small(&self) -> Option<(i64, u16)> {
        match self.0 {
            Repr::Small { coefficient, scale } => Some((coefficient, scale)),
            _ => None,
        }
    }

    /// The coefficient and scale of a finite number; `None` for `NaN` and the infinities.
    #[must_use]
    pub fn to_parts(&self) -> Option<(BigInt, u16)> {
        self.finite()
            .map(|(coefficient, scale)| (coefficient.into_owned(), scale))
    }

    /// The coefficient of this number at `scale`, if it is finite, exact there and fits 128 bits.
    #[must_use]
    pub fn to_i128_at(&self, scale: u16) -> Option<i128> {
        let (coefficient, own) = match &self.0 {
            Repr::Small { coefficient, scale } => (i128::from(*coefficient), *scale),
            Repr::Big(big) => (big.0.to_i128()?, big.1),
            _ => return None,
        };
        if own <= scale {
            coefficient.checked_mul(pow10(u32::from(scale - own))?)
        } else {
            let divisor = pow10(u32::from(own - scale))?;
            (coefficient % divisor == 0).then_some(coefficient / divisor)
        }
    }

    /// Whether this is `NaN`.
    #[must_use]
    pub fn is_nan(&self) -> bool {
        matches!(self.0, Repr::NaN)
    }

    /// Whether this is `Infinity` or `-Infinity`.
    #[must_use]
    pub fn is_infinite(&self) -> bool {
        matches!(self.0, Repr::Infinity | Repr::NegInfinity)
    }

    /// Whether this is neither `NaN` nor infinite.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        matches!(self.0, Repr::Small { .. } | Repr::Big(_))
    }

    /// Whether this is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        matches!(self.0, Repr::Small { coefficient: 0, .. })
    }

    /// -1, 0 or 1; `NaN` counts as 1.
    #[must_use]
    pub fn signum(&self) -> i32 {
        match &self.0 {
            Repr::Small { coefficient, .. } => coefficient.signum() as i32,
            Repr::Big(big) => match big.0.sign() {
                Sign::Minus => -1,
                _ => 1,
            },
            Repr::NaN | Repr::Infinity => 1,
            Repr::NegInfinity => -1,
        }
    }

    /// Digits after the decimal point, as shown; 0 for `NaN` and the infinities.
    #[must_use]
    pub fn scale(&self) -> u16 {
        match &self.0 {
            Repr::Small { scale, .. } => *scale,
            Repr::Big(big) => big.1,
            _ => 0,
        }
    }

    fn rank(&self) -> u8 {
        match self.0 {
            Repr::NegInfinity => 0,
            Repr::Small { .. } | Repr::Big(_) => 1,
            Repr::Infinity => 2,
            Repr::NaN => 3,
        }
    }
}

/// `value overflows numeric format`
pub(crate) fn overflow() -> Error {
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "value overflows numeric format",
    )
}

/// The coefficient without trailing zeros, and the scale that goes with it (it may be negative).
/// Zero has scale 0.
pub(crate) fn trimmed(coefficient: &BigInt, scale: u16) -> (BigInt, i32) {
    let mut scale = i32::from(scale);
    let mut coefficient = coefficient.clone();
    if coefficient.sign() == Sign::NoSign {
        return (coefficient, 0);
    }
    for step in [64u32, 16, 4, 1] {
        let divisor = big_pow10(step);
        loop {
            let (quotient, remainder) = num_integer::Integer::div_rem(&coefficient, &divisor);
            if remainder.sign() != Sign::NoSign {
                break;
            }
            coefficient = quotient;
            scale -= step as i32;
        }
    }
    (coefficient, scale)
}

fn trimmed_small(mut coefficient: i64, scale: u16) -> (i64, i32) {
    if coefficient == 0 {
        return (0, 0);
    }
    let mut scale = i32::from(scale);
    while coefficient % 10 == 0 {
        coefficient /= 10;
        scale -= 1;
    }
    (coefficient, scale)
}

impl Ord for Numeric {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (
            Repr::Small {
                coefficient: a,
                scale: s,
            },
            Repr::Small {
                coefficient: b,
                scale: t,
            },
        ) = (&self.0, &other.0)
        {
            if s == t {
                return a.cmp(b);
            }
            let difference = u32::from(s.abs_diff(*t));
            // 64 bits times 10^19 fits 128 bits.
            if let Some(power) = pow10(difference).filter(|_| difference <= 19) {
                let (a, b) = (i128::from(*a), i128::from(*b));
                return if s < t {
                    (a * power).cmp(&b)
                } else {
                    a.cmp(&(b * power))
                };
            }
        }
        match (self.finite(), other.finite()) {
            (Some((a, s)), Some((b, t))) => match a.sign().cmp(&b.sign()) {
                Ordering::Equal if s < t => (a.as_ref() * big_pow10(u32::from(t - s))).cmp(&b),
                Ordering::Equal if s > t => {
                    a.as_ref().cmp(&(b.as_ref() * big_pow10(u32::from(s - t))))
                }
                Ordering::Equal => a.cmp(&b),
                unequal => unequal,
            },
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Numeric {}

impl Hash for Numeric {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Repr::Small { coefficient, scale } => trimmed_small(*coefficient, *scale).hash(state),
            Repr::Big(big) => {
                let (coefficient, scale) = trimmed(&big.0, big.1);
                match coefficient.to_i64() {
                    Some(small) => (small, scale).hash(state),
                    None => (coefficient, scale).hash(state),
                }
            }
            _ => self.rank().hash(state),
        }
    }
}

impl Default for Numeric {
    fn default() -> Self {
        Self::ZERO
    }
}
