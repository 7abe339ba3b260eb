//! `SELECT`: its clauses in the order of their meaning, and the plan they make.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState};
use helios_expr::Expr;

use super::Binder;
use super::from::Item;
use super::group::Grouping;
use super::label::label;
use super::pending::{Pending, PendingWindow, Slot};
use super::query::Bounds;
use super::routine::field_of;
use super::scope::{Clause, Found, ScopeColumn};
use crate::parse::ast::{self, Distinct, ExprKind, Ident, Lock, Pos, Query, Select, SelectItem};
use crate::parse::lexer::tokenize;
use crate::parse::quote_ident;
use crate::plan::{
    self, ColumnOrigin, ColumnSource, Filter, LockMode, LockRows, Plan, PlanColumn, Project,
    ProjectSet, RowLock, SortKey, WindowNode,
};

/// One output column before it is put together.
#[derive(Debug)]
pub(super) struct Output {
    pub expr: Expr,
    pub name: Arc<str>,
    pub source: Option<ColumnSource>,
    pub origin: Option<ColumnOrigin>,
    pub nullable: bool,
    pub pos: Pos,
    /// Which of the level's named columns it named.
    pub used: std::ops::Range<usize>,
}

/// A key of `ORDER BY` or `DISTINCT ON`.
struct Key {
    sort: SortKey,
    used: std::ops::Range<usize>,
}

/// `FOR UPDATE` and so on, as errors call it.
pub(super) fn lock_words(mode: LockMode) -> &'static str {
    match mode {
        LockMode::Update => "FOR UPDATE",
        LockMode::NoKeyUpdate => "FOR NO KEY UPDATE",
        LockMode::Share => "FOR SHARE",
        LockMode::KeyShare => "FOR KEY SHARE",
    }
}

