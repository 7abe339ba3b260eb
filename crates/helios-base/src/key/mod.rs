//! Memcomparable keys: values as bytes whose byte order is the values' order.
//!
//! Each column is self-delimiting, so that the bytes of several columns simply follow each other
//! and a prefix of the columns is a prefix of the bytes. Two values of a type are equal under
//! [`Value::cmp_as`] exactly if their keys are equal.
//!
//! A column is a marker byte and, unless it is `NULL`, a body:
//!
//! | marker | meaning                        |
//! |-------:|--------------------------------|
//! | `0x00` | `NULL` under `NULLS FIRST`     |
//! | `0x01` | a value; its body follows      |
//! | `0x02` | `NULL` under `NULLS LAST`      |
//!
//! | type                      | body, ascending                                                |
//! |---------------------------|----------------------------------------------------------------|
//! | `boolean`                 | 1 byte, `0` or `1`                                             |
//! | `smallint` … `bigint`     | 2, 4 or 8 bytes, big-endian, sign bit flipped                  |
//! | `date`                    | as `integer`                                                   |
//! | `time`, `timestamp[tz]`   | as `bigint`                                                    |
//! | `oid`, `xid`, `reg…`      | 4 bytes, big-endian                                            |
//! | enums                     | the label's place, 8 bytes, big-endian                         |
//! | domains                   | as their base type                                             |
//! | composite types           | each field as a column under `NULLS LAST`                      |
//! | `real`, `double precision`| IEEE bits, big-endian; negative: all flipped, else: sign flipped; `-0` as `0`, one `NaN` |
//! | `interval`                | 16 bytes, big-endian: its span in µs, sign bit flipped         |
//! | `timetz`, `bit`, `inet`   | see `key/small.rs`, which encodes them                         |
//! | `macaddr`                 | its 6 bytes                                                    |
//! | `vector` and its kin      | see `key/vector.rs`, which encodes them                        |
//! | `uuid`                    | its 16 bytes                                                   |
//! | strings, `"char"`, `bytea`| bytes; `00` as `01 01`, `01` as `01 02`; then `00`             |
//! | `char(n)`                 | the same, without trailing blanks                              |
//! | `numeric`                 | see `key/numeric.rs`, which encodes it                         |
//! | `jsonb`                   | see `key/json.rs`, which encodes it                            |
//! | arrays                    | each element as a column under `NULLS LAST`, `00`, number of dimensions (1 byte), their lengths (4 bytes each, big-endian), their lower bounds (as `integer`) |
//!
//! Under `DESC` every byte of the body is complemented; the marker is not.
//!
//! Example: `(7::int, 'ab'::text DESC)` is `01 80000007 01 9E9D FF`.

mod json;
mod numeric;
mod range;
mod reader;
mod small;
mod vector;

use crate::datetime::{Interval, MICROS_PER_DAY};
use crate::value::trim_blanks;
use crate::{ArrayValue, DataType, Error, Result, SqlState, UserKind, UserType, Value};
use reader::KeyReader;

const NULL_FIRST: u8 = 0x00;
const PRESENT: u8 = 0x01;
const NULL_LAST: u8 = 0x02;
const END: u8 = 0x00;
const ESCAPE: u8 = 0x01;

/// The direction of one key column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyOrder {
    /// `DESC`
    pub descending: bool,
    /// `NULLS FIRST`
    pub nulls_first: bool,
}

impl KeyOrder {
    /// `ASC NULLS LAST`, the default.
    pub const ASC: Self = Self {
        descending: false,
        nulls_first: false,
    };
    /// `DESC NULLS FIRST`, the default for `DESC`.
    pub const DESC: Self = Self {
        descending: true,
        nulls_first: true,
    };
}

impl Default for KeyOrder {
    fn default() -> Self {
        Self::ASC
    }
}

