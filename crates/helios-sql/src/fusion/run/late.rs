//! What can wait until a sort with a limit has chosen its rows: columns that only its result has, and averages.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr, ScalarFunctionExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{ExecutionPlan, Partitioning, PhysicalExpr};

use crate::fusion::scan::StoredScan;

/// More rows are not looked up one by one.
const ROWS: usize = 1024;

/// A condition below a sort hands on so many rows together, so that the sort can tell the scan early which rows it does not
/// want any more. Batches of which half as many are left go on as they are.
const SOON: usize = 512;

/// Functions of aggregates that cannot fail, which is why it does not show that they are not asked of all rows.
const SAFE: [&str; 2] = ["average", "shifted_sum"];

/// Comes before sorts tell scans what they have learnt, for it makes both anew.
#[derive(Debug)]
pub(super) struct ReadLate;

impl PhysicalOptimizerRule for ReadLate {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(sort) = node.downcast_ref::<SortExec>() else {
                return Ok(Transformed::no(node));
            };
            let Some(rows) = sort.fetch() else {
                return Ok(Transformed::no(node));
            };
            if let Some(other) = computed_late(sort, rows)? {
                return Ok(Transformed::yes(other));
            }
            let other = match rows <= ROWS {
                true => columns_late(sort, rows)?,
                false => None,
            };
            Ok(match other {
                Some(other) => Transformed::yes(other),
                None => match told_soon(sort, rows)? {
                    Some(other) => Transformed::yes(other),
                    None => Transformed::no(node),
                },
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "read_late"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The sort over other columns, found by `column`; `None` if one is not there.
fn sorted(
    sort: &SortExec,
    rows: usize,
    input: Arc<dyn ExecutionPlan>,
    column: impl Fn(usize) -> Option<usize>,
) -> Option<SortExec> {
    let schema = input.schema();
    let keys = sort.expr().iter().map(|key| {
        let known = key.expr.downcast_ref::<Column>()?;
        let index = column(known.index())?;
        let name = schema.fields().get(index)?.name();
        let expr = Arc::new(Column::new(name, index));
        Some(PhysicalSortExpr::new(expr, key.options))
    });
    let keys = LexOrdering::new(keys.collect::<Option<Vec<_>>>()?)?;
    let sort = SortExec::new(keys, input).with_preserve_partitioning(sort.preserve_partitioning());
    Some(sort.with_fetch(Some(rows)))
}

/// A sort of what averages are made of, and the averages afterwards.
fn computed_late(sort: &SortExec, rows: usize) -> DfResult<Option<Arc<dyn ExecutionPlan>>> {
    let Some(projection) = sort.input().downcast_ref::<ProjectionExec>() else {
        return Ok(None);
    };
    let exprs = projection.expr();
    let column = |expr: &Arc<dyn PhysicalExpr>| expr.downcast_ref::<Column>().map(Column::index);
    let others = exprs.iter().filter(|expr| column(&expr.expr).is_none());
    let others: Vec<bool> = others.map(|expr| is_safe(&expr.expr)).collect();
    if others.is_empty() || others.contains(&false) {
        return Ok(None);
    }
    let below = |index: usize| column(&exprs.get(index)?.expr);
    let Some(sort) = sorted(sort, rows, Arc::clone(projection.input()), below) else {
        return Ok(None);
    };
    let projection = ProjectionExec::try_new(exprs.to_vec(), Arc::new(sort))?;
    Ok(Some(Arc::new(projection)))
}

fn is_safe(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let call = expr.downcast_ref::<ScalarFunctionExpr>();
    call.is_some_and(|call| {
        let plain = |arg: &Arc<dyn PhysicalExpr>| arg.children().is_empty() || is_safe(arg);
        SAFE.contains(&call.name()) && call.args().iter().all(plain)
    })
}

/// The sort over a condition that does not keep the few rows which it leaves for long.
fn told_soon(sort: &SortExec, rows: usize) -> DfResult<Option<Arc<dyn ExecutionPlan>>> {
    let filter = sort.input().downcast_ref::<FilterExec>();
    let Some(filter) = filter.filter(|filter| filter.batch_size() > SOON) else {
        return Ok(None);
    };
    let input = Arc::new(filter.with_batch_size(SOON)?);
    let sort = sorted(sort, rows, input, Some);
    Ok(sort.map(|sort| Arc::new(sort) as _))
}

/// What stands between a sort and a scan.
enum Between<'a> {
    Filter(&'a FilterExec),
    Share(&'a Partitioning),
}

/// A sort of the columns that it and the conditions below it ask, and the others afterwards.
fn columns_late(sort: &SortExec, rows: usize) -> DfResult<Option<Arc<dyn ExecutionPlan>>> {
    let mut filters = Vec::new();
    let mut between = Vec::new();
    let mut input = sort.input();
    loop {
        if let Some(filter) = input.downcast_ref::<FilterExec>() {
            if filter.projection().is_some() && !filters.is_empty() || filter.fetch().is_some() {
                return Ok(None);
            }
            filters.push(filter);
            between.push(Between::Filter(filter));
            input = filter.input();
        } else if let Some(share) = input.downcast_ref::<RepartitionExec>()
            && let Partitioning::RoundRobinBatch(_) = share.partitioning()
            && !share.preserve_order()
        {
            between.push(Between::Share(share.partitioning()));
            input = share.input();
        } else {
            break;
        }
    }
    let Some(scan) = input.downcast_ref::<StoredScan>() else {
        return Ok(None);
    };
    // Which output of the scan each column of the sort is: only the last filter may leave some out.
    let outputs: Vec<usize> = match filters
        .first()
        .and_then(|filter| filter.projection().as_ref())
    {
        Some(chosen) => chosen.to_vec(),
        None => (0..scan.schema().fields().len()).collect(),
    };
    let mut needed = BTreeSet::new();
    for key in sort.expr() {
        for column in collect_columns(&key.expr) {
            match outputs.get(column.index()) {
                Some(output) => needed.insert(*output),
                None => return Ok(None),
            };
        }
    }
    for filter in &filters {
        let columns = collect_columns(filter.predicate());
        needed.extend(columns.iter().map(Column::index));
    }
    let kept: Vec<usize> = needed.into_iter().collect();
    let late = outputs.iter().filter(|output| !kept.contains(output));
    let late: Vec<usize> = late.copied().collect();
    let Some(cut) = scan.cut(&kept, &late) else {
        return Ok(None);
    };
    let place = |output: usize| kept.iter().position(|kept| *kept == output);
    let mut input = Arc::clone(&cut.scan);
    for node in between.iter().rev() {
        let filter = match node {
            Between::Filter(filter) => filter,
            Between::Share(partitioning) => {
                let share = RepartitionExec::try_new(input, Partitioning::clone(partitioning))?;
                input = Arc::new(share);
                continue;
            }
        };
        let Some(predicate) = moved(filter.predicate(), &input, &place)? else {
            return Ok(None);
        };
        let filter = FilterExecBuilder::new(predicate, input)
            .with_default_selectivity(filter.default_selectivity())
            .with_batch_size(SOON);
        input = Arc::new(filter.build()?);
    }
    let below = |index: usize| place(*outputs.get(index)?);
    let Some(chosen) = sorted(sort, rows, input, below) else {
        return Ok(None);
    };
    let read = cut.read(Arc::new(chosen), &outputs, sort.expr().clone())?;
    Ok(Some(Arc::new(read)))
}

/// The expression over the columns of `input`, found by `place`.
fn moved(
    expr: &Arc<dyn PhysicalExpr>,
    input: &Arc<dyn ExecutionPlan>,
    place: &impl Fn(usize) -> Option<usize>,
) -> DfResult<Option<Arc<dyn PhysicalExpr>>> {
    let schema = input.schema();
    let mut found = true;
    let moved = Arc::clone(expr).transform_up(|part| {
        let Some(column) = part.downcast_ref::<Column>() else {
            return Ok(Transformed::no(part));
        };
        let index = place(column.index());
        let Some(field) = index.and_then(|index| schema.fields().get(index)) else {
            found = false;
            return Ok(Transformed::no(part));
        };
        let column = Column::new(field.name(), index.unwrap_or_default());
        Ok(Transformed::yes(Arc::new(column) as _))
    })?;
    Ok(found.then_some(moved.data))
}
