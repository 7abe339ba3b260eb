//! Statements that change the schema, as written.

use super::{Ident, Name, OrderBy, Pos, Query, Span, TextExpr, TypeName};
use crate::plan::{Cascade, DropTarget, OnCommit};
use helios_table::catalog::CheckOption;

/// `CREATE TABLE`
#[derive(Clone, Debug)]
pub struct CreateTable {
    /// Name.
    pub name: Name,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `TEMPORARY`
    pub temporary: bool,
    /// `ON COMMIT`
    pub on_commit: Option<OnCommit>,
    /// Columns, unless it is `CREATE TABLE AS`.
    pub columns: Vec<ColumnDef>,
    /// `LIKE table`
    pub like: Vec<Like>,
    /// Table constraints.
    pub constraints: Vec<Constraint>,
    /// `WITH (…)`
    pub options: Vec<StorageOption>,
    /// `CREATE TABLE AS`
    pub query: Option<TableAs>,
}

/// `LIKE table INCLUDING …` inside `CREATE TABLE`
#[derive(Clone, Debug)]
pub struct Like {
    /// The model.
    pub table: Name,
    /// `INCLUDING`, in lower case.
    pub including: Vec<String>,
    /// How many of the columns stand before it.
    pub after: usize,
}

/// `CREATE TABLE AS`
#[derive(Clone, Debug)]
pub struct TableAs {
    /// New column names.
    pub columns: Vec<Ident>,
    /// The query.
    pub query: Query,
    /// `WITH DATA`
    pub with_data: bool,
}

/// `name = value` in `WITH (…)`
#[derive(Clone, Debug)]
pub struct StorageOption {
    /// Name, lower case.
    pub name: String,
    /// Value as text; `true` if none was written.
    pub value: String,
    /// Where.
    pub pos: Pos,
}

/// A column of `CREATE TABLE`, `ADD COLUMN`
#[derive(Clone, Debug)]
pub struct ColumnDef {
    /// Name.
    pub name: Ident,
    /// Type.
    pub ty: TypeName,
    /// `COLLATE`
    pub collation: Option<Name>,
    /// Constraints in order.
    pub constraints: Vec<Constraint>,
}

/// A constraint on a column or a table.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// `CONSTRAINT name`
    pub name: Option<Ident>,
    /// What.
    pub kind: ConstraintKind,
    /// `DEFERRABLE`, `NOT DEFERRABLE`
    pub deferrable: Option<bool>,
    /// `INITIALLY DEFERRED`, `INITIALLY IMMEDIATE`
    pub initially_deferred: Option<bool>,
    /// `NOT VALID`
    pub not_valid: bool,
    /// `NO INHERIT`
    pub no_inherit: bool,
    /// Where it begins.
    pub pos: Pos,
}

/// Kinds of constraint.
#[derive(Clone, Debug)]
pub enum ConstraintKind {
    /// `NOT NULL`
    NotNull,
    /// `NULL`
    Null,
    /// `DEFAULT`
    Default(TextExpr),
    /// `GENERATED ALWAYS AS (…) STORED`
    Generated(TextExpr),
    /// `GENERATED … AS IDENTITY`
    Identity {
        /// `ALWAYS`
        always: bool,
        /// Options of the sequence.
        options: Vec<SequenceOption>,
    },
    /// `CHECK`
    Check(TextExpr),
    /// `PRIMARY KEY`, `UNIQUE`
    Key {
        /// `PRIMARY KEY`
        primary: bool,
        /// Columns; empty on a column: itself.
        columns: Vec<Ident>,
        /// `INCLUDE`
        include: Vec<Ident>,
        /// `NULLS NOT DISTINCT`
        nulls_not_distinct: bool,
        /// `USING INDEX`
        using_index: Option<Ident>,
        /// `WITH (…)`
        options: Vec<StorageOption>,
    },
    /// `REFERENCES`, `FOREIGN KEY`
    Foreign {
        /// Columns; empty on a column: itself.
        columns: Vec<Ident>,
        /// Referenced table.
        table: Name,
        /// Referenced columns.
        referred: Vec<Ident>,
        /// `MATCH FULL`
        match_full: bool,
        /// `ON DELETE`
        on_delete: Action,
        /// `ON UPDATE`
        on_update: Action,
    },
}

/// Actions of a foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `NO ACTION`
    NoAction,
    /// `RESTRICT`
    Restrict,
    /// `CASCADE`
    Cascade,
    /// `SET NULL`, with its columns
    SetNull(Vec<Ident>),
    /// `SET DEFAULT`, with its columns
    SetDefault(Vec<Ident>),
}

/// An option of a sequence.
#[derive(Clone, Debug)]
pub enum SequenceOption {
    /// `AS type`
    Type(TypeName),
    /// `START`
    Start(i64),
    /// `INCREMENT`
    Increment(i64),
    /// `MINVALUE`, `NO MINVALUE`
    Min(Option<i64>),
    /// `MAXVALUE`, `NO MAXVALUE`
    Max(Option<i64>),
    /// `CACHE`
    Cache(i64),
    /// `CYCLE`, `NO CYCLE`
    Cycle(bool),
    /// `RESTART`
    Restart(Option<i64>),
    /// `OWNED BY table.column`, `OWNED BY NONE`
    OwnedBy(Option<(Name, Ident)>),
    /// `SEQUENCE NAME`, of a column's identity.
    Named(Name),
}

