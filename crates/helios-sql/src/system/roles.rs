//! Roles and memberships.

use std::sync::Arc;

use helios_base::{ArrayValue, Row, Value};
use helios_table::catalog::{RoleDef, Roles};

use super::Ty::{Bool, Int4, Name, Oid, Text, Texts, Time};
use super::relation::{Relation, pg};
use super::{Source, text};

pub(super) static RELATIONS: &[Relation] = &[
    pg("pg_authid", AUTHID, |source| {
        let password = |role: &RoleDef| role.password.as_deref().map_or(Value::Null, text);
        all(source, password)
    }),
    pg("pg_roles", AUTHID, |source| {
        all(source, |_| text("********"))
    }),
    pg(
        "pg_auth_members",
        &[
            ("roleid", Oid),
            ("member", Oid),
            ("grantor", Oid),
            ("admin_option", Bool),
        ],
        |source| {
            let roles = roles(source);
            let memberships = roles.iter().flat_map(|role| {
                let each = role.memberships.iter();
                each.map(|membership| {
                    vec![
                        Value::Oid(membership.role.0),
                        Value::Oid(role.id.0),
                        Value::Oid(membership.grantor.0),
                        Value::Bool(membership.admin),
                    ]
                })
            });
            memberships.collect()
        },
    ),
    pg(
        "pg_db_role_setting",
        &[("setdatabase", Oid), ("setrole", Oid), ("setconfig", Texts)],
        |source| {
            let roles = roles(source);
            let set = roles.iter().filter(|role| !role.settings.is_empty());
            set.map(|role| vec![Value::Oid(0), Value::Oid(role.id.0), config(role)])
                .collect()
        },
    ),
    pg("pg_user", USER, users),
    pg("pg_shadow", USER, users),
];

const AUTHID: &[(&str, super::Ty)] = &[
    ("oid", Oid),
    ("rolname", Name),
    ("rolsuper", Bool),
    ("rolinherit", Bool),
    ("rolcreaterole", Bool),
    ("rolcreatedb", Bool),
    ("rolcanlogin", Bool),
    ("rolreplication", Bool),
    ("rolconnlimit", Int4),
    ("rolbypassrls", Bool),
    ("rolvaliduntil", Time),
    ("rolpassword", Text),
    ("rolconfig", Texts),
];

const USER: &[(&str, super::Ty)] = &[
    ("usename", Name),
    ("usesysid", Oid),
    ("usecreatedb", Bool),
    ("usesuper", Bool),
];

fn roles(source: &Source<'_>) -> Arc<Roles> {
    match source.roles {
        Some(roles) => Arc::new(roles.clone()),
        None => Arc::clone(source.catalog.roles()),
    }
}

/// What the sessions of a role start with.
fn config(role: &RoleDef) -> Value {
    if role.settings.is_empty() {
        return Value::Null;
    }
    let settings = role.settings.iter();
    let settings = settings.map(|(name, value)| text(format!("{name}={value}")));
    Value::from(ArrayValue::one_dimensional(settings.collect()))
}

fn all(source: &Source<'_>, password: impl Fn(&RoleDef) -> Value) -> Vec<Row> {
    let roles = roles(source);
    let rows = roles.iter().map(|role| {
        let attributes = &role.attributes;
        vec![
            Value::Oid(role.id.0),
            text(role.name.as_str()),
            Value::Bool(attributes.superuser),
            Value::Bool(attributes.inherit),
            Value::Bool(attributes.create_role),
            Value::Bool(attributes.create_db),
            Value::Bool(attributes.login),
            Value::Bool(attributes.replication),
            Value::Int4(role.connection_limit),
            Value::Bool(attributes.bypass_rls),
            role.valid_until.map_or(Value::Null, Value::TimestampTz),
            password(role),
            config(role),
        ]
    });
    rows.collect()
}

fn users(source: &Source<'_>) -> Vec<Row> {
    let roles = roles(source);
    let users = roles.iter().filter(|role| role.attributes.login);
    users
        .map(|role| {
            vec![
                text(role.name.as_str()),
                Value::Oid(role.id.0),
                Value::Bool(role.attributes.create_db),
                Value::Bool(role.attributes.superuser),
            ]
        })
        .collect()
}
