//! Making JSON from SQL values.

use helios_base::json::{JsonObject, push_escaped};
use helios_base::{ArrayValue, DataType, Error, Json, Result, SqlState, Value};

use super::invalid;
use crate::function::{Call, Function, function, mismatch};
use crate::text::to_json;
use crate::ty::Ty::{self, Any, AnyArray, AnyElement, Array, Bool, Record, Text};

const J: Ty = Ty::Json;
const B: Ty = Ty::Jsonb;
const TEXTS: Ty = Array(&Text);

pub(super) static FUNCTIONS: &[Function] = &[
    function("to_json", &[AnyElement], J, to_json).stable(),
    function("to_jsonb", &[AnyElement], B, to_jsonb).stable(),
    function("row_to_json", &[Record], J, to_json).stable(),
    function("row_to_json", &[Record, Bool], J, lines).stable(),
    function("array_to_json", &[AnyArray], J, to_json).stable(),
    function("array_to_json", &[AnyArray, Bool], J, lines).stable(),
    function("json_build_array", &[], J, |_, _| Ok(Value::text("[]"))),
    function("json_build_array", &[Any], J, json_array)
        .variadic()
        .not_strict()
        .stable(),
    function("json_build_object", &[], J, |_, _| Ok(Value::text("{}"))),
    function("json_build_object", &[Any], J, json_object)
        .variadic()
        .not_strict()
        .stable(),
    function("jsonb_build_array", &[], B, |_, _| {
        Ok(Json::Array(Vec::new()).into())
    }),
    function("jsonb_build_array", &[Any], B, jsonb_array)
        .variadic()
        .not_strict()
        .stable(),
    function("jsonb_build_object", &[], B, |_, _| {
        Ok(Json::Object(JsonObject::default()).into())
    }),
    function("jsonb_build_object", &[Any], B, jsonb_object)
        .variadic()
        .not_strict()
        .stable(),
    function("json_object", &[TEXTS], J, |args, _| {
        pairs(args).map(json_of_pairs)
    }),
    function("json_object", &[TEXTS, TEXTS], J, |args, _| {
        pairs(args).map(json_of_pairs)
    }),
    function("jsonb_object", &[TEXTS], B, |args, _| {
        pairs(args).map(jsonb_of_pairs)
    }),
    function("jsonb_object", &[TEXTS, TEXTS], B, |args, _| {
        pairs(args).map(jsonb_of_pairs)
    }),
];

/// A row whose columns have names, as JSON: names and values in turn. `NULL` if all values are, for
/// that is how an outer join fills up.
///
/// Not in the catalogue: only the binder knows the names.
pub static ROW_AS_JSON: Function = function("row_to_json", &[Any], J, row_as_json)
    .variadic()
    .not_strict()
    .stable();

fn row_as_json(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    if args
        .chunks_exact(2)
        .all(|pair| matches!(pair, [_, Value::Null]))
    {
        return Ok(Value::Null);
    }
    let mut out = String::from("{");
    for (i, pair) in args.chunks_exact(2).enumerate() {
        let [name, value] = pair else { continue };
        if i > 0 {
            out.push(',');
        }
        push_escaped(&key(name, i * 2, call)?, &mut out);
        out.push(':');
        to_json::push(value, call.arg_type(i * 2 + 1), call.ctx.text, &mut out)?;
    }
    out.push('}');
    Ok(Value::text(out))
}

fn to_json(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let [value] = args else {
        return Err(mismatch(args));
    };
    let mut out = String::new();
    to_json::push(value, call.arg_type(0), call.ctx.text, &mut out)?;
    Ok(Value::text(out))
}

fn to_jsonb(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    match args {
        [value] => to_json::to_jsonb(value, call.arg_type(0), call.ctx.text).map(Value::from),
        args => Err(mismatch(args)),
    }
}

/// The same, the outermost elements on lines of their own if asked for.
fn lines(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let [value, Value::Bool(pretty)] = args else {
        return Err(mismatch(args));
    };
    if !pretty {
        return to_json(&[value], call);
    }
    let context = call.ctx.text;
    let mut out = String::new();
    match (value, call.arg_type(0)) {
        (Value::Array(array), DataType::Array(element)) => {
            out.push('[');
            let row: usize = array
                .dims
                .iter()
                .skip(1)
                .map(|dim| dim.0 as usize)
                .product();
            for (i, elements) in array.elements.chunks(row.max(1)).enumerate() {
                if i > 0 {
                    out.push_str(",\n ");
                }
                match elements {
                    [only] if array.dims.len() == 1 => {
                        to_json::push(only, element, context, &mut out)?;
                    }
                    _ => {
                        let inner = ArrayValue {
                            dims: array.dims.iter().skip(1).copied().collect(),
                            elements: elements.to_vec(),
                        };
                        to_json::push(&inner.into(), call.arg_type(0), context, &mut out)?;
                    }
                }
            }
            out.push(']');
        }
        (Value::Record(fields), _) => {
            out.push('{');
            for (i, field) in fields.iter().enumerate() {
                if i > 0 {
                    out.push_str(",\n ");
                }
                push_escaped(&format!("f{}", i + 1), &mut out);
                out.push(':');
                to_json::push(field, &field.natural_type(), context, &mut out)?;
            }
            out.push('}');
        }
        _ => return Err(mismatch(args)),
    }
    Ok(Value::text(out))
}

