//! `UPDATE`, and the assignments that `ON CONFLICT` shares with it.

use helios_base::{DataType, Result, SqlState};
use helios_expr::build::Part;
use helios_expr::{Expr, SubplanKind};
use helios_table::catalog::{Privileges, TableDef};

use super::insert::null_of;
use crate::bind::Binder;
use crate::bind::dml::Write;
use crate::bind::relation::table_ref;
use crate::bind::scope::Clause;
use crate::bind::security::Writing;
use crate::bind::select::filtered;
use crate::bind::stored::{column_in, subquery_in};
use crate::parse::ast::{self, ExprKind, SetItem};
use crate::plan::{Assignment, Plan, Project, Subplan, Update};

impl Binder<'_> {
    pub(in crate::bind) fn update(&mut self, update: &ast::Update) -> Result<Update> {
        let visible = self.ctes.len();
        let ctes = self.with_clause(update.with.as_ref(), None)?;
        let mut values = update.set.iter().map(|item| &item.value);
        let reads = update.filter.is_some()
            || update.returning.is_some()
            || !update.from.is_empty()
            || values.any(|value| column_in(value).is_some() || subquery_in(value).is_some());
        self.writing = Writing {
            reads,
            ..Writing::default()
        };
        let (table, target) = self.target(&update.table, update.alias.as_ref(), Write::Update)?;
        let policies = std::mem::take(&mut self.written_policies.checks);
        let item = self.items_after(target, &update.from, None)?;
        let key = table.columns.len();
        self.push_level(item.scope, None);
        let bound = self.update_here(update, &table, item.plan);
        self.pop_level();
        let (input, assignments, returning) = bound?;
        let defined = self.ctes.split_off(visible);
        Ok(Update {
            table: table_ref(&table),
            input: Self::close_with(ctes, &defined, input),
            key,
            assignments,
            policies,
            checks: self.written_checks(),
            returning,
        })
    }

    #[allow(
        clippy::type_complexity,
        reason = "the parts of one statement, used once"
    )]
    fn update_here(
        &mut self,
        update: &ast::Update,
        table: &TableDef,
        mut input: Plan,
    ) -> Result<(Plan, Vec<Assignment>, Option<crate::plan::Returning>)> {
        let assignments = self.assignments(&update.set, table)?;
        if let Some(filter) = &update.filter {
            self.set_clause(Clause::Plain("WHERE"));
            input = filtered(input, self.row_condition(filter, table)?);
        }
        let returning = self.returning(update.returning.as_ref())?;
        Ok((input, assignments, returning))
    }

    /// `SET` items over the row of the innermost level.
    pub(super) fn assignments(
        &mut self,
        set: &[SetItem],
        table: &TableDef,
    ) -> Result<Vec<Assignment>> {
        self.set_clause(Clause::Plain("UPDATE"));
        let mut assignments: Vec<Assignment> = Vec::with_capacity(set.len());
        // Those that change parts of their columns: more parts may follow.
        let mut in_parts = Vec::new();
        for item in set {
            let values = self.set_values(item)?;
            for (target, value) in item.columns.iter().zip(values) {
                let name = &target.name;
                let (index, column) = self.target_column(table, name)?;
                let known = assignments
                    .iter()
                    .position(|known| known.column == column.id);
                let partial = known.is_none_or(|known| in_parts.contains(&known));
                if known.is_some() && (target.parts.is_empty() || !partial) {
                    return Err(self.fail(
                        SqlState::SYNTAX_ERROR,
                        format!("multiple assignments to same column \"{}\"", name.name),
                        name.pos,
                    ));
                }
                let always = column
                    .identity
                    .as_ref()
                    .is_some_and(|identity| identity.always);
                let value = match value {
                    None if !target.parts.is_empty() => {
                        return Err(self.no_default_part(target));
                    }
                    None if column.generated.is_some() => continue,
                    None => self
                        .column_default(column)?
                        .unwrap_or_else(|| null_of(column)),
                    Some(_) if column.generated.is_some() || always => {
                        return Err(self.computed(column, false, name));
                    }
                    Some((value, pos)) if !target.parts.is_empty() => {
                        let base = match known.and_then(|known| assignments.get(known)) {
                            Some(known) => known.value.clone(),
                            None => Expr::column(index, column.ty.base().into_owned()),
                        };
                        let value = self.part_of(base, target, value, &column.ty, pos)?;
                        match known.and_then(|known| assignments.get_mut(known)) {
                            Some(known) => {
                                known.value = value;
                                continue;
                            }
                            None => in_parts.push(assignments.len()),
                        }
                        value
                    }
                    Some((value, pos)) => {
                        let assigned = self.builder.assign(value, &column.ty, &column.name);
                        self.place(assigned, pos)?
                    }
                };
                assignments.push(Assignment {
                    column: column.id,
                    value,
                });
            }
        }
        let [need, below] = self.written_needs;
        if self.written_view.is_some() {
            self.need_whole(need, Privileges::UPDATE);
            self.need_whole(below, Privileges::UPDATE);
        } else {
            self.need_column(need, Privileges::UPDATE, None);
            for assignment in &assignments {
                self.need_column(need, Privileges::UPDATE, Some(assignment.column));
            }
        }
        Ok(assignments)
    }

    /// The column's value with a new part, checked against its domain.
    pub(super) fn part_of(
        &mut self,
        base: Expr,
        target: &ast::TargetColumn,
        value: Expr,
        ty: &DataType,
        pos: crate::parse::Pos,
    ) -> Result<Expr> {
        let parts = self.parts(target)?;
        let name = &target.name.name;
        let built = self.builder.assign_part(base, &parts, value, name);
        let built = self.place(built, pos)?;
        if !ty.has_domain() {
            return Ok(built);
        }
        let checked = self.builder.assign(built, ty, name);
        self.place(checked, pos)
    }

    /// The way to a part of a column, bound.
    pub(super) fn parts(&mut self, target: &ast::TargetColumn) -> Result<Vec<Part>> {
        let mut parts = Vec::with_capacity(target.parts.len());
        for part in &target.parts {
            parts.push(match part {
                ast::TargetPart::Field(field) => Part::Field(field.name.clone()),
                ast::TargetPart::Subscripts(subscripts) => {
                    Part::Subscripts(self.subscripts(subscripts)?)
                }
            });
        }
        Ok(parts)
    }

    pub(super) fn no_default_part(&self, target: &ast::TargetColumn) -> helios_base::Error {
        let what = match target.parts.first() {
            Some(ast::TargetPart::Field(_)) => "a subfield",
            _ => "an array element",
        };
        self.at(
            helios_base::Error::unsupported(format!("cannot set {what} to DEFAULT")),
            target.name.pos,
        )
    }

    /// The values of one `SET` item, one per column; `None` for `DEFAULT`.
    fn set_values(&mut self, item: &SetItem) -> Result<Vec<Option<(Expr, crate::parse::Pos)>>> {
        let value = &item.value;
        if !item.row {
            return Ok(vec![self.set_value(value)?]);
        }
        let count = item.columns.len();
        let wrong = |found: usize| {
            let _ = found;
            self.fail(
                SqlState::SYNTAX_ERROR,
                "number of columns does not match number of values",
                value.pos,
            )
        };
        match &value.kind {
            ExprKind::Row(items) if items.len() == count => {
                items.iter().map(|item| self.set_value(item)).collect()
            }
            ExprKind::Row(items) => Err(wrong(items.len())),
            ExprKind::Subquery(query) => self.set_query(query, count, value.pos),
            _ if count == 1 => Ok(vec![self.set_value(value)?]),
            _ => Err(self.at(
                helios_base::Error::unsupported(
                    "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() \
                     expression",
                ),
                value.pos,
            )),
        }
    }

    fn set_value(&mut self, value: &ast::Expr) -> Result<Option<(Expr, crate::parse::Pos)>> {
        if matches!(value.kind, ExprKind::Default) {
            return Ok(None);
        }
        Ok(Some((self.expr(value)?, value.pos)))
    }

    /// `(a, b) = (SELECT …)`: one scalar subquery for each column.
    fn set_query(
        &mut self,
        query: &ast::Query,
        count: usize,
        pos: crate::parse::Pos,
    ) -> Result<Vec<Option<(Expr, crate::parse::Pos)>>> {
        let parent = self.here();
        let mut values = Vec::with_capacity(count);
        for index in 0..count {
            self.push_frame();
            let plan = self.query(query, parent, true);
            let frame = self.pop_frame();
            let plan = plan?;
            if plan.columns().len() != count {
                return Err(self.fail(
                    SqlState::SYNTAX_ERROR,
                    "number of columns does not match number of values",
                    pos,
                ));
            }
            let expr = crate::bind::query::column_of(plan.columns(), index);
            let ty = expr.ty().clone();
            let columns = plan.columns().get(index).cloned().into_iter().collect();
            let plan = Plan::Project(Box::new(Project {
                input: plan,
                exprs: vec![expr],
                columns,
            }));
            let id = u32::try_from(self.subplans.len())
                .map_err(|_| helios_base::Error::internal("too many subqueries"))?;
            self.subplans.push(Subplan {
                plan,
                frame: frame.len(),
            });
            let value = Expr::Subplan {
                id,
                kind: SubplanKind::Scalar,
                args: frame,
                ty,
            };
            values.push(Some((value, pos)));
        }
        Ok(values)
    }
}
