//! The comparison operators `=`, `<>`, `<`, `<=`, `>` and `>=` of every ordered type.

use std::cmp::Ordering;

use helios_base::datetime::{
    DATE_INFINITY, DATE_NEG_INFINITY, MICROS_PER_DAY, MICROS_PER_SECOND, TIMESTAMP_INFINITY,
    TIMESTAMP_NEG_INFINITY, is_infinite_timestamp,
};
use helios_base::{Error, Result, Value};

use crate::context::EvalContext;
use crate::function::{Call, Comparison, Function, infix, mismatch};
use crate::ty::Ty;

macro_rules! comparisons {
    ($($left:ident $right:ident $order:ident $volatile:ident;)*) => {
        &[$(
            infix("=", &[Ty::$left, Ty::$right], Ty::Bool, |args, call| $order(args, call, Comparison::Eq))
                .compares(Comparison::Eq).$volatile(),
            infix("<>", &[Ty::$left, Ty::$right], Ty::Bool, |args, call| $order(args, call, Comparison::Ne))
                .compares(Comparison::Ne).$volatile(),
            infix("<", &[Ty::$left, Ty::$right], Ty::Bool, |args, call| $order(args, call, Comparison::Lt))
                .compares(Comparison::Lt).$volatile(),
            infix("<=", &[Ty::$left, Ty::$right], Ty::Bool, |args, call| $order(args, call, Comparison::Le))
                .compares(Comparison::Le).$volatile(),
            infix(">", &[Ty::$left, Ty::$right], Ty::Bool, |args, call| $order(args, call, Comparison::Gt))
                .compares(Comparison::Gt).$volatile(),
            infix(">=", &[Ty::$left, Ty::$right], Ty::Bool, |args, call| $order(args, call, Comparison::Ge))
                .compares(Comparison::Ge).$volatile(),
        )*]
    };
}

#[rustfmt::skip]
pub(crate) static FUNCTIONS: &[Function] = comparisons! {
    Bool Bool plain immutable;
    Bytea Bytea plain immutable;
    Name Name plain immutable;
    Int8 Int8 plain immutable;
    Int2 Int2 plain immutable;
    Int4 Int4 plain immutable;
    Text Text plain immutable;
    Oid Oid plain immutable;
    Float4 Float4 plain immutable;
    Float8 Float8 plain immutable;
    Char Char typed immutable;
    Date Date plain immutable;
    Time Time plain immutable;
    Timestamp Timestamp plain immutable;
    TimestampTz TimestampTz plain immutable;
    TimeTz TimeTz plain immutable;
    Bit Bit plain immutable;
    VarBit VarBit plain immutable;
    Inet Inet plain immutable;
    MacAddr MacAddr plain immutable;
    Interval Interval plain immutable;
    Numeric Numeric plain immutable;
    Record Record record immutable;
    AnyArray AnyArray typed immutable;
    AnyEnum AnyEnum plain immutable;
    CharByte CharByte plain immutable;
    OidVector OidVector typed immutable;
    Uuid Uuid plain immutable;
    Jsonb Jsonb plain immutable;
    VECTOR VECTOR plain immutable;
    HALFVEC HALFVEC plain immutable;
    SPARSEVEC SPARSEVEC plain immutable;
    Name Text plain immutable;
    Text Name plain immutable;
    Int2 Int4 plain immutable;
    Int2 Int8 plain immutable;
    Int4 Int2 plain immutable;
    Int4 Int8 plain immutable;
    Int8 Int2 plain immutable;
    Int8 Int4 plain immutable;
    Float4 Float8 plain immutable;
    Float8 Float4 plain immutable;
    Date Timestamp moments immutable;
    Date TimestampTz moments stable;
    Timestamp Date moments immutable;
    Timestamp TimestampTz moments stable;
    TimestampTz Date moments stable;
    TimestampTz Timestamp moments stable;
};

/// Numbers of transactions are the same or not; they have no order, as they come round again.
#[rustfmt::skip]
pub(crate) static XIDS: &[Function] = &[
    infix("=", &[Ty::Xid, Ty::Xid], Ty::Bool, |args, _| same_xid(args, true)).compares(Comparison::Eq),
    infix("<>", &[Ty::Xid, Ty::Xid], Ty::Bool, |args, _| same_xid(args, false)).compares(Comparison::Ne),
    // Those of an index or a hash table would be another question.
    infix("=", &[Ty::Xid, Ty::Int4], Ty::Bool, |args, _| same_xid(args, true)),
    infix("<>", &[Ty::Xid, Ty::Int4], Ty::Bool, |args, _| same_xid(args, false)),
];

