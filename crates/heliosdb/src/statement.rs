//! Prepared statements.

use std::borrow::Borrow;
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
    /// How the prepared statement is held.
    type Prepared: Borrow<Arc<Prepared>>;

    /// Prepares where that has not been done; `params` are what the first run will have, which
    /// may decide at which moment names are looked up.
    ///
    /// # Errors
    /// Syntax and name errors, with their position.
    fn into_prepared(self, session: &mut Session, params: &[Value]) -> Result<Self::Prepared>;
}

impl IntoStatement for &str {
    type Prepared = Arc<Prepared>;

    fn into_prepared(self, session: &mut Session, params: &[Value]) -> Result<Arc<Prepared>> {
        session.prepare_once(self, params)
    }
}

impl IntoStatement for &String {
    type Prepared = Arc<Prepared>;

    fn into_prepared(self, session: &mut Session, params: &[Value]) -> Result<Arc<Prepared>> {
        session.prepare_once(self, params)
    }
}

impl<'s> IntoStatement for &'s Statement {
    type Prepared = &'s Arc<Prepared>;

    fn into_prepared(self, _session: &mut Session, _params: &[Value]) -> Result<Self::Prepared> {
        Ok(&self.prepared)
    }
}

impl<'s> IntoStatement for &'s mut Statement {
    type Prepared = &'s Arc<Prepared>;

    fn into_prepared(self, _session: &mut Session, _params: &[Value]) -> Result<Self::Prepared> {
        Ok(&self.prepared)
    }
}
