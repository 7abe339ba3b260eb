//! Assignment to parts of values: elements and slices of arrays, members of `jsonb`. The builder
//! calls these functions; they have no names in SQL.

use std::sync::Arc;

use helios_base::json::JsonObject;
use helios_base::{ArrayValue, Error, Json, Result, SqlState, Value};

use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{Any, Int4, Jsonb, Text};

/// The most elements an array may have.
const ELEMENTS_MAX: i64 = 134_217_727;

/// `(array, value, subscript, …)`
pub(crate) static ELEMENT: Function =
    function("array_set_element", &[Any, Any, Int4], Any, element)
        .variadic()
        .not_strict();
/// `(array, values, low, high, …)`; a bound that is left out is a row value without fields.
pub(crate) static SLICE: Function = function("array_set_slice", &[Any, Any, Any], Any, slice)
    .variadic()
    .not_strict();
/// `(document, value, key or subscript, …)`
pub(crate) static MEMBER: Function =
    function("jsonb_set_member", &[Jsonb, Jsonb, Text], Jsonb, member)
        .variadic()
        .not_strict();

fn subscript_error(message: &str) -> Error {
    Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
}

fn null_subscript(what: &str) -> Error {
    Error::new(
        SqlState::NULL_VALUE_NOT_ALLOWED,
        format!("{what} subscript in assignment must not be null"),
    )
}

fn array_of(value: &Value) -> Result<ArrayValue> {
    match value {
        Value::Null => Ok(ArrayValue::default()),
        Value::Array(array) => Ok(ArrayValue::clone(array)),
        other => Err(mismatch(&[other])),
    }
}

fn index(value: &Value) -> Result<i32> {
    match value {
        Value::Int4(index) => Ok(*index),
        Value::Null => Err(null_subscript("array")),
        other => Err(mismatch(&[other])),
    }
}

/// The bounds of a dimension.
fn bounds((length, lower): (u32, i32)) -> (i64, i64) {
    let lower = i64::from(lower);
    (lower, lower + i64::from(length) - 1)
}

/// Makes a one-dimensional array reach from `low` to `high` at least; new elements are `NULL`.
fn reach(array: &mut ArrayValue, low: i64, high: i64) -> Result<()> {
    let (first, last) = array.dims.first().copied().map_or((low, low - 1), bounds);
    let (new_first, new_last) = (first.min(low), last.max(high));
    if new_last - new_first >= ELEMENTS_MAX || new_last >= i64::from(i32::MAX) {
        return Err(Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("array size exceeds the maximum allowed ({ELEMENTS_MAX})"),
        ));
    }
    let count = |n: i64| usize::try_from(n).unwrap_or(0);
    let before = std::iter::repeat_n(Value::Null, count(first - new_first));
    array.elements.splice(0..0, before);
    let length = count(new_last - new_first + 1);
    array.elements.resize(length, Value::Null);
    // Both were checked above.
    array.dims = vec![(length as u32, new_first as i32)];
    Ok(())
}

/// The place of an element in the array.
fn place(dims: &[(u32, i32)], subscripts: &[i64]) -> Result<usize> {
    let mut at = 0usize;
    for (dim, subscript) in dims.iter().zip(subscripts) {
        let (first, last) = bounds(*dim);
        if !(first..=last).contains(subscript) {
            return Err(subscript_error("array subscript out of range"));
        }
        at = at * dim.0 as usize + usize::try_from(subscript - first).unwrap_or(0);
    }
    Ok(at)
}

fn element(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [array, value, subscripts @ ..] = args else {
        return Err(mismatch(args));
    };
    let mut array = array_of(array)?;
    let subscripts: Vec<i32> = subscripts
        .iter()
        .map(|subscript| index(subscript))
        .collect::<Result<_>>()?;
    if array.dims.is_empty() {
        array.dims = subscripts.iter().map(|subscript| (1, *subscript)).collect();
        array.elements = vec![(*value).clone()];
        return Ok(Value::Array(Arc::new(array)));
    }
    if array.dims.len() != subscripts.len() {
        return Err(subscript_error("wrong number of array subscripts"));
    }
    let subscripts: Vec<i64> = subscripts.into_iter().map(i64::from).collect();
    if let [only] = subscripts.as_slice() {
        reach(&mut array, *only, *only)?;
    }
    let at = place(&array.dims, &subscripts)?;
    if let Some(slot) = array.elements.get_mut(at) {
        *slot = (*value).clone();
    }
    Ok(Value::Array(Arc::new(array)))
}

/// A bound of a slice; `None` if it was left out.
fn bound(value: &Value) -> Result<Option<i64>> {
    match value {
        Value::Record(fields) if fields.is_empty() => Ok(None),
        value => index(value).map(|index| Some(i64::from(index))),
    }
}

