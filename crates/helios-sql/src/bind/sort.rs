//! `ORDER BY`: keys, names and numbers of output columns.

use helios_base::{Result, SqlState, Value};
use helios_expr::{Comparison, Expr};

use super::Binder;
use super::pending::is_volatile;
use crate::parse::ast::{self, ExprKind, OrderBy};
use crate::plan::{Plan, PlanColumn, Project, Sort, SortKey};

impl Binder<'_> {
    /// Keys over the row of the level, without names of output columns.
    pub(super) fn sort_keys(&mut self, order_by: &[OrderBy]) -> Result<Vec<SortKey>> {
        order_by
            .iter()
            .map(|item| {
                let expr = self.settled(&item.expr)?;
                self.sort_key(expr, item)
            })
            .collect()
    }

    /// A key of an expression that is bound already.
    pub(super) fn sort_key(&self, expr: Expr, item: &OrderBy) -> Result<SortKey> {
        let expr = self.place(self.builder.settle(expr), item.expr.pos)?;
        if self.builder.comparison(Comparison::Lt, expr.ty()).is_err() {
            let error = self.fail(
                SqlState::UNDEFINED_FUNCTION,
                format!(
                    "could not identify an ordering operator for type {}",
                    helios_expr::resolve::type_name(expr.ty())
                ),
                item.expr.pos,
            );
            return Err(error.with_hint("Use an explicit ordering operator or modify the query."));
        }
        Ok(SortKey {
            expr,
            descending: item.descending,
            nulls_first: item.nulls_first.unwrap_or(item.descending),
        })
    }

    /// A number as the position of an output column, from 0; `None` for other expressions.
    ///
    /// # Errors
    /// 42P10 if there is no such column, 42601 for other constants.
    pub(super) fn output_position(
        &self,
        expr: &ast::Expr,
        columns: &[PlanColumn],
        clause: &str,
    ) -> Result<Option<usize>> {
        match &expr.kind {
            ExprKind::Number(text) => {
                let Ok(number) = text.parse::<i64>() else {
                    return Err(self.not_integer(expr, clause));
                };
                let index = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
                match index.filter(|index| *index < columns.len()) {
                    Some(index) => Ok(Some(index)),
                    None => Err(self.fail(
                        SqlState::INVALID_COLUMN_REFERENCE,
                        format!("{clause} position {number} is not in select list"),
                        expr.pos,
                    )),
                }
            }
            ExprKind::Text(_) => Err(self.not_integer(expr, clause)),
            _ => Ok(None),
        }
    }

    fn not_integer(&self, expr: &ast::Expr, clause: &str) -> helios_base::Error {
        self.fail(
            SqlState::SYNTAX_ERROR,
            format!("non-integer constant in {clause}"),
            expr.pos,
        )
    }

    pub(super) fn sorted(input: Plan, keys: Vec<SortKey>) -> Plan {
        if keys.is_empty() {
            return input;
        }
        Plan::Sort(Box::new(Sort { input, keys }))
    }
}

/// Takes those of the `visible` outputs that may differ from call to call out of `exprs`, which are
/// computed below the sort: they are computed above it, for the rows that are left. What they read
/// becomes hidden columns. Each with its number.
pub(super) fn postponed(
    input: &[PlanColumn],
    exprs: &mut Vec<Expr>,
    columns: &mut Vec<PlanColumn>,
    visible: usize,
    sort: &[SortKey],
) -> Vec<(usize, Expr)> {
    let is_key = |index: usize| {
        sort.iter()
            .any(|key| matches!(&key.expr, Expr::Column { index: at, .. } if *at == index))
    };
    let mut late = Vec::new();
    for index in 0..visible.min(exprs.len()) {
        // A subquery may become a join, which knows no order.
        let volatile = exprs.get(index).is_some_and(|expr| {
            is_volatile(expr) && !expr.any(&mut |part| matches!(part, Expr::Subplan { .. }))
        });
        if sort.is_empty() || !volatile || is_key(index) {
            continue;
        }
        let Some(place) = exprs.get_mut(index) else {
            continue;
        };
        let nothing = Expr::Literal(Value::Null, place.ty().clone());
        let mut expr = std::mem::replace(place, nothing);
        let read: Vec<(usize, usize)> = expr
            .used_columns()
            .into_iter()
            .filter_map(|column| {
                let known = input.get(column)?;
                exprs.push(Expr::column(column, known.ty.clone()));
                columns.push(PlanColumn::new("(late)", known.ty.clone()));
                Some((column, exprs.len() - 1))
            })
            .collect();
        expr.remap_columns(&|column| {
            let mut read = read.iter();
            let found = read.find(|(from, _)| *from == column);
            found.map_or(column, |(_, to)| *to)
        });
        late.push((index, expr));
    }
    late
}

/// The rows of `plan`, with what [`postponed`] took out in its place.
pub(super) fn computed_late(plan: Plan, late: Vec<(usize, Expr)>) -> Plan {
    let columns = plan.columns().to_vec();
    let places = columns.iter().enumerate();
    let mut exprs: Vec<Expr> = places
        .map(|(index, column)| Expr::column(index, column.ty.clone()))
        .collect();
    for (index, expr) in late {
        if let Some(place) = exprs.get_mut(index) {
            *place = expr;
        }
    }
    Plan::Project(Box::new(Project {
        input: plan,
        exprs,
        columns,
    }))
}
