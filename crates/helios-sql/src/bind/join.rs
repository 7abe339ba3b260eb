//! Joins: conditions, `USING`, `NATURAL`.

use std::sync::Arc;

use helios_base::{Result, SqlState};
use helios_expr::Expr;
use helios_expr::resolve::common_type;

use super::Binder;
use super::from::{Item, bad_lateral, combine};
use super::scope::{Clause, Scope, ScopeColumn, ScopeTable};
use crate::parse::ast::{Ident, JoinOn, Pos, TableItem};
use crate::plan::JoinKind;

impl Binder<'_> {
    #[allow(clippy::too_many_arguments, reason = "the parts of one syntax node")]
    pub(super) fn join(
        &mut self,
        kind: JoinKind,
        left: &TableItem,
        right_item: &TableItem,
        on: &JoinOn,
        parent: Option<usize>,
        lock: bool,
        pos: Pos,
    ) -> Result<Item> {
        let left = self.table_item(left, parent, lock)?;
        let (right, lateral) = self.beside(&left, right_item, parent, lock)?;
        if lateral.is_some() && !matches!(kind, JoinKind::Inner | JoinKind::Left) {
            return Err(self.at(bad_lateral(), super::from::item_pos(right_item)));
        }
        self.no_clash(&left.scope, &right.scope, right_item)?;
        match on {
            JoinOn::None => Ok(combine(left, right, kind, Vec::new(), lateral)),
            JoinOn::On(condition) => {
                let mut scope = left.scope.clone();
                let mut other = right.scope.clone();
                other.shift(left.plan.columns().len());
                scope.append(other);
                self.push_level(scope, parent);
                self.set_clause(Clause::Plain("JOIN conditions"));
                let bound = self.condition(condition, "JOIN/ON");
                self.pop_level();
                let mut terms = bound?.conjuncts();
                terms.retain(|term| !is_true(term));
                Ok(combine(left, right, kind, terms, lateral))
            }
            JoinOn::Using(columns, alias) => {
                let names: Vec<(Arc<str>, Pos)> = columns
                    .iter()
                    .map(|name| (Arc::from(name.name.as_str()), name.pos))
                    .collect();
                self.using(kind, left, right, lateral, &names, alias.as_ref(), pos)
            }
            JoinOn::Natural => {
                let names: Vec<(Arc<str>, Pos)> = left
                    .scope
                    .columns
                    .iter()
                    .filter(|column| has_column(&right.scope, &column.name))
                    .map(|column| (column.name.clone(), pos))
                    .collect();
                self.using(kind, left, right, lateral, &names, None, pos)
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one syntax node")]
    fn using(
        &mut self,
        kind: JoinKind,
        left: Item,
        right: Item,
        lateral: Option<Vec<Expr>>,
        names: &[(Arc<str>, Pos)],
        alias: Option<&Ident>,
        pos: Pos,
    ) -> Result<Item> {
        self.note_join(pos, names);
        let offset = left.plan.columns().len();
        let mut on = Vec::with_capacity(names.len());
        let mut merged: Vec<ScopeColumn> = Vec::with_capacity(names.len());
        for (index, (name, at)) in names.iter().enumerate() {
            if names.iter().take(index).any(|(known, _)| known == name) {
                return Err(self.fail(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column name \"{name}\" appears more than once in USING clause"),
                    *at,
                ));
            }
            let l = self.using_column(&left.scope, name, "left", *at)?;
            let mut r = self.using_column(&right.scope, name, "right", *at)?;
            self.note_column(&l);
            self.note_column(&r);
            r.expr.remap_columns(&|index| index + offset);
            let ty = self.place(common_type("JOIN/USING", &[l.expr.ty(), r.expr.ty()]), *at)?;
            let equal = self.builder.operator("=", l.expr.clone(), r.expr.clone());
            on.push(self.place(equal, pos)?);
            let value = |expr: Expr| self.place(self.builder.coerce(expr, &ty), *at);
            let (expr, side, nullable) = match kind {
                JoinKind::Inner | JoinKind::Left => {
                    (value(l.expr)?, Some((l.source, l.origin)), l.nullable)
                }
                JoinKind::Right => (value(r.expr)?, Some((r.source, r.origin)), r.nullable),
                JoinKind::Full => {
                    let both = vec![value(l.expr)?, value(r.expr)?];
                    let expr = self.place(self.builder.coalesce(both), *at)?;
                    (expr, None, l.nullable || r.nullable)
                }
            };
            let (source, origin) = side.unwrap_or_default();
            // Both sides have been noted.
            merged.push(ScopeColumn {
                counts: None,
                fields: None,
                name: name.clone(),
                expr,
                nullable,
                source,
                origin,
            });
        }
        let mut item = combine(left, right, kind, on, lateral);
        // `combine` lines up the columns of both sides; the merged ones come first, and once.
        let is_merged = |column: &ScopeColumn| names.iter().any(|(name, _)| *name == column.name);
        let rest = item
            .scope
            .columns
            .drain(..)
            .filter(|column| !is_merged(column));
        let columns: Vec<ScopeColumn> = merged.iter().cloned().chain(rest).collect();
        item.scope.columns = columns;
        if let Some(alias) = alias {
            let mut known = item.scope.tables.iter();
            if known.any(|table| *table.name == *alias.name) {
                return Err(self.fail(
                    SqlState::DUPLICATE_ALIAS,
                    format!("table name \"{}\" specified more than once", alias.name),
                    alias.pos,
                ));
            }
            item.scope.tables.push(ScopeTable {
                name: alias.name.as_str().into(),
                schema: None,
                any_schema: false,
                relation: None,
                base: None,
                rows: None,
                scalar: false,
                absent: None,
                columns: merged,
                pseudo: Vec::new(),
            });
        }
        Ok(item)
    }

    fn using_column(&self, scope: &Scope, name: &str, side: &str, pos: Pos) -> Result<ScopeColumn> {
        let mut hits = scope.columns.iter().filter(|column| *column.name == *name);
        match (hits.next(), hits.next()) {
            (Some(column), None) => Ok(column.clone()),
            (Some(_), Some(_)) => Err(self.fail(
                SqlState::AMBIGUOUS_COLUMN,
                format!("common column name \"{name}\" appears more than once in {side} table"),
                pos,
            )),
            (None, _) => Err(self.fail(
                SqlState::UNDEFINED_COLUMN,
                format!(
                    "column \"{name}\" specified in USING clause does not exist in {side} table"
                ),
                pos,
            )),
        }
    }
}

fn has_column(scope: &Scope, name: &str) -> bool {
    scope.columns.iter().any(|column| *column.name == *name)
}

pub(super) fn is_true(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(helios_base::Value::Bool(true), _))
}
