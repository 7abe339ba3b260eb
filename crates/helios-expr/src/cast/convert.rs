//! The conversion functions.

use std::sync::Arc;

use helios_base::text::char_byte;
use helios_base::{
    ArrayValue, BitString, DataType, Error, Json, MultirangeValue, Numeric, Result, SqlState,
    UserType, Value, VectorValue,
};

use crate::context::EvalContext;
use crate::op::float::{overflow, underflow};
use crate::op::integer::out_of_range;
use crate::ty::Ty;

/// PostgreSQL's `NAMEDATALEN - 1`.
const NAME_BYTES_MAX: usize = 63;

/// Converts a value that is not `NULL` to the bare type of `to`.
pub(super) fn convert(
    value: &Value,
    from: &DataType,
    to: &DataType,
    ctx: &EvalContext<'_>,
) -> Result<Value> {
    match (value, to) {
        (Value::Text(text), DataType::Text | DataType::Varchar(_))
            if matches!(from, DataType::Char(_)) =>
        {
            let trimmed = text.trim_end_matches(' ');
            Ok(if trimmed.len() == text.len() {
                value.clone()
            } else {
                Value::text(trimmed)
            })
        }
        (Value::Text(text), DataType::Name) => Ok(name(text, from)),
        (Value::Text(_), to) if to.is_string() && !matches!(from, DataType::Unknown) => {
            Ok(value.clone())
        }
        (Value::Bool(b), DataType::Text | DataType::Varchar(_) | DataType::Char(_)) => {
            Ok(Value::text(if *b { "true" } else { "false" }))
        }
        (Value::Bool(b), DataType::Int4) => Ok(Value::Int4(i32::from(*b))),
        (Value::Int4(n), DataType::Bool) => Ok(Value::Bool(*n != 0)),
        (Value::Int4(n), DataType::CharByte) => char_byte(*n),
        (Value::Int4(n), DataType::Bit(length)) => Ok(bits(i64::from(*n), *length)),
        (Value::Int8(n), DataType::Bit(length)) => Ok(bits(*n, *length)),
        (Value::Bits(bits), DataType::Int4) => bits
            .to_integer(32)
            .and_then(|n| i32::try_from(n).ok())
            .map(Value::Int4)
            .ok_or_else(|| out_of_range(Ty::Int4)),
        (Value::Bits(bits), DataType::Int8) => bits
            .to_integer(64)
            .map(Value::Int8)
            .ok_or_else(|| out_of_range(Ty::Int8)),
        (Value::Bits(_), DataType::Bit(_) | DataType::VarBit(_)) => Ok(value.clone()),
        (Value::Inet(_), DataType::Inet) => Ok(value.clone()),
        (Value::Inet(inet), DataType::Cidr) => Ok(Value::from(inet.network())),
        // A cast shows the length of the network even where it is the whole address.
        (Value::Inet(inet), to) if to.is_string() && *to != DataType::Name => {
            let mut shown = String::new();
            inet.write(true, &mut shown);
            Ok(Value::text(shown))
        }
        (Value::Int2(n), to) => integer(i64::from(*n), to, value, from, ctx),
        (Value::Int4(n), to) => integer(i64::from(*n), to, value, from, ctx),
        (Value::Int8(n), to) => integer(*n, to, value, from, ctx),
        (Value::Oid(n), DataType::Oid | DataType::Reg(_) | DataType::Xid) => Ok(Value::Oid(*n)),
        (Value::Text(text), DataType::CharByte) => {
            Ok(Value::text(char_byte::text_of(char_byte::byte_of(text))))
        }
        (Value::Vector(vector), DataType::Vector(kind, _)) => Ok(vector.to_kind(*kind)?.into()),
        (Value::Array(array), DataType::Vector(kind, _)) => {
            Ok(VectorValue::from_array(array, *kind)?.into())
        }
        (Value::Vector(vector), DataType::Array(_)) => Ok(vector_elements(vector)),
        (Value::Text(text), DataType::Int4) if matches!(from, DataType::CharByte) => Ok(
            Value::Int4(i32::from(char_byte::byte_of(text).cast_signed())),
        ),
        (Value::Array(array), DataType::Array(_)) => Ok(Value::Array(Arc::clone(array))),
        (Value::Range(range), DataType::Multirange(_)) => {
            Ok(Value::Multirange(MultirangeValue::from(&**range).into()))
        }
        (Value::Record(_), DataType::Record) => Ok(value.clone()),
        (Value::Record(fields), DataType::User(user)) if user.is_composite() => {
            composite(fields, from, user, ctx)
        }
        (Value::Oid(n), DataType::Int4) => Ok(Value::Int4(n.cast_signed())),
        (Value::Oid(n), DataType::Int8) => Ok(Value::Int8(i64::from(*n))),
        (Value::Float4(x), DataType::Float8) => Ok(Value::Float8(f64::from(*x))),
        (Value::Float4(x), DataType::Numeric(_)) => Ok(Value::Numeric(Numeric::from_f32(*x))),
        (Value::Float4(x), DataType::Int2 | DataType::Int4 | DataType::Int8) => {
            float_to_integer(f64::from(*x), to)
        }
        (Value::Float8(x), DataType::Float4) => narrow(*x),
        (Value::Float8(x), DataType::Numeric(_)) => Ok(Value::Numeric(Numeric::from_f64(*x))),
        (Value::Float8(x), DataType::Int2 | DataType::Int4 | DataType::Int8) => {
            float_to_integer(*x, to)
        }
        (Value::Numeric(n), to) => match to {
            DataType::Int2 => n.to_i16().map(Value::Int2),
            DataType::Int4 => n.to_i32().map(Value::Int4),
            DataType::Int8 => n.to_i64().map(Value::Int8),
            DataType::Float4 => n.to_f32().map(Value::Float4),
            DataType::Float8 => n.to_f64().map(Value::Float8),
            _ => through_text(value, from, to, ctx),
        },
        (Value::Jsonb(json), to) => from_json(json, value, from, to, ctx),
        _ => super::moment::convert(value, to, ctx)
            .unwrap_or_else(|| through_text(value, from, to, ctx)),
    }
}

