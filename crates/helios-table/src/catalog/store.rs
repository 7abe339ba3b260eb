//! The catalog's rows: reading all of them, writing one.

use std::ops::Bound;
use std::sync::Arc;

use helios_base::{Result, TableId};
use helios_version::{Read, Txn};
use serde::de::DeserializeOwned;

use super::{
    AccessDef, Catalog, Change, FunctionDef, RoleDef, SchemaDef, SequenceDef, TableDef, TypeDef,
    ViewDef, codec,
};
use crate::system;

impl Catalog {
    /// Reads the catalog as `read` sees it.
    ///
    /// # Errors
    /// `Corrupt` for malformed objects.
    ///
    /// # Cost
    /// Decodes every object.
    pub(crate) fn load(read: &dyn Read) -> Result<Self> {
        let mut changes = Vec::new();
        each(read, system::SCHEMAS, |def: SchemaDef| {
            changes.push(Change::Schema(def.id, Some(Arc::new(def))));
        })?;
        each(read, system::TYPES, |def: TypeDef| {
            changes.push(Change::Type(def.id, Some(Arc::new(def))));
        })?;
        each(read, system::TABLES, |def: TableDef| {
            changes.push(Change::Table(def.id, Some(Arc::new(def))));
        })?;
        each(read, system::SEQUENCES, |def: SequenceDef| {
            changes.push(Change::Sequence(def.id, Some(Arc::new(def))));
        })?;
        each(read, system::VIEWS, |def: ViewDef| {
            changes.push(Change::View(def.id, Some(Arc::new(def))));
        })?;
        each(read, system::FUNCTIONS, |def: FunctionDef| {
            changes.push(Change::Function(def.id, Some(Arc::new(def))));
        })?;
        each(read, system::ROLES, |def: RoleDef| {
            changes.push(Change::Role(def.id, Some(Arc::new(def))));
        })?;
        each(read, system::ACCESS, |def: AccessDef| {
            changes.push(Change::Access(def.object, Some(Arc::new(def))));
        })?;
        Ok(Self::default().with(changes))
    }
}

fn each<T: DeserializeOwned>(
    read: &dyn Read,
    table: TableId,
    mut found: impl FnMut(T),
) -> Result<()> {
    let mut rows = read.scan(table, (Bound::Unbounded, Bound::Unbounded), false)?;
    while let Some(row) = rows.next()? {
        found(codec::decode(row.row)?);
    }
    Ok(())
}

impl Change {
    /// Writes the object's row, or deletes it.
    pub(crate) fn write(&self, txn: &Txn) -> Result<()> {
        let (table, id, row) = match self {
            Self::Schema(id, def) => (system::SCHEMAS, id.0, def.as_deref().map(codec::encode)),
            Self::Table(id, def) => (system::TABLES, id.0, def.as_deref().map(codec::encode)),
            Self::Sequence(id, def) => (system::SEQUENCES, id.0, def.as_deref().map(codec::encode)),
            Self::Type(id, def) => (system::TYPES, id.0, def.as_deref().map(codec::encode)),
            Self::Role(id, def) => (system::ROLES, id.0, def.as_deref().map(codec::encode)),
            Self::Access(id, def) => (system::ACCESS, *id, def.as_deref().map(codec::encode)),
            Self::View(id, def) => (system::VIEWS, id.0, def.as_deref().map(codec::encode)),
            Self::Function(id, def) => (system::FUNCTIONS, id.0, def.as_deref().map(codec::encode)),
        };
        match row {
            Some(row) => txn.put(table, &codec::key(id), &row?, &[]),
            None => txn.delete(table, &codec::key(id)),
        }
    }
}
