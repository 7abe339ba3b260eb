//! Functions that read the catalog or the running system on behalf of SQL.

use std::sync::Arc;
use std::time::{Duration, Instant};

use helios_base::{ArrayValue, DataType, Error, Result, Row, Value};
use helios_expr::SessionHooks;
use helios_table::catalog::RoleId;

use super::prepared::Kept;
use super::signal::{Signal, send};
use super::state::State;

/// Calls the function `name`, or gives the rows of the system relation `name` as an array of
/// records.
pub(super) fn call(state: &State, name: &str, args: &[&Value], _: &DataType) -> Result<Value> {
    if let Some(result) = super::history_functions::call(state, name, args) {
        return result;
    }
    if let Some(rows) = super::versions::call(state, name, args) {
        return rows.map(table);
    }
    if let Some(result) = super::acl_functions::call(state, name, args) {
        return result;
    }
    if let Some(result) = super::advisory::call(state, name, args) {
        return result;
    }
    if let Some(result) = super::costs::call(state, name) {
        return result;
    }
    if let Some(result) = super::sizes::call(state, name, args) {
        return result;
    }
    if let Some(result) = super::object_functions::call(state, name, args) {
        return result;
    }
    if let Some(result) = super::facts::call(state, name, args) {
        return result;
    }
    match (name, args) {
        ("pg_sleep", [Value::Float8(seconds)]) => sleep(state, *seconds),
        ("pg_notify", [Value::Text(channel), payload]) => {
            let payload = match payload {
                Value::Text(payload) => payload,
                _ => "",
            };
            state.say(channel, payload).map(|()| Value::text(""))
        }
        ("pg_cancel_backend", [Value::Int4(number)]) => send(state, *number, Signal::Cancel),
        ("pg_terminate_backend", [Value::Int4(number), ..]) => {
            send(state, *number, Signal::Terminate)
        }
        ("pg_settings", []) => Ok(table(settings(state))),
        ("pg_stat_activity", []) => Ok(table(activity(state))),
        ("pg_stat_statements", []) => Ok(table(super::costs::rows(state))),
        ("pg_prepared_statements", []) => Ok(table(prepared(state))),
        ("pg_stat_progress_basebackup", []) => Ok(table(super::backup::progress(state))),
        ("pg_stat_progress_create_index", []) => Ok(table(super::indexing::progress(state))),
        ("pg_stat_statements_info", []) => Ok(table(super::costs::info(state))),
        ("pg_locks", []) => Ok(table(locks(state))),
        ("pg_cursors", []) => Ok(table(super::cursor_place::rows(state))),
        ("helios_cursor_row", [Value::Text(cursor), Value::Oid(table)]) => {
            super::cursor_place::current_row(state, cursor, *table)
        }
        ("pg_branches", []) => Ok(table(branches(state))),
        ("pg_sleep_for", [Value::Interval(time)]) => {
            let days = f64::from(time.months) * 30.0 + f64::from(time.days);
            sleep(state, days * 86_400.0 + time.micros as f64 / 1e6)
        }
        ("pg_is_in_recovery", []) => Ok(Value::Bool(false)),
        ("pg_get_userbyid", [Value::Oid(oid)]) => {
            Ok(Value::text(state.roles()?.name(RoleId(*oid))))
        }
        ("current_query", []) => Ok(Value::text(state.current_query())),
        (_, [Value::Oid(oid), ..]) => about(state, name, *oid),
        _ => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Error {
    Error::unsupported(format!("function {name} is not supported"))
}

/// What a function says about the object of this number; `NULL` if there is none.
fn about(state: &State, name: &str, oid: u32) -> Result<Value> {
    let catalog = state.catalog();
    let relation = catalog.relation_by_oid(oid);
    Ok(match name {
        "pg_table_is_visible" => match relation {
            Some(relation) => {
                let path = state.search_path();
                let seen = catalog.resolve(None, relation.name(), &path);
                Value::Bool(seen.is_some_and(|seen| seen.oid() == oid))
            }
            None => match crate::system::relation_name(oid) {
                Some((schema, _)) => Value::Bool(schema == "pg_catalog"),
                None => super::object_functions::type_is_visible(state, oid),
            },
        },
        _ => return Err(unknown(name)),
    })
}

fn table(rows: Vec<Row>) -> Value {
    let rows = rows.into_iter().map(|row| Value::Record(Arc::from(row)));
    Value::from(ArrayValue::one_dimensional(rows.collect()))
}

/// How often a sleeper looks whether it is to stop.
const NAP: Duration = Duration::from_millis(5);

fn sleep(state: &State, seconds: f64) -> Result<Value> {
    let until = Duration::try_from_secs_f64(seconds.max(0.0))
        .ok()
        .and_then(|time| Instant::now().checked_add(time));
    loop {
        state.interrupt.check()?;
        let left = match until {
            Some(until) => until.saturating_duration_since(Instant::now()),
            None => NAP,
        };
        if left.is_zero() {
            return Ok(Value::text(""));
        }
        std::thread::sleep(left.min(NAP));
    }
}

fn settings(state: &State) -> Vec<Row> {
    let settings = state.settings.lock();
    settings
        .all()
        .map(|(def, value)| {
            let reset = settings.reset_value(def);
            vec![
                Value::text(def.name),
                Value::text(value),
                Value::Null,
                Value::text("Session"),
                Value::text(def.doc),
                Value::text(if def.is_changeable() {
                    "user"
                } else {
                    "internal"
                }),
                Value::text(def.kind_name()),
                Value::text("session"),
                Value::text(reset.clone()),
                Value::text(reset),
            ]
        })
        .collect()
}

fn prepared(state: &State) -> Vec<Row> {
    let prepared = state.prepared.lock();
    let row = |(name, kept): (&String, &Kept)| {
        let types = kept.statement.parameters().iter();
        let types = types.map(|ty| Value::Oid(ty.oid())).collect();
        vec![
            Value::text(name.as_str()),
            Value::text(kept.statement.text()),
            Value::TimestampTz(kept.since),
            ArrayValue::one_dimensional(types).into(),
            Value::Bool(kept.from_sql),
            // Which plan a run takes is not counted.
            Value::Int8(0),
            Value::Int8(0),
        ]
    };
    prepared.iter().map(row).collect()
}

fn activity(state: &State) -> Vec<Row> {
    let moment = |time: i64| {
        if time == 0 {
            Value::Null
        } else {
            Value::TimestampTz(time)
        }
    };
    let Some(shared) = state.shared.upgrade() else {
        return Vec::new();
    };
    // What others run may hold what not everybody should see.
    let (see_all, own) = match state.who_now() {
        Ok((who, _)) => (who.has_role(RoleId::READ_ALL_STATS), state.session_user()),
        Err(_) => (false, Arc::from("")),
    };
    let roles = state.roles().ok();
    let sessions = shared.activity.lock();
    sessions
        .values()
        .map(|session| {
            let mut now = session.now.lock().clone();
            let seen = see_all || *session.user == *own;
            let role = roles
                .as_ref()
                .and_then(|roles| roles.by_name(&session.user));
            if !seen {
                now.query = Arc::from("<insufficient privilege>");
            }
            vec![
                Value::text(state.database.as_str()),
                Value::Int4(i32::try_from(session.number).unwrap_or(i32::MAX)),
                Value::text(session.user.as_str()),
                Value::text(now.application),
                moment(session.since),
                moment(now.transaction_start.unwrap_or(0)),
                moment(now.query_start),
                Value::text(now.state),
                Value::text(now.query),
                Value::text(now.branch),
                Value::Oid(crate::system::DATABASE_OID),
                role.map_or(Value::Null, |role| Value::Oid(role.id.0)),
                now.client
                    .filter(|_| seen)
                    .map_or(Value::Null, |client| Value::text(client.ip().to_string())),
                now.client
                    .filter(|_| seen)
                    .map_or(Value::Null, |client| Value::Int4(i32::from(client.port()))),
                Value::text("client backend"),
            ]
        })
        .collect()
}

fn locks(state: &State) -> Vec<Row> {
    use helios_version::LockTarget;
    let store = state.tables.store();
    let owners: std::collections::HashMap<u64, u64> = match state.shared.upgrade() {
        Some(shared) => shared
            .activity
            .lock()
            .values()
            .filter_map(|session| Some((session.now.lock().transaction?, session.number)))
            .collect(),
        None => Default::default(),
    };
    let branches = store.branches();
    let advisory = state.shared.upgrade().map(|shared| shared.advisory.list());
    let advisory = advisory.into_iter().flatten().map(|lock| {
        let (class, object, part) = lock.key.parts();
        vec![
            Value::text("advisory"),
            Value::Null,
            Value::Null,
            Value::Null,
            i32::try_from(lock.session).map_or(Value::Null, Value::Int4),
            Value::text(if lock.exclusive {
                "ExclusiveLock"
            } else {
                "ShareLock"
            }),
            Value::Bool(lock.granted),
            Value::Oid(class),
            Value::Oid(object),
            Value::Int2(part),
        ]
    });
    store
        .locks()
        .into_iter()
        .map(|lock| {
            let (kind, branch, relation) = match lock.target {
                LockTarget::Table(branch, table) => ("relation", branch, Value::Oid(table.0)),
                LockTarget::Row(branch, table, _) => ("tuple", branch, Value::Oid(table.0)),
                LockTarget::Key(branch, ..) => ("object", branch, Value::Null),
            };
            let branch = branches.iter().find(|b| b.id == branch);
            let owner = owners.get(&lock.txn).and_then(|n| i32::try_from(*n).ok());
            vec![
                Value::text(kind),
                relation,
                branch.map_or(Value::Null, |b| Value::text(b.name.as_str())),
                Value::Int8(i64::try_from(lock.txn).unwrap_or(i64::MAX)),
                owner.map_or(Value::Null, Value::Int4),
                Value::text(lock.mode),
                Value::Bool(lock.granted),
                Value::Null,
                Value::Null,
                Value::Null,
            ]
        })
        .chain(advisory)
        .collect()
}

fn branches(state: &State) -> Vec<Row> {
    let all = state.tables.store().branches();
    let name = |id| {
        all.iter()
            .find(|branch| branch.id == id)
            .map(|b| b.name.clone())
    };
    all.iter()
        .map(|branch| {
            let parent = branch.parent.and_then(name);
            vec![
                Value::text(branch.name.as_str()),
                parent.map_or(Value::Null, Value::text),
                Value::Int8(i64::try_from(branch.fork.0).unwrap_or(i64::MAX)),
                Value::TimestampTz(branch.created_at),
            ]
        })
        .collect()
}
