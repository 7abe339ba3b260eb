//! `GROUP BY`, and what grouping does to the expressions above.

use std::ops::Range;

use helios_base::{DataType, Result, SqlState};
use helios_expr::Expr;

use super::Binder;
use super::pending::{Pending, Slot};
use super::select::Output;
use crate::parse::ast::{self, ExprKind, GroupItem, Pos, Select};
use crate::plan::{AggregateNode, Plan, PlanColumn};

/// The most grouping sets of one query, as in PostgreSQL.
const SETS_MAX: usize = 4096;
/// The most columns of one `CUBE`, as in PostgreSQL.
const CUBE_MAX: usize = 12;

/// The grouping expressions and sets of a query.
#[derive(Debug, Default)]
pub(super) struct Grouping {
    pub exprs: Vec<Expr>,
    pub sets: Vec<Vec<usize>>,
    /// Columns inside the grouping expressions found so far in the expression at hand: the next
    /// of them is another one, which matters to the position of an error.
    passed: Vec<usize>,
}

impl Grouping {
    /// Aggregates without `GROUP BY`: one group of everything.
    pub(super) fn single() -> Self {
        Self {
            exprs: Vec::new(),
            sets: vec![Vec::new()],
            passed: Vec::new(),
        }
    }

    fn number(&mut self, expr: Expr) -> usize {
        if let Some(index) = self.exprs.iter().position(|known| *known == expr) {
            return index;
        }
        self.exprs.push(expr);
        self.exprs.len() - 1
    }

    /// Where aggregates and `GROUPING` calls stand in the node's output.
    pub(super) fn slots(&self, pending: &Pending) -> impl Fn(Slot) -> Option<usize> + use<> {
        let groups = self.exprs.len();
        let aggregates = pending.aggregates.len();
        move |slot| match slot {
            Slot::Aggregate(index) => Some(groups + index),
            Slot::Grouping(index) => Some(groups + aggregates + index),
            _ => None,
        }
    }
}

