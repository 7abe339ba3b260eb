//! `MERGE`.

use helios_expr::Expr;

use super::{Assignment, MergePolicies, Plan, Returning, TableRef};

/// `MERGE`.
///
/// `input` is a join of the table with the source: all columns of the table in table order, the
/// row's key ([`super::Scan::key`]), then the source's columns, the last of which is true. A side
/// that found no partner is all `NULL`.
#[derive(Clone, Debug)]
pub struct Merge {
    /// The table to change.
    pub table: TableRef,
    /// The rows to look at.
    pub input: Plan,
    /// Where the row's key stands in the input; the columns before it are the table's.
    pub key: usize,
    /// The condition of the join, over the input's columns, for rows that changed meanwhile.
    pub on: Expr,
    /// In the order of writing.
    pub actions: Vec<MergeWhen>,
    /// What policies say of the rows, over the table's.
    pub policies: MergePolicies,
    /// Over the input's columns, those of the table having their new values (the old ones after
    /// `DELETE`), and the name of the action after them.
    pub returning: Option<Returning>,
}

/// `WHEN … THEN …`
#[derive(Clone, Debug)]
pub struct MergeWhen {
    /// For which rows.
    pub when: MergeMatch,
    /// Over the input's columns.
    pub condition: Option<Expr>,
    /// What to do.
    pub action: MergeAction,
}

/// Which rows a `WHEN` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MergeMatch {
    /// `MATCHED`: a row of the table with a row of the source.
    Matched,
    /// `NOT MATCHED [BY TARGET]`: a row of the source alone.
    ByTarget,
    /// `NOT MATCHED BY SOURCE`: a row of the table alone.
    BySource,
}

/// What a `WHEN` does; the values are over the input's columns.
#[derive(Clone, Debug)]
pub enum MergeAction {
    /// `UPDATE`
    Update(Vec<Assignment>),
    /// `DELETE`
    Delete,
    /// `INSERT`: given values and defaults; the other columns are `NULL`.
    Insert(Vec<Assignment>),
    /// `DO NOTHING`
    Nothing,
}