/// The lowest bits of a number; one without a length.
fn bits(n: i64, length: Option<u32>) -> Value {
    let length = usize::try_from(length.unwrap_or(1)).unwrap_or(1);
    Value::from(BitString::from_integer(n, length))
}

/// The numbers of a vector as `real[]`.
fn vector_elements(vector: &VectorValue) -> Value {
    let numbers = vector.numbers();
    // At most 16,000.
    let length = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    Value::from(ArrayValue {
        dims: vec![(length, 1)],
        elements: numbers
            .iter()
            .map(|number| Value::Float4(*number))
            .collect(),
    })
}

/// Number to `"char"`: one byte, of which we have the ASCII half.
fn char_byte(n: i32) -> Result<Value> {
    match i8::try_from(n) {
        Ok(byte) => Ok(Value::text(char_byte::text_of(byte.cast_unsigned()))),
        Err(_) => Err(Error::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            "\"char\" out of range",
        )),
    }
}

/// A row value as a value of a composite type, field by field.
fn composite(
    fields: &[Value],
    from: &DataType,
    to: &UserType,
    ctx: &EvalContext<'_>,
) -> Result<Value> {
    if fields.len() != to.fields().len() {
        let (input, wanted) = (fields.len(), to.fields().len());
        return Err(Error::new(
            SqlState::CANNOT_COERCE,
            format!("cannot cast type {from} to {to}"),
        )
        .with_detail(if input < wanted {
            "Input has too few columns."
        } else {
            "Input has too many columns."
        }));
    }
    let values = fields
        .iter()
        .zip(to.fields())
        .map(|(value, (_, ty))| {
            if value.fits(ty) && !super::has_modifier(ty) && !ty.has_domain() {
                return Ok(value.clone());
            }
            let base = ty.base();
            let value = super::cast(value, &value.natural_type(), &base, false, ctx)?;
            if ty.has_domain() {
                super::check_domain(&value, ty, ctx)?;
            }
            Ok(value)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Value::Record(values.into()))
}

/// Everything else goes through text, as PostgreSQL's I/O conversions do.
fn through_text(
    value: &Value,
    from: &DataType,
    to: &DataType,
    ctx: &EvalContext<'_>,
) -> Result<Value> {
    let to = match to {
        // What a bare number counts depends on the fields.
        DataType::Interval(_) => to.clone(),
        to => to.bare(),
    };
    if let (Value::Text(text), true) = (value, from.is_string() || *from == DataType::Unknown) {
        return Value::parse(text, &to, ctx.text);
    }
    let text = value.to_text(from, ctx.text);
    if to == DataType::Name {
        return Ok(name(&text.into(), from));
    }
    if to.is_string() {
        return Ok(Value::text(text));
    }
    Value::parse(&text, &to, ctx.text)
}

fn integer(
    n: i64,
    to: &DataType,
    value: &Value,
    from: &DataType,
    ctx: &EvalContext<'_>,
) -> Result<Value> {
    Ok(match to {
        DataType::Int2 => Value::Int2(i16::try_from(n).map_err(|_| out_of_range(Ty::Int2))?),
        DataType::Int4 => Value::Int4(i32::try_from(n).map_err(|_| out_of_range(Ty::Int4))?),
        DataType::Int8 => Value::Int8(n),
        DataType::Oid | DataType::Reg(_) => Value::Oid(oid(n, from)?),
        #[allow(clippy::cast_precision_loss, reason = "the nearest float is meant")]
        DataType::Float4 => Value::Float4(n as f32),
        #[allow(clippy::cast_precision_loss, reason = "the nearest float is meant")]
        DataType::Float8 => Value::Float8(n as f64),
        DataType::Numeric(_) => Value::Numeric(Numeric::new(n, 0)),
        to => return through_text(value, from, to, ctx),
    })
}

fn oid(n: i64, from: &DataType) -> Result<u32> {
    match (from, i32::try_from(n)) {
        // Smaller integers keep their bits: -1 is the largest oid.
        (DataType::Int2 | DataType::Int4, Ok(n)) => Ok(n.cast_unsigned()),
        _ => u32::try_from(n)
            .map_err(|_| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "OID out of range")),
    }
}

