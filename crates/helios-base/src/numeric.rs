//! Exact decimal numbers of any size: SQL `numeric`.

use num_bigint::BigInt;

/// An exact decimal with a display scale, `NaN` or an infinity.
#[derive(Clone, Debug)]
pub enum Numeric {
    /// `coefficient / 10^scale`, for coefficients that fit 64 bits.
    Small {
        /// The digits with their sign.
        coefficient: i64,
        /// Digits after the decimal point.
        scale: u16,
    },
    /// The same for larger coefficients.
    Big(Box<(BigInt, u16)>),
    /// Not a number: equal to itself and above everything else.
    NaN,
    /// Above every finite number.
    Infinity,
    /// Below every finite number.
    NegInfinity,
}