fn slice(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [target, source, rest @ ..] = args else {
        return Err(mismatch(args));
    };
    let mut ranges = Vec::with_capacity(rest.len() / 2);
    for pair in rest.chunks(2) {
        let [low, high] = pair else {
            return Err(mismatch(args));
        };
        ranges.push((bound(low)?, bound(high)?));
    }
    // Nothing is assigned to nothing.
    let Value::Array(source) = source else {
        return Ok((*target).clone());
    };
    let mut array = array_of(target)?;
    if array.dims.is_empty() {
        return whole(source, &ranges);
    }
    if array.dims.len() < ranges.len() {
        return Err(subscript_error("wrong number of array subscripts"));
    }
    let mut spans = Vec::with_capacity(array.dims.len());
    for (at, dim) in array.dims.iter().enumerate() {
        let (first, last) = bounds(*dim);
        let (low, high) = ranges.get(at).copied().unwrap_or((None, None));
        let (low, high) = (low.unwrap_or(first), high.unwrap_or(last));
        if low > high {
            return Err(subscript_error(
                "upper bound cannot be less than lower bound",
            ));
        }
        if array.dims.len() > 1 && (low < first || high > last) {
            return Err(subscript_error("array subscript out of range"));
        }
        spans.push((low, high));
    }
    if let [(low, high)] = spans.as_slice() {
        reach(&mut array, *low, *high)?;
    }
    let mut values = source.elements.iter();
    let mut here: Vec<i64> = spans.iter().map(|(low, _)| *low).collect();
    loop {
        let at = place(&array.dims, &here)?;
        let value = values
            .next()
            .ok_or_else(|| subscript_error("source array too small"))?;
        if let Some(slot) = array.elements.get_mut(at) {
            *slot = value.clone();
        }
        // The next place, the last subscript running fastest.
        let mut dimension = spans.len();
        loop {
            let Some(next) = dimension.checked_sub(1) else {
                return Ok(Value::Array(Arc::new(array)));
            };
            dimension = next;
            let (Some(subscript), Some((low, high))) = (here.get_mut(next), spans.get(next)) else {
                return Err(mismatch(args));
            };
            if *subscript < *high {
                *subscript += 1;
                break;
            }
            *subscript = *low;
        }
    }
}

/// A slice of an empty array, which becomes the whole of it.
fn whole(source: &ArrayValue, ranges: &[(Option<i64>, Option<i64>)]) -> Result<Value> {
    let mut dims = Vec::with_capacity(ranges.len());
    let mut count = 1i64;
    for range in ranges {
        let (Some(low), Some(high)) = range else {
            return Err(
                subscript_error("array slice subscript must provide both boundaries").with_detail(
                    "When assigning to a slice of an empty array value, slice boundaries must be \
                     fully specified.",
                ),
            );
        };
        if low > high {
            return Err(subscript_error(
                "upper bound cannot be less than lower bound",
            ));
        }
        count = count.saturating_mul(high - low + 1);
        let length = u32::try_from(high - low + 1).unwrap_or(u32::MAX);
        dims.push((length, i32::try_from(*low).unwrap_or(1)));
    }
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    let elements = source
        .elements
        .get(..wanted)
        .ok_or_else(|| subscript_error("source array too small"))?;
    let array = ArrayValue::new(dims, elements.to_vec())
        .ok_or_else(|| Error::internal("a slice of another shape"))?;
    Ok(Value::Array(Arc::new(array)))
}

fn member(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [document, value, path @ ..] = args else {
        return Err(mismatch(args));
    };
    let new = match value {
        Value::Null => Json::Null,
        Value::Jsonb(json) => Json::clone(json),
        other => return Err(mismatch(&[other])),
    };
    if path.iter().any(|step| step.is_null()) {
        return Err(null_subscript("jsonb"));
    }
    let old = match document {
        Value::Null => None,
        Value::Jsonb(json) => Some(Json::clone(json)),
        other => return Err(mismatch(&[other])),
    };
    put(old, new, path, 1).map(Value::from)
}

/// Puts a value at the end of a path, making what is missing on the way.
fn put(old: Option<Json>, new: Json, path: &[&Value], depth: usize) -> Result<Json> {
    let Some((step, rest)) = path.split_first() else {
        return Ok(new);
    };
    let old = old.unwrap_or_else(|| match step {
        Value::Int4(_) => Json::Array(Vec::new()),
        _ => Json::Object(JsonObject::default()),
    });
    match old {
        Json::Object(mut object) => {
            let key = match step {
                Value::Text(key) => key.to_string(),
                Value::Int4(index) => index.to_string(),
                other => return Err(mismatch(&[other])),
            };
            let before = object.remove(&key);
            object.insert(&key, put(before, new, rest, depth + 1)?);
            Ok(Json::Object(object))
        }
        Json::Array(mut elements) => {
            let at = element_at(step, elements.len(), depth)?;
            if at >= elements.len() {
                elements.resize(at, Json::Null);
                elements.push(put(None, new, rest, depth + 1)?);
            } else if let Some(slot) = elements.get_mut(at) {
                let before = std::mem::replace(slot, Json::Null);
                *slot = put(Some(before), new, rest, depth + 1)?;
            }
            Ok(Json::Array(elements))
        }
        _ => Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "cannot replace existing key",
        )
        .with_detail("The path assumes key is a composite object, but it is a scalar value.")),
    }
}

fn element_at(step: &Value, length: usize, depth: usize) -> Result<usize> {
    let index = match step {
        Value::Int4(index) => i64::from(*index),
        Value::Text(text) => text.parse::<i32>().map(i64::from).map_err(|_| {
            Error::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                format!("path element at position {depth} is not an integer: \"{text}\""),
            )
        })?,
        other => return Err(mismatch(&[other])),
    };
    let at = if index < 0 {
        index + i64::try_from(length).unwrap_or(i64::MAX)
    } else {
        index
    };
    match usize::try_from(at) {
        // As long as an array of JSON may be.
        Ok(at) if at < 1 << 28 => Ok(at),
        _ => Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("path element at position {depth} is out of range: {index}"),
        )),
    }
}
