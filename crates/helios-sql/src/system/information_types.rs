//! `information_schema` about types, routines and what one role has.

use helios_base::{DataType, Row, Value};
use helios_table::catalog::TypeKind;

use crate::deparse;

use super::Ty::{Int4, Name, Text};
use super::information_schema::{HERE, type_name};
use super::relation::{Relation, pg};
use super::{Source, proc_list, text, yes_no};

pub(super) static RELATIONS: &[Relation] = &[
    pg(
        "domains",
        &[
            ("domain_catalog", Name),
            ("domain_schema", Name),
            ("domain_name", Name),
            ("data_type", Text),
            ("character_maximum_length", Int4),
            ("domain_default", Text),
            ("udt_catalog", Name),
            ("udt_schema", Name),
            ("udt_name", Name),
        ],
        domains,
    )
    .within(HERE),
    pg(
        "domain_constraints",
        &[
            ("constraint_catalog", Name),
            ("constraint_schema", Name),
            ("constraint_name", Name),
            ("domain_catalog", Name),
            ("domain_schema", Name),
            ("domain_name", Name),
            ("is_deferrable", Text),
            ("initially_deferred", Text),
        ],
        domain_constraints,
    )
    .within(HERE),
    pg(
        "user_defined_types",
        &[
            ("user_defined_type_catalog", Name),
            ("user_defined_type_schema", Name),
            ("user_defined_type_name", Name),
            ("user_defined_type_category", Text),
            ("is_instantiable", Text),
        ],
        |source| {
            let composite = |kind: &TypeKind| matches!(kind, TypeKind::Composite(_));
            let types = source.catalog.types().filter(|def| composite(&def.kind));
            types
                .map(|def| {
                    vec![
                        text(source.session.current_database()),
                        text(def.schema_name.as_str()),
                        text(def.name.as_str()),
                        text("STRUCTURED"),
                        yes_no(true),
                    ]
                })
                .collect()
        },
    )
    .within(HERE),
    pg(
        "attributes",
        &[
            ("udt_catalog", Name),
            ("udt_schema", Name),
            ("udt_name", Name),
            ("attribute_name", Name),
            ("ordinal_position", Int4),
            ("is_nullable", Text),
            ("data_type", Text),
            ("attribute_udt_name", Name),
        ],
        attributes,
    )
    .within(HERE),
    pg(
        "routines",
        &[
            ("specific_catalog", Name),
            ("specific_schema", Name),
            ("specific_name", Name),
            ("routine_catalog", Name),
            ("routine_schema", Name),
            ("routine_name", Name),
            ("routine_type", Text),
            ("data_type", Text),
            ("routine_body", Text),
            ("external_language", Text),
        ],
        routines,
    )
    .within(HERE),
    pg(
        "information_schema_catalog_name",
        &[("catalog_name", Name)],
        |source| vec![vec![text(source.session.current_database())]],
    )
    .within(HERE),
    pg(
        "constraint_column_usage",
        &[
            ("table_catalog", Name),
            ("table_schema", Name),
            ("table_name", Name),
            ("column_name", Name),
            ("constraint_catalog", Name),
            ("constraint_schema", Name),
            ("constraint_name", Name),
        ],
        column_usage,
    )
    .within(HERE),
];

/// What a domain is made of, as `data_type` shows it.
fn base_name(base: &DataType) -> String {
    match base {
        DataType::User(_) => "USER-DEFINED".to_owned(),
        base => type_name(base),
    }
}

fn domains(source: &Source<'_>) -> Vec<Row> {
    let database = || text(source.session.current_database());
    let mut rows = Vec::new();
    for def in source.catalog.types() {
        let ty = def.data_type();
        let (Some(domain), DataType::User(user)) = (def.as_domain(), &ty) else {
            continue;
        };
        let base = user.as_domain().map_or(&domain.base, |found| &found.base);
        let length = match base {
            DataType::Varchar(Some(n)) | DataType::Char(Some(n)) => i32::try_from(*n).ok(),
            _ => None,
        };
        let schema = match base.user_type() {
            Some(user) => user.schema.to_string(),
            None => "pg_catalog".to_owned(),
        };
        rows.push(vec![
            database(),
            text(def.schema_name.as_str()),
            text(def.name.as_str()),
            text(base_name(base)),
            length.map_or(Value::Null, Value::Int4),
            domain.default.as_ref().map_or(Value::Null, |sql| {
                text(deparse::object::domain_default(
                    def,
                    sql,
                    source.names(),
                    false,
                ))
            }),
            database(),
            text(schema),
            text(super::types::short_name(base)),
        ]);
    }
    rows
}

fn domain_constraints(source: &Source<'_>) -> Vec<Row> {
    let database = || text(source.session.current_database());
    let mut rows = Vec::new();
    for def in source.catalog.types() {
        for check in def.as_domain().map_or(&[][..], |domain| &domain.checks) {
            rows.push(vec![
                database(),
                text(def.schema_name.as_str()),
                text(check.name.as_str()),
                database(),
                text(def.schema_name.as_str()),
                text(def.name.as_str()),
                yes_no(false),
                yes_no(false),
            ]);
        }
    }
    rows
}

fn attributes(source: &Source<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for def in source.catalog.types() {
        let TypeKind::Composite(fields) = &def.kind else {
            continue;
        };
        for (field, at) in fields.iter().zip(1..) {
            rows.push(vec![
                text(source.session.current_database()),
                text(def.schema_name.as_str()),
                text(def.name.as_str()),
                text(field.name.as_str()),
                Value::Int4(at),
                yes_no(true),
                text(base_name(&field.ty)),
                text(super::types::short_name(&field.ty)),
            ]);
        }
    }
    rows
}

fn routines(source: &Source<'_>) -> Vec<Row> {
    let database = || text(source.session.current_database());
    proc_list::all()
        .iter()
        .filter(|function| function.kind == "f")
        .map(|function| {
            vec![
                database(),
                text(function.schema),
                text(format!("{}_{}", function.name, function.oid)),
                database(),
                text(function.schema),
                text(function.name),
                text("FUNCTION"),
                text(function.result.to_string()),
                text("EXTERNAL"),
                text("INTERNAL"),
            ]
        })
        .collect()
}

fn column_usage(source: &Source<'_>) -> Vec<Row> {
    let database = || text(source.session.current_database());
    let mut rows = Vec::new();
    for table in source.catalog.tables() {
        for constraint in &table.constraints {
            // A foreign key uses what it refers to.
            let (owner, columns) = match constraint.as_foreign_key() {
                Some(fk) => (
                    source.catalog.table_by_id(fk.parent),
                    fk.parent_columns.clone(),
                ),
                None => (
                    Some(table),
                    super::objects::constrained(table, &constraint.kind),
                ),
            };
            let Some(owner) = owner else {
                continue;
            };
            for column in columns {
                let Some((_, column)) = owner.column_by_id(column) else {
                    continue;
                };
                rows.push(vec![
                    database(),
                    text(owner.schema_name.as_str()),
                    text(owner.name.as_str()),
                    text(column.name.as_str()),
                    database(),
                    text(table.schema_name.as_str()),
                    text(constraint.name.as_str()),
                ]);
            }
        }
    }
    rows
}
