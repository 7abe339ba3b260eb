//! Functions on arrays.

use std::sync::Arc;

use helios_base::{ArrayValue, DataType, Error, Result, SqlState, Value};

use crate::func::string::fits;
use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{
    self, AnyArray, AnyCompatible, AnyCompatibleArray, AnyElement, Array, Int4, Text,
};

const TEXTS: Ty = Array(&Text);
const INTS: Ty = Array(&Int4);

pub(crate) static FUNCTIONS: &[Function] = &[
    function("array_ndims", &[AnyArray], Int4, |args, _| {
        let dims = &array(args, 0)?.dims;
        Ok(match i32::try_from(dims.len()) {
            Ok(0) | Err(_) => Value::Null,
            Ok(count) => Value::Int4(count),
        })
    }),
    function("array_dims", &[AnyArray], Text, |args, _| {
        let dims = &array(args, 0)?.dims;
        if dims.is_empty() {
            return Ok(Value::Null);
        }
        let shown: String = dims
            .iter()
            .map(|&(length, lower)| format!("[{lower}:{}]", upper(length, lower)))
            .collect();
        Ok(Value::text(shown))
    }),
    function("array_length", &[AnyArray, Int4], Int4, |args, _| {
        dimension(args, |length, _| i64::from(length))
    }),
    function("array_lower", &[AnyArray, Int4], Int4, |args, _| {
        dimension(args, |_, lower| i64::from(lower))
    }),
    function("array_upper", &[AnyArray, Int4], Int4, |args, _| {
        dimension(args, upper)
    }),
    function("cardinality", &[AnyArray], Int4, |args, _| {
        let count = array(args, 0)?.elements.len();
        Ok(Value::Int4(i32::try_from(count).unwrap_or(i32::MAX)))
    }),
    function(
        "array_remove",
        &[AnyCompatibleArray, AnyCompatible],
        AnyCompatibleArray,
        remove,
    )
    .not_strict(),
    function(
        "array_replace",
        &[AnyCompatibleArray, AnyCompatible, AnyCompatible],
        AnyCompatibleArray,
        replace,
    )
    .not_strict(),
    function(
        "array_position",
        &[AnyCompatibleArray, AnyCompatible],
        Int4,
        position,
    )
    .not_strict(),
    function(
        "array_position",
        &[AnyCompatibleArray, AnyCompatible, Int4],
        Int4,
        position,
    )
    .not_strict(),
    function(
        "array_positions",
        &[AnyCompatibleArray, AnyCompatible],
        INTS,
        positions,
    )
    .not_strict(),
    function("array_to_string", &[AnyArray, Text], Text, to_string).stable(),
    function("array_to_string", &[AnyArray, Text, Text], Text, to_string)
        .not_strict()
        .stable(),
    function("string_to_array", &[Text, Text], TEXTS, string_to_array).not_strict(),
    function(
        "string_to_array",
        &[Text, Text, Text],
        TEXTS,
        string_to_array,
    )
    .not_strict(),
    function("array_fill", &[AnyElement, INTS], AnyArray, fill).not_strict(),
    function("array_fill", &[AnyElement, INTS, INTS], AnyArray, fill).not_strict(),
    function("trim_array", &[AnyArray, Int4], AnyArray, trim),
];

fn array<'a>(args: &[&'a Value], index: usize) -> Result<&'a Arc<ArrayValue>> {
    match args.get(index) {
        Some(Value::Array(array)) => Ok(array),
        _ => Err(mismatch(args)),
    }
}

fn upper(length: u32, lower: i32) -> i64 {
    i64::from(lower) + i64::from(length) - 1
}

/// A fact about one dimension, `NULL` if there is no such.
fn dimension(args: &[&Value], fact: impl Fn(u32, i32) -> i64) -> Result<Value> {
    let [Value::Array(array), Value::Int4(number)] = args else {
        return Err(mismatch(args));
    };
    let found = usize::try_from(*number)
        .ok()
        .and_then(|number| number.checked_sub(1))
        .and_then(|index| array.dims.get(index))
        .and_then(|&(length, lower)| i32::try_from(fact(length, lower)).ok());
    Ok(found.into())
}

fn element_type<'a>(call: &Call<'a>) -> &'a DataType {
    match call.arg_type(0) {
        DataType::Array(element) => element,
        other => other,
    }
}

/// Whether two elements are the same; `NULL` is the same as `NULL`.
fn same(a: &Value, b: &Value, ty: &DataType) -> bool {
    a.is_null() == b.is_null() && a.cmp_as(b, ty).is_eq()
}

