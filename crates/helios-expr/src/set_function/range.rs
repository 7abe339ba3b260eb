//! `unnest` of multiranges.

use std::sync::Arc;

use helios_base::{RangeKind, Result, Value};

use super::{Rows, SetFunction, set_function};
use crate::function::{Call, mismatch};
use crate::ty::Ty;

macro_rules! unnests {
    ($($kind:ident)*) => {
        &[$(
            set_function(
                "unnest",
                &[Ty::Multirange(RangeKind::$kind)],
                &[("", Ty::Range(RangeKind::$kind))],
                unnest,
            ),
        )*]
    };
}

pub(super) static FUNCTIONS: &[SetFunction] =
    unnests! { Int4 Int8 Numeric Timestamp TimestampTz Date };

fn unnest(args: &[&Value], _: &Call<'_>) -> Result<Rows> {
    let [Value::Multirange(multirange)] = args else {
        return Err(mismatch(args));
    };
    let multirange = Arc::clone(multirange);
    let rows = 0..multirange.ranges().len();
    Ok(Box::new(rows.filter_map(move |i| {
        let range = multirange.ranges().get(i)?;
        Some(Ok(vec![Value::Range(range.clone().into())]))
    })))
}
