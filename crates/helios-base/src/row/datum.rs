//! The bytes of one value within a row; the table is in [`super`].

use std::sync::Arc;

use num_bigint::BigInt;

use crate::codec::{
    put_bytes, put_varint, take, take_array, take_bytes, take_varint, unzigzag, zigzag,
};
use crate::json::{DEPTH_MAX, JsonObject};
use crate::numeric::SCALE_MAX;
use crate::{
    ArrayValue, BitString, DataType, Error, Inet, Interval, Json, MultirangeValue, Numeric,
    RangeKind, RangeValue, Result, TimeTz, UserKind, UserType, Value, VectorValue, range,
};

const NAN: u64 = 0;
const INFINITY: u64 = 1;
const NEG_INFINITY: u64 = 2;
const FINITE: u64 = 3;

const JSON_NULL: u8 = 0;
const JSON_FALSE: u8 = 1;
const JSON_TRUE: u8 = 2;
const JSON_NUMBER: u8 = 3;
const JSON_STRING: u8 = 4;
const JSON_ARRAY: u8 = 5;
const JSON_OBJECT: u8 = 6;

/// The width of types that have one.
pub(super) fn fixed_width(ty: &DataType) -> Option<usize> {
    match ty {
        DataType::Bool => Some(1),
        DataType::Int2 => Some(2),
        DataType::Int4
        | DataType::Date
        | DataType::Oid
        | DataType::Xid
        | DataType::Reg(_)
        | DataType::Float4 => Some(4),
        DataType::MacAddr => Some(6),
        DataType::Int8
        | DataType::Time(_)
        | DataType::Timestamp(_)
        | DataType::TimestampTz(_)
        | DataType::Float8 => Some(8),
        DataType::TimeTz(_) => Some(12),
        DataType::Interval(_) | DataType::Uuid => Some(16),
        DataType::User(user) => match &user.kind {
            UserKind::Enum(_) => Some(8),
            UserKind::Domain(domain) => fixed_width(&domain.base),
            _ => None,
        },
        _ => None,
    }
}

/// Appends one bit a value: set if it is `NULL`.
pub(super) fn put_bitmap(values: &[Value], out: &mut Vec<u8>) {
    for eight in values.chunks(8) {
        let mut byte = 0u8;
        for (bit, value) in eight.iter().enumerate() {
            byte |= u8::from(value.is_null()) << bit;
        }
        out.push(byte);
    }
}

