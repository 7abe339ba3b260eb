//! Making, dropping and renaming constraints.

use std::sync::Arc;

use helios_base::{ColumnId, DataType, Error, IndexId, Result, SqlState, TableId};
use helios_version::TableLock;

use super::column::{columns_of, edit, resolve};
use super::name::choose_constraint;
use super::spec::{NewConstraint, NewConstraintKind};
use crate::catalog::{ConstraintDef, ConstraintId, ConstraintKind, IndexDef, IndexKey, TableDef};
use crate::transaction::Transaction;

impl Transaction {
    /// `ALTER TABLE … ADD CONSTRAINT`. Rows that are there are checked, unless `NOT VALID`.
    ///
    /// # Errors
    /// 42710 the name is taken, and as [`Transaction::create_table`]; 23502, 23505, 23514, 23503
    /// when rows that are there do not satisfy it.
    ///
    /// # Cost
    /// Reads every row; a primary key rewrites the table in its order.
    pub fn add_constraint(&self, id: TableId, new: &NewConstraint) -> Result<Arc<TableDef>> {
        let (catalog, old) = self.lock_definition(id, TableLock::AccessExclusive)?;
        let mut table = TableDef::clone(&old);
        let constraint = self.make_constraint(&mut table, new)?;
        match &new.kind {
            NewConstraintKind::PrimaryKey { columns, .. } => {
                let key = resolve(&table, columns)?;
                for column in &key {
                    self.refuse_nulls(&old, *column)?;
                }
                if new.deferrable {
                    let table = self.change_table(table)?;
                    self.fill_index(&table, constraint_index(&table, constraint)?)?;
                    return Ok(table);
                }
                table.key = key;
                self.rewrite(&catalog, &old, table, &mut |row| Ok(row))
            }
            NewConstraintKind::Unique { .. } => {
                let table = self.change_table(table)?;
                self.fill_index(&table, constraint_index(&table, constraint)?)?;
                Ok(table)
            }
            NewConstraintKind::Check(_) | NewConstraintKind::ForeignKey { .. } => {
                let table = self.change_table(table)?;
                if !new.not_valid {
                    self.validate(&table, constraint)?;
                }
                Ok(table)
            }
        }
    }

    /// `ALTER TABLE … VALIDATE CONSTRAINT`.
    ///
    /// # Errors
    /// 42704 there is no such constraint; 23514, 23503 when rows do not satisfy it.
    pub fn validate_constraint(&self, id: TableId, name: &str) -> Result<()> {
        let (_, old) = self.lock_definition(id, TableLock::ShareRowExclusive)?;
        let constraint = require_constraint(&old, name)?;
        if constraint.validated {
            return Ok(());
        }
        self.validate(&old, constraint.id)?;
        let chosen = constraint.id;
        let mut table = TableDef::clone(&old);
        for constraint in table.constraints.iter_mut().filter(|c| c.id == chosen) {
            constraint.validated = true;
        }
        self.change_table(table)?;
        Ok(())
    }

