//! Window functions.

use helios_base::DataType;
use helios_expr::{Aggregate, Expr, WindowFunction};

use super::{Plan, PlanColumn, SortKey};

/// The input's columns, followed by one column per call.
#[derive(Clone, Debug)]
pub struct WindowNode {
    /// The rows.
    pub input: Plan,
    /// All calls of this node share `partition_by` and `order_by`.
    pub partition_by: Vec<Expr>,
    /// The order within a partition.
    pub order_by: Vec<SortKey>,
    /// The calls.
    pub calls: Vec<WindowCall>,
    /// The output columns.
    pub columns: Vec<PlanColumn>,
}

/// One window function over the node's partitions.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowCall {
    /// Which.
    pub function: Windowed,
    /// The arguments, converted.
    pub args: Vec<Expr>,
    /// Only rows for which this is true; aggregates only.
    pub filter: Option<Expr>,
    /// The rows an aggregate or `first_value`, `last_value`, `nth_value` looks at.
    pub frame: Frame,
    /// The result's type.
    pub ty: DataType,
}

/// A function that looks at a window of rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Windowed {
    /// Any plain aggregate, over the frame.
    Aggregate(&'static Aggregate),
    /// A window function proper.
    Function(&'static WindowFunction),
}

impl Windowed {
    /// The function's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aggregate(aggregate) => aggregate.name(),
            Self::Function(function) => function.name,
        }
    }
}

/// How frame offsets count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameUnit {
    /// Rows.
    Rows,
    /// Values of the single sort key.
    Range,
    /// Groups of peers.
    Groups,
}

/// One end of a frame. Offsets have no columns: `bigint` for rows and groups; for ranges a type
/// that can be added to the sort key.
#[derive(Clone, Debug, PartialEq)]
pub enum FrameBound {
    /// The partition's first row.
    UnboundedPreceding,
    /// This far before the current row.
    Preceding(Expr),
    /// The current row (and its peers, unless the unit is rows).
    CurrentRow,
    /// This far after the current row.
    Following(Expr),
    /// The partition's last row.
    UnboundedFollowing,
}

/// Which rows around the current one are left out of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameExclude {
    /// None.
    NoOthers,
    /// The current row.
    CurrentRow,
    /// The current row and its peers.
    Group,
    /// The peers of the current row.
    Ties,
}

/// The rows around the current one.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// How offsets count.
    pub unit: FrameUnit,
    /// First row.
    pub start: FrameBound,
    /// Last row.
    pub end: FrameBound,
    /// Exceptions.
    pub exclude: FrameExclude,
}

impl Default for Frame {
    /// `RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW`
    fn default() -> Self {
        Self {
            unit: FrameUnit::Range,
            start: FrameBound::UnboundedPreceding,
            end: FrameBound::CurrentRow,
            exclude: FrameExclude::NoOthers,
        }
    }
}
