//! Values that no side of a merge has: those that people wrote, and those that rules compute.
//!
//! They are held to what a column may have, as values of `UPDATE` are.

use std::collections::BTreeMap;

use helios_base::json::Json;
use helios_base::{DataType, Result, Value};
use helios_expr::EvalContext;
use helios_expr::cast::{cast, check_domain, has_modifier};

use crate::catalog::{ColumnDef, TableDef};

/// A row with the values that a person wrote for some of its columns.
pub(super) fn with_values(
    table: &TableDef,
    mut row: Vec<Value>,
    values: &BTreeMap<String, Option<String>>,
    ctx: &EvalContext<'_>,
) -> Result<Vec<Value>> {
    for (place, def) in row.iter_mut().zip(&table.columns) {
        if let Some(text) = values.get(&def.name) {
            *place = given(text.as_deref(), def, ctx)?;
        }
    }
    Ok(row)
}

/// A value that a person wrote for a column.
pub(super) fn given(text: Option<&str>, def: &ColumnDef, ctx: &EvalContext<'_>) -> Result<Value> {
    read(text, def, ctx).map_err(|error| match error.detail() {
        Some(_) => error,
        None => error.with_detail(format!(
            "It is what a resolution says of column \"{}\".",
            def.name
        )),
    })
}

fn read(text: Option<&str>, def: &ColumnDef, ctx: &EvalContext<'_>) -> Result<Value> {
    let base = def.ty.base();
    let value = match (text, &*base) {
        (None, _) => Value::Null,
        (Some(text), DataType::Array(_)) => match Json::parse(text) {
            // As conflict tables show arrays.
            Ok(Json::Array(elements)) => Value::text(array_literal(&elements)),
            _ => Value::text(text),
        },
        (Some(text), _) => Value::text(text),
    };
    let value = match value {
        Value::Null => Value::Null,
        text => cast(&text, &DataType::Unknown, &base, false, ctx)?,
    };
    check_domain(&value, &def.ty, ctx)?;
    Ok(value)
}

/// A computed value as one of a column: not longer than that may be, and in its domain.
pub(super) fn fitted(value: Value, def: &ColumnDef, ctx: &EvalContext<'_>) -> Result<Value> {
    let base = def.ty.base();
    let value = match (&value, &*base) {
        (Value::Text(_), limited) if has_modifier(limited) => {
            cast(&value, &DataType::Text, limited, false, ctx)?
        }
        _ => value,
    };
    check_domain(&value, &def.ty, ctx)?;
    Ok(value)
}

/// An array of JSON as SQL writes it.
fn array_literal(elements: &[Json]) -> String {
    let elements = elements.iter().map(|element| match element {
        Json::Null => "NULL".to_owned(),
        Json::Array(inner) => array_literal(inner),
        Json::String(text) => quoted(text),
        other => quoted(&other.to_string()),
    });
    format!("{{{}}}", elements.collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{text}\"")
}