/// Appends the key of `value`, which must fit `ty`, to `out`.
///
/// # Errors
/// `42883` for types without an order (`json`, `record`); internal if `value` does not fit `ty`.
/// `out` is as before on error.
pub fn encode(value: &Value, ty: &DataType, order: KeyOrder, out: &mut Vec<u8>) -> Result<()> {
    if value.is_null() {
        out.push(if order.nulls_first {
            NULL_FIRST
        } else {
            NULL_LAST
        });
        return Ok(());
    }
    let start = out.len();
    out.push(PRESENT);
    if let Err(error) = put_body(value, ty, out) {
        out.truncate(start);
        return Err(error);
    }
    if order.descending {
        for byte in out.iter_mut().skip(start + 1) {
            *byte = !*byte;
        }
    }
    Ok(())
}

/// Takes one key column off the front of `input` and returns its value.
///
/// The value is equal to the one that was encoded under [`Value::cmp_as`]; where equal values can
/// look different (`numeric` without scale, `interval`, `char(n)` padding, `-0`) it is a canonical
/// one of them. `input` is unspecified on error.
///
/// # Errors
/// Corrupt if the bytes are not what [`encode`] writes for `ty` and `order`.
pub fn decode(input: &mut &[u8], ty: &DataType, order: KeyOrder) -> Result<Value> {
    let mut reader = KeyReader::new(input);
    let value = match reader.byte()? {
        NULL_FIRST if order.nulls_first => Value::Null,
        NULL_LAST if !order.nulls_first => Value::Null,
        PRESENT => {
            if order.descending {
                reader.invert();
            }
            take_body(&mut reader, ty)?
        }
        marker => {
            return Err(Error::corrupt(format!(
                "key column starts with {marker:#04x}"
            )));
        }
    };
    *input = reader.rest();
    Ok(value)
}

/// Takes one key column off the front of `input` without building its value and returns its bytes.
///
/// # Errors
/// As [`decode`].
pub fn skip<'a>(input: &mut &'a [u8], ty: &DataType, order: KeyOrder) -> Result<&'a [u8]> {
    let before = *input;
    decode(input, ty, order)?;
    let length = before.len() - input.len();
    Ok(before.get(..length).unwrap_or(before))
}

/// The first key after every key that starts with `prefix`: the open end of a prefix scan.
/// `None` if there is no such key.
#[must_use]
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let keep = prefix.iter().rposition(|&byte| byte != 0xFF)?;
    let mut end: Vec<u8> = prefix.iter().take(keep + 1).copied().collect();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    Some(end)
}