/// Appends a value that is not `NULL`.
pub(super) fn put(value: &Value, ty: &DataType, out: &mut Vec<u8>) -> Result<()> {
    match (value, ty) {
        (Value::Bool(b), DataType::Bool) => out.push(u8::from(*b)),
        (Value::Int2(n), DataType::Int2) => out.extend(n.to_le_bytes()),
        (Value::Int4(n), DataType::Int4) | (Value::Date(n), DataType::Date) => {
            out.extend(n.to_le_bytes());
        }
        (Value::Oid(n), DataType::Oid | DataType::Xid | DataType::Reg(_)) => {
            out.extend(n.to_le_bytes());
        }
        (Value::Float4(x), DataType::Float4) => out.extend(x.to_le_bytes()),
        (Value::Int8(n), DataType::Int8)
        | (Value::Time(n), DataType::Time(_))
        | (Value::Timestamp(n), DataType::Timestamp(_))
        | (Value::TimestampTz(n), DataType::TimestampTz(_)) => out.extend(n.to_le_bytes()),
        (Value::TimeTz(time), DataType::TimeTz(_)) => {
            out.extend(time.micros.to_le_bytes());
            out.extend(time.offset.to_le_bytes());
        }
        (Value::Bits(bits), DataType::Bit(_) | DataType::VarBit(_)) => put_bits(bits, out),
        (Value::Inet(inet), DataType::Inet | DataType::Cidr) => {
            // Four bytes of address, or sixteen, tell the family.
            out.push(inet.bits());
            out.extend(inet.address());
        }
        (Value::MacAddr(address), DataType::MacAddr) => out.extend(address),
        (Value::Vector(vector), DataType::Vector(kind, _)) if vector.kind() == *kind => {
            vector.put(out);
        }
        (Value::Float8(x), DataType::Float8) => out.extend(x.to_le_bytes()),
        (Value::Interval(interval), DataType::Interval(_)) => {
            out.extend(interval.micros.to_le_bytes());
            out.extend(interval.days.to_le_bytes());
            out.extend(interval.months.to_le_bytes());
        }
        (Value::Uuid(uuid), DataType::Uuid) => out.extend(uuid.as_slice()),
        (Value::Text(text), ty)
            if ty.is_string()
                || matches!(
                    ty,
                    DataType::Json | DataType::JsonPath | DataType::Unknown | DataType::CharByte
                ) =>
        {
            out.extend_from_slice(text.as_bytes());
        }
        (Value::Bytea(bytes), DataType::Bytea) => out.extend_from_slice(bytes),
        (Value::Numeric(number), DataType::Numeric(_)) => put_numeric(number, out),
        (Value::Jsonb(json), DataType::Jsonb) => put_json(json, out),
        (Value::Array(array), DataType::Array(element)) => put_array(array, element, out)?,
        (Value::Array(array), DataType::Int2Vector) => put_array(array, &DataType::Int2, out)?,
        (Value::Array(array), DataType::OidVector) => put_array(array, &DataType::Oid, out)?,
        (value, DataType::User(user)) => put_user(value, user, ty, out)?,
        (Value::Range(range), DataType::Range(kind)) if range.kind() == *kind => {
            put_range(range, out)?;
        }
        (Value::Multirange(ranges), DataType::Multirange(kind)) if ranges.kind() == *kind => {
            put_multirange(ranges, out)?;
        }
        (Value::Record(_), _) => {
            return Err(Error::unsupported("row values cannot be stored"));
        }
        _ => return Err(unfit(value, ty)),
    }
    Ok(())
}

#[cold]
fn unfit(value: &Value, ty: &DataType) -> Error {
    Error::internal(format!(
        "column of type {ty} cannot hold a value of type {}",
        value.natural_type()
    ))
}

/// A label's place, a domain's base value, or the fields of a row value: their bitmap, then each as
/// an element of an array.
fn put_user(value: &Value, user: &UserType, ty: &DataType, out: &mut Vec<u8>) -> Result<()> {
    match (value, &user.kind) {
        (Value::Enum(label), UserKind::Enum(_)) => out.extend(label.order.to_le_bytes()),
        (value, UserKind::Domain(domain)) => put(value, &domain.base, out)?,
        (Value::Record(values), UserKind::Composite(fields)) if values.len() == fields.len() => {
            put_varint(values.len() as u64, out);
            put_bitmap(values, out);
            for (value, (_, ty)) in values.iter().zip(fields) {
                if !value.is_null() {
                    put_element(value, ty, out)?;
                }
            }
        }
        _ => return Err(unfit(value, ty)),
    }
    Ok(())
}

fn get_user(rest: &mut &[u8], user: &UserType) -> Result<Value> {
    match &user.kind {
        UserKind::Enum(_) => user.label_at(u64::from_le_bytes(take_array(rest)?)),
        UserKind::Domain(domain) => get(std::mem::take(rest), &domain.base),
        UserKind::Composite(fields) => {
            let count = take_varint(rest)?;
            // Values from before a field was added have `NULL` there.
            let stored = usize::try_from(count).unwrap_or(usize::MAX);
            if stored > fields.len() {
                return Err(Error::corrupt(format!(
                    "stored {user} has {count} fields instead of {}",
                    fields.len()
                )));
            }
            let bitmap = take(rest, stored.div_ceil(8))?;
            let mut values = fields
                .iter()
                .take(stored)
                .enumerate()
                .map(|(i, (_, ty))| take_element(rest, bitmap, i, ty))
                .collect::<Result<Vec<_>>>()?;
            values.resize(fields.len(), Value::Null);
            Ok(Value::Record(values.into()))
        }
        UserKind::Unresolved => Err(Error::internal(format!(
            "type {} was not looked up",
            user.oid
        ))),
    }
}