fn remove(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let (array, unwanted) = match args {
        [Value::Null, _] => return Ok(Value::Null),
        [Value::Array(array), unwanted] => (array, unwanted),
        args => return Err(mismatch(args)),
    };
    if array.dims.len() > 1 {
        return Err(Error::unsupported(
            "removing elements from multidimensional arrays is not supported",
        ));
    }
    let ty = element_type(call);
    let kept: Vec<Value> = array
        .elements
        .iter()
        .filter(|element| !same(element, unwanted, ty))
        .cloned()
        .collect();
    if kept.len() == array.elements.len() {
        return Ok(Value::Array(Arc::clone(array)));
    }
    let mut shape = ArrayValue::one_dimensional(kept);
    if let (Some(new), Some(old)) = (shape.dims.first_mut(), array.dims.first()) {
        new.1 = old.1;
    }
    Ok(shape.into())
}

fn replace(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let (array, old, new) = match args {
        [Value::Null, _, _] => return Ok(Value::Null),
        [Value::Array(array), old, new] => (array, old, new),
        args => return Err(mismatch(args)),
    };
    let ty = element_type(call);
    let elements = array
        .elements
        .iter()
        .map(|element| {
            if same(element, old, ty) {
                (*new).clone()
            } else {
                element.clone()
            }
        })
        .collect();
    Ok(ArrayValue {
        dims: array.dims.clone(),
        elements,
    }
    .into())
}

fn searchable(array: &ArrayValue) -> Result<i32> {
    if array.dims.len() > 1 {
        return Err(Error::unsupported(
            "searching for elements in multidimensional arrays is not supported",
        ));
    }
    Ok(array.dims.first().map_or(1, |dim| dim.1))
}

/// The subscript of an element counted from 0.
fn subscript(lower: i32, index: usize) -> i32 {
    i32::try_from(index).map_or(i32::MAX, |index| lower.saturating_add(index))
}

fn position(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let (array, wanted, start) = match args {
        [Value::Null, ..] => return Ok(Value::Null),
        [Value::Array(array), wanted] => (array, wanted, None),
        [Value::Array(array), wanted, Value::Int4(start)] => (array, wanted, Some(*start)),
        [Value::Array(array), _, Value::Null] => {
            searchable(array)?;
            if array.is_empty() {
                return Ok(Value::Null);
            }
            return Err(Error::new(
                SqlState::NULL_VALUE_NOT_ALLOWED,
                "initial position must not be null",
            ));
        }
        args => return Err(mismatch(args)),
    };
    let lower = searchable(array)?;
    let ty = element_type(call);
    let found = array
        .elements
        .iter()
        .enumerate()
        .map(|(index, element)| (subscript(lower, index), element))
        .filter(|(subscript, _)| start.is_none_or(|start| *subscript >= start))
        .find(|(_, element)| same(element, wanted, ty))
        .map(|(subscript, _)| subscript);
    Ok(found.into())
}

fn positions(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let (array, wanted) = match args {
        [Value::Null, _] => return Ok(Value::Null),
        [Value::Array(array), wanted] => (array, wanted),
        args => return Err(mismatch(args)),
    };
    let lower = searchable(array)?;
    let ty = element_type(call);
    let found = array
        .elements
        .iter()
        .enumerate()
        .filter(|(_, element)| same(element, wanted, ty))
        .map(|(index, _)| Value::Int4(subscript(lower, index)))
        .collect();
    Ok(ArrayValue::one_dimensional(found).into())
}

fn to_string(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let (array, delimiter, null) = match args {
        [Value::Array(array), Value::Text(delimiter)] => (array, delimiter, None),
        [Value::Array(array), Value::Text(delimiter), Value::Null] => (array, delimiter, None),
        [
            Value::Array(array),
            Value::Text(delimiter),
            Value::Text(null),
        ] => (array, delimiter, Some(null)),
        [Value::Null, ..] | [_, Value::Null, _] => return Ok(Value::Null),
        args => return Err(mismatch(args)),
    };
    let ty = element_type(call);
    let mut out = String::new();
    let mut first = true;
    for element in &array.elements {
        if element.is_null() && null.is_none() {
            continue;
        }
        if !first {
            out.push_str(delimiter);
        }
        first = false;
        match null {
            Some(null) if element.is_null() => out.push_str(null),
            _ => element.write_text(ty, call.ctx.text, &mut out),
        }
        fits(out.len())?;
    }
    Ok(Value::text(out))
}