fn put_body(value: &Value, ty: &DataType, out: &mut Vec<u8>) -> Result<()> {
    match (value, ty) {
        (Value::Bool(b), DataType::Bool) => out.push(u8::from(*b)),
        (Value::Int2(n), DataType::Int2) => out.extend((n ^ i16::MIN).to_be_bytes()),
        (Value::Int4(n), DataType::Int4) | (Value::Date(n), DataType::Date) => {
            out.extend((n ^ i32::MIN).to_be_bytes());
        }
        (Value::Int8(n), DataType::Int8)
        | (Value::Time(n), DataType::Time(_))
        | (Value::Timestamp(n), DataType::Timestamp(_))
        | (Value::TimestampTz(n), DataType::TimestampTz(_)) => {
            out.extend((n ^ i64::MIN).to_be_bytes());
        }
        (Value::Oid(n), DataType::Oid | DataType::Xid | DataType::Reg(_)) => {
            out.extend(n.to_be_bytes());
        }
        (Value::Text(text), DataType::CharByte) => put_bytes(text.as_bytes(), out),
        (Value::Array(array), DataType::Int2Vector) => put_array(array, &DataType::Int2, out)?,
        (Value::Array(array), DataType::OidVector) => put_array(array, &DataType::Oid, out)?,
        (value, DataType::User(user)) => put_user(value, user, out)?,
        (Value::Range(value), DataType::Range(_)) => range::put(value, out)?,
        (Value::Multirange(value), DataType::Multirange(_)) => range::put_multi(value, out)?,
        (Value::Float4(x), DataType::Float4) => {
            let bits = (canonical(f64::from(*x)) as f32).to_bits() as i32;
            out.extend((bits ^ ((bits >> 31) | i32::MIN)).to_be_bytes());
        }
        (Value::Float8(x), DataType::Float8) => {
            let bits = canonical(*x).to_bits() as i64;
            out.extend((bits ^ ((bits >> 63) | i64::MIN)).to_be_bytes());
        }
        (Value::TimeTz(time), DataType::TimeTz(_)) => small::put_timetz(time, out),
        (Value::Bits(bits), DataType::Bit(_) | DataType::VarBit(_)) => small::put_bits(bits, out),
        (Value::Inet(inet), DataType::Inet | DataType::Cidr) => small::put_inet(inet, out),
        (Value::MacAddr(address), DataType::MacAddr) => out.extend(address),
        (Value::Vector(value), DataType::Vector(kind, _)) if value.kind() == *kind => {
            vector::put(value, out);
        }
        (Value::Interval(interval), DataType::Interval(_)) => {
            out.extend((interval.span() ^ i128::MIN).to_be_bytes());
        }
        (Value::Uuid(uuid), DataType::Uuid) => out.extend(uuid.as_slice()),
        (Value::Text(text), DataType::Char(_)) => put_bytes(trim_blanks(text).as_bytes(), out),
        (Value::Text(text), ty) if ty.is_string() => put_bytes(text.as_bytes(), out),
        (Value::Bytea(bytes), DataType::Bytea) => put_bytes(bytes, out),
        (Value::Numeric(number), DataType::Numeric(_)) => numeric::put(number, out),
        (Value::Jsonb(json), DataType::Jsonb) => json::put(json, out)?,
        (Value::Array(array), DataType::Array(element)) => put_array(array, element, out)?,
        (
            _,
            DataType::Json
            | DataType::JsonPath
            | DataType::Record
            | DataType::Unknown
            | DataType::Void,
        ) => {
            return Err(Error::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("could not identify an ordering operator for type {ty}"),
            ));
        }
        _ => {
            return Err(Error::internal(format!(
                "key of type {ty} cannot hold a value of type {}",
                value.natural_type()
            )));
        }
    }
    Ok(())
}

