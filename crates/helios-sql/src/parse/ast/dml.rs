//! Statements that change rows, as written.

use super::{Expr, Ident, Name, Pos, Query, SelectItem, Subscript, TableItem, With};

/// A column to write, or a part of one.
#[derive(Clone, Debug)]
pub struct TargetColumn {
    /// The column.
    pub name: Ident,
    /// The way to the part; empty: all of it.
    pub parts: Vec<TargetPart>,
}

/// A step to a part of a column.
#[derive(Clone, Debug)]
pub enum TargetPart {
    /// `[1]`, `[1:2][3]`
    Subscripts(Vec<Subscript>),
    /// `.field`
    Field(Ident),
}

/// `INSERT`
#[derive(Clone, Debug)]
pub struct Insert {
    /// `WITH`
    pub with: Option<With>,
    /// Into.
    pub table: Name,
    /// Alias.
    pub alias: Option<Ident>,
    /// Columns; empty: all, or as many as there are values.
    pub columns: Vec<TargetColumn>,
    /// `OVERRIDING SYSTEM | USER VALUE`
    pub overriding: Option<Overriding>,
    /// The rows; `None`: `DEFAULT VALUES`
    pub source: Option<Query>,
    /// `ON CONFLICT`
    pub on_conflict: Option<OnConflict>,
    /// `RETURNING`
    pub returning: Option<Vec<SelectItem>>,
}

/// `OVERRIDING`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overriding {
    /// Explicit values go into `GENERATED ALWAYS AS IDENTITY` columns.
    System,
    /// Explicit values for identity columns are ignored.
    User,
}

/// `ON CONFLICT`
#[derive(Clone, Debug)]
pub struct OnConflict {
    /// Which uniqueness.
    pub target: ConflictTarget,
    /// `DO UPDATE SET`; `None`: `DO NOTHING`
    pub update: Option<(Vec<SetItem>, Option<Expr>)>,
    /// Where it begins.
    pub pos: Pos,
}

/// The target of `ON CONFLICT`.
#[derive(Clone, Debug)]
pub enum ConflictTarget {
    /// None given.
    Any,
    /// `(column, …) WHERE …`
    Columns(Vec<Expr>, Option<Expr>),
    /// `ON CONSTRAINT name`
    Constraint(Ident),
}

/// `column = value` or `(columns) = (values)`
#[derive(Clone, Debug)]
pub struct SetItem {
    /// Columns; more than one with a row on the right.
    pub columns: Vec<TargetColumn>,
    /// Whether the columns were in parentheses.
    pub row: bool,
    /// Value; may be `DEFAULT`.
    pub value: Expr,
}

/// `UPDATE`
#[derive(Clone, Debug)]
pub struct Update {
    /// `WITH`
    pub with: Option<With>,
    /// Table.
    pub table: Name,
    /// Alias.
    pub alias: Option<Ident>,
    /// `SET`
    pub set: Vec<SetItem>,
    /// `FROM`
    pub from: Vec<TableItem>,
    /// `WHERE`
    pub filter: Option<Expr>,
    /// `RETURNING`
    pub returning: Option<Vec<SelectItem>>,
}

/// `DELETE`
#[derive(Clone, Debug)]
pub struct Delete {
    /// `WITH`
    pub with: Option<With>,
    /// Table.
    pub table: Name,
    /// Alias.
    pub alias: Option<Ident>,
    /// `USING`
    pub using: Vec<TableItem>,
    /// `WHERE`
    pub filter: Option<Expr>,
    /// `RETURNING`
    pub returning: Option<Vec<SelectItem>>,
}
