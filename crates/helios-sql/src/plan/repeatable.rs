//! Queries whose answer follows from the rows of stored tables alone.

use helios_base::TableId;
use helios_expr::{Expr, Volatility};

use super::{Bound, Plan, Statement};

/// The tables that a query reads, by their ids, if nothing else makes its answer: no clock, no settings,
/// no sequence, no file, no system relation, no moment of the past.
pub(crate) fn repeatable(bound: &Bound) -> Option<Vec<TableId>> {
    let Statement::Query(query) = &bound.statement else {
        return None;
    };
    if !bound.cacheable || query.plan.changes_rows() {
        return None;
    }
    let mut tables = Vec::new();
    let plans = bound.subplans.iter().map(|subplan| &subplan.plan);
    for plan in std::iter::once(&query.plan).chain(plans) {
        collect(&mut plan.clone(), &mut tables)?;
    }
    tables.sort_unstable();
    tables.dedup();
    // Without tables there is little to spare.
    (!tables.is_empty()).then_some(tables)
}

fn collect(plan: &mut Plan, tables: &mut Vec<TableId>) -> Option<()> {
    match plan {
        Plan::Scan(scan) if scan.at.is_none() && scan.versions.is_none() => {
            tables.push(scan.table.id);
        }
        Plan::Scan(_)
        | Plan::FileScan(_)
        | Plan::TableFunction(_)
        | Plan::ProjectSet(_)
        | Plan::LockRows(_)
        | Plan::Change(_) => return None,
        _ => {}
    }
    let mut steady = true;
    plan.for_each_own_expr(&mut |expr: &mut Expr| {
        steady &= expr.volatility() == Volatility::Immutable;
    });
    if !steady {
        return None;
    }
    for input in plan.inputs_mut() {
        collect(input, tables)?;
    }
    Some(())
}
