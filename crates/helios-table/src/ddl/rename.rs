//! Renaming, and moving to another schema.

use std::sync::Arc;

use helios_base::{ColumnId, Error, IndexId, Result, SqlState, TableId};
use helios_version::TableLock;

use super::column::require;
use crate::catalog::{
    Catalog, Change, ConstraintKind, Dependency, KeySource, PolicyExpr, SchemaId, SequenceDef,
    SequenceId, TableDef, ViewDef, ViewId,
};
use crate::row::Renaming;
use crate::transaction::Transaction;

impl Transaction {
    /// `ALTER TABLE … RENAME TO`.
    ///
    /// # Errors
    /// 42P07 the name is taken, 0A000 a view that reads the table cannot be written anew.
    pub fn rename_table(&self, id: TableId, to: &str) -> Result<()> {
        let (catalog, old) = self.lock_definition(id, TableLock::AccessExclusive)?;
        let change = Renaming::Relation {
            from: (&old.schema_name, &old.name),
            to: (&old.schema_name, to),
        };
        let readers = self.readers(&catalog, id.0, "table", &old.name, &change)?;
        self.take_name(old.schema, to)?;
        let mut table = TableDef::clone(&old);
        to.clone_into(&mut table.name);
        self.change_table(table)?;
        self.put_readers(readers)
    }

    /// `ALTER TABLE … RENAME COLUMN`. Expressions over the column are rewritten.
    ///
    /// # Errors
    /// 42703 no such column, 42701 the name is taken, 0A000 a view or policy that reads the column
    /// cannot be written anew.
    pub fn rename_column(&self, id: TableId, name: &str, to: &str) -> Result<()> {
        let (catalog, old) = self.lock_definition(id, TableLock::AccessExclusive)?;
        let column = require(&old, name)?;
        if old.column(to).is_some() {
            return Err(Error::new(
                SqlState::DUPLICATE_COLUMN,
                format!(
                    "column \"{to}\" of relation \"{}\" already exists",
                    old.name
                ),
            ));
        }
        let change = Renaming::Column {
            relation: id.0,
            from: name,
            to,
        };
        let reads = |d: &Dependency| d.relation == id.0 && d.columns.contains(&column);
        let readers = self.rewritten(&catalog, "column", name, &change, reads)?;
        let policies = old.row_security.policies.iter();
        let mut conditions = policies.flat_map(|p| p.conditions().map(move |expr| (p, expr)));
        // A name inside a subquery may be another table's.
        if let Some((policy, _)) = conditions
            .find(|(_, expr)| expr.columns.contains(&column) && !expr.relations.is_empty())
        {
            return Err(Error::unsupported(format!(
                "cannot rename column \"{name}\" because policy \"{}\" reads it beside other tables",
                policy.name
            ))
            .with_hint("Drop the policy first and create it again afterwards."));
        }
        let mut table = TableDef::clone(&old);
        self.rename_in_exprs(&old, &mut table, column, name, to)?;
        super::column::edit(&mut table, column, |column| to.clone_into(&mut column.name))?;
        for option in column_options(name) {
            if let Some(value) = table.options.remove(&option) {
                let kind = option.strip_suffix(name).unwrap_or_default();
                table.options.insert(format!("{kind}{to}"), value);
            }
        }
        crate::columnar::change_cluster(&mut table.options, name, Some(to));
        self.change_table(table)?;
        self.put_readers(readers)
    }

    /// The views that read a relation, written for its new name.
    fn readers(
        &self,
        catalog: &Catalog,
        relation: u32,
        kind: &'static str,
        name: &str,
        change: &Renaming<'_>,
    ) -> Result<Vec<Reader>> {
        refuse_policies(catalog, relation, kind, name)?;
        self.rewritten(catalog, kind, name, change, |d| d.relation == relation)
    }

