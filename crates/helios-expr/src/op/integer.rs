//! Arithmetic and bit operators on integers.

use helios_base::{Error, Result, SqlState, Value};

use crate::function::{Call, Function, function, infix, mismatch, prefix};
use crate::ty::Ty;

macro_rules! arithmetic {
    ($left:ident $right:ident $result:ident $rust:ty) => {
        &[
            infix(
                "+",
                &[Ty::$left, Ty::$right],
                Ty::$result,
                |args, _| match args {
                    [Value::$left(a), Value::$right(b)] => <$rust>::from(*a)
                        .checked_add(<$rust>::from(*b))
                        .map(Value::$result)
                        .ok_or_else(|| out_of_range(Ty::$result)),
                    args => Err(mismatch(args)),
                },
            ),
            infix(
                "-",
                &[Ty::$left, Ty::$right],
                Ty::$result,
                |args, _| match args {
                    [Value::$left(a), Value::$right(b)] => <$rust>::from(*a)
                        .checked_sub(<$rust>::from(*b))
                        .map(Value::$result)
                        .ok_or_else(|| out_of_range(Ty::$result)),
                    args => Err(mismatch(args)),
                },
            ),
            infix(
                "*",
                &[Ty::$left, Ty::$right],
                Ty::$result,
                |args, _| match args {
                    [Value::$left(a), Value::$right(b)] => <$rust>::from(*a)
                        .checked_mul(<$rust>::from(*b))
                        .map(Value::$result)
                        .ok_or_else(|| out_of_range(Ty::$result)),
                    args => Err(mismatch(args)),
                },
            ),
            infix(
                "/",
                &[Ty::$left, Ty::$right],
                Ty::$result,
                |args, _| match args {
                    [Value::$left(_), Value::$right(0)] => Err(division_by_zero()),
                    [Value::$left(a), Value::$right(b)] => <$rust>::from(*a)
                        .checked_div(<$rust>::from(*b))
                        .map(Value::$result)
                        .ok_or_else(|| out_of_range(Ty::$result)),
                    args => Err(mismatch(args)),
                },
            ),
        ]
    };
}

macro_rules! own {
    ($ty:ident) => {
        &[
            infix("%", &[Ty::$ty, Ty::$ty], Ty::$ty, |args, _| match args {
                [Value::$ty(_), Value::$ty(0)] => Err(division_by_zero()),
                // The smallest number has no positive counterpart, but its remainder is 0.
                [Value::$ty(a), Value::$ty(b)] => Ok(Value::$ty(a.wrapping_rem(*b))),
                args => Err(mismatch(args)),
            }),
            function("mod", &[Ty::$ty, Ty::$ty], Ty::$ty, |args, _| match args {
                [Value::$ty(_), Value::$ty(0)] => Err(division_by_zero()),
                [Value::$ty(a), Value::$ty(b)] => Ok(Value::$ty(a.wrapping_rem(*b))),
                args => Err(mismatch(args)),
            }),
            infix("&", &[Ty::$ty, Ty::$ty], Ty::$ty, |args, _| match args {
                [Value::$ty(a), Value::$ty(b)] => Ok(Value::$ty(a & b)),
                args => Err(mismatch(args)),
            }),
            infix("|", &[Ty::$ty, Ty::$ty], Ty::$ty, |args, _| match args {
                [Value::$ty(a), Value::$ty(b)] => Ok(Value::$ty(a | b)),
                args => Err(mismatch(args)),
            }),
            infix("#", &[Ty::$ty, Ty::$ty], Ty::$ty, |args, _| match args {
                [Value::$ty(a), Value::$ty(b)] => Ok(Value::$ty(a ^ b)),
                args => Err(mismatch(args)),
            }),
            infix("<<", &[Ty::$ty, Ty::Int4], Ty::$ty, |args, _| match args {
                [Value::$ty(a), Value::Int4(b)] => Ok(Value::$ty(shift_left!($ty, a, b))),
                args => Err(mismatch(args)),
            }),
            infix(">>", &[Ty::$ty, Ty::Int4], Ty::$ty, |args, _| match args {
                [Value::$ty(a), Value::Int4(b)] => Ok(Value::$ty(shift_right!($ty, a, b))),
                args => Err(mismatch(args)),
            }),
            prefix("~", &[Ty::$ty], Ty::$ty, |args, _| match args {
                [Value::$ty(a)] => Ok(Value::$ty(!a)),
                args => Err(mismatch(args)),
            }),
            prefix("+", &[Ty::$ty], Ty::$ty, |args, _| match args {
                [Value::$ty(a)] => Ok(Value::$ty(*a)),
                args => Err(mismatch(args)),
            }),
            prefix("-", &[Ty::$ty], Ty::$ty, |args, _| match args {
                [Value::$ty(a)] => a
                    .checked_neg()
                    .map(Value::$ty)
                    .ok_or_else(|| out_of_range(Ty::$ty)),
                args => Err(mismatch(args)),
            }),
            prefix("@", &[Ty::$ty], Ty::$ty, |args, _| match args {
                [Value::$ty(a)] => a
                    .checked_abs()
                    .map(Value::$ty)
                    .ok_or_else(|| out_of_range(Ty::$ty)),
                args => Err(mismatch(args)),
            }),
            function("abs", &[Ty::$ty], Ty::$ty, |args, _| match args {
                [Value::$ty(a)] => a
                    .checked_abs()
                    .map(Value::$ty)
                    .ok_or_else(|| out_of_range(Ty::$ty)),
                args => Err(mismatch(args)),
            }),
        ]
    };
}

