//! `jsonb_set` and `jsonb_insert`.

use helios_base::{ArrayValue, Error, Json, Result, SqlState, Value};

use super::invalid;
use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{self, Array, Bool, Text};

const B: Ty = Ty::Jsonb;
const PATH: Ty = Array(&Text);

pub(super) static FUNCTIONS: &[Function] = &[
    function("jsonb_set", &[B, PATH, B], B, set),
    function("jsonb_set", &[B, PATH, B, Bool], B, set),
    function("jsonb_set_lax", &[B, PATH, B], B, set_lax).not_strict(),
    function("jsonb_set_lax", &[B, PATH, B, Bool], B, set_lax).not_strict(),
    function("jsonb_set_lax", &[B, PATH, B, Bool, Text], B, set_lax).not_strict(),
    function("jsonb_insert", &[B, PATH, B], B, insert),
    function("jsonb_insert", &[B, PATH, B, Bool], B, insert),
];

/// What to do at the end of the path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edit {
    /// Replace what is there; if nothing is, create it.
    Put { create: bool },
    /// Insert a new element before or after.
    Insert { after: bool },
}

fn set(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Jsonb(json), Value::Array(path), Value::Jsonb(new)] => {
            edited(json, path, new, Edit::Put { create: true })
        }
        [
            Value::Jsonb(json),
            Value::Array(path),
            Value::Jsonb(new),
            Value::Bool(create),
        ] => edited(json, path, new, Edit::Put { create: *create }),
        args => Err(mismatch(args)),
    }
}

fn insert(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Jsonb(json), Value::Array(path), Value::Jsonb(new)] => {
            edited(json, path, new, Edit::Insert { after: false })
        }
        [
            Value::Jsonb(json),
            Value::Array(path),
            Value::Jsonb(new),
            Value::Bool(after),
        ] => edited(json, path, new, Edit::Insert { after: *after }),
        args => Err(mismatch(args)),
    }
}

/// `jsonb_set` for new values that may be `NULL`.
fn set_lax(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let (json, path, new, create, treatment) = match args {
        [json, path, new] => (json, path, new, &Value::Bool(true), None),
        [json, path, new, create] => (json, path, new, *create, None),
        [json, path, new, create, treatment] => (json, path, new, *create, Some(*treatment)),
        args => return Err(mismatch(args)),
    };
    if json.is_null() || path.is_null() || create.is_null() {
        return Ok(Value::Null);
    }
    let treatment = match treatment {
        None => "use_json_null",
        Some(Value::Text(text)) => text,
        _ => {
            return Err(invalid(
                "null_value_treatment must be \"delete_key\", \"return_target\", \
                 \"use_json_null\", or \"raise_exception\"",
            ));
        }
    };
    if !new.is_null() {
        return set(&[json, path, new, create], call);
    }
    match treatment {
        "use_json_null" => {
            let null = Value::from(Json::Null);
            set(&[json, path, &null, create], call)
        }
        "return_target" => Ok((**json).clone()),
        "delete_key" => {
            let (Value::Jsonb(document), Value::Array(path)) = (json, path) else {
                return Err(mismatch(args));
            };
            crate::op::json::without_path(document, path)
        }
        "raise_exception" => Err(Error::new(
            SqlState::NULL_VALUE_NOT_ALLOWED,
            "JSON value must not be null",
        )
        .with_detail("Exception was raised because null_value_treatment is \"raise_exception\".")
        .with_hint(
            "To avoid, either change the null_value_treatment argument or ensure that an SQL NULL \
             is not passed.",
        )),
        _ => Err(invalid(
            "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", \
             or \"raise_exception\"",
        )),
    }
}

fn edited(json: &Json, path: &ArrayValue, new: &Json, edit: Edit) -> Result<Value> {
    if path.dims.len() > 1 {
        return Err(Error::new(
            SqlState::ARRAY_SUBSCRIPT_ERROR,
            "wrong number of array subscripts",
        ));
    }
    if !json.is_container() {
        return Err(invalid("cannot set path in scalar"));
    }
    let empty = match json {
        Json::Array(elements) => elements.is_empty(),
        Json::Object(object) => object.is_empty(),
        _ => false,
    };
    if path.is_empty() || (empty && edit == (Edit::Put { create: false })) {
        return Ok(json.clone().into());
    }
    let mut changed = json.clone();
    apply(&mut changed, &path.elements, 1, new, edit)?;
    Ok(changed.into())
}

fn apply(json: &mut Json, path: &[Value], depth: usize, new: &Json, edit: Edit) -> Result<()> {
    let Some((key, rest)) = path.split_first() else {
        return Ok(());
    };
    let Value::Text(key) = key else {
        return Err(Error::new(
            SqlState::NULL_VALUE_NOT_ALLOWED,
            format!("path element at position {depth} is null"),
        ));
    };
    match json {
        Json::Object(object) => {
            if !rest.is_empty() {
                if let Some(mut value) = object.remove(key) {
                    apply(&mut value, rest, depth + 1, new, edit)?;
                    object.insert(key, value);
                }
                return Ok(());
            }
            match (object.get(key).is_some(), edit) {
                (true, Edit::Insert { .. }) => {
                    return Err(invalid("cannot replace existing key")
                        .with_hint("Try using the function jsonb_set to replace key value."));
                }
                (false, Edit::Put { create: false }) => {}
                _ => {
                    object.insert(key, new.clone());
                }
            }
        }
        Json::Array(elements) => {
            let Ok(index) = key.trim().parse::<i32>() else {
                return Err(Error::new(
                    SqlState::INVALID_TEXT_REPRESENTATION,
                    format!("path element at position {depth} is not an integer: \"{key}\""),
                ));
            };
            in_array(elements, i64::from(index), rest, depth, new, edit)?;
        }
        _ => {}
    }
    Ok(())
}

fn in_array(
    elements: &mut Vec<Json>,
    index: i64,
    rest: &[Value],
    depth: usize,
    new: &Json,
    edit: Edit,
) -> Result<()> {
    let length = i64::try_from(elements.len()).unwrap_or(i64::MAX);
    let from_start = if index < 0 { index + length } else { index };
    let found = usize::try_from(from_start)
        .ok()
        .filter(|&position| position < elements.len());
    let Some(position) = found else {
        // Beyond the ends new elements join the nearest one.
        if rest.is_empty() && edit != (Edit::Put { create: false }) {
            let end = if from_start < 0 { 0 } else { elements.len() };
            elements.insert(end, new.clone());
        }
        return Ok(());
    };
    if !rest.is_empty() {
        if let Some(value) = elements.get_mut(position) {
            apply(value, rest, depth + 1, new, edit)?;
        }
        return Ok(());
    }
    match edit {
        Edit::Put { .. } => {
            if let Some(value) = elements.get_mut(position) {
                *value = new.clone();
            }
        }
        Edit::Insert { after } => elements.insert(position + usize::from(after), new.clone()),
    }
    Ok(())
}