fn take_body(reader: &mut KeyReader<'_>, ty: &DataType) -> Result<Value> {
    Ok(match ty {
        DataType::Bool => match reader.byte()? {
            0 => Value::Bool(false),
            1 => Value::Bool(true),
            byte => return Err(Error::corrupt(format!("boolean key is {byte:#04x}"))),
        },
        DataType::Int2 => Value::Int2(i16::from_be_bytes(reader.array()?) ^ i16::MIN),
        DataType::Int4 => Value::Int4(take_i32(reader)?),
        DataType::Date => Value::Date(take_i32(reader)?),
        DataType::Int8 => Value::Int8(take_i64(reader)?),
        DataType::Time(_) => Value::Time(take_i64(reader)?),
        DataType::TimeTz(_) => Value::TimeTz(small::take_timetz(reader)?),
        DataType::Timestamp(_) => Value::Timestamp(take_i64(reader)?),
        DataType::TimestampTz(_) => Value::TimestampTz(take_i64(reader)?),
        DataType::Bit(_) | DataType::VarBit(_) => Value::Bits(small::take_bits(reader)?.into()),
        DataType::Inet | DataType::Cidr => Value::Inet(small::take_inet(reader)?.into()),
        DataType::MacAddr => Value::MacAddr(reader.array()?),
        DataType::Vector(kind, _) => vector::take(reader, *kind)?.into(),
        DataType::Oid | DataType::Xid | DataType::Reg(_) => {
            Value::Oid(u32::from_be_bytes(reader.array()?))
        }
        DataType::CharByte => Value::Text(take_text(reader)?.into()),
        DataType::Int2Vector => Value::Array(take_array(reader, &DataType::Int2)?.into()),
        DataType::OidVector => Value::Array(take_array(reader, &DataType::Oid)?.into()),
        DataType::User(user) => take_user(reader, user)?,
        DataType::Range(kind) => Value::Range(range::take(reader, *kind)?.into()),
        DataType::Multirange(kind) => Value::Multirange(range::take_multi(reader, *kind)?.into()),
        DataType::Float4 => {
            let bits = i32::from_be_bytes(reader.array()?);
            let bits = bits ^ ((!bits >> 31) | i32::MIN);
            Value::Float4(f32::from_bits(bits as u32))
        }
        DataType::Float8 => {
            let bits = i64::from_be_bytes(reader.array()?);
            let bits = bits ^ ((!bits >> 63) | i64::MIN);
            Value::Float8(f64::from_bits(bits as u64))
        }
        DataType::Interval(_) => {
            let span = i128::from_be_bytes(reader.array()?) ^ i128::MIN;
            Value::Interval(Box::new(interval_of_span(span)?))
        }
        DataType::Uuid => Value::Uuid(Box::new(reader.array()?)),
        DataType::Text | DataType::Varchar(_) | DataType::Char(_) | DataType::Name => {
            let mut text = take_text(reader)?;
            if let DataType::Char(Some(length)) = ty {
                let missing = (*length as usize).saturating_sub(text.chars().count());
                text.extend(std::iter::repeat_n(' ', missing));
            }
            Value::Text(text.into())
        }
        DataType::Bytea => Value::Bytea(take_bytes(reader)?.into()),
        DataType::Numeric(modifier) => {
            let number = numeric::take(reader)?;
            Value::Numeric(match modifier {
                Some((_, scale)) => number.round(i32::from(*scale))?,
                None => number,
            })
        }
        DataType::Jsonb => Value::Jsonb(json::take(reader)?.into()),
        DataType::Array(element) => Value::Array(take_array(reader, element)?.into()),
        DataType::Json
        | DataType::JsonPath
        | DataType::Record
        | DataType::Unknown
        | DataType::Void => {
            return Err(Error::internal(format!("type {ty} has no keys")));
        }
    })
}

fn put_user(value: &Value, user: &UserType, out: &mut Vec<u8>) -> Result<()> {
    match (value, &user.kind) {
        (Value::Enum(label), UserKind::Enum(_)) => out.extend(label.order.to_be_bytes()),
        (value, UserKind::Domain(domain)) => put_body(value, &domain.base, out)?,
        (Value::Record(values), UserKind::Composite(fields)) if values.len() == fields.len() => {
            for (value, (_, ty)) in values.iter().zip(fields) {
                encode(value, ty, KeyOrder::ASC, out)?;
            }
        }
        _ => {
            return Err(Error::internal(format!(
                "key of type {user} cannot hold a value of type {}",
                value.natural_type()
            )));
        }
    }
    Ok(())
}

fn take_user(reader: &mut KeyReader<'_>, user: &UserType) -> Result<Value> {
    match &user.kind {
        UserKind::Enum(_) => user.label_at(u64::from_be_bytes(reader.array()?)),
        UserKind::Domain(domain) => take_body(reader, &domain.base),
        UserKind::Composite(fields) => {
            let mut values = Vec::with_capacity(fields.len());
            for (_, ty) in fields {
                values.push(match reader.byte()? {
                    PRESENT => take_body(reader, ty)?,
                    NULL_LAST => Value::Null,
                    marker => {
                        return Err(Error::corrupt(format!(
                            "field of a key has marker {marker:#04x}"
                        )));
                    }
                });
            }
            Ok(Value::Record(values.into()))
        }
        UserKind::Unresolved => Err(Error::internal(format!(
            "type {} was not looked up",
            user.oid
        ))),
    }
}

/// One representative of equal floats.
fn canonical(x: f64) -> f64 {
    if x.is_nan() {
        f64::NAN
    } else if x == 0.0 {
        0.0
    } else {
        x
    }
}

