//! Joins, lateral ones included.

use std::collections::HashMap;

use datafusion::common::JoinType;
use datafusion::logical_expr::Expr as DfExpr;
use helios_base::{Error, Result};
use helios_expr::Expr;

use super::decorrelate::{Pulled, pull};
use super::expr::{ExprBridge, truth};
use super::plan::{PlanBridge, has_subplan};
use super::relation::Relation;
use super::typed::Typed;
use crate::plan::{Join, JoinKind};

impl PlanBridge<'_> {
    pub(super) fn join(&mut self, node: &Join) -> Result<Relation> {
        let left = self.plan(&node.left)?;
        let Some(frame) = &node.lateral else {
            let right = self.plan(&node.right)?;
            return self.join_on(left, right, node.kind, &node.on);
        };
        let Some(pulled) = pull(&node.right) else {
            return Err(Error::unsupported("this lateral join in a vectorized plan"));
        };
        let columns = left.columns.clone();
        let width = node.right.columns().len();
        let (left, frame) = self.exprs_with_subqueries(left, frame)?;
        if pulled.default.is_some() && !node.on.is_empty() {
            return Err(Error::unsupported("this lateral join in a vectorized plan"));
        }
        let kind = match (node.kind, &pulled.default) {
            (JoinKind::Inner, None) => JoinType::Inner,
            (JoinKind::Inner | JoinKind::Left, _) => JoinType::Left,
            _ => return Err(Error::unsupported("this lateral join in a vectorized plan")),
        };
        let (joined, mut right) =
            self.join_pulled(left, &frame, &pulled, kind, &columns, &node.on)?;
        right.truncate(width);
        let columns = columns.into_iter().chain(right).collect();
        Ok(Relation { columns, ..joined })
    }

    fn join_on(
        &mut self,
        left: Relation,
        right: Relation,
        kind: JoinKind,
        on: &[Expr],
    ) -> Result<Relation> {
        let columns: Vec<Typed> = left.columns.iter().chain(&right.columns).cloned().collect();
        if on.iter().any(has_subplan) {
            if kind != JoinKind::Inner {
                return Err(Error::unsupported("a subquery in a vectorized outer join"));
            }
            let pairs = left.then(|plan| plan.cross_join(right.plan))?;
            return self.filter_by(Relation { columns, ..pairs }, on);
        }
        let conditions: Vec<DfExpr> = self
            .exprs(&columns, on)?
            .into_iter()
            .map(|typed| typed.expr)
            .collect();
        let kind = match kind {
            JoinKind::Inner => JoinType::Inner,
            JoinKind::Left => JoinType::Left,
            JoinKind::Right => JoinType::Right,
            JoinKind::Full => JoinType::Full,
        };
        let joined = join_relations(left, right, kind, conditions)?;
        Ok(Relation { columns, ..joined })
    }

    /// Joins a plan that was taken out of its frame: for each row of `left` those rows of the plan
    /// that belong to the frame of the values `frame`, and satisfy `on`, which is over the columns
    /// `outer` and then those of the plan.
    ///
    /// Returns the columns of the plan, with the default row's values where there is one.
    pub(super) fn join_pulled(
        &mut self,
        left: Relation,
        frame: &[Typed],
        pulled: &Pulled,
        kind: JoinType,
        outer: &[Typed],
        on: &[Expr],
    ) -> Result<(Relation, Vec<Typed>)> {
        let right = self.plan(&pulled.plan)?;
        let columns = right.columns.clone();
        let (right, marker) = match &pulled.default {
            None => (right, None),
            Some(_) => {
                let mark = Typed::safe(
                    truth(true),
                    crate::fusion::shape::Shape::of(&helios_base::DataType::Bool),
                );
                let (right, mut marker) = self.names.extend(right, "found", vec![mark])?;
                (right, marker.pop())
            }
        };
        let none = HashMap::new();
        let mut conditions = Vec::new();
        {
            let mut bridge = ExprBridge::new(self.scope(&columns, frame, &none));
            for condition in &pulled.conditions {
                conditions.push(bridge.condition(condition)?);
            }
        }
        let both: Vec<Typed> = outer.iter().chain(&columns).cloned().collect();
        for condition in on {
            conditions.push(self.expr(&both, condition)?.expr);
        }
        let joined = join_relations(left, right, kind, conditions)?;
        let (Some(default), Some(marker)) = (&pulled.default, marker) else {
            return Ok((joined, columns));
        };
        let mut filled = Vec::with_capacity(columns.len());
        for (position, column) in columns.into_iter().enumerate() {
            let Some(default) = default.get(position) else {
                filled.push(column);
                continue;
            };
            let default = self.expr(&[], default)?;
            if default.is_null() {
                filled.push(column);
                continue;
            }
            let shape = column.shape.unify(&default.shape);
            let missing = DfExpr::IsNull(Box::new(marker.expr.clone()));
            let value = datafusion::logical_expr::Case::new(
                None,
                vec![(
                    Box::new(missing),
                    Box::new(default.into_shape(&shape)?.expr),
                )],
                Some(Box::new(column.into_shape(&shape)?.expr)),
            );
            filled.push(Typed::safe(DfExpr::Case(value), shape));
        }
        self.names.extend(joined, "filled", filled)
    }
}

/// Joins two relations; keeps the left one's columns in mind only.
pub(super) fn join_relations(
    left: Relation,
    right: Relation,
    kind: JoinType,
    conditions: Vec<DfExpr>,
) -> Result<Relation> {
    left.then(|plan| {
        if conditions.is_empty() && kind == JoinType::Inner {
            plan.cross_join(right.plan)
        } else if conditions.is_empty() {
            plan.join_on(right.plan, kind, [truth(true)])
        } else {
            plan.join_on(right.plan, kind, conditions)
        }
    })
}
