//! Arithmetic on `numeric`.

use helios_base::{Numeric, Result, Value};

use crate::function::{Call, Function, function, infix, mismatch, prefix};
use crate::ty::Ty::{self, Int4, Numeric as N};

macro_rules! binary {
    ($f:expr) => {
        |args: &[&Value], _: &Call<'_>| -> Result<Value> {
            match args {
                [Value::Numeric(a), Value::Numeric(b)] => $f(a, b).map(Value::Numeric),
                args => Err(mismatch(args)),
            }
        }
    };
}

macro_rules! unary {
    ($f:expr) => {
        |args: &[&Value], _: &Call<'_>| -> Result<Value> {
            match args {
                [Value::Numeric(a)] => $f(a).map(Value::Numeric),
                args => Err(mismatch(args)),
            }
        }
    };
}

macro_rules! scaled {
    ($f:expr) => {
        |args: &[&Value], _: &Call<'_>| -> Result<Value> {
            match args {
                [Value::Numeric(a)] => $f(a, 0).map(Value::Numeric),
                [Value::Numeric(a), Value::Int4(scale)] => $f(a, *scale).map(Value::Numeric),
                args => Err(mismatch(args)),
            }
        }
    };
}

const PAIR: &[Ty; 2] = &[N, N];

pub(crate) static FUNCTIONS: &[Function] = &[
    infix("+", PAIR, N, binary!(Numeric::add)),
    infix("-", PAIR, N, binary!(Numeric::sub)),
    infix("*", PAIR, N, binary!(Numeric::mul)),
    infix("/", PAIR, N, binary!(Numeric::div)),
    infix("%", PAIR, N, binary!(Numeric::rem)),
    infix("^", PAIR, N, binary!(Numeric::power)),
    prefix("+", &[N], N, unary!(|a: &Numeric| Ok(a.clone()))),
    prefix("-", &[N], N, unary!(|a: &Numeric| Ok(a.neg()))),
    prefix("@", &[N], N, unary!(|a: &Numeric| Ok(a.abs()))),
    function("abs", &[N], N, unary!(|a: &Numeric| Ok(a.abs()))),
    function("mod", PAIR, N, binary!(Numeric::rem)),
    function("div", PAIR, N, binary!(Numeric::div_trunc)),
    function("power", PAIR, N, binary!(Numeric::power)),
    function("pow", PAIR, N, binary!(Numeric::power)),
    function("gcd", PAIR, N, binary!(Numeric::gcd)),
    function("lcm", PAIR, N, binary!(Numeric::lcm)),
    function(
        "log",
        PAIR,
        N,
        binary!(|base: &Numeric, x: &Numeric| x.log(base)),
    ),
    function("log", &[N], N, unary!(Numeric::log10)),
    function("log10", &[N], N, unary!(Numeric::log10)),
    function("ln", &[N], N, unary!(Numeric::ln)),
    function("exp", &[N], N, unary!(Numeric::exp)),
    function("sqrt", &[N], N, unary!(Numeric::sqrt)),
    function("sign", &[N], N, unary!(|a: &Numeric| Ok(a.sign()))),
    function("ceil", &[N], N, unary!(Numeric::ceil)),
    function("ceiling", &[N], N, unary!(Numeric::ceil)),
    function("floor", &[N], N, unary!(Numeric::floor)),
    function("round", &[N], N, scaled!(Numeric::round)),
    function("round", &[N, Int4], N, scaled!(Numeric::round)),
    function("trunc", &[N], N, scaled!(Numeric::trunc)),
    function("trunc", &[N, Int4], N, scaled!(Numeric::trunc)),
    function(
        "trim_scale",
        &[N],
        N,
        unary!(|a: &Numeric| Ok(a.trim_scale())),
    ),
    function("scale", &[N], Int4, |args, _| match args {
        [Value::Numeric(a)] if a.is_finite() => Ok(Value::Int4(i32::from(a.scale()))),
        [Value::Numeric(_)] => Ok(Value::Null),
        args => Err(mismatch(args)),
    }),
    function("min_scale", &[N], Int4, |args, _| match args {
        [Value::Numeric(a)] => Ok(a.min_scale().map(i32::from).into()),
        args => Err(mismatch(args)),
    }),
    function("factorial", &[Ty::Int8], N, |args, _| match args {
        [Value::Int8(n)] => Numeric::factorial(*n).map(Value::Numeric),
        args => Err(mismatch(args)),
    }),
];
