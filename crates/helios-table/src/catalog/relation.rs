//! What a name in a schema may stand for.

use std::sync::Arc;

use helios_base::{IndexId, TableId};

use super::ids::{SequenceId, ViewId};
use super::index::IndexDef;
use super::sequence::SequenceDef;
use super::table::TableDef;
use super::view::ViewDef;

/// The number of a relation, by kind. All kinds share one namespace per schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelationId {
    /// A table.
    Table(TableId),
    /// An index, with its table.
    Index(TableId, IndexId),
    /// A sequence.
    Sequence(SequenceId),
    /// A view.
    View(ViewId),
}

/// A relation that was found by name.
#[derive(Clone, Debug)]
pub enum Relation {
    /// A table.
    Table(Arc<TableDef>),
    /// An index, with its table.
    Index(Arc<TableDef>, Arc<IndexDef>),
    /// A sequence.
    Sequence(Arc<SequenceDef>),
    /// A view.
    View(Arc<ViewDef>),
}

impl Relation {
    /// `table`, `index`, `sequence` or `view`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Table(_) => "table",
            Self::Index(..) => "index",
            Self::Sequence(_) => "sequence",
            Self::View(_) => "view",
        }
    }

    /// Its name without schema.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Table(table) => &table.name,
            Self::Index(_, index) => &index.name,
            Self::Sequence(sequence) => &sequence.name,
            Self::View(view) => &view.name,
        }
    }

    /// The name of its schema.
    #[must_use]
    pub fn schema_name(&self) -> &str {
        match self {
            Self::Table(table) | Self::Index(table, _) => &table.schema_name,
            Self::Sequence(sequence) => &sequence.schema_name,
            Self::View(view) => &view.schema_name,
        }
    }

    /// Its object identifier.
    #[must_use]
    pub fn oid(&self) -> u32 {
        match self {
            Self::Table(table) => table.id.0,
            Self::Index(_, index) => index.id.0,
            Self::Sequence(sequence) => sequence.id.0,
            Self::View(view) => view.id.0,
        }
    }
}
