//! The definition of a system relation.

use helios_base::Row;

use super::{Source, Ty};

/// A system relation: where it is, what it looks like, how its rows come about.
pub(super) struct Relation {
    pub(super) schema: &'static str,
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Ty)],
    pub(super) rows: fn(&Source<'_>) -> Vec<Row>,
    /// Whether the rows follow from the catalog alone.
    pub(super) steady: bool,
}

/// A relation of `pg_catalog` whose rows follow from the catalog.
pub(super) const fn pg(
    name: &'static str,
    columns: &'static [(&'static str, Ty)],
    rows: fn(&Source<'_>) -> Vec<Row>,
) -> Relation {
    Relation {
        schema: "pg_catalog",
        name,
        columns,
        rows,
        steady: true,
    }
}

impl Relation {
    /// The rows change by themselves.
    pub(super) const fn unsteady(mut self) -> Self {
        self.steady = false;
        self
    }

    /// In another schema.
    pub(super) const fn within(mut self, schema: &'static str) -> Self {
        self.schema = schema;
        self
    }
}
