//! `json_to_record`, `jsonb_to_recordset` and their kin: columns named and typed by the query.
//!
//! The binder passes, behind the JSON, the names of the columns as `text[]` and for each column the
//! value that it has where the JSON lacks it: a `NULL` of its type, or a field of the base of
//! `json_populate_record` and its kin.

use std::sync::Arc;

use helios_base::{ArrayValue, DataType, Error, Json, Result, SqlState, Value};

use super::{Rows, SetFunction, set_function};
use crate::cast;
use crate::func::json::invalid;
use crate::function::{Call, Function, function, mismatch};
use crate::text::json_text;
use crate::ty::Ty;

pub(super) static FUNCTIONS: &[SetFunction] = &[
    set_function("json_to_record", &[Ty::Json], &[], record).not_strict(),
    set_function("jsonb_to_record", &[Ty::Jsonb], &[], record).not_strict(),
    set_function("json_to_recordset", &[Ty::Json], &[], recordset).not_strict(),
    set_function("jsonb_to_recordset", &[Ty::Jsonb], &[], recordset).not_strict(),
    set_function(
        "json_populate_recordset",
        &[Ty::AnyElement, Ty::Json],
        &[("", Ty::AnyElement)],
        |args, call| populated(args, call, "json_populate_recordset"),
    )
    .not_strict(),
    set_function(
        "jsonb_populate_recordset",
        &[Ty::AnyElement, Ty::Jsonb],
        &[("", Ty::AnyElement)],
        |args, call| populated(args, call, "jsonb_populate_recordset"),
    )
    .not_strict(),
];

/// Composite values out of JSON objects.
pub(crate) static COMPOSITES: &[Function] = &[
    function(
        "json_populate_record",
        &[Ty::AnyElement, Ty::Json],
        Ty::AnyElement,
        |args, call| populate(args, call, "json_populate_record"),
    )
    .not_strict()
    .stable(),
    function(
        "jsonb_populate_record",
        &[Ty::AnyElement, Ty::Jsonb],
        Ty::AnyElement,
        |args, call| populate(args, call, "jsonb_populate_record"),
    )
    .not_strict()
    .stable(),
];

/// The base with the members of an object in the fields of their names.
fn populate(args: &[&Value], call: &Call<'_>, name: &str) -> Result<Value> {
    let [base, json] = args else {
        return Err(mismatch(args));
    };
    is_row(call.result_type(), name)?;
    if json.is_null() {
        return Ok((*base).clone());
    }
    let (json, text) = read(json)?;
    composite(
        &json,
        text,
        base,
        call.result_type(),
        "populate_composite",
        call,
    )
}

fn populated(args: &[&Value], call: &Call<'_>, name: &str) -> Result<Rows> {
    let [base, json] = args else {
        return Err(mismatch(args));
    };
    is_row(call.arg_type(0), name)?;
    if json.is_null() {
        return Ok(Box::new(std::iter::empty()));
    }
    let (json, text) = read(json)?;
    let Json::Array(elements) = &*json else {
        let what = match *json {
            _ if text.is_none() => "a non-array",
            Json::Object(_) => "an object",
            _ => "a scalar",
        };
        return Err(invalid(format!("cannot call {name} on {what}")));
    };
    let texts = text.and_then(json_text::elements).unwrap_or_default();
    let mut rows = Vec::with_capacity(elements.len());
    for (at, element) in elements.iter().enumerate() {
        if !matches!(element, Json::Object(_)) {
            return Err(invalid(format!(
                "argument of {name} must be an array of objects"
            )));
        }
        let text = texts.get(at).copied();
        let value = composite(element, text, base, call.arg_type(0), "", call)?;
        rows.push(Ok(vec![value]));
    }
    Ok(Box::new(rows.into_iter()))
}

/// Refuses a base that is no row.
fn is_row(ty: &DataType, name: &str) -> Result<()> {
    match ty {
        DataType::User(user) if user.is_composite() => Ok(()),
        _ => Err(Error::new(
            SqlState::DATATYPE_MISMATCH,
            format!("first argument of {name} must be a row type"),
        )),
    }
}

/// An object as a value of a composite type; what it lacks is as in `base`.
fn composite(
    json: &Json,
    text: Option<&str>,
    base: &Value,
    ty: &DataType,
    what: &str,
    call: &Call<'_>,
) -> Result<Value> {
    let DataType::User(user) = ty else {
        return Err(Error::internal("a row of no composite type"));
    };
    let Json::Object(members) = json else {
        let kind = match json {
            Json::Array(_) => "an array",
            _ => "a scalar",
        };
        return Err(invalid(format!("cannot call {what} on {kind}")));
    };
    let mut fields = Vec::with_capacity(user.fields().len());
    for (at, (name, ty)) in user.fields().iter().enumerate() {
        let Some(member) = members.get(name) else {
            fields.push(match base {
                Value::Record(base) => base.get(at).cloned().unwrap_or(Value::Null),
                _ => Value::Null,
            });
            continue;
        };
        let text = text.and_then(|text| json_text::member(text, name));
        fields.push(match (ty, text) {
            (DataType::Json, Some(text)) if text != "null" => Value::text(text),
            _ => value(member, ty, call)?,
        });
    }
    Ok(Value::Record(fields.into()))
}

/// An object, of which the text is kept where it may be wanted as `json`.
struct Object<'a> {
    json: &'a Json,
    text: Option<&'a str>,
}

fn parts<'a>(args: &[&'a Value]) -> Result<(&'a Value, Vec<&'a str>)> {
    let [json, Value::Array(names), ..] = args else {
        return Err(mismatch(args));
    };
    let names = names.elements.iter().map(|name| match name {
        Value::Text(name) => Ok(&**name),
        other => Err(mismatch(&[other])),
    });
    Ok((json, names.collect::<Result<_>>()?))
}