/// Reads the value that `bytes` are all of.
#[inline]
pub(super) fn get(bytes: &[u8], ty: &DataType) -> Result<Value> {
    let mut rest = bytes;
    let value = match ty {
        DataType::Bool => match take_array(&mut rest)? {
            [0] => Value::Bool(false),
            [1] => Value::Bool(true),
            [byte] => return Err(Error::corrupt(format!("stored boolean is {byte:#04x}"))),
        },
        DataType::Int2 => Value::Int2(i16::from_le_bytes(take_array(&mut rest)?)),
        DataType::Int4 => Value::Int4(i32::from_le_bytes(take_array(&mut rest)?)),
        DataType::Date => Value::Date(i32::from_le_bytes(take_array(&mut rest)?)),
        DataType::Oid | DataType::Xid | DataType::Reg(_) => {
            Value::Oid(u32::from_le_bytes(take_array(&mut rest)?))
        }
        DataType::User(user) => get_user(&mut rest, user)?,
        DataType::Int2Vector => Value::Array(take_array_value(&mut rest, &DataType::Int2)?.into()),
        DataType::OidVector => Value::Array(take_array_value(&mut rest, &DataType::Oid)?.into()),
        DataType::Float4 => Value::Float4(f32::from_le_bytes(take_array(&mut rest)?)),
        DataType::Int8 => Value::Int8(i64::from_le_bytes(take_array(&mut rest)?)),
        DataType::Time(_) => Value::Time(i64::from_le_bytes(take_array(&mut rest)?)),
        DataType::Timestamp(_) => Value::Timestamp(i64::from_le_bytes(take_array(&mut rest)?)),
        DataType::TimestampTz(_) => Value::TimestampTz(i64::from_le_bytes(take_array(&mut rest)?)),
        DataType::Float8 => Value::Float8(f64::from_le_bytes(take_array(&mut rest)?)),
        DataType::TimeTz(_) => {
            let micros = i64::from_le_bytes(take_array(&mut rest)?);
            let offset = i32::from_le_bytes(take_array(&mut rest)?);
            Value::TimeTz(TimeTz { micros, offset })
        }
        DataType::Bit(_) | DataType::VarBit(_) => {
            Value::Bits(Arc::new(get_bits(std::mem::take(&mut rest))?))
        }
        DataType::Inet | DataType::Cidr => {
            Value::Inet(Arc::new(get_inet(std::mem::take(&mut rest))?))
        }
        DataType::MacAddr => Value::MacAddr(take_array(&mut rest)?),
        DataType::Vector(kind, _) => VectorValue::get(std::mem::take(&mut rest), *kind)?.into(),
        DataType::Interval(_) => {
            let micros = i64::from_le_bytes(take_array(&mut rest)?);
            let days = i32::from_le_bytes(take_array(&mut rest)?);
            let months = i32::from_le_bytes(take_array(&mut rest)?);
            Value::Interval(Box::new(Interval::new(months, days, micros)))
        }
        DataType::Uuid => Value::Uuid(Box::new(take_array(&mut rest)?)),
        DataType::Text
        | DataType::Varchar(_)
        | DataType::Char(_)
        | DataType::Name
        | DataType::Json
        | DataType::JsonPath
        | DataType::CharByte
        | DataType::Unknown => Value::Text(text(std::mem::take(&mut rest))?.into()),
        DataType::Bytea => Value::Bytea(std::mem::take(&mut rest).into()),
        DataType::Numeric(_) => Value::Numeric(get_numeric(std::mem::take(&mut rest))?),
        DataType::Jsonb => Value::Jsonb(take_json(&mut rest, 0)?.into()),
        DataType::Array(element) => Value::Array(take_array_value(&mut rest, element)?.into()),
        DataType::Range(kind) => Value::Range(take_range(&mut rest, *kind)?.into()),
        DataType::Multirange(kind) => Value::Multirange(take_multirange(&mut rest, *kind)?.into()),
        DataType::Record | DataType::Void => {
            return Err(Error::internal(format!("type {ty} cannot be stored")));
        }
    };
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(Error::corrupt(format!(
            "stored {ty} has {} bytes too many",
            rest.len()
        )))
    }
}

