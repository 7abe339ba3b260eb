//! Operators on `json` and `jsonb`.

use std::sync::Arc;

use helios_base::{ArrayValue, Error, Json, Result, SqlState, Value};

use crate::eval::element_at;
use crate::function::{Call, Function, function, infix, mismatch};
use crate::text::json_text;
use crate::ty::Ty::{self, Array, Bool, Int4, Json as J, Jsonb as B, Text};

const PATH: Ty = Array(&Text);

pub(crate) static FUNCTIONS: &[Function] = &[
    infix("->", &[J, Int4], J, |args, _| json_child(args, false)),
    infix("->", &[J, Text], J, |args, _| json_child(args, false)),
    infix("->>", &[J, Int4], Text, |args, _| json_child(args, true)),
    infix("->>", &[J, Text], Text, |args, _| json_child(args, true)),
    infix("#>", &[J, PATH], J, |args, _| json_path(args, false)),
    infix("#>>", &[J, PATH], Text, |args, _| json_path(args, true)),
    infix("->", &[B, Int4], B, |args, _| child(args, false)),
    infix("->", &[B, Text], B, |args, _| child(args, false)),
    infix("->>", &[B, Int4], Text, |args, _| child(args, true)),
    infix("->>", &[B, Text], Text, |args, _| child(args, true)),
    infix("#>", &[B, PATH], B, |args, _| path(args, false)),
    infix("#>>", &[B, PATH], Text, |args, _| path(args, true)),
    function("jsonb_extract_path", &[B, Text], B, |args, _| {
        spread_path(args, false)
    })
    .variadic(),
    function("jsonb_extract_path_text", &[B, Text], Text, |args, _| {
        spread_path(args, true)
    })
    .variadic(),
    function("json_extract_path", &[J, Text], J, |args, _| {
        spread_json_path(args, false)
    })
    .variadic(),
    function("json_extract_path_text", &[J, Text], Text, |args, _| {
        spread_json_path(args, true)
    })
    .variadic(),
    infix("@>", &[B, B], Bool, |args, _| match args {
        [Value::Jsonb(a), Value::Jsonb(b)] => Ok(Value::Bool(contains(a, b, true))),
        args => Err(mismatch(args)),
    }),
    infix("<@", &[B, B], Bool, |args, _| match args {
        [Value::Jsonb(a), Value::Jsonb(b)] => Ok(Value::Bool(contains(b, a, true))),
        args => Err(mismatch(args)),
    }),
    infix("?", &[B, Text], Bool, |args, _| match args {
        [Value::Jsonb(json), Value::Text(key)] => Ok(Value::Bool(has_key(json, key))),
        args => Err(mismatch(args)),
    }),
    infix("?|", &[B, PATH], Bool, |args, _| match args {
        [Value::Jsonb(json), Value::Array(keys)] => {
            Ok(Value::Bool(texts(keys).any(|key| has_key(json, key))))
        }
        args => Err(mismatch(args)),
    }),
    infix("?&", &[B, PATH], Bool, |args, _| match args {
        [Value::Jsonb(json), Value::Array(keys)] => {
            Ok(Value::Bool(texts(keys).all(|key| has_key(json, key))))
        }
        args => Err(mismatch(args)),
    }),
    infix("||", &[B, B], B, concat),
    infix("-", &[B, Text], B, |args, _| match args {
        [Value::Jsonb(json), Value::Text(key)] => without(json, &[key]),
        args => Err(mismatch(args)),
    }),
    infix("-", &[B, PATH], B, |args, _| match args {
        [Value::Jsonb(json), Value::Array(keys)] => {
            if keys.dims.len() > 1 {
                return Err(wrong_subscripts());
            }
            without(json, &texts(keys).collect::<Vec<_>>())
        }
        args => Err(mismatch(args)),
    }),
    infix("-", &[B, Int4], B, delete_index),
    infix("#-", &[B, PATH], B, delete_path),
    function("jsonb_delete_path", &[B, PATH], B, delete_path),
];

fn texts(array: &ArrayValue) -> impl Iterator<Item = &str> {
    array.elements.iter().filter_map(|element| match element {
        Value::Text(text) => Some(&**text),
        _ => None,
    })
}

/// The value as `->` (or as `->>`, if `text`) gives it: JSON null is SQL null as text.
fn shown(json: Option<&Json>, text: bool) -> Value {
    match json {
        None => Value::Null,
        Some(json) if !text => Value::Jsonb(Arc::new(json.clone())),
        Some(Json::Null) => Value::Null,
        Some(Json::String(string)) => Value::text(&**string),
        Some(other) => Value::text(other.to_string()),
    }
}

