//! Calls as values.

use helios_base::{DataType, Error, Result, SqlState, Value};
use helios_expr::{Cast, CastContext, Expr, SubplanKind, Volatility};
use helios_table::catalog::{FunctionDef, ReturnShape};

use super::body::{Body, inner_type, is_trivial, stands_anywhere};
use super::{UsersCall, is_row, mismatch};
use crate::bind::Binder;
use crate::bind::pending::Slot;
use crate::bind::row_type::fields_of_rows;
use crate::bind::scope::{Clause, Scope, plan_column};
use crate::parse::ast::{self, Call, Ident, Pos};
use crate::plan::{Limit, Plan, Project, TableFunctionCall};

/// An argument of more parts than this is computed once rather than put in twice.
const PARTS_MAX: usize = 8;

impl Binder<'_> {
    /// A call of a user's function as a value.
    pub(in crate::bind) fn users_value(&mut self, call: UsersCall, pos: Pos) -> Result<Expr> {
        let def = call.def.clone();
        if def.returns.set {
            return self.users_set(call, pos);
        }
        match self.place(Body::of(&def), pos)? {
            Body::Expr(body) => match self.inlined(&call, &body, pos)? {
                Some(value) => Ok(value),
                None => self.as_subplan(&call, &query_of(body), SubplanKind::Scalar, None, pos),
            },
            Body::Query(query) => self.as_subplan(&call, &query, SubplanKind::Scalar, None, pos),
            Body::Statements(_) => Err(self.only_alone(&def, pos)),
        }
    }

    /// `(f(x)).field`: one column of the row that a function returns.
    pub(in crate::bind) fn users_field(
        &mut self,
        call: &Call,
        field: &Ident,
        pos: Pos,
    ) -> Result<Option<Expr>> {
        let Some(found) = self.users_call(call, pos)? else {
            return Ok(None);
        };
        let columns = self.place(self.result_columns(&found.def), pos)?;
        let index = columns
            .iter()
            .flatten()
            .position(|(name, _)| *name == field.name);
        let index = index.filter(|_| is_row(&found.def, columns.as_ref()));
        let Some(index) = index else {
            return Err(self.fail(
                SqlState::UNDEFINED_COLUMN,
                format!(
                    "could not identify column \"{}\" in record data type",
                    field.name
                ),
                pos,
            ));
        };
        if found.def.returns.set {
            let record = self.users_value(found, pos)?;
            let ty = columns.and_then(|mut columns| columns.drain(..).nth(index));
            return Ok(ty.map(|(_, ty)| field_of(record, index, &ty)));
        }
        let query = match self.place(Body::of(&found.def), pos)? {
            Body::Expr(expr) => query_of(expr),
            Body::Query(query) => *query,
            Body::Statements(_) => return Err(self.only_alone(&found.def, pos)),
        };
        let kind = SubplanKind::Scalar;
        self.as_subplan(&found, &query, kind, Some(index), pos)
            .map(Some)
    }

    /// The refusal of a function that must run its statements one by one.
    pub(super) fn only_alone(&self, def: &FunctionDef, pos: Pos) -> Error {
        let error = Error::unsupported(format!(
            "function {def} changes data, returns nothing or has several statements, and cannot be \
             part of a larger query"
        ))
        .with_hint("Call it alone: SELECT f(…), SELECT * FROM f(…).");
        self.at(error, pos)
    }

    /// The body's expression in the place of the call; `None` if its arguments must be computed
    /// before.
    fn inlined(&mut self, call: &UsersCall, body: &ast::Expr, pos: Pos) -> Result<Option<Expr>> {
        let def = &call.def;
        let ReturnShape::Value(wanted) = &def.returns.shape else {
            return Ok(None);
        };
        if is_row(def, None) {
            return Ok(None);
        }
        let first = self.placeholders(call.args.len());
        let stand_ins = def.inputs().zip(first..);
        let stand_ins = stand_ins.map(|(input, at)| Expr::column(at, inner_type(&input.ty)));
        let subplans = self.subplans.len();
        let bound = self.with_body(def, stand_ins.collect(), |binder| {
            binder.push_level(Scope::default(), None);
            binder.set_clause(Clause::Select);
            let value = binder.expr(body)?;
            let level = binder.pop_level();
            let collects = level.is_none_or(|level| {
                let pending = level.pending;
                pending.aggregates() || !pending.windows.is_empty() || !pending.sets.is_empty()
            });
            if collects {
                return Ok(None);
            }
            let settled = binder.builder.settle(value)?;
            binder.returned(def, settled, wanted).map(Some)
        });
        let Some(mut value) = self.place(bound, pos)? else {
            self.subplans.truncate(subplans);
            return Ok(None);
        };
        let mut uses = vec![0_usize; call.args.len()];
        value.visit(&mut |part| {
            if let Expr::Column { index, .. } = part
                && let Some(uses) = index.checked_sub(first).and_then(|at| uses.get_mut(at))
            {
                *uses += 1;
            }
        });
        let computed_before = call.args.iter().zip(&uses).any(|(arg, uses)| {
            let once = *uses == 1 && !def.options.strict;
            match arg.volatility() {
                Volatility::Volatile => !once,
                _ => *uses > 1 && !is_trivial(arg) && parts(arg) > PARTS_MAX,
            }
        });
        if computed_before {
            self.subplans.truncate(subplans);
            return Ok(None);
        }
        if def.options.strict {
            value = self.unless_null(value, first, call)?;
        }
        value.rewrite(&mut |part| {
            if let Expr::Column { index, .. } = part
                && let Some(arg) = index.checked_sub(first).and_then(|at| call.args.get(at))
            {
                *part = arg.clone();
            }
        });
        fields_of_rows(&mut value);
        Ok(Some(value))
    }

    /// `NULL` if an argument is, unless the value is then `NULL` anyway.
    fn unless_null(&self, value: Expr, first: usize, call: &UsersCall) -> Result<Expr> {
        let mut conditions = Vec::new();
        for (at, arg) in call.args.iter().enumerate() {
            let never = matches!(arg, Expr::Literal(value, _) if !value.is_null());
            if never || is_null_with(&value, first + at) {
                continue;
            }
            conditions.push(self.builder.is_null(arg.clone(), false)?);
        }
        self.null_if_any(conditions, value)
    }

    fn null_if_any(&self, conditions: Vec<Expr>, value: Expr) -> Result<Expr> {
        if conditions.is_empty() {
            return Ok(value);
        }
        let ty = value.ty().clone();
        let condition = match conditions.len() {
            1 => conditions.into_iter().next().unwrap_or(Expr::NULL),
            _ => Expr::Or(conditions),
        };
        Ok(Expr::Case {
            operand: None,
            branches: vec![(condition, Expr::Literal(Value::Null, ty.clone()))],
            otherwise: Some(Box::new(value)),
            ty,
        })
    }

    /// A value as the function's result.
    pub(super) fn returned(
        &self,
        def: &FunctionDef,
        value: Expr,
        wanted: &DataType,
    ) -> Result<Expr> {
        let from = value.ty().clone();
        let converted = self
            .builder
            .try_convert(value, wanted, CastContext::Assignment)?;
        converted
            .map(|value| without_modifier(value, wanted))
            .ok_or_else(|| mismatch(def, format!("Actual return type is {}.", from.bare())))
    }

    /// The body as a query inside the expression. `field`: only that column of its row.
    fn as_subplan(
        &mut self,
        call: &UsersCall,
        query: &ast::Query,
        kind: SubplanKind,
        field: Option<usize>,
        pos: Pos,
    ) -> Result<Expr> {
        let def = &call.def;
        let columns = self.place(self.result_columns(def), pos)?;
        let first = self.placeholders(call.args.len());
        let mut values: Vec<Expr> = Vec::new();
        let mut stand_ins: Vec<Expr> = Vec::new();
        for (arg, at) in call.args.iter().zip(first..) {
            if stands_anywhere(arg) {
                stand_ins.push(arg.clone());
            } else {
                let stand_in = Expr::column(at, arg.ty().clone());
                stand_ins.push(stand_in.clone());
                values.push(stand_in);
            }
        }
        let bound = self.with_body(def, stand_ins, |binder| {
            binder.push_frame();
            if let Some(frame) = binder.frames.last_mut() {
                frame.values.clone_from(&values);
            }
            let plan = binder.query(query, None, true);
            let frame = binder.pop_frame();
            Ok((plan?, frame))
        });
        let (mut plan, mut frame) = self.place(bound, pos)?;
        if kind == SubplanKind::Scalar {
            plan = first_row(plan);
        }
        plan = self.place(self.one_value(def, plan, columns.as_ref(), field), pos)?;
        for value in &mut frame {
            if let Expr::Column { index, .. } = value
                && let Some(arg) = index.checked_sub(first).and_then(|at| call.args.get(at))
            {
                *value = arg.clone();
            }
        }
        if frame.is_empty() && is_volatile(&mut plan) {
            // Without a frame it would be run once for all rows.
            frame.push(Expr::bool(true));
        }
        let mut ty = match plan.columns() {
            [column] => column.ty.clone(),
            _ => return Err(Error::internal("a value of several columns")),
        };
        if kind == SubplanKind::Array {
            ty = DataType::Array(Box::new(ty));
        }
        let value = self.subplan(plan, kind, frame, None, ty)?;
        if !def.options.strict {
            return Ok(value);
        }
        let mut conditions = Vec::new();
        for arg in &call.args {
            let never = matches!(arg, Expr::Literal(value, _) if !value.is_null());
            if arg.volatility() == Volatility::Volatile {
                return Err(
                    self.unsupported(format!("a volatile argument of strict function {def}"), pos)
                );
            }
            if !never {
                conditions.push(self.builder.is_null(arg.clone(), false)?);
            }
        }
        self.null_if_any(conditions, value)
    }

    /// The rows of a body as rows of one value: of the declared type, or a row value.
    fn one_value(
        &self,
        def: &FunctionDef,
        plan: Plan,
        columns: Option<&super::Columns>,
        field: Option<usize>,
    ) -> Result<Plan> {
        if !is_row(def, columns) {
            let ReturnShape::Value(wanted) = &def.returns.shape else {
                return Err(Error::internal("a value without type"));
            };
            if plan.columns().len() != 1 {
                return Err(mismatch(
                    def,
                    "Final statement must return exactly one column.",
                ));
            }
            return self.convert_plan(plan, &|_, expr| self.returned(def, expr, wanted));
        }
        let plan = self.fields(def, plan, columns)?;
        let fields = plan.columns().iter().enumerate();
        let fields: Vec<Expr> = fields
            .map(|(at, column)| Expr::column(at, column.ty.clone()))
            .collect();
        if let Some(field) = field {
            let value = fields.get(field).cloned();
            return value
                .map(|value| project(plan, value))
                .ok_or_else(|| Error::internal("a field that is not there"));
        }
        let row = Expr::Row(fields);
        let row = match &def.returns.shape {
            ReturnShape::Value(composite) => self.returned(def, row, composite)?,
            _ => row,
        };
        Ok(project(plan, row))
    }

    /// The rows of a body with the declared columns.
    pub(super) fn fields(
        &self,
        def: &FunctionDef,
        plan: Plan,
        columns: Option<&super::Columns>,
    ) -> Result<Plan> {
        let Some(columns) = columns else {
            return Ok(plan);
        };
        let plan = match plan.columns() {
            // One value that is the whole row.
            [only]
                if columns.len() != 1
                    && matches!(only.ty, DataType::Record | DataType::User(_)) =>
            {
                let record = Expr::column(0, only.ty.clone());
                let parts: Vec<(String, DataType)> = match &only.ty {
                    DataType::User(user) if user.is_composite() => user
                        .fields()
                        .iter()
                        .map(|(name, ty)| (name.to_string(), ty.clone()))
                        .collect(),
                    _ => columns.clone(),
                };
                let exprs: Vec<Expr> = parts
                    .iter()
                    .enumerate()
                    .map(|(index, (_, ty))| Expr::Field {
                        record: Box::new(record.clone()),
                        index,
                        ty: ty.base().into_owned(),
                    })
                    .collect();
                let named = parts.iter().zip(&exprs);
                Plan::Project(Box::new(Project {
                    columns: named
                        .map(|((name, _), expr)| plan_column(name.as_str(), expr))
                        .collect(),
                    exprs,
                    input: plan,
                }))
            }
            _ => plan,
        };
        if plan.columns().len() != columns.len() {
            let detail = if plan.columns().len() < columns.len() {
                "Final statement returns too few columns."
            } else {
                "Final statement returns too many columns."
            };
            return Err(mismatch(def, detail));
        }
        self.convert_plan(plan, &|index, expr| {
            let Some((_, wanted)) = columns.get(index) else {
                return Ok(expr);
            };
            let from = expr.ty().clone();
            let converted = self
                .builder
                .try_convert(expr, wanted, CastContext::Assignment)?;
            let converted = converted.map(|value| without_modifier(value, wanted));
            converted.ok_or_else(|| {
                mismatch(
                    def,
                    format!(
                        "Final statement returns {} instead of {} at column {}.",
                        from.bare(),
                        wanted.bare(),
                        index + 1
                    ),
                )
            })
        })
    }

    /// A set-returning function in a select list: its rows as an array, taken apart.
    fn users_set(&mut self, call: UsersCall, pos: Pos) -> Result<Expr> {
        let def = call.def.clone();
        if matches!(&def.returns.shape, ReturnShape::Value(DataType::Array(_))) {
            let error = Error::unsupported(format!(
                "set-returning function {def} is not supported in a select list"
            ));
            return Err(self.at(error.with_hint("Call it in FROM."), pos));
        }
        let query = match self.place(Body::of(&def), pos)? {
            Body::Expr(expr) => query_of(expr),
            Body::Query(query) => *query,
            Body::Statements(_) => return Err(self.only_alone(&def, pos)),
        };
        if !matches!(self.clause(), Clause::Select | Clause::OrderBy) {
            return Err(self.at(
                Error::unsupported("set-returning functions are not allowed in this clause"),
                pos,
            ));
        }
        let rows = self.as_subplan(&call, &query, SubplanKind::Array, None, pos)?;
        let resolved = helios_expr::resolve::set_function("unnest", &[rows.ty().clone()])?;
        let ty = resolved.result.clone();
        let pending = &mut self.level()?.pending;
        pending.sets.push(TableFunctionCall {
            function: Some(resolved.entry),
            system: None,
            args: vec![rows],
            ty: resolved.result,
            columns: vec![ty.clone()],
            as_record: false,
        });
        let slot = Slot::Set(pending.sets.len() - 1);
        Ok(Expr::column(slot.number(), ty))
    }
}