    fn rewritten(
        &self,
        catalog: &Catalog,
        kind: &'static str,
        name: &str,
        change: &Renaming<'_>,
        reads: impl Fn(&Dependency) -> bool,
    ) -> Result<Vec<Reader>> {
        let exprs = self.tables().exprs();
        let views = catalog.views();
        let readers = views.filter(|view| view.depends.iter().any(&reads));
        let rewritten = readers.map(|view| {
            let refused = read_by_view(kind, name, &view.name);
            match exprs.rename_in_view(catalog, view, change) {
                Some(sql) => Ok(Reader {
                    view: ViewDef {
                        sql,
                        ..ViewDef::clone(view)
                    },
                    refused,
                }),
                None => Err(refused),
            }
        });
        rewritten.collect()
    }

    /// Stores the views that [`Transaction::rewritten`] gave, once the new name is there.
    fn put_readers(&self, readers: Vec<Reader>) -> Result<()> {
        for Reader { view, .. } in &readers {
            self.lock_object(view.id.0)?;
            self.change(Change::View(view.id, Some(Arc::new(view.clone()))))?;
        }
        let catalog = self.latest_catalog()?;
        for reader in readers {
            if !self.tables().exprs().view_fits(&catalog, &reader.view) {
                return Err(reader.refused);
            }
        }
        Ok(())
    }

    fn rename_in_exprs(
        &self,
        old: &TableDef,
        table: &mut TableDef,
        column: ColumnId,
        from: &str,
        to: &str,
    ) -> Result<()> {
        let exprs = self.tables().exprs();
        let rename = |sql: &mut String, reads: &[ColumnId]| -> Result<()> {
            if reads.contains(&column) {
                *sql = exprs.rename_column(old, sql, from, to)?;
            }
            Ok(())
        };
        for column in &mut table.columns {
            if let Some(generated) = &mut column.generated {
                rename(&mut generated.sql, &generated.columns)?;
            }
        }
        for constraint in &mut table.constraints {
            if let ConstraintKind::Check { sql, columns } = &mut constraint.kind {
                rename(sql, columns)?;
            }
        }
        for policy in &mut table.row_security.policies {
            for expr in policy.using.iter_mut().chain(&mut policy.check) {
                if expr.columns.contains(&column) {
                    let mut as_written = TableDef::clone(old);
                    as_written.name.clone_from(&expr.table);
                    expr.sql = exprs.rename_column(&as_written, &expr.sql, from, to)?;
                }
            }
        }
        for index in &mut table.indexes {
            let index = Arc::make_mut(index);
            for key in &mut index.keys {
                if let KeySource::Expression { expr, .. } = &mut key.source {
                    rename(&mut expr.sql, &expr.columns)?;
                }
            }
            if let Some(predicate) = &mut index.predicate {
                rename(&mut predicate.sql, &predicate.columns)?;
            }
        }
        Ok(())
    }

    /// `ALTER INDEX … RENAME TO`. The constraint of a key is renamed with its index.
    ///
    /// # Errors
    /// 42P07 the name is taken, 42704 the index is gone.
    pub fn rename_index(&self, table: TableId, index: IndexId, to: &str) -> Result<()> {
        let (_, old) = self.lock_definition(table, TableLock::ShareUpdateExclusive)?;
        self.take_name(old.schema, to)?;
        let mut table = TableDef::clone(&old);
        let mut constraint = None;
        for def in table.indexes.iter_mut().filter(|def| def.id == index) {
            constraint = def.constraint;
            to.clone_into(&mut Arc::make_mut(def).name);
        }
        for def in &mut table.constraints {
            if Some(def.id) == constraint {
                to.clone_into(&mut def.name);
            }
        }
        self.change_table(table)?;
        Ok(())
    }

    /// `ALTER SEQUENCE … RENAME TO`. Defaults that `serial` made follow.
    ///
    /// # Errors
    /// 42P07 the name is taken, 0A000 a view reads the sequence by its name.
    pub fn rename_sequence(&self, id: SequenceId, to: &str) -> Result<()> {
        self.lock_object(id.0)?;
        let old = self.sequence(id)?;
        refuse_readers(&*self.latest_catalog()?, id.0, "sequence", &old.name)?;
        self.take_name(old.schema, to)?;
        let mut sequence = SequenceDef::clone(&old);
        to.clone_into(&mut sequence.name);
        self.follow_sequence(&old, sequence)
    }

