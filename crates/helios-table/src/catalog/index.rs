//! An ordered index of a table.

use helios_base::{ColumnId, DataType, IndexId, TableId};
use serde::{Deserialize, Serialize};

use super::ids::ConstraintId;
use super::nearest::NearestDef;

/// An index.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IndexDef {
    /// Its number.
    #[serde(with = "super::codec::id")]
    pub id: IndexId,
    /// Where its entries are; changes when the index is rebuilt. Unused if [`Self::clustered`].
    #[serde(with = "super::codec::id")]
    pub storage: IndexId,
    /// Its name, unique among the relations of the table's schema.
    pub name: String,
    /// The table that it indexes.
    #[serde(with = "super::codec::id")]
    pub table: TableId,
    /// The keys, in order; at least one.
    pub keys: Vec<IndexKey>,
    /// `INCLUDE`: columns that take no part in order or uniqueness.
    #[serde(with = "super::codec::column_ids")]
    pub include: Vec<ColumnId>,
    /// Whether two rows may not have equal keys.
    pub unique: bool,
    /// Whether two NULLs are equal for uniqueness: `NULLS NOT DISTINCT`.
    pub nulls_not_distinct: bool,
    /// Whether it belongs to the primary key.
    pub primary: bool,
    /// Whether the table's rows are stored in the order of this index, so that it has no entries
    /// of its own. At most one per table, and then it is the primary key.
    pub clustered: bool,
    /// `WHERE`: only rows for which this is true are in the index.
    pub predicate: Option<IndexExpr>,
    /// The constraint that it implements.
    pub constraint: Option<ConstraintId>,
    /// Which vectors are near, in an index of nearness; others are ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<NearestDef>,
    /// The access method: `btree`, `hnsw`, …
    pub method: String,
    /// `COMMENT ON INDEX`.
    pub comment: Option<String>,
}

/// One key of an index with its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexKey {
    /// What is indexed.
    pub source: KeySource,
    /// `DESC`.
    pub descending: bool,
    /// `NULLS FIRST`. PostgreSQL's default is the value of `descending`.
    pub nulls_first: bool,
}

/// What an index key is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeySource {
    /// A column's value.
    Column(#[serde(with = "super::codec::id")] ColumnId),
    /// An expression over the columns.
    Expression {
        /// The text and what it reads.
        expr: IndexExpr,
        /// Its type.
        #[serde(with = "super::codec::ty")]
        ty: DataType,
    },
}

/// An SQL expression over the columns of one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexExpr {
    /// The expression as SQL text.
    pub sql: String,
    /// The columns that it reads.
    #[serde(with = "super::codec::column_ids")]
    pub columns: Vec<ColumnId>,
}

impl IndexKey {
    /// `column ASC NULLS LAST`.
    #[must_use]
    pub const fn column(column: ColumnId) -> Self {
        Self {
            source: KeySource::Column(column),
            descending: false,
            nulls_first: false,
        }
    }

    /// The type of what is indexed; `None` for a column that is not there.
    #[must_use]
    pub fn ty<'t>(&'t self, table: &'t super::TableDef) -> Option<&'t DataType> {
        match &self.source {
            KeySource::Column(id) => Some(&table.column_by_id(*id)?.1.ty),
            KeySource::Expression { ty, .. } => Some(ty),
        }
    }

    /// The column, unless the key is an expression.
    #[must_use]
    pub const fn as_column(&self) -> Option<ColumnId> {
        match self.source {
            KeySource::Column(column) => Some(column),
            KeySource::Expression { .. } => None,
        }
    }
}

impl IndexDef {
    /// Whether every key is a plain column.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.keys.iter().all(|key| key.as_column().is_some())
    }

    /// The columns that the index reads: keys, expressions, predicate and included columns.
    pub fn columns(&self) -> impl Iterator<Item = ColumnId> + '_ {
        let keys = self.keys.iter().flat_map(|key| match &key.source {
            KeySource::Column(column) => std::slice::from_ref(column),
            KeySource::Expression { expr, .. } => expr.columns.as_slice(),
        });
        let predicate = self.predicate.iter().flat_map(|p| p.columns.as_slice());
        keys.chain(predicate).chain(&self.include).copied()
    }
}