fn json_array(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let mut out = String::from("[");
    for (i, value) in args.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        to_json::push(value, call.arg_type(i), call.ctx.text, &mut out)?;
    }
    out.push(']');
    Ok(Value::text(out))
}

fn jsonb_array(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let elements = args
        .iter()
        .enumerate()
        .map(|(i, value)| to_json::to_jsonb(value, call.arg_type(i), call.ctx.text))
        .collect::<Result<_>>()?;
    Ok(Json::Array(elements).into())
}

fn check_even(args: &[&Value], name: &str) -> Result<()> {
    if args.len().is_multiple_of(2) {
        return Ok(());
    }
    Err(
        invalid("argument list must have even number of elements").with_hint(format!(
            "The arguments of {name}() must consist of alternating keys and values."
        )),
    )
}

/// The text of the key at `index` of the arguments.
fn key(value: &Value, index: usize, call: &Call<'_>) -> Result<String> {
    to_json::key(value, call.arg_type(index), call.ctx.text)
}

fn json_object(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    check_even(args, "json_build_object")?;
    let mut out = String::from("{");
    for (i, pair) in args.chunks_exact(2).enumerate() {
        let [name, value] = pair else { continue };
        if i > 0 {
            out.push_str(", ");
        }
        if name.is_null() {
            return Err(invalid(format!("argument {} cannot be null", i * 2 + 1))
                .with_hint("Object keys should be text."));
        }
        push_escaped(&key(name, i * 2, call)?, &mut out);
        out.push_str(" : ");
        to_json::push(value, call.arg_type(i * 2 + 1), call.ctx.text, &mut out)?;
    }
    out.push('}');
    Ok(Value::text(out))
}

fn jsonb_object(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    check_even(args, "jsonb_build_object")?;
    let mut members = Vec::with_capacity(args.len() / 2);
    for (i, pair) in args.chunks_exact(2).enumerate() {
        let [name, value] = pair else { continue };
        if name.is_null() {
            return Err(invalid(format!(
                "argument {}: key must not be null",
                i * 2 + 1
            )));
        }
        let name = key(name, i * 2, call)?.into();
        let value = to_json::to_jsonb(value, call.arg_type(i * 2 + 1), call.ctx.text)?;
        members.push((name, value));
    }
    Ok(Json::Object(JsonObject::new(members)).into())
}

/// Keys and values out of one array of both or two arrays.
fn pairs(args: &[&Value]) -> Result<Vec<(String, Option<String>)>> {
    let wrong = |message: &str| Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message);
    let texts = |array: &ArrayValue| -> Vec<Option<String>> {
        array
            .elements
            .iter()
            .map(|value| match value {
                Value::Text(text) => Some(text.to_string()),
                _ => None,
            })
            .collect()
    };
    let (keys, values) = match args {
        [Value::Array(both)] => {
            match both.dims.as_slice() {
                [] => {}
                [(length, _)] if length.is_multiple_of(2) => {}
                [_] => return Err(wrong("array must have even number of elements")),
                [_, (2, _)] => {}
                [_, _] => return Err(wrong("array must have two columns")),
                _ => return Err(wrong("wrong number of array subscripts")),
            }
            let all = texts(both);
            (
                all.iter().step_by(2).cloned().collect::<Vec<_>>(),
                all.into_iter().skip(1).step_by(2).collect::<Vec<_>>(),
            )
        }
        [Value::Array(keys), Value::Array(values)] => {
            if keys.dims.len() > 1 || values.dims.len() > 1 {
                return Err(wrong("wrong number of array subscripts"));
            }
            if keys.elements.len() != values.elements.len() {
                return Err(wrong("mismatched array dimensions"));
            }
            (texts(keys), texts(values))
        }
        args => return Err(mismatch(args)),
    };
    keys.into_iter()
        .zip(values)
        .map(|(key, value)| {
            let key = key.ok_or_else(|| {
                Error::new(
                    SqlState::NULL_VALUE_NOT_ALLOWED,
                    "null value not allowed for object key",
                )
            })?;
            Ok((key, value))
        })
        .collect()
}

fn json_of_pairs(pairs: Vec<(String, Option<String>)>) -> Value {
    let mut out = String::from("{");
    for (i, (key, value)) in pairs.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        push_escaped(key, &mut out);
        out.push_str(" : ");
        match value {
            Some(value) => push_escaped(value, &mut out),
            None => out.push_str("null"),
        }
    }
    out.push('}');
    Value::text(out)
}

fn jsonb_of_pairs(pairs: Vec<(String, Option<String>)>) -> Value {
    let members = pairs
        .into_iter()
        .map(|(key, value)| {
            let value = value.map_or(Json::Null, |value| Json::String(value.into()));
            (key.into(), value)
        })
        .collect();
    Json::Object(JsonObject::new(members)).into()
}
