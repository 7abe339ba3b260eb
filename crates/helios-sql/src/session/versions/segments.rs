//! Columnar segments: freezing a table, what there is, what compression did.

use helios_base::{Result, Row, Scn, SqlState, Value};
use helios_table::columnar::CLUSTER_BY;
use helios_version::Step;

use super::super::state::State;
use super::{here, no_table, number, span, table_at};

/// `helios_freeze`: moves the rows of a table, or of all tables, on the session's branch into segments.
pub(super) fn freeze(state: &State, wanted: Option<&str>) -> Result<Vec<Row>> {
    let here = here(state)?;
    let tables = match wanted {
        Some(name) => vec![table_at(state, &here, name)?.ok_or_else(|| no_table(name))?],
        None => here.catalog.tables().cloned().collect(),
    };
    let mut rows = Vec::new();
    let mut changed = false;
    for table in tables {
        if wanted.is_none() && helios_table::is_temporary_schema(&table.schema_name) {
            continue;
        }
        let check = || state.interrupt.check();
        let report = state
            .tables
            .freeze(&table, state.branch(), Scn::MAX, &check);
        let report = match report {
            // All tables are all of those that may be.
            Err(error)
                if wanted.is_none()
                    && error.sqlstate() == SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE =>
            {
                continue;
            }
            report => report?,
        };
        changed |= report.segments > 0;
        rows.push(vec![
            Value::text(table.name.as_str()),
            number(report.segments),
            number(report.rows),
            number(report.bytes),
        ]);
    }
    // Whoever asks for it wants it to stay: the log does not know of it.
    while changed && state.tables.store().checkpoint_step(usize::MAX)? == Step::More {}
    Ok(rows)
}

/// `helios_hybrid_storage`: how the rows of the branch's tables get cold.
pub(super) fn hybrid(state: &State) -> Result<Vec<Row>> {
    let store = state.tables.store();
    let Some(branch) = store.branch_by_id(state.branch()) else {
        return Ok(Vec::new());
    };
    let segments = store.segments();
    let mut rows = Vec::new();
    for report in state.tables.hybrid_report(&branch)? {
        let own = segments.iter();
        let own = own.filter(|s| (s.table, s.branch) == (report.table.storage, branch.id));
        let (mut count, mut cold, mut bytes) = (0, 0, 0);
        for segment in own {
            count += 1;
            cold += segment.adopted;
            bytes += segment.bytes;
        }
        rows.push(vec![
            Value::text(report.table.schema_name.as_str()),
            Value::text(report.table.name.as_str()),
            Value::text(report.hybrid.name()),
            span(report.hybrid.hot),
            number(report.hybrid.min_rows),
            number(count),
            number(cold),
            number(bytes),
            Value::text(report.state),
            report.looked_at.map_or(Value::Null, Value::TimestampTz),
            number(report.frozen.segments),
            number(report.frozen.rows),
            report.failure.map_or(Value::Null, Value::text),
            span(report.hybrid.cold),
            number(report.compacted.segments),
            number(report.compacted.dead),
            (report.table.options.get(CLUSTER_BY))
                .map_or(Value::Null, |names| Value::text(names.as_str())),
            number(report.thawed.segments),
            number(report.thawed.rows),
            number(report.hybrid.access_count.unwrap_or(0).into()),
            number(report.promoted_rows),
            number(report.promoted.rows),
            number(report.promoted.demoted),
        ]);
    }
    Ok(rows)
}

/// `helios_segments`: every segment.
pub(super) fn segments(state: &State) -> Result<Vec<Row>> {
    let store = state.tables.store();
    let mut rows = Vec::new();
    for segment in state.tables.segments()? {
        let table = segment.table.as_ref();
        let branch = store.branch_by_id(segment.branch);
        rows.push(vec![
            table.map_or(Value::Null, |table| Value::text(table.schema_name.as_str())),
            table.map_or(Value::Null, |table| Value::text(table.name.as_str())),
            branch.map_or(Value::Null, |branch| Value::text(branch.name)),
            number(segment.id),
            number(segment.rows),
            number(segment.adopted),
            number(segment.bytes),
            (segment.clustered_by.as_ref())
                .map_or(Value::Null, |names| Value::text(names.as_str())),
        ]);
    }
    Ok(rows)
}

/// `helios_compression`: what compression did to each column of each segment.
pub(super) fn compression(state: &State) -> Result<Vec<Row>> {
    let store = state.tables.store();
    let mut rows = Vec::new();
    for segment in state.tables.segments()? {
        let Some(table) = &segment.table else {
            continue;
        };
        let branch = store.branch_by_id(segment.branch);
        let branch = branch.map_or(Value::Null, |branch| Value::text(branch.name));
        for column in state.tables.compression(&segment)? {
            let name = match column.column {
                Some(id) => table
                    .column_by_id(id)
                    .map(|(_, column)| column.name.clone()),
                None => Some("(key)".to_owned()),
            };
            let ratio = column.raw as f64 / column.stored.max(1) as f64;
            rows.push(vec![
                Value::text(table.schema_name.as_str()),
                Value::text(table.name.as_str()),
                branch.clone(),
                number(segment.id),
                name.map_or(Value::Null, Value::text),
                Value::text(column.codecs),
                number(column.raw),
                number(column.stored),
                Value::Float8((ratio * 100.0).round() / 100.0),
                number(column.nulls),
                Value::text(column.encodings),
                Value::text(column.reason),
                Value::text(column.evidence),
            ]);
        }
    }
    Ok(rows)
}
