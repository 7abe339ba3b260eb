//! Branches, named snapshots, merge bases.

use helios_base::{Result, Row, Scn, SqlState, Value};
use helios_table::catalog::branch_object;
use helios_version::{Branch, GC_POLICY, GcPolicy, RETENTION_PERIOD, Read};

use super::super::conflicts::{MergePin, is_pin};
use super::super::state::State;
use super::super::transaction::is_read_only;
use super::{lsn, number, point, span};
use crate::system::acl;

pub(super) fn branches(state: &State) -> Result<Vec<Row>> {
    let store = state.tables.store();
    let mut rows = Vec::new();
    for branch in store.branches() {
        let fork = store.commit_info(branch.fork)?;
        let bytes = store.branch_bytes(branch.id)?;
        rows.push(vec![
            Value::text(branch.name.as_str()),
            Value::TimestampTz(branch.created_at),
            match (&fork, branch.parent) {
                (Some(info), Some(_)) if info.txid.0 > 0 => number(info.txid.0),
                _ => Value::Null,
            },
            match (&fork, branch.parent) {
                (Some(info), Some(_)) => Value::TimestampTz(info.time),
                _ => Value::Null,
            },
            Value::Float8((bytes as f64 / 1e6 * 1000.0).round() / 1000.0),
            Value::text(if is_read_only(&branch) {
                "read only"
            } else {
                "active"
            }),
        ]);
    }
    Ok(rows)
}

/// `helios_branches`: everything there is to say about each branch.
pub(super) fn all(state: &State) -> Result<Vec<Row>> {
    let store = state.tables.store();
    let branches = store.branches();
    let mut rows = Vec::with_capacity(branches.len());
    let home = state.home_catalog()?;
    let roles = home.roles();
    for branch in &branches {
        let option = |wanted: &str| {
            let found = branch.options.iter().find(|(name, _)| name == wanted);
            found.map_or(Value::Null, |(_, value)| Value::text(value.as_str()))
        };
        let parent = branch.parent.and_then(|id| store.branch_by_id(id));
        let object = branch_object(branch.id);
        let last = match last_commit(state, branch) {
            // It was dropped meanwhile.
            Err(error) if error.sqlstate() == SqlState::UNDEFINED_OBJECT => continue,
            last => last?,
        };
        rows.push(vec![
            Value::text(branch.name.as_str()),
            parent.map_or(Value::Null, |parent| Value::text(parent.name)),
            Value::text(if is_read_only(branch) {
                "read only"
            } else {
                "active"
            }),
            Value::Bool(branch.id == state.branch()),
            branch.parent.map_or(Value::Null, |_| number(branch.fork.0)),
            number(last.0),
            Value::text(lsn(last)),
            Value::TimestampTz(branch.created_at),
            super::super::expiry::expires_at(branch).map_or(Value::Null, Value::TimestampTz),
            option(RETENTION_PERIOD),
            option(GC_POLICY),
            number(store.branch_bytes(branch.id)?),
            option("comment"),
            Value::text(&*roles.name(home.owner(object))),
            home.access(object)
                .and_then(|access| access.acl.as_deref())
                .map_or(Value::Null, |items| acl::list(roles, items)),
        ]);
    }
    Ok(rows)
}

/// The newest commit that changed rows or definitions of a branch, or was inherited by it.
fn last_commit(state: &State, branch: &Branch) -> Result<Scn> {
    let snapshot = state.tables.store().snapshot(branch.id, None)?;
    let catalog = state.tables.catalog(&snapshot)?;
    let mut tables: Vec<_> = catalog.tables().map(|table| table.storage).collect();
    tables.extend_from_slice(helios_table::catalog_tables());
    Ok(snapshot.last_change(&tables)?.unwrap_or(branch.fork))
}

