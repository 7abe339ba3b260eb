//! What a JSON document is, and how it looks.

use helios_base::json::{JsonObject, push_escaped};
use helios_base::{Json, Result, Value};

use super::invalid;
use crate::function::{Function, function, mismatch};
use crate::text::json_text;
use crate::ty::Ty::{self, Int4, Text};

const J: Ty = Ty::Json;
const B: Ty = Ty::Jsonb;

pub(super) static FUNCTIONS: &[Function] = &[
    function("jsonb_typeof", &[B], Text, |args, _| match args {
        [Value::Jsonb(json)] => Ok(Value::text(json.type_name())),
        args => Err(mismatch(args)),
    }),
    function("json_typeof", &[J], Text, |args, _| match args {
        [Value::Text(text)] => Ok(Value::text(type_of(text))),
        args => Err(mismatch(args)),
    }),
    function("jsonb_array_length", &[B], Int4, |args, _| match args {
        [Value::Jsonb(json)] => match &**json {
            Json::Array(elements) => length(elements.len()),
            Json::Object(_) => Err(invalid("cannot get array length of a non-array")),
            _ => Err(invalid("cannot get array length of a scalar")),
        },
        args => Err(mismatch(args)),
    }),
    function("json_array_length", &[J], Int4, |args, _| match args {
        [Value::Text(text)] => match json_text::elements(text) {
            Some(elements) => length(elements.len()),
            None if type_of(text) == "object" => {
                Err(invalid("cannot get array length of a non-array"))
            }
            None => Err(invalid("cannot get array length of a scalar")),
        },
        args => Err(mismatch(args)),
    }),
    function("jsonb_strip_nulls", &[B], B, |args, _| match args {
        [Value::Jsonb(json)] => Ok(without_nulls(json).into()),
        args => Err(mismatch(args)),
    }),
    function("json_strip_nulls", &[J], J, |args, _| match args {
        [Value::Text(text)] => {
            let mut out = String::new();
            push_without_nulls(text.trim_ascii(), &mut out)?;
            Ok(Value::text(out))
        }
        args => Err(mismatch(args)),
    }),
    function("jsonb_pretty", &[B], Text, |args, _| match args {
        [Value::Jsonb(json)] => Ok(Value::text(json.pretty())),
        args => Err(mismatch(args)),
    }),
];

fn length(length: usize) -> Result<Value> {
    Ok(Value::Int4(i32::try_from(length).unwrap_or(i32::MAX)))
}

/// The type of a valid document by its first character.
fn type_of(text: &str) -> &'static str {
    match text.trim_ascii_start().bytes().next() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }
}

/// The document without the members that are null; nulls in arrays stay.
fn without_nulls(json: &Json) -> Json {
    match json {
        Json::Array(elements) => Json::Array(elements.iter().map(without_nulls).collect()),
        Json::Object(object) => {
            let members = object
                .members()
                .iter()
                .filter(|(_, value)| !matches!(value, Json::Null))
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect();
            Json::Object(JsonObject::new(members))
        }
        other => other.clone(),
    }
}

fn push_without_nulls(text: &str, out: &mut String) -> Result<()> {
    if let Some(elements) = json_text::elements(text) {
        out.push('[');
        for (i, element) in elements.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            push_without_nulls(element, out)?;
        }
        out.push(']');
    } else if text.starts_with('{') {
        let mut members = Vec::new();
        json_text::members(text, |name, value| members.push((name, value)));
        out.push('{');
        let kept = members.into_iter().filter(|(_, value)| *value != "null");
        for (i, (name, value)) in kept.enumerate() {
            if i > 0 {
                out.push(',');
            }
            push_string(name, out)?;
            out.push(':');
            push_without_nulls(value, out)?;
        }
        out.push('}');
    } else if text.starts_with('"') {
        push_string(text, out)?;
    } else {
        out.push_str(text);
    }
    Ok(())
}

/// Appends a string with the escapes that it needs and no others.
fn push_string(quoted: &str, out: &mut String) -> Result<()> {
    match Json::parse(quoted)? {
        Json::String(text) => push_escaped(&text, out),
        _ => out.push_str(quoted),
    }
    Ok(())
}