pub(crate) fn string_to_array(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (text, delimiter, null) = match args {
        [Value::Null, ..] => return Ok(Value::Null),
        [Value::Text(text), delimiter] => (text, delimiter, None),
        [Value::Text(text), delimiter, Value::Null] => (text, delimiter, None),
        [Value::Text(text), delimiter, Value::Text(null)] => (text, delimiter, Some(null)),
        args => return Err(mismatch(args)),
    };
    let item = |part: &str| match null {
        Some(null) if **null == *part => Value::Null,
        _ => Value::text(part),
    };
    let elements: Vec<Value> = match delimiter {
        _ if text.is_empty() => Vec::new(),
        Value::Null => text
            .chars()
            .map(|c| item(c.encode_utf8(&mut [0; 4])))
            .collect(),
        Value::Text(delimiter) if delimiter.is_empty() => vec![item(text)],
        Value::Text(delimiter) => text.split(&**delimiter).map(item).collect(),
        _ => return Err(mismatch(args)),
    };
    Ok(ArrayValue::one_dimensional(elements).into())
}

/// The integers of an array that says how long or from where dimensions go.
fn integers(array: &ArrayValue) -> Result<Vec<i32>> {
    let wrong = |message: &str| Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message);
    if array.dims.len() > 1 {
        return Err(subscripts_error("Dimension array must be one dimensional."));
    }
    array
        .elements
        .iter()
        .map(|value| match value {
            Value::Int4(n) => Ok(*n),
            _ => Err(wrong("dimension values cannot be null")),
        })
        .collect()
}

fn subscripts_error(detail: &str) -> Error {
    Error::new(
        SqlState::ARRAY_SUBSCRIPT_ERROR,
        "wrong number of array subscripts",
    )
    .with_detail(detail)
}

/// PostgreSQL's limits on the shape of arrays.
const DIMENSIONS_MAX: usize = 6;
const ELEMENTS_MAX: u64 = 134_217_727;

fn fill(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (value, lengths, lowers) = match args {
        [value, Value::Array(lengths)] => (value, lengths, None),
        [value, Value::Array(lengths), Value::Array(lowers)] => (value, lengths, Some(lowers)),
        [_, Value::Null] | [_, Value::Null, _] | [_, _, Value::Null] => {
            return Err(Error::new(
                SqlState::NULL_VALUE_NOT_ALLOWED,
                "dimension array or low bound array cannot be null",
            ));
        }
        args => return Err(mismatch(args)),
    };
    let lengths = integers(lengths)?;
    let lowers = match lowers {
        Some(lowers) => integers(lowers)?,
        None => vec![1; lengths.len()],
    };
    if lowers.len() != lengths.len() {
        return Err(subscripts_error(
            "Low bound array has different size than dimensions array.",
        ));
    }
    if lengths.len() > DIMENSIONS_MAX {
        return Err(Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!(
                "number of array dimensions ({}) exceeds the maximum allowed ({DIMENSIONS_MAX})",
                lengths.len()
            ),
        ));
    }
    let too_large = || {
        Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("array size exceeds the maximum allowed ({ELEMENTS_MAX})"),
        )
    };
    let mut count = 1u64;
    let mut dims = Vec::with_capacity(lengths.len());
    for (length, lower) in lengths.into_iter().zip(lowers) {
        let length = u32::try_from(length).map_err(|_| too_large())?;
        count = count
            .checked_mul(u64::from(length))
            .filter(|&count| count <= ELEMENTS_MAX)
            .ok_or_else(too_large)?;
        dims.push((length, lower));
    }
    if dims.is_empty() || count == 0 {
        return Ok(ArrayValue::default().into());
    }
    let count = usize::try_from(count).map_err(|_| too_large())?;
    Ok(ArrayValue {
        dims,
        elements: vec![(*value).clone(); count],
    }
    .into())
}

fn trim(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Array(array), Value::Int4(count)] = args else {
        return Err(mismatch(args));
    };
    let length = array.dims.first().map_or(0, |dim| dim.0);
    let Some(kept) = u32::try_from(*count)
        .ok()
        .and_then(|count| length.checked_sub(count))
    else {
        return Err(Error::new(
            SqlState::ARRAY_SUBSCRIPT_ERROR,
            format!("number of elements to trim must be between 0 and {length}"),
        ));
    };
    if kept == 0 {
        return Ok(ArrayValue::default().into());
    }
    let row: usize = array
        .dims
        .iter()
        .skip(1)
        .map(|dim| dim.0 as usize)
        .product();
    let elements = array
        .elements
        .iter()
        .take(kept as usize * row)
        .cloned()
        .collect();
    // A slice counts from 1.
    let mut dims: Vec<(u32, i32)> = array.dims.iter().map(|dim| (dim.0, 1)).collect();
    if let Some(first) = dims.first_mut() {
        first.0 = kept;
    }
    Ok(ArrayValue { dims, elements }.into())
}
