//! Indexes of nearness: what there is and how far each is.

use helios_base::{DataType, Result, Row, Value};

use super::super::state::State;
use super::{here, number};
use crate::row::wish::{WANTED, Wish};

/// `pg_vector_index_stats`: the indexes of nearness of the session's branch.
pub(super) fn indexes(state: &State) -> Result<Vec<Row>> {
    let here = here(state)?;
    let store = state.tables.store();
    let mut rows = Vec::new();
    for table in here.catalog.tables() {
        for index in &table.indexes {
            let Some(nearest) = &index.nearest else {
                continue;
            };
            let ty = index.keys.first().and_then(|key| key.ty(table));
            let dimensions = match ty {
                Some(DataType::Vector(_, Some(dimensions)) | DataType::Bit(Some(dimensions))) => {
                    number(u64::from(*dimensions))
                }
                _ => Value::Null,
            };
            let mut row = vec![
                Value::text(table.schema_name.as_str()),
                Value::text(table.name.as_str()),
                Value::text(index.name.as_str()),
                Value::text(index.method.as_str()),
                Value::text(nearest.class.as_str()),
                dimensions,
            ];
            match state.tables.nearest_report(index) {
                Some(report) => {
                    let (branch, scn) = report.base;
                    let branch = store.branch_by_id(branch);
                    row.extend([
                        Value::Bool(true),
                        number(report.vectors as u64),
                        number(report.bytes as u64),
                        Value::Bool(report.codes.is_some()),
                        branch.map_or(Value::Null, |branch| Value::text(branch.name)),
                        number(scn.0),
                    ]);
                    let at = |wanted: f64| match report.calibration.breadth(wanted, WANTED) {
                        Some(breadth) => number(breadth as u64),
                        None => Value::Null,
                    };
                    let breadth = Wish::of(index, state).breadth(&report.calibration, WANTED);
                    let recall =
                        breadth.and_then(|breadth| report.calibration.recall(breadth, WANTED));
                    row.extend([
                        recall.map_or(Value::Null, Value::Float8),
                        at(0.95),
                        at(0.99),
                        report.codes.map_or(Value::Null, Value::text),
                    ]);
                }
                None => {
                    row.push(Value::Bool(false));
                    row.extend(std::iter::repeat_n(Value::Null, 9));
                }
            }
            let tally = state.tables.index_searches_tally(index.id);
            row.extend([number(tally.searches()), number(tally.read())]);
            rows.push(row);
        }
    }
    Ok(rows)
}
