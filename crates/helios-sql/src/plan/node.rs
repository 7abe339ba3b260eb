//! The nodes of a query plan.

use std::sync::Arc;

use helios_base::ColumnId;
use helios_expr::Expr;

use super::{
    AggregateNode, At, ChangeNode, Cte, CteId, FileScan, Join, PlanColumn, RecursiveCte,
    TableFunction, TableRef, Versions, WindowNode,
};

/// A query: a tree of nodes, each of which yields rows of [`Plan::columns`].
#[derive(Clone, Debug)]
pub enum Plan {
    /// No row at all.
    Empty(Vec<PlanColumn>),
    /// Exactly one row without columns: `SELECT` without `FROM`.
    OneRow,
    /// Rows of a stored table.
    Scan(Box<Scan>),
    /// Rows of files.
    FileScan(Box<FileScan>),
    /// Rows of expressions.
    Values(Box<Values>),
    /// Rows for which a predicate is true.
    Filter(Box<Filter>),
    /// Other columns computed from each row.
    Project(Box<Project>),
    /// Set-returning functions in a select list.
    ProjectSet(Box<ProjectSet>),
    /// Pairs of rows.
    Join(Box<Join>),
    /// Groups of rows.
    Aggregate(Box<AggregateNode>),
    /// Window functions beside each row.
    Window(Box<WindowNode>),
    /// Rows in order. Stable.
    Sort(Box<Sort>),
    /// Some of the first rows.
    Limit(Box<Limit>),
    /// Each distinct row once.
    Distinct(Box<Distinct>),
    /// `UNION`, `INTERSECT`, `EXCEPT`.
    SetOp(Box<SetOp>),
    /// Common table expressions visible in `input`.
    With {
        /// In the order of their definition; each sees those before it.
        ctes: Vec<Cte>,
        /// The query that uses them.
        input: Box<Plan>,
    },
    /// The rows of a common table expression of an enclosing [`Plan::With`], possibly one outside
    /// the current subplan.
    CteRef {
        /// Which.
        id: CteId,
        /// Its name, for display.
        name: Arc<str>,
        /// Its columns, renamed by the alias of this reference.
        columns: Vec<PlanColumn>,
    },
    /// `WITH RECURSIVE`: the fixed point of a query over its own result.
    Recursive(Box<RecursiveCte>),
    /// The rows that the previous step of the enclosing [`Plan::Recursive`] found.
    WorkTable {
        /// Which recursion.
        id: CteId,
        /// Its name, for display.
        name: Arc<str>,
        /// Its columns.
        columns: Vec<PlanColumn>,
    },
    /// Functions in `FROM`.
    TableFunction(Box<TableFunction>),
    /// `SELECT … FOR UPDATE`.
    LockRows(Box<LockRows>),
    /// A change named in the outermost [`Plan::With`]: only ever the plan of a [`Cte`].
    Change(Box<ChangeNode>),
}

/// Rows of a stored table, in no particular order.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The table.
    pub table: TableRef,
    /// The name by which the statement calls it.
    pub alias: Arc<str>,
    /// Another branch or moment than the statement's own snapshot.
    pub at: Option<At>,
    /// The versions of a range of history instead of the rows of a moment.
    pub versions: Option<Box<Versions>>,
    /// The table columns read, one per output column, except the row key; among the versions of a
    /// range of history also [`VersionColumn`](super::VersionColumn)s.
    pub reads: Vec<ColumnId>,
    /// Whether one more output column follows, of type `bytea`: the row's encoded primary key (or
    /// hidden row id), which the write path takes to find the row again.
    pub key: bool,
    /// Predicates over the output columns, all of which must be true.
    pub filters: Vec<Expr>,
    /// How many of them, the first ones, are policies, which no other may be asked before.
    pub guards: usize,
    /// The output columns.
    pub columns: Vec<PlanColumn>,
}

/// Rows of expressions without columns.
#[derive(Clone, Debug)]
pub struct Values {
    /// Each as long as `columns`.
    pub rows: Vec<Vec<Expr>>,
    /// `column1`, `column2`, …
    pub columns: Vec<PlanColumn>,
}

/// Rows for which `predicate` is true (not false, not `NULL`).
#[derive(Clone, Debug)]
pub struct Filter {
    /// The rows.
    pub input: Plan,
    /// Type `boolean`.
    pub predicate: Expr,
}

/// One expression per output column.
#[derive(Clone, Debug)]
pub struct Project {
    /// The rows.
    pub input: Plan,
    /// As long as `columns`.
    pub exprs: Vec<Expr>,
    /// The output columns.
    pub columns: Vec<PlanColumn>,
}

