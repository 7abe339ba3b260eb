//! PostgreSQL's text forms of every type.

mod array;
mod bytea;
pub mod char_byte;
mod float;
mod record;
mod scalar;
mod string;

use std::fmt::Write;
use std::sync::Arc;

pub use float::{write_f32, write_f64};
pub(crate) use scalar::parse_oid;
pub use string::fit_length;

use crate::bits::BitString;
use crate::datetime::{self, TimeZone, round_micros, round_timestamp};
pub use crate::datetime::{DateOrder, DateStyle, IntervalStyle};
use crate::network::{self, Inet};
use crate::{
    DataType, Error, Json, JsonPath, Numeric, ObjectNames, Result, SqlState, UserKind, Value,
    VectorValue, json, range, reg,
};

/// The session settings that text input and output depend on.
#[derive(Clone, Debug)]
pub struct TextContext {
    /// `TimeZone`
    pub time_zone: TimeZone,
    /// `extra_float_digits`: above 0 floats show their shortest exact form.
    pub extra_float_digits: i32,
    /// `bytea_output`: `hex` or, if false, `escape`.
    pub bytea_hex: bool,
    /// `DateStyle`'s form of output.
    pub date_style: DateStyle,
    /// `DateStyle`'s order of ambiguous input fields.
    pub date_order: DateOrder,
    /// `IntervalStyle`
    pub interval_style: IntervalStyle,
    /// The start of the transaction, in microseconds since 1970-01-01 UTC: what `now`, `today` and
    /// their kin in date and time input mean.
    pub now: i64,
    /// Where `regclass` and its kin find names; without, they are numbers.
    pub names: Option<Arc<dyn ObjectNames + Send + Sync>>,
}

impl TextContext {
    fn names(&self) -> Option<&dyn ObjectNames> {
        self.names.as_deref().map(|names| names as &dyn ObjectNames)
    }
}

impl Default for TextContext {
    fn default() -> Self {
        Self {
            time_zone: TimeZone::utc(),
            extra_float_digits: 1,
            bytea_hex: true,
            date_style: DateStyle::Iso,
            date_order: DateOrder::Mdy,
            interval_style: IntervalStyle::Postgres,
            now: 0,
            names: None,
        }
    }
}

pub(crate) fn parse(text: &str, ty: &DataType, context: &TextContext) -> Result<Value> {
    if text.contains('\0') {
        return Err(Error::new(
            SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\": 0x00",
        ));
    }
    Ok(match ty {
        DataType::Bool => Value::Bool(scalar::parse_bool(text)?),
        DataType::Int2 => Value::Int2(scalar::parse_integer(text, "smallint")?),
        DataType::Int4 => Value::Int4(scalar::parse_integer(text, "integer")?),
        DataType::Int8 => Value::Int8(scalar::parse_integer(text, "bigint")?),
        DataType::Float4 => Value::Float4(float::parse(text, "real")?),
        DataType::Float8 => Value::Float8(float::parse(text, "double precision")?),
        DataType::Numeric(modifier) => {
            let number = Numeric::parse(text)?;
            Value::Numeric(match modifier {
                Some((precision, scale)) => number.apply_modifier(*precision, *scale)?,
                None => number,
            })
        }
        DataType::Text | DataType::Unknown => Value::text(text),
        DataType::Varchar(_) | DataType::Char(_) | DataType::Name => {
            Value::text(fit_length(text, ty, false)?)
        }
        DataType::Bytea => Value::Bytea(bytea::parse(text)?.into()),
        DataType::Date => Value::Date(datetime::parse_date(text, context)?),
        DataType::Time(precision) => {
            let time = datetime::parse_time(text, context)?;
            Value::Time(precision.map_or(time, |digits| round_micros(time, digits)))
        }
        DataType::TimeTz(precision) => {
            let mut time = datetime::parse_timetz(text, context)?;
            if let Some(digits) = precision {
                time.micros = round_micros(time.micros, *digits);
            }
            Value::TimeTz(time)
        }
        DataType::Timestamp(precision) => {
            let timestamp = datetime::parse_timestamp(text, context)?;
            Value::Timestamp(match precision {
                Some(digits) => round_timestamp(timestamp, *digits)?,
                None => timestamp,
            })
        }
        DataType::TimestampTz(precision) => {
            let instant = datetime::parse_timestamptz(text, context)?;
            Value::TimestampTz(match precision {
                Some(digits) => round_timestamp(instant, *digits)?,
                None => instant,
            })
        }
        DataType::Interval(modifier) => datetime::parse_interval_as(text, *modifier)?.into(),
        DataType::Bit(length) => {
            let bits = BitString::parse(text)?;
            Value::Bits(Arc::new(match length {
                Some(length) => bits.fit_fixed(*length, false)?,
                None => bits,
            }))
        }
        DataType::VarBit(limit) => {
            let bits = BitString::parse(text)?;
            Value::Bits(Arc::new(match limit {
                Some(limit) => bits.fit_varying(*limit, false)?,
                None => bits,
            }))
        }
        DataType::Inet => Value::Inet(Arc::new(Inet::parse(text, false)?)),
        DataType::Cidr => Value::Inet(Arc::new(Inet::parse(text, true)?)),
        DataType::MacAddr => Value::MacAddr(network::parse_mac(text)?),
        DataType::JsonPath => Value::text(JsonPath::parse(text)?.to_string()),
        DataType::Uuid => Value::Uuid(Box::new(scalar::parse_uuid(text)?)),
        DataType::Json => {
            json::validate(text)?;
            Value::text(text)
        }
        DataType::Jsonb => Json::parse(text)?.into(),
        DataType::Oid => Value::Oid(parse_oid(text)?),
        DataType::Array(element) => array::parse(text, element, context)?.into(),
        DataType::Xid => Value::Oid(parse_oid(text)?),
        DataType::Reg(kind) => Value::Oid(reg::parse(text, *kind, context.names())?),
        DataType::CharByte => Value::text(char_byte::text_of(char_byte::byte_of(text))),
        DataType::Int2Vector => array::parse_vector(text, &DataType::Int2, context)?.into(),
        DataType::OidVector => array::parse_vector(text, &DataType::Oid, context)?.into(),
        DataType::Range(kind) => Value::Range(range::parse(text, *kind, context)?.into()),
        DataType::Multirange(kind) => {
            Value::Multirange(range::parse_multi(text, *kind, context)?.into())
        }
        DataType::Vector(kind, dimensions) => {
            let vector = VectorValue::parse(text, *kind)?;
            vector.expect(*dimensions)?;
            vector.into()
        }
        DataType::User(user) => match &user.kind {
            UserKind::Enum(_) => user.label(text)?,
            UserKind::Domain(domain) => return parse(text, &domain.base, context),
            UserKind::Composite(fields) => record::parse(text, fields, context)?,
            UserKind::Unresolved => {
                return Err(Error::internal(format!(
                    "type {} was not looked up",
                    user.oid
                )));
            }
        },
        DataType::Record => {
            return Err(Error::unsupported(
                "input of anonymous composite types is not implemented",
            ));
        }
        DataType::Void => return Err(Error::unsupported("input of type void")),
    })
}

