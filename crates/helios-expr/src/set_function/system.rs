//! Set-returning functions of the system catalogs.

use helios_base::{Result, Value};

use super::{Rows, SetFunction, set_function};
use crate::function::Call;
use crate::ty::Ty;
use crate::ty::Ty::{Bool, Oid, Regclass, Text};

pub(super) static FUNCTIONS: &[SetFunction] = &[
    // No relation is a partition of another.
    set_function(
        "pg_partition_ancestors",
        &[Regclass],
        &[("relid", Regclass)],
        |_, _| Ok(Box::new(std::iter::empty())),
    ),
    // The options of foreign objects, `name=value` each.
    set_function(
        "pg_options_to_table",
        &[Ty::Array(&Text)],
        &[("option_name", Text), ("option_value", Text)],
        options,
    ),
    // The items of `relacl` and its kin are texts.
    set_function(
        "aclexplode",
        &[Ty::Array(&Text)],
        &[
            ("grantor", Oid),
            ("grantee", Oid),
            ("privilege_type", Text),
            ("is_grantable", Bool),
        ],
        acl_explode,
    )
    .stable(),
];

fn options(args: &[&Value], _: &Call<'_>) -> Result<Rows> {
    let [Value::Array(options)] = args else {
        return Ok(Box::new(std::iter::empty()));
    };
    let options = options.elements.clone();
    Ok(Box::new(options.into_iter().filter_map(|option| {
        let Value::Text(option) = option else {
            return None;
        };
        let row = match option.split_once('=') {
            Some((name, value)) => vec![Value::text(name), Value::text(value)],
            None => vec![Value::Text(option), Value::Null],
        };
        Some(Ok(row))
    })))
}

fn acl_explode(args: &[&Value], call: &Call<'_>) -> Result<Rows> {
    let session = call.ctx.session;
    let rows = session.call("aclexplode", args, call.result_type())?;
    let Value::Array(rows) = rows else {
        return Ok(Box::new(std::iter::empty()));
    };
    let rows: Vec<Value> = rows.elements.clone();
    Ok(Box::new(rows.into_iter().filter_map(|row| match row {
        Value::Record(fields) => Some(Ok(fields.to_vec())),
        _ => None,
    })))
}
