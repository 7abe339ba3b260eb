//! What belongs to no database of a server alone: tablespaces, collations; and `pg_sequence`.

use helios_base::{Row, Value};

use super::Ty::{Bool, Char, Int4, Int8, Name, Oid, Text};
use super::relation::{Relation, pg};
use super::{OWNER, PG_CATALOG, Source, text};

pub(super) static RELATIONS: &[Relation] = &[
    pg(
        "pg_tablespace",
        &[("oid", Oid), ("spcname", Name), ("spcowner", Oid)],
        |_| {
            let row = |oid, name| vec![Value::Oid(oid), text(name), Value::Oid(OWNER)];
            vec![row(1663, "pg_default"), row(1664, "pg_global")]
        },
    ),
    pg(
        "pg_collation",
        &[
            ("oid", Oid),
            ("collname", Name),
            ("collnamespace", Oid),
            ("collowner", Oid),
            ("collprovider", Char),
            ("collisdeterministic", Bool),
            ("collencoding", Int4),
            ("collcollate", Text),
            ("collctype", Text),
        ],
        |_| {
            let row = |oid, name: &str, provider, locale: Option<&str>| {
                let locale = || locale.map_or(Value::Null, text);
                vec![
                    Value::Oid(oid),
                    text(name),
                    Value::Oid(PG_CATALOG),
                    Value::Oid(OWNER),
                    text(provider),
                    Value::Bool(true),
                    Value::Int4(-1),
                    locale(),
                    locale(),
                ]
            };
            vec![
                row(100, "default", "d", None),
                row(950, "C", "c", Some("C")),
                row(951, "POSIX", "c", Some("POSIX")),
            ]
        },
    ),
    pg(
        "pg_sequence",
        &[
            ("seqrelid", Oid),
            ("seqtypid", Oid),
            ("seqstart", Int8),
            ("seqincrement", Int8),
            ("seqmax", Int8),
            ("seqmin", Int8),
            ("seqcache", Int8),
            ("seqcycle", Bool),
        ],
        |source| {
            let sequences = source.catalog.sequences();
            sequences
                .map(|s| {
                    vec![
                        Value::Oid(s.id.0),
                        Value::Oid(s.ty.oid()),
                        Value::Int8(s.start),
                        Value::Int8(s.increment),
                        Value::Int8(s.max),
                        Value::Int8(s.min),
                        Value::Int8(s.cache),
                        Value::Bool(s.cycle),
                    ]
                })
                .collect()
        },
    ),
    pg("pg_stat_user_tables", STAT, stat_tables),
    pg("pg_stat_all_tables", STAT, stat_tables),
    pg("pg_stat_user_indexes", STAT_INDEX, stat_indexes),
    pg("pg_stat_all_indexes", STAT_INDEX, stat_indexes),
];

const STAT_INDEX: &[(&str, super::Ty)] = &[
    ("relid", Oid),
    ("indexrelid", Oid),
    ("schemaname", Name),
    ("relname", Name),
    ("indexrelname", Name),
];

/// Which indexes there are; nobody counts their scans.
fn stat_indexes(source: &Source<'_>) -> Vec<Row> {
    let tables = source.catalog.tables();
    let indexes = tables.flat_map(|table| table.indexes.iter().map(move |index| (table, index)));
    indexes
        .map(|(table, index)| {
            vec![
                Value::Oid(table.id.0),
                Value::Oid(index.id.0),
                text(table.schema_name.as_str()),
                text(table.name.as_str()),
                text(index.name.as_str()),
            ]
        })
        .collect()
}

const STAT: &[(&str, super::Ty)] = &[("relid", Oid), ("schemaname", Name), ("relname", Name)];

/// Which tables there are; nobody counts their accesses.
fn stat_tables(source: &Source<'_>) -> Vec<Row> {
    let tables = source.catalog.tables();
    tables
        .map(|table| {
            vec![
                Value::Oid(table.id.0),
                text(table.schema_name.as_str()),
                text(table.name.as_str()),
            ]
        })
        .collect()
}
