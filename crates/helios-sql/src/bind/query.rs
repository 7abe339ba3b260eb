//! Queries: what is around `SELECT`, `VALUES` and set operations.

use helios_base::{DataType, Error, Result, SqlState};
use helios_expr::{CastContext, Expr};

use super::Binder;
use super::scope::{Clause, Scope, is_undecided};
use crate::parse::ast::{self, Query, QueryBody};
use crate::plan::{Limit, Plan, PlanColumn, Project, SortKey};

/// Rows without their order.
pub(super) struct Bounds {
    pub limit: Option<Expr>,
    pub offset: Option<Expr>,
}

impl Binder<'_> {
    /// A query. Names are looked up in its own `FROM`, then at `parent`. With `settle`, columns of
    /// undecided type become `text`; otherwise the caller decides them.
    pub(super) fn query(
        &mut self,
        query: &Query,
        parent: Option<usize>,
        settle: bool,
    ) -> Result<Plan> {
        let visible = self.ctes.len();
        let ctes = self.with_clause(query.with.as_ref(), parent)?;
        let plan = self.query_body(query, parent, settle);
        let defined = self.ctes.split_off(visible);
        Ok(Self::close_with(ctes, &defined, plan?))
    }

    fn query_body(&mut self, query: &Query, parent: Option<usize>, settle: bool) -> Result<Plan> {
        match &query.body {
            QueryBody::Select(select) => {
                if let Some(into) = &select.into {
                    return Err(self.fail(
                        SqlState::SYNTAX_ERROR,
                        "SELECT ... INTO is not allowed here",
                        into.name.pos(),
                    ));
                }
                self.select(select, query, parent, settle)
            }
            QueryBody::Values(rows) => {
                self.no_locks(query, "VALUES")?;
                let plan = self.values(rows, parent, settle)?;
                self.tail(plan, query, parent, true)
            }
            QueryBody::SetOp {
                kind,
                all,
                left,
                right,
                pos,
            } => {
                self.no_locks(query, "UNION/INTERSECT/EXCEPT")?;
                let left_plan = self.query(left, parent, false)?;
                let right_plan = self.query(right, parent, false)?;
                let plan = self.set_op(*kind, *all, left_plan, right_plan, *pos, [left, right])?;
                self.tail(plan, query, parent, false)
            }
        }
    }

    fn no_locks(&self, query: &Query, what: &str) -> Result<()> {
        match query.locks.first() {
            Some(lock) => Err(self.at(
                Error::unsupported(format!(
                    "{} is not allowed with {what}",
                    super::select::lock_words(lock.mode)
                )),
                lock.pos,
            )),
            None => Ok(()),
        }
    }

    /// `ORDER BY` and `LIMIT` over the rows of a plan whose columns are already named. Expressions
    /// may be ordered by only if `expressions`.
    fn tail(
        &mut self,
        plan: Plan,
        query: &Query,
        parent: Option<usize>,
        expressions: bool,
    ) -> Result<Plan> {
        self.push_level(Scope::anonymous(plan.columns()), parent);
        let bound = self.tail_here(plan, query, expressions);
        self.pop_level();
        bound
    }

    fn tail_here(&mut self, plan: Plan, query: &Query, expressions: bool) -> Result<Plan> {
        let columns = plan.columns().to_vec();
        let mut keys: Vec<SortKey> = Vec::new();
        self.set_clause(Clause::Plain("ORDER BY"));
        for item in &query.order_by {
            let expr = match self.output_position(&item.expr, &columns, "ORDER BY")? {
                Some(index) => column_of(&columns, index),
                None if expressions => self.settled(&item.expr)?,
                None => match &item.expr.kind {
                    ast::ExprKind::Column(parts) if parts.len() == 1 => self.expr(&item.expr)?,
                    _ => {
                        return Err(self.at(
                            Error::unsupported("invalid UNION/INTERSECT/EXCEPT ORDER BY clause")
                                .with_detail(
                                    "Only result column names can be used, not expressions or \
                                         functions.",
                                )
                                .with_hint(
                                    "Add the expression/function to every SELECT, or move the \
                                         UNION into a FROM clause.",
                                ),
                            item.expr.pos,
                        ));
                    }
                },
            };
            keys.push(self.sort_key(expr, item)?);
        }
        let bounds = self.bounds(query)?;
        let plan = Self::sorted(plan, keys.clone());
        Ok(Self::limited(plan, bounds, query.with_ties, keys))
    }

    /// `LIMIT` and `OFFSET`.
    pub(super) fn bounds(&mut self, query: &Query) -> Result<Bounds> {
        Ok(Bounds {
            limit: self.bound(query.limit.as_ref(), "LIMIT")?,
            offset: self.bound(query.offset.as_ref(), "OFFSET")?,
        })
    }

    fn bound(&mut self, expr: Option<&ast::Expr>, what: &'static str) -> Result<Option<Expr>> {
        let Some(expr) = expr else {
            return Ok(None);
        };
        let before = self.set_clause(Clause::Plain(what));
        let value = self.expr(expr)?;
        self.set_clause(before);
        if value.any(&mut |part| matches!(part, Expr::Column { .. })) {
            return Err(self.fail(
                SqlState::INVALID_COLUMN_REFERENCE,
                format!("argument of {what} must not contain variables"),
                expr.pos,
            ));
        }
        let value = self.builder.argument_of(value, &DataType::Int8, what);
        self.place(value, expr.pos).map(Some)
    }

    pub(super) fn limited(
        input: Plan,
        bounds: Bounds,
        with_ties: bool,
        keys: Vec<SortKey>,
    ) -> Plan {
        let unlimited = |limit: &Option<Expr>| limit.as_ref().is_none_or(super::expr::is_null);
        if unlimited(&bounds.limit) && bounds.offset.is_none() {
            return input;
        }
        Plan::Limit(Box::new(Limit {
            input,
            limit: bounds.limit,
            offset: bounds.offset,
            ties: if with_ties { keys } else { Vec::new() },
        }))
    }

    /// The plan with its columns converted to `types`, one each.
    pub(super) fn coerce_plan(&self, plan: Plan, types: &[DataType]) -> Result<Plan> {
        let columns = plan.columns();
        let same = columns
            .iter()
            .zip(types)
            .all(|(column, wanted)| column.ty == *wanted);
        if same {
            return Ok(plan);
        }
        self.convert_plan(plan, &|index, expr| {
            let Some(wanted) = types.get(index) else {
                return Ok(expr);
            };
            let from = expr.ty().clone();
            self.builder
                .try_convert(expr, wanted, CastContext::Implicit)?
                .ok_or_else(|| {
                    Error::new(
                        SqlState::CANNOT_COERCE,
                        format!("cannot cast type {from} to {wanted}"),
                    )
                })
        })
    }

    /// The plan with columns of undecided type made `text`.
    pub(super) fn settle_plan(&self, plan: Plan) -> Result<Plan> {
        if !plan.columns().iter().any(|column| is_undecided(&column.ty)) {
            return Ok(plan);
        }
        self.convert_plan(plan, &|_, expr| self.builder.settle(expr))
    }

    /// The plan with each column's expression converted: in the plan's own projection if it ends
    /// with one, so that undecided literals are reached, otherwise in one above.
    pub(super) fn convert_plan(
        &self,
        mut plan: Plan,
        convert: &dyn Fn(usize, Expr) -> Result<Expr>,
    ) -> Result<Plan> {
        match &mut plan {
            Plan::Project(node) => {
                for (index, expr) in node.exprs.iter_mut().enumerate() {
                    *expr = convert(index, std::mem::replace(expr, Expr::NULL))?;
                }
                retype(&mut node.columns, &node.exprs);
                return Ok(plan);
            }
            Plan::Values(node) => {
                for row in &mut node.rows {
                    for (index, expr) in row.iter_mut().enumerate() {
                        *expr = convert(index, std::mem::replace(expr, Expr::NULL))?;
                    }
                }
                if let Some(row) = node.rows.first() {
                    retype(&mut node.columns, row);
                }
                return Ok(plan);
            }
            _ => {}
        }
        let mut columns = plan.columns().to_vec();
        let exprs = columns
            .iter()
            .enumerate()
            .map(|(index, column)| convert(index, Expr::column(index, column.ty.clone())))
            .collect::<Result<Vec<_>>>()?;
        retype(&mut columns, &exprs);
        Ok(Plan::Project(Box::new(Project {
            input: plan,
            exprs,
            columns,
        })))
    }
}

fn retype(columns: &mut [PlanColumn], exprs: &[Expr]) {
    for (column, expr) in columns.iter_mut().zip(exprs) {
        if column.ty != *expr.ty() {
            column.ty = expr.ty().clone();
            column.source = None;
            column.origin = None;
        }
    }
}

/// Column `index` as an expression.
pub(super) fn column_of(columns: &[PlanColumn], index: usize) -> Expr {
    let ty = columns
        .get(index)
        .map_or(DataType::Unknown, |column| column.ty.clone());
    Expr::column(index, ty)
}
