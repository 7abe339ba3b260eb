//! Statements that change rows.

use std::sync::Arc;

use helios_base::ColumnId;
use helios_expr::Expr;

use super::{Plan, PlanColumn, PolicyCheck, TableRef};

/// A column and its new value.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The target's column.
    pub column: ColumnId,
    /// The value, of the column's exact type (assignment cast included, so it can fail).
    pub value: Expr,
}

/// `WITH CHECK OPTION` of a view through which rows are written.
#[derive(Clone, Debug)]
pub struct ViewCheck {
    /// The view whose condition it is.
    pub view: Arc<str>,
    /// Must be true.
    pub condition: Expr,
}

/// `RETURNING`: expressions over a row that the statement describes.
#[derive(Clone, Debug)]
pub struct Returning {
    /// As long as `columns`.
    pub exprs: Vec<Expr>,
    /// The output columns.
    pub columns: Vec<PlanColumn>,
}

/// `INSERT`.
///
/// For each row of `source` the executor builds a table row: `targets` from the source's columns,
/// `defaults` evaluated anew, `NULL` for the rest, then the table's generated columns.
#[derive(Clone, Debug)]
pub struct Insert {
    /// Into.
    pub table: TableRef,
    /// The rows, one column per target, of the target's exact type.
    pub source: Plan,
    /// The columns that the source gives.
    pub targets: Vec<ColumnId>,
    /// The other columns that have a default (identity included); the expressions have no columns.
    pub defaults: Vec<Assignment>,
    /// What to do about a row that is there already.
    pub on_conflict: Option<OnConflict>,
    /// What policies say of rows to be inserted, over the table's row.
    pub policies: Vec<PolicyCheck>,
    /// What views say of new rows, over the table's row.
    pub checks: Vec<ViewCheck>,
    /// Over the table row as stored: all columns of the table, in table order.
    pub returning: Option<Returning>,
}

/// `ON CONFLICT`.
#[derive(Clone, Debug)]
pub struct OnConflict {
    /// Which uniqueness it is about; `None`: any (only with [`ConflictAction::Nothing`]).
    pub arbiter: Option<Arbiter>,
    /// What to do.
    pub action: ConflictAction,
}

/// The uniqueness that `ON CONFLICT` is about, by the name of its index or constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arbiter {
    /// Names of the unique indexes or constraints; the primary key's is among them by its name.
    pub names: Vec<Arc<str>>,
}

/// What `ON CONFLICT` does.
#[derive(Clone, Debug)]
pub enum ConflictAction {
    /// Leaves the old row and drops the new one.
    Nothing,
    /// Updates the old row. The expressions see the old row's columns (all, in table order)
    /// followed by the columns of the row proposed for insertion (`excluded`).
    Update {
        /// The new values.
        assignments: Vec<Assignment>,
        /// Only if true.
        filter: Option<Expr>,
        /// What policies say of the old row, and of the new.
        policies: [Vec<PolicyCheck>; 2],
    },
}

/// `UPDATE`.
///
/// `input` yields, for each row to change: all columns of the table in table order, the row's key
/// ([`super::Scan::key`]), then the columns of `FROM`. A row that comes twice is updated once.
#[derive(Clone, Debug)]
pub struct Update {
    /// The table.
    pub table: TableRef,
    /// The rows to change.
    pub input: Plan,
    /// Where the row's key stands in the input; the columns before it are the table's.
    pub key: usize,
    /// The new values; they see the input's columns.
    pub assignments: Vec<Assignment>,
    /// What policies say of changed rows, over the table's row.
    pub policies: Vec<PolicyCheck>,
    /// What views say of changed rows, over the table's row.
    pub checks: Vec<ViewCheck>,
    /// Over the input's columns, those of the table having their new values.
    pub returning: Option<Returning>,
}

/// `DELETE`; the input is that of [`Update`].
#[derive(Clone, Debug)]
pub struct Delete {
    /// The table.
    pub table: TableRef,
    /// The rows to delete.
    pub input: Plan,
    /// Where the row's key stands in the input; the columns before it are the table's.
    pub key: usize,
    /// Over the input's columns.
    pub returning: Option<Returning>,
}
