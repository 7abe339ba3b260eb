//! A sequence: its settings. Its position lives outside transactions, in the store.

use helios_base::{ColumnId, DataType, TableId};

use super::ids::{SchemaId, SequenceId};

/// A sequence.
#[derive(Clone, Debug)]
pub struct SequenceDef {
    /// Its number.
    pub id: SequenceId,
    /// The schema it is in.
    pub schema: SchemaId,
    /// That schema's name.
    pub schema_name: String,
    /// Its name.
    pub name: String,
    /// `smallint`, `integer` or `bigint`.
    pub ty: DataType,
    /// The first value.
    pub start: i64,
    /// The step, not 0.
    pub increment: i64,
    /// The least value.
    pub min: i64,
    /// The greatest value.
    pub max: i64,
    /// How many values a session takes at a time, at least 1.
    pub cache: i64,
    /// Whether it starts over at the end.
    pub cycle: bool,
    /// The column that it is dropped with.
    pub owned_by: Option<(TableId, ColumnId)>,
    /// Whether it implements an identity column, and so cannot be dropped alone.
    pub identity: bool,
    /// `COMMENT ON SEQUENCE`.
    pub comment: Option<String>,
}