/// Rounds half to even, as the C library's `rint` does.
fn float_to_integer(x: f64, to: &DataType) -> Result<Value> {
    let rounded = x.round_ties_even();
    // The upper bounds are powers of two and so exact as floats.
    #[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
    let within = |bound: f64| (rounded >= -bound && rounded < bound).then_some(rounded as i64);
    match to {
        DataType::Int2 => within(32_768.0)
            .and_then(|n| i16::try_from(n).ok())
            .map(Value::Int2)
            .ok_or_else(|| out_of_range(Ty::Int2)),
        DataType::Int4 => within(2_147_483_648.0)
            .and_then(|n| i32::try_from(n).ok())
            .map(Value::Int4)
            .ok_or_else(|| out_of_range(Ty::Int4)),
        _ => within(9_223_372_036_854_775_808.0)
            .map(Value::Int8)
            .ok_or_else(|| out_of_range(Ty::Int8)),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "what is lost is checked")]
fn narrow(x: f64) -> Result<Value> {
    let narrow = x as f32;
    if narrow.is_infinite() && !x.is_infinite() {
        Err(overflow())
    } else if narrow == 0.0 && x != 0.0 {
        Err(underflow())
    } else {
        Ok(Value::Float4(narrow))
    }
}

/// Cut to the length of an identifier; padding of `char(n)` goes too.
fn name(text: &Arc<str>, from: &DataType) -> Value {
    let mut kept: &str = text;
    if matches!(from, DataType::Char(_)) {
        kept = kept.trim_end_matches(' ');
    }
    if kept.len() > NAME_BYTES_MAX {
        let end = kept.floor_char_boundary(NAME_BYTES_MAX);
        kept = kept.get(..end).unwrap_or(kept);
    }
    if kept.len() == text.len() {
        Value::Text(Arc::clone(text))
    } else {
        Value::text(kept)
    }
}

fn from_json(
    json: &Json,
    value: &Value,
    from: &DataType,
    to: &DataType,
    ctx: &EvalContext<'_>,
) -> Result<Value> {
    match (json, to) {
        (Json::Bool(b), DataType::Bool) => Ok(Value::Bool(*b)),
        (
            Json::Number(n),
            DataType::Int2
            | DataType::Int4
            | DataType::Int8
            | DataType::Float4
            | DataType::Float8
            | DataType::Numeric(_),
        ) => {
            if matches!(to, DataType::Numeric(_)) {
                return Ok(Value::Numeric(n.clone()));
            }
            convert(
                &Value::Numeric(n.clone()),
                &DataType::Numeric(None),
                to,
                ctx,
            )
        }
        (_, DataType::Bool) => Err(not_castable(json, to)),
        (_, to) if to.is_numeric() => Err(not_castable(json, to)),
        _ => through_text(value, from, to, ctx),
    }
}

#[cold]
fn not_castable(json: &Json, to: &DataType) -> Error {
    let kind = match json {
        Json::Number(_) => "numeric",
        other => other.type_name(),
    };
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("cannot cast jsonb {kind} to type {}", to.bare()),
    )
}
