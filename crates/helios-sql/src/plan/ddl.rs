//! Statements that change the schema.
//!
//! Expressions that the catalog keeps (defaults, checks, generated columns, index expressions and
//! predicates, views) travel as SQL text. The binder has checked each against the schema; to run
//! one, compile it with [`crate::bind::stored`].

use std::collections::BTreeSet;

use helios_base::{ColumnId, DataType, TableId};

use helios_table::catalog::CheckOption;

use super::{Plan, RoleSpec, TableRef};

/// A name with an optional schema. Without one, an object is looked up along the search path and
/// created in its first schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QualifiedName {
    /// Schema, if written.
    pub schema: Option<String>,
    /// Name.
    pub name: String,
}

/// What becomes of a temporary table at the end of each transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCommit {
    /// Nothing.
    #[default]
    PreserveRows,
    /// It is emptied.
    DeleteRows,
    /// It is dropped.
    Drop,
}

impl OnCommit {
    /// The table option that holds it; no option that can be written is called so.
    pub const OPTION: &'static str = "on commit";

    /// The option's value, unless it says nothing.
    #[must_use]
    pub const fn value(self) -> Option<&'static str> {
        match self {
            Self::PreserveRows => None,
            Self::DeleteRows => Some("delete rows"),
            Self::Drop => Some("drop"),
        }
    }
}

/// `CREATE TABLE`.
#[derive(Clone, Debug)]
pub struct CreateTable {
    /// Name.
    pub name: QualifiedName,
    /// Do nothing, with a notice, if it is there.
    pub if_not_exists: bool,
    /// `TEMPORARY`: gone at the session's end.
    pub temporary: bool,
    /// `ON COMMIT`
    pub on_commit: OnCommit,
    /// Columns in table order.
    pub columns: Vec<ColumnSpec>,
    /// Primary key and unique constraints.
    pub keys: Vec<KeySpec>,
    /// Foreign keys.
    pub foreign_keys: Vec<ForeignKeySpec>,
    /// Checks.
    pub checks: Vec<CheckSpec>,
    /// Storage options, `WITH (name = value)`, checked by the catalog.
    pub options: Vec<(String, String)>,
    /// `CREATE TABLE AS`: the rows to fill it with; the columns are the query's.
    pub query: Option<Plan>,
    /// `CREATE TABLE AS … WITH NO DATA`.
    pub of_query: bool,
}

/// A column to create.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSpec {
    /// Name.
    pub name: String,
    /// Type.
    pub ty: DataType,
    /// `NOT NULL`, also from `PRIMARY KEY`, `serial` and identity.
    pub not_null: bool,
    /// `DEFAULT` text.
    pub default: Option<String>,
    /// `GENERATED ALWAYS AS (text) STORED`.
    pub generated: Option<String>,
    /// `GENERATED … AS IDENTITY`.
    pub identity: Option<IdentitySpec>,
    /// `serial` and its kin: a sequence owned by the column, and a default that draws from it.
    pub serial: bool,
}

/// `GENERATED { ALWAYS | BY DEFAULT } AS IDENTITY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentitySpec {
    /// `ALWAYS`: explicit values are refused.
    pub always: bool,
    /// The sequence.
    pub options: SequenceOptions,
}

/// A primary key or unique constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// Name, if given.
    pub name: Option<String>,
    /// Primary key or unique.
    pub primary: bool,
    /// Columns.
    pub columns: Vec<String>,
    /// `INCLUDE` columns.
    pub include: Vec<String>,
    /// `NULLS NOT DISTINCT`.
    pub nulls_not_distinct: bool,
    /// `DEFERRABLE`.
    pub deferrable: bool,
    /// `INITIALLY DEFERRED`.
    pub initially_deferred: bool,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKeySpec {
    /// Name, if given.
    pub name: Option<String>,
    /// Referencing columns.
    pub columns: Vec<String>,
    /// Referenced table.
    pub table: QualifiedName,
    /// Referenced columns; empty: the primary key.
    pub referred: Vec<String>,
    /// `MATCH FULL` (otherwise `MATCH SIMPLE`).
    pub match_full: bool,
    /// The columns that `ON DELETE SET NULL | DEFAULT (columns)` touches; empty: all.
    pub set_columns: Vec<String>,
    /// What to do when the referenced row goes.
    pub on_delete: ForeignAction,
    /// What to do when the referenced key changes.
    pub on_update: ForeignAction,
    /// `DEFERRABLE`.
    pub deferrable: bool,
    /// `INITIALLY DEFERRED`.
    pub initially_deferred: bool,
    /// `NOT VALID`: existing rows are not checked.
    pub not_valid: bool,
}

/// What happens to a referencing row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ForeignAction {
    /// It prevents the change, at the statement's end or when the constraint is due.
    #[default]
    NoAction,
    /// It prevents the change, at once.
    Restrict,
    /// It goes or changes too.
    Cascade,
    /// Its key becomes `NULL`.
    SetNull,
    /// Its key becomes the default.
    SetDefault,
}

