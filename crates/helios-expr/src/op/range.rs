//! Ranges: comparison, containment, position, set operations, constructors and what tells about
//! their ends. PostgreSQL declares these once for any range type; here there is one entry for each.

use helios_base::{Error, RangeKind, RangeValue, Result, SqlState, Value};

use crate::function::{Call, Comparison, Eval, Function, function, infix, mismatch};
use crate::ty::Ty;

type Two = fn(&RangeValue, &RangeValue) -> bool;

fn two(args: &[&Value], test: Two) -> Result<Value> {
    match args {
        [Value::Range(a), Value::Range(b)] => Ok(Value::Bool(test(a, b))),
        args => Err(mismatch(args)),
    }
}

fn made(
    args: &[&Value],
    make: fn(&RangeValue, &RangeValue) -> Result<RangeValue>,
) -> Result<Value> {
    match args {
        [Value::Range(a), Value::Range(b)] => Ok(Value::Range(make(a, b)?.into())),
        args => Err(mismatch(args)),
    }
}

fn one(args: &[&Value], of: fn(&RangeValue) -> Value) -> Result<Value> {
    match args {
        [Value::Range(range)] => Ok(of(range)),
        args => Err(mismatch(args)),
    }
}

fn holds(args: &[&Value], comparison: Comparison) -> Result<Value> {
    match args {
        [Value::Range(a), Value::Range(b)] => Ok(Value::Bool(comparison.holds(a.cmp(b)))),
        args => Err(mismatch(args)),
    }
}

fn has_element(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Range(range), value] | [value, Value::Range(range)] => {
            Ok(Value::Bool(range.contains(value)))
        }
        args => Err(mismatch(args)),
    }
}

/// `kind(lower, upper[, '[)'])`; a `NULL` leaves an end open.
fn construct(args: &[&Value], kind: RangeKind) -> Result<Value> {
    let (lower, upper, ends) = match args {
        [lower, upper] => (lower, upper, (true, false)),
        [lower, upper, Value::Text(ends)] => (lower, upper, flags(ends)?),
        [_, _, Value::Null] => {
            return Err(Error::new(
                SqlState::DATA_EXCEPTION,
                "range constructor flags argument must not be null",
            ));
        }
        args => return Err(mismatch(args)),
    };
    let range = RangeValue::new(kind, (*lower).clone(), (*upper).clone(), ends)?;
    Ok(Value::Range(range.into()))
}

fn flags(text: &str) -> Result<(bool, bool)> {
    match text {
        "[]" => Ok((true, true)),
        "[)" => Ok((true, false)),
        "(]" => Ok((false, true)),
        "()" => Ok((false, false)),
        _ => Err(
            Error::new(SqlState::SYNTAX_ERROR, "invalid range bound flags")
                .with_hint("Valid values are \"[]\", \"[)\", \"(]\", and \"()\"."),
        ),
    }
}

/// The operators and functions of one kind of range.
macro_rules! ranges {
    ($($table:ident $kind:ident $name:literal $element:expr;)*) => {$(
        static $table: &[Function] = {
            const RANGE: Ty = Ty::Range(RangeKind::$kind);
            const BOTH: &[Ty; 2] = &[RANGE, RANGE];
            const WITHIN: &[Ty; 2] = &[RANGE, Ty::Element(RangeKind::$kind)];
            const AROUND: &[Ty; 2] = &[Ty::Element(RangeKind::$kind), RANGE];
            const CONSTRUCT: Eval = |args, _| construct(args, RangeKind::$kind);
            &[
                infix("=", BOTH, Ty::Bool, |a, _| holds(a, Comparison::Eq)).compares(Comparison::Eq),
                infix("<>", BOTH, Ty::Bool, |a, _| holds(a, Comparison::Ne)).compares(Comparison::Ne),
                infix("<", BOTH, Ty::Bool, |a, _| holds(a, Comparison::Lt)).compares(Comparison::Lt),
                infix("<=", BOTH, Ty::Bool, |a, _| holds(a, Comparison::Le)).compares(Comparison::Le),
                infix(">", BOTH, Ty::Bool, |a, _| holds(a, Comparison::Gt)).compares(Comparison::Gt),
                infix(">=", BOTH, Ty::Bool, |a, _| holds(a, Comparison::Ge)).compares(Comparison::Ge),
                infix("@>", BOTH, Ty::Bool, |a, _| two(a, RangeValue::contains_range)),
                infix("<@", BOTH, Ty::Bool, |a, _| two(a, |a, b| b.contains_range(a))),
                infix("@>", WITHIN, Ty::Bool, has_element),
                infix("<@", AROUND, Ty::Bool, has_element),
                infix("&&", BOTH, Ty::Bool, |a, _| two(a, RangeValue::overlaps)),
                infix("<<", BOTH, Ty::Bool, |a, _| two(a, RangeValue::before)),
                infix(">>", BOTH, Ty::Bool, |a, _| two(a, |a, b| b.before(a))),
                infix("&<", BOTH, Ty::Bool, |a, _| two(a, RangeValue::not_right_of)),
                infix("&>", BOTH, Ty::Bool, |a, _| two(a, RangeValue::not_left_of)),
                infix("-|-", BOTH, Ty::Bool, |a, _| two(a, RangeValue::adjacent)),
                infix("+", BOTH, RANGE, |a, _| made(a, |a, b| a.union(b, false))),
                infix("*", BOTH, RANGE, |a, _| made(a, RangeValue::intersection)),
                infix("-", BOTH, RANGE, |a, _| made(a, RangeValue::difference)),
                function("range_merge", BOTH, RANGE, |a, _| made(a, |a, b| a.union(b, true))),
                function("lower", &[RANGE], $element, |a, _| one(a, |r| r.lower().clone())),
                function("upper", &[RANGE], $element, |a, _| one(a, |r| r.upper().clone())),
                function("isempty", &[RANGE], Ty::Bool, |a, _| {
                    one(a, |r| Value::Bool(r.is_empty()))
                }),
                function("lower_inc", &[RANGE], Ty::Bool, |a, _| {
                    one(a, |r| Value::Bool(r.includes().0))
                }),
                function("upper_inc", &[RANGE], Ty::Bool, |a, _| {
                    one(a, |r| Value::Bool(r.includes().1))
                }),
                function("lower_inf", &[RANGE], Ty::Bool, |a, _| {
                    one(a, |r| Value::Bool(r.is_open().0))
                }),
                function("upper_inf", &[RANGE], Ty::Bool, |a, _| {
                    one(a, |r| Value::Bool(r.is_open().1))
                }),
                function($name, &[$element, $element], RANGE, CONSTRUCT).not_strict(),
                function($name, &[$element, $element, Ty::Text], RANGE, CONSTRUCT).not_strict(),
            ]
        };
    )*};
}

ranges! {
    INT4 Int4 "int4range" Ty::Int4;
    INT8 Int8 "int8range" Ty::Int8;
    NUMERIC Numeric "numrange" Ty::Numeric;
    TIMESTAMP Timestamp "tsrange" Ty::Timestamp;
    TIMESTAMPTZ TimestampTz "tstzrange" Ty::TimestampTz;
    DATE Date "daterange" Ty::Date;
}

pub(crate) static FAMILIES: &[&[Function]] = &[INT4, INT8, NUMERIC, TIMESTAMP, TIMESTAMPTZ, DATE];
