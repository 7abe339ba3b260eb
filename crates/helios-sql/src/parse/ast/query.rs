//! Queries as written.

use super::{
    Argument, AsOf, Expr, Ident, Name, OrderBy, Pos, Span, Statement, TypeName, WindowSpec,
};
use crate::plan::{JoinKind, LockMode, LockWait, SetOpKind};

/// A query with all that can stand around it.
#[derive(Clone, Debug)]
pub struct Query {
    /// `WITH`
    pub with: Option<With>,
    /// What it computes.
    pub body: QueryBody,
    /// `ORDER BY`
    pub order_by: Vec<OrderBy>,
    /// `LIMIT`, `FETCH FIRST`; absent for `LIMIT ALL`
    pub limit: Option<Expr>,
    /// `WITH TIES`
    pub with_ties: bool,
    /// `OFFSET`
    pub offset: Option<Expr>,
    /// `FOR UPDATE` and its kin
    pub locks: Vec<Lock>,
    /// Where it begins.
    pub pos: Pos,
    /// Its text.
    pub span: Span,
}

impl Query {
    /// Nothing but `body`.
    pub(crate) fn bare(body: QueryBody, pos: Pos) -> Self {
        Self {
            with: None,
            body,
            order_by: Vec::new(),
            limit: None,
            with_ties: false,
            offset: None,
            locks: Vec::new(),
            pos,
            span: Span::default(),
        }
    }

    /// The `SELECT` of a query that has nothing but items and `FROM`.
    pub(crate) fn as_plain(&self) -> Option<&Select> {
        let QueryBody::Select(select) = &self.body else {
            return None;
        };
        let plain = self.with.is_none()
            && self.order_by.is_empty()
            && self.limit.is_none()
            && self.offset.is_none()
            && self.locks.is_empty()
            && select.distinct.is_none()
            && select.into.is_none()
            && select.filter.is_none()
            && select.group_by.is_empty()
            && select.having.is_none()
            && select.windows.is_empty();
        plain.then_some(&**select)
    }
}

/// `WITH`
#[derive(Clone, Debug)]
pub struct With {
    /// `RECURSIVE`
    pub recursive: bool,
    /// In order.
    pub ctes: Vec<Cte>,
}

/// One named query of a `WITH`.
#[derive(Clone, Debug)]
pub struct Cte {
    /// Name.
    pub name: Ident,
    /// Column names, if given.
    pub columns: Vec<Ident>,
    /// `MATERIALIZED`, `NOT MATERIALIZED`
    pub materialized: Option<bool>,
    /// What it names.
    pub body: CteBody,
    /// `SEARCH`
    pub search: Option<Search>,
    /// `CYCLE`
    pub cycle: Option<Cycle>,
}

/// `SEARCH {DEPTH | BREADTH} FIRST BY columns SET sequence`
#[derive(Clone, Debug)]
pub struct Search {
    /// `BREADTH FIRST`
    pub breadth_first: bool,
    /// Columns that tell rows apart.
    pub columns: Vec<Ident>,
    /// The column to order by.
    pub sequence: Ident,
}

/// `CYCLE columns SET mark [TO value DEFAULT default] USING path`
#[derive(Clone, Debug)]
pub struct Cycle {
    /// Columns that tell rows apart.
    pub columns: Vec<Ident>,
    /// The column that says whether a row was met before.
    pub mark: Ident,
    /// What it says then; `true`.
    pub value: Option<Expr>,
    /// What it says otherwise; `false`.
    pub default: Option<Expr>,
    /// The column of the rows on the way.
    pub path: Ident,
}

/// What a name of `WITH` stands for.
#[derive(Clone, Debug)]
pub enum CteBody {
    /// A query.
    Query(Box<Query>),
    /// `INSERT`, `UPDATE`, `DELETE` or `MERGE`.
    Change(Box<Statement>),
}

/// The core of a query.
#[derive(Clone, Debug)]
pub enum QueryBody {
    /// `SELECT`
    Select(Box<Select>),
    /// `VALUES`
    Values(Vec<Vec<Expr>>),
    /// `UNION`, `INTERSECT`, `EXCEPT`
    SetOp {
        /// Which.
        kind: SetOpKind,
        /// `ALL`
        all: bool,
        /// Left side.
        left: Box<Query>,
        /// Right side.
        right: Box<Query>,
        /// Where the operator stands.
        pos: Pos,
    },
}

/// `SELECT`
#[derive(Clone, Debug)]
pub struct Select {
    /// `DISTINCT`
    pub distinct: Option<Distinct>,
    /// The select list; may be empty.
    pub items: Vec<SelectItem>,
    /// `INTO`
    pub into: Option<Into>,
    /// `FROM`
    pub from: Vec<TableItem>,
    /// `WHERE`
    pub filter: Option<Expr>,
    /// `GROUP BY`
    pub group_by: Vec<GroupItem>,
    /// `GROUP BY DISTINCT`
    pub group_distinct: bool,
    /// `HAVING`
    pub having: Option<Expr>,
    /// `WINDOW`
    pub windows: Vec<(Ident, WindowSpec)>,
    /// Where it begins.
    pub pos: Pos,
}

