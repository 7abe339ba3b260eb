//! `pg_namespace`, `pg_class`, `pg_attribute`, `pg_index`, `pg_constraint` and their kin.

use std::sync::Arc;

use helios_base::{ArrayValue, ColumnId, DataType, Row, Value};
use helios_table::catalog::{
    ColumnDef, ConstraintKind, FkAction, IndexDef, KeySource, Method, SchemaId, TableDef, TypeKind,
};
use helios_table::is_temporary_schema;

use super::Ty::{Bool, Char, Float4, Int2, Int2s, Int4, Name, Oid, Oids, Text, Texts};
use super::relation::{Relation, pg};
use super::{INFORMATION_SCHEMA, OWNER, PG_CATALOG, Source, acl, numbers, text};
use crate::deparse;
use crate::plan::OnCommit;

pub(super) static RELATIONS: &[Relation] = &[
    pg(
        "pg_namespace",
        &[
            ("oid", Oid),
            ("nspname", Name),
            ("nspowner", Oid),
            ("nspacl", Texts),
        ],
        namespaces,
    ),
    pg(
        "pg_class",
        &[
            ("oid", Oid),
            ("relname", Name),
            ("relnamespace", Oid),
            ("reltype", Oid),
            ("relowner", Oid),
            ("relam", Oid),
            ("relfilenode", Oid),
            ("reltablespace", Oid),
            ("relpages", Int4),
            ("reltuples", Float4),
            ("relhasindex", Bool),
            ("relisshared", Bool),
            ("relpersistence", Char),
            ("relkind", Char),
            ("relnatts", Int2),
            ("relchecks", Int2),
            ("relhasrules", Bool),
            ("relhastriggers", Bool),
            ("relrowsecurity", Bool),
            ("relforcerowsecurity", Bool),
            ("relreplident", Char),
            ("relispartition", Bool),
            ("relispopulated", Bool),
            ("reloptions", Texts),
            ("relacl", Texts),
        ],
        classes,
    ),
    pg(
        "pg_attribute",
        &[
            ("attrelid", Oid),
            ("attname", Name),
            ("atttypid", Oid),
            ("attlen", Int2),
            ("attnum", Int2),
            ("attndims", Int4),
            ("atttypmod", Int4),
            ("attnotnull", Bool),
            ("atthasdef", Bool),
            ("attidentity", Char),
            ("attgenerated", Char),
            ("attisdropped", Bool),
            ("attislocal", Bool),
            ("attcollation", Oid),
            ("attalign", Char),
            ("attstorage", Char),
            ("attcacheoff", Int4),
            ("attstattarget", Int4),
            ("attacl", Texts),
        ],
        attributes,
    ),
    pg(
        "pg_attrdef",
        &[
            ("oid", Oid),
            ("adrelid", Oid),
            ("adnum", Int2),
            ("adbin", Text),
        ],
        defaults,
    ),
    pg(
        "pg_index",
        &[
            ("indexrelid", Oid),
            ("indrelid", Oid),
            ("indnatts", Int2),
            ("indnkeyatts", Int2),
            ("indisunique", Bool),
            ("indnullsnotdistinct", Bool),
            ("indisprimary", Bool),
            ("indisexclusion", Bool),
            ("indimmediate", Bool),
            ("indisclustered", Bool),
            ("indisvalid", Bool),
            ("indisready", Bool),
            ("indislive", Bool),
            ("indisreplident", Bool),
            ("indkey", Int2s),
            ("indclass", Oids),
            ("indoption", Int2s),
            ("indexprs", Text),
            ("indpred", Text),
        ],
        indexes,
    ),
    pg(
        "pg_constraint",
        &[
            ("oid", Oid),
            ("conname", Name),
            ("connamespace", Oid),
            ("contype", Char),
            ("condeferrable", Bool),
            ("condeferred", Bool),
            ("convalidated", Bool),
            ("conrelid", Oid),
            ("contypid", Oid),
            ("conindid", Oid),
            ("conparentid", Oid),
            ("confrelid", Oid),
            ("confupdtype", Char),
            ("confdeltype", Char),
            ("confmatchtype", Char),
            ("conislocal", Bool),
            ("conkey", Int2s),
            ("confkey", Int2s),
            ("conbin", Text),
        ],
        constraints,
    ),
    pg(
        "pg_description",
        &[
            ("objoid", Oid),
            ("classoid", Oid),
            ("objsubid", Int4),
            ("description", Text),
        ],
        descriptions,
    ),
];

