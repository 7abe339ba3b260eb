//! The views that show objects by name: `pg_tables`, `pg_views`, `pg_indexes`, `pg_sequences`.

use helios_base::{DataType, Row, Value};

use crate::deparse;

use super::Ty::{Bool, Int8, Name, Text};
use super::relation::{Relation, pg};
use super::{Source, text};

pub(super) static RELATIONS: &[Relation] = &[
    pg(
        "pg_tables",
        &[
            ("schemaname", Name),
            ("tablename", Name),
            ("tableowner", Name),
            ("tablespace", Name),
            ("hasindexes", Bool),
            ("hasrules", Bool),
            ("hastriggers", Bool),
            ("rowsecurity", Bool),
        ],
        |source| {
            let owner = |object: u32| text(source.owner_name(object));
            let row = |t: &helios_table::catalog::TableDef| {
                vec![
                    text(t.schema_name.as_str()),
                    text(t.name.as_str()),
                    owner(t.id.0),
                    Value::Null,
                    Value::Bool(!t.indexes.is_empty()),
                    Value::Bool(false),
                    Value::Bool(t.foreign_keys().next().is_some()),
                    Value::Bool(t.row_security.enabled),
                ]
            };
            source.catalog.tables().map(|table| row(table)).collect()
        },
    ),
    pg(
        "pg_views",
        &[
            ("schemaname", Name),
            ("viewname", Name),
            ("viewowner", Name),
            ("definition", Text),
        ],
        |source| {
            let owner = |object: u32| text(source.owner_name(object));
            let views = source.catalog.views();
            views
                .map(|view| {
                    vec![
                        text(view.schema_name.as_str()),
                        text(view.name.as_str()),
                        owner(view.id.0),
                        text(deparse::view_or_text(view, source.names(), false)),
                    ]
                })
                .collect()
        },
    ),
    pg(
        "pg_indexes",
        &[
            ("schemaname", Name),
            ("tablename", Name),
            ("indexname", Name),
            ("tablespace", Name),
            ("indexdef", Text),
        ],
        indexes,
    ),
    pg(
        "pg_sequences",
        &[
            ("schemaname", Name),
            ("sequencename", Name),
            ("sequenceowner", Name),
            ("data_type", Text),
            ("start_value", Int8),
            ("min_value", Int8),
            ("max_value", Int8),
            ("increment_by", Int8),
            ("cycle", Bool),
            ("cache_size", Int8),
            ("last_value", Int8),
        ],
        sequences,
    )
    .unsteady(),
];

fn indexes(source: &Source<'_>) -> Vec<Row> {
    let tables = source.catalog.tables();
    tables
        .flat_map(|table| {
            table.indexes.iter().map(|index| {
                vec![
                    text(table.schema_name.as_str()),
                    text(table.name.as_str()),
                    text(index.name.as_str()),
                    Value::Null,
                    text(deparse::object::index(table, index, source.names(), false)),
                ]
            })
        })
        .collect()
}

/// The last number that a sequence gave; `NULL` if it gave none, or the role may not ask.
fn last_value(source: &Source<'_>, sequence: u32) -> Value {
    let sequence = Value::Oid(sequence);
    let ty = DataType::Int8;
    let last = source
        .session
        .call("pg_sequence_last_value", &[&sequence], &ty);
    last.unwrap_or(Value::Null)
}

fn sequences(source: &Source<'_>) -> Vec<Row> {
    let owner = |object: u32| text(source.owner_name(object));
    let sequences = source.catalog.sequences();
    sequences
        .map(|s| {
            vec![
                text(s.schema_name.as_str()),
                text(s.name.as_str()),
                owner(s.id.0),
                text(s.ty.to_string()),
                Value::Int8(s.start),
                Value::Int8(s.min),
                Value::Int8(s.max),
                Value::Int8(s.increment),
                Value::Bool(s.cycle),
                Value::Int8(s.cache),
                last_value(source, s.id.0),
            ]
        })
        .collect()
}
