//! PostgreSQL's binary forms of every type: what `send` and `recv` functions speak on the wire and
//! in binary COPY.
//!
//! Everything is big-endian. Dates and timestamps count from 2000-01-01. Nested values carry their
//! type's identifier and a length of four bytes, -1 for `NULL`.
//!
//! Source: the PostgreSQL 15 documentation, "Frontend/Backend Protocol", and the observed output of
//! `COPY … WITH (FORMAT binary)`.

mod array;
mod network;
mod numeric;
mod range;
mod reader;
mod recode;

pub(crate) use reader::Reader;
pub use recode::{from_encoding, to_encoding};

use crate::datetime::{
    DATE_INFINITY, DATE_NEG_INFINITY, MICROS_PER_DAY, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY,
    check_date, check_timestamp, round_micros, round_timestamp, timestamp_out_of_range,
};
use crate::{
    DataType, Error, Interval, Json, Result, SqlState, TextContext, TimeTz, UserKind, Value,
    VectorValue, text,
};

/// Days from 1970-01-01 to 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * MICROS_PER_DAY;
/// The only version of the binary form of `jsonb`.
const JSONB_VERSION: u8 = 1;
/// The only version of the binary form of `jsonpath`.
const JSONPATH_VERSION: u8 = 1;

/// Appends the binary form of a value that is not `NULL`; nothing for `NULL`.
///
/// # Errors
/// `54000` for a value of 2 GiB or more inside another.
pub fn write(value: &Value, ty: &DataType, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Value::Null => {}
        Value::Bool(b) => out.push(u8::from(*b)),
        Value::Int2(n) => out.extend(n.to_be_bytes()),
        Value::Int4(n) => out.extend(n.to_be_bytes()),
        Value::Int8(n) | Value::Time(n) => out.extend(n.to_be_bytes()),
        Value::Oid(n) => out.extend(n.to_be_bytes()),
        Value::Float4(x) => out.extend(x.to_be_bytes()),
        Value::Float8(x) => out.extend(x.to_be_bytes()),
        Value::Numeric(number) => numeric::write(number, out),
        Value::Text(text) => match ty {
            DataType::JsonPath => {
                out.push(JSONPATH_VERSION);
                out.extend(text.as_bytes());
            }
            // One byte, which is zero when there is no character.
            DataType::CharByte => out.push(text::char_byte::byte_of(text)),
            _ => out.extend(text.as_bytes()),
        },
        Value::Bytea(bytes) => out.extend(&bytes[..]),
        Value::Date(days) => out.extend(date_out(*days).to_be_bytes()),
        Value::Timestamp(micros) | Value::TimestampTz(micros) => {
            out.extend(timestamp_out(*micros).to_be_bytes());
        }
        Value::Interval(interval) => {
            out.extend(interval.micros.to_be_bytes());
            out.extend(interval.days.to_be_bytes());
            out.extend(interval.months.to_be_bytes());
        }
        Value::TimeTz(time) => {
            out.extend(time.micros.to_be_bytes());
            // PostgreSQL counts towards the west.
            out.extend((-time.offset).to_be_bytes());
        }
        Value::Bits(bits) => {
            out.extend(i32::try_from(bits.len()).unwrap_or(i32::MAX).to_be_bytes());
            out.extend(bits.bytes());
        }
        Value::Inet(inet) => network::write(inet, matches!(*ty.base(), DataType::Cidr), out),
        Value::MacAddr(address) => out.extend(address),
        Value::Vector(vector) => vector.send(out),
        Value::Uuid(bytes) => out.extend(&bytes[..]),
        Value::Jsonb(json) => {
            out.push(JSONB_VERSION);
            out.extend(json.to_string().as_bytes());
        }
        Value::Array(array) => match ty.vector_array() {
            Some(vector) => array::write(array, &vector, out)?,
            None => array::write(array, ty, out)?,
        },
        Value::Record(fields) => match ty {
            DataType::User(user) => array::write_fields(fields, user.fields(), out)?,
            _ => array::write_record(fields, out)?,
        },
        Value::Enum(label) => out.extend(label.name.as_bytes()),
        Value::Range(value) => range::write(value, out)?,
        Value::Multirange(value) => range::write_multi(value, out)?,
    }
    Ok(())
}