impl Select {
    /// `SELECT items FROM from`
    pub(crate) fn bare(items: Vec<SelectItem>, from: Vec<TableItem>, pos: Pos) -> Self {
        Self {
            distinct: None,
            items,
            into: None,
            from,
            filter: None,
            group_by: Vec::new(),
            group_distinct: false,
            having: None,
            windows: Vec::new(),
            pos,
        }
    }
}

/// `DISTINCT`
#[derive(Clone, Debug)]
pub enum Distinct {
    /// Whole rows.
    Rows,
    /// `ON (…)`
    On(Vec<Expr>),
}

/// `INTO` of `SELECT`
#[derive(Clone, Debug)]
pub struct Into {
    /// Table to create.
    pub name: Name,
    /// `TEMPORARY`
    pub temporary: bool,
}

/// One item of a select list.
#[derive(Clone, Debug)]
pub struct SelectItem {
    /// What; may be a star.
    pub expr: Expr,
    /// Its name, if given.
    pub alias: Option<Ident>,
}

/// One item of `GROUP BY`.
#[derive(Clone, Debug)]
pub enum GroupItem {
    /// An expression.
    Expr(Expr),
    /// `()`
    Empty,
    /// `ROLLUP`; each part may be a list
    Rollup(Vec<Vec<Expr>>),
    /// `CUBE`
    Cube(Vec<Vec<Expr>>),
    /// `GROUPING SETS`
    Sets(Vec<GroupItem>),
    /// `(a, b)` inside `GROUPING SETS`
    List(Vec<Expr>),
}

/// `TABLESAMPLE method (args) [REPEATABLE (seed)]`
#[derive(Clone, Debug)]
pub struct TableSample {
    /// `bernoulli`, `system`
    pub method: Ident,
    /// Its arguments.
    pub args: Vec<Expr>,
    /// `REPEATABLE`
    pub repeatable: Option<Expr>,
}

/// One item of `FROM`.
#[derive(Clone, Debug)]
pub enum TableItem {
    /// A table, view or CTE.
    Table {
        /// Name.
        name: Name,
        /// `AS OF`
        at: Option<AsOf>,
        /// Alias.
        alias: Option<TableAlias>,
        /// `TABLESAMPLE`
        sample: Option<Box<TableSample>>,
    },
    /// `(query)`
    Query {
        /// The query.
        query: Box<Query>,
        /// `LATERAL`
        lateral: bool,
        /// `AS OF`, for every table inside
        at: Option<AsOf>,
        /// Alias.
        alias: Option<TableAlias>,
        /// Where it begins.
        pos: Pos,
    },
    /// A file, named by its path.
    File {
        /// Path or pattern.
        path: String,
        /// Alias.
        alias: Option<TableAlias>,
        /// Where it begins.
        pos: Pos,
    },
    /// Functions.
    Functions {
        /// The calls; several with `ROWS FROM`.
        calls: Vec<TableCall>,
        /// `ROWS FROM`
        rows_from: bool,
        /// `WITH ORDINALITY`
        ordinality: bool,
        /// `LATERAL`, which functions have anyway.
        lateral: bool,
        /// Alias.
        alias: Option<TableAlias>,
        /// Where it begins.
        pos: Pos,
    },
    /// A join.
    Join {
        /// Kind.
        kind: JoinKind,
        /// Left side.
        left: Box<TableItem>,
        /// Right side.
        right: Box<TableItem>,
        /// Condition.
        on: JoinOn,
        /// `(… JOIN …) AS alias`
        alias: Option<TableAlias>,
        /// Where the join's word stands.
        pos: Pos,
    },
}

/// A function in `FROM`.
#[derive(Clone, Debug)]
pub struct TableCall {
    /// The call: an [`super::ExprKind::Call`], or another expression that looks like one.
    pub call: Expr,
    /// `AS (column type, …)`
    pub columns: Vec<(Ident, TypeName)>,
}

/// The alias of an item of `FROM`.
#[derive(Clone, Debug)]
pub struct TableAlias {
    /// Name.
    pub name: Option<Ident>,
    /// Column names.
    pub columns: Vec<Ident>,
    /// Column definitions, for functions that return `record`.
    pub types: Vec<(Ident, TypeName)>,
}

/// The condition of a join.
#[derive(Clone, Debug)]
pub enum JoinOn {
    /// `CROSS JOIN`
    None,
    /// `ON`
    On(Box<Expr>),
    /// `USING`, with the alias of the merged columns
    Using(Vec<Ident>, Option<Ident>),
    /// `NATURAL`
    Natural,
}

/// `FOR UPDATE` and its kin.
#[derive(Clone, Debug)]
pub struct Lock {
    /// How strongly.
    pub mode: LockMode,
    /// `OF`; empty: all.
    pub of: Vec<Ident>,
    /// `NOWAIT`, `SKIP LOCKED`
    pub wait: LockWait,
    /// Where it begins.
    pub pos: Pos,
}

/// Arguments of a plain call, for convenience of the binder.
#[must_use]
pub fn positional(args: Vec<Expr>) -> Vec<Argument> {
    args.into_iter()
        .map(|value| Argument { name: None, value })
        .collect()
}
