//! A constraint of a table. `NOT NULL` is a property of the column.

use helios_base::{ColumnId, IndexId, TableId};
use serde::{Deserialize, Serialize};

use super::ids::ConstraintId;

/// A table's constraint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConstraintDef {
    /// Its number.
    pub id: ConstraintId,
    /// Its name, unique in the table.
    pub name: String,
    /// What it demands.
    pub kind: ConstraintKind,
    /// Whether `SET CONSTRAINTS` may put the check off until commit.
    pub deferrable: bool,
    /// Whether the check waits for commit unless told otherwise.
    pub initially_deferred: bool,
    /// Whether the rows that were there before satisfy it: `false` after `NOT VALID`.
    pub validated: bool,
    /// `COMMENT ON CONSTRAINT`.
    pub comment: Option<String>,
}

/// What a constraint demands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ConstraintKind {
    /// The expression is not false.
    Check {
        /// The expression as SQL text.
        sql: String,
        /// The columns that it reads.
        #[serde(with = "super::codec::column_ids")]
        columns: Vec<ColumnId>,
    },
    /// Unique and not null.
    PrimaryKey {
        /// The index that finds duplicates.
        #[serde(with = "super::codec::id")]
        index: IndexId,
    },
    /// Unique.
    Unique {
        /// The index that finds duplicates.
        #[serde(with = "super::codec::id")]
        index: IndexId,
    },
    /// A row in another table (or this one) has the key.
    ForeignKey(ForeignKeyDef),
}

/// `FOREIGN KEY (columns) REFERENCES parent (parent_columns)`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForeignKeyDef {
    /// The referencing columns.
    #[serde(with = "super::codec::column_ids")]
    pub columns: Vec<ColumnId>,
    /// The referenced table.
    #[serde(with = "super::codec::id")]
    pub parent: TableId,
    /// The referenced columns, one for each of `columns`.
    #[serde(with = "super::codec::column_ids")]
    pub parent_columns: Vec<ColumnId>,
    /// The unique index of `parent` over exactly `parent_columns` (in any order).
    #[serde(with = "super::codec::id")]
    pub parent_index: IndexId,
    /// `MATCH FULL` instead of `MATCH SIMPLE`.
    pub match_full: bool,
    /// What a deleted parent row does.
    pub on_delete: FkAction,
    /// What a changed parent key does.
    pub on_update: FkAction,
    /// The columns that `ON DELETE SET NULL | DEFAULT (columns)` touches; empty means all.
    #[serde(with = "super::codec::column_ids")]
    pub set_columns: Vec<ColumnId>,
}

/// A foreign key's reaction to a change of the parent row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FkAction {
    /// Refuse at the end of the statement, or at commit if deferred.
    #[default]
    NoAction,
    /// Refuse at once.
    Restrict,
    /// Delete or change the referencing rows too.
    Cascade,
    /// Set the referencing columns to NULL.
    SetNull,
    /// Set the referencing columns to their defaults.
    SetDefault,
}

impl ConstraintDef {
    /// The foreign key, if it is one.
    #[must_use]
    pub const fn as_foreign_key(&self) -> Option<&ForeignKeyDef> {
        match &self.kind {
            ConstraintKind::ForeignKey(fk) => Some(fk),
            _ => None,
        }
    }

    /// The index that implements it, if there is one.
    #[must_use]
    pub const fn index(&self) -> Option<IndexId> {
        match self.kind {
            ConstraintKind::PrimaryKey { index } | ConstraintKind::Unique { index } => Some(index),
            _ => None,
        }
    }
}
