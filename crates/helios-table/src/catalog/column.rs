//! A column of a table.

use helios_base::{ColumnId, DataType, Value};

use super::ids::SequenceId;

/// A column of a table. Dropped columns are not in the catalog; their numbers are never reused.
#[derive(Clone, Debug)]
pub struct ColumnDef {
    /// Its number in the table, from 1; PostgreSQL's `attnum`.
    pub id: ColumnId,
    /// Its name.
    pub name: String,
    /// Its type with modifier.
    pub ty: DataType,
    /// Whether NULL is refused.
    pub not_null: bool,
    /// The default expression as SQL text. `None` also for generated columns.
    pub default: Option<String>,
    /// How the value is computed from the other columns, if it is.
    pub generated: Option<GeneratedDef>,
    /// `GENERATED … AS IDENTITY`.
    pub identity: Option<IdentityDef>,
    /// What the column holds in rows that were written before it was added.
    pub missing: Option<Value>,
    /// `COMMENT ON COLUMN`.
    pub comment: Option<String>,
}

/// `GENERATED ALWAYS AS (expression) STORED`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedDef {
    /// The expression as SQL text.
    pub sql: String,
    /// The columns that it reads.
    pub columns: Vec<ColumnId>,
}

/// `GENERATED { ALWAYS | BY DEFAULT } AS IDENTITY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityDef {
    /// Whether an explicit value needs `OVERRIDING SYSTEM VALUE`.
    pub always: bool,
    /// The sequence that numbers the rows.
    pub sequence: SequenceId,
}

impl ColumnDef {
    /// A nullable column without default.
    #[must_use]
    pub fn new(id: ColumnId, name: impl Into<String>, ty: DataType) -> Self {
        Self {
            id,
            name: name.into(),
            ty,
            not_null: false,
            default: None,
            generated: None,
            identity: None,
            missing: None,
            comment: None,
        }
    }
}
