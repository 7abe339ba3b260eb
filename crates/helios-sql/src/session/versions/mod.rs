//! What the system's functions about branches, differences and history answer.
//!
//! They show what is committed. A *point* is a branch (`dev`: its newest state), a branch and a change
//! number (`dev@1234`), or a named snapshot.

mod advice;
mod branches;
mod compare;
mod history;
mod schema;
mod segments;
mod vectors;

use std::sync::Arc;

use helios_base::{Error, Result, Row, Scn, SqlState, Value};
use helios_table::Catalog;
use helios_table::catalog::{Relation, TableDef};
use helios_version::Snapshot;

use super::state::State;

/// Calls the function `name`, if it is one of these.
pub(super) fn call(state: &State, name: &str, args: &[&Value]) -> Option<Result<Vec<Row>>> {
    let mut texts = Vec::with_capacity(args.len());
    for arg in args {
        match arg {
            Value::Text(text) => texts.push(&**text),
            _ => texts.push(""),
        }
    }
    Some(match (name, texts.as_slice()) {
        ("pg_database_branches", []) => branches::branches(state),
        ("helios_snapshots", []) => branches::snapshots(state),
        ("helios_merges", []) => Ok(branches::merges(state)),
        ("helios_branches", []) => branches::all(state),
        ("helios_retention", []) => branches::retention(state),
        ("helios_system_functions", []) => Ok(branches::system_functions()),
        ("helios_merge_base", [a, b]) => branches::merge_base(state, a, b),
        ("pg_compare_branches", [a, b]) => compare::summary(state, a, b),
        ("helios_diff", [table, from, to]) => compare::rows(state, table, from, to),
        ("helios_schema_diff", [from, to]) => schema::differences(state, from, to),
        ("helios_history", [table, key @ ..]) => history::history(state, table, key),
        ("helios_blame", [table, key @ ..]) => history::blame(state, table, key),
        ("helios_log", args) => history::log(state, args),
        ("helios_audit_log", args) => super::audit::rows(state, args.first().copied()),
        ("helios_backup", [directory]) => super::backup::backup(state, directory),
        ("helios_freeze", args) => segments::freeze(state, args.first().copied()),
        ("helios_query_cache", []) => Ok(state.cached_results()),
        ("helios_hybrid_storage", []) => segments::hybrid(state),
        ("helios_segments", []) => segments::segments(state),
        ("helios_compression", []) => segments::compression(state),
        ("pg_get_keywords", []) => Ok(keywords()),
        ("pg_vector_index_advice", []) => advice::advice(state),
        ("pg_vector_index_stats", []) => vectors::indexes(state),
        _ => return None,
    })
}

/// `pg_get_keywords`.
fn keywords() -> Vec<Row> {
    let keywords = crate::parse::keyword_categories();
    let row = |(word, category, bare): (&str, crate::parse::KeywordCategory, bool)| {
        let (letter, words) = category.shown();
        let label = match bare {
            true => "can be bare label",
            false => "requires AS",
        };
        vec![
            Value::text(word),
            Value::text(char::from(letter).to_string()),
            Value::Bool(bare),
            Value::text(words),
            Value::text(label),
        ]
    };
    keywords.into_iter().map(row).collect()
}

/// A state of the database with what exists there.
struct Point {
    snapshot: Snapshot,
    catalog: Arc<Catalog>,
}

/// Finds a point by its text.
fn point(state: &State, text: &str) -> Result<Point> {
    let store = state.tables.store();
    let snapshot = if let Some(branch) = store.branch(text) {
        store.snapshot(branch.id, None)?
    } else if let Some((_, branch, scn)) = store.pins().into_iter().find(|(pin, ..)| pin == text) {
        store.snapshot(branch, Some(scn))?
    } else {
        match text.rsplit_once('@') {
            Some((name, scn)) => {
                let branch = super::past::branch_named(store, name)?;
                let scn = scn.parse().map_err(|_| {
                    Error::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        format!("invalid change number: \"{scn}\""),
                    )
                })?;
                store.snapshot(branch.id, Some(Scn(scn)))?
            }
            None => store.snapshot(super::past::branch_named(store, text)?.id, None)?,
        }
    };
    let catalog = state.tables.catalog(&snapshot)?;
    Ok(Point { snapshot, catalog })
}

/// The session's branch as it is now.
fn here(state: &State) -> Result<Point> {
    let snapshot = state.tables.store().snapshot(state.branch(), None)?;
    let catalog = state.tables.catalog(&snapshot)?;
    Ok(Point { snapshot, catalog })
}

/// The table called `name` at a point, if there is one.
fn table_at(state: &State, point: &Point, name: &str) -> Result<Option<Arc<TableDef>>> {
    let (schema, table) = super::state::split_name(name)?;
    let path = state.search_path();
    Ok(
        match point.catalog.resolve(schema.as_deref(), &table, &path) {
            Some(Relation::Table(table)) => Some(table),
            _ => None,
        },
    )
}

fn no_table(name: &str) -> Error {
    Error::new(
        SqlState::UNDEFINED_TABLE,
        format!("relation \"{name}\" does not exist"),
    )
}

fn lsn(scn: Scn) -> String {
    format!("{:X}/{:08X}", scn.0 >> 32, scn.0 & 0xffff_ffff)
}

fn number(n: u64) -> Value {
    Value::Int8(i64::try_from(n).unwrap_or(i64::MAX))
}

/// A length of time in µs as an interval is shown.
fn span(micros: i64) -> Value {
    Value::text(super::retention::shown(micros))
}

fn text_or_null(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        Value::text(text)
    }
}
