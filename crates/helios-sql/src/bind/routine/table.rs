//! Calls in `FROM`: the body becomes a part of the plan, as a lateral subquery would.

use helios_base::{DataType, Error, Result, SqlState};
use helios_expr::{Expr, Volatility};
use helios_table::catalog::ReturnShape;

use super::body::Body;
use super::scalar::{first_row, query_of};
use super::{UsersCall, is_row};
use crate::bind::Binder;
use crate::bind::from::Item;
use crate::bind::scope::{Clause, Scope, is_undecided, plan_column};
use crate::parse::ast::{self, ExprKind, Ident, Pos, TableAlias, TableCall};
use crate::plan::{Filter, Join, JoinKind, Plan, PlanColumn, Project, Values};

impl Binder<'_> {
    /// A user's function alone in `FROM`; `None` if the call is none.
    pub(in crate::bind) fn users_item(
        &mut self,
        call: &TableCall,
        ordinality: bool,
        alias: Option<&TableAlias>,
        parent: Option<usize>,
        pos: Pos,
    ) -> Result<Option<Item>> {
        let ExprKind::Call(written) = &call.call.kind else {
            return Ok(None);
        };
        if self.users_functions(written).is_empty() {
            return Ok(None);
        }
        self.push_level(Scope::default(), parent);
        self.set_clause(Clause::Plain("functions in FROM"));
        let bound = self.users_call(written, call.call.pos);
        self.pop_level();
        let Some(found) = bound? else {
            return Ok(None);
        };
        if ordinality {
            return Err(self.unsupported("WITH ORDINALITY of a user's function", pos));
        }
        let def = found.def.clone();
        let mut columns = self.place(self.result_columns(&def), pos)?;
        let defined = if columns.is_none() {
            Some(self.defined_columns(call, pos)?)
        } else if let Some((column, _)) = call.columns.first() {
            return Err(self.fail(
                SqlState::SYNTAX_ERROR,
                "a column definition list is only allowed for functions returning \"record\"",
                column.pos,
            ));
        } else {
            None
        };
        if defined.is_some() {
            columns = defined;
        }
        let shown = alias
            .and_then(|alias| alias.name.clone())
            .unwrap_or_else(|| Ident {
                name: written.name.name.name.clone(),
                pos,
            });
        let row = is_row(&def, columns.as_ref());
        // One value without a name of its own is called as the function.
        if !row
            && let Some([(name, _)]) = columns.as_deref_mut()
            && (name.is_empty() || alias.is_some_and(|alias| alias.name.is_some()))
            && def.outputs().next().is_none()
        {
            name.clone_from(&shown.name);
        }
        let plan = self.users_plan(&found, columns.as_ref(), pos)?;
        let mut item = self.aliased(plan, alias, &shown, None, false)?;
        for table in &mut item.scope.tables {
            table.scalar = !row && def.outputs().next().is_none();
            table.rows = match &def.returns.shape {
                ReturnShape::Value(DataType::User(user)) if row => Some(user.oid),
                ReturnShape::Relation(relation) => Some(*relation),
                _ => None,
            };
        }
        Ok(Some(item))
    }

    fn defined_columns(&mut self, call: &TableCall, pos: Pos) -> Result<super::Columns> {
        if call.columns.is_empty() {
            return Err(self.no_definitions(pos));
        }
        call.columns
            .iter()
            .map(|(name, ty)| Ok((name.name.clone(), self.data_type(ty)?)))
            .collect()
    }

    /// The rows of a call, under the names of `columns`.
    fn users_plan(
        &mut self,
        call: &UsersCall,
        columns: Option<&super::Columns>,
        pos: Pos,
    ) -> Result<Plan> {
        let def = &call.def;
        let query = match self.place(Body::of(def), pos)? {
            Body::Expr(expr) => query_of(expr),
            Body::Query(query) => *query,
            Body::Statements(_) => return Err(self.only_alone(def, pos)),
        };
        let volatile = call
            .args
            .iter()
            .any(|arg| arg.volatility() == Volatility::Volatile);
        let bound = if volatile {
            self.beside_arguments(call, &query)
        } else {
            let args = call.args.clone();
            self.with_body(def, args, |binder| binder.query(&query, None, true))
        };
        let plan = self.place(bound, pos)?;
        let plan = self.place(self.fields(def, plan, columns), pos)?;
        let plan = if def.options.strict {
            self.unless_arguments_null(call, plan)?
        } else {
            plan
        };
        let plan = if def.returns.set {
            plan
        } else {
            one_row_always(plan)
        };
        let columns = columns.map_or(&[][..], Vec::as_slice);
        Ok(named(plan, columns))
    }

    /// Arguments that must be computed once: they become the only row to the left of the body.
    fn beside_arguments(&mut self, call: &UsersCall, query: &ast::Query) -> Result<Plan> {
        let columns: Vec<PlanColumn> = call
            .args
            .iter()
            .map(|arg| plan_column("argument", arg))
            .collect();
        let left = Plan::Values(Box::new(Values {
            rows: vec![call.args.clone()],
            columns: columns.clone(),
        }));
        let args: Vec<Expr> = columns
            .iter()
            .enumerate()
            .map(|(at, column)| Expr::column(at, column.ty.clone()))
            .collect();
        let (right, lateral) = self.with_body(&call.def, args, |binder| {
            binder.push_frame();
            let plan = binder.query(query, None, true);
            let frame = binder.pop_frame();
            Ok((plan?, frame))
        })?;
        let count = columns.len();
        let mut all = columns;
        all.extend(right.columns().iter().cloned());
        let kept: Vec<PlanColumn> = right.columns().to_vec();
        let exprs = kept.iter().enumerate();
        let exprs = exprs.map(|(at, column)| Expr::column(count + at, column.ty.clone()));
        Ok(Plan::Project(Box::new(Project {
            exprs: exprs.collect(),
            columns: kept,
            input: Plan::Join(Box::new(Join {
                kind: JoinKind::Inner,
                left,
                right,
                on: Vec::new(),
                lateral: Some(lateral),
                columns: all,
            })),
        })))
    }

    /// No rows if an argument is `NULL`.
    fn unless_arguments_null(&self, call: &UsersCall, plan: Plan) -> Result<Plan> {
        let mut conditions = Vec::new();
        for arg in &call.args {
            match arg {
                Expr::Literal(value, _) if !value.is_null() => {}
                Expr::Literal(..) => return Ok(Plan::Empty(plan.columns().to_vec())),
                arg if arg.volatility() == Volatility::Volatile => {
                    return Err(Error::unsupported(format!(
                        "a volatile argument of strict function {} is not supported",
                        call.def
                    )));
                }
                arg => conditions.push(self.builder.is_null(arg.clone(), true)?),
            }
        }
        if conditions.is_empty() {
            return Ok(plan);
        }
        Ok(Plan::Filter(Box::new(Filter {
            input: plan,
            predicate: Expr::conjunction(conditions),
        })))
    }
}

/// The first row; a row of `NULL`s if there is none.
fn one_row_always(plan: Plan) -> Plan {
    let right = first_row(plan);
    let mut columns = right.columns().to_vec();
    for column in &mut columns {
        column.nullable = true;
        column.source = None;
        column.origin = None;
    }
    Plan::Join(Box::new(Join {
        kind: JoinKind::Left,
        left: Plan::OneRow,
        right,
        on: Vec::new(),
        lateral: None,
        columns,
    }))
}

/// The plan under other names.
fn named(input: Plan, names: &[(String, DataType)]) -> Plan {
    let columns: Vec<PlanColumn> = input
        .columns()
        .iter()
        .zip(names)
        .map(|(column, (name, _))| PlanColumn {
            name: name.as_str().into(),
            ty: if is_undecided(&column.ty) {
                DataType::Text
            } else {
                column.ty.clone()
            },
            nullable: column.nullable,
            source: None,
            origin: None,
        })
        .collect();
    let exprs = input.columns().iter().enumerate();
    let exprs = exprs.map(|(at, column)| Expr::column(at, column.ty.clone()));
    Plan::Project(Box::new(Project {
        exprs: exprs.collect(),
        columns,
        input,
    }))
}