/// The arguments behind JSON and names: a value for each column.
fn bases<'a, 'v>(args: &'a [&'v Value]) -> &'a [&'v Value] {
    args.get(2..).unwrap_or_default()
}

/// The JSON, and its text if it is of type `json`.
fn read(value: &Value) -> Result<(Arc<Json>, Option<&str>)> {
    match value {
        Value::Jsonb(json) => Ok((Arc::clone(json), None)),
        Value::Text(text) => Ok((Arc::new(Json::parse(text)?), Some(text))),
        other => Err(mismatch(&[other])),
    }
}

fn record(args: &[&Value], call: &Call<'_>) -> Result<Rows> {
    let (json, names) = parts(args)?;
    if json.is_null() {
        let row = bases(args).iter().map(|base| (*base).clone()).collect();
        return Ok(Box::new(std::iter::once(Ok(row))));
    }
    let (json, text) = read(json)?;
    let object = Object { json: &json, text };
    if !matches!(*json, Json::Object(_)) {
        let what = match *json {
            Json::Array(_) => "an array",
            _ => "a scalar",
        };
        return Err(invalid(format!("cannot call json_to_record on {what}")));
    }
    let row = object.row(&names, bases(args), call)?;
    Ok(Box::new(std::iter::once(Ok(row))))
}

fn recordset(args: &[&Value], call: &Call<'_>) -> Result<Rows> {
    let (json, names) = parts(args)?;
    if json.is_null() {
        return Ok(Box::new(std::iter::empty()));
    }
    let (json, text) = read(json)?;
    let Json::Array(elements) = &*json else {
        let what = match *json {
            Json::Object(_) => "an object",
            _ => "a scalar",
        };
        return Err(invalid(format!("cannot call json_to_recordset on {what}")));
    };
    let texts = text.and_then(json_text::elements).unwrap_or_default();
    let mut rows = Vec::with_capacity(elements.len());
    for (at, element) in elements.iter().enumerate() {
        if !matches!(element, Json::Object(_)) {
            return Err(invalid(
                "argument of json_to_recordset must be an array of objects",
            ));
        }
        let object = Object {
            json: element,
            text: texts.get(at).copied(),
        };
        rows.push(Ok(object.row(&names, bases(args), call)?));
    }
    Ok(Box::new(rows.into_iter()))
}

impl Object<'_> {
    /// The members of these names; what is not there is as in `bases`.
    fn row(&self, names: &[&str], bases: &[&Value], call: &Call<'_>) -> Result<Vec<Value>> {
        let Json::Object(members) = self.json else {
            return Err(Error::internal("a row of no JSON object"));
        };
        let mut row = Vec::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            let ty = call.arg_type(at + 2);
            let Some(member) = members.get(name) else {
                row.push(bases.get(at).map_or(Value::Null, |base| (*base).clone()));
                continue;
            };
            let text = self.text.and_then(|text| json_text::member(text, name));
            row.push(match (ty, text) {
                (DataType::Json, Some(text)) if text != "null" => Value::text(text),
                _ => value(member, ty, call)?,
            });
        }
        Ok(row)
    }
}

/// JSON as a value of type `ty`.
fn value(json: &Json, ty: &DataType, call: &Call<'_>) -> Result<Value> {
    match (json, ty) {
        (Json::Null, _) => Ok(Value::Null),
        (_, DataType::Json) => Ok(Value::text(json.to_string())),
        (_, DataType::Jsonb) => Ok(Value::Jsonb(Arc::new(json.clone()))),
        (Json::Array(elements), DataType::Array(element)) => {
            let mut lengths = Vec::new();
            let mut values = Vec::new();
            gather(elements, element, call, 0, &mut lengths, &mut values)?;
            if values.is_empty() {
                lengths.clear();
            }
            let dims = lengths.into_iter().map(|length| (length, 1)).collect();
            Ok(Value::Array(Arc::new(ArrayValue {
                dims,
                elements: values,
            })))
        }
        (Json::Object(_), DataType::User(user)) if user.is_composite() => {
            composite(json, None, &Value::Null, ty, "populate_composite", call)
        }
        (Json::String(text), _) => input(text, ty, call),
        (other, DataType::Array(_)) => Err(Error::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            "expected JSON array",
        )
        .with_detail(format!("The value is {}.", other.type_name()))),
        (other, _) => input(&other.to_string(), ty, call),
    }
}

/// The elements of nested arrays, which must be as long as each other.
fn gather(
    elements: &[Json],
    ty: &DataType,
    call: &Call<'_>,
    depth: usize,
    lengths: &mut Vec<u32>,
    values: &mut Vec<Value>,
) -> Result<()> {
    let malformed = || {
        Error::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            "malformed JSON array",
        )
        .with_detail("Multidimensional arrays must have sub-arrays with matching dimensions.")
    };
    let length = u32::try_from(elements.len()).map_err(|_| malformed())?;
    match lengths.get(depth) {
        None => lengths.push(length),
        Some(known) if *known == length => {}
        Some(_) => return Err(malformed()),
    }
    for element in elements {
        match element {
            Json::Array(inner) if !matches!(ty, DataType::Json | DataType::Jsonb) => {
                gather(inner, ty, call, depth + 1, lengths, values)?;
            }
            _ if lengths.len() > depth + 1 => return Err(malformed()),
            other => values.push(value(other, ty, call)?),
        }
    }
    Ok(())
}

fn input(text: &str, ty: &DataType, call: &Call<'_>) -> Result<Value> {
    let text = Value::text(text);
    cast::cast(&text, &DataType::Unknown, ty, false, call.ctx)
}
