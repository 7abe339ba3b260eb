//! Merging the definition of one table.

use std::collections::BTreeSet;
use std::sync::Arc;

use helios_base::{ColumnId, Error, IndexId, Result, SqlState, TableId};
use helios_version::TableLock;

use crate::catalog::{
    AsWritten, Catalog, Change, ColumnDef, ConstraintDef, ConstraintId, ConstraintKind, IndexDef,
    IndexExpr, IndexKey, KeySource, TableDef, codec,
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
    /// Columns that the target dropped and that come back.
    restore_columns: Vec<ColumnDef>,
    /// Columns of the target with the properties that they are to have.
    edit_columns: Vec<ColumnDef>,
    add_key: Option<NewConstraint>,
    add_indexes: Vec<Arc<IndexDef>>,
    add_constraints: Vec<ConstraintDef>,
    /// Columns that now refuse NULL.
    not_null: Vec<String>,
    /// Options to set or to take away, and the comment, if it changes.
    options: Vec<(String, Option<String>)>,
    comment: Option<Option<String>>,
}

/// Whether two definitions are the same but for their revision and the place of their rows.
pub(in crate::merge) fn same_definition(a: &TableDef, b: &TableDef) -> Result<bool> {
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
    column.birth = 0;
    column.missing = None;
    column.name = String::new();
    codec::encode(&column)
}

/// What three versions of one property come to; `None` if two changed it differently.
fn three_way<'v, T: PartialEq>(base: &'v T, source: &'v T, target: &'v T) -> Option<&'v T> {
    if source == base || source == target {
        Some(target)
    } else {
        (target == base).then_some(source)
    }
}

/// The target's column with what the source changed of it, property by property.
fn merged_column(base: &ColumnDef, source: &ColumnDef, target: &ColumnDef) -> Option<ColumnDef> {
    let mut merged = target.clone();
    merged.not_null = *three_way(&base.not_null, &source.not_null, &target.not_null)?;
    merged.comment = three_way(&base.comment, &source.comment, &target.comment)?.clone();
    // Of these a column has at most one.
    let value = |column: &ColumnDef| {
        (
            column.default.clone(),
            column.generated.clone(),
            column.identity,
        )
    };
    let (b, s, t) = (value(base), value(source), value(target));
    (merged.default, merged.generated, merged.identity) = three_way(&b, &s, &t)?.clone();
    Some(merged)
}

/// Gives a column the next number of `table`. It stays what it is.
const fn renumber_column(column: &mut ColumnDef, table: &mut TableDef) {
    let identity = column.identity();
    column.id = ColumnId(table.next_column);
    table.next_column += 1;
    column.birth = if identity == column.id.0 { 0 } else { identity };
}

/// A name that no column has, for columns that exchange theirs.
pub(super) fn aside(n: usize) -> String {
    format!("\u{1}merge{n}")
}

/// The columns that a constraint is about.
fn reads(table: &TableDef, constraint: &ConstraintDef) -> Vec<ColumnId> {
    match &constraint.kind {
        ConstraintKind::Check { columns, .. } => columns.clone(),
        ConstraintKind::ForeignKey(fk) => fk.columns.clone(),
        ConstraintKind::PrimaryKey { index } | ConstraintKind::Unique { index } => {
            let index = table.index_by_id(*index);
            index.map_or_else(Vec::new, |index| index.columns().collect())
        }
    }
}

impl TablePlan {
    /// A plan that changes nothing.
    pub(super) fn empty(
        base: Option<&TableDef>,
        source: &Arc<TableDef>,
        target: &Arc<TableDef>,
    ) -> Self {
        Self {
            source: source.clone(),
            target: target.clone(),
            base: base.cloned(),
            rename: None,
            rename_columns: Vec::new(),
            drop: Vec::new(),
            add_columns: Vec::new(),
            restore_columns: Vec::new(),
            edit_columns: Vec::new(),
            add_key: None,
            add_indexes: Vec::new(),
            add_constraints: Vec::new(),
            not_null: Vec::new(),
            options: Vec::new(),
            comment: None,
        }
    }

    /// The table on the target.
    pub(super) fn id(&self) -> TableId {
        self.target.id
    }