    /// Stores a sequence under its new name, in the defaults too.
    fn follow_sequence(&self, old: &SequenceDef, new: SequenceDef) -> Result<()> {
        let (from, to) = (old.nextval_sql(), new.nextval_sql());
        self.put_sequence(new)?;
        let catalog = self.latest_catalog()?;
        let affected = catalog.tables().filter(|table| {
            let mut columns = table.columns.iter();
            columns.any(|column| column.default.as_ref() == Some(&from))
        });
        for table in affected {
            let (_, table) = self.lock_definition(table.id, TableLock::AccessExclusive)?;
            let mut table = TableDef::clone(&table);
            for column in &mut table.columns {
                if column.default.as_ref() == Some(&from) {
                    column.default = Some(to.clone());
                }
            }
            self.change_table(table)?;
        }
        Ok(())
    }

    /// `ALTER VIEW … RENAME TO`.
    ///
    /// # Errors
    /// 42P07 the name is taken, 0A000 a view that reads it cannot be written anew.
    pub fn rename_view(&self, id: ViewId, to: &str) -> Result<()> {
        self.lock_object(id.0)?;
        let catalog = self.latest_catalog()?;
        let old = view(&catalog, id)?;
        let change = Renaming::Relation {
            from: (&old.schema_name, &old.name),
            to: (&old.schema_name, to),
        };
        let readers = self.readers(&catalog, id.0, "view", &old.name, &change)?;
        self.take_name(old.schema, to)?;
        let mut view = ViewDef::clone(&old);
        to.clone_into(&mut view.name);
        self.change(Change::View(id, Some(Arc::new(view))))?;
        self.put_readers(readers)
    }

    /// `ALTER TABLE … SET SCHEMA`. Indexes and owned sequences move too.
    ///
    /// # Errors
    /// 42P07 a name is taken there, 0A000 a view that reads the table cannot be written anew.
    pub fn move_table(&self, id: TableId, to: SchemaId) -> Result<()> {
        let (catalog, old) = self.lock_definition(id, TableLock::AccessExclusive)?;
        if old.schema == to {
            return Ok(());
        }
        let schema = self.enter_schema(to)?;
        let change = Renaming::Relation {
            from: (&old.schema_name, &old.name),
            to: (&schema.name, &old.name),
        };
        let readers = self.readers(&catalog, id.0, "table", &old.name, &change)?;
        self.take_name(to, &old.name)?;
        for index in &old.indexes {
            self.take_name(to, &index.name)?;
        }
        let mut table = TableDef::clone(&old);
        table.schema = to;
        table.schema_name.clone_from(&schema.name);
        self.change_table(table)?;
        let owned = catalog
            .sequences()
            .filter(|s| s.owned_by.is_some_and(|(owner, _)| owner == id));
        for sequence in owned {
            self.move_sequence(sequence.id, to)?;
        }
        self.put_readers(readers)
    }

    /// `ALTER SEQUENCE … SET SCHEMA`.
    ///
    /// # Errors
    /// 42P07 the name is taken there, 0A000 a view reads it by its name.
    pub fn move_sequence(&self, id: SequenceId, to: SchemaId) -> Result<()> {
        self.lock_object(id.0)?;
        let old = self.sequence(id)?;
        if old.schema == to {
            return Ok(());
        }
        refuse_readers(&*self.latest_catalog()?, id.0, "sequence", &old.name)?;
        let schema = self.enter_schema(to)?;
        self.take_name(to, &old.name)?;
        let mut sequence = SequenceDef::clone(&old);
        sequence.schema = to;
        sequence.schema_name.clone_from(&schema.name);
        self.follow_sequence(&old, sequence)
    }

