//! Policies of row-level security.

use std::sync::Arc;

use helios_base::{ArrayValue, Row, Value};
use helios_table::catalog::{PolicyDef, PolicyExpr, RoleId, TableDef};

use crate::deparse;

use super::Ty::{Bool, Char, Name, Oid, Text};
use super::relation::{Relation, pg};
use super::{Source, text};

pub(super) static RELATIONS: &[Relation] = &[
    pg(
        "pg_policy",
        &[
            ("oid", Oid),
            ("polname", Name),
            ("polrelid", Oid),
            ("polcmd", Char),
            ("polpermissive", Bool),
            // The type is that of the declared columns.
            ("polroles", Text),
            ("polqual", Text),
            ("polwithcheck", Text),
        ],
        |source| {
            rows(source, |table, policy| {
                let roles = policy.roles.iter().map(|role| Value::Oid(role.0));
                vec![
                    Value::Oid(policy.id.0),
                    text(policy.name.as_str()),
                    Value::Oid(table.id.0),
                    text(policy.command.letter().to_string()),
                    Value::Bool(policy.permissive),
                    list(roles.collect()),
                    raw(policy.using.as_ref()),
                    raw(policy.check.as_ref()),
                ]
            })
        },
    ),
    pg(
        "pg_policies",
        &[
            ("schemaname", Name),
            ("tablename", Name),
            ("policyname", Name),
            ("permissive", Text),
            // As above.
            ("roles", Text),
            ("cmd", Text),
            ("qual", Text),
            ("with_check", Text),
        ],
        |source| {
            rows(source, |table, policy| {
                let roles = policy.roles.iter().map(|role| match *role {
                    RoleId::PUBLIC => text("public"),
                    role => text(source.role_name(role)),
                });
                vec![
                    text(table.schema_name.as_str()),
                    text(table.name.as_str()),
                    text(policy.name.as_str()),
                    text(match policy.permissive {
                        true => "PERMISSIVE",
                        false => "RESTRICTIVE",
                    }),
                    list(roles.collect()),
                    text(policy.command.word()),
                    condition(source, table, policy.using.as_ref()),
                    condition(source, table, policy.check.as_ref()),
                ]
            })
        },
    ),
];

fn rows(source: &Source<'_>, row: impl Fn(&TableDef, &PolicyDef) -> Row) -> Vec<Row> {
    let each = |table: &Arc<TableDef>| -> Vec<Row> {
        let policies = table.row_security.policies.iter();
        policies.map(|policy| row(table, policy)).collect()
    };
    source.catalog.tables().flat_map(each).collect()
}

fn list(elements: Vec<Value>) -> Value {
    Value::from(ArrayValue::one_dimensional(elements))
}

/// As `pg_get_expr` takes it.
fn raw(expr: Option<&PolicyExpr>) -> Value {
    expr.map_or(Value::Null, |expr| text(expr.sql.as_str()))
}

/// As PostgreSQL shows it.
fn condition(source: &Source<'_>, table: &TableDef, expr: Option<&PolicyExpr>) -> Value {
    expr.map_or(Value::Null, |expr| {
        text(deparse::object::stored(
            &expr.sql,
            table.id.0,
            source.names(),
            false,
        ))
    })
}
