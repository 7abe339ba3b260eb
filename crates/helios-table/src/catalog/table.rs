//! A table with its columns, indexes and constraints.

use std::collections::BTreeMap;
use std::sync::Arc;

use helios_base::{ColumnId, DataType, IndexId, TableId};
use serde::{Deserialize, Serialize};

use super::column::ColumnDef;
use super::constraint::{ConstraintDef, ConstraintKind, ForeignKeyDef};
use super::ids::{ConstraintId, SchemaId};
use super::index::IndexDef;
use super::policy::RowSecurity;
use crate::row::Derived;

/// A table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TableDef {
    /// Its number.
    #[serde(with = "super::codec::id")]
    pub id: TableId,
    /// Where its rows are; changes when the table is rewritten or truncated, so that older
    /// snapshots, which see the older definition, keep reading the older rows.
    #[serde(with = "super::codec::id")]
    pub storage: TableId,
    /// The schema it is in.
    pub schema: SchemaId,
    /// That schema's name.
    #[serde(skip)]
    pub schema_name: String,
    /// Its name.
    pub name: String,
    /// The columns, in order. `Expr::Column` counts positions in this list.
    pub columns: Vec<ColumnDef>,
    /// The columns that order and identify the stored rows: the primary key at the time the table
    /// was (re)written. Empty: rows are identified by a hidden number.
    #[serde(with = "super::codec::column_ids")]
    pub key: Vec<ColumnId>,
    /// Its indexes, in order of creation.
    #[serde(with = "indexes")]
    pub indexes: Vec<Arc<IndexDef>>,
    /// Its constraints, in order of creation.
    pub constraints: Vec<ConstraintDef>,
    /// Every set of columns that stored rows may have been written with; the last is in use.
    pub layouts: Vec<LayoutDef>,
    /// The number of the next column.
    pub next_column: u32,
    /// `WITH (…)`.
    pub options: BTreeMap<String, String>,
    /// `COMMENT ON TABLE`.
    pub comment: Option<String>,
    /// Which rows whom concern.
    #[serde(default, skip_serializing_if = "RowSecurity::is_none")]
    pub row_security: RowSecurity,
    /// Counts the changes of this definition and of what references it on this branch, so that a
    /// writer can tell whether the definition it planned with still holds.
    pub revision: u64,
    /// What is derived from the definition, made at first use.
    #[serde(skip)]
    pub(crate) derived: Derived,
}

/// The columns of rows of one schema version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayoutDef {
    /// The schema version, as it stands in each row's header.
    pub version: u32,
    /// The stored columns with their types.
    #[serde(with = "super::codec::layout_columns")]
    pub columns: Vec<(ColumnId, DataType)>,
}

impl TableDef {
    /// A table without columns.
    #[must_use]
    pub fn new(id: TableId, schema: &super::SchemaDef, name: impl Into<String>) -> Self {
        Self {
            id,
            storage: id,
            schema: schema.id,
            schema_name: schema.name.clone(),
            name: name.into(),
            columns: Vec::new(),
            key: Vec::new(),
            indexes: Vec::new(),
            constraints: Vec::new(),
            layouts: Vec::new(),
            next_column: 1,
            options: BTreeMap::new(),
            comment: None,
            row_security: RowSecurity::default(),
            revision: 0,
            derived: Derived::default(),
        }
    }

    /// The position and definition of the column called `name`.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<(usize, &ColumnDef)> {
        self.columns
            .iter()
            .enumerate()
            .find(|(_, column)| column.name == name)
    }

    /// The column that `column` of another definition of this table is, with its position.
    #[must_use]
    pub fn same_column(&self, column: &ColumnDef) -> Option<(usize, &ColumnDef)> {
        let mut columns = self.columns.iter().enumerate();
        columns.find(|(_, found)| found.is_same(column))
    }

    /// The position and definition of column `id`.
    #[must_use]
    pub fn column_by_id(&self, id: ColumnId) -> Option<(usize, &ColumnDef)> {
        self.columns
            .iter()
            .enumerate()
            .find(|(_, column)| column.id == id)
    }

    /// The position of column `id` in [`Self::columns`].
    #[must_use]
    pub fn position(&self, id: ColumnId) -> Option<usize> {
        self.columns.iter().position(|column| column.id == id)
    }

    /// The index called `name`.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<&Arc<IndexDef>> {
        self.indexes.iter().find(|index| index.name == name)
    }

    /// Index `id`.
    #[must_use]
    pub fn index_by_id(&self, id: IndexId) -> Option<&Arc<IndexDef>> {
        self.indexes.iter().find(|index| index.id == id)
    }

    /// The index of the primary key.
    #[must_use]
    pub fn primary_key(&self) -> Option<&Arc<IndexDef>> {
        self.indexes.iter().find(|index| index.primary)
    }

    /// Whether `id` is a column of the primary key.
    #[must_use]
    pub fn is_primary(&self, id: ColumnId) -> bool {
        self.primary_key()
            .is_some_and(|index| index.keys.iter().any(|key| key.as_column() == Some(id)))
    }

    /// The constraint called `name`.
    #[must_use]
    pub fn constraint(&self, name: &str) -> Option<&ConstraintDef> {
        self.constraints.iter().find(|c| c.name == name)
    }

    /// Constraint `id`.
    #[must_use]
    pub fn constraint_by_id(&self, id: ConstraintId) -> Option<&ConstraintDef> {
        self.constraints.iter().find(|c| c.id == id)
    }

    /// The foreign keys of this table with their constraints.
    pub fn foreign_keys(&self) -> impl Iterator<Item = (&ConstraintDef, &ForeignKeyDef)> {
        self.constraints
            .iter()
            .filter_map(|c| c.as_foreign_key().map(|fk| (c, fk)))
    }

    /// The check constraints: each with its SQL text.
    pub fn checks(&self) -> impl Iterator<Item = (&ConstraintDef, &str)> {
        self.constraints.iter().filter_map(|c| match &c.kind {
            ConstraintKind::Check { sql, .. } => Some((c, sql.as_str())),
            _ => None,
        })
    }

    /// How long rows that are replaced stay readable, if it has a say in that.
    #[must_use]
    pub fn retention(&self) -> Option<std::time::Duration> {
        let text = self.options.get(helios_version::RETENTION_PERIOD)?;
        helios_version::parse_period(text)
    }

    /// Whether any column is computed from the others.
    #[must_use]
    pub fn has_generated(&self) -> bool {
        self.columns.iter().any(|column| column.generated.is_some())
    }
}

/// Indexes are shared in memory, plain in storage.
mod indexes {
    use super::{Arc, Deserialize, IndexDef, Serialize};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        indexes: &[Arc<IndexDef>],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let plain: Vec<&IndexDef> = indexes.iter().map(AsRef::as_ref).collect();
        plain.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Arc<IndexDef>>, D::Error> {
        let plain = Vec::<IndexDef>::deserialize(from)?;
        Ok(plain.into_iter().map(Arc::new).collect())
    }
}
