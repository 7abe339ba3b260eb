//! `unnest`, `generate_subscripts` and `information_schema._pg_expandarray`.

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
    set_function(
        "information_schema._pg_expandarray",
        &[AnyArray],
        &[("x", AnyElement), ("n", Int4)],
        expand,
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

/// The elements with their places, counted from 1, whatever the array's subscripts begin with. The
/// elements of an array of several dimensions are none of one subscript, and `NULL`.
fn expand(args: &[&Value], _: &Call<'_>) -> Result<Rows> {
    let [Value::Array(array)] = args else {
        return Err(mismatch(args));
    };
    let array: Arc<ArrayValue> = Arc::clone(array);
    let length = array.dims.first().map_or(0, |(length, _)| *length);
    let flat = array.dims.len() == 1;
    Ok(Box::new((0..length).zip(1..).map(move |(at, place)| {
        let at = usize::try_from(at).ok().filter(|_| flat);
        let element = at.and_then(|at| array.elements.get(at)).cloned();
        Ok(vec![element.unwrap_or(Value::Null), Value::Int4(place)])
    })))
}