/// What `CREATE SCHEMA` creates in the schema.
#[derive(Clone, Debug)]
pub struct SchemaElement {
    /// When it is created: sequences come first, then tables, views, indexes, grants.
    pub turn: u8,
    /// The schema that it says it is in.
    pub schema: Option<Ident>,
    /// Its text.
    pub span: Span,
}

/// `ALTER TABLE`
#[derive(Clone, Debug)]
pub struct AlterTable {
    /// Name.
    pub name: Name,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// Actions.
    pub actions: Vec<(AlterAction, Pos)>,
    /// `ALTER TABLE`, `ALTER VIEW`, …: how it was written.
    pub tag: &'static str,
}

/// One action of `ALTER TABLE`
#[derive(Clone, Debug)]
pub enum AlterAction {
    /// `ADD COLUMN`
    AddColumn(Box<ColumnDef>, bool),
    /// `DROP COLUMN`
    DropColumn(Ident, bool, Cascade),
    /// `RENAME COLUMN`
    RenameColumn(Ident, Ident),
    /// `RENAME TO`
    Rename(Ident),
    /// `RENAME CONSTRAINT`
    RenameConstraint(Ident, Ident),
    /// `SET SCHEMA`
    SetSchema(Ident),
    /// `ALTER COLUMN … TYPE … USING`
    SetType(Ident, TypeName, Option<Name>, Option<TextExpr>),
    /// `SET DEFAULT`
    SetDefault(Ident, TextExpr),
    /// `DROP DEFAULT`
    DropDefault(Ident),
    /// `SET NOT NULL`
    SetNotNull(Ident),
    /// `DROP NOT NULL`
    DropNotNull(Ident),
    /// `ADD GENERATED … AS IDENTITY`
    AddIdentity(Ident, bool, Vec<SequenceOption>),
    /// `DROP IDENTITY`
    DropIdentity(Ident, bool),
    /// `DROP EXPRESSION`
    DropExpression(Ident, bool),
    /// `ADD CONSTRAINT`
    AddConstraint(Box<Constraint>),
    /// `DROP CONSTRAINT`
    DropConstraint(Ident, bool, Cascade),
    /// `ALTER CONSTRAINT`: its name, and when it is checked
    AlterConstraint(Box<Constraint>),
    /// `VALIDATE CONSTRAINT`
    Validate(Ident),
    /// `SET (…)`
    SetOptions(Vec<StorageOption>),
    /// `RESET (…)`
    ResetOptions(Vec<Ident>),
    /// `ALTER COLUMN … SET COMPRESSION`
    Compression(Ident, String),
    /// `ENABLE ROW LEVEL SECURITY` and its kin
    RowSecurity(helios_table::ddl::RowSecurityChange),
    /// What changes nothing here, of a column: statistics targets, storage kinds.
    NothingOf(Ident),
    /// What changes nothing here: owners, `SET UNLOGGED`.
    Nothing,
}

/// `CREATE INDEX`
#[derive(Clone, Debug)]
pub struct CreateIndex {
    /// Name.
    pub name: Option<Ident>,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// Table.
    pub table: Name,
    /// `UNIQUE`
    pub unique: bool,
    /// `NULLS NOT DISTINCT`
    pub nulls_not_distinct: bool,
    /// `USING`
    pub method: Option<Ident>,
    /// Keys.
    pub keys: Vec<IndexKey>,
    /// `INCLUDE`
    pub include: Vec<Ident>,
    /// `WITH (…)`
    pub options: Vec<StorageOption>,
    /// `WHERE`
    pub filter: Option<TextExpr>,
}

/// One key of an index.
#[derive(Clone, Debug)]
pub struct IndexKey {
    /// What by, and in which order.
    pub key: OrderBy,
    /// The text of the expression, without parentheses around.
    pub span: Span,
    /// The operator class, unless it orders text by its bytes.
    pub class: Option<Ident>,
}

/// `CREATE VIEW`
#[derive(Clone, Debug)]
pub struct CreateView {
    /// Name.
    pub name: Name,
    /// `OR REPLACE`
    pub or_replace: bool,
    /// `TEMPORARY`
    pub temporary: bool,
    /// Column names.
    pub columns: Vec<Ident>,
    /// The query.
    pub query: Query,
    /// `WITH CHECK OPTION`
    pub check_option: Option<CheckOption>,
}

/// `CREATE SEQUENCE`, `ALTER SEQUENCE`
#[derive(Clone, Debug)]
pub struct Sequence {
    /// Name.
    pub name: Name,
    /// `IF [NOT] EXISTS`
    pub conditional: bool,
    /// `TEMPORARY`
    pub temporary: bool,
    /// Options.
    pub options: Vec<SequenceOption>,
}

/// `DROP`
#[derive(Clone, Debug)]
pub struct Drop {
    /// What kind of object.
    pub target: DropTarget,
    /// Names.
    pub names: Vec<Name>,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// `CASCADE`
    pub cascade: Cascade,
}

/// `TRUNCATE`
#[derive(Clone, Debug)]
pub struct Truncate {
    /// Tables.
    pub tables: Vec<Name>,
    /// `RESTART IDENTITY`
    pub restart_identity: bool,
    /// `CASCADE`
    pub cascade: Cascade,
}
