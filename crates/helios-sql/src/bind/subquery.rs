//! Queries inside expressions.

use helios_base::{DataType, Error, Result, SqlState};
use helios_expr::{Expr, SubplanKind, resolve};

use super::Binder;
use super::scope::plan_column;
use crate::parse::ast::{self, Pos, Query};
use crate::plan::{AggregateCall, AggregateNode, Plan, Project, Subplan};

impl Binder<'_> {
    /// Binds a query in a frame of its own: its plan and the frame's values.
    fn framed(&mut self, query: &Query, settle: bool) -> Result<(Plan, Vec<Expr>)> {
        let parent = self.here();
        self.push_frame();
        let plan = self.query(query, parent, settle);
        let values = self.pop_frame();
        Ok((plan?, values))
    }

    pub(super) fn subplan(
        &mut self,
        plan: Plan,
        kind: SubplanKind,
        mut frame: Vec<Expr>,
        operand: Option<Expr>,
        ty: DataType,
    ) -> Result<Expr> {
        let id = u32::try_from(self.subplans.len())
            .map_err(|_| Error::internal("too many subqueries"))?;
        self.subplans.push(Subplan {
            plan,
            frame: frame.len(),
        });
        frame.extend(operand);
        Ok(Expr::Subplan {
            id,
            kind,
            args: frame,
            ty,
        })
    }

    fn one_column(&self, plan: &Plan, pos: Pos) -> Result<DataType> {
        match plan.columns() {
            [column] => Ok(column.ty.clone()),
            _ => Err(self.fail(
                SqlState::SYNTAX_ERROR,
                "subquery must return only one column",
                pos,
            )),
        }
    }

    pub(super) fn scalar_query(&mut self, query: &Query, pos: Pos) -> Result<Expr> {
        let (plan, frame) = self.framed(query, true)?;
        let ty = self.one_column(&plan, pos)?;
        self.subplan(plan, SubplanKind::Scalar, frame, None, ty)
    }

    pub(super) fn exists(&mut self, query: &Query) -> Result<Expr> {
        let (plan, frame) = self.framed(query, true)?;
        self.subplan(plan, SubplanKind::Exists, frame, None, DataType::Bool)
    }

    pub(super) fn array_query(&mut self, query: &Query, pos: Pos) -> Result<Expr> {
        let (plan, frame) = self.framed(query, true)?;
        let ty = match self.one_column(&plan, pos)? {
            array @ DataType::Array(_) => array,
            element => DataType::Array(Box::new(element)),
        };
        self.subplan(plan, SubplanKind::Array, frame, None, ty)
    }

    /// `left op ANY | ALL (query)`; `IN` is `= ANY`.
    pub(super) fn quantified_query(
        &mut self,
        left: &ast::Expr,
        operator: &str,
        query: &Query,
        all: bool,
        pos: Pos,
    ) -> Result<Expr> {
        let operand = self.expr(left)?;
        let (plan, frame) = self.framed(query, false)?;
        if let Expr::Row(fields) = operand {
            return self.row_in_query(fields, operator, plan, frame, all, pos);
        }
        let column = match plan.columns() {
            [column] => column.ty.clone(),
            _ => {
                return Err(self.fail(
                    SqlState::SYNTAX_ERROR,
                    "subquery has too many columns",
                    pos,
                ));
            }
        };
        // What nothing decides, the column decides; and the other way round.
        let column = match (&column, operand.ty()) {
            (DataType::Unknown, DataType::Unknown) => DataType::Text,
            _ => column,
        };
        let built = self.builder.quantified_subquery(operand, operator, &column);
        let (function, operand, wanted) = self.place_literal(built, pos, &[left])?;
        let plan = self.place(self.coerce_plan(plan, &[wanted]), pos)?;
        let kind = if all {
            SubplanKind::All(function)
        } else {
            SubplanKind::Any(function)
        };
        self.subplan(plan, kind, frame, Some(operand), DataType::Bool)
    }

    /// `(a, b) op (query)`: compared with the only row; unknown if there is none.
    pub(super) fn row_against_query(
        &mut self,
        fields: Vec<Expr>,
        operator: &str,
        query: &Query,
        pos: Pos,
    ) -> Result<Expr> {
        let (plan, mut frame) = self.framed(query, false)?;
        let plan = self.settle_plan(plan)?;
        let (outer, columns) = self.facing(fields, &plan, &mut frame, pos)?;
        let built = self
            .builder
            .operator(operator, Expr::Row(outer), Expr::Row(columns));
        let test = self.place(built, pos)?;
        let ty = test.ty().clone();
        let plan = Plan::Project(Box::new(Project {
            columns: vec![plan_column("row", &test)],
            exprs: vec![test],
            input: plan,
        }));
        self.subplan(plan, SubplanKind::Scalar, frame, None, ty)
    }

    /// The fields of a row, handed into the frame of a query, and the columns that face them.
    fn facing(
        &mut self,
        fields: Vec<Expr>,
        plan: &Plan,
        frame: &mut Vec<Expr>,
        pos: Pos,
    ) -> Result<(Vec<Expr>, Vec<Expr>)> {
        let columns = plan.columns();
        if columns.len() != fields.len() {
            let message = if columns.len() < fields.len() {
                "subquery has too few columns"
            } else {
                "subquery has too many columns"
            };
            return Err(self.fail(SqlState::SYNTAX_ERROR, message, pos));
        }
        let mut outer = Vec::with_capacity(fields.len());
        let mut inner = Vec::with_capacity(fields.len());
        for (index, (field, column)) in fields.into_iter().zip(columns).enumerate() {
            let wanted = match field.ty() {
                DataType::Unknown => column.ty.clone(),
                other => other.clone(),
            };
            let field = self.place(self.builder.coerce(field, &wanted), pos)?;
            frame.push(field);
            outer.push(Expr::Outer {
                depth: 0,
                index: frame.len() - 1,
                ty: wanted,
            });
            inner.push(Expr::column(index, column.ty.clone()));
        }
        Ok((outer, inner))
    }

    /// `(a, b) IN (query)`: true if any row equals, unknown if any comparison is, otherwise false.
    fn row_in_query(
        &mut self,
        fields: Vec<Expr>,
        operator: &str,
        plan: Plan,
        mut frame: Vec<Expr>,
        all: bool,
        pos: Pos,
    ) -> Result<Expr> {
        let negated = match (operator, all) {
            ("=", false) => false,
            ("<>", true) => true,
            _ => {
                return Err(
                    self.unsupported(format!("row comparison {operator} with a subquery"), pos)
                );
            }
        };
        let plan = self.settle_plan(plan)?;
        let (outer, columns) = self.facing(fields, &plan, &mut frame, pos)?;
        let mut terms = Vec::with_capacity(columns.len());
        for (outer, column) in outer.into_iter().zip(columns) {
            terms.push(self.place(self.builder.operator("=", outer, column), pos)?);
        }
        let equal = Expr::conjunction(terms);
        let unknown = self.builder.is_null(equal.clone(), false)?;
        let or = |arg: Expr| -> Result<AggregateCall> {
            let resolved = resolve::aggregate("bool_or", &[DataType::Bool])?;
            Ok(AggregateCall {
                function: resolved.entry,
                args: vec![arg],
                distinct: false,
                filter: None,
                order_by: Vec::new(),
                within_group: false,
                ty: DataType::Bool,
            })
        };
        let calls = vec![or(equal)?, or(unknown)?];
        let column = |index| Expr::column(index, DataType::Bool);
        let aggregate = Plan::Aggregate(Box::new(AggregateNode {
            input: plan,
            groups: Vec::new(),
            sets: vec![Vec::new()],
            columns: vec![
                plan_column("found", &column(0)),
                plan_column("unknown", &column(1)),
            ],
            calls,
            groupings: Vec::new(),
        }));
        let result = self.builder.case(
            None,
            vec![(column(0), Expr::bool(true)), (column(1), Expr::NULL)],
            Some(Expr::bool(false)),
        )?;
        let plan = Plan::Project(Box::new(Project {
            columns: vec![plan_column("in", &result)],
            exprs: vec![result],
            input: aggregate,
        }));
        let found = self.subplan(plan, SubplanKind::Scalar, frame, None, DataType::Bool)?;
        Ok(if negated {
            Expr::Not(Box::new(found))
        } else {
            found
        })
    }
}