pub(crate) fn write(value: &Value, ty: &DataType, context: &TextContext, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = match value {
        Value::Null => Ok(()),
        Value::Bool(true) => out.write_char('t'),
        Value::Bool(false) => out.write_char('f'),
        Value::Int2(n) => write!(out, "{n}"),
        Value::Int4(n) => write!(out, "{n}"),
        Value::Int8(n) => write!(out, "{n}"),
        Value::Oid(n) => {
            if let DataType::Reg(kind) = ty {
                reg::write(*n, *kind, context.names(), out);
                return;
            }
            write!(out, "{n}")
        }
        Value::Enum(label) => out.write_str(&label.name),
        Value::Range(value) => {
            range::write(value, context, out);
            Ok(())
        }
        Value::Multirange(value) => {
            range::write_multi(value, context, out);
            Ok(())
        }
        Value::Float4(x) => {
            write_f32(*x, context.extra_float_digits, out);
            Ok(())
        }
        Value::Float8(x) => {
            write_f64(*x, context.extra_float_digits, out);
            Ok(())
        }
        Value::Numeric(number) => write!(out, "{number}"),
        Value::Text(text) => out.write_str(text),
        Value::Bytea(bytes) => {
            bytea::write(bytes, context.bytea_hex, out);
            Ok(())
        }
        Value::Date(date) => {
            datetime::write_date(*date, context.date_style, context.date_order, out);
            Ok(())
        }
        Value::Time(time) => {
            datetime::write_time(*time, out);
            Ok(())
        }
        Value::Timestamp(timestamp) => {
            datetime::write_timestamp(*timestamp, context.date_style, context.date_order, out);
            Ok(())
        }
        Value::TimestampTz(timestamp) => {
            datetime::write_timestamptz(
                *timestamp,
                &context.time_zone,
                context.date_style,
                context.date_order,
                out,
            );
            Ok(())
        }
        Value::TimeTz(time) => {
            time.write(out);
            Ok(())
        }
        Value::Bits(bits) => {
            bits.write(out);
            Ok(())
        }
        Value::Inet(inet) => {
            inet.write(matches!(*ty.base(), DataType::Cidr), out);
            Ok(())
        }
        Value::Vector(vector) => {
            vector.write(out);
            Ok(())
        }
        Value::MacAddr(address) => {
            network::write_mac(address, out);
            Ok(())
        }
        Value::Interval(interval) => {
            datetime::write_interval(interval, context.interval_style, out);
            Ok(())
        }
        Value::Uuid(uuid) => {
            scalar::write_uuid(uuid, out);
            Ok(())
        }
        Value::Jsonb(json) => write!(out, "{json}"),
        Value::Array(array) => {
            let element = match ty {
                DataType::Array(element) => element,
                DataType::Int2Vector | DataType::OidVector => {
                    return array::write_vector(array, out);
                }
                DataType::User(user) if user.as_domain().is_some() => {
                    return write(value, &ty.base(), context, out);
                }
                _ => ty,
            };
            array::write(array, element, context, out);
            Ok(())
        }
        Value::Record(fields) => {
            record::write(fields, ty, context, out);
            Ok(())
        }
    };
}

/// Blanks as C's `isspace` has them.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0B' | '\x0C' | '\r')
}

/// `invalid input syntax for type …: "…"`
pub(crate) fn invalid(ty: &str, text: &str) -> Error {
    Error::new(
        SqlState::INVALID_TEXT_REPRESENTATION,
        format!("invalid input syntax for type {ty}: \"{text}\""),
    )
}

/// `value "…" is out of range for type …`
pub(crate) fn out_of_range(ty: &str, text: &str) -> Error {
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("value \"{text}\" is out of range for type {ty}"),
    )
}