fn take_i32(reader: &mut KeyReader<'_>) -> Result<i32> {
    Ok(i32::from_be_bytes(reader.array()?) ^ i32::MIN)
}

fn take_i64(reader: &mut KeyReader<'_>) -> Result<i64> {
    Ok(i64::from_be_bytes(reader.array()?) ^ i64::MIN)
}

/// Appends escaped, terminated bytes.
fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() + 1);
    let mut plain = bytes;
    while let Some(at) = plain.iter().position(|&byte| byte <= ESCAPE) {
        let (before, rest) = plain.split_at(at);
        out.extend_from_slice(before);
        if let Some((&byte, rest)) = rest.split_first() {
            out.extend([ESCAPE, byte + 1]);
            plain = rest;
        }
    }
    out.extend_from_slice(plain);
    out.push(END);
}

/// Takes escaped, terminated bytes.
fn take_bytes(reader: &mut KeyReader<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        match reader.byte()? {
            END => return Ok(bytes),
            ESCAPE => match reader.byte()? {
                byte @ 1..=2 => bytes.push(byte - 1),
                byte => return Err(Error::corrupt(format!("key escapes {byte:#04x}"))),
            },
            byte => bytes.push(byte),
        }
    }
}

fn take_text(reader: &mut KeyReader<'_>) -> Result<String> {
    String::from_utf8(take_bytes(reader)?)
        .map_err(|error| Error::corrupt("key text is not UTF-8").with_source(error))
}

/// An interval of this span, in normal form: months, then days, then what is left.
fn interval_of_span(span: i128) -> Result<Interval> {
    let day = i128::from(MICROS_PER_DAY);
    let (days, micros) = (span / day, span % day);
    let field =
        |n: i128| i32::try_from(n).map_err(|_| Error::corrupt("interval key is out of range"));
    // The longest interval needs more than all its months: let the days take the rest.
    let months = (days / 30).clamp(i128::from(i32::MIN), i128::from(i32::MAX));
    let days = days - months * 30;
    // And its microseconds hold up to 292,000 years.
    let kept = days.clamp(i128::from(i32::MIN), i128::from(i32::MAX));
    let micros = micros + (days - kept) * day;
    Ok(Interval {
        months: field(months)?,
        days: field(kept)?,
        micros: i64::try_from(micros)
            .map_err(|_| Error::corrupt("interval key is out of range"))?,
    })
}

fn put_array(array: &ArrayValue, element: &DataType, out: &mut Vec<u8>) -> Result<()> {
    for value in &array.elements {
        encode(value, element, KeyOrder::ASC, out)?;
    }
    out.push(END);
    let dimensions = u8::try_from(array.dims.len())
        .map_err(|_| Error::internal("array key has more than 255 dimensions"))?;
    out.push(dimensions);
    for (length, _) in &array.dims {
        out.extend(length.to_be_bytes());
    }
    for (_, lower) in &array.dims {
        out.extend((lower ^ i32::MIN).to_be_bytes());
    }
    Ok(())
}

fn take_array(reader: &mut KeyReader<'_>, element: &DataType) -> Result<ArrayValue> {
    if matches!(element, DataType::Array(_)) {
        return Err(Error::internal("arrays of arrays have no keys"));
    }
    let mut elements = Vec::new();
    loop {
        elements.push(match reader.byte()? {
            END => break,
            PRESENT => take_body(reader, element)?,
            NULL_LAST => Value::Null,
            marker => {
                return Err(Error::corrupt(format!(
                    "array key has marker {marker:#04x}"
                )));
            }
        });
    }
    let dimensions = usize::from(reader.byte()?);
    let mut lengths = Vec::with_capacity(dimensions);
    for _ in 0..dimensions {
        lengths.push(u32::from_be_bytes(reader.array()?));
    }
    let mut dims = Vec::with_capacity(dimensions);
    for length in lengths {
        dims.push((length, take_i32(reader)?));
    }
    ArrayValue::new(dims, elements).ok_or_else(|| Error::corrupt("array key has a wrong shape"))
}
