//! `jsonb_array_elements`, `jsonb_each`, `jsonb_object_keys` and their kin.

use std::sync::Arc;

use helios_base::{Json, Result, Value};

use super::{Rows, SetFunction, set_function};
use crate::func::json::{invalid, path};
use crate::function::{Call, mismatch};
use crate::text::json_text;
use crate::ty::Ty::{self, Text};

const J: Ty = Ty::Json;
const B: Ty = Ty::Jsonb;

pub(super) static FUNCTIONS: &[SetFunction] = &[
    set_function("jsonb_array_elements", &[B], &[("value", B)], |args, _| {
        elements(args, false)
    }),
    set_function(
        "jsonb_array_elements_text",
        &[B],
        &[("value", Text)],
        |args, _| elements(args, true),
    ),
    set_function("json_array_elements", &[J], &[("value", J)], |args, _| {
        json_elements(args, false, "json_array_elements")
    }),
    set_function(
        "json_array_elements_text",
        &[J],
        &[("value", Text)],
        |args, _| json_elements(args, true, "json_array_elements_text"),
    ),
    set_function(
        "jsonb_each",
        &[B],
        &[("key", Text), ("value", B)],
        |args, _| each(args, false, "jsonb_each"),
    ),
    set_function(
        "jsonb_each_text",
        &[B],
        &[("key", Text), ("value", Text)],
        |args, _| each(args, true, "jsonb_each_text"),
    ),
    set_function(
        "json_each",
        &[J],
        &[("key", Text), ("value", J)],
        |args, _| json_each(args, false),
    ),
    set_function(
        "json_each_text",
        &[J],
        &[("key", Text), ("value", Text)],
        |args, _| json_each(args, true),
    ),
    set_function(
        "jsonb_path_query",
        &[B, Ty::JsonPath],
        &[("", B)],
        |args, call| paths(args, call, false),
    ),
    set_function(
        "jsonb_path_query",
        &[B, Ty::JsonPath, B],
        &[("", B)],
        |args, call| paths(args, call, false),
    ),
    set_function(
        "jsonb_path_query",
        &[B, Ty::JsonPath, B, Ty::Bool],
        &[("", B)],
        |args, call| paths(args, call, false),
    ),
    set_function(
        "jsonb_path_query_tz",
        &[B, Ty::JsonPath],
        &[("", B)],
        |args, call| paths(args, call, true),
    )
    .stable(),
    set_function(
        "jsonb_path_query_tz",
        &[B, Ty::JsonPath, B],
        &[("", B)],
        |args, call| paths(args, call, true),
    )
    .stable(),
    set_function(
        "jsonb_path_query_tz",
        &[B, Ty::JsonPath, B, Ty::Bool],
        &[("", B)],
        |args, call| paths(args, call, true),
    )
    .stable(),
    set_function("jsonb_object_keys", &[B], &[("", Text)], keys),
    set_function("json_object_keys", &[J], &[("", Text)], json_keys),
];

fn rows(rows: Vec<Vec<Value>>) -> Rows {
    Box::new(rows.into_iter().map(Ok))
}

fn shown(json: &Json, text: bool) -> Value {
    match json {
        json if !text => Value::Jsonb(Arc::new(json.clone())),
        Json::Null => Value::Null,
        Json::String(string) => Value::text(&**string),
        other => Value::text(other.to_string()),
    }
}

/// The same for a piece of valid `json` text.
fn json_shown(json: &str, text: bool) -> Result<Value> {
    match json {
        json if !text => Ok(Value::text(json)),
        "null" => Ok(Value::Null),
        string if string.starts_with('"') => unquoted(string),
        other => Ok(Value::text(other)),
    }
}

fn unquoted(string: &str) -> Result<Value> {
    match Json::parse(string)? {
        Json::String(string) => Ok(Value::text(&*string)),
        other => Ok(Value::text(other.to_string())),
    }
}

