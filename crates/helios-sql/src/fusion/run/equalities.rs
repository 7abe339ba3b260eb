//! A rule of ours in DataFusion's physical optimizer.

use std::sync::Arc;

use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::conjunction;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, lit};
use datafusion::physical_expr::utils::{collect_columns, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

/// Keeps DataFusion from reasoning with equalities between a column and an expression over columns.
///
/// It puts one side for the other wherever it meets it, inside expressions too, and so has no end in
/// sight for `a = coalesce(b, a)`: an order comes out differently each time it is rewritten, and the
/// plan is refused as unordered in the end. Equalities of an expression with a constant had a like
/// fault ([#20231](https://github.com/apache/datafusion/pull/20231)).
#[derive(Debug)]
pub(super) struct BlurEqualities;

impl PhysicalOptimizerRule for BlurEqualities {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(filter) = node.downcast_ref::<FilterExec>() else {
                return Ok(Transformed::no(node));
            };
            let conditions = split_conjunction(filter.predicate());
            if !conditions.iter().any(|condition| is_misleading(condition)) {
                return Ok(Transformed::no(node));
            }
            let conditions = conditions.into_iter().map(|condition| {
                if is_misleading(condition) {
                    blurred(condition)
                } else {
                    Arc::clone(condition)
                }
            });
            let blurred = FilterExecBuilder::from(filter)
                .with_predicate(conjunction(conditions))
                .build()?;
            Ok(Transformed::yes(Arc::new(blurred) as Arc<dyn ExecutionPlan>))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "blur_equalities"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether the condition equates a column with an expression over columns.
fn is_misleading(condition: &Arc<dyn PhysicalExpr>) -> bool {
    let Some(binary) = condition.downcast_ref::<BinaryExpr>() else {
        return false;
    };
    let is_column = |side: &Arc<dyn PhysicalExpr>| side.downcast_ref::<Column>().is_some();
    let computed = match (is_column(binary.left()), is_column(binary.right())) {
        (true, false) => binary.right(),
        (false, true) => binary.left(),
        _ => return false,
    };
    *binary.op() == Operator::Eq && !collect_columns(computed).is_empty()
}

/// The same condition in a form that DataFusion draws no conclusions from: unknown and false are
/// alike in a filter.
fn blurred(condition: &Arc<dyn PhysicalExpr>) -> Arc<dyn PhysicalExpr> {
    Arc::new(BinaryExpr::new(
        Arc::clone(condition),
        Operator::IsNotDistinctFrom,
        lit(true),
    ))
}