/// The input's columns followed by one column per function. The functions run in lock step; one
/// that ends early yields `NULL`; a row for which all are empty vanishes.
#[derive(Clone, Debug)]
pub struct ProjectSet {
    /// The rows.
    pub input: Plan,
    /// The functions; their arguments see the input's columns. Each yields one column.
    pub calls: Vec<super::TableFunctionCall>,
    /// The output columns.
    pub columns: Vec<PlanColumn>,
}

/// One key of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// What to order by.
    pub expr: Expr,
    /// From the largest to the smallest.
    pub descending: bool,
    /// `NULL` before all else.
    pub nulls_first: bool,
}

/// Rows in the order of `keys`, the first of which weighs most.
#[derive(Clone, Debug)]
pub struct Sort {
    /// The rows.
    pub input: Plan,
    /// Not empty.
    pub keys: Vec<SortKey>,
}

/// Skips `offset` rows, then yields `limit` rows.
#[derive(Clone, Debug)]
pub struct Limit {
    /// The rows.
    pub input: Plan,
    /// Type `bigint`, without columns; absent or `NULL` means all, negative is error 2201W.
    pub limit: Option<Expr>,
    /// Type `bigint`, without columns; `NULL` means 0, negative is error 2201X.
    pub offset: Option<Expr>,
    /// `WITH TIES`: goes on while these keys equal those of the last row. Empty otherwise.
    pub ties: Vec<SortKey>,
}

/// Each distinct row once, `NULL`s being equal.
#[derive(Clone, Debug)]
pub struct Distinct {
    /// The rows; in the order of `on`, if there is an `on`.
    pub input: Plan,
    /// `DISTINCT ON`: the first row of each distinct combination of these. Empty: whole rows.
    pub on: Vec<Expr>,
}

/// Which set operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetOpKind {
    /// Rows of either side.
    Union,
    /// Rows of both sides.
    Intersect,
    /// Rows of the left side that the right side lacks.
    Except,
}

/// A set operation over two inputs of the same column types.
#[derive(Clone, Debug)]
pub struct SetOp {
    /// Which.
    pub kind: SetOpKind,
    /// Keep duplicates (by count, for `INTERSECT` and `EXCEPT`).
    pub all: bool,
    /// Left side.
    pub left: Plan,
    /// Right side.
    pub right: Plan,
    /// The output columns, named after the left side's.
    pub columns: Vec<PlanColumn>,
}

/// How strongly a row is locked, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    /// `FOR KEY SHARE`
    KeyShare,
    /// `FOR SHARE`
    Share,
    /// `FOR NO KEY UPDATE`
    NoKeyUpdate,
    /// `FOR UPDATE`
    Update,
}

/// What to do when the row is locked by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockWait {
    /// Wait for it.
    Block,
    /// Error 55P03.
    NoWait,
    /// Leave the row out.
    SkipLocked,
}

/// A lock to take on the rows of one scan.
#[derive(Clone, Debug)]
pub struct RowLock {
    /// The table.
    pub table: TableRef,
    /// The input column with the row's key ([`Scan::key`]); a `NULL` there (outer join) locks
    /// nothing.
    pub key: usize,
    /// How strongly.
    pub mode: LockMode,
    /// What to do when another holds it.
    pub wait: LockWait,
}

/// Locks each row that passes through.
#[derive(Clone, Debug)]
pub struct LockRows {
    /// The rows.
    pub input: Plan,
    /// The locks, in the order to take them.
    pub locks: Vec<RowLock>,
}

impl Plan {
    /// The output columns, in order.
    #[must_use]
    pub fn columns(&self) -> &[PlanColumn] {
        match self {
            Self::OneRow => &[],
            Self::Empty(columns)
            | Self::CteRef { columns, .. }
            | Self::WorkTable { columns, .. } => columns,
            Self::Scan(node) => &node.columns,
            Self::FileScan(node) => &node.columns,
            Self::Values(node) => &node.columns,
            Self::Project(node) => &node.columns,
            Self::ProjectSet(node) => &node.columns,
            Self::Join(node) => &node.columns,
            Self::Aggregate(node) => &node.columns,
            Self::Window(node) => &node.columns,
            Self::SetOp(node) => &node.columns,
            Self::TableFunction(node) => &node.columns,
            Self::Recursive(node) => &node.columns,
            Self::Change(node) => &node.columns,
            Self::Filter(node) => node.input.columns(),
            Self::Sort(node) => node.input.columns(),
            Self::Limit(node) => node.input.columns(),
            Self::Distinct(node) => node.input.columns(),
            Self::LockRows(node) => node.input.columns(),
            Self::With { input, .. } => input.columns(),
        }
    }
}
