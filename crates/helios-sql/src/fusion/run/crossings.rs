//! A rule of ours before DataFusion's logical ones.

use std::collections::HashSet;

use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Operator};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

/// Keeps equalities in conditions whose one side reads several tables.
///
/// `eliminate_cross_join` takes every equality for a key of some join and strikes it from the
/// condition, also when no join can use it because one side is complete only above that join: rows
/// came that the condition excludes. Such an equality is written as `(a = b) IS TRUE`, which says the
/// same in a condition and is no key.
#[derive(Debug, Default)]
pub(super) struct KeepCrossings;

impl OptimizerRule for KeepCrossings {
    fn name(&self) -> &'static str {
        "keep_crossings"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Filter(filter) => {
                let Filter {
                    predicate, input, ..
                } = filter;
                let (predicate, changed) = kept(predicate);
                let filter = LogicalPlan::Filter(Filter::try_new(predicate, input)?);
                Ok(Transformed::new_transformed(filter, changed))
            }
            LogicalPlan::Join(mut join) => {
                let condition = join.filter.take().map(kept);
                let changed = condition.as_ref().is_some_and(|(_, changed)| *changed);
                join.filter = condition.map(|(condition, _)| condition);
                Ok(Transformed::new_transformed(
                    LogicalPlan::Join(join),
                    changed,
                ))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// The condition with such equalities out of reach, and whether there were any.
fn kept(condition: Expr) -> (Expr, bool) {
    let Expr::BinaryExpr(mut binary) = condition else {
        return (condition, false);
    };
    match binary.op {
        Operator::And | Operator::Or => {
            let (left, left_changed) = kept(*binary.left);
            let (right, right_changed) = kept(*binary.right);
            binary.left = Box::new(left);
            binary.right = Box::new(right);
            (Expr::BinaryExpr(binary), left_changed || right_changed)
        }
        Operator::Eq if crosses(&binary.left) || crosses(&binary.right) => {
            (Expr::IsTrue(Box::new(Expr::BinaryExpr(binary))), true)
        }
        _ => (Expr::BinaryExpr(binary), false),
    }
}

/// Whether an expression reads columns of several tables, or of ones that cannot be told apart.
fn crosses(side: &Expr) -> bool {
    let columns = side.column_refs();
    if columns.len() < 2 {
        return false;
    }
    let tables: HashSet<_> = columns.iter().map(|column| &column.relation).collect();
    tables.len() > 1 || tables.contains(&None)
}
