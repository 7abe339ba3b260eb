//! `FROM`: items, one beside the other.

use std::sync::Arc;

use helios_base::{ColumnId, DataType, Error, Result, SqlState};
use helios_expr::Expr;
use helios_table::catalog::Privileges;

use super::Binder;
use super::relation::KEY_COLUMN;
use super::scope::{Clause, Scope, ScopeTable};
use crate::parse::ast::{Ident, Pos, TableAlias, TableItem};
use crate::plan::{Join, JoinKind, Plan, PlanColumn, TableRef, VersionColumn};

/// What an item of `FROM` yields, and how its columns are called.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub plan: Plan,
    pub scope: Scope,
    /// Row keys for locks: alias, table, column of the plan.
    pub keys: Vec<(Arc<str>, TableRef, usize)>,
    /// Tables that are read at another moment, which cannot be locked: aliases.
    pub past: Vec<Arc<str>>,
}

impl Binder<'_> {
    /// All items, as one row of the columns of each. With `lock`, tables also yield row keys.
    pub(super) fn from(
        &mut self,
        items: &[TableItem],
        parent: Option<usize>,
        lock: bool,
    ) -> Result<Item> {
        let mut left: Option<Item> = None;
        for item in items {
            left = Some(match left {
                None => self.table_item(item, parent, lock)?,
                Some(left) => {
                    let (right, lateral) = self.beside(&left, item, parent, lock)?;
                    self.no_clash(&left.scope, &right.scope, item)?;
                    combine(left, right, JoinKind::Inner, Vec::new(), lateral)
                }
            });
        }
        Ok(left.unwrap_or(Item {
            plan: Plan::OneRow,
            scope: Scope::default(),
            keys: Vec::new(),
            past: Vec::new(),
        }))
    }

    /// More items beside a first one.
    pub(super) fn items_after(
        &mut self,
        mut left: Item,
        items: &[TableItem],
        parent: Option<usize>,
    ) -> Result<Item> {
        for item in items {
            let (right, lateral) = self.beside(&left, item, parent, false)?;
            self.no_clash(&left.scope, &right.scope, item)?;
            left = combine(left, right, JoinKind::Inner, Vec::new(), lateral);
        }
        Ok(left)
    }

    /// An item to the right of others. If it may read their columns, it is bound in a frame of its
    /// own; the frame's values come back if there are any that the left row decides.
    pub(super) fn beside(
        &mut self,
        left: &Item,
        item: &TableItem,
        parent: Option<usize>,
        lock: bool,
    ) -> Result<(Item, Option<Vec<Expr>>)> {
        // Even when the columns are out of sight, errors should know that they are there.
        let level = self.push_level(left.scope.clone(), parent);
        self.set_clause(Clause::Plain("FROM clause of their own query level"));
        let bound = if reads_left(item) {
            self.push_frame();
            let right = self.table_item(item, Some(level), lock);
            let values = self.pop_frame();
            right.map(|right| settle_frame(right, values))
        } else {
            self.table_item(item, parent, lock)
                .map(|right| (right, None))
        };
        self.pop_level();
        bound
    }

    pub(super) fn table_item(
        &mut self,
        item: &TableItem,
        parent: Option<usize>,
        lock: bool,
    ) -> Result<Item> {
        match item {
            TableItem::Table {
                name,
                at,
                alias,
                sample,
            } => {
                let shown = alias
                    .as_ref()
                    .and_then(|alias| alias.name.clone())
                    .unwrap_or_else(|| name.name.clone());
                let aliased = alias.as_ref().is_some_and(|alias| alias.name.is_some());
                let sampled = sample.as_deref();
                let key = lock || sampled.is_some_and(|sample| sample.repeatable.is_some());
                let (mut plan, schema) = self.at_moment(at.as_ref(), parent, |binder| {
                    binder.table_reference(name, &shown, lock, key)
                })?;
                let need = self.last_need.take();
                if lock {
                    self.need_column(need, Privileges::UPDATE, None);
                }
                let base = self.last_relation.take();
                let watched = watched(&plan);
                if let Some(sample) = sample {
                    if lock {
                        return Err(self.unsupported("FOR UPDATE of a sample", name.pos()));
                    }
                    plan = self.sampled(plan, sample, name.pos())?;
                }
                let schema = if aliased { None } else { schema };
                let mut item = self.aliased(plan, alias.as_ref(), &shown, schema, lock)?;
                Self::watch(need, &mut item.scope, &watched);
                let renamed = alias.as_ref().is_some_and(|a| !a.columns.is_empty());
                if let Some(table) = item.scope.tables.first_mut() {
                    table.base = base.filter(|_| !renamed);
                    table.rows = base;
                    if aliased {
                        table.relation = Some(name.name.name.as_str().into());
                    }
                }
                Ok(item)
            }
            TableItem::Query {
                query,
                lateral: _,
                at,
                alias,
                pos,
            } => {
                if lock {
                    return Err(self.unsupported("FOR UPDATE of a subquery", *pos));
                }
                if let Some(at) = at.as_ref().filter(|at| at.versions.is_some()) {
                    return Err(self.only_tables_have_versions(at.pos));
                }
                let plan = self.at_moment(at.as_ref(), parent, |binder| {
                    binder.query(query, parent, true)
                })?;
                self.derived(plan, alias.as_ref(), *pos)
            }
            TableItem::File { path, alias, pos } => self.file_item(path, alias.as_ref(), *pos),
            TableItem::Functions {
                calls,
                rows_from,
                ordinality,
                lateral: _,
                alias,
                pos,
            } => {
                if let [only] = calls.as_slice()
                    && let Some(item) =
                        self.users_item(only, *ordinality, alias.as_ref(), parent, *pos)?
                {
                    return Ok(item);
                }
                self.function_item(calls, *rows_from, *ordinality, alias.as_ref(), parent, *pos)
            }
            TableItem::Join {
                kind,
                left,
                right,
                on,
                alias,
                pos,
            } => {
                let item = self.join(*kind, left, right, on, parent, lock, *pos)?;
                match alias {
                    Some(alias) => self.alias_join(item, alias),
                    None => Ok(item),
                }
            }
        }
    }

    /// A subquery of `FROM` under its alias.
    fn derived(&mut self, plan: Plan, alias: Option<&TableAlias>, pos: Pos) -> Result<Item> {
        let name = match alias.and_then(|alias| alias.name.clone()) {
            Some(name) => name,
            // PostgreSQL 15 wants an alias; later ones do not.
            None => Ident {
                name: "unnamed_subquery".to_owned(),
                pos,
            },
        };
        self.aliased(plan, alias, &name, None, false)
    }

    /// A plan under an alias, which may rename its columns.
    pub(super) fn aliased(
        &mut self,
        mut plan: Plan,
        alias: Option<&TableAlias>,
        name: &Ident,
        schema: Option<Arc<str>>,
        lock: bool,
    ) -> Result<Item> {
        let names = alias.map_or(&[][..], |alias| alias.columns.as_slice());
        if let Some((column, _)) = alias.and_then(|alias| alias.types.first()) {
            return Err(self.fail(
                SqlState::SYNTAX_ERROR,
                "a column definition list is only allowed for functions returning \"record\"",
                column.pos,
            ));
        }
        let mut keys = Vec::new();
        let mut visible: &[PlanColumn] = plan.columns();
        if lock
            && let Plan::Scan(scan) = &plan
            && scan.key
            && let Some((_, rest)) = visible.split_last()
        {
            visible = rest;
            keys.push((
                Arc::from(name.name.as_str()),
                scan.table.clone(),
                rest.len(),
            ));
        }
        let pseudo = match &plan {
            Plan::Scan(scan) if scan.versions.is_some() => VersionColumn::ALL.len(),
            _ => 0,
        };
        let (visible, pseudo) = visible.split_at(visible.len().saturating_sub(pseudo));
        let pseudo = pseudo.to_vec();
        let columns = self.renamed(visible, names, name)?;
        self.note_item(name, &columns);
        if !names.is_empty() {
            rename_columns(&mut plan, &columns);
        }
        let mut scope = Scope::table(name.name.as_str().into(), schema, &columns);
        scope.add_pseudo(&pseudo);
        for (index, column) in columns.iter().enumerate() {
            if matches!(column.ty, DataType::Record)
                && let Some(fields) = super::row_type::record_fields(&plan, index)
            {
                scope.set_fields(index, &fields);
            }
        }
        let mut past = Vec::new();
        if lock && matches!(&plan, Plan::Scan(scan) if scan.at.is_some() || scan.versions.is_some())
        {
            past.push(Arc::from(name.name.as_str()));
        }
        Ok(Item {
            plan,
            scope,
            keys,
            past,
        })
    }

    /// `(a JOIN b) AS alias (columns)`: the tables inside are no longer seen.
    fn alias_join(&mut self, item: Item, alias: &TableAlias) -> Result<Item> {
        let Some(name) = &alias.name else {
            return Ok(item);
        };
        let hidden = item.scope.tables.iter().map(|table| table.name.clone());
        let hidden = hidden.collect();
        let mut columns = item.scope.columns;
        if columns.len() < alias.columns.len() {
            let shown: Vec<PlanColumn> = columns.iter().map(|column| column.to_plan()).collect();
            self.renamed(&shown, &alias.columns, name)?;
        }
        for (column, name) in columns.iter_mut().zip(&alias.columns) {
            column.name = name.name.as_str().into();
        }
        let shown: Vec<PlanColumn> = columns.iter().map(|column| column.to_plan()).collect();
        self.note_item(name, &shown);
        let scope = Scope {
            tables: vec![ScopeTable {
                name: name.name.as_str().into(),
                schema: None,
                any_schema: false,
                relation: None,
                base: None,
                rows: None,
                scalar: false,
                absent: None,
                columns: columns.clone(),
                pseudo: Vec::new(),
            }],
            columns,
            pseudo: Vec::new(),
            hidden,
        };
        Ok(Item { scope, ..item })
    }

    /// Refuses two tables of the same name in one `FROM`.
    pub(super) fn no_clash(&self, left: &Scope, right: &Scope, item: &TableItem) -> Result<()> {
        let clash = right.tables.iter().find(|table| {
            !table.name.is_empty()
                && left.tables.iter().any(|other| {
                    other.name == table.name
                        && (other.schema == table.schema
                            || other.schema.is_none()
                            || table.schema.is_none())
                })
        });
        match clash {
            Some(table) => Err(self.fail(
                SqlState::DUPLICATE_ALIAS,
                format!("table name \"{}\" specified more than once", table.name),
                item_pos(item),
            )),
            None => Ok(()),
        }
    }
}

