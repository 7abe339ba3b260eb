//! `INSERT`.

use helios_base::{ColumnId, Result, SqlState};
use helios_expr::Expr;
use helios_table::catalog::{ColumnDef, Privileges, TableDef};

use crate::bind::Binder;
use crate::bind::dml::Write;
use crate::bind::relation::table_ref;
use crate::bind::scope::{Clause, Scope, plan_column};
use crate::bind::security::Writing;
use crate::parse::ast::{self, ConflictTarget, ExprKind, Ident, Overriding, Query, QueryBody};
use crate::plan::{Assignment, Insert, Plan, Project, Values};

/// A column that the statement gives values for.
pub(super) struct Target<'t> {
    column: &'t ColumnDef,
    /// Its name as written, for errors; where it was not written, the table's.
    name: Ident,
    /// The part of it that the values are for, if not all.
    part: Option<&'t ast::TargetColumn>,
}

impl Binder<'_> {
    pub(in crate::bind) fn insert(&mut self, insert: &ast::Insert) -> Result<Insert> {
        let visible = self.ctes.len();
        let ctes = self.with_clause(insert.with.as_ref(), None)?;
        let conflict = insert.on_conflict.as_ref();
        let arbiter = conflict.is_some_and(|c| !matches!(c.target, ConflictTarget::Any));
        self.writing = Writing {
            reads: insert.returning.is_some() || arbiter,
            updates_conflicting: conflict.is_some_and(|conflict| conflict.update.is_some()),
            merges: false,
        };
        let table = self.written(&insert.table, Write::Insert)?;
        let policies = std::mem::take(&mut self.written_policies.checks);
        let written = self.insert_columns(&table, insert)?;
        let explicit = !insert.columns.is_empty();
        let (source, targets) = match &insert.source {
            None => (Plan::OneRow, Vec::new()),
            Some(query) => match plain_values(query) {
                Some(rows) => {
                    self.insert_values(rows, written, explicit, insert, Scope::default())?
                }
                None => self.insert_query(query, written, explicit, insert)?,
            },
        };
        self.need_insert(&targets);
        let defaults = self.other_defaults(&table, &targets)?;
        let on_conflict = match &insert.on_conflict {
            Some(clause) => Some(self.on_conflict(clause, &table, insert)?),
            None => None,
        };
        let scope = self.inserted_scope(insert, &table);
        self.push_level(scope, None);
        let returning = self.returning(insert.returning.as_ref());
        self.pop_level();
        let defined = self.ctes.split_off(visible);
        let source = Self::close_with(ctes, &defined, source);
        Ok(Insert {
            table: table_ref(&table),
            source,
            targets,
            defaults,
            on_conflict,
            policies,
            checks: self.written_checks(),
            returning: returning?,
        })
    }

    /// Notes that these columns get values.
    pub(super) fn need_insert(&mut self, targets: &[ColumnId]) {
        let [need, _] = self.written_needs;
        if self.written_view.is_none() {
            self.need_column(need, Privileges::INSERT, None);
            for column in targets {
                self.need_column(need, Privileges::INSERT, Some(*column));
            }
        }
    }

    /// The defaults of the columns that get no value, where they have one.
    pub(super) fn other_defaults(
        &self,
        table: &TableDef,
        given: &[ColumnId],
    ) -> Result<Vec<Assignment>> {
        let mut defaults = Vec::new();
        for column in &table.columns {
            if given.contains(&column.id) || column.generated.is_some() {
                continue;
            }
            if let Some(value) = self.column_default(column)? {
                defaults.push(Assignment {
                    column: column.id,
                    value,
                });
            }
        }
        Ok(defaults)
    }

    /// The columns to give values for.
    pub(super) fn insert_columns<'t>(
        &self,
        table: &'t TableDef,
        insert: &'t ast::Insert,
    ) -> Result<Vec<Target<'t>>> {
        if let (Some(view), true) = (&self.written_view, insert.columns.is_empty()) {
            let mut targets = Vec::with_capacity(view.columns.len());
            for column in &view.columns {
                let name = Ident {
                    name: column.name().to_owned(),
                    pos: insert.table.pos(),
                };
                // A column that cannot be written is a mistake only if it gets a value.
                let Some((_, column)) = column.of.and_then(|id| table.column_by_id(id)) else {
                    break;
                };
                targets.push(Target {
                    column,
                    name,
                    part: None,
                });
            }
            return Ok(targets);
        }
        if insert.columns.is_empty() {
            return Ok(table
                .columns
                .iter()
                .map(|column| Target {
                    column,
                    name: Ident {
                        name: column.name.clone(),
                        pos: insert.table.pos(),
                    },
                    part: None,
                })
                .collect());
        }
        let mut targets: Vec<Target<'t>> = Vec::with_capacity(insert.columns.len());
        for written in &insert.columns {
            let name = &written.name;
            let (_, column) = self.target_column(table, name)?;
            let whole = written.parts.is_empty();
            let same = |known: &&Target<'_>| known.column.id == column.id;
            if targets
                .iter()
                .find(same)
                .is_some_and(|known| whole || known.part.is_none())
            {
                return Err(self.fail(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{}\" specified more than once", name.name),
                    name.pos,
                ));
            }
            targets.push(Target {
                column,
                name: name.clone(),
                part: (!whole).then_some(written),
            });
        }
        Ok(targets)
    }

    /// `VALUES` rows: each value is converted to its column by itself, and may be `DEFAULT`. They
    /// can name what is in `scope`.
    pub(super) fn insert_values(
        &mut self,
        rows: &[Vec<ast::Expr>],
        mut targets: Vec<Target<'_>>,
        explicit: bool,
        insert: &ast::Insert,
        scope: Scope,
    ) -> Result<(Plan, Vec<ColumnId>)> {
        let width = rows.first().map_or(0, Vec::len);
        let extra = rows.first().and_then(|row| row.get(targets.len()));
        self.fits(width, &mut targets, explicit, extra)?;
        let all_default = |index: usize| {
            rows.iter()
                .all(|row| matches!(row.get(index).map(|v| &v.kind), Some(ExprKind::Default)))
        };
        let mut kept: Vec<(usize, Target<'_>)> = Vec::with_capacity(targets.len());
        for (index, target) in targets.into_iter().enumerate() {
            if all_default(index) {
                continue;
            }
            if self.takes_value(&target, insert)? {
                kept.push((index, target));
            }
        }
        self.push_level(scope, None);
        self.set_clause(Clause::Plain("VALUES"));
        let bound = self.value_rows(rows, &kept);
        self.pop_level();
        let bound = bound?;
        // Several parts of a column are one value.
        let mut columns_of: Vec<&Target<'_>> = Vec::with_capacity(kept.len());
        for (_, target) in &kept {
            if !columns_of
                .iter()
                .any(|known| known.column.id == target.column.id)
            {
                columns_of.push(target);
            }
        }
        let columns = columns_of
            .iter()
            .enumerate()
            .map(|(index, target)| {
                let mut column = plan_column(target.column.name.as_str(), &Expr::NULL);
                column.ty = target.column.ty.base().into_owned();
                let constant = |row: &Vec<Expr>| {
                    matches!(row.get(index), Some(Expr::Literal(value, _)) if !value.is_null())
                };
                column.nullable = !bound.iter().all(constant);
                column
            })
            .collect();
        let ids = columns_of.iter().map(|target| target.column.id).collect();
        let plan = Plan::Values(Box::new(Values {
            rows: bound,
            columns,
        }));
        Ok((plan, ids))
    }

    fn value_rows(
        &mut self,
        rows: &[Vec<ast::Expr>],
        kept: &[(usize, Target<'_>)],
    ) -> Result<Vec<Vec<Expr>>> {
        let mut bound = Vec::with_capacity(rows.len());
        for row in rows {
            let mut values: Vec<Expr> = Vec::with_capacity(kept.len());
            let mut places: Vec<ColumnId> = Vec::with_capacity(kept.len());
            for (index, target) in kept {
                let Some(written) = row.get(*index) else {
                    continue;
                };
                let column = target.column;
                if let Some(part) = target.part {
                    if matches!(written.kind, ExprKind::Default) {
                        return Err(self.no_default_part(part));
                    }
                    let value = self.expr(written)?;
                    let at = places.iter().position(|id| *id == column.id);
                    let base = at.and_then(|at| values.get(at).cloned());
                    let base = base.unwrap_or_else(|| null_of(column));
                    let value = self.part_of(base, part, value, &column.ty, written.pos)?;
                    match at.and_then(|at| values.get_mut(at)) {
                        Some(slot) => *slot = value,
                        None => {
                            places.push(column.id);
                            values.push(value);
                        }
                    }
                    continue;
                }
                places.push(column.id);
                values.push(if matches!(written.kind, ExprKind::Default) {
                    let default = self.column_default(column)?;
                    default.unwrap_or_else(|| null_of(column))
                } else {
                    let value = self.expr(written)?;
                    let assigned = self.builder.assign(value, &column.ty, &column.name);
                    self.place(assigned, written.pos)?
                });
            }
            bound.push(values);
        }
        Ok(bound)
    }

    /// Rows of a query.
    fn insert_query(
        &mut self,
        query: &Query,
        mut targets: Vec<Target<'_>>,
        explicit: bool,
        insert: &ast::Insert,
    ) -> Result<(Plan, Vec<ColumnId>)> {
        let plan = self.query(query, None, false)?;
        for (at, target) in targets.iter().enumerate() {
            let before = targets.iter().take(at);
            if before
                .filter(|known| known.column.id == target.column.id)
                .count()
                > 0
            {
                return Err(self.unsupported(
                    "several parts of one column as targets of a query",
                    target.name.pos,
                ));
            }
        }
        let width = plan.columns().len();
        let extra = match &query.body {
            QueryBody::Select(select) => select.items.get(targets.len()).map(|item| &item.expr),
            _ => None,
        };
        self.fits(width, &mut targets, explicit, extra)?;
        let mut kept: Vec<(usize, Target<'_>)> = Vec::with_capacity(targets.len());
        for (index, target) in targets.into_iter().enumerate() {
            if self.takes_value(&target, insert)? {
                kept.push((index, target));
            }
        }
        let plan = if kept.len() == width {
            plan
        } else {
            let columns: Vec<_> = kept
                .iter()
                .filter_map(|(index, _)| plan.columns().get(*index).cloned())
                .collect();
            let exprs = kept
                .iter()
                .map(|(index, _)| crate::bind::query::column_of(plan.columns(), *index))
                .collect();
            Plan::Project(Box::new(Project {
                input: plan,
                exprs,
                columns,
            }))
        };
        self.push_level(Scope::default(), None);
        let parts = kept.iter().map(|(_, target)| target.part);
        let parts: Result<Vec<_>> = parts
            .map(|part| part.map(|part| self.parts(part)).transpose())
            .collect();
        self.pop_level();
        let parts = parts?;
        let items: Vec<crate::parse::Pos> = match &query.body {
            QueryBody::Select(select) => select.items.iter().map(|item| item.expr.pos).collect(),
            _ => Vec::new(),
        };
        let plan = self.convert_plan(plan, &|index, value| {
            let Some((written, target)) = kept.get(index) else {
                return Ok(value);
            };
            let column = target.column;
            let pos = items.get(*written).copied().unwrap_or(query.pos);
            if let Some(Some(part)) = parts.get(index) {
                let assigned = self
                    .builder
                    .assign_part(null_of(column), part, value, &column.name);
                return self.place(assigned, pos);
            }
            let assigned = self.builder.assign(value, &column.ty, &column.name);
            self.place(assigned, pos)
        })?;
        let ids = kept.iter().map(|(_, target)| target.column.id).collect();
        Ok((plan, ids))
    }

    /// Refuses more values than columns, and fewer if the columns were named.
    fn fits(
        &self,
        width: usize,
        targets: &mut Vec<Target<'_>>,
        explicit: bool,
        extra: Option<&ast::Expr>,
    ) -> Result<()> {
        if let Some(view) = &self.written_view
            && let Some(column) = view.columns.get(targets.len())
            && width > targets.len()
            && !explicit
        {
            let name = Ident {
                name: column.name().to_owned(),
                pos: extra.map_or_else(Default::default, |expr| expr.pos),
            };
            self.view_column(view, &name)?;
        }
        if width > targets.len() {
            let error = helios_base::Error::new(
                SqlState::SYNTAX_ERROR,
                "INSERT has more expressions than target columns",
            );
            return Err(match extra {
                Some(expr) => self.at(error, expr.pos),
                None => error,
            });
        }
        if let Some(missing) = targets.get(width)
            && explicit
        {
            return Err(self.fail(
                SqlState::SYNTAX_ERROR,
                "INSERT has more target columns than expressions",
                missing.name.pos,
            ));
        }
        targets.truncate(width);
        Ok(())
    }

    /// Whether the column takes the value that is given; `false` if its own wins.
    fn takes_value(&self, target: &Target<'_>, insert: &ast::Insert) -> Result<bool> {
        let column = target.column;
        if column.generated.is_some() {
            return Err(self.computed(column, true, &target.name));
        }
        match (&column.identity, insert.overriding) {
            (Some(_), Some(Overriding::User)) => Ok(false),
            (Some(identity), None) if identity.always => {
                Err(self.computed(column, true, &target.name))
            }
            _ => Ok(true),
        }
    }
}

/// The rows of a query that is nothing but `VALUES`.
fn plain_values(query: &Query) -> Option<&[Vec<ast::Expr>]> {
    let plain = query.with.is_none()
        && query.order_by.is_empty()
        && query.limit.is_none()
        && query.offset.is_none()
        && query.locks.is_empty();
    match &query.body {
        QueryBody::Values(rows) if plain => Some(rows),
        _ => None,
    }
}

pub(super) fn null_of(column: &ColumnDef) -> Expr {
    Expr::Literal(helios_base::Value::Null, column.ty.base().into_owned())
}