    /// `ALTER TABLE … ALTER CONSTRAINT`: when a foreign key is checked. `None` is left as it is.
    ///
    /// # Errors
    /// 42704 there is no such constraint; 42809 it is no foreign key.
    pub fn alter_constraint(
        &self,
        id: TableId,
        name: &str,
        deferrable: bool,
        initially_deferred: bool,
    ) -> Result<()> {
        let (_, old) = self.lock_definition(id, TableLock::ShareRowExclusive)?;
        let constraint = require_constraint(&old, name)?;
        if constraint.as_foreign_key().is_none() {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!(
                    "constraint \"{name}\" of relation \"{}\" is not a foreign key constraint",
                    old.name
                ),
            ));
        }
        let chosen = constraint.id;
        let mut table = TableDef::clone(&old);
        for constraint in table.constraints.iter_mut().filter(|c| c.id == chosen) {
            constraint.deferrable = deferrable;
            constraint.initially_deferred = initially_deferred;
        }
        self.change_table(table)?;
        Ok(())
    }

    /// `ALTER TABLE … RENAME CONSTRAINT`. The index of a key is renamed with it.
    ///
    /// # Errors
    /// 42704 there is no such constraint; 42710, 42P07 the name is taken.
    pub fn rename_constraint(&self, id: TableId, name: &str, to: &str) -> Result<()> {
        let (_, old) = self.lock_definition(id, TableLock::AccessExclusive)?;
        let constraint = require_constraint(&old, name)?;
        let (chosen, index) = (constraint.id, constraint.index());
        if old.constraint(to).is_some() {
            return Err(duplicate(&old, to));
        }
        let mut table = TableDef::clone(&old);
        if let Some(index) = index {
            self.take_name(table.schema, to)?;
            for def in table.indexes.iter_mut().filter(|def| def.id == index) {
                to.clone_into(&mut Arc::make_mut(def).name);
            }
        }
        for constraint in table.constraints.iter_mut().filter(|c| c.id == chosen) {
            to.clone_into(&mut constraint.name);
        }
        self.change_table(table)?;
        Ok(())
    }

    /// Adds a constraint, and its index, to a definition that is being made.
    pub(super) fn make_constraint(
        &self,
        table: &mut TableDef,
        new: &NewConstraint,
    ) -> Result<ConstraintId> {
        if let Some(name) = &new.name
            && table.constraint(name).is_some()
        {
            return Err(duplicate(table, name));
        }
        let id = ConstraintId(self.tables().next_id()?);
        let (name, kind) = match &new.kind {
            NewConstraintKind::Check(sql) => self.make_check(table, new, sql)?,
            NewConstraintKind::PrimaryKey { columns, include } => {
                if table.primary_key().is_some() {
                    return Err(Error::new(
                        SqlState::INVALID_TABLE_DEFINITION,
                        format!(
                            "multiple primary keys for table \"{}\" are not allowed",
                            table.name
                        ),
                    ));
                }
                let keys = key_columns(table, columns)?;
                for column in &keys {
                    edit(table, *column, |column| column.not_null = true)?;
                }
                let mut index = self.key_index(table, new, keys, include, ("", "pkey"))?;
                index.primary = true;
                index.clustered = !new.deferrable;
                index.constraint = Some(id);
                let made = (index.name.clone(), index.id);
                table.indexes.push(Arc::new(index));
                (made.0, ConstraintKind::PrimaryKey { index: made.1 })
            }
            NewConstraintKind::Unique {
                columns,
                include,
                nulls_not_distinct,
            } => {
                let keys = key_columns(table, columns)?;
                let part = columns.join("_");
                let mut index = self.key_index(table, new, keys, include, (&part, "key"))?;
                index.nulls_not_distinct = *nulls_not_distinct;
                index.constraint = Some(id);
                let made = (index.name.clone(), index.id);
                table.indexes.push(Arc::new(index));
                (made.0, ConstraintKind::Unique { index: made.1 })
            }
            NewConstraintKind::ForeignKey { columns, .. } => {
                let name = match &new.name {
                    Some(name) => name.clone(),
                    None => choose_constraint(table, &columns.join("_"), "fkey"),
                };
                let fk = self.make_foreign_key(table, &name, &new.kind)?;
                (name, ConstraintKind::ForeignKey(fk))
            }
        };
        table.constraints.push(ConstraintDef {
            id,
            name,
            kind,
            deferrable: new.deferrable,
            initially_deferred: new.initially_deferred,
            validated: !new.not_valid,
            comment: None,
        });
        Ok(id)
    }

    fn make_check(
        &self,
        table: &TableDef,
        new: &NewConstraint,
        sql: &str,
    ) -> Result<(String, ConstraintKind)> {
        if new.deferrable {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "CHECK constraints cannot be marked DEFERRABLE",
            ));
        }
        let catalog = self.latest_catalog()?;
        let exprs = self.tables().exprs();
        let expr = exprs.compile(&catalog, table, sql, Some(&DataType::Bool))?;
        let columns = columns_of(table, &expr);
        let name = match (&new.name, columns.as_slice()) {
            (Some(name), _) => name.clone(),
            (None, [only]) => {
                let column = table.column_by_id(*only).map_or("", |(_, c)| &c.name);
                choose_constraint(table, column, "check")
            }
            (None, _) => choose_constraint(table, "", "check"),
        };
        let sql = sql.to_owned();
        Ok((name, ConstraintKind::Check { sql, columns }))
    }

    /// The index of a key constraint.
    fn key_index(
        &self,
        table: &TableDef,
        new: &NewConstraint,
        keys: Vec<ColumnId>,
        include: &[String],
        (part, suffix): (&str, &str),
    ) -> Result<IndexDef> {
        let name = match &new.name {
            Some(name) => {
                self.take_name(table.schema, name)?;
                name.clone()
            }
            None => {
                let taken = table.indexes.iter().map(|index| index.name.clone());
                let taken: Vec<String> = taken.chain([table.name.clone()]).collect();
                self.choose_name(table.schema, (&table.name, part), suffix, &taken)?
            }
        };
        let id = IndexId(self.tables().next_id()?);
        Ok(IndexDef {
            nearest: None,
            id,
            storage: id,
            name,
            table: table.id,
            keys: keys.into_iter().map(IndexKey::column).collect(),
            include: resolve(table, include)?,
            unique: true,
            nulls_not_distinct: false,
            primary: false,
            clustered: false,
            predicate: None,
            constraint: None,
            method: "btree".to_owned(),
            comment: None,
        })
    }
}