/// A byte of flags, then each end that is not open, as an element of an array.
fn put_range(range: &RangeValue, out: &mut Vec<u8>) -> Result<()> {
    out.push(range::put_flags(range));
    let element = range.kind().element();
    for end in [range.lower(), range.upper()] {
        if !end.is_null() {
            put_element(end, &element, out)?;
        }
    }
    Ok(())
}

fn take_range(rest: &mut &[u8], kind: RangeKind) -> Result<RangeValue> {
    let [byte] = take_array(rest)?;
    let flags = range::take_flags(byte)
        .ok_or_else(|| Error::corrupt(format!("stored range has flags {byte:#04x}")))?;
    let element = kind.element();
    let mut end = |there: bool| match there {
        true => take_element(rest, &[], 0, &element),
        false => Ok(Value::Null),
    };
    let (lower, upper) = (end(flags.lower)?, end(flags.upper)?);
    if flags.empty {
        return Ok(RangeValue::empty(kind));
    }
    RangeValue::new(kind, lower, upper, flags.inclusive)
        .map_err(|error| Error::corrupt("stored range is none").with_source(error))
}

/// How many ranges there are, then each.
fn put_multirange(multirange: &MultirangeValue, out: &mut Vec<u8>) -> Result<()> {
    let ranges = multirange.ranges();
    put_varint(ranges.len() as u64, out);
    ranges.iter().try_for_each(|range| put_range(range, out))
}

fn take_multirange(rest: &mut &[u8], kind: RangeKind) -> Result<MultirangeValue> {
    let mut ranges = Vec::new();
    for _ in 0..take_varint(rest)? {
        ranges.push(take_range(rest, kind)?);
    }
    MultirangeValue::new(kind, ranges)
        .map_err(|error| Error::corrupt("stored multirange is none").with_source(error))
}

/// Stored text as a value.
#[inline]
pub(super) fn text_value(bytes: &[u8]) -> Result<Value> {
    Ok(Value::Text(text(bytes)?.into()))
}

/// How many bits of the last byte are padding, then the bytes.
fn put_bits(bits: &BitString, out: &mut Vec<u8>) {
    let bytes = bits.bytes();
    // Fewer than eight.
    out.push((bytes.len() * 8 - bits.len()) as u8);
    out.extend(bytes);
}

fn get_bits(bytes: &[u8]) -> Result<BitString> {
    let wrong = || Error::corrupt("stored bit string has a wrong length");
    let (padding, bytes) = bytes.split_first().ok_or_else(wrong)?;
    let length = (bytes.len() * 8).checked_sub(usize::from(*padding));
    let length = length.filter(|_| *padding < 8).ok_or_else(wrong)?;
    Ok(BitString::new(bytes.to_vec(), length))
}

fn get_inet(bytes: &[u8]) -> Result<Inet> {
    let wrong = || Error::corrupt("stored network address is none");
    let (bits, written) = bytes.split_first().ok_or_else(wrong)?;
    let six = match written.len() {
        4 => false,
        16 => true,
        _ => return Err(wrong()),
    };
    let mut address = [0; 16];
    for (slot, byte) in address.iter_mut().zip(written) {
        *slot = *byte;
    }
    Inet::new(six, *bits, address).ok_or_else(wrong)
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes)
        .map_err(|error| Error::corrupt("stored text is not UTF-8").with_source(error))
}

