//! Multiranges: comparison, containment, position, set operations, constructors and what tells about
//! their ends. An operator takes a range in place of one of the two multiranges where PostgreSQL's
//! does.

use std::borrow::Cow;

use helios_base::{MultirangeValue, RangeKind, Result, Value};

use crate::function::{Call, Comparison, Function, function, infix, mismatch};
use crate::ty::Ty;

type Two = fn(&MultirangeValue, &MultirangeValue) -> bool;

/// A range is the multirange of it alone.
fn set<'a>(value: &'a Value, args: &[&Value]) -> Result<Cow<'a, MultirangeValue>> {
    match value {
        Value::Multirange(multirange) => Ok(Cow::Borrowed(multirange)),
        Value::Range(range) => Ok(Cow::Owned(MultirangeValue::from(&**range))),
        _ => Err(mismatch(args)),
    }
}

fn two(args: &[&Value], test: Two) -> Result<Value> {
    match args {
        [a, b] => Ok(Value::Bool(test(&*set(a, args)?, &*set(b, args)?))),
        args => Err(mismatch(args)),
    }
}

fn made(
    args: &[&Value],
    make: fn(&MultirangeValue, &MultirangeValue) -> Result<MultirangeValue>,
) -> Result<Value> {
    match args {
        [Value::Multirange(a), Value::Multirange(b)] => Ok(Value::Multirange(make(a, b)?.into())),
        args => Err(mismatch(args)),
    }
}

fn one(args: &[&Value], of: fn(&MultirangeValue) -> Value) -> Result<Value> {
    match args {
        [Value::Multirange(multirange)] => Ok(of(multirange)),
        args => Err(mismatch(args)),
    }
}

fn holds(args: &[&Value], comparison: Comparison) -> Result<Value> {
    match args {
        [Value::Multirange(a), Value::Multirange(b)] => Ok(Value::Bool(comparison.holds(a.cmp(b)))),
        args => Err(mismatch(args)),
    }
}

fn has_element(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Multirange(multirange), value] | [value, Value::Multirange(multirange)] => {
            Ok(Value::Bool(multirange.contains(value)))
        }
        args => Err(mismatch(args)),
    }
}

fn of_range(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Range(range)] => Ok(Value::Multirange(MultirangeValue::from(&**range).into())),
        args => Err(mismatch(args)),
    }
}

fn of_ranges(args: &[&Value], kind: RangeKind) -> Result<Value> {
    let multirange = MultirangeValue::of_values(kind, args.iter().copied())?;
    Ok(Value::Multirange(multirange.into()))
}

fn hull(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Multirange(multirange)] => Ok(Value::Range(multirange.hull()?.into())),
        args => Err(mismatch(args)),
    }
}

fn lower(of: &MultirangeValue) -> Value {
    let first = of.ranges().first();
    first.map_or(Value::Null, |range| range.lower().clone())
}

fn upper(of: &MultirangeValue) -> Value {
    let last = of.ranges().last();
    last.map_or(Value::Null, |range| range.upper().clone())
}

/// What the first range says of its lower end; false if there is none.
fn of_first(of: &MultirangeValue, say: fn(&helios_base::RangeValue) -> bool) -> Value {
    Value::Bool(of.ranges().first().is_some_and(say))
}

/// What the last range says of its upper end; false if there is none.
fn of_last(of: &MultirangeValue, say: fn(&helios_base::RangeValue) -> bool) -> Value {
    Value::Bool(of.ranges().last().is_some_and(say))
}