/// The columns of a key: there, different, and of types that have an order.
fn key_columns(table: &TableDef, names: &[String]) -> Result<Vec<ColumnId>> {
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let Some((_, column)) = table.column(name) else {
            return Err(Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{name}\" named in key does not exist"),
            ));
        };
        if columns.contains(&column.id) {
            return Err(Error::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{name}\" appears twice in key constraint"),
            ));
        }
        require_order(&column.ty)?;
        columns.push(column.id);
    }
    Ok(columns)
}

/// Refuses types that cannot be indexed.
pub(super) fn require_order(ty: &DataType) -> Result<()> {
    let element = match ty {
        DataType::Array(element) => element,
        ty => ty,
    };
    if matches!(
        element,
        DataType::Json | DataType::Record | DataType::Unknown | DataType::Void
    ) {
        return Err(Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!("data type {ty} has no default operator class for access method \"btree\""),
        )
        .with_hint(
            "You must specify an operator class for the index or define a default operator class for the data type.",
        ));
    }
    Ok(())
}

fn duplicate(table: &TableDef, name: &str) -> Error {
    Error::new(
        SqlState::DUPLICATE_OBJECT,
        format!(
            "constraint \"{name}\" for relation \"{}\" already exists",
            table.name
        ),
    )
}

/// The constraint called `name`.
pub(super) fn require_constraint<'t>(table: &'t TableDef, name: &str) -> Result<&'t ConstraintDef> {
    table.constraint(name).ok_or_else(|| {
        let error = Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!(
                "constraint \"{name}\" of relation \"{}\" does not exist",
                table.name
            ),
        );
        let known = table.constraints.iter().map(|c| c.name.as_str());
        match helios_base::nearest(name, known) {
            Some(near) => error.with_hint(format!("perhaps you meant \"{near}\"")),
            None => error,
        }
    })
}

fn constraint_index(table: &TableDef, id: ConstraintId) -> Result<IndexId> {
    table
        .constraint_by_id(id)
        .and_then(ConstraintDef::index)
        .ok_or_else(|| Error::internal("a key constraint without index"))
}
