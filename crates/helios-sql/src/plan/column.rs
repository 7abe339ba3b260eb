//! What a plan node puts out: named, typed columns, and where they came from.

use std::sync::Arc;

use helios_base::{ColumnId, DataType, TableId};

/// One output column of a plan node.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanColumn {
    /// The name a client sees, as PostgreSQL would choose it.
    pub name: Arc<str>,
    /// The type, with its modifier where one is known.
    pub ty: DataType,
    /// Whether `NULL` can occur. `true` is always safe.
    pub nullable: bool,
    /// The table column that this is, unchanged; for row descriptions.
    pub source: Option<ColumnSource>,
}

impl PlanColumn {
    /// A nullable column without a source.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, ty: DataType) -> Self {
        Self {
            name: name.into(),
            ty,
            nullable: true,
            source: None,
        }
    }
}

/// A column of a stored table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ColumnSource {
    /// The table.
    pub table: TableId,
    /// Its column.
    pub column: ColumnId,
}

/// A table by identity and by the name the catalog gave it when the statement was bound.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableRef {
    /// Identity, valid on every branch that inherits the table.
    pub id: TableId,
    /// The schema's name.
    pub schema: Arc<str>,
    /// The table's name.
    pub name: Arc<str>,
}