fn elements(args: &[&Value], text: bool) -> Result<Rows> {
    let [Value::Jsonb(json)] = args else {
        return Err(mismatch(args));
    };
    match &**json {
        Json::Array(elements) => Ok(rows(
            elements
                .iter()
                .map(|element| vec![shown(element, text)])
                .collect(),
        )),
        Json::Object(_) => Err(invalid("cannot extract elements from an object")),
        _ => Err(invalid("cannot extract elements from a scalar")),
    }
}

fn json_elements(args: &[&Value], text: bool, name: &str) -> Result<Rows> {
    let [Value::Text(json)] = args else {
        return Err(mismatch(args));
    };
    let Some(elements) = json_text::elements(json) else {
        return Err(invalid(if json.trim_ascii_start().starts_with('{') {
            format!("cannot call {name} on a non-array")
        } else {
            format!("cannot call {name} on a scalar")
        }));
    };
    let found = elements
        .into_iter()
        .map(|element| Ok(vec![json_shown(element, text)?]))
        .collect::<Result<_>>()?;
    Ok(rows(found))
}

fn each(args: &[&Value], text: bool, name: &str) -> Result<Rows> {
    let [Value::Jsonb(json)] = args else {
        return Err(mismatch(args));
    };
    let Json::Object(object) = &**json else {
        return Err(invalid(format!("cannot call {name} on a non-object")));
    };
    Ok(rows(
        object
            .members()
            .iter()
            .map(|(key, value)| vec![Value::text(&**key), shown(value, text)])
            .collect(),
    ))
}

/// The quoted names and the texts of the members of an object.
fn members<'a>(args: &[&'a Value]) -> Result<Option<Vec<(&'a str, &'a str)>>> {
    let [Value::Text(json)] = args else {
        return Err(mismatch(args));
    };
    if !json.trim_ascii_start().starts_with('{') {
        return Ok(None);
    }
    let mut found = Vec::new();
    json_text::members(json, |name, value| found.push((name, value)));
    Ok(Some(found))
}

fn is_array(args: &[&Value]) -> bool {
    matches!(args, [Value::Text(json)] if json.trim_ascii_start().starts_with('['))
}

fn json_each(args: &[&Value], text: bool) -> Result<Rows> {
    let Some(members) = members(args)? else {
        return Err(invalid(if is_array(args) {
            "cannot deconstruct an array as an object"
        } else {
            "cannot deconstruct a scalar"
        }));
    };
    let found = members
        .into_iter()
        .map(|(name, value)| Ok(vec![unquoted(name)?, json_shown(value, text)?]))
        .collect::<Result<_>>()?;
    Ok(rows(found))
}

fn paths(args: &[&Value], call: &Call<'_>, zoned: bool) -> Result<Rows> {
    let found = path::query(args, call, zoned)?;
    Ok(Box::new(
        found.into_iter().map(|json| Ok(vec![Value::from(json)])),
    ))
}

fn keys(args: &[&Value], _: &Call<'_>) -> Result<Rows> {
    let [Value::Jsonb(json)] = args else {
        return Err(mismatch(args));
    };
    match &**json {
        Json::Object(object) => Ok(rows(
            object
                .members()
                .iter()
                .map(|(key, _)| vec![Value::text(&**key)])
                .collect(),
        )),
        Json::Array(_) => Err(invalid("cannot call jsonb_object_keys on an array")),
        _ => Err(invalid("cannot call jsonb_object_keys on a scalar")),
    }
}

fn json_keys(args: &[&Value], _: &Call<'_>) -> Result<Rows> {
    let Some(members) = members(args)? else {
        return Err(invalid(if is_array(args) {
            "cannot call json_object_keys on an array"
        } else {
            "cannot call json_object_keys on a scalar"
        }));
    };
    let found = members
        .into_iter()
        .map(|(name, _)| Ok(vec![unquoted(name)?]))
        .collect::<Result<_>>()?;
    Ok(rows(found))
}
