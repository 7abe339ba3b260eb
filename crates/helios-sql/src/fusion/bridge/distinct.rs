//! `count(DISTINCT x)` and its like, by grouping twice.
//!
//! DataFusion's own way keeps a set of values for each group, one value at a time, and its rule that
//! groups twice instead knows few aggregates beside the distinct one. Here the inner grouping is by
//! the keys and `x`, and the outer one counts: both are vectorized and parallel.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::{AggregateUDF, Case, Expr as DfExpr, lit};
use helios_base::{DataType, Result};

use super::plan::PlanBridge;
use super::relation::Relation;
use super::typed::Typed;
use crate::fusion::shape::Shape;

/// Aggregates whose results for parts of a group they put together themselves.
const TOGETHER: &[&str] = &["sum", "min", "max", "bool_and", "bool_or"];

impl PlanBridge<'_> {
    /// Groups `input` by `keys`; each call becomes the column of its name.
    pub(super) fn group(
        &mut self,
        input: Relation,
        mut keys: Vec<DfExpr>,
        calls: Vec<(AggregateFunction, String)>,
    ) -> Result<Relation> {
        // Two expressions may turn out to be one column, which comes out once.
        let mut known = HashSet::new();
        keys.retain(|key| known.insert(key.clone()));
        let Some(value) = distinct_value(&calls) else {
            let calls = calls
                .into_iter()
                .map(|(call, name)| DfExpr::AggregateFunction(call).alias(name));
            let calls: Vec<DfExpr> = calls.collect();
            return input.then(|plan| plan.aggregate(keys, calls));
        };
        // Its SQL type does not matter here.
        let value = Typed::safe(value, Shape::of(&DataType::Unknown));
        let (input, value) = self.names.extend(input, "distinct", vec![value])?;
        let mut inner_keys = keys.clone();
        inner_keys.extend(value.iter().map(|value| value.expr.clone()));
        let (mut inner, mut outer, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
        for (call, name) in calls {
            let result = self.names.fresh(call.func.name());
            let output = DfExpr::Column(Column::new_unqualified(result.clone()));
            if call.params.distinct {
                let args = value.iter().map(|value| value.expr.clone()).collect();
                outer.push(aggregate(call.func, args, None).alias(result));
                outputs.push(output.alias(name));
                continue;
            }
            let part = self.names.fresh("part");
            let counts = call.func.name() == "count";
            let again = if counts {
                sum_udaf()
            } else {
                Arc::clone(&call.func)
            };
            inner.push(DfExpr::AggregateFunction(call).alias(part.clone()));
            let part = DfExpr::Column(Column::new_unqualified(part));
            outer.push(aggregate(again, vec![part], None).alias(result));
            outputs.push(match counts {
                // Without groups there is no count to add up.
                true => zero_if_null(output).alias(name),
                false => output.alias(name),
            });
        }
        outputs.extend(keys.iter().cloned());
        input.then(|plan| {
            plan.aggregate(inner_keys, inner)?
                .aggregate(keys, outer)?
                .project(outputs)
        })
    }
}

fn zero_if_null(count: DfExpr) -> DfExpr {
    let given = DfExpr::IsNotNull(Box::new(count.clone()));
    DfExpr::Case(Case::new(
        None,
        vec![(Box::new(given), Box::new(count))],
        Some(Box::new(lit(0i64))),
    ))
}

/// The one value that all distinct calls are over, if there are such calls and all others can be put
/// together from parts.
fn distinct_value(calls: &[(AggregateFunction, String)]) -> Option<DfExpr> {
    let mut value: Option<&DfExpr> = None;
    for (call, _) in calls {
        let params = &call.params;
        if !params.order_by.is_empty() {
            return None;
        }
        let name = call.func.name();
        if params.distinct {
            let [arg] = params.args.as_slice() else {
                return None;
            };
            if params.filter.is_some() || value.is_some_and(|value| value != arg) {
                return None;
            }
            value = Some(arg);
        } else if name != "count" && !TOGETHER.contains(&name) {
            return None;
        }
    }
    value.cloned()
}

fn aggregate(func: Arc<AggregateUDF>, args: Vec<DfExpr>, filter: Option<Box<DfExpr>>) -> DfExpr {
    DfExpr::AggregateFunction(AggregateFunction {
        func,
        params: AggregateFunctionParams {
            args,
            distinct: false,
            filter,
            order_by: Vec::new(),
            null_treatment: None,
        },
    })
}