fn put_numeric(number: &Numeric, out: &mut Vec<u8>) {
    if let Some((coefficient, scale)) = number.as_small() {
        put_varint(FINITE + u64::from(scale), out);
        let bytes = coefficient.to_le_bytes();
        // Signed bits, zero needing none.
        let bits = match coefficient {
            0 => 0,
            n => 65 - (n ^ (n >> 63)).leading_zeros(),
        };
        out.extend(bytes.iter().take(bits.div_ceil(8) as usize));
    } else if let Some((coefficient, scale)) = number.to_parts() {
        put_varint(FINITE + u64::from(scale), out);
        out.extend(coefficient.to_signed_bytes_le());
    } else if number.is_nan() {
        put_varint(NAN, out);
    } else if number.signum() > 0 {
        put_varint(INFINITY, out);
    } else {
        put_varint(NEG_INFINITY, out);
    }
}

/// Coefficient and scale of a stored `numeric` that is finite and has at most 64 bits; `None` for others.
#[inline]
pub(super) fn short_numeric(bytes: &[u8]) -> Option<(i64, u16)> {
    let (kind, rest) = bytes.split_first()?;
    // Of a longer varint only the beginning.
    let kind = Some(u64::from(*kind)).filter(|kind| *kind < 0x80)?;
    let scale = u16::try_from(kind.checked_sub(FINITE)?).ok()?;
    let mut whole = [0; 8];
    whole.get_mut(..rest.len())?.copy_from_slice(rest);
    let unused = 64 - 8 * rest.len() as u32;
    let coefficient = match unused {
        64 => 0,
        unused => i64::from_le_bytes(whole) << unused >> unused,
    };
    Some((coefficient, scale))
}

fn get_numeric(bytes: &[u8]) -> Result<Numeric> {
    let mut rest = bytes;
    let kind = take_varint(&mut rest)?;
    let scale = match kind {
        NAN | INFINITY | NEG_INFINITY if !rest.is_empty() => {
            return Err(Error::corrupt("stored numeric is too long"));
        }
        NAN => return Ok(Numeric::NAN),
        INFINITY => return Ok(Numeric::INFINITY),
        NEG_INFINITY => return Ok(Numeric::NEG_INFINITY),
        finite => u16::try_from(finite - FINITE)
            .ok()
            .filter(|&scale| scale <= SCALE_MAX)
            .ok_or_else(|| Error::corrupt("stored numeric has a wrong scale"))?,
    };
    if rest.len() > 8 {
        return Ok(Numeric::from_big(BigInt::from_signed_bytes_le(rest), scale));
    }
    let fill = if rest.last().is_some_and(|&byte| byte >= 0x80) {
        0xFF
    } else {
        0
    };
    let mut whole = [fill; 8];
    for (to, from) in whole.iter_mut().zip(rest) {
        *to = *from;
    }
    Ok(Numeric::new(i64::from_le_bytes(whole), scale))
}

fn put_json(json: &Json, out: &mut Vec<u8>) {
    match json {
        Json::Null => out.push(JSON_NULL),
        Json::Bool(false) => out.push(JSON_FALSE),
        Json::Bool(true) => out.push(JSON_TRUE),
        Json::Number(number) => {
            out.push(JSON_NUMBER);
            let mut bytes = Vec::new();
            put_numeric(number, &mut bytes);
            put_bytes(&bytes, out);
        }
        Json::String(text) => {
            out.push(JSON_STRING);
            put_bytes(text.as_bytes(), out);
        }
        Json::Array(elements) => {
            out.push(JSON_ARRAY);
            put_varint(elements.len() as u64, out);
            for element in elements {
                put_json(element, out);
            }
        }
        Json::Object(object) => {
            out.push(JSON_OBJECT);
            put_varint(object.len() as u64, out);
            for (key, value) in object.members() {
                put_bytes(key.as_bytes(), out);
                put_json(value, out);
            }
        }
    }
}

