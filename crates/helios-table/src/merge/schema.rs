//! Merging definitions: schemas, sequences, views, tables.
//!
//! An object keeps its number on every branch. What only the source changed is taken, what both
//! changed alike is left, and the rest is a conflict that nobody decides but the user, by making the
//! definitions alike on one of the branches.

mod change;
mod functions;
mod table;
mod types;

use std::collections::BTreeSet;
use std::sync::Arc;

use helios_base::{Result, TableId};
use helios_version::TableLock;

use super::{Catalogs, MergeInput, MergeReport, is_bookkeeping};
use crate::catalog::{
    Catalog, Change, ColumnDef, Relation, SchemaId, SequenceDef, TableDef, ViewDef,
};
use crate::ddl::ObjectRef;
use crate::system;
use crate::transaction::Transaction;
use change::{Event, Sides, Three};
use table::TablePlan;
pub(super) use table::same_definition;

/// What is to become of the definitions.
pub(super) struct SchemaMerge<'a> {
    transaction: &'a Transaction,
    /// What there is on the source: whose its objects are.
    source: Arc<Catalog>,
    /// Tables with rows to merge: on the source, on the target.
    pairs: Vec<(TableId, TableId)>,
    /// Objects that come before the rows, tables first in need of sequences and schemas.
    first: Vec<(String, Change)>,
    tables: Vec<TablePlan>,
    /// Objects that come or go after the rows.
    last: Vec<(String, Change)>,
    drops: Vec<(String, ObjectRef)>,
    /// Numbers of objects in `drops` whose names something new takes.
    early: BTreeSet<u32>,
}

impl<'a> SchemaMerge<'a> {
    /// Compares the definitions.
    pub(super) fn new(
        transaction: &'a Transaction,
        input: &MergeInput,
        catalogs: &Catalogs,
        report: &mut MergeReport,
    ) -> Result<Self> {
        let mut merge = Self {
            transaction,
            source: Arc::clone(&catalogs.source),
            pairs: Vec::new(),
            first: Vec::new(),
            tables: Vec::new(),
            last: Vec::new(),
            drops: Vec::new(),
            early: BTreeSet::new(),
        };
        let target = transaction.latest_catalog()?;
        if merge.is_changed(input)? {
            let sides = Sides {
                base: &catalogs.base,
                source: &catalogs.source,
                target: &target,
            };
            merge.schemas(sides, report)?;
            merge.types(sides, report)?;
            merge.functions(sides, report)?;
            merge.all_tables(sides, input, report)?;
            merge.sequences(sides, report)?;
            merge.views(sides, report)?;
        } else {
            let tables = catalogs.source.tables();
            let tables = tables.filter(|table| !is_bookkeeping(table));
            let tables = tables.map(|table| table.id);
            let both = tables.filter(|id| target.table_by_id(*id).is_some());
            merge.pairs = both.map(|id| (id, id)).collect();
            merge.lost_tables(catalogs, &target, input, report)?;
        }
        Ok(merge)
    }

    /// The tables whose rows are merged.
    pub(super) fn pairs(&self) -> Vec<(TableId, TableId)> {
        self.pairs.clone()
    }

