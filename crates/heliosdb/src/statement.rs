//! Prepared statements.

use std::sync::Arc;

use helios_base::{DataType, Result, Value};
use helios_sql::{Prepared, ResultColumn, Session};

/// A statement that was parsed and planned ahead of its runs.
///
/// Belongs to no connection: any connection of the same database may run it, from any thread. It
/// survives changes of the schema.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(crate) prepared: Arc<Prepared>,
}

impl Statement {
    /// The text it was made from.
    #[must_use]
    pub fn text(&self) -> &str {
        self.prepared.text()
    }

    /// Types of `$1`, `$2`, …
    #[must_use]
    pub fn parameters(&self) -> &[DataType] {
        self.prepared.parameters()
    }

    /// Names and types of the result; `None` when the statement returns no rows.
    #[must_use]
    pub fn columns(&self) -> Option<&[ResultColumn]> {
        self.prepared.columns().map(|columns| &**columns)
    }
}

/// SQL text, or a statement prepared from it.
pub trait IntoStatement {
    /// Prepares where that has not been done; `params` are what the first run will have, which
    /// may decide at which moment names are looked up.
    ///
    /// # Errors
    /// Syntax and name errors, with their position.
    fn into_prepared(self, session: &mut Session, params: &[Value]) -> Result<Arc<Prepared>>;
}

impl IntoStatement for &str {
    fn into_prepared(self, session: &mut Session, params: &[Value]) -> Result<Arc<Prepared>> {
        session.prepare_for(self, params)
    }
}

impl IntoStatement for &String {
    fn into_prepared(self, session: &mut Session, params: &[Value]) -> Result<Arc<Prepared>> {
        session.prepare_for(self, params)
    }
}

impl IntoStatement for &Statement {
    fn into_prepared(self, _session: &mut Session, _params: &[Value]) -> Result<Arc<Prepared>> {
        Ok(Arc::clone(&self.prepared))
    }
}

impl IntoStatement for &mut Statement {
    fn into_prepared(self, _session: &mut Session, _params: &[Value]) -> Result<Arc<Prepared>> {
        Ok(Arc::clone(&self.prepared))
    }
}