/// A check constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckSpec {
    /// Name, if given.
    pub name: Option<String>,
    /// The condition's text.
    pub expr: String,
    /// The columns it reads, for the constraint's automatic name.
    pub columns: Vec<String>,
    /// `NOT VALID`: existing rows are not checked.
    pub not_valid: bool,
}

/// `ALTER TABLE`, and the few `ALTER` forms of other relations that PostgreSQL takes likewise.
#[derive(Clone, Debug)]
pub struct AlterTable {
    /// The table; `None`: it is not there, and `IF EXISTS` was written.
    pub table: Option<TableRef>,
    /// The name as written.
    pub name: QualifiedName,
    /// In order.
    pub actions: Vec<AlterAction>,
    /// `ALTER TABLE`, `ALTER VIEW`, …: how it was written.
    pub tag: &'static str,
}

/// One action of `ALTER TABLE`.
#[derive(Clone, Debug)]
pub enum AlterAction {
    /// `ADD COLUMN`, with the constraints written on it.
    AddColumn {
        /// The column.
        column: Box<ColumnSpec>,
        /// Do nothing, with a notice, if it is there.
        if_not_exists: bool,
        /// Keys.
        keys: Vec<KeySpec>,
        /// Foreign keys.
        foreign_keys: Vec<ForeignKeySpec>,
        /// Checks.
        checks: Vec<CheckSpec>,
    },
    /// `DROP COLUMN`.
    DropColumn {
        /// Name.
        name: String,
        /// Do nothing, with a notice, if it is not there.
        if_exists: bool,
        /// With what depends on it.
        cascade: Cascade,
    },
    /// `RENAME COLUMN`.
    RenameColumn(Rename),
    /// `RENAME TO`.
    RenameTable {
        /// New name.
        to: String,
    },
    /// `RENAME CONSTRAINT`.
    RenameConstraint(Rename),
    /// `SET SCHEMA`.
    SetSchema {
        /// New schema.
        schema: String,
    },
    /// `ALTER COLUMN … TYPE`.
    SetType {
        /// Column.
        column: String,
        /// New type.
        ty: DataType,
        /// `USING` text; otherwise an assignment cast.
        using: Option<String>,
    },
    /// `ALTER COLUMN … SET DEFAULT`.
    SetDefault {
        /// Column.
        column: String,
        /// Text.
        default: String,
    },
    /// `ALTER COLUMN … DROP DEFAULT`.
    DropDefault {
        /// Column.
        column: String,
    },
    /// `ALTER COLUMN … SET NOT NULL`.
    SetNotNull {
        /// Column.
        column: String,
    },
    /// `ALTER COLUMN … DROP NOT NULL`.
    DropNotNull {
        /// Column.
        column: String,
    },
    /// `ALTER COLUMN … ADD GENERATED … AS IDENTITY`.
    AddIdentity {
        /// Column.
        column: String,
        /// The identity.
        identity: IdentitySpec,
    },
    /// `ALTER COLUMN … DROP IDENTITY`.
    DropIdentity {
        /// Column.
        column: String,
        /// Do nothing, with a notice, if it is none.
        if_exists: bool,
    },
    /// `ALTER COLUMN … DROP EXPRESSION`: a generated column becomes an ordinary one.
    DropExpression {
        /// Column.
        column: String,
        /// Do nothing, with a notice, if it is none.
        if_exists: bool,
    },
    /// `ADD CONSTRAINT … PRIMARY KEY | UNIQUE`.
    AddKey(KeySpec),
    /// `ADD CONSTRAINT … FOREIGN KEY`.
    AddForeignKey(ForeignKeySpec),
    /// `ADD CONSTRAINT … CHECK`.
    AddCheck(CheckSpec),
    /// `DROP CONSTRAINT`.
    DropConstraint {
        /// Name.
        name: String,
        /// Do nothing, with a notice, if it is not there.
        if_exists: bool,
        /// With what depends on it.
        cascade: Cascade,
    },
    /// `ALTER CONSTRAINT`.
    AlterConstraint {
        /// Name.
        name: String,
        /// Whether its check can wait until commit.
        deferrable: bool,
        /// Whether it does so unless told otherwise.
        initially_deferred: bool,
    },
    /// `VALIDATE CONSTRAINT`.
    ValidateConstraint {
        /// Name.
        name: String,
    },
    /// `SET (name = value)`.
    SetOptions(Vec<(String, String)>),
    /// `ENABLE ROW LEVEL SECURITY` and its kin.
    RowSecurity(helios_table::ddl::RowSecurityChange),
    /// What changes nothing: owners, logging, statistics targets.
    Nothing,
    /// `RESET (name)`.
    ResetOptions(Vec<String>),
}

/// An old name and a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// Old.
    pub from: String,
    /// New.
    pub to: String,
}

/// What happens to objects that depend on a dropped one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cascade {
    /// They prevent the drop: error 2BP01.
    Restrict,
    /// They are dropped too.
    Cascade,
}

