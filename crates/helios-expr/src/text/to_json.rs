//! Any value as JSON: what `to_json` and `to_jsonb` do.

use std::fmt::Write;

use helios_base::datetime;
use helios_base::json::{JsonObject, push_escaped};
use helios_base::text::{DateOrder, DateStyle};
use helios_base::{
    ArrayValue, DataType, Error, Json, Numeric, Result, SqlState, TextContext, Value,
};

/// Appends a value of type `ty` as `json` text.
///
/// # Errors
/// None for valid values.
pub fn push(value: &Value, ty: &DataType, context: &TextContext, out: &mut String) -> Result<()> {
    match (value, ty) {
        (Value::Null, _) => out.push_str("null"),
        (Value::Bool(b), _) => out.push_str(if *b { "true" } else { "false" }),
        (
            Value::Int2(_)
            | Value::Int4(_)
            | Value::Int8(_)
            | Value::Float4(_)
            | Value::Float8(_)
            | Value::Numeric(_),
            _,
        ) => {
            let text = value.to_text(ty, context);
            // `NaN` and the infinities are no JSON numbers.
            if text.ends_with(|c: char| c.is_ascii_digit()) {
                out.push_str(&text);
            } else {
                push_escaped(&text, out);
            }
        }
        (Value::Text(text), DataType::Json) => out.push_str(text),
        (Value::Jsonb(json), _) => {
            let done = write!(out, "{json}");
            debug_assert!(done.is_ok());
        }
        (Value::Array(array), DataType::Array(element)) => {
            push_array(array, element, context, out)?;
        }
        (Value::Record(fields), DataType::User(user)) if user.is_composite() => {
            out.push('{');
            for (i, (field, (name, ty))) in fields.iter().zip(user.fields()).enumerate() {
                if i > 0 {
                    out.push(',');
                }
                push_escaped(name, out);
                out.push(':');
                push(field, ty, context, out)?;
            }
            out.push('}');
        }
        (Value::Record(fields), _) => {
            out.push('{');
            for (i, field) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                let done = write!(out, "\"f{}\":", i + 1);
                debug_assert!(done.is_ok());
                push(field, &field.natural_type(), context, out)?;
            }
            out.push('}');
        }
        (value, ty) => push_escaped(&shown(value, ty, context), out),
    }
    Ok(())
}

/// The text of a value that becomes the key of an object.
///
/// # Errors
/// 22023 it is no scalar.
pub(crate) fn key(value: &Value, ty: &DataType, context: &TextContext) -> Result<String> {
    match value {
        Value::Array(_) | Value::Record(_) | Value::Jsonb(_) => Err(no_scalar()),
        _ if *ty == DataType::Json => Err(no_scalar()),
        Value::Bool(b) => Ok(b.to_string()),
        _ => Ok(shown(value, ty, context)),
    }
}

fn no_scalar() -> Error {
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        "key value must be scalar, not array, composite, or json",
    )
}

/// The text of a value that becomes a JSON string; moments in ISO 8601 whatever `DateStyle` says.
pub(crate) fn shown(value: &Value, ty: &DataType, context: &TextContext) -> String {
    let mut out = String::new();
    let (style, order) = (DateStyle::Iso, DateOrder::Mdy);
    match value {
        Value::Date(date) => datetime::write_date(*date, style, order, &mut out),
        Value::Timestamp(timestamp) => {
            datetime::write_timestamp(*timestamp, style, order, &mut out);
            out = out.replacen(' ', "T", 1);
        }
        Value::TimestampTz(instant) => {
            let zone = &context.time_zone;
            datetime::write_timestamptz(*instant, zone, style, order, &mut out);
            out = out.replacen(' ', "T", 1);
            // The offset always has minutes.
            if let Some(sign) = out.rfind(['+', '-'])
                && out.contains('T')
                && out.len() - sign == 3
            {
                out.push_str(":00");
            }
        }
        other => return other.to_text(ty, context),
    }
    out
}

fn push_array(
    array: &ArrayValue,
    element: &DataType,
    context: &TextContext,
    out: &mut String,
) -> Result<()> {
    if array.is_empty() {
        out.push_str("[]");
        return Ok(());
    }
    // Row-major order: a bracket opens where all inner dimensions start anew.
    let lengths: Vec<usize> = array.dims.iter().map(|dim| dim.0 as usize).collect();
    let strides: Vec<usize> = (0..lengths.len())
        .map(|i| lengths.iter().skip(i).product())
        .collect();
    for (position, value) in array.elements.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        for &stride in &strides {
            if position % stride == 0 {
                out.push('[');
            }
        }
        push(value, element, context, out)?;
        for &stride in &strides {
            if (position + 1) % stride == 0 {
                out.push(']');
            }
        }
    }
    Ok(())
}

/// A value of type `ty` as `jsonb`.
///
/// # Errors
/// `22P02` if a `json` value does not parse.
pub(crate) fn to_jsonb(value: &Value, ty: &DataType, context: &TextContext) -> Result<Json> {
    Ok(match (value, ty) {
        (Value::Null, _) => Json::Null,
        (Value::Bool(b), _) => Json::Bool(*b),
        (Value::Int2(n), _) => Json::Number(Numeric::new(i64::from(*n), 0)),
        (Value::Int4(n), _) => Json::Number(Numeric::new(i64::from(*n), 0)),
        (Value::Int8(n), _) => Json::Number(Numeric::new(*n, 0)),
        (Value::Numeric(n), _) if n.is_finite() => Json::Number(n.clone()),
        (Value::Float4(_) | Value::Float8(_), _) => {
            let text = value.to_text(ty, context);
            match text.parse::<Numeric>() {
                Ok(n) if n.is_finite() => Json::Number(n),
                _ => Json::String(text.into()),
            }
        }
        (Value::Text(text), DataType::Json) => Json::parse(text)?,
        (Value::Jsonb(json), _) => (**json).clone(),
        (Value::Array(array), DataType::Array(element)) => {
            let elements = array
                .elements
                .iter()
                .map(|value| to_jsonb(value, element, context))
                .collect::<Result<_>>()?;
            nest(array, elements)
        }
        (Value::Record(fields), DataType::User(user)) if user.is_composite() => {
            let members = fields
                .iter()
                .zip(user.fields())
                .map(|(field, (name, ty))| {
                    Ok((name.as_ref().into(), to_jsonb(field, ty, context)?))
                })
                .collect::<Result<_>>()?;
            Json::Object(JsonObject::new(members))
        }
        (Value::Record(fields), _) => {
            let members = fields
                .iter()
                .enumerate()
                .map(|(i, field)| {
                    let name = format!("f{}", i + 1).into_boxed_str();
                    Ok((name, to_jsonb(field, &field.natural_type(), context)?))
                })
                .collect::<Result<_>>()?;
            Json::Object(JsonObject::new(members))
        }
        (value, ty) => Json::String(shown(value, ty, context).into()),
    })
}

/// Elements in row-major order as nested JSON arrays.
fn nest(array: &ArrayValue, mut elements: Vec<Json>) -> Json {
    for &(length, _) in array.dims.iter().skip(1).rev() {
        let mut rows = Vec::new();
        let mut rest = elements.into_iter();
        loop {
            let row: Vec<Json> = rest.by_ref().take(length as usize).collect();
            if row.is_empty() {
                break;
            }
            rows.push(Json::Array(row));
        }
        elements = rows;
    }
    Json::Array(elements)
}
