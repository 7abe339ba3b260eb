//! Merging the definition of one table.

use std::sync::Arc;

use helios_base::{ColumnId, IndexId, Result};
use helios_version::TableLock;

use crate::catalog::{
    Catalog, Change, ColumnDef, ConstraintDef, ConstraintId, ConstraintKind, IndexDef, IndexExpr,
    IndexKey, KeySource, TableDef, codec,
};
use crate::ddl::{NewConstraint, NewConstraintKind, ObjectRef};
use crate::merge::MergeReport;
use crate::merge::align::counterpart;
use crate::transaction::Transaction;

/// What is to become of the definition of a table on the target.
pub(super) struct TablePlan {
    source: Arc<TableDef>,
    target: Arc<TableDef>,
    base: Option<TableDef>,
    rename: Option<String>,
    rename_columns: Vec<(String, String)>,
    drop: Vec<(String, ObjectRef)>,
    add_columns: Vec<ColumnDef>,
    /// Columns of the source with other properties, by name.
    edit_columns: Vec<ColumnDef>,
    add_key: Option<NewConstraint>,
    add_indexes: Vec<Arc<IndexDef>>,
    add_constraints: Vec<ConstraintDef>,
    /// Columns that now refuse NULL.
    not_null: Vec<String>,
    settings: bool,
}

/// Whether two definitions are the same but for their revision and the place of their rows.
pub(super) fn same_definition(a: &TableDef, b: &TableDef) -> Result<bool> {
    let plain = |def: &TableDef| {
        let mut def = def.clone();
        def.revision = 0;
        def.storage = def.id;
        def.layouts.clear();
        codec::encode(&def)
    };
    Ok(plain(a)? == plain(b)?)
}

/// Whether two tables that were made separately can hold each other's rows: the same columns and
/// the same primary key.
pub(super) fn alike(a: &TableDef, b: &TableDef) -> bool {
    let columns = |def: &TableDef| -> Vec<(String, String)> {
        let columns = def.columns.iter();
        columns
            .map(|c| (c.name.clone(), c.ty.to_string()))
            .collect()
    };
    let key = |def: &TableDef| -> Vec<String> {
        let key = def.key.iter().filter_map(|id| def.column_by_id(*id));
        key.map(|(_, column)| column.name.clone()).collect()
    };
    columns(a) == columns(b) && key(a) == key(b) && !a.key.is_empty()
}

fn properties(column: &ColumnDef) -> Result<Vec<u8>> {
    let mut column = column.clone();
    column.id = ColumnId(0);
    column.missing = None;
    column.name = String::new();
    codec::encode(&column)
}

impl TablePlan {
    pub(super) fn new(
        base: Option<&TableDef>,
        source: &Arc<TableDef>,
        target: &Arc<TableDef>,
        catalog: &Catalog,
        report: &mut MergeReport,
    ) -> Result<Self> {
        let mut plan = Self {
            source: source.clone(),
            target: target.clone(),
            base: base.cloned(),
            rename: None,
            rename_columns: Vec::new(),
            drop: Vec::new(),
            add_columns: Vec::new(),
            edit_columns: Vec::new(),
            add_key: None,
            add_indexes: Vec::new(),
            add_constraints: Vec::new(),
            not_null: Vec::new(),
            settings: false,
        };
        let Some(base) = base else {
            // Taken over from a third branch on both sides.
            return Ok(plan);
        };
        let rewritten = source.storage != base.storage || target.storage != base.storage;
        if rewritten && source.storage != target.storage && target.key.is_empty() {
            report.schema_conflicts.push(format!(
                "table \"{}\" has no primary key and was rewritten or truncated on one branch",
                target.name
            ));
        }
        if same_definition(base, source)? {
            return Ok(plan);
        }
        let mut conflict = |text: String| report.schema_conflicts.push(text);
        let both = |what: &str, name: &str| {
            format!(
                "{what} \"{name}\" of table \"{}\" was changed on both branches",
                target.name
            )
        };
        if source.name != base.name && source.name != target.name {
            if target.name == base.name {
                plan.rename = Some(source.name.clone());
            } else {
                conflict(format!(
                    "table \"{}\" was renamed to \"{}\" on the target and to \"{}\" on the source",
                    base.name, target.name, source.name
                ));
            }
        }
        let settings = |def: &TableDef| (def.options.clone(), def.comment.clone());
        if settings(source) != settings(base) && settings(source) != settings(target) {
            if settings(target) == settings(base) {
                plan.settings = true;
            } else {
                conflict(both("settings", "options"));
            }
        }
        plan.columns(base, &mut conflict, &both)?;
        plan.parts(base, catalog, &mut conflict, &both)?;
        Ok(plan)
    }

