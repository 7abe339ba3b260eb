//! A statement that was parsed and planned ahead of its runs.

use std::fmt;
use std::sync::Arc;

use helios_base::DataType;
use parking_lot::Mutex;

use super::Columns;
use super::planned::Planned;
use crate::parse::Parsed;

/// A prepared statement: text, parameter types and result shape. Belongs to no session; any session
/// of the same engine may run it. Survives DDL: a run after a change of the schema plans anew.
pub struct Prepared {
    pub(crate) text: Arc<str>,
    /// `None`: there was no statement in the text.
    pub(crate) parsed: Option<Parsed>,
    /// Parameter types that were declared; the others are deduced.
    pub(crate) declared: Vec<DataType>,
    pub(crate) parameters: Vec<DataType>,
    pub(crate) columns: Option<Columns>,
    pub(crate) tag: &'static str,
    /// Made for a run at once: nobody has been told its columns, so they may change.
    pub(crate) loose: bool,
    /// The text without its constants, once it has been asked for.
    pub(super) normal: std::sync::OnceLock<Arc<super::costs::Normal>>,
    /// The plan of the last run.
    pub(crate) plan: Mutex<Option<Arc<Planned>>>,
}

/// What `pg_prepared_statements` tells of a statement that is kept under a name.
pub(super) struct Kept {
    pub(super) statement: Arc<Prepared>,
    /// In microseconds since 1970 UTC.
    pub(super) since: i64,
    /// Whether `PREPARE` made it, not a message of the protocol.
    pub(super) from_sql: bool,
}

impl Prepared {
    /// The text it was made from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The statement in it, without what stands around.
    pub(super) fn statement_text(&self) -> &str {
        let parsed = self.parsed.as_ref();
        parsed.map_or(&self.text, |parsed| parsed.span.of(&self.text).trim())
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

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("text", &self.text)
            .field("parameters", &self.parameters)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}
