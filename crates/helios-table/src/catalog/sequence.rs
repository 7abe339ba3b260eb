//! A sequence: its settings. Its position lives outside transactions, in the store.

use helios_base::{ColumnId, DataType, Error, SqlState, TableId};
use helios_version::SequenceSpec;
use serde::{Deserialize, Serialize};

use super::ids::{SchemaId, SequenceId};

/// A sequence.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SequenceDef {
    /// Its number.
    pub id: SequenceId,
    /// Where its position is kept; changes when it is restarted, so that a restart can be rolled
    /// back.
    pub storage: SequenceId,
    /// The schema it is in.
    pub schema: SchemaId,
    /// That schema's name.
    #[serde(skip)]
    pub schema_name: String,
    /// Its name.
    pub name: String,
    /// `smallint`, `integer` or `bigint`.
    #[serde(with = "super::codec::ty")]
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
    #[serde(with = "super::codec::owner", default)]
    pub owned_by: Option<(TableId, ColumnId)>,
    /// Whether it implements an identity column, and so cannot be dropped alone.
    pub identity: bool,
    /// `COMMENT ON SEQUENCE`.
    pub comment: Option<String>,
}

impl SequenceDef {
    /// What the store has to know to hand out values.
    #[must_use]
    pub const fn spec(&self) -> SequenceSpec {
        SequenceSpec {
            start: self.start,
            increment: self.increment,
            min: self.min,
            max: self.max,
            cycle: self.cycle,
        }
    }

    /// Puts the sequence's name into the store's error at its last value.
    pub(crate) fn name_limit(&self, error: Error) -> Error {
        if error.sqlstate() != SqlState::SEQUENCE_GENERATOR_LIMIT_EXCEEDED {
            return error;
        }
        let (end, limit) = if self.increment > 0 {
            ("maximum", self.max)
        } else {
            ("minimum", self.min)
        };
        Error::new(
            SqlState::SEQUENCE_GENERATOR_LIMIT_EXCEEDED,
            format!(
                "nextval: reached {end} value of sequence \"{}\" ({limit})",
                self.name
            ),
        )
    }
}
