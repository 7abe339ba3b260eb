//! Common table expressions.

use std::sync::Arc;

use super::{Plan, PlanColumn};

/// A common table expression, unique within a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CteId(pub u32);

/// A named query, computed at most once for each run of the [`Plan::With`] that holds it.
#[derive(Clone, Debug)]
pub struct Cte {
    /// Identity.
    pub id: CteId,
    /// Name, for display.
    pub name: Arc<str>,
    /// The query; a [`Plan::Recursive`] if it refers to itself.
    pub plan: Plan,
    /// `MATERIALIZED`, `NOT MATERIALIZED` or nothing said. The binder has already put a query that
    /// is used once in the place of its use, unless told otherwise.
    pub materialized: Option<bool>,
}

/// A query over its own result.
///
/// The working table starts as the result of `anchor`; `step` runs over it until it yields no row;
/// each result is put out and becomes the next working table.
#[derive(Clone, Debug)]
pub struct RecursiveCte {
    /// What [`Plan::WorkTable`] refers to.
    pub id: CteId,
    /// Name, for display.
    pub name: Arc<str>,
    /// The part that does not refer to itself.
    pub anchor: Plan,
    /// The part that does.
    pub step: Plan,
    /// `UNION ALL`; otherwise rows that were already put out are dropped.
    pub all: bool,
    /// The output columns.
    pub columns: Vec<PlanColumn>,
}
