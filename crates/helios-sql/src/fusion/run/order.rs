//! Scans whose order nobody needs.

use std::sync::Arc;

use datafusion::common::Result as DfResult;
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, ExecutionPlan, ExecutionPlanProperties, ReplaceChildrenOptions,
};

use crate::fusion::scan::StoredScan;

/// Aggregates whose result does not depend on the order of the rows.
const ANY_ORDER: [&str; 9] = [
    "count",
    "checked_count",
    "different_count",
    "sum",
    "average",
    "min",
    "max",
    "bool_and",
    "bool_or",
];

/// Takes the order off scans above which nothing depends on it: segments of which rows were changed are read much faster
/// then. Comes when the plan has all its sorts, and still says what order its result must have.
#[derive(Debug)]
pub(super) struct DropOrder;

impl PhysicalOptimizerRule for DropOrder {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(without_order(&plan, false)?.unwrap_or(plan))
    }

    fn name(&self) -> &'static str {
        "drop_order"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The plan, if it became another; `ordered` says whether its own order counts.
fn without_order(
    plan: &Arc<dyn ExecutionPlan>,
    ordered: bool,
) -> DfResult<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(scan) = plan.downcast_ref::<StoredScan>() {
        let scan = (!ordered).then(|| scan.without_order()).flatten();
        return Ok(scan.map(|scan| Arc::new(scan) as _));
    }
    let depends = depends_on_order(plan.as_ref())?;
    let required = plan.required_input_ordering();
    let kept = plan.maintains_input_order();
    let mut changed = false;
    let mut inputs = Vec::new();
    for (at, input) in plan.children().into_iter().enumerate() {
        let passes = ordered && kept.get(at).copied().unwrap_or(true);
        let asks = required.get(at).is_none_or(Option::is_some);
        let other = without_order(input, depends || passes || asks)?;
        changed |= other.is_some();
        inputs.push(other.unwrap_or_else(|| Arc::clone(input)));
    }
    let mode = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    changed
        .then(|| Arc::clone(plan).replace_children(inputs, mode))
        .transpose()
}

/// Whether what comes out depends on the order of what comes in, beside the order that the operator asks for.
pub(super) fn depends_on_order(plan: &dyn ExecutionPlan) -> DfResult<bool> {
    if let Some(sort) = plan.downcast_ref::<SortExec>() {
        // Of rows that are sorted in part the first ones are enough.
        let properties = sort.input().equivalence_properties();
        let (prefix, _) = properties.extract_common_sort_prefix(sort.expr().clone())?;
        return Ok(sort.fetch().is_some() && !prefix.is_empty());
    }
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        let any = aggregate.aggr_expr().iter().all(|call| {
            let name = call.fun().name();
            ANY_ORDER.contains(&name) || name == "first_value" && call.order_bys().is_empty()
        });
        return Ok(!any || plan.fetch().is_some());
    }
    // Which rows a limit lets through, and what follows what in a window, is better the same each time.
    Ok(plan.fetch().is_some()
        || plan.downcast_ref::<GlobalLimitExec>().is_some()
        || plan.downcast_ref::<LocalLimitExec>().is_some()
        || plan.downcast_ref::<WindowAggExec>().is_some()
        || plan.downcast_ref::<BoundedWindowAggExec>().is_some())
}