fn namespaces(source: &Source<'_>) -> Vec<Row> {
    let row =
        |oid: u32, name: &str| vec![Value::Oid(oid), text(name), Value::Oid(OWNER), Value::Null];
    let mut rows = vec![
        row(PG_CATALOG, "pg_catalog"),
        row(INFORMATION_SCHEMA, "information_schema"),
    ];
    rows.extend(source.catalog.schemas().map(|schema| {
        let mut row = row(schema.id.0, &schema.name);
        if let [_, _, owner, who] = row.as_mut_slice() {
            *owner = Value::Oid(source.catalog.owner(schema.id.0).0);
            *who = acl::of_schema(source, schema.id);
        }
        row
    }));
    rows
}

/// What differs between the relations of `pg_class`.
struct Class<'c> {
    oid: u32,
    name: &'c str,
    schema: u32,
    kind: &'static str,
    columns: usize,
    checks: usize,
    indexed: bool,
    triggers: bool,
    access: u32,
    row_type: u32,
}

impl Class<'_> {
    fn row(&self, source: &Source<'_>) -> Row {
        let schema = source.catalog.schema_by_id(SchemaId(self.schema));
        let temporary = schema.is_some_and(|schema| is_temporary_schema(&schema.name));
        let no = || Value::Bool(false);
        let table = source.catalog.table_by_id(helios_base::TableId(self.oid));
        let security = table.map(|table| &table.row_security);
        let count = |n: usize| Value::Int2(i16::try_from(n).unwrap_or(i16::MAX));
        vec![
            Value::Oid(self.oid),
            text(self.name),
            Value::Oid(self.schema),
            Value::Oid(self.row_type),
            Value::Oid(source.catalog.owner(self.oid).0),
            Value::Oid(self.access),
            Value::Oid(self.oid),
            Value::Oid(0),
            Value::Int4(0),
            Value::Float4(-1.0),
            Value::Bool(self.indexed),
            no(),
            text(if temporary { "t" } else { "p" }),
            text(self.kind),
            count(self.columns),
            count(self.checks),
            Value::Bool(self.kind == "v"),
            Value::Bool(self.triggers),
            Value::Bool(security.is_some_and(|security| security.enabled)),
            Value::Bool(security.is_some_and(|security| security.forced)),
            text(if matches!(self.kind, "r") { "d" } else { "n" }),
            no(),
            Value::Bool(true),
            table.map_or(Value::Null, options),
            acl::of(source, self.oid),
        ]
    }
}

/// The options of a table, as they are written.
fn options(table: &Arc<TableDef>) -> Value {
    let shown = |(name, _): &(&String, &String)| *name != OnCommit::OPTION;
    let options = table.options.iter().filter(shown);
    let options: Vec<_> = options
        .map(|(name, value)| text(format!("{name}={value}")))
        .collect();
    match options.is_empty() {
        true => Value::Null,
        false => Value::from(ArrayValue::one_dimensional(options)),
    }
}

/// `pg_am`: heap and btree.
const HEAP: u32 = 2;
const BTREE: u32 = 403;
pub(super) const HNSW: u32 = 9010;
pub(super) const IVF: u32 = 9011;
pub(super) const LSH: u32 = 9012;

/// The access method of an index.
fn access(index: &IndexDef) -> u32 {
    match Method::named(&index.method) {
        Some(Method::Hnsw) => HNSW,
        Some(Method::Ivf) => IVF,
        Some(Method::Lsh) => LSH,
        None => BTREE,
    }
}

