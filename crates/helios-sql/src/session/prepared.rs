//! A statement that was parsed and planned ahead of its runs.

use std::sync::Arc;

use helios_base::DataType;

use super::Columns;

/// A prepared statement: text, parameter types and result shape. Belongs to no session; any session
/// of the same engine may run it. Survives DDL: a run after a change of the schema plans anew.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) text: Arc<str>,
    pub(crate) parameters: Vec<DataType>,
    pub(crate) columns: Option<Columns>,
    pub(crate) tag: &'static str,
}

impl Prepared {
    /// The text it was made from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Types of `$1`, `$2`, …
    #[must_use]
    pub fn parameters(&self) -> &[DataType] {
        &self.parameters
    }

    /// The result's columns; `None` if the statement returns no rows.
    #[must_use]
    pub fn columns(&self) -> Option<&Columns> {
        self.columns.as_ref()
    }

    /// The command: `SELECT`, `INSERT`, …; empty for an empty statement.
    #[must_use]
    pub fn tag(&self) -> &'static str {
        self.tag
    }
}