/// `helios_retention`: how long which parts of the past stay readable: in the database, on branches that
/// say so, and of tables on the current branch that do.
pub(super) fn retention(state: &State) -> Result<Vec<Row>> {
    let store = state.tables.store();
    let since = |oldest: Scn| -> Result<[Value; 2]> {
        // Before the first commit there was no moment.
        let info = store.commit_info(oldest.max(Scn(1)))?;
        let time = info.map_or(Value::Null, |info| Value::TimestampTz(info.time));
        Ok([number(oldest.0), time])
    };
    let rule = |scope, name, policy, period, oldest| -> Result<Row> {
        let [scn, time] = since(oldest)?;
        Ok(vec![Value::text(scope), name, period, scn, time, policy])
    };
    let default = span(i64::try_from(store.retention().as_micros()).unwrap_or(i64::MAX));
    let whole = store.horizon();
    let mut rows = vec![rule(
        "database",
        Value::Null,
        Value::text(GcPolicy::default().name()),
        default.clone(),
        whole,
    )?];
    for branch in store.branches() {
        let says = |(name, _): &(String, String)| name == RETENTION_PERIOD || name == GC_POLICY;
        if branch.options.iter().any(says) {
            let mut own = branch.options.iter();
            let own = own.find(|(name, _)| name == RETENTION_PERIOD);
            rows.push(rule(
                "branch",
                Value::text(branch.name.as_str()),
                Value::text(branch.gc_policy().name()),
                own.map_or_else(
                    || default.clone(),
                    |(_, written)| Value::text(written.as_str()),
                ),
                store.kept(branch.id, None),
            )?);
        }
    }
    let here = super::here(state)?;
    for table in here.catalog.tables() {
        if let Some(written) = table.options.get(RETENTION_PERIOD) {
            let name = format!("{}.{}", table.schema_name, table.name);
            let oldest = here.snapshot.kept(table.storage);
            rows.push(rule(
                "table",
                Value::text(name),
                Value::Null,
                Value::text(written.as_str()),
                oldest,
            )?);
        }
    }
    Ok(rows)
}

/// `helios_system_functions`: the columns of the functions that show what there is.
pub(super) fn system_functions() -> Vec<Row> {
    let mut rows = Vec::new();
    for function in crate::system::functions::all() {
        for (position, (name, ty)) in function.columns().enumerate() {
            rows.push(vec![
                Value::text(function.name),
                Value::Int4(function.version),
                Value::Int4(i32::try_from(position + 1).unwrap_or(i32::MAX)),
                Value::text(name),
                Value::text(ty.to_string()),
            ]);
        }
    }
    rows
}

/// The merges that wait for people, on all branches.
pub(super) fn merges(state: &State) -> Vec<Row> {
    let store = state.tables.store();
    let name = |branch| {
        let branch = store.branch_by_id(branch);
        branch.map_or(Value::Null, |branch| Value::text(branch.name))
    };
    let merges = MergePin::all(store).into_iter();
    merges
        .map(|merge| {
            vec![
                Value::text(merge.id),
                name(merge.source),
                number(merge.scn.0),
                name(merge.target),
            ]
        })
        .collect()
}

pub(super) fn snapshots(state: &State) -> Result<Vec<Row>> {
    let store = state.tables.store();
    let mut rows = Vec::new();
    for (name, branch, scn) in store.pins() {
        if is_pin(&name) {
            continue;
        }
        let info = store.commit_info(scn)?;
        rows.push(vec![
            Value::text(name),
            store
                .branch_by_id(branch)
                .map_or(Value::Null, |branch| Value::text(branch.name)),
            number(scn.0),
            info.map_or(Value::Null, |info| Value::TimestampTz(info.time)),
        ]);
    }
    Ok(rows)
}

pub(super) fn merge_base(state: &State, a: &str, b: &str) -> Result<Vec<Row>> {
    let (a, b) = (point(state, a)?.snapshot, point(state, b)?.snapshot);
    let store = state.tables.store();
    let bases = store.merge_bases((a.branch(), a.scn()), (b.branch(), b.scn()));
    Ok(bases
        .into_iter()
        .map(|(branch, scn)| {
            let name = store.branch_by_id(branch);
            vec![
                name.map_or(Value::Null, |branch| Value::text(branch.name)),
                number(scn.0),
            ]
        })
        .collect())
}