    fn columns(
        &mut self,
        base: &TableDef,
        conflict: &mut dyn FnMut(String),
        both: &dyn Fn(&str, &str) -> String,
    ) -> Result<()> {
        let (source, target) = (self.source.clone(), self.target.clone());
        for column in &base.columns {
            let s = source.column_by_id(column.id).map(|(_, c)| c);
            let t = target.column_by_id(column.id).map(|(_, c)| c);
            match (s, t) {
                (None, None) => {}
                (None, Some(t)) => {
                    if properties(t)? == properties(column)? {
                        let object = ObjectRef::Column(target.id, column.id);
                        let line = format!("drop column \"{}\".\"{}\"", target.name, t.name);
                        self.drop.push((line, object));
                    } else {
                        conflict(both("column", &t.name));
                    }
                }
                (Some(s), None) => {
                    if properties(s)? != properties(column)? {
                        conflict(both("column", &s.name));
                    }
                }
                (Some(s), Some(t)) => {
                    if s.name != column.name && s.name != t.name {
                        if t.name == column.name {
                            self.rename_columns.push((t.name.clone(), s.name.clone()));
                        } else {
                            conflict(both("column", &column.name));
                        }
                    }
                    if !s.ty.same(&column.ty) && !s.ty.same(&t.ty) {
                        conflict(format!(
                            "type of column \"{}\" of table \"{}\" was changed on the source from {} to {}",
                            t.name, target.name, column.ty, s.ty
                        ));
                        continue;
                    }
                    let (ps, pb, pt) = (properties(s)?, properties(column)?, properties(t)?);
                    if ps != pb && ps != pt {
                        if pt == pb {
                            self.edit_columns.push(s.clone());
                        } else {
                            conflict(both("column", &t.name));
                        }
                    }
                }
            }
        }
        for column in &source.columns {
            if base.column_by_id(column.id).is_some() {
                continue;
            }
            match counterpart(Some(base), column, &target) {
                None if target.column(&column.name).is_some() => {
                    conflict(both("column", &column.name));
                }
                None => self.add_columns.push(column.clone()),
                Some((_, there)) => {
                    if !there.ty.same(&column.ty) {
                        conflict(format!(
                            "column \"{}\" of table \"{}\" was added on both branches, as {} and as {}",
                            column.name, target.name, there.ty, column.ty
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    fn parts(
        &mut self,
        base: &TableDef,
        catalog: &Catalog,
        conflict: &mut dyn FnMut(String),
        both: &dyn Fn(&str, &str) -> String,
    ) -> Result<()> {
        let (source, target) = (self.source.clone(), self.target.clone());
        for constraint in &base.constraints {
            if source.constraint_by_id(constraint.id).is_some()
                || target.constraint_by_id(constraint.id).is_none()
            {
                continue;
            }
            if matches!(constraint.kind, ConstraintKind::PrimaryKey { .. }) {
                conflict(format!(
                    "the primary key of table \"{}\" was dropped on the source",
                    target.name
                ));
                continue;
            }
            let line = format!(
                "drop constraint \"{}\" of table \"{}\"",
                constraint.name, target.name
            );
            let object = ObjectRef::Constraint(target.id, constraint.id);
            self.drop.insert(0, (line, object));
        }
        for index in &base.indexes {
            if source.index_by_id(index.id).is_none()
                && target.index_by_id(index.id).is_some()
                && index.constraint.is_none()
            {
                let line = format!("drop index \"{}\"", index.name);
                let object = ObjectRef::Index(target.id, index.id);
                self.drop.insert(0, (line, object));
            }
        }
        for constraint in &source.constraints {
            if base.constraint_by_id(constraint.id).is_some()
                || target.constraint_by_id(constraint.id).is_some()
            {
                continue;
            }
            if let Some(there) = target.constraint(&constraint.name) {
                let same =
                    there.definition(catalog, &target) == constraint.definition(catalog, &source);
                if !same {
                    conflict(both("constraint", &constraint.name));
                }
                continue;
            }
            match &constraint.kind {
                ConstraintKind::PrimaryKey { index } => {
                    if target.primary_key().is_some() {
                        conflict(both("primary key", &constraint.name));
                        continue;
                    }
                    let names = source
                        .index_by_id(*index)
                        .into_iter()
                        .flat_map(|index| &index.keys)
                        .filter_map(IndexKey::as_column)
                        .filter_map(|id| source.column_by_id(id))
                        .map(|(_, column)| column.name.clone());
                    let mut new = NewConstraint::new(NewConstraintKind::PrimaryKey {
                        columns: names.collect(),
                        include: Vec::new(),
                    });
                    new.name = Some(constraint.name.clone());
                    self.add_key = Some(new);
                }
                _ => self.add_constraints.push(constraint.clone()),
            }
        }
        for index in &source.indexes {
            let known = base.index_by_id(index.id).is_some();
            if known || target.index_by_id(index.id).is_some() || index.primary {
                continue;
            }
            if let Some(there) = target.index(&index.name) {
                if there.definition(&target) != index.definition(&source) {
                    conflict(both("index", &index.name));
                }
                continue;
            }
            self.add_indexes.push(index.clone());
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rename.is_none()
            && !self.settings
            && self.rename_columns.is_empty()
            && self.drop.is_empty()
            && self.add_columns.is_empty()
            && self.edit_columns.is_empty()
            && self.add_key.is_none()
            && self.add_indexes.is_empty()
            && self.add_constraints.is_empty()
    }

    /// Everything that decides what rows look like.
    pub(super) fn before_rows(
        &mut self,
        transaction: &Transaction,
        report: &mut MergeReport,
    ) -> Result<()> {
        let id = self.target.id;
        if let Some(name) = &self.rename {
            transaction.rename_table(id, name)?;
            report.schema.push(format!(
                "rename table \"{}\" to \"{name}\"",
                self.target.name
            ));
        }
        for (from, to) in &self.rename_columns {
            transaction.rename_column(id, from, to)?;
            report.schema.push(format!(
                "rename column \"{}\".\"{from}\" to \"{to}\"",
                self.target.name
            ));
        }
        if !self.drop.is_empty() {
            let objects: Vec<ObjectRef> = self.drop.iter().map(|(_, object)| *object).collect();
            transaction.drop_objects(&objects, false)?;
            report
                .schema
                .extend(self.drop.drain(..).map(|(line, _)| line));
        }
        if self.settings || !self.add_columns.is_empty() || !self.edit_columns.is_empty() {
            self.edit(transaction, report)?;
        }
        if let Some(key) = &self.add_key {
            transaction.add_constraint(id, key)?;
            report
                .schema
                .push(format!("add primary key to table \"{}\"", self.target.name));
        }
        Ok(())
    }

    fn edit(&mut self, transaction: &Transaction, report: &mut MergeReport) -> Result<()> {
        let (catalog, old) =
            transaction.lock_definition(self.target.id, TableLock::AccessExclusive)?;
        let mut table = TableDef::clone(&old);
        if self.settings {
            table.options.clone_from(&self.source.options);
            table.comment.clone_from(&self.source.comment);
            report
                .schema
                .push(format!("set options of table \"{}\"", table.name));
        }
        for edited in &self.edit_columns {
            let Some(column) = table.columns.iter_mut().find(|c| c.id == edited.id) else {
                continue;
            };
            if edited.not_null && !column.not_null {
                self.not_null.push(column.name.clone());
            }
            let (name, missing) = (column.name.clone(), column.missing.take());
            *column = edited.clone();
            (column.name, column.missing) = (name, missing);
            report.schema.push(format!(
                "alter column \"{}\".\"{}\"",
                table.name, edited.name
            ));
        }
        let mut added = Vec::new();
        for new in &self.add_columns {
            let id = ColumnId(table.next_column);
            table.next_column += 1;
            let mut column = new.clone();
            column.id = id;
            added.push(id);
            self.own_sequence(transaction, new.id, id)?;
            report
                .schema
                .push(format!("add column \"{}\".\"{}\"", table.name, new.name));
            table.columns.push(column);
        }
        for id in &added {
            transaction.compile_column(&catalog, &mut table, *id)?;
        }
        if !added.is_empty() {
            crate::ddl::new_layout(&mut table);
        }
        transaction.change_table(table)?;
        Ok(())
    }

    /// A sequence that came with a column belongs to the column's number here.
    fn own_sequence(
        &self,
        transaction: &Transaction,
        there: ColumnId,
        here: ColumnId,
    ) -> Result<()> {
        let catalog = transaction.latest_catalog()?;
        let owned = (self.source.id, there);
        let found = catalog.sequences().find(|s| s.owned_by == Some(owned));
        if let Some(found) = found
            && there != here
        {
            let mut sequence = found.as_ref().clone();
            sequence.owned_by = Some((self.target.id, here));
            transaction.change(Change::Sequence(sequence.id, Some(Arc::new(sequence))))?;
        }
        Ok(())
    }

    /// Indexes and constraints, which the merged rows must satisfy.
    pub(super) fn after_rows(
        &mut self,
        transaction: &Transaction,
        report: &mut MergeReport,
    ) -> Result<()> {
        for name in std::mem::take(&mut self.not_null) {
            let (_, table) =
                transaction.lock_definition(self.target.id, TableLock::AccessExclusive)?;
            if let Some((_, column)) = table.column(&name) {
                transaction.refuse_nulls(&table, column.id)?;
            }
        }
        if self.add_indexes.is_empty() && self.add_constraints.is_empty() {
            return Ok(());
        }
        let (_, old) = transaction.lock_definition(self.target.id, TableLock::AccessExclusive)?;
        let mut table = TableDef::clone(&old);
        let mut filled: Vec<IndexId> = Vec::new();
        for index in &self.add_indexes {
            transaction.take_name(table.schema, &index.name)?;
            let mut index = IndexDef::clone(index);
            self.renumber_index(&table, &mut index);
            filled.push(index.id);
            report
                .schema
                .push(format!("create index \"{}\"", index.name));
            table.indexes.push(Arc::new(index));
        }
        let mut validated: Vec<ConstraintId> = Vec::new();
        let mut parents = Vec::new();
        for constraint in &self.add_constraints {
            let mut constraint = constraint.clone();
            match &mut constraint.kind {
                ConstraintKind::Check { columns, .. } => self.renumber(&table, columns),
                ConstraintKind::ForeignKey(fk) => {
                    self.renumber(&table, &mut fk.columns);
                    self.renumber(&table, &mut fk.set_columns);
                    parents.push(fk.parent);
                }
                ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } => {}
            }
            if constraint.validated {
                validated.push(constraint.id);
            }
            report.schema.push(format!(
                "add constraint \"{}\" to table \"{}\"",
                constraint.name, table.name
            ));
            table.constraints.push(constraint);
        }
        let own = table.id;
        let table = transaction.change_table(table)?;
        for parent in parents.into_iter().filter(|parent| *parent != own) {
            // Its writers now have more to do.
            let (_, parent) = transaction.lock_definition(parent, TableLock::ShareRowExclusive)?;
            transaction.change_table(TableDef::clone(&parent))?;
        }
        for index in filled {
            transaction.fill_index(&table, index)?;
        }
        for constraint in validated {
            transaction.validate(&table, constraint)?;
        }
        Ok(())
    }

    /// The number here of a column of the source.
    fn number(&self, table: &TableDef, id: ColumnId) -> ColumnId {
        let found = self
            .source
            .column_by_id(id)
            .and_then(|(_, column)| counterpart(self.base.as_ref(), column, table));
        found.map_or(id, |(_, column)| column.id)
    }

    fn renumber(&self, table: &TableDef, columns: &mut [ColumnId]) {
        for column in columns {
            *column = self.number(table, *column);
        }
    }

    fn renumber_index(&self, table: &TableDef, index: &mut IndexDef) {
        let renumber_expr = |expr: &mut IndexExpr| self.renumber(table, &mut expr.columns);
        for key in &mut index.keys {
            match &mut key.source {
                KeySource::Column(column) => *column = self.number(table, *column),
                KeySource::Expression { expr, .. } => renumber_expr(expr),
            }
        }
        if let Some(predicate) = &mut index.predicate {
            renumber_expr(predicate);
        }
        self.renumber(table, &mut index.include);
    }
}
