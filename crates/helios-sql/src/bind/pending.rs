//! What a select list collects for the nodes below it.

use helios_expr::{Expr, Volatility};

use crate::parse::ast::{Ident, Pos, WindowSpec};
use crate::plan::{AggregateCall, SortKey, TableFunctionCall, WindowCall};

/// Columns from here on stand for aggregates.
const AGGREGATES: usize = 1 << 40;
/// Columns from here on stand for `GROUPING` calls.
const GROUPINGS: usize = 2 << 40;
/// Columns from here on stand for window functions.
const WINDOWS: usize = 3 << 40;
/// Columns from here on stand for set-returning functions.
const SETS: usize = 4 << 40;
/// Columns from here on are nothing.
const END: usize = 5 << 40;

/// A window function and its window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PendingWindow {
    pub call: WindowCall,
    pub partition_by: Vec<Expr>,
    pub order_by: Vec<SortKey>,
}

impl PendingWindow {
    /// Whether two such calls may differ.
    pub(super) fn is_volatile(&self) -> bool {
        let keys = self.order_by.iter().map(|key| &key.expr);
        let read = self.call.args.iter().chain(&self.call.filter);
        read.chain(&self.partition_by).chain(keys).any(is_volatile)
    }
}

/// Whether two evaluations may differ.
pub(super) fn is_volatile(expr: &Expr) -> bool {
    expr.volatility() == Volatility::Volatile
}

/// Aggregates, window functions and set-returning functions of one query.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub aggregates: Vec<AggregateCall>,
    pub groupings: Vec<(Vec<Expr>, Pos)>,
    pub windows: Vec<PendingWindow>,
    pub sets: Vec<TableFunctionCall>,
    /// The `WINDOW` clause.
    pub named_windows: Vec<(Ident, WindowSpec)>,
    /// Inside an aggregate's arguments.
    pub in_aggregate: bool,
    /// Inside a window function's arguments or window.
    pub in_window: bool,
}

/// What a column number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// A column of the row.
    Column(usize),
    /// An aggregate.
    Aggregate(usize),
    /// A `GROUPING` call.
    Grouping(usize),
    /// A window function.
    Window(usize),
    /// A set-returning function.
    Set(usize),
}

impl Slot {
    pub(super) fn of(index: usize) -> Self {
        match index {
            0..AGGREGATES => Self::Column(index),
            AGGREGATES..GROUPINGS => Self::Aggregate(index - AGGREGATES),
            GROUPINGS..WINDOWS => Self::Grouping(index - GROUPINGS),
            WINDOWS..SETS => Self::Window(index - WINDOWS),
            SETS..END => Self::Set(index - SETS),
            _ => Self::Column(index),
        }
    }

    pub(super) fn number(self) -> usize {
        match self {
            Self::Column(index) => index,
            Self::Aggregate(index) => AGGREGATES + index,
            Self::Grouping(index) => GROUPINGS + index,
            Self::Window(index) => WINDOWS + index,
            Self::Set(index) => SETS + index,
        }
    }
}

impl Pending {
    /// Whether the query groups even without `GROUP BY`.
    pub(super) fn aggregates(&self) -> bool {
        !self.aggregates.is_empty() || !self.groupings.is_empty()
    }
}