fn classes(source: &Source<'_>) -> Vec<Row> {
    let plain = Class {
        oid: 0,
        name: "",
        schema: 0,
        kind: "r",
        columns: 0,
        checks: 0,
        indexed: false,
        triggers: false,
        access: 0,
        row_type: 0,
    };
    let mut rows = Vec::new();
    for table in source.catalog.tables() {
        rows.push(
            Class {
                oid: table.id.0,
                name: &table.name,
                schema: table.schema.0,
                columns: table.columns.len(),
                checks: table.checks().count(),
                indexed: !table.indexes.is_empty(),
                triggers: table.foreign_keys().next().is_some()
                    || source.catalog.referencing(table.id).next().is_some(),
                access: HEAP,
                row_type: table.id.0,
                ..plain
            }
            .row(source),
        );
        rows.extend(table.indexes.iter().map(|index| {
            Class {
                oid: index.id.0,
                name: &index.name,
                schema: table.schema.0,
                kind: "i",
                columns: index.keys.len() + index.include.len(),
                access: access(index),
                ..plain
            }
            .row(source)
        }));
    }
    rows.extend(source.catalog.views().map(|view| {
        Class {
            oid: view.id.0,
            name: &view.name,
            schema: view.schema.0,
            kind: "v",
            columns: view.columns.len(),
            row_type: view.id.0,
            ..plain
        }
        .row(source)
    }));
    for def in source.catalog.types() {
        if let TypeKind::Composite(fields) = &def.kind {
            let class = Class {
                oid: def.id.0,
                name: &def.name,
                schema: def.schema.0,
                kind: "c",
                columns: fields.len(),
                row_type: def.id.0,
                ..plain
            };
            rows.push(class.row(source));
        }
    }
    rows.extend(super::numbered().map(|(oid, (schema, name))| {
        Class {
            oid,
            name,
            schema: if schema == "pg_catalog" {
                PG_CATALOG
            } else {
                INFORMATION_SCHEMA
            },
            kind: if super::is_table(name) { "r" } else { "v" },
            columns: super::columns::of(schema, name).map_or(0, |relation| relation.columns.len()),
            ..plain
        }
        .row(source)
    }));
    rows.extend(source.catalog.sequences().map(|sequence| {
        Class {
            oid: sequence.id.0,
            name: &sequence.name,
            schema: sequence.schema.0,
            kind: "S",
            columns: 3,
            ..plain
        }
        .row(source)
    }));
    rows
}

fn attributes(source: &Source<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |relation: u32,
                   number: i16,
                   name: &str,
                   ty: &DataType,
                   not_null: bool,
                   default: bool,
                   identity: &'static str,
                   generated: &'static str| {
        let (align, storage) = super::types::layout(ty);
        rows.push(vec![
            Value::Oid(relation),
            text(name),
            Value::Oid(ty.oid()),
            Value::Int2(ty.width()),
            Value::Int2(number),
            Value::Int4(i32::from(matches!(ty, DataType::Array(_)))),
            Value::Int4(ty.modifier()),
            Value::Bool(not_null),
            Value::Bool(default),
            text(identity),
            text(generated),
            Value::Bool(false),
            Value::Bool(true),
            Value::Oid(if ty.base().is_string() { 100 } else { 0 }),
            text(align),
            text(storage),
            Value::Int4(-1),
            Value::Int4(-1),
            acl::of_column(source, relation, number),
        ]);
    };
    for table in source.catalog.tables() {
        for column in &table.columns {
            let identity = match &column.identity {
                Some(identity) if identity.always => "a",
                Some(_) => "d",
                None => "",
            };
            let generated = if column.generated.is_some() { "s" } else { "" };
            add(
                table.id.0,
                number(column.id),
                &column.name,
                &column.ty,
                column.not_null,
                deparse::object::shows_default(column) || column.generated.is_some(),
                identity,
                generated,
            );
        }
        for index in &table.indexes {
            for (at, key) in index.keys.iter().enumerate() {
                let expression = match &key.source {
                    KeySource::Expression { expr, ty } => (
                        expr.sql.split('(').next().unwrap_or("expr").trim(),
                        ty.clone(),
                    ),
                    KeySource::Column(_) => ("expr", DataType::Text),
                };
                let (name, ty) = match key.as_column().and_then(|id| table.column_by_id(id)) {
                    Some((_, column)) => (column.name.as_str(), column.ty.clone()),
                    None => expression,
                };
                let at = i16::try_from(at + 1).unwrap_or(i16::MAX);
                add(index.id.0, at, name, &ty, false, false, "", "");
            }
            for (id, at) in index.include.iter().zip(index.keys.len() + 1..) {
                if let Some((_, column)) = table.column_by_id(*id) {
                    let at = i16::try_from(at).unwrap_or(i16::MAX);
                    add(
                        index.id.0,
                        at,
                        &column.name,
                        &column.ty,
                        false,
                        false,
                        "",
                        "",
                    );
                }
            }
        }
    }
    for def in source.catalog.types() {
        if let TypeKind::Composite(fields) = &def.kind {
            for (field, at) in fields.iter().zip(1..) {
                add(def.id.0, at, &field.name, &field.ty, false, false, "", "");
            }
        }
    }
    for (oid, (schema, name)) in super::numbered() {
        let declared = super::columns::of(schema, name);
        for (column, at) in declared.map_or(&[][..], |d| &d.columns).iter().zip(1..) {
            add(oid, at, column.name, &column.ty, false, false, "", "");
        }
    }
    for view in source.catalog.views() {
        for (at, column) in view.columns.iter().enumerate() {
            let at = i16::try_from(at + 1).unwrap_or(i16::MAX);
            add(
                view.id.0,
                at,
                &column.name,
                &column.ty,
                false,
                false,
                "",
                "",
            );
        }
    }
    rows
}

