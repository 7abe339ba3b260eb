//! Functions on enums: the labels of the argument's type.

use std::sync::Arc;

use helios_base::{ArrayValue, DataType, EnumLabel, Result, Value};

use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{AnyArray, AnyEnum, Int4};

pub(crate) static FUNCTIONS: &[Function] = &[
    function("enum_first", &[AnyEnum], AnyEnum, |_, call| {
        Ok(labels(call)
            .first()
            .cloned()
            .map_or(Value::Null, Value::Enum))
    })
    .not_strict(),
    function("enum_last", &[AnyEnum], AnyEnum, |_, call| {
        Ok(labels(call)
            .last()
            .cloned()
            .map_or(Value::Null, Value::Enum))
    })
    .not_strict(),
    function("enum_range", &[AnyEnum], AnyArray, |_, call| {
        Ok(array(labels(call)))
    })
    .not_strict(),
    function("enum_range", &[AnyEnum, AnyEnum], AnyArray, range).not_strict(),
    function(
        "enum_cmp",
        &[AnyEnum, AnyEnum],
        Int4,
        |args, _| match args {
            [Value::Enum(a), Value::Enum(b)] => Ok(Value::Int4(a.cmp_order(b) as i32)),
            args => Err(mismatch(args)),
        },
    ),
    function(
        "enum_larger",
        &[AnyEnum, AnyEnum],
        AnyEnum,
        |args, _| match args {
            [a, b] => Ok(if a.cmp_sql(b).is_ge() {
                (*a).clone()
            } else {
                (*b).clone()
            }),
            args => Err(mismatch(args)),
        },
    ),
    function(
        "enum_smaller",
        &[AnyEnum, AnyEnum],
        AnyEnum,
        |args, _| match args {
            [a, b] => Ok(if a.cmp_sql(b).is_le() {
                (*a).clone()
            } else {
                (*b).clone()
            }),
            args => Err(mismatch(args)),
        },
    ),
];

/// The labels of the first argument's type.
fn labels<'a>(call: &Call<'a>) -> &'a [Arc<EnumLabel>] {
    match call.arg_type(0) {
        DataType::User(user) => user.labels(),
        _ => &[],
    }
}

fn array(labels: &[Arc<EnumLabel>]) -> Value {
    let elements = labels.iter().cloned().map(Value::Enum).collect();
    ArrayValue::one_dimensional(elements).into()
}

/// The labels between two, either of which may be open.
fn range(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let [lower, upper] = args else {
        return Err(mismatch(args));
    };
    let within: Vec<_> = labels(call)
        .iter()
        .filter(|label| {
            let above = match lower {
                Value::Enum(lower) => label.cmp_order(lower).is_ge(),
                _ => true,
            };
            let below = match upper {
                Value::Enum(upper) => label.cmp_order(upper).is_le(),
                _ => true,
            };
            above && below
        })
        .cloned()
        .collect();
    Ok(array(&within))
}
