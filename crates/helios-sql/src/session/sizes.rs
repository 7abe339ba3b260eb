//! How much is stored: `pg_database_size`, `pg_relation_size` and their kin, and where a sequence
//! stands.

use helios_base::{Error, IndexId, Result, SqlState, TableId, Value};
use helios_table::catalog::{IndexDef, Privileges, Relation, TableDef};
use helios_version::Read;

use super::state::State;

/// Calls the function `name`, if it is one of these.
pub(super) fn call(state: &State, name: &str, args: &[&Value]) -> Option<Result<Value>> {
    Some(match (name, args) {
        ("pg_database_size", [Value::Text(database)]) => {
            database_size(state, state.is_database(database).then_some(()), database)
        }
        ("pg_database_size", [Value::Oid(oid)]) => {
            let ours = *oid == crate::system::DATABASE_OID;
            database_size(state, ours.then_some(()), &oid.to_string())
        }
        ("pg_relation_size", [Value::Oid(oid), Value::Text(fork)]) => fork_size(state, *oid, fork),
        ("pg_relation_size" | "pg_table_size", [Value::Oid(oid)]) => {
            of_relation(state, *oid, false)
        }
        ("pg_total_relation_size", [Value::Oid(oid)]) => of_relation(state, *oid, true),
        ("pg_indexes_size", [Value::Oid(oid)]) => indexes_size(state, *oid),
        ("pg_sequence_last_value", [Value::Oid(oid)]) => last_value(state, *oid),
        ("helios_sequence_row", [Value::Oid(oid)]) => sequence_row(state, *oid),
        _ => return None,
    })
}

fn number(bytes: u64) -> Value {
    Value::Int8(i64::try_from(bytes).unwrap_or(i64::MAX))
}

/// State and log on disk; of a database in memory what is held there.
fn database_size(state: &State, ours: Option<()>, shown: &str) -> Result<Value> {
    if ours.is_none() {
        return Err(Error::new(
            SqlState::INVALID_CATALOG_NAME,
            format!("database \"{shown}\" does not exist"),
        ));
    }
    let store = state.tables.store();
    let stats = store.stats();
    let mut bytes = stats.state_bytes + stats.log_bytes;
    if bytes == 0 {
        // Nothing is on disk: what the branches hold in memory.
        bytes = stats.overlay_bytes;
        for branch in store.branches() {
            bytes += store.branch_bytes(branch.id)?;
        }
    }
    Ok(number(bytes))
}

/// Rows are in the one fork that there is.
fn fork_size(state: &State, oid: u32, fork: &str) -> Result<Value> {
    match fork {
        "main" => of_relation(state, oid, false),
        "fsm" | "vm" | "init" => Ok(Value::Int8(0)),
        _ => Err(
            Error::new(SqlState::INVALID_PARAMETER_VALUE, "invalid fork name")
                .with_hint("Valid fork names are \"main\", \"fsm\", \"vm\", and \"init\"."),
        ),
    }
}

/// The bytes of a table or index with its keys; `NULL` if there is none of this number, zero for
/// what stores nothing. Reads them all.
fn of_relation(state: &State, oid: u32, with_indexes: bool) -> Result<Value> {
    let Some(relation) = state.catalog().relation_by_oid(oid) else {
        return Ok(match crate::system::relation_name(oid) {
            // Made when they are read.
            Some(_) => Value::Int8(0),
            None => Value::Null,
        });
    };
    let bytes = match relation {
        Relation::Table(table) => {
            let rows = at_snapshot(state, |read| rows_size(state, read, &table))?;
            rows + if with_indexes {
                at_snapshot(state, |read| all_indexes(state, read, &table))?
            } else {
                0
            }
        }
        // The rows themselves are in its order.
        Relation::Index(_, index) if index.clustered => 0,
        Relation::Index(_, index) if index.nearest.is_some() => nearest_size(state, &index),
        Relation::Index(_, index) => {
            at_snapshot(state, |read| index_size(state, read, index.storage))?
        }
        Relation::View(_) | Relation::Sequence(_) => 0,
    };
    Ok(number(bytes))
}

fn indexes_size(state: &State, oid: u32) -> Result<Value> {
    match state.catalog().relation_by_oid(oid) {
        Some(Relation::Table(table)) => {
            let bytes = at_snapshot(state, |read| all_indexes(state, read, &table))?;
            Ok(number(bytes))
        }
        Some(_) => Ok(Value::Int8(0)),
        None if crate::system::relation_name(oid).is_some() => Ok(Value::Int8(0)),
        None => Ok(Value::Null),
    }
}

/// Reads at the running statement's snapshot.
fn at_snapshot(state: &State, count: impl Fn(&dyn Read) -> Result<u64>) -> Result<u64> {
    if let Some(txn) = state.transaction() {
        return count(&txn.view()?);
    }
    let snapshot = state.tables.store().snapshot(state.branch(), None)?;
    count(&snapshot)
}

fn rows_size(state: &State, read: &dyn Read, table: &TableDef) -> Result<u64> {
    let everything = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
    let mut rows = read.scan(table.storage, everything, false)?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        state.interrupt.check()?;
        bytes += (row.pk.len() + row.row.len()) as u64;
    }
    Ok(bytes)
}

fn index_size(state: &State, read: &dyn Read, index: IndexId) -> Result<u64> {
    let everything = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
    let mut entries = read.index_scan(index, everything, false)?;
    let mut bytes = 0;
    while let Some(entry) = entries.next()? {
        state.interrupt.check()?;
        bytes += entry.len() as u64;
    }
    Ok(bytes)
}

/// An index of nearness is what it is in memory.
fn nearest_size(state: &State, index: &IndexDef) -> u64 {
    let report = state.tables.nearest_report(index);
    report.map_or(0, |report| report.bytes as u64)
}

fn all_indexes(state: &State, read: &dyn Read, table: &TableDef) -> Result<u64> {
    let mut bytes = 0;
    for index in table.indexes.iter().filter(|index| !index.clustered) {
        bytes += match index.nearest {
            Some(_) => nearest_size(state, index),
            None => index_size(state, read, index.storage)?,
        };
    }
    Ok(bytes)
}

/// A sequence as a table: the last value, how many more are logged, whether it was given.
fn sequence_row(state: &State, oid: u32) -> Result<Value> {
    let Some(Relation::Sequence(sequence)) = state.catalog().relation_by_oid(oid) else {
        return Err(Error::internal("a sequence that was found is gone"));
    };
    state.check_sequence(&sequence, &[Privileges::SELECT])?;
    let store = state.tables.store();
    let stands = store.sequence(state.branch(), TableId(sequence.storage.0))?;
    let (last, called) = stands.map_or((sequence.start, false), |s| (s.value, s.called));
    let row = [Value::Int8(last), Value::Int8(0), Value::Bool(called)];
    Ok(Value::Record(row.into()))
}

/// The last value that a sequence gave; `NULL` if it has given none.
fn last_value(state: &State, oid: u32) -> Result<Value> {
    match state.catalog().relation_by_oid(oid) {
        Some(Relation::Sequence(sequence)) => {
            let store = state.tables.store();
            let stands = store.sequence(state.branch(), TableId(sequence.storage.0))?;
            let given = stands.filter(|stands| stands.called);
            Ok(given.map_or(Value::Null, |stands| Value::Int8(stands.value)))
        }
        Some(relation) => Err(Error::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("\"{}\" is not a sequence", relation.name()),
        )),
        None => Ok(Value::Null),
    }
}