/// The numbers by which privileges on the columns of a relation are known: those of a table's
/// columns, the places of a view's.
fn watched(plan: &Plan) -> Vec<ColumnId> {
    match plan {
        Plan::Scan(scan) => scan.reads.clone(),
        other => (1..=other.columns().len())
            .filter_map(|place| u32::try_from(place).ok().map(ColumnId))
            .collect(),
    }
}

/// Both items side by side.
pub(super) fn combine(
    left: Item,
    mut right: Item,
    kind: JoinKind,
    on: Vec<Expr>,
    lateral: Option<Vec<Expr>>,
) -> Item {
    let offset = left.plan.columns().len();
    right.scope.shift(offset);
    let mut scope = left.scope;
    let (left_null, right_null) = (
        matches!(kind, JoinKind::Right | JoinKind::Full),
        matches!(kind, JoinKind::Left | JoinKind::Full),
    );
    if left_null {
        scope.set_nullable();
    }
    if right_null {
        right.scope.set_nullable();
    }
    scope.append(right.scope);
    let mut columns = left.plan.columns().to_vec();
    let mut others = right.plan.columns().to_vec();
    for column in columns.iter_mut().filter(|_| left_null) {
        column.nullable = true;
    }
    for column in others.iter_mut().filter(|_| right_null) {
        column.nullable = true;
    }
    columns.append(&mut others);
    let mut past = left.past;
    past.extend(right.past);
    let mut keys = left.keys;
    keys.extend(
        right
            .keys
            .into_iter()
            .map(|(alias, table, column)| (alias, table, column + offset)),
    );
    if matches!(left.plan, Plan::OneRow)
        && kind == JoinKind::Inner
        && on.is_empty()
        && lateral.is_none()
    {
        return Item {
            plan: right.plan,
            scope,
            keys,
            past,
        };
    }
    Item {
        plan: Plan::Join(Box::new(Join {
            kind,
            left: left.plan,
            right: right.plan,
            on,
            lateral,
            columns,
        })),
        scope,
        keys,
        past,
    }
}

