//! `ORDER BY`: keys, names and numbers of output columns.

use helios_base::{Result, SqlState};
use helios_expr::{Comparison, Expr};

use super::Binder;
use crate::parse::ast::{self, ExprKind, OrderBy};
use crate::plan::{Plan, PlanColumn, Sort, SortKey};

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