/// Field `index` of a row.
pub(in crate::bind) fn field_of(record: Expr, index: usize, ty: &DataType) -> Expr {
    Expr::Field {
        record: Box::new(record),
        index,
        ty: ty.base().into_owned(),
    }
}

/// A result has no modifier, whatever it was computed from.
fn without_modifier(value: Expr, wanted: &DataType) -> Expr {
    if value.ty() == wanted || !value.ty().same(wanted) {
        return value;
    }
    Expr::Cast(Box::new(Cast {
        expr: value,
        to: wanted.clone(),
        explicit: false,
        domain: None,
    }))
}

/// `SELECT expression`
pub(super) fn query_of(expr: ast::Expr) -> ast::Query {
    let pos = expr.pos;
    let item = ast::SelectItem { expr, alias: None };
    let select = ast::Select::bare(vec![item], Vec::new(), pos);
    ast::Query::bare(ast::QueryBody::Select(Box::new(select)), pos)
}

/// Only the first row: a function returns that, where a subquery would fail.
pub(super) fn first_row(plan: Plan) -> Plan {
    if gives_one_row(&plan) {
        return plan;
    }
    Plan::Limit(Box::new(Limit {
        input: plan,
        limit: Some(Expr::Literal(Value::Int8(1), DataType::Int8)),
        offset: None,
        ties: Vec::new(),
    }))
}

