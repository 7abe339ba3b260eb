//! `has_table_privilege` and its kin, `pg_has_role`.

use helios_base::{ColumnId, Error, Result, SqlState, Value};
use helios_table::catalog::{
    Catalog, FunctionId, Privileges, Relation, RoleId, Securable, Who, branch_object,
};

use super::command::require;
use crate::session::past::branch_named;
use crate::session::state::State;
use crate::system::DATABASE_OID;

/// Calls the function `name`, if it is one of these.
pub(in crate::session) fn call(
    state: &State,
    name: &str,
    args: &[&Value],
) -> Option<Result<Value>> {
    let kind = match name {
        "pg_has_role" => return Some(has_role(state, args)),
        "has_table_privilege" | "has_any_column_privilege" | "has_column_privilege" => {
            Securable::Table
        }
        "has_sequence_privilege" => Securable::Sequence,
        "has_schema_privilege" => Securable::Schema,
        "has_branch_privilege" => Securable::Branch,
        "has_database_privilege" => Securable::Database,
        "has_type_privilege" => Securable::Type,
        "has_function_privilege" => Securable::Function,
        // Languages and tablespaces are everybody's.
        name if name.starts_with("has_") => return Some(Ok(Value::Bool(true))),
        _ => return None,
    };
    Some(has_privilege(state, name, kind, args))
}

