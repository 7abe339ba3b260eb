//! `unnest` and `generate_subscripts`.

use std::sync::Arc;

use helios_base::{ArrayValue, Result, Value};

use super::{Rows, SetFunction, set_function};
use crate::function::{Call, mismatch};
use crate::ty::Ty::{AnyArray, AnyElement, Bool, Int4};

pub(super) static FUNCTIONS: &[SetFunction] = &[
    set_function("unnest", &[AnyArray], &[("", AnyElement)], unnest),
    set_function(
        "generate_subscripts",
        &[AnyArray, Int4],
        &[("", Int4)],
        subscripts,
    ),
    set_function(
        "generate_subscripts",
        &[AnyArray, Int4, Bool],
        &[("", Int4)],
        subscripts,
    ),
];

fn unnest(args: &[&Value], _: &Call<'_>) -> Result<Rows> {
    let [Value::Array(array)] = args else {
        return Err(mismatch(args));
    };
    let array: Arc<ArrayValue> = Arc::clone(array);
    let rows = 0..array.elements.len();
    Ok(Box::new(rows.map(move |i| {
        Ok(vec![array.elements.get(i).cloned().unwrap_or(Value::Null)])
    })))
}

fn subscripts(args: &[&Value], _: &Call<'_>) -> Result<Rows> {
    let (array, dimension, reverse) = match args {
        [Value::Array(array), Value::Int4(dimension)] => (array, dimension, false),
        [
            Value::Array(array),
            Value::Int4(dimension),
            Value::Bool(reverse),
        ] => (array, dimension, *reverse),
        args => return Err(mismatch(args)),
    };
    let found = usize::try_from(*dimension)
        .ok()
        .and_then(|dimension| array.dims.get(dimension.checked_sub(1)?));
    let Some(&(length, lower)) = found else {
        return Ok(Box::new(std::iter::empty()));
    };
    let range = 0..length;
    let row = move |offset: u32| Ok(vec![Value::Int4(lower.saturating_add_unsigned(offset))]);
    Ok(if reverse {
        Box::new(range.rev().map(row))
    } else {
        Box::new(range.map(row))
    })
}
