//! Branches, named snapshots, merge bases.

use helios_base::{Result, Row, Value};
use helios_version::Read;

use super::super::state::State;
use super::super::transaction::is_read_only;
use super::{number, point};

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

pub(super) fn snapshots(state: &State) -> Result<Vec<Row>> {
    let store = state.tables.store();
    let mut rows = Vec::new();
    for (name, branch, scn) in store.pins() {
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