fn has_privilege(state: &State, name: &str, kind: Securable, args: &[&Value]) -> Result<Value> {
    let by_column = name == "has_column_privilege";
    let own = if by_column { 3 } else { 2 };
    let roles = state.roles()?;
    let (who, args) = match args.split_first() {
        Some((role, rest)) if args.len() > own => (Who::of(&roles, role_of(state, role)?), rest),
        _ => (state.who(&roles), args),
    };
    let (Some(object), Some(Value::Text(wanted))) = (args.first(), args.last()) else {
        return Ok(Value::Null);
    };
    let catalog = match kind {
        Securable::Branch => state.home_catalog()?,
        _ => state.catalog(),
    };
    let Some(number) = object_number(state, &catalog, kind, object)? else {
        return Ok(Value::Null);
    };
    let column = match args.get(1) {
        Some(column) if by_column => match column_of(&catalog, number, column)? {
            Some(column) => Some(column),
            None => return Ok(Value::Null),
        },
        _ => None,
    };
    for (wanted, grantable) in privileges(wanted, kind, column.is_some())? {
        let has = if grantable {
            who.may_grant(&catalog, kind, number, column, wanted)
        } else {
            let whole = who.has(&catalog, kind, number, wanted);
            let parts = match column {
                Some(column) => who.has_on_column(&catalog, number, column, wanted),
                None if name == "has_any_column_privilege" => {
                    who.has_on_any_column(&catalog, number, wanted)
                }
                None => Privileges::NONE,
            };
            whole.with(parts)
        };
        if has.has(wanted) {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

/// The privileges of a list, each perhaps `WITH GRANT OPTION`.
fn privileges(text: &str, kind: Securable, column: bool) -> Result<Vec<(Privileges, bool)>> {
    let all = if column {
        Privileges::OF_COLUMN
    } else {
        kind.all()
    };
    let each = text.split(',').map(|word| {
        let word = word.trim().to_uppercase();
        let (plain, grantable) = match word.strip_suffix("WITH GRANT OPTION") {
            Some(plain) => (plain.trim_end(), true),
            None => (word.as_str(), false),
        };
        let known = Privileges::named(plain).filter(|privilege| all.has(*privilege));
        known
            .map(|privilege| (privilege, grantable))
            .ok_or_else(|| {
                Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("unrecognized privilege type: \"{}\"", text.trim()),
                )
            })
    });
    each.collect()
}

fn role_of(state: &State, role: &Value) -> Result<RoleId> {
    let roles = state.roles()?;
    match role {
        Value::Oid(oid) => Ok(RoleId(*oid)),
        Value::Text(name) if &**name == "public" => Ok(RoleId::NOBODY),
        Value::Text(name) => require(&roles, name),
        _ => Ok(RoleId::NOBODY),
    }
}

fn object_number(
    state: &State,
    catalog: &Catalog,
    kind: Securable,
    object: &Value,
) -> Result<Option<u32>> {
    let name = match object {
        Value::Oid(oid) => return Ok(Some(*oid).filter(|oid| exists(catalog, kind, *oid))),
        Value::Text(name) => name,
        _ => return Ok(None),
    };
    Ok(Some(match kind {
        Securable::Schema => match crate::system::schema_oid(name) {
            Some(oid) => oid,
            None => catalog.require_schema(name)?.id.0,
        },
        Securable::Branch => branch_object(branch_named(state.tables.store(), name)?.id),
        Securable::Database if state.is_database(name) => DATABASE_OID,
        Securable::Database => {
            return Err(Error::new(
                SqlState::INVALID_CATALOG_NAME,
                format!("database \"{name}\" does not exist"),
            ));
        }
        Securable::Type => {
            use helios_base::RegKind;
            state.names().find(RegKind::Type, name)?
        }
        Securable::Table | Securable::Sequence => {
            use helios_base::RegKind;
            state.names().find(RegKind::Class, name)?
        }
        Securable::Function => {
            use helios_base::RegKind;
            state.names().find(RegKind::Procedure, name)?
        }
    }))
}

fn exists(catalog: &Catalog, kind: Securable, oid: u32) -> bool {
    match kind {
        Securable::Table | Securable::Sequence => {
            catalog.relation_by_oid(oid).is_some() || crate::system::relation_name(oid).is_some()
        }
        Securable::Function => {
            catalog.function_by_id(FunctionId(oid)).is_some()
                || crate::system::function_text(oid, false).is_some()
        }
        _ => true,
    }
}

fn column_of(catalog: &Catalog, relation: u32, column: &Value) -> Result<Option<ColumnId>> {
    let found = catalog.relation_by_oid(relation);
    match (column, found) {
        (Value::Int2(number), _) => Ok(u32::try_from(*number).ok().map(ColumnId)),
        (Value::Text(name), Some(Relation::Table(table))) => match table.column(name) {
            Some((_, column)) => Ok(Some(column.id)),
            None => Err(no_column(name, &table.name)),
        },
        (Value::Text(name), Some(Relation::View(view))) => {
            let mut columns = view.columns.iter().zip(1..);
            match columns.find(|(column, _)| column.name == **name) {
                Some((_, place)) => Ok(Some(ColumnId(place))),
                None => Err(no_column(name, &view.name)),
            }
        }
        _ => Ok(None),
    }
}

fn no_column(name: &str, relation: &str) -> Error {
    Error::new(
        SqlState::UNDEFINED_COLUMN,
        format!("column \"{name}\" of relation \"{relation}\" does not exist"),
    )
}

/// `pg_has_role([user,] role, privilege)`
fn has_role(state: &State, args: &[&Value]) -> Result<Value> {
    let roles = state.roles()?;
    let (user, role, wanted) = match args {
        [role, Value::Text(wanted)] => (state.who(&roles).role, role, wanted),
        [user, role, Value::Text(wanted)] => (role_of(state, user)?, role, wanted),
        _ => return Ok(Value::Null),
    };
    let role = role_of(state, role)?;
    let who = Who::of(&roles, user);
    for wanted in wanted.split(',') {
        let has = match wanted.trim().to_uppercase().as_str() {
            "USAGE" => who.has_role(role),
            "MEMBER" => who.superuser || roles.closure(user, false).contains(&role),
            "MEMBER WITH GRANT OPTION"
            | "MEMBER WITH ADMIN OPTION"
            | "USAGE WITH GRANT OPTION"
            | "USAGE WITH ADMIN OPTION" => who.superuser || roles.is_admin(user, role),
            _ => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("unrecognized privilege type: \"{}\"", wanted.trim()),
                ));
            }
        };
        if has {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}
