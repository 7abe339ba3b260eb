//! `VALUES` as a query.

use helios_base::{Error, Result};
use helios_expr::Expr;
use helios_expr::resolve::common_type;

use super::Binder;
use super::scope::{Clause, Scope, plan_column};
use crate::parse::ast;
use crate::plan::{Plan, PlanColumn, Values};

impl Binder<'_> {
    pub(super) fn values(
        &mut self,
        rows: &[Vec<ast::Expr>],
        parent: Option<usize>,
        settle: bool,
    ) -> Result<Plan> {
        let bound = self.values_rows(rows, parent)?;
        let width = bound.first().map_or(0, Vec::len);
        let mut columns: Vec<Vec<Expr>> = (0..width).map(|_| Vec::new()).collect();
        for row in bound {
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
        let mut plan_columns: Vec<PlanColumn> = Vec::with_capacity(width);
        for (index, column) in columns.iter_mut().enumerate() {
            let types: Vec<_> = column.iter().map(Expr::ty).collect();
            let undecided = types.iter().all(|ty| super::scope::is_undecided(ty));
            let mut common = None;
            if settle || !undecided {
                let pos = rows
                    .iter()
                    .filter_map(|row| row.get(index))
                    .nth(1)
                    .or_else(|| rows.first().and_then(|row| row.get(index)))
                    .map_or_else(Default::default, |expr| expr.pos);
                let ty = self.place(common_type("VALUES", &types), pos)?;
                let values = std::mem::take(column);
                *column = self.place(self.builder.all_to("VALUES", values, &ty), pos)?;
                common = Some(ty);
            }
            let mut first = match column.first() {
                Some(value) => plan_column(format!("column{}", index + 1), value),
                None => return Err(Error::internal("VALUES without rows")),
            };
            if let Some(ty) = common {
                // The first value may have a modifier that others do not.
                first.ty = ty;
            }
            first.nullable = column
                .iter()
                .any(|value| !matches!(value, Expr::Literal(literal, _) if !literal.is_null()));
            plan_columns.push(first);
        }
        let mut out: Vec<Vec<Expr>> = rows.iter().map(|_| Vec::with_capacity(width)).collect();
        for column in columns {
            for (row, value) in out.iter_mut().zip(column) {
                row.push(value);
            }
        }
        let plan = Plan::Values(Box::new(Values {
            rows: out,
            columns: plan_columns,
        }));
        if let Some(first) = rows.first().and_then(|row| row.first()) {
            self.note_types(first.pos, &plan);
        }
        Ok(plan)
    }

    /// The expressions of `VALUES`, without common types.
    fn values_rows(
        &mut self,
        rows: &[Vec<ast::Expr>],
        parent: Option<usize>,
    ) -> Result<Vec<Vec<Expr>>> {
        self.push_level(Scope::default(), parent);
        self.set_clause(Clause::Plain("VALUES"));
        let bound = rows.iter().map(|row| self.exprs(row)).collect();
        self.pop_level();
        bound
    }
}
