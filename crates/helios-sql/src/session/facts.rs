//! Functions that tell about the session and those beside it.

use helios_base::{ArrayValue, Inet, RegKind, Result, Value};
use helios_table::catalog::{FunctionId, Relation};

use super::state::State;
use crate::deparse;

/// Calls the function `name`, if it is one of these.
pub(super) fn call(state: &State, name: &str, args: &[&Value]) -> Option<Result<Value>> {
    Some(match (name, args) {
        ("inet_client_addr", []) => Ok(client(state).map_or(Value::Null, |client| {
            let text = client.ip().to_string();
            Inet::parse(&text, false).map_or(Value::Null, |inet| Value::Inet(inet.into()))
        })),
        ("inet_client_port", []) => {
            Ok(client(state).map_or(Value::Null, |client| Value::Int4(i32::from(client.port()))))
        }
        ("pg_blocking_pids", [Value::Int4(session)]) => Ok(blocking(state, *session)),
        // There are no triggers.
        ("pg_trigger_depth", []) => Ok(Value::Int4(0)),
        ("row_security_active", [Value::Oid(table)]) => secured(state, *table),
        ("row_security_active", [Value::Text(table)]) => state
            .names()
            .find(RegKind::Class, table)
            .and_then(|table| secured(state, table)),
        ("pg_get_function_arg_default", [Value::Oid(function), Value::Int4(number)]) => {
            Ok(default(state, *function, *number).map_or(Value::Null, Value::text))
        }
        _ => return None,
    })
}

/// Where the session's client is, if it came over a network.
fn client(state: &State) -> Option<std::net::SocketAddr> {
    let shared = state.shared.upgrade()?;
    let own = shared.activity.lock().get(&state.number).cloned()?;
    let now = own.now.lock();
    now.client
}

/// The sessions that hold what `session` waits for.
fn blocking(state: &State, session: i32) -> Value {
    let mut found: Vec<i32> = Vec::new();
    if let Some(shared) = state.shared.upgrade() {
        let sessions: Vec<(u64, u64)> = shared
            .activity
            .lock()
            .values()
            .filter_map(|other| Some((other.now.lock().transaction?, other.number)))
            .collect();
        let number = |txn: u64| {
            let owner = sessions.iter().find(|(own, _)| *own == txn)?;
            i32::try_from(owner.1).ok()
        };
        let locks = state.tables.store().locks();
        let waits = locks
            .iter()
            .filter(|lock| !lock.granted && number(lock.txn) == Some(session));
        for wait in waits {
            let holders = locks
                .iter()
                .filter(|lock| lock.granted && lock.target == wait.target);
            found.extend(holders.filter_map(|lock| number(lock.txn)));
        }
        let advisory = shared.advisory.list();
        let own = |lock: u64| i32::try_from(lock).ok();
        let waits = advisory
            .iter()
            .filter(|lock| !lock.granted && own(lock.session) == Some(session));
        for wait in waits {
            let holders = advisory
                .iter()
                .filter(|lock| lock.granted && lock.key == wait.key);
            found.extend(holders.filter_map(|lock| own(lock.session)));
        }
    }
    found.sort_unstable();
    found.dedup();
    let found = found.into_iter().filter(|other| *other != session);
    Value::from(ArrayValue::one_dimensional(
        found.map(Value::Int4).collect(),
    ))
}

/// Whether policies decide which rows of a table the role sees.
fn secured(state: &State, table: u32) -> Result<Value> {
    let catalog = state.catalog();
    let Some(Relation::Table(table)) = catalog.relation_by_oid(table) else {
        return Ok(Value::Bool(false));
    };
    let (who, _) = state.who_now()?;
    let security = &table.row_security;
    let free = who.owns(&catalog, table.id.0) && !security.forced;
    Ok(Value::Bool(security.enabled && !who.bypass_rls && !free))
}

/// The default of an argument, as it would be written.
fn default(state: &State, function: u32, number: i32) -> Option<String> {
    let (catalog, path) = (state.catalog(), state.search_path());
    let def = catalog.function_by_id(FunctionId(function))?;
    let at = usize::try_from(number).ok()?.checked_sub(1)?;
    let arg = def.inputs().nth(at)?;
    let names = crate::system::Names {
        catalog: &catalog,
        path: &path,
        user: &state.user,
        roles: None,
    };
    let subject = deparse::Subject::Alone(&def.schema_name);
    let base = arg.ty.base();
    let sql = arg.default.as_deref()?;
    Some(deparse::expression_or_text(
        sql,
        subject,
        Some(&base),
        names,
        false,
    ))
}
