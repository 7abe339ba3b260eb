//! Subqueries inside expressions, as joins.

use std::collections::HashMap;

use datafusion::common::{Column, JoinType};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Expr as DfExpr, lit};
use helios_base::{DataType, Error, Result};
use helios_expr::{Comparison, Expr, Function, SubplanKind};

use super::decorrelate::{Pulled, equalities, pull};
use super::expr::{ExprBridge, boolean, compare, operator};
use super::join::join_relations;
use super::plan::PlanBridge;
use super::relation::Relation;
use super::typed::Typed;
use crate::fusion::scalar::single;
use crate::fusion::shape::Shape;
use crate::plan::Plan;

/// A subquery with the values its frame gets, over the rows around.
struct Use<'e> {
    frame: &'e [Expr],
    operand: Option<&'e Expr>,
    pulled: Pulled,
}

impl PlanBridge<'_> {
    /// Keeps the rows for which a condition with subqueries is true.
    pub(super) fn filter_subquery(&mut self, input: Relation, conjunct: &Expr) -> Result<Relation> {
        let (expr, negated) = match conjunct {
            Expr::Not(inner) => (inner.as_ref(), true),
            other => (other, false),
        };
        if let Expr::Subplan { id, kind, args, .. } = expr {
            match (kind, negated) {
                (SubplanKind::Exists, negated) => {
                    let used = self.open(*id, args)?;
                    let kind = if negated {
                        JoinType::LeftAnti
                    } else {
                        JoinType::LeftSemi
                    };
                    return self.semi_join(input, &used, kind, None);
                }
                (SubplanKind::Any(function), false) if function.comparison().is_some() => {
                    let used = self.open(*id, args)?;
                    return self.semi_join(input, &used, JoinType::LeftSemi, Some(*function));
                }
                (SubplanKind::Any(function), true)
                    if function.comparison() == Some(Comparison::Eq) =>
                {
                    let used = self.open(*id, args)?;
                    return self.not_in(input, &used);
                }
                (SubplanKind::All(function), false)
                    if function.comparison() == Some(Comparison::Ne) =>
                {
                    let used = self.open(*id, args)?;
                    return self.not_in(input, &used);
                }
                _ => {}
            }
        }
        let columns = input.columns.clone();
        let conjunct = std::slice::from_ref(conjunct);
        let (input, mut exprs) = self.exprs_with_subqueries(input, conjunct)?;
        let filtered = match exprs.pop() {
            Some(predicate) => input.filter(predicate.expr)?,
            None => input,
        };
        Ok(Relation {
            columns,
            ..filtered
        })
    }

    /// The rows that have a partner in the subquery, or that have none.
    fn semi_join(
        &mut self,
        input: Relation,
        used: &Use<'_>,
        kind: JoinType,
        function: Option<&'static Function>,
    ) -> Result<Relation> {
        if used.pulled.default.is_some() && !used.pulled.conditions.is_empty() {
            return Err(Error::unsupported("this subquery in a vectorized plan"));
        }
        let columns = input.columns.clone();
        let (input, frame) = self.exprs_with_subqueries(input, used.frame)?;
        let right = self.plan(&used.pulled.plan)?;
        let mut conditions = self.conditions(&right.columns, &frame, &used.pulled)?;
        if let Some(function) = function {
            let comparison = function.comparison();
            let (left, right) = self.operands(&columns, &right, used)?;
            let test = comparison.map(|c| compare(operator(c), left, right));
            match test.transpose()?.flatten() {
                Some(test) => conditions.push(test.expr),
                None => return Err(Error::unsupported("this comparison with a subquery")),
            }
        }
        let joined = join_relations(input, right, kind, conditions)?;
        Ok(Relation { columns, ..joined })
    }

    /// `NOT IN`: true if the operand differs from all rows, and no `NULL` leaves that open.
    fn not_in(&mut self, input: Relation, used: &Use<'_>) -> Result<Relation> {
        let columns = input.columns.clone();
        if !used.pulled.conditions.is_empty() {
            let (input, frame) = self.exprs_with_subqueries(input, used.frame)?;
            let right = self.plan(&used.pulled.plan)?;
            let mut conditions = self.conditions(&right.columns, &frame, &used.pulled)?;
            let (left, inner) = self.operands(&columns, &right, used)?;
            let open = DfExpr::IsNull(Box::new(left.expr.clone()))
                .or(DfExpr::IsNull(Box::new(inner.expr.clone())));
            let equal = compare(operator(Comparison::Eq), left, inner)?
                .ok_or_else(|| Error::unsupported("this comparison with a subquery"))?;
            conditions.push(equal.expr.or(open));
            let joined = join_relations(input, right, JoinType::LeftAnti, conditions)?;
            return Ok(Relation { columns, ..joined });
        }
        // Hash the values once; two counts tell whether `NULL`s or emptiness decide.
        let right = self.plan(&used.pulled.plan)?;
        let (left, inner) = self.operands(&columns, &right, used)?;
        let (rows, values) = (self.names.fresh("rows"), self.names.fresh("values"));
        let counts = right.clone().then(|plan| {
            plan.aggregate(
                Vec::<DfExpr>::new(),
                [
                    count(lit(1i64)).alias(rows.clone()),
                    count(inner.expr.clone()).alias(values.clone()),
                ],
            )
        })?;
        // The same subquery again under other names.
        let again = self.plan(&used.pulled.plan)?;
        let (_, inner) = self.operands(&columns, &again, used)?;
        let given = DfExpr::IsNotNull(Box::new(left.expr.clone()));
        let equal = compare(operator(Comparison::Eq), left, inner)?
            .ok_or_else(|| Error::unsupported("this comparison with a subquery"))?;
        let kept = join_relations(input, again, JoinType::LeftAnti, vec![equal.expr])?;
        let kept = join_relations(kept, counts, JoinType::Inner, Vec::new())?;
        let rows = DfExpr::Column(Column::new_unqualified(rows));
        let values = DfExpr::Column(Column::new_unqualified(values));
        let certain = rows.clone().eq(lit(0i64)).or(rows.eq(values).and(given));
        let kept = kept.filter(certain)?;
        Ok(Relation { columns, ..kept })
    }

    /// Adds a column for each subquery in `exprs`.
    pub(super) fn subqueries(
        &mut self,
        input: Relation,
        exprs: &[Expr],
    ) -> Result<(Relation, HashMap<*const Expr, Typed>)> {
        let mut found: Vec<&Expr> = Vec::new();
        for expr in exprs {
            expr.visit(&mut |e| {
                if matches!(e, Expr::Subplan { .. }) {
                    found.push(e);
                }
            });
        }
        let mut map = HashMap::new();
        let columns = input.columns.clone();
        let mut input = input;
        for expr in found {
            let Expr::Subplan { id, kind, args, .. } = expr else {
                continue;
            };
            let used = self.open(*id, args)?;
            let scope = Relation {
                columns: columns.clone(),
                ..input
            };
            let (joined, value) = match kind {
                SubplanKind::Scalar => self.scalar(scope, &used)?,
                SubplanKind::Exists => self.exists(scope, &used)?,
                _ => return Err(Error::unsupported("this subquery in a vectorized plan")),
            };
            input = joined;
            map.insert(std::ptr::from_ref(expr), value);
        }
        Ok((Relation { columns, ..input }, map))
    }

    /// The single value of a subquery beside each row.
    fn scalar(&mut self, input: Relation, used: &Use<'_>) -> Result<(Relation, Typed)> {
        let columns = input.columns.clone();
        let (input, frame) = self.exprs_with_subqueries(input, used.frame)?;
        let correlated = !used.pulled.conditions.is_empty();
        if is_single(&used.pulled.plan) || used.pulled.default.is_some() {
            let kind = if correlated {
                JoinType::Left
            } else {
                JoinType::Inner
            };
            let pulled = Pulled {
                default: used.pulled.default.clone().filter(|_| correlated),
                ..used.pulled.clone()
            };
            let (joined, values) = self.join_pulled(input, &frame, &pulled, kind, &columns, &[])?;
            let value = values.into_iter().next();
            let value = value.ok_or_else(|| Error::internal("a subquery without columns"))?;
            return Ok((joined, value));
        }
        let pairs = equalities(&used.pulled.conditions);
        let pairs =
            pairs.ok_or_else(|| Error::unsupported("this subquery in a vectorized plan"))?;
        let inner: Vec<Expr> = pairs.iter().map(|(inner, _)| inner.clone()).collect();
        let right = self.plan(&used.pulled.plan)?;
        let conditions = self.conditions(&right.columns, &frame, &used.pulled)?;
        let value = right.columns.first().cloned();
        let value = value.ok_or_else(|| Error::internal("a subquery without columns"))?;
        let name = self.names.fresh("value");
        let rows = self.names.fresh("rows");
        let calls = vec![
            first(value.expr.clone()).alias(name.clone()),
            count(lit(1i64)).alias(rows.clone()),
        ];
        let (grouped, conditions) = self.by_frames(right, &inner, conditions, calls)?;
        let kind = if correlated {
            JoinType::Left
        } else {
            JoinType::Inner
        };
        let joined = join_relations(input, grouped, kind, conditions)?;
        let column = |name| DfExpr::Column(Column::new_unqualified(name));
        let checked = single(&value.shape, column(name), column(rows));
        Ok((
            joined,
            Typed {
                expr: checked,
                shape: value.shape,
                risky: true,
            },
        ))
    }

    /// Groups the rows of a subquery by `inner`, the sides of its equalities with the frame: each frame
    /// then meets one row at most. The conditions, over the grouped rows.
    fn by_frames(
        &mut self,
        right: Relation,
        inner: &[Expr],
        conditions: Vec<DfExpr>,
        mut calls: Vec<DfExpr>,
    ) -> Result<(Relation, Vec<DfExpr>)> {
        let keys = self
            .exprs(&right.columns, inner)?
            .into_iter()
            .map(|typed| Typed::safe(typed.key(), Shape::of(&DataType::Bytea)))
            .collect();
        let (right, keys) = self.names.extend(right, "key", keys)?;
        let mut known: Vec<DfExpr> = Vec::new();
        for key in keys {
            if !known.contains(&key.expr) {
                known.push(key.expr);
            }
        }
        // What the conditions read of the columns is fixed by the keys.
        let mut renamed = HashMap::new();
        for column in conditions.iter().flat_map(DfExpr::column_refs) {
            let mine = right.plan.schema().has_column(column) && !renamed.contains_key(column);
            if mine && !known.contains(&DfExpr::Column(column.clone())) {
                let alias = self.names.fresh("carried");
                calls.push(first(DfExpr::Column(column.clone())).alias(alias.clone()));
                renamed.insert(column.clone(), Column::new_unqualified(alias));
            }
        }
        let conditions = conditions
            .into_iter()
            .map(|condition| rename(condition, &renamed))
            .collect::<Result<Vec<_>>>()?;
        let grouped = right.then(|plan| plan.aggregate(known, calls))?;
        Ok((grouped, conditions))
    }

    /// Whether a subquery has rows, beside each row.
    fn exists(&mut self, input: Relation, used: &Use<'_>) -> Result<(Relation, Typed)> {
        let (input, frame) = self.exprs_with_subqueries(input, used.frame)?;
        let unsupported = || Error::unsupported("this subquery in a vectorized plan");
        if used.pulled.default.is_some() && !used.pulled.conditions.is_empty() {
            return Err(unsupported());
        }
        let right = self.plan(&used.pulled.plan)?;
        let rows = self.names.fresh("rows");
        if used.pulled.conditions.is_empty() {
            let counted = right.then(|plan| {
                plan.limit(0, Some(1))?
                    .aggregate(Vec::<DfExpr>::new(), [count(lit(1i64)).alias(rows.clone())])
            })?;
            let joined = join_relations(input, counted, JoinType::Inner, Vec::new())?;
            let found = DfExpr::Column(Column::new_unqualified(rows)).gt(lit(0i64));
            return Ok((joined, boolean(found, false)));
        }
        let pairs = equalities(&used.pulled.conditions).ok_or_else(unsupported)?;
        let inner: Vec<Expr> = pairs.into_iter().map(|(inner, _)| inner).collect();
        let conditions = self.conditions(&right.columns, &frame, &used.pulled)?;
        let calls = vec![count(lit(1i64)).alias(rows.clone())];
        let (counted, conditions) = self.by_frames(right, &inner, conditions, calls)?;
        let joined = join_relations(input, counted, JoinType::Left, conditions)?;
        let rows = DfExpr::Column(Column::new_unqualified(rows));
        let found = DfExpr::IsNotNull(Box::new(rows.clone())).and(rows.gt(lit(0i64)));
        Ok((joined, boolean(found, false)))
    }

    fn open<'e>(&self, id: u32, args: &'e [Expr]) -> Result<Use<'e>> {
        let subplan = usize::try_from(id)
            .ok()
            .and_then(|id| self.subplans.get(id))
            .ok_or_else(|| Error::internal("unknown subquery"))?;
        let (frame, operand) = args
            .split_at_checked(subplan.frame)
            .ok_or_else(|| Error::internal("a subquery without its frame"))?;
        let plan = unordered(&subplan.plan);
        let pulled =
            pull(plan).ok_or_else(|| Error::unsupported("this correlated vectorized subquery"))?;
        Ok(Use {
            frame,
            operand: operand.first(),
            pulled,
        })
    }

    fn conditions(
        &self,
        columns: &[Typed],
        frame: &[Typed],
        pulled: &Pulled,
    ) -> Result<Vec<DfExpr>> {
        let none = HashMap::new();
        let mut bridge = ExprBridge::new(self.scope(columns, frame, &none));
        pulled
            .conditions
            .iter()
            .map(|condition| bridge.condition(condition))
            .collect()
    }

    /// The operand of a comparison with a subquery, and the subquery's column.
    fn operands(
        &self,
        columns: &[Typed],
        right: &Relation,
        used: &Use<'_>,
    ) -> Result<(Typed, Typed)> {
        match (used.operand, right.columns.first()) {
            (Some(operand), Some(column)) => Ok((self.expr(columns, operand)?, column.clone())),
            _ => Err(Error::internal("a comparison with nothing")),
        }
    }
}