/// The operators and functions of one kind of multirange.
macro_rules! multiranges {
    ($($table:ident $kind:ident $name:literal $element:expr;)*) => {$(
        static $table: &[Function] = {
            const RANGE: Ty = Ty::Range(RangeKind::$kind);
            const MULTI: Ty = Ty::Multirange(RangeKind::$kind);
            const BOTH: &[Ty; 2] = &[MULTI, MULTI];
            const LEFT: &[Ty; 2] = &[MULTI, RANGE];
            const RIGHT: &[Ty; 2] = &[RANGE, MULTI];
            const CONTAINS: Two = MultirangeValue::contains_all;
            const WITHIN: Two = |a, b| b.contains_all(a);
            const OVERLAPS: Two = MultirangeValue::overlaps;
            const BEFORE: Two = MultirangeValue::before;
            const AFTER: Two = |a, b| b.before(a);
            const NOT_RIGHT: Two = MultirangeValue::not_right_of;
            const NOT_LEFT: Two = MultirangeValue::not_left_of;
            const ADJACENT: Two = MultirangeValue::adjacent;
            &[
                infix("=", BOTH, Ty::Bool, |a, _| holds(a, Comparison::Eq)).compares(Comparison::Eq),
                infix("<>", BOTH, Ty::Bool, |a, _| holds(a, Comparison::Ne)).compares(Comparison::Ne),
                infix("<", BOTH, Ty::Bool, |a, _| holds(a, Comparison::Lt)).compares(Comparison::Lt),
                infix("<=", BOTH, Ty::Bool, |a, _| holds(a, Comparison::Le)).compares(Comparison::Le),
                infix(">", BOTH, Ty::Bool, |a, _| holds(a, Comparison::Gt)).compares(Comparison::Gt),
                infix(">=", BOTH, Ty::Bool, |a, _| holds(a, Comparison::Ge)).compares(Comparison::Ge),
                infix("@>", &[MULTI, Ty::Element(RangeKind::$kind)], Ty::Bool, has_element),
                infix("<@", &[Ty::Element(RangeKind::$kind), MULTI], Ty::Bool, has_element),
                infix("@>", BOTH, Ty::Bool, |a, _| two(a, CONTAINS)),
                infix("@>", LEFT, Ty::Bool, |a, _| two(a, CONTAINS)),
                infix("@>", RIGHT, Ty::Bool, |a, _| two(a, CONTAINS)),
                infix("<@", BOTH, Ty::Bool, |a, _| two(a, WITHIN)),
                infix("<@", LEFT, Ty::Bool, |a, _| two(a, WITHIN)),
                infix("<@", RIGHT, Ty::Bool, |a, _| two(a, WITHIN)),
                infix("&&", BOTH, Ty::Bool, |a, _| two(a, OVERLAPS)),
                infix("&&", LEFT, Ty::Bool, |a, _| two(a, OVERLAPS)),
                infix("&&", RIGHT, Ty::Bool, |a, _| two(a, OVERLAPS)),
                infix("<<", BOTH, Ty::Bool, |a, _| two(a, BEFORE)),
                infix("<<", LEFT, Ty::Bool, |a, _| two(a, BEFORE)),
                infix("<<", RIGHT, Ty::Bool, |a, _| two(a, BEFORE)),
                infix(">>", BOTH, Ty::Bool, |a, _| two(a, AFTER)),
                infix(">>", LEFT, Ty::Bool, |a, _| two(a, AFTER)),
                infix(">>", RIGHT, Ty::Bool, |a, _| two(a, AFTER)),
                infix("&<", BOTH, Ty::Bool, |a, _| two(a, NOT_RIGHT)),
                infix("&<", LEFT, Ty::Bool, |a, _| two(a, NOT_RIGHT)),
                infix("&<", RIGHT, Ty::Bool, |a, _| two(a, NOT_RIGHT)),
                infix("&>", BOTH, Ty::Bool, |a, _| two(a, NOT_LEFT)),
                infix("&>", LEFT, Ty::Bool, |a, _| two(a, NOT_LEFT)),
                infix("&>", RIGHT, Ty::Bool, |a, _| two(a, NOT_LEFT)),
                infix("-|-", BOTH, Ty::Bool, |a, _| two(a, ADJACENT)),
                infix("-|-", LEFT, Ty::Bool, |a, _| two(a, ADJACENT)),
                infix("-|-", RIGHT, Ty::Bool, |a, _| two(a, ADJACENT)),
                infix("+", BOTH, MULTI, |a, _| made(a, MultirangeValue::union)),
                infix("*", BOTH, MULTI, |a, _| made(a, MultirangeValue::intersection)),
                infix("-", BOTH, MULTI, |a, _| made(a, MultirangeValue::difference)),
                function("range_merge", &[MULTI], RANGE, hull),
                function("lower", &[MULTI], $element, |a, _| one(a, lower)),
                function("upper", &[MULTI], $element, |a, _| one(a, upper)),
                function("isempty", &[MULTI], Ty::Bool, |a, _| {
                    one(a, |m| Value::Bool(m.is_empty()))
                }),
                function("lower_inc", &[MULTI], Ty::Bool, |a, _| {
                    one(a, |m| of_first(m, |range| range.includes().0))
                }),
                function("upper_inc", &[MULTI], Ty::Bool, |a, _| {
                    one(a, |m| of_last(m, |range| range.includes().1))
                }),
                function("lower_inf", &[MULTI], Ty::Bool, |a, _| {
                    one(a, |m| of_first(m, |range| range.is_open().0))
                }),
                function("upper_inf", &[MULTI], Ty::Bool, |a, _| {
                    one(a, |m| of_last(m, |range| range.is_open().1))
                }),
                function("multirange", &[RANGE], MULTI, of_range),
                function($name, &[], MULTI, |a, _| of_ranges(a, RangeKind::$kind)),
                function($name, &[RANGE], MULTI, of_range),
                function($name, &[RANGE], MULTI, |a, _| of_ranges(a, RangeKind::$kind))
                    .variadic()
                    .not_strict(),
            ]
        };
    )*};
}

multiranges! {
    INT4 Int4 "int4multirange" Ty::Int4;
    INT8 Int8 "int8multirange" Ty::Int8;
    NUMERIC Numeric "nummultirange" Ty::Numeric;
    TIMESTAMP Timestamp "tsmultirange" Ty::Timestamp;
    TIMESTAMPTZ TimestampTz "tstzmultirange" Ty::TimestampTz;
    DATE Date "datemultirange" Ty::Date;
}

pub(crate) static FAMILIES: &[&[Function]] = &[INT4, INT8, NUMERIC, TIMESTAMP, TIMESTAMPTZ, DATE];