// A shift count is taken modulo the width that the processor shifts: 32 bits for smallint too.
macro_rules! shift_left {
    (Int2, $a:ident, $b:ident) => {
        narrow(i32::from(*$a).wrapping_shl($b.cast_unsigned()))
    };
    ($ty:ident, $a:ident, $b:ident) => {
        $a.wrapping_shl($b.cast_unsigned())
    };
}
macro_rules! shift_right {
    (Int2, $a:ident, $b:ident) => {
        narrow(i32::from(*$a).wrapping_shr($b.cast_unsigned()))
    };
    ($ty:ident, $a:ident, $b:ident) => {
        $a.wrapping_shr($b.cast_unsigned())
    };
}

pub(crate) static FAMILIES: &[&[Function]] = &[
    arithmetic!(Int2 Int2 Int2 i16),
    arithmetic!(Int2 Int4 Int4 i32),
    arithmetic!(Int2 Int8 Int8 i64),
    arithmetic!(Int4 Int2 Int4 i32),
    arithmetic!(Int4 Int4 Int4 i32),
    arithmetic!(Int4 Int8 Int8 i64),
    arithmetic!(Int8 Int2 Int8 i64),
    arithmetic!(Int8 Int4 Int8 i64),
    arithmetic!(Int8 Int8 Int8 i64),
    own!(Int2),
    own!(Int4),
    own!(Int8),
    &[
        function("gcd", &[Ty::Int4, Ty::Int4], Ty::Int4, gcd),
        function("gcd", &[Ty::Int8, Ty::Int8], Ty::Int8, gcd),
        function("lcm", &[Ty::Int4, Ty::Int4], Ty::Int4, lcm),
        function("lcm", &[Ty::Int8, Ty::Int8], Ty::Int8, lcm),
    ],
];

/// The low 16 bits, as a C compiler truncates.
#[allow(clippy::cast_possible_truncation, reason = "truncation is the point")]
fn narrow(wide: i32) -> i16 {
    wide as i16
}

/// Greatest common divisor, never negative; 0 for two zeros.
fn common_divisor(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn gcd(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    pairwise(args, common_divisor)
}

fn lcm(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    pairwise(args, |a, b| {
        if a == 0 || b == 0 {
            0
        } else {
            (a / common_divisor(a, b) * b).abs()
        }
    })
}

fn pairwise(args: &[&Value], f: fn(i128, i128) -> i128) -> Result<Value> {
    match args {
        [Value::Int4(a), Value::Int4(b)] => i32::try_from(f((*a).into(), (*b).into()))
            .map(Value::Int4)
            .map_err(|_| out_of_range(Ty::Int4)),
        [Value::Int8(a), Value::Int8(b)] => i64::try_from(f((*a).into(), (*b).into()))
            .map(Value::Int8)
            .map_err(|_| out_of_range(Ty::Int8)),
        args => Err(mismatch(args)),
    }
}

/// `22003` `integer out of range`.
#[cold]
pub(crate) fn out_of_range(ty: Ty) -> Error {
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("{ty} out of range"),
    )
}

/// `22012` `division by zero`.
#[cold]
pub(crate) fn division_by_zero() -> Error {
    Error::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}
