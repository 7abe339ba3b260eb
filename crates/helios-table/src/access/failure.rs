//! The errors of refused rows, worded as PostgreSQL words them.

use std::fmt::Write;

use helios_base::{DataType, Error, Result, SqlState, TextContext, Value};

use crate::catalog::{IndexDef, KeySource, TableDef};
use crate::row::IndexRules;

/// Longer values are cut in details; bytes.
const SHOWN_BYTES: usize = 64;

/// A value as a detail shows it.
fn show(value: &Value, ty: &DataType, context: &TextContext, out: &mut String) {
    if value.is_null() {
        out.push_str("null");
        return;
    }
    let text = value.to_text(ty, context);
    if text.len() <= SHOWN_BYTES {
        out.push_str(&text);
        return;
    }
    let mut end = SHOWN_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    out.push_str(&text[..end]);
    out.push_str("...");
}

/// `(name, …)=(value, …)`.
pub(crate) fn describe_key<'a>(
    names: impl IntoIterator<Item = &'a str>,
    values: impl IntoIterator<Item = (&'a Value, &'a DataType)>,
) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let mut text = format!("({})=(", names.join(", "));
    for (i, (value, ty)) in values.into_iter().enumerate() {
        if i > 0 {
            text.push_str(", ");
        }
        show(value, ty, &TextContext::default(), &mut text);
    }
    text.push(')');
    text
}

/// `Failing row contains (…).`
#[must_use]
pub fn failing_row(table: &TableDef, row: &[Value], context: &TextContext) -> String {
    let mut text = String::from("Failing row contains (");
    for (i, (column, value)) in table.columns.iter().zip(row).enumerate() {
        if i > 0 {
            text.push_str(", ");
        }
        show(value, &column.ty, context, &mut text);
    }
    text.push_str(").");
    text
}

/// Names the table in the error's fields.
pub(crate) fn of_table(error: Error, table: &TableDef) -> Error {
    error
        .with_schema(&table.schema_name)
        .with_table(&table.name)
}

/// 23502.
pub(super) fn not_null(
    table: &TableDef,
    column: usize,
    row: &[Value],
    context: &TextContext,
) -> Error {
    let name = table.columns.get(column).map_or("", |c| c.name.as_str());
    let error = Error::new(
        SqlState::NOT_NULL_VIOLATION,
        format!(
            "null value in column \"{name}\" of relation \"{}\" violates not-null constraint",
            table.name
        ),
    );
    of_table(error, table)
        .with_detail(failing_row(table, row, context))
        .with_column(name)
}

/// 23514.
pub(super) fn check(
    table: &TableDef,
    constraint: &str,
    row: &[Value],
    context: &TextContext,
) -> Error {
    let error = Error::new(
        SqlState::CHECK_VIOLATION,
        format!(
            "new row for relation \"{}\" violates check constraint \"{constraint}\"",
            table.name
        ),
    );
    of_table(error, table)
        .with_detail(failing_row(table, row, context))
        .with_constraint(constraint)
}

/// 23505.
pub(super) fn duplicate(table: &TableDef, index: &IndexRules, row: &[Value]) -> Result<Error> {
    let error = Error::new(
        SqlState::UNIQUE_VIOLATION,
        format!(
            "duplicate key value violates unique constraint \"{}\"",
            index.def.name
        ),
    );
    let key = index_key(table, index, row)?;
    Ok(of_table(error, table)
        .with_detail(format!("Key {key} already exists."))
        .with_constraint(&index.def.name))
}

/// 23505 while a unique index is being built over rows that are there.
pub(crate) fn cannot_be_unique(
    table: &TableDef,
    index: &IndexRules,
    row: &[Value],
) -> Result<Error> {
    let error = Error::new(
        SqlState::UNIQUE_VIOLATION,
        format!("could not create unique index \"{}\"", index.def.name),
    );
    let key = index_key(table, index, row)?;
    Ok(of_table(error, table)
        .with_detail(format!("Key {key} is duplicated."))
        .with_constraint(&index.def.name))
}

fn index_key(table: &TableDef, index: &IndexRules, row: &[Value]) -> Result<String> {
    let values = index.key_values(row)?;
    let types = index.key_types().map(|(ty, _)| ty);
    Ok(describe_key(
        key_names(table, &index.def).iter().map(String::as_str),
        values.iter().zip(types),
    ))
}

fn key_names(table: &TableDef, index: &IndexDef) -> Vec<String> {
    index
        .keys
        .iter()
        .map(|key| {
            let mut name = String::new();
            match &key.source {
                KeySource::Column(id) => {
                    if let Some((_, column)) = table.column_by_id(*id) {
                        name.push_str(&column.name);
                    }
                }
                KeySource::Expression { expr, .. } => {
                    let _ = write!(name, "{}", expr.sql);
                }
            }
            name
        })
        .collect()
}
