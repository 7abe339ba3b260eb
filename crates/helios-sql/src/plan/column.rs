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
    /// The table column that this is, unchanged.
    pub source: Option<ColumnSource>,
    /// The relation's column that clients are told this is: unlike `source`, that of a view where one
    /// was named, and of a catalog.
    pub origin: Option<ColumnOrigin>,
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
            origin: None,
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

/// A column of a relation as row descriptions name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ColumnOrigin {
    /// The relation's object identifier.
    pub relation: u32,
    /// The column's `attnum`.
    pub number: i16,
}

impl ColumnOrigin {
    /// Tells the columns of a relation that they are its own, numbered from 1.
    pub(crate) fn mark(relation: u32, columns: &mut [PlanColumn]) {
        for (column, number) in columns.iter_mut().zip(1..) {
            column.origin = Some(Self { relation, number });
        }
    }
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