/// A column's number as `attnum`.
pub(crate) fn number(column: ColumnId) -> i16 {
    i16::try_from(column.0).unwrap_or(i16::MAX)
}

/// Defaults have no numbers of their own: the table's and the column's make one.
pub(super) fn default_oid(table: &TableDef, column: &ColumnDef) -> u32 {
    const FIRST: u32 = 1 << 31;
    FIRST | table.id.0.wrapping_mul(2048).wrapping_add(column.id.0) & (FIRST - 1)
}

fn defaults(source: &Source<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in source.catalog.tables() {
        for column in &table.columns {
            let generated = column.generated.as_ref().map(|generated| &generated.sql);
            let default = column.default.as_ref();
            let default = default.filter(|_| deparse::object::shows_default(column));
            if let Some(sql) = default.or(generated) {
                rows.push(vec![
                    Value::Oid(default_oid(table, column)),
                    Value::Oid(table.id.0),
                    Value::Int2(number(column.id)),
                    text(deparse::object::stored_default(sql, column)),
                ]);
            }
        }
    }
    rows
}

/// Numbers counted from 0, as vectors are.
fn vector(list: impl IntoIterator<Item = i16>) -> Value {
    let elements: Vec<Value> = list.into_iter().map(Value::Int2).collect();
    let length = u32::try_from(elements.len()).unwrap_or(0);
    let dims = if length == 0 {
        Vec::new()
    } else {
        vec![(length, 0)]
    };
    ArrayValue::new(dims, elements).map_or(Value::Null, Value::from)
}

fn key_numbers(index: &IndexDef) -> Value {
    let keys = index
        .keys
        .iter()
        .map(|key| key.as_column().map_or(0, number));
    let include = index.include.iter().map(|id| number(*id));
    vector(keys.chain(include))
}

fn indexes(source: &Source<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in source.catalog.tables() {
        for index in &table.indexes {
            let count = |n: usize| Value::Int2(i16::try_from(n).unwrap_or(i16::MAX));
            let deferrable = index
                .constraint
                .and_then(|id| table.constraint_by_id(id))
                .is_some_and(|constraint| constraint.deferrable);
            let options = index
                .keys
                .iter()
                .map(|key| i16::from(key.descending) | (i16::from(key.nulls_first) << 1));
            rows.push(vec![
                Value::Oid(index.id.0),
                Value::Oid(table.id.0),
                count(index.keys.len() + index.include.len()),
                count(index.keys.len()),
                Value::Bool(index.unique),
                Value::Bool(index.nulls_not_distinct),
                Value::Bool(index.primary),
                Value::Bool(false),
                Value::Bool(!deferrable),
                Value::Bool(false),
                Value::Bool(true),
                Value::Bool(true),
                Value::Bool(true),
                Value::Bool(false),
                key_numbers(index),
                super::opclasses::of_index(table, index),
                vector(options),
                deparse::object::stored_keys(index).map_or(Value::Null, text),
                index
                    .predicate
                    .as_ref()
                    .map_or(Value::Null, |p| text(p.sql.as_str())),
            ]);
        }
    }
    rows
}

fn action(action: FkAction) -> &'static str {
    match action {
        FkAction::NoAction => "a",
        FkAction::Restrict => "r",
        FkAction::Cascade => "c",
        FkAction::SetNull => "n",
        FkAction::SetDefault => "d",
    }
}

/// The columns that a constraint speaks of.
pub(super) fn constrained(table: &TableDef, kind: &ConstraintKind) -> Vec<ColumnId> {
    match kind {
        ConstraintKind::Check { columns, .. } => columns.clone(),
        ConstraintKind::PrimaryKey { index } | ConstraintKind::Unique { index } => {
            table.index_by_id(*index).map_or_else(Vec::new, |i| {
                i.keys.iter().filter_map(|k| k.as_column()).collect()
            })
        }
        ConstraintKind::ForeignKey(fk) => fk.columns.clone(),
    }
}

