//! `pg_type` and what else is always the same: `pg_am`, `pg_roles`, `pg_database`.

use helios_base::{DataType, Row, Value};

use super::Ty::{Bool, Char, Int2, Int4, Name, Oid, Text};
use super::relation::{Relation, pg};
use super::{OWNER, PG_CATALOG, Source, text};

pub(super) static RELATIONS: &[Relation] = &[
    pg(
        "pg_type",
        &[
            ("oid", Oid),
            ("typname", Name),
            ("typnamespace", Oid),
            ("typowner", Oid),
            ("typlen", Int2),
            ("typbyval", Bool),
            ("typtype", Char),
            ("typcategory", Char),
            ("typispreferred", Bool),
            ("typisdefined", Bool),
            ("typdelim", Char),
            ("typrelid", Oid),
            ("typelem", Oid),
            ("typarray", Oid),
            ("typnotnull", Bool),
            ("typbasetype", Oid),
            ("typtypmod", Int4),
            ("typndims", Int4),
            ("typcollation", Oid),
            ("typdefault", Text),
        ],
        types,
    ),
    pg(
        "pg_am",
        &[("oid", Oid), ("amname", Name), ("amtype", Char)],
        |_| {
            vec![
                vec![Value::Oid(2), text("heap"), text("t")],
                vec![Value::Oid(403), text("btree"), text("i")],
            ]
        },
    ),
    pg(
        "pg_roles",
        &[
            ("oid", Oid),
            ("rolname", Name),
            ("rolsuper", Bool),
            ("rolinherit", Bool),
            ("rolcreaterole", Bool),
            ("rolcreatedb", Bool),
            ("rolcanlogin", Bool),
            ("rolreplication", Bool),
            ("rolconnlimit", Int4),
        ],
        |source| {
            let yes = || Value::Bool(true);
            vec![vec![
                Value::Oid(OWNER),
                text(source.session.current_user()),
                yes(),
                yes(),
                yes(),
                yes(),
                yes(),
                Value::Bool(false),
                Value::Int4(-1),
            ]]
        },
    ),
    pg(
        "pg_database",
        &[
            ("oid", Oid),
            ("datname", Name),
            ("datdba", Oid),
            ("encoding", Int4),
            ("datcollate", Name),
            ("datctype", Name),
            ("datistemplate", Bool),
            ("datallowconn", Bool),
            ("datconnlimit", Int4),
            ("datacl", Text),
        ],
        |source| {
            vec![vec![
                Value::Oid(5),
                text(source.session.current_database()),
                Value::Oid(OWNER),
                Value::Int4(6),
                text("C"),
                text("C.UTF-8"),
                Value::Bool(false),
                Value::Bool(true),
                Value::Int4(-1),
                Value::Null,
            ]]
        },
    ),
];

/// PostgreSQL's short name, category and whether it is preferred in it.
const TYPES: &[(DataType, &str, &str, bool)] = &[
    (DataType::Bool, "bool", "B", true),
    (DataType::Bytea, "bytea", "U", false),
    (DataType::Name, "name", "S", false),
    (DataType::Int8, "int8", "N", false),
    (DataType::Int2, "int2", "N", false),
    (DataType::Int4, "int4", "N", false),
    (DataType::Text, "text", "S", true),
    (DataType::Oid, "oid", "N", true),
    (DataType::Json, "json", "U", false),
    (DataType::Float4, "float4", "N", false),
    (DataType::Float8, "float8", "N", true),
    (DataType::Unknown, "unknown", "X", false),
    (DataType::Char(None), "bpchar", "S", false),
    (DataType::Varchar(None), "varchar", "S", false),
    (DataType::Date, "date", "D", false),
    (DataType::Time, "time", "D", false),
    (DataType::Timestamp, "timestamp", "D", false),
    (DataType::TimestampTz, "timestamptz", "D", true),
    (DataType::Interval, "interval", "T", true),
    (DataType::Numeric(None), "numeric", "N", false),
    (DataType::Record, "record", "P", false),
    (DataType::Void, "void", "P", false),
    (DataType::Uuid, "uuid", "U", false),
    (DataType::Jsonb, "jsonb", "U", false),
];

/// Bytes of a fixed-width type; -1 for others.
pub(super) fn length(ty: &DataType) -> i16 {
    match ty {
        DataType::Bool => 1,
        DataType::Int2 => 2,
        DataType::Int4 | DataType::Float4 | DataType::Date | DataType::Oid => 4,
        DataType::Int8
        | DataType::Float8
        | DataType::Time
        | DataType::Timestamp
        | DataType::TimestampTz => 8,
        DataType::Interval | DataType::Uuid => 16,
        DataType::Name => 64,
        _ => -1,
    }
}

fn types(_: &Source<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (ty, name, category, preferred) in TYPES {
        let array = DataType::Array(Box::new(ty.clone()));
        let pseudo = *category == "P" || *category == "X";
        rows.push(row(ty, name, category, *preferred, 0, array.oid()));
        if !pseudo {
            let name = format!("_{name}");
            rows.push(row(&array, &name, "A", false, ty.oid(), 0));
        }
    }
    rows
}

fn row(
    ty: &DataType,
    name: &str,
    category: &str,
    preferred: bool,
    element: u32,
    array: u32,
) -> Row {
    let length = length(ty);
    vec![
        Value::Oid(ty.oid()),
        text(name),
        Value::Oid(PG_CATALOG),
        Value::Oid(OWNER),
        Value::Int2(length),
        Value::Bool((1..=8).contains(&length)),
        text(if category == "P" || category == "X" {
            "p"
        } else {
            "b"
        }),
        text(category),
        Value::Bool(preferred),
        Value::Bool(true),
        text(","),
        Value::Oid(0),
        Value::Oid(element),
        Value::Oid(array),
        Value::Bool(false),
        Value::Oid(0),
        Value::Int4(-1),
        Value::Int4(0),
        Value::Oid(if ty.is_string() { 100 } else { 0 }),
        Value::Null,
    ]
}