/// The plan below a sort that nobody can see.
fn unordered(plan: &Plan) -> &Plan {
    match plan {
        Plan::Sort(sort) => &sort.input,
        other => other,
    }
}

/// Whether the plan yields exactly one row.
fn is_single(plan: &Plan) -> bool {
    match plan {
        Plan::OneRow => true,
        Plan::Project(node) => is_single(&node.input),
        Plan::Sort(node) => is_single(&node.input),
        Plan::Aggregate(node) => {
            node.groups.is_empty() && matches!(node.sets.as_slice(), [set] if set.is_empty())
        }
        _ => false,
    }
}

fn count(arg: DfExpr) -> DfExpr {
    let call = AggregateFunction::new_udf(count_udaf(), vec![arg], false, None, vec![], None);
    DfExpr::AggregateFunction(call)
}

fn first(arg: DfExpr) -> DfExpr {
    let call = AggregateFunction::new_udf(first_value_udaf(), vec![arg], false, None, vec![], None);
    DfExpr::AggregateFunction(call)
}

fn rename(expr: DfExpr, columns: &HashMap<Column, Column>) -> Result<DfExpr> {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    expr.transform(|e| {
        Ok(match &e {
            DfExpr::Column(column) => match columns.get(column) {
                Some(new) => Transformed::yes(DfExpr::Column(new.clone())),
                None => Transformed::no(e),
            },
            _ => Transformed::no(e),
        })
    })
    .map(|done| done.data)
    .map_err(crate::fusion::error::from_datafusion)
}