    pub(super) fn new(
        base: Option<&TableDef>,
        source: &Arc<TableDef>,
        target: &Arc<TableDef>,
        catalog: &Catalog,
        report: &mut MergeReport,
    ) -> Result<Self> {
        let mut plan = Self::empty(base, source, target);
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
        let options = [base, source].map(|def| def.options.keys());
        for option in options.into_iter().flatten().collect::<BTreeSet<_>>() {
            let [was, ours, theirs] =
                [base, target, source].map(|def| def.options.get(option).cloned());
            if theirs == was || theirs == ours {
                continue;
            }
            match ours == was {
                true => plan.options.push((option.clone(), theirs)),
                false => conflict(both("option", option)),
            }
        }
        if source.comment != base.comment && source.comment != target.comment {
            match target.comment == base.comment {
                true => plan.comment = Some(source.comment.clone()),
                false => conflict(format!(
                    "the comment of table \"{}\" was changed on both branches",
                    target.name
                )),
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
            let s = source.same_column(column).map(|(_, c)| c);
            let t = target.same_column(column).map(|(_, c)| c);
            match (s, t) {
                (None, None) => {}
                (None, Some(t)) => {
                    if properties(t)? == properties(column)? {
                        let object = ObjectRef::Column(target.id, t.id);
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
                        match merged_column(column, s, t) {
                            Some(merged) if properties(&merged)? == pt => {}
                            Some(merged) => self.edit_columns.push(merged),
                            None => conflict(both("column", &t.name)),
                        }
                    }
                }
            }
        }
        for column in &source.columns {
            if base.same_column(column).is_some() {
                continue;
            }
            match counterpart(Some(base), column, &target) {
                None => {
                    // A name that the source gave up before is free by then.
                    let is_taken = target.column(&column.name).is_some_and(|(_, there)| {
                        let known = base.same_column(there).is_some();
                        let now = source.same_column(there);
                        !known || now.is_some_and(|(_, now)| now.name == there.name)
                    });
                    if is_taken {
                        conflict(both("column", &column.name));
                    } else {
                        self.add_columns.push(column.clone());
                    }
                }
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

    /// Leaves a column on the target that the source dropped, with what the source dropped along with it.
    pub(super) fn keep_column(&mut self, column: &ColumnDef) -> Result<()> {
        let target = self.target.clone();
        let Some((_, column)) = target.same_column(column) else {
            return Ok(());
        };
        if self.add_columns.iter().any(|new| new.name == column.name) {
            return Err(self.two_columns(&column.name));
        }
        self.drop.retain(|(_, object)| match object {
            ObjectRef::Column(_, id) => *id != column.id,
            ObjectRef::Constraint(_, id) => {
                let found = target.constraint_by_id(*id);
                found.is_none_or(|found| !reads(&target, found).contains(&column.id))
            }
            ObjectRef::Index(_, id) => {
                let found = target.index_by_id(*id);
                found.is_none_or(|found| !found.columns().any(|read| read == column.id))
            }
            _ => true,
        });
        Ok(())
    }

    fn two_columns(&self, name: &str) -> Error {
        Error::new(
            SqlState::DUPLICATE_COLUMN,
            format!(
                "column \"{name}\" of table \"{}\" cannot stay, since another of that name was added",
                self.target.name
            ),
        )
        .with_hint("Rename one of them first, or let the dropped one go.")
    }

    /// Brings back a column that the target dropped, with the indexes and constraints that it had.
    pub(super) fn restore_column(&mut self, column: &ColumnDef) -> Result<()> {
        let (source, target) = (self.source.clone(), self.target.clone());
        if target.column(&column.name).is_some() {
            return Err(self.two_columns(&column.name));
        }
        self.restore_columns.push(column.clone());
        for index in &source.indexes {
            let gone = target.index_by_id(index.id).is_none() && !index.primary;
            let known = self.add_indexes.iter().any(|added| added.id == index.id);
            if gone && !known && index.columns().any(|read| read == column.id) {
                self.add_indexes.push(index.clone());
            }
        }
        for constraint in &source.constraints {
            let gone = target.constraint_by_id(constraint.id).is_none();
            let mut added = self.add_constraints.iter();
            let known = added.any(|added| added.id == constraint.id);
            let is_key = matches!(constraint.kind, ConstraintKind::PrimaryKey { .. });
            if gone && !known && !is_key && reads(&source, constraint).contains(&column.id) {
                self.add_constraints.push(constraint.clone());
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
        // A name that the source gave up is free by then.
        let is_going = |id: ConstraintId| {
            base.constraint_by_id(id).is_some() && source.constraint_by_id(id).is_none()
        };
        for constraint in &source.constraints {
            if base.constraint_by_id(constraint.id).is_some()
                || target.constraint_by_id(constraint.id).is_some()
            {
                continue;
            }
            let there = target.constraint(&constraint.name);
            let there = there.filter(|there| !is_going(there.id));
            if let Some(there) = there {
                let same = there.definition(catalog, &target, &AsWritten)
                    == constraint.definition(catalog, &source, &AsWritten);
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
            let there = target.index(&index.name).filter(|there| {
                base.index_by_id(there.id).is_none() || source.index_by_id(there.id).is_some()
            });
            if let Some(there) = there {
                if there.definition(&target, &AsWritten) != index.definition(&source, &AsWritten) {
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
            && !self.has_settings()
            && self.rename_columns.is_empty()
            && self.drop.is_empty()
            && self.add_columns.is_empty()
            && self.restore_columns.is_empty()
            && self.edit_columns.is_empty()
            && self.add_key.is_none()
            && self.add_indexes.is_empty()
            && self.add_constraints.is_empty()
    }

    /// What goes, with its description.
    pub(super) fn take_drops(&mut self) -> Vec<(String, ObjectRef)> {
        std::mem::take(&mut self.drop)
    }

    /// The table's new name.
    pub(super) fn take_rename(&mut self) -> Option<String> {
        self.rename.take()
    }

    /// Everything that decides what rows look like, after drops and renames of tables.
    pub(super) fn before_rows(
        &mut self,
        transaction: &Transaction,
        report: &mut MergeReport,
    ) -> Result<()> {
        let id = self.target.id;
        let renames = std::mem::take(&mut self.rename_columns);
        let is_taken = |name: &String| self.target.column(name).is_some();
        let swapped = renames.iter().any(|(_, to)| is_taken(to));
        for (n, (from, to)) in renames.iter().enumerate() {
            let to = if swapped { &aside(n) } else { to };
            transaction.rename_column(id, from, to)?;
        }
        for (n, (from, to)) in renames.iter().enumerate() {
            if swapped {
                transaction.rename_column(id, &aside(n), to)?;
            }
            report.schema.push(format!(
                "rename column \"{}\".\"{from}\" to \"{to}\"",
                self.target.name
            ));
        }
        let columns = [&self.add_columns, &self.edit_columns, &self.restore_columns];
        if self.has_settings() || columns.iter().any(|columns| !columns.is_empty()) {
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

    fn has_settings(&self) -> bool {
        !self.options.is_empty() || self.comment.is_some()
    }

    fn edit(&mut self, transaction: &Transaction, report: &mut MergeReport) -> Result<()> {
        let (catalog, old) =
            transaction.lock_definition(self.target.id, TableLock::AccessExclusive)?;
        let mut table = TableDef::clone(&old);
        if self.has_settings() {
            for (name, value) in self.options.drain(..) {
                match value {
                    Some(value) => table.options.insert(name, value),
                    None => table.options.remove(&name),
                };
            }
            if let Some(comment) = self.comment.take() {
                table.comment = comment;
            }
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
            let name = std::mem::take(&mut column.name);
            *column = edited.clone();
            column.name = name;
            report.schema.push(format!(
                "alter column \"{}\".\"{}\"",
                table.name, edited.name
            ));
        }
        let mut added = Vec::new();
        for old in &self.restore_columns {
            let mut column = old.clone();
            let is_taken = table.column_by_id(column.id).is_some();
            if column.birth != 0 || is_taken {
                renumber_column(&mut column, &mut table);
            }
            added.push(column.id);
            self.own_sequence(transaction, old.id, column.id)?;
            report.schema.push(format!(
                "restore column \"{}\".\"{}\"",
                table.name, column.name
            ));
            let before = table.columns.partition_point(|known| known.id < column.id);
            table.columns.insert(before, column);
        }
        for new in &self.add_columns {
            let mut column = new.clone();
            renumber_column(&mut column, &mut table);
            let id = column.id;
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
