//! `MERGE`, as written.

use super::{Expr, Ident, Insert, Name, Pos, SelectItem, SetItem, TableItem, With};
use crate::plan::MergeMatch;

/// `MERGE INTO table USING source ON condition WHEN …`
#[derive(Clone, Debug)]
pub struct Merge {
    /// `WITH`
    pub with: Option<With>,
    /// The table to change.
    pub table: Name,
    /// Its alias.
    pub alias: Option<Ident>,
    /// `USING`
    pub source: TableItem,
    /// `ON`
    pub on: Expr,
    /// `WHEN …`, in order.
    pub actions: Vec<MergeWhen>,
    /// `RETURNING`
    pub returning: Option<Vec<SelectItem>>,
}

/// `WHEN [NOT] MATCHED … THEN …`
#[derive(Clone, Debug)]
pub struct MergeWhen {
    /// For which rows.
    pub when: MergeMatch,
    /// `AND condition`
    pub condition: Option<Expr>,
    /// What to do.
    pub action: MergeAction,
    /// Where it begins.
    pub pos: Pos,
}

/// What a `WHEN` does.
#[derive(Clone, Debug)]
pub enum MergeAction {
    /// `UPDATE SET`
    Update(Vec<SetItem>),
    /// `DELETE`
    Delete,
    /// `INSERT`; its rows are one row of `VALUES`, or nothing for `DEFAULT VALUES`.
    Insert(Box<Insert>),
    /// `DO NOTHING`
    Nothing,
}