/// Appends a length of four bytes and the binary form; -1 alone for `NULL`.
///
/// # Errors
/// As [`write()`]; `54000` for a value of 2 GiB or more.
pub fn write_field(value: &Value, ty: &DataType, out: &mut Vec<u8>) -> Result<()> {
    if value.is_null() {
        out.extend((-1i32).to_be_bytes());
        return Ok(());
    }
    let start = out.len();
    out.extend([0; 4]);
    write(value, ty, out)?;
    let length = i32::try_from(out.len() - start - 4).map_err(|_| {
        Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            "a value is too large for its binary form",
        )
    })?;
    if let Some(slot) = out.get_mut(start..start + 4) {
        slot.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// Reads a value of type `ty` from its whole binary form.
///
/// Modifiers apply as in an assignment: `numeric(p,s)` rounds, `varchar(n)` refuses what is longer.
///
/// # Errors
/// `22P03` when the bytes are not a binary form of the type, `22021` for text that is not UTF-8,
/// and what the type refuses (a date out of range, malformed JSON).
pub fn read(bytes: &[u8], ty: &DataType) -> Result<Value> {
    let mut reader = Reader::new(bytes);
    let value = read_from(&mut reader, ty)?;
    reader.end(ty)?;
    Ok(value)
}

fn read_from(reader: &mut Reader<'_>, ty: &DataType) -> Result<Value> {
    Ok(match ty {
        DataType::Bool => Value::Bool(reader.u8()? != 0),
        DataType::Int2 => Value::Int2(reader.i16()?),
        DataType::Int4 => Value::Int4(reader.i32()?),
        DataType::Int8 => Value::Int8(reader.i64()?),
        DataType::Oid => Value::Oid(reader.u32()?),
        DataType::Float4 => Value::Float4(f32::from_bits(reader.u32()?)),
        DataType::Float8 => Value::Float8(f64::from_bits(reader.u64()?)),
        DataType::Numeric(modifier) => {
            let number = numeric::read(reader)?;
            Value::Numeric(match modifier {
                Some((precision, scale)) => number.apply_modifier(*precision, *scale)?,
                None => number,
            })
        }
        DataType::Bytea => Value::Bytea(reader.rest().into()),
        DataType::Date => date_in(reader.i32()?)?,
        DataType::Time(precision) => {
            let time = time_in(reader.i64()?)?;
            Value::Time(precision.map_or(time, |digits| round_micros(time, digits)))
        }
        DataType::TimeTz(precision) => {
            let (time, west) = (time_in(reader.i64()?)?, reader.i32()?);
            let time = precision.map_or(time, |digits| round_micros(time, digits));
            Value::TimeTz(TimeTz::new(time, west.saturating_neg())?)
        }
        DataType::Timestamp(precision) => {
            Value::Timestamp(timestamp_in(reader.i64()?, *precision)?)
        }
        DataType::TimestampTz(precision) => {
            Value::TimestampTz(timestamp_in(reader.i64()?, *precision)?)
        }
        DataType::Interval(modifier) => {
            let (micros, days, months) = (reader.i64()?, reader.i32()?, reader.i32()?);
            let interval = Interval::new(months, days, micros);
            modifier.map_or(interval, |m| m.apply(&interval)).into()
        }
        DataType::Bit(_) | DataType::VarBit(_) => network::read_bits(reader, ty)?,
        DataType::Inet => network::read(reader, false)?,
        DataType::Cidr => network::read(reader, true)?,
        DataType::MacAddr => Value::MacAddr(reader.array()?),
        DataType::Vector(kind, dimensions) => {
            let vector = VectorValue::receive(reader, *kind)?;
            vector.expect(*dimensions)?;
            vector.into()
        }
        DataType::JsonPath => {
            let version = reader.u8()?;
            if version != JSONPATH_VERSION {
                return Err(malformed(format!(
                    "unsupported jsonpath version number: {version}"
                )));
            }
            text::parse(utf8(reader.rest())?, ty, &TextContext::default())?
        }
        DataType::Uuid => Value::Uuid(Box::new(reader.array()?)),
        DataType::Jsonb => {
            let version = reader.u8()?;
            if version != JSONB_VERSION {
                return Err(malformed(format!(
                    "unsupported jsonb version number {version}"
                )));
            }
            Json::parse(utf8(reader.rest())?)?.into()
        }
        DataType::Array(element) => Value::Array(array::read(reader, element)?.into()),
        DataType::Text
        | DataType::Varchar(_)
        | DataType::Char(_)
        | DataType::Name
        | DataType::Unknown
        | DataType::Json => {
            // These have no other form than their text.
            let context = TextContext::default();
            text::parse(utf8(reader.rest())?, ty, &context)?
        }
        DataType::Xid | DataType::Reg(_) => Value::Oid(reader.u32()?),
        DataType::CharByte => match reader.u8()? {
            0 => Value::text(""),
            byte if byte.is_ascii() => Value::text(char::from(byte).to_string()),
            // A value is text, of which this byte would be a part only.
            byte => {
                return Err(Error::unsupported(format!(
                    "byte {byte:#04x} in a value of type {ty}"
                )));
            }
        },
        DataType::Int2Vector => Value::Array(array::read(reader, &DataType::Int2)?.into()),
        DataType::OidVector => Value::Array(array::read(reader, &DataType::Oid)?.into()),
        DataType::User(user) => match &user.kind {
            UserKind::Enum(_) => user.label(utf8(reader.rest())?)?,
            UserKind::Domain(domain) => read_from(reader, &domain.base)?,
            UserKind::Composite(fields) => array::read_fields(reader, fields)?,
            UserKind::Unresolved => {
                return Err(Error::unsupported(format!("binary input of type {ty}")));
            }
        },
        DataType::Range(kind) => Value::Range(range::read(reader, *kind)?.into()),
        DataType::Multirange(kind) => Value::Multirange(range::read_multi(reader, *kind)?.into()),
        // Their fields and values have no types of their own.
        DataType::Record | DataType::Void => {
            return Err(Error::unsupported(format!("binary input of type {ty}")));
        }
    })
}

fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let bad = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        Error::new(
            SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            format!("invalid byte sequence for encoding \"UTF8\": 0x{bad:02x}"),
        )
    })
}