fn child(args: &[&Value], text: bool) -> Result<Value> {
    let found = match args {
        [Value::Jsonb(json), Value::Text(key)] => match &**json {
            Json::Object(object) => object.get(key),
            _ => None,
        },
        [Value::Jsonb(json), Value::Int4(index)] => match &**json {
            Json::Array(elements) => element_at(elements, i64::from(*index)),
            Json::Object(_) => None,
            // A scalar passes for an array of one.
            scalar => matches!(index, 0 | -1).then_some(scalar),
        },
        args => return Err(mismatch(args)),
    };
    Ok(shown(found, text))
}

/// Follows one step of a path: a key, or an index in digits.
fn step<'a>(json: &'a Json, key: &str) -> Option<&'a Json> {
    match json {
        Json::Object(object) => object.get(key),
        Json::Array(elements) => element_at(elements, i64::from(key.trim().parse::<i32>().ok()?)),
        _ => None,
    }
}

fn follow<'a, 'k>(json: &'a Json, keys: impl Iterator<Item = Option<&'k str>>) -> Option<&'a Json> {
    let mut here = json;
    for key in keys {
        here = step(here, key?)?;
    }
    Some(here)
}

fn keys(path: &[Value]) -> impl Iterator<Item = Option<&str>> {
    path.iter().map(as_key)
}

fn as_key(value: &Value) -> Option<&str> {
    match value {
        Value::Text(key) => Some(key),
        _ => None,
    }
}

fn path(args: &[&Value], text: bool) -> Result<Value> {
    match args {
        [Value::Jsonb(json), Value::Array(path)] => {
            Ok(shown(follow(json, keys(&path.elements)), text))
        }
        args => Err(mismatch(args)),
    }
}

fn spread_path(args: &[&Value], text: bool) -> Result<Value> {
    match args {
        [Value::Jsonb(json), path @ ..] => Ok(shown(
            follow(json, path.iter().map(|value| as_key(value))),
            text,
        )),
        args => Err(mismatch(args)),
    }
}

fn json_child(args: &[&Value], text: bool) -> Result<Value> {
    let found = match args {
        [Value::Text(json), Value::Text(key)] => json_text::member(json, key),
        [Value::Text(json), Value::Int4(index)] => json_text::element(json, i64::from(*index)),
        args => return Err(mismatch(args)),
    };
    json_shown(found, text)
}

fn json_follow<'a, 'k>(
    json: &'a str,
    keys: impl Iterator<Item = Option<&'k str>>,
) -> Option<&'a str> {
    let mut here = json.trim_ascii();
    for key in keys {
        let key = key?;
        here = match key.trim().parse::<i32>() {
            Ok(index) if here.starts_with('[') => json_text::element(here, i64::from(index))?,
            _ => json_text::member(here, key)?,
        };
    }
    Some(here)
}

fn json_path(args: &[&Value], text: bool) -> Result<Value> {
    match args {
        [Value::Text(json), Value::Array(path)] => {
            json_shown(json_follow(json, keys(&path.elements)), text)
        }
        args => Err(mismatch(args)),
    }
}

fn spread_json_path(args: &[&Value], text: bool) -> Result<Value> {
    match args {
        [Value::Text(json), path @ ..] => json_shown(
            json_follow(json, path.iter().map(|value| as_key(value))),
            text,
        ),
        args => Err(mismatch(args)),
    }
}

fn json_shown(json: Option<&str>, text: bool) -> Result<Value> {
    match json {
        None => Ok(Value::Null),
        Some("null") if text => Ok(Value::Null),
        Some(string) if text && string.starts_with('"') => match Json::parse(string)? {
            Json::String(string) => Ok(Value::text(&*string)),
            other => Ok(Value::text(other.to_string())),
        },
        Some(json) => Ok(Value::text(json)),
    }
}

/// Whether `whole` contains `part`. At the top, an array contains a bare scalar.
fn contains(whole: &Json, part: &Json, top: bool) -> bool {
    match (whole, part) {
        (Json::Object(whole), Json::Object(part)) => part.members().iter().all(|(key, value)| {
            whole
                .get(key)
                .is_some_and(|found| contains(found, value, false))
        }),
        (Json::Array(whole), Json::Array(part)) => part
            .iter()
            .all(|value| whole.iter().any(|found| contains(found, value, false))),
        (Json::Array(whole), scalar) if top && !scalar.is_container() => {
            whole.iter().any(|found| found == scalar)
        }
        (whole, part) => !whole.is_container() && whole == part,
    }
}

