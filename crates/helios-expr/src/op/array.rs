//! Array operators: containment, overlap, concatenation.

use std::collections::HashSet;
use std::sync::Arc;

use helios_base::{ArrayValue, Error, Result, SqlState, Value};

use crate::function::{Call, Function, function, infix, mismatch};
use crate::ty::Ty::{AnyArray, AnyCompatible, AnyCompatibleArray, Bool};

pub(crate) static FUNCTIONS: &[Function] = &[
    infix("@>", &[AnyArray, AnyArray], Bool, |args, _| match args {
        [Value::Array(a), Value::Array(b)] => Ok(Value::Bool(contains(a, b))),
        args => Err(mismatch(args)),
    }),
    infix("<@", &[AnyArray, AnyArray], Bool, |args, _| match args {
        [Value::Array(a), Value::Array(b)] => Ok(Value::Bool(contains(b, a))),
        args => Err(mismatch(args)),
    }),
    infix("&&", &[AnyArray, AnyArray], Bool, |args, _| match args {
        [Value::Array(a), Value::Array(b)] => Ok(Value::Bool(overlap(a, b))),
        args => Err(mismatch(args)),
    }),
    infix(
        "||",
        &[AnyCompatibleArray, AnyCompatibleArray],
        AnyCompatibleArray,
        cat,
    )
    .not_strict(),
    infix(
        "||",
        &[AnyCompatibleArray, AnyCompatible],
        AnyCompatibleArray,
        append,
    )
    .not_strict(),
    infix(
        "||",
        &[AnyCompatible, AnyCompatibleArray],
        AnyCompatibleArray,
        prepend,
    )
    .not_strict(),
    function(
        "array_cat",
        &[AnyCompatibleArray, AnyCompatibleArray],
        AnyCompatibleArray,
        cat,
    )
    .not_strict(),
    function(
        "array_append",
        &[AnyCompatibleArray, AnyCompatible],
        AnyCompatibleArray,
        append,
    )
    .not_strict(),
    function(
        "array_prepend",
        &[AnyCompatible, AnyCompatibleArray],
        AnyCompatibleArray,
        prepend,
    )
    .not_strict(),
];

/// Arrays up to this length are searched, longer ones hashed.
const SEARCH_MAX: usize = 16;

/// Whether every element of `part` is in `whole`; a null element is in nothing.
fn contains(whole: &ArrayValue, part: &ArrayValue) -> bool {
    if part.elements.iter().any(Value::is_null) {
        return false;
    }
    if part.elements.len().min(whole.elements.len()) <= SEARCH_MAX {
        return part.elements.iter().all(|e| whole.elements.contains(e));
    }
    let whole: HashSet<&Value> = whole.elements.iter().collect();
    part.elements.iter().all(|element| whole.contains(element))
}

/// Whether some element that is not null is in both.
fn overlap(a: &ArrayValue, b: &ArrayValue) -> bool {
    let (short, long) = if a.elements.len() <= b.elements.len() {
        (a, b)
    } else {
        (b, a)
    };
    let mut wanted = short.elements.iter().filter(|element| !element.is_null());
    if short.elements.len() <= SEARCH_MAX {
        return wanted.any(|element| long.elements.contains(element));
    }
    let long: HashSet<&Value> = long.elements.iter().collect();
    wanted.any(|element| long.contains(element))
}

fn cat(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Null, other] | [other, Value::Null] => Ok((*other).clone()),
        [Value::Array(a), Value::Array(b)] => concat(a, b).map(|array| Value::Array(array.into())),
        args => Err(mismatch(args)),
    }
}

/// PostgreSQL's limit of the elements of an array.
const ELEMENTS_MAX: usize = 134_217_727;

fn concat(a: &Arc<ArrayValue>, b: &Arc<ArrayValue>) -> Result<ArrayValue> {
    if b.is_empty() {
        return Ok((**a).clone());
    }
    if a.is_empty() {
        return Ok((**b).clone());
    }
    let count = a.elements.len() + b.elements.len();
    if count > ELEMENTS_MAX {
        return Err(Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("array size exceeds the maximum allowed ({ELEMENTS_MAX})"),
        ));
    }
    let elements = a.elements.iter().chain(&b.elements).cloned().collect();
    // Lower bounds must be the same as well as lengths.
    let tail = |array: &ArrayValue| array.dims.get(1..).unwrap_or_default().to_vec();
    let mut dims;
    if a.dims.len() == b.dims.len() && tail(a) == tail(b) {
        dims = a.dims.clone();
        grow(&mut dims, b.dims.first().map_or(0, |dim| dim.0));
    } else if a.dims.len() == b.dims.len() + 1 && tail(a) == b.dims {
        dims = a.dims.clone();
        grow(&mut dims, 1);
    } else if a.dims.len() + 1 == b.dims.len() && a.dims == tail(b) {
        dims = b.dims.clone();
        grow(&mut dims, 1);
    } else {
        return Err(incompatible(a, b));
    }
    Ok(ArrayValue { dims, elements })
}

fn grow(dims: &mut [(u32, i32)], by: u32) {
    if let Some(first) = dims.first_mut() {
        first.0 += by;
    }
}

#[cold]
fn incompatible(a: &ArrayValue, b: &ArrayValue) -> Error {
    let detail = if a.dims.len().abs_diff(b.dims.len()) > 1 {
        format!(
            "Arrays of {} and {} dimensions are not compatible for concatenation.",
            a.dims.len(),
            b.dims.len()
        )
    } else if a.dims.len() == b.dims.len() {
        "Arrays with differing element dimensions are not compatible for concatenation.".to_owned()
    } else {
        "Arrays with differing dimensions are not compatible for concatenation.".to_owned()
    };
    Error::new(
        SqlState::ARRAY_SUBSCRIPT_ERROR,
        "cannot concatenate incompatible arrays",
    )
    .with_detail(detail)
}

fn append(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [array, element] => add(array, element, false),
        args => Err(mismatch(args)),
    }
}

fn prepend(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [element, array] => add(array, element, true),
        args => Err(mismatch(args)),
    }
}

fn add(array: &Value, element: &Value, front: bool) -> Result<Value> {
    let old = match array {
        Value::Null => ArrayValue::default(),
        Value::Array(array) => (**array).clone(),
        other => return Err(mismatch(&[other])),
    };
    if old.dims.len() > 1 {
        return Err(Error::new(
            SqlState::DATA_EXCEPTION,
            "argument must be empty or one-dimensional array",
        ));
    }
    let (length, lower) = old.dims.first().copied().unwrap_or((0, 1));
    let mut elements = old.elements;
    if front {
        elements.insert(0, element.clone());
    } else {
        elements.push(element.clone());
    }
    Ok(Value::Array(Arc::new(ArrayValue {
        dims: vec![(length + 1, lower)],
        elements,
    })))
}