/// Whether the item may name columns of items to its left.
fn reads_left(item: &TableItem) -> bool {
    match item {
        TableItem::Table { at, .. } => super::moment::reads_columns(at.as_ref()),
        TableItem::Query { lateral, at, .. } => {
            *lateral || super::moment::reads_columns(at.as_ref())
        }
        TableItem::Functions { .. } => true,
        TableItem::File { .. } => false,
        TableItem::Join { left, right, .. } => reads_left(left) || reads_left(right),
    }
}

/// A frame whose values do not depend on the left row is no frame: what is handed through from
/// further out is read from there.
fn settle_frame(mut right: Item, values: Vec<Expr>) -> (Item, Option<Vec<Expr>>) {
    let depends = values
        .iter()
        .any(|value| value.any(&mut |part| matches!(part, Expr::Column { .. })));
    if depends {
        return (right, Some(values));
    }
    right.plan.for_each_expr(&mut |expr| {
        expr.rewrite(&mut |part| {
            if let Expr::Outer { index, .. } = part
                && let Some(value) = values.get(*index)
            {
                *part = value.clone();
            }
        });
    });
    (right, None)
}

pub(super) fn item_pos(item: &TableItem) -> Pos {
    match item {
        TableItem::Table { name, alias, .. } => alias
            .as_ref()
            .and_then(|alias| alias.name.as_ref())
            .map_or_else(|| name.pos(), |name| name.pos),
        TableItem::Query { pos, .. }
        | TableItem::File { pos, .. }
        | TableItem::Functions { pos, .. }
        | TableItem::Join { pos, .. } => *pos,
    }
}

/// Gives the plan's own columns other names, for display.
fn rename_columns(plan: &mut Plan, columns: &[PlanColumn]) {
    let own = match plan {
        Plan::Scan(node) => &mut node.columns,
        Plan::FileScan(node) => &mut node.columns,
        Plan::Project(node) => &mut node.columns,
        Plan::Values(node) => &mut node.columns,
        Plan::TableFunction(node) => &mut node.columns,
        Plan::CteRef { columns, .. } | Plan::WorkTable { columns, .. } => columns,
        _ => return,
    };
    for (own, renamed) in own.iter_mut().zip(columns) {
        if *own.name != *KEY_COLUMN {
            own.name = renamed.name.clone();
        }
    }
}

/// The error of a lateral reference where the join cannot have one.
pub(super) fn bad_lateral() -> Error {
    Error::new(
        SqlState::INVALID_COLUMN_REFERENCE,
        "invalid reference to FROM-clause entry of the other side of this join",
    )
    .with_detail("The combining JOIN type must be INNER or LEFT for a LATERAL reference.")
}