fn constraints(source: &Source<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in source.catalog.tables() {
        for constraint in &table.constraints {
            let columns = constrained(table, &constraint.kind);
            let (kind, check) = match &constraint.kind {
                ConstraintKind::Check { sql, .. } => ("c", Some(sql.as_str())),
                ConstraintKind::PrimaryKey { .. } => ("p", None),
                ConstraintKind::Unique { .. } => ("u", None),
                ConstraintKind::ForeignKey(_) => ("f", None),
            };
            let fk = constraint.as_foreign_key();
            let index = fk.map(|fk| fk.parent_index).or(constraint.index());
            rows.push(vec![
                Value::Oid(constraint.id.0),
                text(constraint.name.as_str()),
                Value::Oid(table.schema.0),
                text(kind),
                Value::Bool(constraint.deferrable),
                Value::Bool(constraint.initially_deferred),
                Value::Bool(constraint.validated),
                Value::Oid(table.id.0),
                Value::Oid(0),
                Value::Oid(index.map_or(0, |id| id.0)),
                Value::Oid(0),
                Value::Oid(fk.map_or(0, |fk| fk.parent.0)),
                text(fk.map_or(" ", |fk| action(fk.on_update))),
                text(fk.map_or(" ", |fk| action(fk.on_delete))),
                text(fk.map_or(" ", |fk| if fk.match_full { "f" } else { "s" })),
                Value::Bool(true),
                numbers(columns.iter().map(|id| number(*id))),
                fk.map_or(Value::Null, |fk| {
                    numbers(fk.parent_columns.iter().map(|id| number(*id)))
                }),
                check.map_or(Value::Null, text),
            ]);
        }
    }
    for def in source.catalog.types() {
        for check in def.as_domain().map_or(&[][..], |domain| &domain.checks) {
            rows.push(vec![
                Value::Oid(check.id.0),
                text(check.name.as_str()),
                Value::Oid(def.schema.0),
                text("c"),
                Value::Bool(false),
                Value::Bool(false),
                Value::Bool(check.validated),
                Value::Oid(0),
                Value::Oid(def.id.0),
                Value::Oid(0),
                Value::Oid(0),
                Value::Oid(0),
                text(" "),
                text(" "),
                text(" "),
                Value::Bool(true),
                Value::Null,
                Value::Null,
                text(check.sql.as_str()),
            ]);
        }
    }
    rows
}

fn descriptions(source: &Source<'_>) -> Vec<Row> {
    /// The numbers of `pg_class`, `pg_namespace`, `pg_constraint` and others as relations.
    const CLASS: u32 = 1259;
    const TYPE: u32 = 1247;
    const NAMESPACE: u32 = 2615;
    const CONSTRAINT: u32 = 2606;
    const PROC: u32 = 1255;
    let mut rows = Vec::new();
    let mut add = |oid: u32, class: u32, part: i32, comment: &Option<String>| {
        if let Some(comment) = comment {
            rows.push(vec![
                Value::Oid(oid),
                Value::Oid(class),
                Value::Int4(part),
                text(comment.as_str()),
            ]);
        }
    };
    for schema in source.catalog.schemas() {
        add(schema.id.0, NAMESPACE, 0, &schema.comment);
    }
    for table in source.catalog.tables() {
        add(table.id.0, CLASS, 0, &table.comment);
        for column in &table.columns {
            add(
                table.id.0,
                CLASS,
                i32::from(number(column.id)),
                &column.comment,
            );
        }
        for index in &table.indexes {
            add(index.id.0, CLASS, 0, &index.comment);
        }
        for constraint in &table.constraints {
            add(constraint.id.0, CONSTRAINT, 0, &constraint.comment);
        }
    }
    for view in source.catalog.views() {
        add(view.id.0, CLASS, 0, &view.comment);
        for (column, at) in view.columns.iter().zip(1..) {
            add(view.id.0, CLASS, at, &column.comment);
        }
    }
    for sequence in source.catalog.sequences() {
        add(sequence.id.0, CLASS, 0, &sequence.comment);
    }
    for def in source.catalog.types() {
        add(def.id.0, TYPE, 0, &def.comment);
    }
    for def in source.catalog.functions() {
        add(def.id.0, PROC, 0, &def.comment);
    }
    rows
}