impl Binder<'_> {
    pub(super) fn select(
        &mut self,
        select: &Select,
        query: &Query,
        parent: Option<usize>,
        settle: bool,
    ) -> Result<Plan> {
        let item = self.from(&select.from, parent, !query.locks.is_empty())?;
        let locks = self.row_locks(query, &item)?;
        let Item { plan, scope, .. } = item;
        self.push_level(scope, parent);
        let bound = self.select_here(select, query, plan, settle, locks);
        self.pop_level();
        bound
    }

    fn row_locks(&self, query: &Query, item: &Item) -> Result<Vec<RowLock>> {
        let mut locks: Vec<RowLock> = Vec::new();
        for lock in &query.locks {
            for of in &lock.of {
                self.lockable(lock, item, Some(of))?;
                if !item.keys.iter().any(|(alias, ..)| **alias == *of.name) {
                    return Err(self.fail(
                        SqlState::UNDEFINED_TABLE,
                        format!(
                            "relation \"{}\" in {} clause not found in FROM clause",
                            of.name,
                            lock_words(lock.mode)
                        ),
                        of.pos,
                    ));
                }
            }
            if lock.of.is_empty() {
                self.lockable(lock, item, None)?;
            }
            for (alias, table, key) in &item.keys {
                let wanted = lock.of.is_empty() || lock.of.iter().any(|of| **alias == *of.name);
                if !wanted {
                    continue;
                }
                match locks.iter_mut().find(|known| known.key == *key) {
                    // The stronger of two locks on one table holds.
                    Some(known) => {
                        known.mode = known.mode.max(lock.mode);
                        known.wait = lock.wait;
                    }
                    None => locks.push(RowLock {
                        table: table.clone(),
                        key: *key,
                        mode: lock.mode,
                        wait: lock.wait,
                    }),
                }
            }
        }
        Ok(locks)
    }

    /// Refuses to lock what was: `of`, or any table.
    fn lockable(&self, lock: &Lock, item: &Item, of: Option<&Ident>) -> Result<()> {
        let past = item
            .past
            .iter()
            .find(|table| of.is_none_or(|of| ***table == *of.name));
        match past {
            Some(table) => Err(self.at(
                Error::unsupported(format!(
                    "{} cannot be applied to \"{table}\", which is read AS OF another moment",
                    lock_words(lock.mode)
                ))
                .with_hint("Name the tables to lock in OF."),
                of.map_or(lock.pos, |of| of.pos),
            )),
            None => Ok(()),
        }
    }

    fn select_here(
        &mut self,
        select: &Select,
        query: &Query,
        mut plan: Plan,
        settle: bool,
        locks: Vec<RowLock>,
    ) -> Result<Plan> {
        self.define_windows(&select.windows)?;
        if let Some(filter) = &select.filter {
            self.set_clause(Clause::Plain("WHERE"));
            let predicate = self.condition(filter, "WHERE")?;
            plan = filtered(plan, predicate);
        }
        self.set_clause(Clause::Select);
        let mut outputs = self.outputs(&select.items)?;
        if settle || select.distinct.is_some() || !query.order_by.is_empty() {
            for output in &mut outputs {
                let value = std::mem::replace(&mut output.expr, Expr::NULL);
                output.expr = self.place(self.builder.settle(value), output.pos)?;
            }
        }
        self.set_clause(Clause::Plain("GROUP BY"));
        let mut grouping = self.group_by(select, &outputs)?;
        let having_from = self.level()?.used.len();
        self.set_clause(Clause::Having);
        let mut having = match &select.having {
            Some(having) => Some(self.condition(having, "HAVING")?),
            None => None,
        };
        let having_used = having_from..self.level()?.used.len();
        self.set_clause(Clause::OrderBy);
        let mut keys = self.order_keys(query, &outputs)?;
        let mut distinct_on = self.distinct_on(select, &outputs)?;
        let bounds = self.bounds(query)?;
        let mut pending = std::mem::take(&mut self.level()?.pending);
        let grouped = grouping.is_some() || having.is_some() || pending.aggregates();
        self.locks_allowed(query, select, grouped, &pending)?;

        // From here on, expressions over the row of FROM become expressions over what groups,
        // windows and set-returning functions make of it.
        if grouped {
            let mut grouping = grouping.take().unwrap_or_else(Grouping::single);
            for output in &mut outputs {
                self.regroup(&mut output.expr, &mut grouping, &output.used)?;
            }
            for key in keys.iter_mut().chain(&mut distinct_on) {
                self.regroup(&mut key.sort.expr, &mut grouping, &key.used)?;
            }
            if let Some(having) = &mut having {
                self.regroup(having, &mut grouping, &having_used)?;
            }
            let everything = 0..usize::MAX;
            for window in &mut pending.windows {
                for expr in window_exprs(window) {
                    self.regroup(expr, &mut grouping, &everything)?;
                }
            }
            for expr in pending.sets.iter_mut().flat_map(|call| &mut call.args) {
                self.regroup(expr, &mut grouping, &everything)?;
            }
            let slots = grouping.slots(&pending);
            let node = self.aggregate_node(plan, grouping, &mut pending)?;
            plan = Plan::Aggregate(Box::new(node));
            let mut settle_slots = |expr: &mut Expr| place_slots(expr, &slots);
            outputs.iter_mut().for_each(|o| settle_slots(&mut o.expr));
            keys.iter_mut()
                .chain(&mut distinct_on)
                .for_each(|key| settle_slots(&mut key.sort.expr));
            having.iter_mut().for_each(&mut settle_slots);
            pending
                .windows
                .iter_mut()
                .flat_map(window_exprs)
                .for_each(&mut settle_slots);
            pending
                .sets
                .iter_mut()
                .flat_map(|call| &mut call.args)
                .for_each(&mut settle_slots);
            if let Some(having) = having {
                plan = filtered(plan, having);
            }
        }
        let (with_windows, window_columns) = windows(plan, std::mem::take(&mut pending.windows));
        plan = with_windows;
        let above = |slot: Slot| match slot {
            Slot::Window(index) => window_columns.get(index).copied(),
            _ => None,
        };
        let exprs = outputs
            .iter_mut()
            .map(|output| &mut output.expr)
            .chain(keys.iter_mut().map(|key| &mut key.sort.expr))
            .chain(distinct_on.iter_mut().map(|key| &mut key.sort.expr))
            .chain(pending.sets.iter_mut().flat_map(|call| &mut call.args));
        exprs.for_each(|expr| place_slots(expr, &above));
        if !pending.sets.is_empty() {
            let width = plan.columns().len();
            plan = project_set(plan, std::mem::take(&mut pending.sets));
            let above = |slot: Slot| match slot {
                Slot::Set(index) => Some(width + index),
                _ => None,
            };
            outputs
                .iter_mut()
                .map(|output| &mut output.expr)
                .chain(keys.iter_mut().map(|key| &mut key.sort.expr))
                .chain(distinct_on.iter_mut().map(|key| &mut key.sort.expr))
                .for_each(|expr| place_slots(expr, &above));
        }
        self.finish(
            select,
            query,
            plan,
            outputs,
            keys,
            distinct_on,
            bounds,
            locks,
        )
    }

    /// Projection, `DISTINCT`, order, locks and limit.
    #[allow(
        clippy::too_many_arguments,
        reason = "the parts of one statement, used once"
    )]
    fn finish(
        &mut self,
        select: &Select,
        query: &Query,
        input: Plan,
        outputs: Vec<Output>,
        keys: Vec<Key>,
        distinct_on: Vec<Key>,
        bounds: Bounds,
        mut locks: Vec<RowLock>,
    ) -> Result<Plan> {
        let visible = outputs.len();
        let mut columns: Vec<PlanColumn> = Vec::with_capacity(visible);
        let mut exprs: Vec<Expr> = Vec::with_capacity(visible);
        for output in outputs {
            columns.push(PlanColumn {
                name: output.name,
                ty: output.expr.ty().clone(),
                nullable: output.nullable,
                source: output.source,
                origin: output.origin,
            });
            exprs.push(output.expr);
        }
        let distinct_rows = matches!(select.distinct, Some(Distinct::Rows));
        if distinct_rows {
            for (expr, column) in exprs.iter().zip(&columns) {
                let _ = expr;
                self.hashable(&column.ty, select.pos)?;
            }
        }
        // Keys that are no output become hidden columns.
        let mut hide = |expr: Expr, columns: &mut Vec<PlanColumn>| -> (Expr, bool) {
            let ty = expr.ty().clone();
            let found = exprs.iter().position(|known| *known == expr);
            let index = found.unwrap_or_else(|| {
                columns.push(PlanColumn::new("(key)", ty.clone()));
                exprs.push(expr);
                exprs.len() - 1
            });
            (Expr::column(index, ty), index < visible)
        };
        let mut sort: Vec<SortKey> = Vec::with_capacity(keys.len());
        for (key, written) in keys.into_iter().zip(&query.order_by) {
            let (expr, shown) = hide(key.sort.expr, &mut columns);
            if distinct_rows && !shown {
                return Err(self.fail(
                    SqlState::INVALID_COLUMN_REFERENCE,
                    "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
                    written.expr.pos,
                ));
            }
            sort.push(SortKey { expr, ..key.sort });
        }
        let mut on: Vec<SortKey> = Vec::with_capacity(distinct_on.len());
        for key in distinct_on {
            let (expr, _) = hide(key.sort.expr, &mut columns);
            on.push(SortKey { expr, ..key.sort });
        }
        let on = self.distinct_order_keys(on, &mut sort, select, query)?;
        for lock in &mut locks {
            let (expr, _) = hide(
                super::query::column_of(input.columns(), lock.key),
                &mut columns,
            );
            if let Expr::Column { index, .. } = expr {
                lock.key = index;
            }
        }
        let late = match distinct_rows || !on.is_empty() {
            true => Vec::new(),
            false => {
                super::sort::postponed(input.columns(), &mut exprs, &mut columns, visible, &sort)
            }
        };
        let hidden = columns.len() > visible;
        let shown: Vec<PlanColumn> = columns.iter().take(visible).cloned().collect();
        let mut plan = Plan::Project(Box::new(Project {
            input,
            exprs,
            columns,
        }));
        if distinct_rows {
            plan = Plan::Distinct(Box::new(plan::Distinct {
                input: plan,
                on: Vec::new(),
            }));
        }
        plan = Self::sorted(plan, sort.clone());
        if !on.is_empty() {
            plan = Plan::Distinct(Box::new(plan::Distinct { input: plan, on }));
        }
        if !locks.is_empty() {
            plan = Plan::LockRows(Box::new(LockRows { input: plan, locks }));
        }
        if !late.is_empty() {
            plan = super::sort::computed_late(plan, late);
        }
        plan = Self::limited(plan, bounds, query.with_ties, sort);
        if hidden {
            let exprs = shown
                .iter()
                .enumerate()
                .map(|(index, column)| Expr::column(index, column.ty.clone()))
                .collect();
            plan = Plan::Project(Box::new(Project {
                input: plan,
                exprs,
                columns: shown,
            }));
        }
        Ok(plan)
    }

    /// `DISTINCT ON` needs its expressions first in the order; those that `ORDER BY` does not
    /// mention are added.
    fn distinct_order_keys(
        &self,
        mut on: Vec<SortKey>,
        sort: &mut Vec<SortKey>,
        select: &Select,
        query: &Query,
    ) -> Result<Vec<Expr>> {
        let exprs: Vec<Expr> = on.iter().map(|key| key.expr.clone()).collect();
        let mut matched = 0;
        for (key, written) in sort.iter().zip(&query.order_by) {
            let position = on.iter().position(|wanted| wanted.expr == key.expr);
            match position {
                Some(position) => {
                    on.remove(position);
                    matched += 1;
                }
                None if on.is_empty() || exprs.contains(&key.expr) => {}
                None => {
                    let pos = match &select.distinct {
                        Some(Distinct::On(exprs)) => {
                            exprs.first().map_or(written.expr.pos, |expr| expr.pos)
                        }
                        _ => written.expr.pos,
                    };
                    return Err(self.fail(
                        SqlState::INVALID_COLUMN_REFERENCE,
                        "SELECT DISTINCT ON expressions must match initial ORDER BY expressions",
                        pos,
                    ));
                }
            }
        }
        let at = matched.min(sort.len());
        sort.splice(at..at, on);
        Ok(exprs)
    }

    /// The select list, stars expanded.
    pub(super) fn outputs(&mut self, items: &[SelectItem]) -> Result<Vec<Output>> {
        let mut outputs = Vec::with_capacity(items.len());
        for item in items {
            if let ExprKind::Star(qualifier) = &item.expr.kind {
                self.star(qualifier, item.expr.pos, &mut outputs)?;
                continue;
            }
            if let ExprKind::Expand(row) = &item.expr.kind {
                self.expand(row, &mut outputs)?;
                continue;
            }
            let from = self.level()?.used.len();
            let expr = self.expr(&item.expr)?;
            let used = from..self.level()?.used.len();
            let name = match &item.alias {
                Some(alias) => alias.name.clone(),
                None => label(&item.expr),
            };
            let known = self.source_of(&expr);
            outputs.push(Output {
                nullable: known.as_ref().is_none_or(|column| column.nullable)
                    && !matches!(&expr, Expr::Literal(value, _) if !value.is_null()),
                source: known.as_ref().and_then(|column| column.source),
                origin: known.and_then(|column| column.origin),
                expr,
                name: name.into(),
                pos: item.expr.pos,
                used,
            });
        }
        Ok(outputs)
    }

    /// `t.*` and `(row).*` among the fields of a row.
    pub(super) fn fields_of(&mut self, item: &ast::Expr) -> Result<Vec<Expr>> {
        let mut outputs = Vec::new();
        match &item.kind {
            ExprKind::Star(qualifier) => self.star(qualifier, item.pos, &mut outputs)?,
            ExprKind::Expand(row) => self.expand(row, &mut outputs)?,
            _ => return self.expr(item).map(|expr| vec![expr]),
        }
        Ok(outputs.into_iter().map(|output| output.expr).collect())
    }

    /// `(row).*`: each field of a composite value.
    fn expand(&mut self, row: &ast::Expr, outputs: &mut Vec<Output>) -> Result<()> {
        if let ExprKind::Column(parts) = &row.kind
            && let [table] = parts.as_slice()
            && self.find_column(table)?.is_none()
            && self.find_table(None, table)?.is_some()
        {
            return self.star(std::slice::from_ref(table), row.pos, outputs);
        }
        let from = self.level()?.used.len();
        let record = self.expr(row)?;
        let used = from..self.level()?.used.len();
        let fields = match record.ty() {
            DataType::User(user) if user.is_composite() => user.fields().to_vec(),
            DataType::Record => self.columns_returned(row)?,
            other => {
                let message = format!("type {other} is not composite");
                return Err(self.fail(SqlState::WRONG_OBJECT_TYPE, message, row.pos));
            }
        };
        for (index, (name, ty)) in fields.into_iter().enumerate() {
            outputs.push(Output {
                nullable: true,
                source: None,
                origin: None,
                expr: field_of(record.clone(), index, &ty),
                name,
                pos: row.pos,
                used: used.clone(),
            });
        }
        Ok(())
    }

    /// The named column that an expression is, if it is one of this level.
    fn source_of(&self, expr: &Expr) -> Option<ScopeColumn> {
        let Expr::Column { .. } = expr else {
            return None;
        };
        let level = self.levels.last()?;
        let tables = level.scope.tables.iter().flat_map(|table| &table.columns);
        tables
            .chain(&level.scope.columns)
            .find(|column| column.expr == *expr)
            .cloned()
    }

    fn star(&mut self, qualifier: &[Ident], pos: Pos, outputs: &mut Vec<Output>) -> Result<()> {
        let (level, columns) = match qualifier {
            [] => {
                let here = self.here().unwrap_or(0);
                let scope = &self.level()?.scope;
                if scope.columns.is_empty() && scope.tables.is_empty() {
                    return Err(self.fail(
                        SqlState::SYNTAX_ERROR,
                        "SELECT * with no tables specified is not valid",
                        pos,
                    ));
                }
                (here, self.level()?.scope.columns.clone())
            }
            [table] => self.star_of(None, table)?,
            [schema, table] => self.star_of(Some(schema), table)?,
            _ => {
                return Err(self.unsupported("a star after a database name", pos));
            }
        };
        self.note_star(qualifier, pos, &columns)?;
        self.note_expanded(pos, level, &columns);
        for column in columns {
            let from = self.level()?.used.len();
            let expr = self.use_column(
                Found {
                    level,
                    column: column.clone(),
                },
                pos,
            )?;
            outputs.push(Output {
                expr,
                name: column.name,
                source: column.source,
                origin: column.origin,
                nullable: column.nullable,
                pos,
                used: from..self.level()?.used.len(),
            });
        }
        Ok(())
    }

    /// While a view is defined, notes what a star stands for, in its own text only.
    fn note_star(&mut self, qualifier: &[Ident], pos: Pos, columns: &[ScopeColumn]) -> Result<()> {
        let (Some(source), true) = (self.source, self.stars.is_some()) else {
            return Ok(());
        };
        let start = pos.0 as usize;
        if qualifier.is_empty() && source.as_bytes().get(start) != Some(&b'*') {
            // `TABLE t`, or a query in parentheses: no star was written.
            return Ok(());
        }
        let tokens = tokenize(source)?;
        let star = tokens
            .iter()
            .find(|token| token.start >= start && source.get(token.start..token.end) == Some("*"));
        let Some(end) = star.map(|token| token.end) else {
            return Ok(());
        };
        let tables = &self.level()?.scope.tables;
        let shown: Vec<String> = columns
            .iter()
            .map(|column| {
                let owner = match qualifier.last() {
                    Some(table) => Some(table.name.as_str()),
                    None => tables
                        .iter()
                        .find(|table| {
                            let mut own = table.columns.iter();
                            own.any(|c| c.expr == column.expr && c.name == column.name)
                        })
                        .map(|table| table.name.as_ref()),
                };
                match owner {
                    Some(table) => {
                        format!("{}.{}", quote_ident(table), quote_ident(&column.name))
                    }
                    None => quote_ident(&column.name),
                }
            })
            .collect();
        let text = shown.join(", ");
        if let Some(stars) = &mut self.stars {
            stars.push((ast::Span { start, end }, text));
        }
        Ok(())
    }

    fn star_of(&self, schema: Option<&Ident>, table: &Ident) -> Result<(usize, Vec<ScopeColumn>)> {
        match self.find_table(schema, table)? {
            Some((level, found)) => Ok((level, found.columns.clone())),
            None => Err(self.missing_table(schema, table)),
        }
    }

    /// An output column by name or number, for `ORDER BY` and `DISTINCT ON`.
    fn output_named(
        &self,
        expr: &ast::Expr,
        outputs: &[Output],
        clause: &str,
    ) -> Result<Option<usize>> {
        if let ExprKind::Column(parts) = &expr.kind
            && let [name] = parts.as_slice()
        {
            let mut found: Option<usize> = None;
            for (index, output) in outputs.iter().enumerate() {
                if *output.name != *name.name {
                    continue;
                }
                let same = found
                    .and_then(|known| outputs.get(known))
                    .is_none_or(|known| known.expr == output.expr);
                if !same {
                    return Err(self.fail(
                        SqlState::AMBIGUOUS_COLUMN,
                        format!("{clause} \"{}\" is ambiguous", name.name),
                        name.pos,
                    ));
                }
                found = found.or(Some(index));
            }
            return Ok(found);
        }
        let columns: Vec<PlanColumn> = outputs
            .iter()
            .map(|output| PlanColumn::new(output.name.clone(), output.expr.ty().clone()))
            .collect();
        self.output_position(expr, &columns, clause)
    }

    fn key_expr(
        &mut self,
        expr: &ast::Expr,
        outputs: &[Output],
        clause: &str,
    ) -> Result<(Expr, std::ops::Range<usize>)> {
        let named = self.output_named(expr, outputs, clause)?;
        if let Some(output) = named.and_then(|index| outputs.get(index)) {
            return Ok((output.expr.clone(), output.used.clone()));
        }
        let from = self.level()?.used.len();
        let value = self.settled(expr)?;
        Ok((value, from..self.level()?.used.len()))
    }

    fn order_keys(&mut self, query: &Query, outputs: &[Output]) -> Result<Vec<Key>> {
        let mut keys = Vec::with_capacity(query.order_by.len());
        for item in &query.order_by {
            let (expr, used) = self.key_expr(&item.expr, outputs, "ORDER BY")?;
            let sort = self.sort_key(expr, item)?;
            keys.push(Key { sort, used });
        }
        Ok(keys)
    }

    fn distinct_on(&mut self, select: &Select, outputs: &[Output]) -> Result<Vec<Key>> {
        let Some(Distinct::On(exprs)) = &select.distinct else {
            return Ok(Vec::new());
        };
        let mut keys: Vec<Key> = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let (value, used) = self.key_expr(expr, outputs, "SELECT DISTINCT ON")?;
            if keys.iter().any(|key| key.sort.expr == value) {
                continue;
            }
            let item = ast::OrderBy {
                expr: expr.clone(),
                descending: false,
                nulls_first: None,
            };
            let sort = self.sort_key(value, &item)?;
            keys.push(Key { sort, used });
        }
        Ok(keys)
    }

    fn locks_allowed(
        &self,
        query: &Query,
        select: &Select,
        grouped: bool,
        pending: &Pending,
    ) -> Result<()> {
        let Some(lock) = query.locks.first() else {
            return Ok(());
        };
        let clash = if select.distinct.is_some() {
            "DISTINCT clause"
        } else if !select.group_by.is_empty() {
            "GROUP BY clause"
        } else if select.having.is_some() {
            "HAVING clause"
        } else if grouped {
            "aggregate functions"
        } else if !pending.windows.is_empty() {
            "window functions"
        } else if !pending.sets.is_empty() {
            "set-returning functions in the target list"
        } else {
            return Ok(());
        };
        Err(self.at(
            Error::unsupported(format!(
                "{} is not allowed with {clash}",
                lock_words(lock.mode)
            )),
            lock.pos,
        ))
    }
}