impl Binder<'_> {
    /// The grouping of a query; `None` without `GROUP BY`.
    pub(super) fn group_by(
        &mut self,
        select: &Select,
        outputs: &[Output],
    ) -> Result<Option<Grouping>> {
        if select.group_by.is_empty() {
            return Ok(None);
        }
        let mut grouping = Grouping::default();
        let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
        for item in &select.group_by {
            let parts = self.group_item(item, outputs, &mut grouping)?;
            // Several items multiply: every set of one with every set of the other.
            let mut product = Vec::with_capacity(sets.len().saturating_mul(parts.len()));
            for set in &sets {
                for part in &parts {
                    if product.len() >= SETS_MAX {
                        return Err(self.fail(
                            SqlState::new(b"54001"),
                            format!("too many grouping sets present (maximum {SETS_MAX})"),
                            select.pos,
                        ));
                    }
                    let mut both = set.clone();
                    both.extend(part.iter().filter(|index| !set.contains(index)));
                    product.push(both);
                }
            }
            sets = product;
        }
        if select.group_distinct {
            let mut seen: Vec<Vec<usize>> = Vec::new();
            sets.retain(|set| {
                let mut sorted = set.clone();
                sorted.sort_unstable();
                let new = !seen.contains(&sorted);
                if new {
                    seen.push(sorted);
                }
                new
            });
        }
        grouping.sets = sets;
        Ok(Some(grouping))
    }

    fn group_item(
        &mut self,
        item: &GroupItem,
        outputs: &[Output],
        grouping: &mut Grouping,
    ) -> Result<Vec<Vec<usize>>> {
        Ok(match item {
            GroupItem::Empty => vec![Vec::new()],
            GroupItem::Expr(expr) => vec![vec![self.group_expr(expr, outputs, grouping)?]],
            GroupItem::List(exprs) => vec![self.group_list(exprs, outputs, grouping)?],
            GroupItem::Rollup(parts) => {
                let parts = self.group_parts(parts, outputs, grouping)?;
                (0..=parts.len())
                    .rev()
                    .map(|length| parts.iter().take(length).flatten().copied().collect())
                    .collect()
            }
            GroupItem::Cube(parts) => {
                if parts.len() > CUBE_MAX {
                    let pos = parts
                        .first()
                        .and_then(|part| part.first())
                        .map_or_else(Pos::default, |expr| expr.pos);
                    return Err(self.fail(
                        SqlState::new(b"54011"),
                        format!("CUBE is limited to {CUBE_MAX} elements"),
                        pos,
                    ));
                }
                let parts = self.group_parts(parts, outputs, grouping)?;
                let all = 1usize << parts.len();
                (0..all)
                    .rev()
                    .map(|mask| {
                        let count = parts.len();
                        parts
                            .iter()
                            .enumerate()
                            .filter(|(index, _)| mask >> (count - 1 - index) & 1 == 1)
                            .flat_map(|(_, part)| part.iter().copied())
                            .collect()
                    })
                    .collect()
            }
            GroupItem::Sets(items) => {
                let mut sets = Vec::new();
                for item in items {
                    sets.extend(self.group_item(item, outputs, grouping)?);
                }
                sets
            }
        })
    }

    fn group_parts(
        &mut self,
        parts: &[Vec<ast::Expr>],
        outputs: &[Output],
        grouping: &mut Grouping,
    ) -> Result<Vec<Vec<usize>>> {
        parts
            .iter()
            .map(|part| self.group_list(part, outputs, grouping))
            .collect()
    }

    fn group_list(
        &mut self,
        exprs: &[ast::Expr],
        outputs: &[Output],
        grouping: &mut Grouping,
    ) -> Result<Vec<usize>> {
        exprs
            .iter()
            .map(|expr| self.group_expr(expr, outputs, grouping))
            .collect()
    }

    /// One grouping expression: a number of an output column, a column of `FROM`, the name of an
    /// output column, or any expression, in this order.
    fn group_expr(
        &mut self,
        expr: &ast::Expr,
        outputs: &[Output],
        grouping: &mut Grouping,
    ) -> Result<usize> {
        let output = self.group_output(expr, outputs)?;
        let value = match output.and_then(|index| outputs.get(index)) {
            Some(output) => output.expr.clone(),
            None => self.settled(expr)?,
        };
        let refused = |part: &Expr| {
            let Expr::Column { index, .. } = part else {
                return None;
            };
            match Slot::of(*index) {
                Slot::Aggregate(_) | Slot::Grouping(_) => Some((
                    SqlState::GROUPING_ERROR,
                    "aggregate functions are not allowed in GROUP BY",
                )),
                Slot::Window(_) => Some((
                    SqlState::WINDOWING_ERROR,
                    "window functions are not allowed in GROUP BY",
                )),
                Slot::Set(_) => Some((
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "set-returning functions are not supported in GROUP BY",
                )),
                Slot::Column(_) => None,
            }
        };
        let mut problem = None;
        value.visit(&mut |part| problem = problem.or_else(|| refused(part)));
        if let Some((state, message)) = problem {
            let pos = output
                .and_then(|index| outputs.get(index))
                .map_or(expr.pos, |output| output.pos);
            return Err(self.fail(state, message, pos));
        }
        self.hashable(value.ty(), expr.pos)?;
        Ok(grouping.number(value))
    }

    fn group_output(&self, expr: &ast::Expr, outputs: &[Output]) -> Result<Option<usize>> {
        if let ExprKind::Column(parts) = &expr.kind
            && let [name] = parts.as_slice()
        {
            let column = self.levels.last().is_some_and(|level| {
                let columns = &level.scope.columns;
                columns.iter().any(|column| *column.name == *name.name)
            });
            if column {
                return Ok(None);
            }
            let mut hits = outputs
                .iter()
                .enumerate()
                .filter(|(_, output)| *output.name == *name.name);
            let first = hits.next();
            if let (Some((_, one)), Some((_, other))) = (first, hits.next())
                && one.expr != other.expr
            {
                return Err(self.fail(
                    SqlState::AMBIGUOUS_COLUMN,
                    format!("GROUP BY \"{}\" is ambiguous", name.name),
                    name.pos,
                ));
            }
            return Ok(first.map(|(index, _)| index));
        }
        let columns: Vec<PlanColumn> = outputs
            .iter()
            .map(|output| PlanColumn::new(output.name.clone(), output.expr.ty().clone()))
            .collect();
        self.output_position(expr, &columns, "GROUP BY")
    }

    /// Turns an expression over the row of `FROM` into one over the groups: grouping expressions
    /// become the node's columns; placeholders stay.
    ///
    /// # Errors
    /// 42803 for a column that is neither grouped nor inside an aggregate.
    pub(super) fn regroup(
        &self,
        expr: &mut Expr,
        grouping: &mut Grouping,
        used: &Range<usize>,
    ) -> Result<()> {
        grouping.passed.clear();
        // A constant that is grouped by is not there in the sets without it.
        if matches!(expr, Expr::Literal(..))
            && grouping.sets.len() > 1
            && let Some(index) = grouping.exprs.iter().position(|known| known == expr)
        {
            *expr = Expr::column(index, expr.ty().clone());
            return Ok(());
        }
        self.regroup_part(expr, grouping, used, false)
    }

    /// `inside`: the value is handed into a subquery.
    fn regroup_part(
        &self,
        expr: &mut Expr,
        grouping: &mut Grouping,
        used: &Range<usize>,
        inside: bool,
    ) -> Result<()> {
        if matches!(expr, Expr::Literal(..)) {
            return Ok(());
        }
        if let Some(index) = grouping.exprs.iter().position(|known| known == expr) {
            expr.visit(&mut |part| {
                if let Expr::Column { index, .. } = part {
                    grouping.passed.push(*index);
                }
            });
            *expr = Expr::column(index, expr.ty().clone());
            return Ok(());
        }
        if let Expr::Column { index, ty } = expr {
            let Slot::Column(column) = Slot::of(*index) else {
                return Ok(());
            };
            if grouping.sets.len() == 1 && self.depends_on_groups(column, grouping) {
                // A grouped primary key decides every column of its table.
                let new = grouping.number(Expr::column(column, ty.clone()));
                if let Some(set) = grouping.sets.first_mut()
                    && !set.contains(&new)
                {
                    set.push(new);
                }
                *index = new;
                return Ok(());
            }
            return Err(self.ungrouped(column, grouping, used, inside));
        }
        let inside = inside || matches!(expr, Expr::Subplan { .. });
        expr.try_for_each_child_mut(&mut |child| self.regroup_part(child, grouping, used, inside))
    }

    /// Whether the column's table has its primary key among the grouping expressions.
    fn depends_on_groups(&self, column: usize, grouping: &Grouping) -> bool {
        let Some(level) = self.levels.last() else {
            return false;
        };
        let is_column =
            |expr: &Expr| matches!(expr, Expr::Column { index, .. } if *index == column);
        let Some(table) = level
            .scope
            .tables
            .iter()
            .find(|table| table.columns.iter().any(|known| is_column(&known.expr)))
        else {
            return false;
        };
        let Some(id) = table
            .columns
            .iter()
            .find_map(|known| known.source.map(|source| source.table))
        else {
            return false;
        };
        let Some(definition) = self.context.catalog.table_by_id(id) else {
            return false;
        };
        let Some(key) = definition.primary_key() else {
            return false;
        };
        key.keys.iter().all(|part| {
            table.columns.iter().any(|known| {
                known
                    .source
                    .map(|source| (source.table, Some(source.column)))
                    == Some((id, part.as_column()))
                    && grouping.exprs.contains(&known.expr)
            })
        })
    }

    fn ungrouped(
        &self,
        column: usize,
        grouping: &Grouping,
        used: &Range<usize>,
        inside: bool,
    ) -> helios_base::Error {
        let before = grouping.passed.iter().filter(|known| **known == column);
        let before = before.count();
        let level = self.levels.last();
        let pos = level.and_then(|level| {
            let marks = level.used.iter().enumerate();
            marks
                .filter(|(number, _)| used.contains(number))
                .filter(|(_, (index, _))| *index == column)
                .nth(before)
                .map(|(_, (_, pos))| *pos)
        });
        let is_column =
            |expr: &Expr| matches!(expr, Expr::Column { index, .. } if *index == column);
        let name = level.and_then(|level| {
            level.scope.tables.iter().find_map(|table| {
                let known = table.columns.iter().find(|known| is_column(&known.expr))?;
                Some(format!("{}.{}", table.name, known.name))
            })
        });
        let name = name.unwrap_or_else(|| "?column?".to_owned());
        let message = if inside {
            format!("subquery uses ungrouped column \"{name}\" from outer query")
        } else {
            format!(
                "column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate \
             function"
            )
        };
        let error = helios_base::Error::new(SqlState::GROUPING_ERROR, message);
        match pos {
            Some(pos) => self.at(error, pos),
            None => error,
        }
    }

    /// The node of a grouped query; takes the collected aggregates.
    pub(super) fn aggregate_node(
        &self,
        input: Plan,
        grouping: Grouping,
        pending: &mut Pending,
    ) -> Result<AggregateNode> {
        let mut groupings = Vec::with_capacity(pending.groupings.len());
        for (args, pos) in std::mem::take(&mut pending.groupings) {
            let positions = args
                .iter()
                .map(|arg| grouping.exprs.iter().position(|known| known == arg))
                .collect::<Option<Vec<usize>>>();
            groupings.push(positions.ok_or_else(|| {
                self.fail(
                    SqlState::GROUPING_ERROR,
                    "arguments to GROUPING must be grouping expressions of the associated query \
                     level",
                    pos,
                )
            })?);
        }
        let calls = std::mem::take(&mut pending.aggregates);
        let several = grouping.sets.len() > 1;
        let mut columns: Vec<PlanColumn> = Vec::new();
        for expr in &grouping.exprs {
            let known = match expr {
                Expr::Column { index, .. } => input.columns().get(*index).cloned(),
                _ => None,
            };
            let mut column = known.unwrap_or_else(|| PlanColumn::new("(group)", expr.ty().clone()));
            column.nullable |= several;
            columns.push(column);
        }
        for call in &calls {
            let mut column = PlanColumn::new(call.function.name(), call.ty.clone());
            column.nullable = call.function.name() != "count";
            columns.push(column);
        }
        for _ in &groupings {
            let mut column = PlanColumn::new("grouping", DataType::Int4);
            column.nullable = false;
            columns.push(column);
        }
        Ok(AggregateNode {
            input,
            groups: grouping.exprs,
            sets: grouping.sets,
            calls,
            groupings,
            columns,
        })
    }
}
