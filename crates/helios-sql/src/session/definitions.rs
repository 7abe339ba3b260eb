//! `pg_get_viewdef` and its kin: definitions by the numbers of their objects.

use helios_base::{Result, Value};
use helios_table::catalog::Relation;

use super::state::State;
use crate::deparse::{self, object};
use crate::system::Names;

/// Calls the function `name`: what it is about, and what else was given.
pub(super) fn call(state: &State, name: &str, about: &Value, rest: &[&Value]) -> Result<Value> {
    state.with_names(|names| shown(names, name, about, rest))
}

fn shown(names: Names<'_>, name: &str, about: &Value, rest: &[&Value]) -> Result<Value> {
    let pretty = matches!(rest.last(), Some(Value::Bool(true)));
    let shown = match (name, about) {
        ("pg_get_expr", Value::Text(sql)) => {
            let relation = match rest.first() {
                Some(Value::Oid(oid)) => *oid,
                _ => 0,
            };
            Some(object::stored(sql, relation, names, pretty))
        }
        ("pg_get_viewdef", Value::Text(view)) => {
            let oid = names.find(helios_base::RegKind::Class, view)?;
            view_of(names, oid, pretty)
        }
        // A column to wrap lines at asks for the short form.
        ("pg_get_viewdef", Value::Oid(oid)) => {
            let wrapped = matches!(rest.first(), Some(Value::Int4(_)));
            view_of(names, *oid, pretty || wrapped)
        }
        ("pg_get_indexdef", Value::Oid(oid)) => {
            let key = match rest.first() {
                Some(Value::Int4(key)) => *key,
                _ => 0,
            };
            index(names, *oid, key, pretty)
        }
        ("pg_get_constraintdef", Value::Oid(oid)) => constraint(names, *oid, pretty),
        _ => None,
    };
    Ok(shown.map_or(Value::Null, Value::text))
}

fn view_of(names: Names<'_>, oid: u32, pretty: bool) -> Option<String> {
    match names.catalog.relation_by_oid(oid)? {
        Relation::View(view) => Some(deparse::view_or_text(&view, names, pretty)),
        _ => None,
    }
}

fn index(names: Names<'_>, oid: u32, key: i32, pretty: bool) -> Option<String> {
    let Relation::Index(table, index) = names.catalog.relation_by_oid(oid)? else {
        return None;
    };
    if key <= 0 {
        return Some(object::index(&table, &index, names, pretty));
    }
    let at = usize::try_from(key).ok()?.checked_sub(1)?;
    // A key that is not there has no text.
    Some(object::index_key(&table, &index, at, names, pretty).unwrap_or_default())
}

fn constraint(names: Names<'_>, oid: u32, pretty: bool) -> Option<String> {
    let catalog = names.catalog;
    for table in catalog.tables() {
        if let Some(found) = table.constraints.iter().find(|c| c.id.0 == oid) {
            return Some(object::constraint(found, catalog, table, names, pretty));
        }
    }
    catalog.types().find_map(|def| {
        let check = def
            .as_domain()?
            .checks
            .iter()
            .find(|check| check.id.0 == oid)?;
        let not_valid = if check.validated { "" } else { " NOT VALID" };
        let shown = object::domain_check(def, &check.sql, names, pretty);
        Some(format!("CHECK ({shown}){not_valid}"))
    })
}
