//! Statements as written.

use super::{
    AlterTable, AlterType, AsOf, CreateIndex, CreateTable, CreateType, CreateView, Delete, Drop,
    Expr, Ident, Insert, Merge, Name, Pos, Query, SchemaElement, Sequence, Span, StorageOption,
    Truncate, TypeName, Update,
};
use crate::plan::{
    Cascade, CommentTarget, Fetch, RoleSpec, SetScope, SetValue, TransactionCommand,
};

/// Anything a client can send.
#[derive(Clone, Debug)]
pub enum Statement {
    /// A query.
    Query(Box<Query>),
    /// `INSERT`
    Insert(Box<Insert>),
    /// `UPDATE`
    Update(Box<Update>),
    /// `DELETE`
    Delete(Box<Delete>),
    /// `MERGE`
    Merge(Box<Merge>),
    /// `CREATE TABLE`
    CreateTable(Box<CreateTable>),
    /// `ALTER TABLE`
    AlterTable(Box<AlterTable>),
    /// `CREATE INDEX`
    CreateIndex(Box<CreateIndex>),
    /// `CREATE VIEW`
    CreateView(Box<CreateView>),
    /// `CREATE SEQUENCE`
    CreateSequence(Box<Sequence>),
    /// `ALTER SEQUENCE`
    AlterSequence(Box<Sequence>),
    /// `CREATE SCHEMA`
    CreateSchema {
        /// Name; without one it is the owner's.
        name: Option<Ident>,
        /// `AUTHORIZATION`
        owner: Option<RoleSpec>,
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// What is created in it, in the order of creation.
        elements: Vec<SchemaElement>,
    },
    /// `ALTER SCHEMA … RENAME TO`
    RenameSchema(Ident, Ident),
    /// `CREATE FUNCTION`, `CREATE PROCEDURE`
    CreateFunction(Box<super::CreateFunction>),
    /// `ALTER FUNCTION`, `ALTER PROCEDURE`
    AlterFunction(Box<super::AlterFunction>),
    /// `DROP FUNCTION`, `DROP PROCEDURE`
    DropFunction(Box<super::DropFunction>),
    /// `COMMENT ON FUNCTION`, `COMMENT ON PROCEDURE`
    CommentFunction(Box<super::CommentFunction>),
    /// `CALL`
    Call(Box<super::CallProcedure>),
    /// `ALTER INDEX … RENAME TO`
    RenameIndex {
        /// Old.
        name: Name,
        /// `IF EXISTS`
        if_exists: bool,
        /// New.
        to: Ident,
    },
    /// `DROP`
    Drop(Drop),
    /// `TRUNCATE`
    Truncate(Truncate),
    /// `COMMENT ON`
    Comment {
        /// What about.
        target: CommentTarget,
        /// The text.
        text: Option<String>,
    },
    /// `CREATE TYPE`, `CREATE DOMAIN`
    CreateType(Box<CreateType>),
    /// `ALTER TYPE`, `ALTER DOMAIN`
    AlterType(Box<AlterType>),
    /// `CREATE ROLE`, `GRANT` and their kin
    Role(Box<crate::plan::RoleCommand>),
    /// `CREATE POLICY` and its kin
    Policy(Box<super::PolicyStatement>),
    /// `COPY`
    Copy(Box<Copy>),
    /// `BEGIN` and its kin
    Transaction(TransactionCommand),
    /// `SET`
    Set {
        /// Setting.
        name: String,
        /// Value.
        value: SetValue,
        /// How long.
        scope: SetScope,
    },
    /// `SHOW`
    Show(Option<String>),
    /// `RESET`
    Reset(Option<String>),
    /// `EXPLAIN`
    Explain(Box<Explain>),
    /// `PREPARE`
    Prepare {
        /// Name.
        name: Ident,
        /// Parameter types.
        types: Vec<TypeName>,
        /// Statement.
        statement: Box<Statement>,
        /// Its text.
        span: Span,
    },
    /// `EXECUTE`
    Execute {
        /// Name.
        name: Ident,
        /// Arguments.
        args: Vec<Expr>,
    },
    /// `DEALLOCATE`
    Deallocate(Option<Ident>),
    /// `DECLARE`
    Declare(Box<Declare>),
    /// `FETCH`, `MOVE`
    Fetch(Fetch),
    /// `CLOSE`
    Close(Option<Ident>),
    /// `ANALYZE`
    Analyze(Vec<Name>),
    /// `VACUUM`
    Vacuum {
        /// Tables.
        tables: Vec<Name>,
        /// `ANALYZE`
        analyze: bool,
        /// `FULL`
        full: bool,
    },
    /// `CHECKPOINT`
    Checkpoint,
    /// `CREATE EXTENSION`, `DROP EXTENSION`
    Extension(crate::plan::ExtensionCommand),
    /// `LISTEN`, `UNLISTEN`, `NOTIFY`
    Listen(crate::plan::ListenCommand),
    /// `REINDEX` of a table or index, or of everything.
    Reindex(Option<Name>),
    /// `DISCARD`
    Discard(String),
    /// `LOCK TABLE`
    Lock {
        /// Tables.
        tables: Vec<Name>,
        /// Mode, upper case.
        mode: String,
        /// `NOWAIT`
        no_wait: bool,
    },
    /// Branches.
    Branch(Box<Branch>),
}

/// `EXPLAIN`
#[derive(Clone, Debug)]
pub struct Explain {
    /// What.
    pub statement: Statement,
    /// Options, lower case, with their values.
    pub options: Vec<StorageOption>,
}

/// `DECLARE`
#[derive(Clone, Debug)]
pub struct Declare {
    /// Name.
    pub name: Ident,
    /// `SCROLL`, `NO SCROLL`
    pub scroll: Option<bool>,
    /// `WITH HOLD`
    pub hold: bool,
    /// `BINARY`
    pub binary: bool,
    /// Query.
    pub query: Query,
}

/// `COPY`
#[derive(Clone, Debug)]
pub struct Copy {
    /// The table, with columns …
    pub table: Option<(Name, Vec<Ident>)>,
    /// … or the query.
    pub query: Option<Statement>,
    /// `FROM`
    pub from: bool,
    /// `None`: the client.
    pub file: Option<String>,
    /// Options.
    pub options: Vec<StorageOption>,
    /// `WHERE`
    pub filter: Option<Expr>,
    /// Where it begins.
    pub pos: Pos,
}

/// Statements about branches.
#[derive(Clone, Debug)]
pub enum Branch {
    /// `USE`
    Use {
        /// Name.
        name: Ident,
        /// `FOR TRANSACTION`
        transaction: bool,
    },
    /// `CREATE`
    Create {
        /// Name.
        name: Ident,
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// `FROM parent`
        parent: Option<Ident>,
        /// `AS OF`
        at: Option<AsOf>,
        /// `WITH (…)`
        options: Vec<StorageOption>,
    },
    /// `DROP`
    Drop {
        /// Name.
        name: Ident,
        /// `IF EXISTS`
        if_exists: bool,
        /// `CASCADE`
        cascade: Cascade,
    },
    /// `ALTER … RENAME TO`
    Rename(Ident, Ident),
    /// `ALTER … SET (…)`
    Set(Ident, Vec<StorageOption>),
    /// Merges and named snapshots
    Merge(Box<super::BranchMerge>),
}