    /// `ALTER VIEW … RENAME COLUMN`: the query stays as it is.
    ///
    /// # Errors
    /// 42703 no such column, 42701 the name is taken, 0A000 a view that reads it cannot be written anew.
    pub fn rename_view_column(&self, id: ViewId, name: &str, to: &str) -> Result<()> {
        self.lock_object(id.0)?;
        let catalog = self.latest_catalog()?;
        let mut view = ViewDef::clone(&*view(&catalog, id)?);
        let Some(place) = view.columns.iter().position(|column| column.name == name) else {
            return Err(Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{name}\" does not exist"),
            ));
        };
        if view.columns.iter().any(|column| column.name == to) {
            return Err(Error::new(
                SqlState::DUPLICATE_COLUMN,
                format!(
                    "column \"{to}\" of relation \"{}\" already exists",
                    view.name
                ),
            ));
        }
        let change = Renaming::Column {
            relation: id.0,
            from: name,
            to,
        };
        // Of views it is not kept which of their columns are read.
        let reads = |d: &Dependency| d.relation == id.0;
        let readers = self.rewritten(&catalog, "column", name, &change, reads)?;
        if let Some(column) = view.columns.get_mut(place) {
            to.clone_into(&mut column.name);
        }
        self.change(Change::View(id, Some(Arc::new(view))))?;
        self.put_readers(readers)
    }

    /// `ALTER VIEW … SET SCHEMA`.
    ///
    /// # Errors
    /// 42P07 the name is taken there, 0A000 a view that reads it cannot be written anew.
    pub fn move_view(&self, id: ViewId, to: SchemaId) -> Result<()> {
        self.lock_object(id.0)?;
        let catalog = self.latest_catalog()?;
        let old = view(&catalog, id)?;
        if old.schema == to {
            return Ok(());
        }
        let schema = self.enter_schema(to)?;
        let change = Renaming::Relation {
            from: (&old.schema_name, &old.name),
            to: (&schema.name, &old.name),
        };
        let readers = self.readers(&catalog, id.0, "view", &old.name, &change)?;
        self.take_name(to, &old.name)?;
        let mut view = ViewDef::clone(&old);
        view.schema = to;
        view.schema_name.clone_from(&schema.name);
        self.change(Change::View(id, Some(Arc::new(view))))?;
        self.put_readers(readers)
    }
}

fn view(catalog: &Catalog, id: ViewId) -> Result<Arc<ViewDef>> {
    catalog.view_by_id(id).cloned().ok_or_else(|| {
        Error::new(SqlState::UNDEFINED_TABLE, "view does not exist")
            .with_detail("It was dropped by a concurrent transaction.")
    })
}

/// A view that reads what is called otherwise now.
struct Reader {
    /// With its query for the new name.
    view: ViewDef,
    /// The error if the view does not bear it.
    refused: Error,
}

/// Texts that are not written anew name what they read.
fn refuse_readers(catalog: &Catalog, relation: u32, kind: &str, name: &str) -> Result<()> {
    let mut views = catalog.views();
    if let Some(view) = views.find(|view| view.depends.iter().any(|d| d.relation == relation)) {
        return Err(read_by_view(kind, name, &view.name));
    }
    refuse_policies(catalog, relation, kind, name)
}

fn refuse_policies(catalog: &Catalog, relation: u32, kind: &str, name: &str) -> Result<()> {
    let mut policies = catalog
        .tables()
        .flat_map(|table| &table.row_security.policies);
    let reads = |expr: &PolicyExpr| expr.relations.contains(&relation);
    match policies.find(|policy| policy.conditions().any(reads)) {
        Some(policy) => Err(Error::unsupported(format!(
            "cannot rename or move {kind} \"{name}\" because policy \"{}\" reads it",
            policy.name
        ))
        .with_hint("Drop the policy first and create it again afterwards.")),
        None => Ok(()),
    }
}

fn read_by_view(kind: &str, name: &str, view: &str) -> Error {
    Error::unsupported(format!(
        "cannot rename or move {kind} \"{name}\" because view \"{view}\" reads it"
    ))
    .with_hint("Drop the view first and create it again afterwards.")
}

/// The options of a table that are about one of its columns.
pub(super) fn column_options(column: &str) -> [String; 2] {
    [
        crate::columnar::column_option(column),
        crate::merge::policy_option(column),
    ]
}
