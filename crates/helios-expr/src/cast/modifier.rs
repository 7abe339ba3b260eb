//! Length and precision modifiers: `varchar(n)`, `char(n)`, `numeric(p,s)`, `timestamp(p)`, `bit(n)`.

use helios_base::datetime::{round_micros, round_timestamp};
use helios_base::{ArrayValue, DataType, Error, Result, SqlState, TimeTz, Value};

/// Whether values of this type are checked against a modifier.
#[must_use]
pub fn has_modifier(ty: &DataType) -> bool {
    match ty {
        DataType::Numeric(modifier) => modifier.is_some(),
        DataType::Varchar(limit)
        | DataType::Char(limit)
        | DataType::Bit(limit)
        | DataType::VarBit(limit)
        | DataType::Vector(_, limit) => limit.is_some(),
        DataType::Time(precision)
        | DataType::TimeTz(precision)
        | DataType::Timestamp(precision)
        | DataType::TimestampTz(precision) => precision.is_some(),
        DataType::Interval(modifier) => modifier.is_some(),
        DataType::Array(element) => has_modifier(element),
        _ => false,
    }
}

/// Makes a value of type `from` fit the modifier of `to`, the same type otherwise.
///
/// # Errors
/// `22001` too long (an explicit cast cuts instead, and blanks never count), `22003` too large.
pub fn modifier(value: &Value, from: &DataType, to: &DataType, explicit: bool) -> Result<Value> {
    match (value, to) {
        (Value::Text(text), DataType::Varchar(Some(limit))) => {
            match fit(text, *limit as usize, explicit) {
                Some(kept) if kept.len() == text.len() => Ok(value.clone()),
                Some(kept) => Ok(Value::text(kept)),
                None => Err(too_long("character varying", *limit)),
            }
        }
        (Value::Text(text), DataType::Char(Some(limit))) => {
            let width = *limit as usize;
            let Some(kept) = fit(text, width, explicit) else {
                return Err(too_long("character", *limit));
            };
            let length = kept.chars().count();
            if length == width {
                return Ok(if kept.len() == text.len() {
                    value.clone()
                } else {
                    Value::text(kept)
                });
            }
            let mut padded = String::with_capacity(kept.len() + width - length);
            padded.push_str(kept);
            padded.extend(std::iter::repeat_n(' ', width - length));
            Ok(Value::text(padded))
        }
        (Value::Numeric(number), DataType::Numeric(Some((precision, scale)))) => {
            if from == to {
                return Ok(value.clone());
            }
            number
                .apply_modifier(*precision, *scale)
                .map(Value::Numeric)
        }
        (Value::Bits(bits), DataType::Bit(Some(length))) => {
            Ok(Value::from(bits.fit_fixed(*length, explicit)?))
        }
        (Value::Bits(bits), DataType::VarBit(Some(limit))) => {
            Ok(Value::from(bits.fit_varying(*limit, explicit)?))
        }
        (Value::Vector(vector), DataType::Vector(_, dimensions)) => {
            vector.expect(*dimensions)?;
            Ok(value.clone())
        }
        (Value::Array(array), DataType::Array(to)) => {
            let from = match from {
                DataType::Array(element) => element,
                other => other,
            };
            let fitted = array.elements.iter();
            let fitted = fitted.map(|element| modifier(element, from, to, explicit));
            Ok(Value::from(ArrayValue {
                dims: array.dims.clone(),
                elements: fitted.collect::<Result<_>>()?,
            }))
        }
        _ => moment(value, to),
    }
}

/// Rounds a time to the digits of its type.
fn moment(value: &Value, to: &DataType) -> Result<Value> {
    Ok(match (value, to) {
        (Value::Time(time), DataType::Time(Some(digits))) => {
            Value::Time(round_micros(*time, *digits))
        }
        (Value::TimeTz(time), DataType::TimeTz(Some(digits))) => Value::TimeTz(TimeTz {
            micros: round_micros(time.micros, *digits),
            offset: time.offset,
        }),
        (Value::Timestamp(timestamp), DataType::Timestamp(Some(digits))) => {
            Value::Timestamp(round_timestamp(*timestamp, *digits)?)
        }
        (Value::TimestampTz(instant), DataType::TimestampTz(Some(digits))) => {
            Value::TimestampTz(round_timestamp(*instant, *digits)?)
        }
        (Value::Interval(interval), DataType::Interval(Some(modifier))) => {
            modifier.apply(interval).into()
        }
        _ => value.clone(),
    })
}

/// The part of `text` that fits `limit` characters; `None` if more than blanks would be lost and
/// that was not asked for.
fn fit(text: &str, limit: usize, explicit: bool) -> Option<&str> {
    if text.len() <= limit {
        return Some(text);
    }
    let Some((cut, _)) = text.char_indices().nth(limit) else {
        return Some(text);
    };
    let (kept, rest) = text.split_at(cut);
    (explicit || rest.bytes().all(|b| b == b' ')).then_some(kept)
}

#[cold]
fn too_long(ty: &str, limit: u32) -> Error {
    Error::new(
        SqlState::STRING_DATA_RIGHT_TRUNCATION,
        format!("value too long for type {ty}({limit})"),
    )
}
