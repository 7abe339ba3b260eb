//! Arithmetic on `real` and `double precision`: IEEE 754, except that overflow, underflow and
//! division by zero are errors.

use helios_base::{Error, SqlState, Value};

use super::integer::division_by_zero;
use crate::function::{Function, function, infix, mismatch, prefix};
use crate::ty::Ty;

macro_rules! arithmetic {
    ($left:ident $right:ident $result:ident $rust:ty) => {
        &[
            infix(
                "+",
                &[Ty::$left, Ty::$right],
                Ty::$result,
                |args, _| match args {
                    [Value::$left(a), Value::$right(b)] => {
                        let (a, b) = (<$rust>::from(*a), <$rust>::from(*b));
                        sum!($result, a + b, a, b)
                    }
                    args => Err(mismatch(args)),
                },
            ),
            infix(
                "-",
                &[Ty::$left, Ty::$right],
                Ty::$result,
                |args, _| match args {
                    [Value::$left(a), Value::$right(b)] => {
                        let (a, b) = (<$rust>::from(*a), <$rust>::from(*b));
                        sum!($result, a - b, a, b)
                    }
                    args => Err(mismatch(args)),
                },
            ),
            infix(
                "*",
                &[Ty::$left, Ty::$right],
                Ty::$result,
                |args, _| match args {
                    [Value::$left(a), Value::$right(b)] => {
                        let (a, b) = (<$rust>::from(*a), <$rust>::from(*b));
                        let product = a * b;
                        if product.is_infinite() && !a.is_infinite() && !b.is_infinite() {
                            Err(overflow())
                        } else if product == 0.0 && a != 0.0 && b != 0.0 {
                            Err(underflow())
                        } else {
                            Ok(Value::$result(product))
                        }
                    }
                    args => Err(mismatch(args)),
                },
            ),
            infix(
                "/",
                &[Ty::$left, Ty::$right],
                Ty::$result,
                |args, _| match args {
                    [Value::$left(a), Value::$right(b)] => {
                        let (a, b) = (<$rust>::from(*a), <$rust>::from(*b));
                        let quotient = a / b;
                        if b == 0.0 && !a.is_nan() {
                            Err(division_by_zero())
                        } else if quotient.is_infinite() && !a.is_infinite() {
                            Err(overflow())
                        } else if quotient == 0.0 && a != 0.0 && !b.is_infinite() {
                            Err(underflow())
                        } else {
                            Ok(Value::$result(quotient))
                        }
                    }
                    args => Err(mismatch(args)),
                },
            ),
        ]
    };
}

macro_rules! sum {
    ($result:ident, $sum:expr, $a:ident, $b:ident) => {{
        let sum = $sum;
        if sum.is_infinite() && !$a.is_infinite() && !$b.is_infinite() {
            Err(overflow())
        } else {
            Ok(Value::$result(sum))
        }
    }};
}

macro_rules! own {
    ($ty:ident) => {
        &[
            prefix("+", &[Ty::$ty], Ty::$ty, |args, _| match args {
                [Value::$ty(a)] => Ok(Value::$ty(*a)),
                args => Err(mismatch(args)),
            }),
            prefix("-", &[Ty::$ty], Ty::$ty, |args, _| match args {
                [Value::$ty(a)] => Ok(Value::$ty(-a)),
                args => Err(mismatch(args)),
            }),
            prefix("@", &[Ty::$ty], Ty::$ty, |args, _| match args {
                [Value::$ty(a)] => Ok(Value::$ty(a.abs())),
                args => Err(mismatch(args)),
            }),
            function("abs", &[Ty::$ty], Ty::$ty, |args, _| match args {
                [Value::$ty(a)] => Ok(Value::$ty(a.abs())),
                args => Err(mismatch(args)),
            }),
        ]
    };
}

pub(crate) static FAMILIES: &[&[Function]] = &[
    arithmetic!(Float4 Float4 Float4 f32),
    arithmetic!(Float4 Float8 Float8 f64),
    arithmetic!(Float8 Float4 Float8 f64),
    arithmetic!(Float8 Float8 Float8 f64),
    own!(Float4),
    own!(Float8),
];

/// `22003` beyond the largest float.
#[cold]
pub(crate) fn overflow() -> Error {
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "value out of range: overflow",
    )
}

/// `22003` below the smallest float.
#[cold]
pub(crate) fn underflow() -> Error {
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "value out of range: underflow",
    )
}
