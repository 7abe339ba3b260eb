//! What is to be created.

use std::collections::BTreeMap;

use helios_base::{ColumnId, DataType, TableId};

use crate::catalog::{CheckOption, Dependency, FkAction, SchemaId, ViewColumn};

/// `CREATE TABLE`.
#[derive(Clone, Debug, Default)]
pub struct NewTable {
    /// The schema to put it in.
    pub schema: SchemaId,
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<NewColumn>,
    /// Its constraints, those of columns included.
    pub constraints: Vec<NewConstraint>,
    /// `WITH (…)`.
    pub options: BTreeMap<String, String>,
}

/// A column to create.
#[derive(Clone, Debug)]
pub struct NewColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: DataType,
    /// `NOT NULL`.
    pub not_null: bool,
    /// `DEFAULT expression`, as SQL text.
    pub default: Option<String>,
    /// `GENERATED ALWAYS AS (expression) STORED`, as SQL text.
    pub generated: Option<String>,
    /// `GENERATED … AS IDENTITY`.
    pub identity: Option<NewIdentity>,
    /// `serial` and its kin: makes a sequence, a default and NOT NULL.
    pub serial: bool,
}

/// An identity to create.
#[derive(Clone, Debug, Default)]
pub struct NewIdentity {
    /// `ALWAYS` instead of `BY DEFAULT`.
    pub always: bool,
    /// The options of its sequence.
    pub sequence: SequenceOptions,
}

/// A constraint to create.
#[derive(Clone, Debug)]
pub struct NewConstraint {
    /// `CONSTRAINT name`; otherwise one is chosen as PostgreSQL would.
    pub name: Option<String>,
    /// What it demands.
    pub kind: NewConstraintKind,
    /// `DEFERRABLE`.
    pub deferrable: bool,
    /// `INITIALLY DEFERRED`.
    pub initially_deferred: bool,
    /// `NOT VALID`: rows that are there are not looked at.
    pub not_valid: bool,
}

/// What a constraint to create demands. Columns go by name.
#[derive(Clone, Debug)]
pub enum NewConstraintKind {
    /// `CHECK (expression)`, as SQL text.
    Check(String),
    /// `PRIMARY KEY (columns)`.
    PrimaryKey {
        /// The columns.
        columns: Vec<String>,
        /// `INCLUDE`.
        include: Vec<String>,
    },
    /// `UNIQUE (columns)`.
    Unique {
        /// The columns.
        columns: Vec<String>,
        /// `INCLUDE`.
        include: Vec<String>,
        /// `NULLS NOT DISTINCT`.
        nulls_not_distinct: bool,
    },
    /// `FOREIGN KEY (columns) REFERENCES parent (parent_columns)`.
    ForeignKey {
        /// The referencing columns.
        columns: Vec<String>,
        /// The referenced table; `None` for the table itself.
        parent: Option<TableId>,
        /// The referenced columns; empty for the primary key.
        parent_columns: Vec<String>,
        /// `MATCH FULL`.
        match_full: bool,
        /// `ON DELETE`.
        on_delete: FkAction,
        /// `ON UPDATE`.
        on_update: FkAction,
        /// The columns of `ON DELETE SET NULL | DEFAULT (columns)`.
        set_columns: Vec<String>,
    },
}

/// `CREATE INDEX`.
#[derive(Clone, Debug)]
pub struct NewIndex {
    /// Its name; otherwise one is chosen as PostgreSQL would.
    pub name: Option<String>,
    /// The table.
    pub table: TableId,
    /// The keys.
    pub keys: Vec<NewIndexKey>,
    /// `INCLUDE`.
    pub include: Vec<String>,
    /// `UNIQUE`.
    pub unique: bool,
    /// `NULLS NOT DISTINCT`.
    pub nulls_not_distinct: bool,
    /// `WHERE`, as SQL text.
    pub predicate: Option<String>,
}

/// A key of an index to create.
#[derive(Clone, Debug)]
pub struct NewIndexKey {
    /// A column's name, or else the SQL text of an expression.
    pub source: Result<String, String>,
    /// `DESC`.
    pub descending: bool,
    /// `NULLS FIRST` or `LAST`; the default depends on `descending`.
    pub nulls_first: Option<bool>,
}

/// The options of a sequence; `None` leaves the default, or what is there.
#[derive(Clone, Debug, Default)]
pub struct SequenceOptions {
    /// `AS type`.
    pub ty: Option<DataType>,
    /// `START`.
    pub start: Option<i64>,
    /// `INCREMENT`.
    pub increment: Option<i64>,
    /// `MINVALUE`, or `Some(None)` for `NO MINVALUE`.
    pub min: Option<Option<i64>>,
    /// `MAXVALUE`, or `Some(None)` for `NO MAXVALUE`.
    pub max: Option<Option<i64>>,
    /// `CACHE`.
    pub cache: Option<i64>,
    /// `CYCLE`.
    pub cycle: Option<bool>,
    /// `RESTART`, or `Some(Some(value))` for `RESTART WITH value`.
    pub restart: Option<Option<i64>>,
    /// `OWNED BY`, or `Some(None)` for `OWNED BY NONE`.
    pub owned_by: Option<Option<(TableId, ColumnId)>>,
    /// `SEQUENCE NAME`: its schema, which must be the table's, and its name.
    pub name: Option<(Option<String>, String)>,
}

/// `CREATE VIEW`.
#[derive(Clone, Debug)]
pub struct NewView {
    /// The schema to put it in.
    pub schema: SchemaId,
    /// Its name.
    pub name: String,
    /// The query as SQL text.
    pub sql: String,
    /// The `search_path` that the query was bound under.
    pub search_path: Vec<String>,
    /// Its columns.
    pub columns: Vec<ViewColumn>,
    /// What the query reads.
    pub depends: Vec<Dependency>,
    /// `WITH … CHECK OPTION`.
    pub check_option: Option<CheckOption>,
}

impl NewColumn {
    /// A nullable column without default.
    #[must_use]
    pub fn new(name: impl Into<String>, ty: DataType) -> Self {
        Self {
            name: name.into(),
            ty,
            not_null: false,
            default: None,
            generated: None,
            identity: None,
            serial: false,
        }
    }
}

impl NewConstraint {
    /// A constraint that is checked at once, named by the system.
    #[must_use]
    pub const fn new(kind: NewConstraintKind) -> Self {
        Self {
            name: None,
            kind,
            deferrable: false,
            initially_deferred: false,
            not_valid: false,
        }
    }
}

impl NewIndexKey {
    /// A column in ascending order.
    #[must_use]
    pub fn column(name: impl Into<String>) -> Self {
        Self {
            source: Ok(name.into()),
            descending: false,
            nulls_first: None,
        }
    }
}