    /// Whether the source changed any definition.
    fn is_changed(&self, input: &MergeInput) -> Result<bool> {
        let store = self.transaction.tables().store();
        for table in [
            system::SCHEMAS,
            system::TABLES,
            system::SEQUENCES,
            system::VIEWS,
            system::TYPES,
            system::FUNCTIONS,
        ] {
            for base in &input.bases {
                if store
                    .diff(base, &input.source, Some(table))?
                    .next()?
                    .is_some()
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Whether the rows of a table differ between the base and another snapshot.
    fn has_changed_rows(
        &self,
        input: &MergeInput,
        to: &helios_version::Snapshot,
        before: &TableDef,
        after: &TableDef,
    ) -> Result<bool> {
        if before.storage != after.storage {
            return Ok(true);
        }
        let store = self.transaction.tables().store();
        match input.bases.first() {
            Some(base) => Ok(store
                .diff(base, to, Some(before.storage))?
                .next()?
                .is_some()),
            None => Ok(true),
        }
    }

    /// Tables that the target dropped and whose rows the source changed.
    fn lost_tables(
        &self,
        catalogs: &Catalogs,
        target: &Catalog,
        input: &MergeInput,
        report: &mut MergeReport,
    ) -> Result<()> {
        let tables = catalogs.source.tables();
        for source in tables.filter(|table| !is_bookkeeping(table)) {
            if target.table_by_id(source.id).is_none()
                && let Some(base) = catalogs.base.table_by_id(source.id)
                && self.has_changed_rows(input, &input.source, base, source)?
            {
                report.schema_conflicts.push(format!(
                    "table \"{}\" was dropped on the target and its rows were changed on the source",
                    source.name
                ));
            }
        }
        Ok(())
    }

    fn schemas(&mut self, sides: Sides<'_>, report: &mut MergeReport) -> Result<()> {
        let ids = |catalog: &Catalog| catalog.schemas().map(|def| def.id).collect();
        let of = |catalog: &Catalog, id| {
            let found = catalog.schema_by_id(id).cloned();
            found.filter(|def| !crate::is_temporary_schema(&def.name))
        };
        for (id, event) in sides.events(ids, of)? {
            match event {
                Event::Put { def, known } => match sides.target.schema(&def.name) {
                    Some(other) if other.id != id => report.schema_conflicts.push(format!(
                        "schema \"{}\" was created on both branches",
                        def.name
                    )),
                    _ => {
                        let line = describe("schema", &def.name, known);
                        self.first.push((line, Change::Schema(id, Some(def))));
                    }
                },
                Event::Gone(def) => {
                    let line = format!("drop schema \"{}\"", def.name);
                    self.drops.push((line, ObjectRef::Schema(id)));
                }
                Event::Both(three) => {
                    report.both_changed("schema", three.any().map(|def| &def.name));
                }
            }
        }
        Ok(())
    }

    fn sequences(&mut self, sides: Sides<'_>, report: &mut MergeReport) -> Result<()> {
        let ids = |catalog: &Catalog| catalog.sequences().map(|def| def.id).collect();
        let of = |catalog: &Catalog, id| {
            let found = catalog.sequence_by_id(id).cloned();
            found.filter(|def| !crate::is_temporary_schema(&def.schema_name))
        };
        for (id, event) in sides.events(ids, of)? {
            match event {
                Event::Put { def, known } => self.take_sequence(&def, known, sides, report),
                // One that belongs to a column goes with it.
                Event::Gone(def) if def.owned_by.is_some() => {}
                Event::Gone(def) => {
                    let line = format!("drop sequence \"{}\"", def.name);
                    self.drops.push((line, ObjectRef::Sequence(id)));
                }
                Event::Both(three) => {
                    report.both_changed("sequence", three.any().map(|def| &def.name));
                }
            }
        }
        Ok(())
    }

    fn take_sequence(
        &mut self,
        def: &Arc<SequenceDef>,
        known: bool,
        sides: Sides<'_>,
        report: &mut MergeReport,
    ) {
        let Sides { source, target, .. } = sides;
        if let Some((owner, column)) = def.owned_by {
            if source
                .table_by_id(owner)
                .is_some_and(|table| is_bookkeeping(table))
            {
                return;
            }
            // A table that was made on both branches has its own.
            let paired = self.pairs.iter().any(|(s, t)| *s == owner && s != t);
            // A column of that name was added on both branches, with its own sequence.
            let doubled = || {
                let (_, column) = source.table_by_id(owner)?.column_by_id(column)?;
                let (_, there) = target.table_by_id(owner)?.column(&column.name)?;
                Some(there.id != column.id || there.default.is_some())
            };
            if paired || !known && doubled() == Some(true) {
                return;
            }
        }
        if self.clashes(sides, def.schema, &def.name, def.id.0) {
            report.schema_conflicts.push(created_twice(&def.name));
            return;
        }
        let line = describe("sequence", &def.name, known);
        self.first
            .push((line, Change::Sequence(def.id, Some(def.clone()))));
    }

    fn views(&mut self, sides: Sides<'_>, report: &mut MergeReport) -> Result<()> {
        let ids = |catalog: &Catalog| catalog.views().map(|def| def.id).collect();
        let of = |catalog: &Catalog, id| {
            let found = catalog.view_by_id(id).cloned();
            found.filter(|def| !crate::is_temporary_schema(&def.schema_name))
        };
        for (id, event) in sides.events(ids, of)? {
            match event {
                Event::Put { def, .. } if self.clashes(sides, def.schema, &def.name, id.0) => {
                    if !self.same_view(sides.target, &def) {
                        report.schema_conflicts.push(created_twice(&def.name));
                    }
                }
                Event::Put { def, known } => {
                    let line = describe("view", &def.name, known);
                    self.last.push((line, Change::View(id, Some(def))));
                }
                Event::Gone(def) => {
                    // Before the columns that it read.
                    let line = format!("drop view \"{}\"", def.name);
                    self.first.insert(0, (line, Change::View(id, None)));
                }
                Event::Both(three) => {
                    report.both_changed("view", three.any().map(|def| &def.name));
                }
            }
        }
        Ok(())
    }

    fn same_view(&self, target: &Catalog, def: &ViewDef) -> bool {
        let mut views = target.views();
        views.any(|v| v.schema == def.schema && v.name == def.name && v.sql == def.sql)
    }

    fn all_tables(
        &mut self,
        sides: Sides<'_>,
        input: &MergeInput,
        report: &mut MergeReport,
    ) -> Result<()> {
        let Sides {
            base,
            source,
            target,
        } = sides;
        for id in sides.union(|catalog| catalog.tables().map(|def| def.id).collect()) {
            let of = |catalog: &Catalog| {
                let found = catalog.table_by_id(id).cloned();
                found.filter(|table| !is_bookkeeping(table))
            };
            match (of(base), of(source), of(target)) {
                (base, Some(s), Some(t)) => {
                    self.pairs.push((id, id));
                    let plan = TablePlan::new(base.as_deref(), &s, &t, source, report)?;
                    if !plan.is_empty() {
                        self.tables.push(plan);
                    }
                }
                (None, Some(s), None) => self.created(&s, sides, report),
                (Some(b), None, Some(t)) => {
                    let mine = self.transaction.view()?;
                    if !same_definition(&b, &t)?
                        || self.has_changed_rows(input, mine.snapshot(), &b, &t)?
                    {
                        report.schema_conflicts.push(format!(
                            "table \"{}\" was dropped on the source and changed on the target",
                            t.name
                        ));
                    } else {
                        let line = format!("drop table \"{}\"", t.name);
                        self.drops.push((line, ObjectRef::Table(id)));
                    }
                }
                (Some(b), Some(s), None) => {
                    let changed = !same_definition(&b, &s)?
                        || self.has_changed_rows(input, &input.source, &b, &s)?;
                    if changed {
                        report.schema_conflicts.push(format!(
                            "table \"{}\" was dropped on the target and changed on the source",
                            s.name
                        ));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether another relation of the target has the name, and keeps it.
    fn clashes(&mut self, sides: Sides<'_>, schema: SchemaId, name: &str, id: u32) -> bool {
        let there = sides.target.relation_in(schema, name);
        let there = there.filter(|there| there.oid() != id);
        there.is_some_and(|there| !self.makes_way(sides, &there, name))
    }

    /// Whether the source dropped this relation of the target, or gave it another name: then something new
    /// can have the name.
    fn makes_way(&mut self, sides: Sides<'_>, there: &Relation, name: &str) -> bool {
        let of = |catalog: &Catalog| -> Option<String> {
            match there {
                Relation::Table(def) => catalog.table_by_id(def.id).map(|def| def.name.clone()),
                Relation::View(def) => catalog.view_by_id(def.id).map(|def| def.name.clone()),
                Relation::Sequence(def) => {
                    catalog.sequence_by_id(def.id).map(|def| def.name.clone())
                }
                Relation::Index(table, index) => {
                    let table = catalog.table_by_id(table.id)?;
                    table.index_by_id(index.id).map(|def| def.name.clone())
                }
            }
        };
        if of(sides.base).is_none() {
            return false;
        }
        match of(sides.source) {
            Some(now) => now != name,
            None => {
                self.early.insert(there.oid());
                true
            }
        }
    }

    /// The plan for a table that is on all sides.
    fn plan_of(&mut self, catalogs: &Catalogs, table: TableId) -> Result<Option<&mut TablePlan>> {
        if !self.tables.iter().any(|plan| plan.id() == table) {
            let target = self.transaction.latest_catalog()?;
            if let (Some(source), Some(target)) = (
                catalogs.source.table_by_id(table),
                target.table_by_id(table),
            ) {
                let base = catalogs.base.table_by_id(table);
                let base = base.map(Arc::as_ref);
                self.tables.push(TablePlan::empty(base, source, target));
            }
        }
        Ok(self.tables.iter_mut().find(|plan| plan.id() == table))
    }

    /// Leaves a column on the target that the source dropped.
    pub(super) fn keep_column(&mut self, table: TableId, column: &ColumnDef) -> Result<()> {
        match self.tables.iter_mut().find(|plan| plan.id() == table) {
            Some(plan) => plan.keep_column(column),
            None => Ok(()),
        }
    }

    /// Brings back a column that the target dropped, with its sequence.
    pub(super) fn restore_column(
        &mut self,
        catalogs: &Catalogs,
        table: TableId,
        column: &ColumnDef,
    ) -> Result<()> {
        let target = self.transaction.latest_catalog()?;
        for sequence in catalogs.source.sequences() {
            if sequence.owned_by == Some((table, column.id))
                && target.sequence_by_id(sequence.id).is_none()
            {
                let line = describe("sequence", &sequence.name, false);
                let change = Change::Sequence(sequence.id, Some(sequence.clone()));
                self.first.push((line, change));
            }
        }
        match self.plan_of(catalogs, table)? {
            Some(plan) => plan.restore_column(column),
            None => Ok(()),
        }
    }

    /// A table that only the source has.
    fn created(&mut self, def: &Arc<TableDef>, sides: Sides<'_>, report: &mut MergeReport) {
        let target = sides.target;
        let schema = target.schema_by_id(def.schema).map(|schema| schema.id);
        let there = schema.and_then(|schema| target.relation_in(schema, &def.name));
        let there = there.filter(|there| !self.makes_way(sides, there, &def.name));
        match there {
            None => {
                let line = format!("create table \"{}\"", def.name);
                self.first
                    .push((line, Change::Table(def.id, Some(def.clone()))));
                self.pairs.push((def.id, def.id));
            }
            Some(Relation::Table(other)) if table::alike(def, &other) => {
                self.pairs.push((def.id, other.id));
            }
            Some(_) => report.schema_conflicts.push(created_twice(&def.name)),
        }
    }

    /// Makes the changes that rows need.
    pub(super) fn before_rows(&mut self, report: &mut MergeReport) -> Result<()> {
        if !report.schema_conflicts.is_empty() {
            self.pairs.clear();
            return Ok(());
        }
        let (views, first): (Vec<_>, Vec<_>) = self
            .first
            .drain(..)
            .partition(|(_, change)| matches!(change, Change::View(_, None)));
        self.take(views, report)?;
        self.drop_first(report)?;
        self.rename_tables(report)?;
        // Schemas, types and sequences before the tables that use them.
        let rank = |change: &Change| match change {
            Change::View(..) | Change::Schema(..) => 0,
            Change::Type(..) => 1,
            Change::Sequence(..) => 2,
            // Expressions of tables call them.
            Change::Function(..) => 3,
            Change::Table(..) => 4,
            Change::Role(..) | Change::Access(..) => 5,
        };
        let mut first = first;
        first.sort_by_key(|(_, change)| rank(change));
        let mut parents = Vec::new();
        for (_, change) in &first {
            if let Change::Table(id, Some(def)) = change {
                let keys = def.foreign_keys().map(|(_, fk)| fk.parent);
                parents.extend(keys.filter(|parent| parent != id));
            }
        }
        self.take(first, report)?;
        parents.sort_unstable();
        parents.dedup();
        for parent in parents {
            if self
                .transaction
                .latest_catalog()?
                .table_by_id(parent)
                .is_some()
            {
                // Its writers now have more to do.
                let (_, table) = self
                    .transaction
                    .lock_definition(parent, TableLock::ShareRowExclusive)?;
                self.transaction.change_table(TableDef::clone(&table))?;
            }
        }
        for plan in &mut self.tables {
            plan.before_rows(self.transaction, report)?;
        }
        Ok(())
    }

    fn take(&self, changes: Vec<(String, Change)>, report: &mut MergeReport) -> Result<()> {
        for (line, change) in changes {
            let object = change::brought(&change, &*self.transaction.latest_catalog()?);
            self.transaction.take_change(&change)?;
            self.transaction.change(change)?;
            // It stays its owner's: a function that runs as its owner must not come to run as another.
            if let Some(access) = object.and_then(|object| self.source.access(object)) {
                let access = Change::Access(access.object, Some(Arc::clone(access)));
                self.transaction.change(access)?;
            }
            report.schema.push(line);
        }
        Ok(())
    }

    /// Drops parts of tables, and what gives its name to something new.
    fn drop_first(&mut self, report: &mut MergeReport) -> Result<()> {
        let number = |object: &ObjectRef| match object {
            ObjectRef::Table(id) => Some(id.0),
            ObjectRef::View(id) => Some(id.0),
            ObjectRef::Sequence(id) => Some(id.0),
            ObjectRef::Type(id) => Some(id.0),
            ObjectRef::Function(id) => Some(id.0),
            _ => None,
        };
        let is_early =
            |object: &ObjectRef| number(object).is_some_and(|id| self.early.contains(&id));
        let drops = std::mem::take(&mut self.drops);
        let (mut now, later): (Vec<_>, Vec<_>) =
            drops.into_iter().partition(|(_, object)| is_early(object));
        self.drops = later;
        for plan in &mut self.tables {
            now.extend(plan.take_drops());
        }
        self.drop_all(now, report)
    }

    fn drop_all(&self, drops: Vec<(String, ObjectRef)>, report: &mut MergeReport) -> Result<()> {
        if !drops.is_empty() {
            let (lines, objects): (Vec<String>, Vec<ObjectRef>) = drops.into_iter().unzip();
            self.transaction.drop_objects(&objects, false)?;
            report.schema.extend(lines);
        }
        Ok(())
    }

    /// Gives tables their new names; some may exchange theirs.
    fn rename_tables(&mut self, report: &mut MergeReport) -> Result<()> {
        let catalog = self.transaction.latest_catalog()?;
        let mut renames = Vec::new();
        for plan in &mut self.tables {
            if let (Some(name), Some(table)) = (plan.take_rename(), catalog.table_by_id(plan.id()))
            {
                renames.push((table.clone(), name));
            }
        }
        let is_taken = |(table, name): &(Arc<TableDef>, String)| {
            catalog.relation_in(table.schema, name).is_some()
        };
        if renames.iter().any(is_taken) {
            for (n, (table, _)) in renames.iter().enumerate() {
                self.transaction.rename_table(table.id, &table::aside(n))?;
            }
        }
        for (table, name) in renames {
            self.transaction.rename_table(table.id, &name)?;
            let line = format!("rename table \"{}\" to \"{name}\"", table.name);
            report.schema.push(line);
        }
        Ok(())
    }

    /// Makes the changes that the merged rows must satisfy.
    pub(super) fn after_rows(&mut self, report: &mut MergeReport) -> Result<()> {
        for plan in &mut self.tables {
            plan.after_rows(self.transaction, report)?;
        }
        let last = std::mem::take(&mut self.last);
        self.take(last, report)?;
        let drops = std::mem::take(&mut self.drops);
        self.drop_all(drops, report)
    }
}

fn describe(kind: &str, name: &str, known: bool) -> String {
    let verb = if known { "alter" } else { "create" };
    format!("{verb} {kind} \"{name}\"")
}

impl MergeReport {
    fn both_changed(&mut self, kind: &str, name: Option<&String>) {
        let name = name.map_or("", String::as_str);
        let line = format!("{kind} \"{name}\" was changed on both branches");
        self.schema_conflicts.push(line);
    }
}

fn created_twice(name: &str) -> String {
    format!("relation \"{name}\" was created on both branches")
}
