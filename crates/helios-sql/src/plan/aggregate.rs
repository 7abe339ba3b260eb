//! Grouping and aggregation.

use helios_base::DataType;
use helios_expr::{Aggregate, Expr};

use super::{Plan, PlanColumn, SortKey};

/// Groups of rows. Output columns: one per `groups`, one per `calls`, one per `groupings`.
#[derive(Clone, Debug)]
pub struct AggregateNode {
    /// The rows.
    pub input: Plan,
    /// The grouping expressions. Empty, with one empty set: a single group, even of no rows.
    pub groups: Vec<Expr>,
    /// The grouping sets, each a list of positions in `groups`; a plain `GROUP BY` has one set of
    /// all. A group column that is not in a row's set is `NULL` in it.
    pub sets: Vec<Vec<usize>>,
    /// The aggregates.
    pub calls: Vec<AggregateCall>,
    /// `GROUPING(…)`: lists of positions in `groups`. The value has type `integer`, the last
    /// position is its lowest bit, and a bit is set when the row's set lacks the column.
    pub groupings: Vec<Vec<usize>>,
    /// The output columns.
    pub columns: Vec<PlanColumn>,
}

/// One aggregate over each group.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateCall {
    /// Which.
    pub function: &'static Aggregate,
    /// The arguments, converted to the function's types. Direct arguments of an ordered-set
    /// aggregate come first; its sort expressions are in `order_by`.
    pub args: Vec<Expr>,
    /// Each distinct combination of arguments once.
    pub distinct: bool,
    /// Only rows for which this is true.
    pub filter: Option<Expr>,
    /// The order in which the rows are taken.
    pub order_by: Vec<SortKey>,
    /// `WITHIN GROUP`: the values are those of `order_by`.
    pub within_group: bool,
    /// The result's type.
    pub ty: DataType,
}