/// `input` with a predicate; the trivial one vanishes.
pub(super) fn filtered(input: Plan, predicate: Expr) -> Plan {
    if super::join::is_true(&predicate) {
        return input;
    }
    Plan::Filter(Box::new(Filter { input, predicate }))
}

/// Gives placeholders the numbers of real columns.
pub(super) fn place_slots(expr: &mut Expr, column_of: &dyn Fn(Slot) -> Option<usize>) {
    expr.rewrite(&mut |part| {
        if let Expr::Column { index, .. } = part
            && let Some(column) = column_of(Slot::of(*index))
        {
            *index = column;
        }
    });
}

/// All expressions of a window call.
fn window_exprs(window: &mut PendingWindow) -> Vec<&mut Expr> {
    let call = &mut window.call;
    let mut exprs: Vec<&mut Expr> = call.args.iter_mut().collect();
    exprs.extend(call.filter.iter_mut());
    exprs.extend(window.partition_by.iter_mut());
    exprs.extend(window.order_by.iter_mut().map(|key| &mut key.expr));
    exprs
}

/// The window nodes above `plan`, one per distinct window, and each call's column.
fn windows(mut plan: Plan, calls: Vec<PendingWindow>) -> (Plan, Vec<usize>) {
    let mut places = vec![0; calls.len()];
    let mut left: Vec<(usize, PendingWindow)> = calls.into_iter().enumerate().collect();
    while let Some((_, first)) = left.first() {
        let (partition_by, order_by) = (first.partition_by.clone(), first.order_by.clone());
        let (now, later): (Vec<_>, Vec<_>) = left.into_iter().partition(|(_, window)| {
            window.partition_by == partition_by && window.order_by == order_by
        });
        left = later;
        let mut columns = plan.columns().to_vec();
        let mut node_calls = Vec::with_capacity(now.len());
        for (index, window) in now {
            if let Some(place) = places.get_mut(index) {
                *place = columns.len();
            }
            columns.push(PlanColumn::new(
                window.call.function.name(),
                window.call.ty.clone(),
            ));
            node_calls.push(window.call);
        }
        plan = Plan::Window(Box::new(WindowNode {
            input: plan,
            partition_by,
            order_by,
            calls: node_calls,
            columns,
        }));
    }
    (plan, places)
}

fn project_set(input: Plan, calls: Vec<plan::TableFunctionCall>) -> Plan {
    let mut columns = input.columns().to_vec();
    for call in &calls {
        let name = call.function.map_or("?column?", |function| function.name());
        for ty in &call.columns {
            columns.push(PlanColumn::new(name, ty.clone()));
        }
    }
    Plan::ProjectSet(Box::new(ProjectSet {
        input,
        calls,
        columns,
    }))
}