fn same_xid(args: &[&Value], wanted: bool) -> Result<Value> {
    let same = match args {
        [Value::Oid(a), Value::Oid(b)] => a == b,
        // The bits, as in PostgreSQL.
        [Value::Oid(a), Value::Int4(b)] => *a == b.cast_unsigned(),
        args => return Err(mismatch(args)),
    };
    Ok(Value::Bool(same == wanted))
}

/// Values whose order needs no type: integers of any width, floats, strings, dates.
fn plain(args: &[&Value], _: &Call<'_>, comparison: Comparison) -> Result<Value> {
    match args {
        [Value::Int4(a), Value::Int4(b)] => Ok(Value::Bool(comparison.holds(a.cmp(b)))),
        [Value::Int8(a), Value::Int8(b)] => Ok(Value::Bool(comparison.holds(a.cmp(b)))),
        [Value::Int4(a), Value::Int8(b)] => Ok(Value::Bool(comparison.holds(i64::from(*a).cmp(b)))),
        [Value::Int8(a), Value::Int4(b)] => {
            Ok(Value::Bool(comparison.holds(a.cmp(&i64::from(*b)))))
        }
        // Equality of strings need not find out which is less.
        [Value::Text(a), Value::Text(b)] if comparison == Comparison::Eq => {
            Ok(Value::Bool(a.as_bytes() == b.as_bytes()))
        }
        [a, b] => Ok(Value::Bool(comparison.holds(a.cmp_sql(b)))),
        args => Err(mismatch(args)),
    }
}

/// Values whose order depends on the type: blanks of `char(n)`, elements of arrays.
fn typed(args: &[&Value], call: &Call<'_>, comparison: Comparison) -> Result<Value> {
    match args {
        [a, b] => Ok(Value::Bool(comparison.holds(a.cmp_as(b, call.arg_type(0))))),
        args => Err(mismatch(args)),
    }
}

/// Row values, field by field; fields that are null compare as last and as equal to each other.
fn record(args: &[&Value], _: &Call<'_>, comparison: Comparison) -> Result<Value> {
    match args {
        [Value::Record(a), Value::Record(b)] => {
            if a.len() != b.len() {
                return Err(Error::new(
                    helios_base::SqlState::DATATYPE_MISMATCH,
                    "cannot compare record types with different numbers of columns",
                ));
            }
            let order = a
                .iter()
                .zip(b.iter())
                .map(|(a, b)| a.cmp_sql(b))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal);
            Ok(Value::Bool(comparison.holds(order)))
        }
        args => Err(mismatch(args)),
    }
}

/// Dates and timestamps of different types, compared as moments.
fn moments(args: &[&Value], call: &Call<'_>, comparison: Comparison) -> Result<Value> {
    match args {
        [a, b] => {
            let zoned = matches!(a, Value::TimestampTz(_)) || matches!(b, Value::TimestampTz(_));
            let a = moment(a, zoned, call.ctx)?;
            let b = moment(b, zoned, call.ctx)?;
            Ok(Value::Bool(comparison.holds(a.cmp(&b))))
        }
        args => Err(mismatch(args)),
    }
}

/// Microseconds since 1970, in UTC if `zoned`, wide enough for every date. Infinities are beyond all.
fn moment(value: &Value, zoned: bool, ctx: &EvalContext<'_>) -> Result<i128> {
    let local = match value {
        Value::TimestampTz(micros) => return Ok(i128::from(*micros)),
        Value::Timestamp(micros) => i128::from(*micros),
        Value::Date(DATE_INFINITY) => i128::from(TIMESTAMP_INFINITY),
        Value::Date(DATE_NEG_INFINITY) => i128::from(TIMESTAMP_NEG_INFINITY),
        Value::Date(days) => i128::from(*days) * i128::from(MICROS_PER_DAY),
        other => return Err(mismatch(&[other])),
    };
    match i64::try_from(local) {
        Ok(micros) if zoned && !is_infinite_timestamp(micros) => {
            let offset = i128::from(ctx.text.time_zone.offset_of_local(micros));
            Ok(local - offset * i128::from(MICROS_PER_SECOND))
        }
        Ok(_) => Ok(local),
        // A date after the last timestamp is still before infinity.
        Err(_) => Ok(i128::from(TIMESTAMP_INFINITY) - 1),
    }
}