/// `CREATE INDEX`.
#[derive(Clone, Debug)]
pub struct CreateIndex {
    /// Name, if given.
    pub name: Option<String>,
    /// Do nothing, with a notice, if the name is taken.
    pub if_not_exists: bool,
    /// On.
    pub table: TableRef,
    /// `UNIQUE`.
    pub unique: bool,
    /// `NULLS NOT DISTINCT`.
    pub nulls_not_distinct: bool,
    /// `USING`: `btree` if not given.
    pub method: String,
    /// Keys.
    pub keys: Vec<IndexKey>,
    /// `INCLUDE` columns.
    pub include: Vec<String>,
    /// `WHERE` text.
    pub predicate: Option<String>,
    /// `WITH (name = value)`.
    pub options: Vec<(String, String)>,
}

/// One key of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexKey {
    /// The column's name, unless it is an expression.
    pub column: Option<String>,
    /// The expression's text, unless it is a column.
    pub expr: Option<String>,
    /// The key's type.
    pub ty: DataType,
    /// `DESC`.
    pub descending: bool,
    /// `NULLS FIRST`, the default with `DESC`.
    pub nulls_first: bool,
    /// What the automatic name says of this key: the column, or the function's name, or `expr`.
    pub label: String,
    /// The operator class, which only indexes of nearness have.
    pub class: Option<String>,
}

/// `CREATE VIEW`.
#[derive(Clone, Debug)]
pub struct CreateView {
    /// Name.
    pub name: QualifiedName,
    /// Replace it, if the old columns are a prefix of the new ones.
    pub or_replace: bool,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// Its columns.
    pub columns: Vec<(String, DataType)>,
    /// The query's text.
    pub query: String,
    /// The tables and views it reads.
    pub depends: Vec<TableRef>,
    /// The columns of tables that it names.
    pub columns_read: BTreeSet<(TableId, ColumnId)>,
    /// `WITH CHECK OPTION`
    pub check_option: Option<CheckOption>,
}

/// `CREATE SEQUENCE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSequence {
    /// Name.
    pub name: QualifiedName,
    /// Do nothing, with a notice, if it is there.
    pub if_not_exists: bool,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// Options.
    pub options: SequenceOptions,
}

/// Options of a sequence; `None` leaves the default (or, in `ALTER`, the old value).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SequenceOptions {
    /// `AS smallint | integer | bigint`.
    pub ty: Option<DataType>,
    /// `START WITH`.
    pub start: Option<i64>,
    /// `INCREMENT BY`; not zero.
    pub increment: Option<i64>,
    /// `MINVALUE`; inner `None`: `NO MINVALUE`.
    pub min: Option<Option<i64>>,
    /// `MAXVALUE`; inner `None`: `NO MAXVALUE`.
    pub max: Option<Option<i64>>,
    /// `CACHE`; at least 1.
    pub cache: Option<i64>,
    /// `CYCLE` or `NO CYCLE`.
    pub cycle: Option<bool>,
    /// `RESTART [WITH]`; inner `None`: at the start value. Only in `ALTER`.
    pub restart: Option<Option<i64>>,
    /// `OWNED BY table.column`; inner `None`: `OWNED BY NONE`.
    pub owned_by: Option<Option<(QualifiedName, String)>>,
    /// `SEQUENCE NAME`, of a column's identity.
    pub name: Option<QualifiedName>,
}

/// `CREATE SCHEMA`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSchema {
    /// Name; without one it is the owner's.
    pub name: Option<String>,
    /// `AUTHORIZATION`: whose it is, if not that of the role that creates it.
    pub owner: Option<RoleSpec>,
    /// Do nothing, with a notice, if it is there.
    pub if_not_exists: bool,
    /// The statements that create what is in it; each with blanks in front of it for the text that
    /// was there, so that errors point into that.
    pub elements: Vec<String>,
}

/// What `DROP` drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropTarget {
    /// A table.
    Table,
    /// A view.
    View,
    /// An index.
    Index,
    /// A sequence.
    Sequence,
    /// A schema.
    Schema,
    /// A type.
    Type,
    /// A domain.
    Domain,
}

/// `DROP`. Names are resolved by the executor, in its transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// What kind of object.
    pub target: DropTarget,
    /// Which.
    pub names: Vec<QualifiedName>,
    /// A missing one is a notice, not an error.
    pub if_exists: bool,
    /// With what depends on it.
    pub cascade: Cascade,
}

/// `TRUNCATE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncate {
    /// Tables.
    pub tables: Vec<TableRef>,
    /// `RESTART IDENTITY`.
    pub restart_identity: bool,
    /// With the tables that refer to them.
    pub cascade: Cascade,
}

/// `COMMENT ON`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// What it is about.
    pub target: CommentTarget,
    /// The text; `None` removes it.
    pub text: Option<String>,
}

/// What a comment is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommentTarget {
    /// A table.
    Table(QualifiedName),
    /// A view.
    View(QualifiedName),
    /// An index.
    Index(QualifiedName),
    /// A sequence.
    Sequence(QualifiedName),
    /// A schema.
    Schema(String),
    /// A type or domain.
    Type(QualifiedName),
    /// A table's column.
    Column(QualifiedName, String),
    /// A table's constraint.
    Constraint(QualifiedName, String),
}