fn has_key(json: &Json, key: &str) -> bool {
    match json {
        Json::Object(object) => object.get(key).is_some(),
        Json::Array(elements) => elements.iter().any(|e| is_string(e, key)),
        scalar => is_string(scalar, key),
    }
}

fn is_string(json: &Json, text: &str) -> bool {
    matches!(json, Json::String(string) if &**string == text)
}

fn concat(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Jsonb(a), Value::Jsonb(b)] = args else {
        return Err(mismatch(args));
    };
    let joined = match (&**a, &**b) {
        (Json::Object(a), Json::Object(b)) => {
            let mut object = a.clone();
            for (key, value) in b.members() {
                object.insert(key, value.clone());
            }
            Json::Object(object)
        }
        (a, b) => {
            let list = |json: &Json| match json {
                Json::Array(elements) => elements.clone(),
                other => vec![other.clone()],
            };
            let mut elements = list(a);
            elements.extend(list(b));
            Json::Array(elements)
        }
    };
    Ok(Value::from(joined))
}

fn wrong_subscripts() -> Error {
    Error::new(
        SqlState::ARRAY_SUBSCRIPT_ERROR,
        "wrong number of array subscripts",
    )
}

fn without(json: &Arc<Json>, keys: &[&str]) -> Result<Value> {
    match &**json {
        Json::Object(object) => {
            let mut object = object.clone();
            for key in keys {
                object.remove(key);
            }
            Ok(Value::from(Json::Object(object)))
        }
        Json::Array(elements) => {
            let kept = elements
                .iter()
                .filter(|element| !keys.iter().any(|key| is_string(element, key)))
                .cloned()
                .collect();
            Ok(Value::from(Json::Array(kept)))
        }
        _ => Err(invalid("cannot delete from scalar")),
    }
}

fn delete_index(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Jsonb(json), Value::Int4(index)] = args else {
        return Err(mismatch(args));
    };
    match &**json {
        Json::Array(elements) => {
            let mut elements = elements.clone();
            if let Some(position) = position(elements.len(), i64::from(*index)) {
                elements.remove(position);
            }
            Ok(Value::from(Json::Array(elements)))
        }
        Json::Object(_) => Err(invalid("cannot delete from object using integer index")),
        _ => Err(invalid("cannot delete from scalar")),
    }
}

/// The position of an index that may count from the end; `None` out of bounds.
fn position(length: usize, index: i64) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let index = if index < 0 { index + length } else { index };
    (0..length)
        .contains(&index)
        .then(|| usize::try_from(index).ok())
        .flatten()
}

fn delete_path(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Jsonb(json), Value::Array(path)] = args else {
        return Err(mismatch(args));
    };
    without_path(json, path)
}

/// The document without what `path` leads to.
pub(crate) fn without_path(json: &Json, path: &ArrayValue) -> Result<Value> {
    if path.dims.len() > 1 {
        return Err(wrong_subscripts());
    }
    match json {
        // Without a look at the path.
        Json::Array(elements) if elements.is_empty() => return Ok(json.clone().into()),
        Json::Array(_) | Json::Object(_) => {}
        _ => return Err(invalid("cannot delete path in scalar")),
    }
    let mut changed = json.clone();
    remove(&mut changed, &path.elements, 1)?;
    Ok(Value::from(changed))
}

fn remove(json: &mut Json, path: &[Value], depth: usize) -> Result<()> {
    let Some((key, rest)) = path.split_first() else {
        return Ok(());
    };
    let Some(key) = as_key(key) else {
        return Err(Error::new(
            SqlState::NULL_VALUE_NOT_ALLOWED,
            format!("path element at position {depth} is null"),
        ));
    };
    match json {
        Json::Object(object) => {
            let Some(mut value) = object.remove(key) else {
                return Ok(());
            };
            if !rest.is_empty() {
                remove(&mut value, rest, depth + 1)?;
                object.insert(key, value);
            }
        }
        Json::Array(elements) => {
            let Ok(index) = key.trim().parse::<i32>() else {
                return Err(Error::new(
                    SqlState::INVALID_TEXT_REPRESENTATION,
                    format!("path element at position {depth} is not an integer: \"{key}\""),
                ));
            };
            let Some(position) = position(elements.len(), i64::from(index)) else {
                return Ok(());
            };
            if rest.is_empty() {
                elements.remove(position);
            } else if let Some(value) = elements.get_mut(position) {
                remove(value, rest, depth + 1)?;
            }
        }
        _ => {}
    }
    Ok(())
}

#[cold]
fn invalid(message: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}
