//! A view: a stored query.

use helios_base::{ColumnId, DataType};
use serde::{Deserialize, Serialize};

use super::ids::{SchemaId, ViewId};

/// A view.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ViewDef {
    /// Its number.
    pub id: ViewId,
    /// The schema it is in.
    pub schema: SchemaId,
    /// That schema's name.
    #[serde(skip)]
    pub schema_name: String,
    /// Its name.
    pub name: String,
    /// The query as SQL text.
    pub sql: String,
    /// The `search_path` that the query was written under.
    pub search_path: Vec<String>,
    /// Its columns.
    pub columns: Vec<ViewColumn>,
    /// What the query reads.
    pub depends: Vec<Dependency>,
    /// `WITH … CHECK OPTION`.
    pub check_option: Option<CheckOption>,
    /// `COMMENT ON VIEW`.
    pub comment: Option<String>,
}

/// A column of a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(with = "super::codec::ty")]
    pub ty: DataType,
    /// `COMMENT ON COLUMN`.
    pub comment: Option<String>,
}

/// How far `WITH CHECK OPTION` reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckOption {
    /// Only this view's own condition.
    Local,
    /// The conditions of the views below too.
    Cascaded,
}

/// A relation that another object reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The number of the table, view or sequence.
    pub relation: u32,
    /// The columns of a table that are read; empty if none or not a table.
    #[serde(with = "super::codec::column_ids")]
    pub columns: Vec<ColumnId>,
}
