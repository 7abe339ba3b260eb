//! Who may do what, as PostgreSQL writes it: `alice=r*w/helios`.

use std::sync::Arc;

use helios_base::{ArrayValue, ColumnId, Value};
use helios_table::catalog::{AccessDef, AclItem, Privileges, RoleId, Roles, SchemaId, Securable};

use super::Ty::{Char, Oid, Texts};
use super::relation::{Relation, pg};
use super::{Source, text};

pub(super) static RELATIONS: &[Relation] = &[pg(
    "pg_default_acl",
    &[
        ("oid", Oid),
        ("defaclrole", Oid),
        ("defaclnamespace", Oid),
        ("defaclobjtype", Char),
        ("defaclacl", Texts),
    ],
    |source| {
        let roles = roles(source);
        let all = roles.iter().flat_map(|role| {
            let wanted = role.default_privileges.iter();
            wanted.map(|wanted| (role.id, wanted))
        });
        all.zip(1..)
            .map(|((role, wanted), number)| {
                vec![
                    Value::Oid(number),
                    Value::Oid(role.0),
                    Value::Oid(wanted.schema.map_or(0, |schema| schema.0)),
                    text(wanted.kind.letter().to_string()),
                    list(&roles, &wanted.items),
                ]
            })
            .collect()
    },
)];

pub(super) fn roles(source: &Source<'_>) -> Arc<Roles> {
    match source.roles {
        Some(roles) => Arc::new(roles.clone()),
        None => Arc::clone(source.catalog.roles()),
    }
}

/// Who may do what with an object; `NULL` for the default.
pub(super) fn of(source: &Source<'_>, object: u32) -> Value {
    let access = source.catalog.access(object);
    let items = access.and_then(|access| access.acl.as_deref());
    items.map_or(Value::Null, |items| list_for(source, items))
}

/// Who may do what with a schema; `NULL` for the default, but for `public`, whose default is written out: it is another than that of other
/// schemas, and `pg_dump` would take it away.
pub(super) fn of_schema(source: &Source<'_>, schema: SchemaId) -> Value {
    if schema != SchemaId::PUBLIC {
        return of(source, schema.0);
    }
    let access = source.catalog.access(schema.0);
    let items = match access {
        Some(access) => access.items(Securable::Schema),
        None => AccessDef::of(schema.0, RoleId::BOOTSTRAP).items(Securable::Schema),
    };
    list_for(source, &items)
}

/// Who may do what with a column alone; `NULL` for nobody.
pub(super) fn of_column(source: &Source<'_>, relation: u32, column: i16) -> Value {
    let access = source.catalog.access(relation);
    let column = u32::try_from(column).ok().map(ColumnId);
    let items = column.and_then(|column| access?.columns.get(&column));
    items.map_or(Value::Null, |items| list_for(source, items))
}

fn list_for(source: &Source<'_>, items: &[AclItem]) -> Value {
    match source.roles {
        Some(roles) => list(roles, items),
        None => list(source.catalog.roles(), items),
    }
}

/// Items as PostgreSQL shows them: `{alice=r*w/helios}`.
pub(crate) fn list(roles: &Roles, items: &[AclItem]) -> Value {
    let items = items.iter().map(|item| text(show(roles, item))).collect();
    Value::from(ArrayValue::one_dimensional(items))
}

/// An item as PostgreSQL writes it.
pub(crate) fn show(roles: &Roles, item: &AclItem) -> String {
    let mut shown = String::new();
    if item.grantee != RoleId::PUBLIC {
        role(roles, item.grantee, &mut shown);
    }
    shown.push('=');
    for (privilege, letter, _) in Privileges::ALL {
        if item.privileges.has(*privilege) {
            shown.push(*letter);
            if item.grantable.has(*privilege) {
                shown.push('*');
            }
        }
    }
    shown.push('/');
    role(roles, item.grantor, &mut shown);
    shown
}

/// A role by its name, or by its number if there is none.
fn role(roles: &Roles, id: RoleId, to: &mut String) {
    match roles.by_id(id) {
        Some(role) => name(&role.name, to),
        None => to.push_str(&id.0.to_string()),
    }
}

/// A name in quotes if it has other signs than letters, digits and `_`.
fn name(name: &str, to: &mut String) {
    if name
        .chars()
        .all(|c| c == '_' || c.is_ascii_alphanumeric() || !c.is_ascii())
    {
        to.push_str(name);
        return;
    }
    to.push('"');
    to.push_str(&name.replace('"', "\"\""));
    to.push('"');
}