pub(crate) fn malformed(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_BINARY_REPRESENTATION, message)
}

fn date_out(days: i32) -> i32 {
    match days {
        DATE_INFINITY | DATE_NEG_INFINITY => days,
        days => days.saturating_sub(EPOCH_DAYS),
    }
}

fn date_in(days: i32) -> Result<Value> {
    if matches!(days, DATE_INFINITY | DATE_NEG_INFINITY) {
        return Ok(Value::Date(days));
    }
    check_date(i64::from(days) + i64::from(EPOCH_DAYS)).map(Value::Date)
}

fn time_in(micros: i64) -> Result<i64> {
    if (0..=MICROS_PER_DAY).contains(&micros) {
        return Ok(micros);
    }
    Err(Error::new(
        SqlState::DATETIME_FIELD_OVERFLOW,
        "time out of range",
    ))
}

fn timestamp_out(micros: i64) -> i64 {
    match micros {
        TIMESTAMP_INFINITY | TIMESTAMP_NEG_INFINITY => micros,
        micros => micros.saturating_sub(EPOCH_MICROS),
    }
}

fn timestamp_in(micros: i64, precision: Option<u8>) -> Result<i64> {
    if matches!(micros, TIMESTAMP_INFINITY | TIMESTAMP_NEG_INFINITY) {
        return Ok(micros);
    }
    match micros.checked_add(EPOCH_MICROS) {
        Some(micros) => {
            let micros = check_timestamp(micros)?;
            precision.map_or(Ok(micros), |digits| round_timestamp(micros, digits))
        }
        None => Err(timestamp_out_of_range()),
    }
}

#[cfg(test)]
mod tests;