fn gives_one_row(plan: &Plan) -> bool {
    match plan {
        Plan::OneRow => true,
        Plan::Project(node) => gives_one_row(&node.input),
        Plan::Aggregate(node) => node.groups.is_empty() && node.sets.len() == 1,
        _ => false,
    }
}

fn project(input: Plan, value: Expr) -> Plan {
    Plan::Project(Box::new(Project {
        columns: vec![plan_column("value", &value)],
        exprs: vec![value],
        input,
    }))
}

fn is_volatile(plan: &mut Plan) -> bool {
    let mut volatile = false;
    plan.for_each_expr(&mut |expr| {
        volatile |= expr.any(&mut |part| {
            !matches!(part, Expr::Subplan { .. })
                && matches!(part, Expr::Call { function, .. }
                    if function.volatility() == Volatility::Volatile)
        });
    });
    volatile
}

/// How many nodes the value has.
fn parts(expr: &Expr) -> usize {
    let mut count = 0;
    expr.visit(&mut |_| count += 1);
    count
}

/// Whether the value is surely `NULL` when column `index` is: strict functions all the way.
fn is_null_with(value: &Expr, index: usize) -> bool {
    match value {
        Expr::Column { index: found, .. } => *found == index,
        Expr::Call {
            function,
            args,
            spread,
            ..
        } => {
            function.is_strict()
                && !function.is_variadic()
                && !spread
                && args.iter().any(|arg| is_null_with(arg, index))
        }
        Expr::Cast(cast) => cast.domain.is_none() && is_null_with(&cast.expr, index),
        Expr::Not(operand) => is_null_with(operand, index),
        _ => false,
    }
}