fn take_json(rest: &mut &[u8], depth: usize) -> Result<Json> {
    if depth > DEPTH_MAX {
        return Err(Error::corrupt("stored json is nested too deeply"));
    }
    let [tag] = take_array(rest)?;
    Ok(match tag {
        JSON_NULL => Json::Null,
        JSON_FALSE => Json::Bool(false),
        JSON_TRUE => Json::Bool(true),
        JSON_NUMBER => Json::Number(get_numeric(take_bytes(rest)?)?),
        JSON_STRING => Json::String(text(take_bytes(rest)?)?.into()),
        JSON_ARRAY => {
            let count = take_varint(rest)?;
            let mut elements = Vec::new();
            for _ in 0..count {
                elements.push(take_json(rest, depth + 1)?);
            }
            Json::Array(elements)
        }
        JSON_OBJECT => {
            let count = take_varint(rest)?;
            let mut members = Vec::new();
            for _ in 0..count {
                let key = text(take_bytes(rest)?)?.into();
                members.push((key, take_json(rest, depth + 1)?));
            }
            Json::Object(JsonObject::new(members))
        }
        _ => return Err(Error::corrupt(format!("stored json has tag {tag}"))),
    })
}

fn put_array(array: &ArrayValue, element: &DataType, out: &mut Vec<u8>) -> Result<()> {
    put_varint(array.dims.len() as u64, out);
    for (length, lower) in &array.dims {
        put_varint(u64::from(*length), out);
        put_varint(zigzag(i64::from(*lower)), out);
    }
    put_bitmap(&array.elements, out);
    for value in array.elements.iter().filter(|value| !value.is_null()) {
        put_element(value, element, out)?;
    }
    Ok(())
}

/// Appends a value that is not `NULL`, with its length unless the type has one width.
fn put_element(value: &Value, ty: &DataType, out: &mut Vec<u8>) -> Result<()> {
    if fixed_width(ty).is_some() {
        return put(value, ty, out);
    }
    let mut bytes = Vec::new();
    put(value, ty, &mut bytes)?;
    put_bytes(&bytes, out);
    Ok(())
}

/// Takes element `i`, which is `NULL` if its bit says so.
fn take_element(rest: &mut &[u8], bitmap: &[u8], i: usize, ty: &DataType) -> Result<Value> {
    let null = bitmap
        .get(i / 8)
        .is_some_and(|byte| byte >> (i % 8) & 1 == 1);
    if null {
        Ok(Value::Null)
    } else if let Some(width) = fixed_width(ty) {
        get(take(rest, width)?, ty)
    } else {
        get(take_bytes(rest)?, ty)
    }
}

fn take_array_value(rest: &mut &[u8], element: &DataType) -> Result<ArrayValue> {
    let wrong_shape = || Error::corrupt("stored array has a wrong shape");
    let mut dims = Vec::new();
    let mut count = 1u64;
    for _ in 0..take_varint(rest)? {
        let length = u32::try_from(take_varint(rest)?).map_err(|_| wrong_shape())?;
        let lower = i32::try_from(unzigzag(take_varint(rest)?)).map_err(|_| wrong_shape())?;
        count = count
            .checked_mul(u64::from(length))
            .ok_or_else(wrong_shape)?;
        dims.push((length, lower));
    }
    if dims.is_empty() {
        count = 0;
    }
    let count = usize::try_from(count).map_err(|_| wrong_shape())?;
    let bitmap = take(rest, count.div_ceil(8))?;
    let mut elements = Vec::new();
    for i in 0..count {
        elements.push(take_element(rest, bitmap, i, element)?);
    }
    ArrayValue::new(dims, elements).ok_or_else(wrong_shape)
}
