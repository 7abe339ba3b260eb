//! Statements about transactions, settings, prepared statements, cursors, branches and files.

use std::sync::Arc;

use helios_base::{ColumnId, TableId};
use helios_expr::Expr;

use super::{Plan, PlanColumn, QualifiedName, Statement, TableRef};

/// Isolation levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// Another name of the next, as in PostgreSQL.
    ReadUncommitted,
    /// Each statement sees what was committed before it began.
    ReadCommitted,
    /// One snapshot for the transaction.
    RepeatableRead,
    /// As if one transaction ran after the other.
    Serializable,
}

/// Modes of `BEGIN`, `SET TRANSACTION` and `SET SESSION CHARACTERISTICS`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionModes {
    /// Level, if given.
    pub isolation: Option<Isolation>,
    /// `READ ONLY` or `READ WRITE`, if given.
    pub read_only: Option<bool>,
    /// `DEFERRABLE` or `NOT DEFERRABLE`, if given.
    pub deferrable: Option<bool>,
    /// `AS OF`: the clause as it was written.
    pub as_of: Option<Arc<str>>,
}

/// Statements that begin, end or subdivide a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionCommand {
    /// `BEGIN`.
    Begin(TransactionModes),
    /// `START TRANSACTION`.
    Start(TransactionModes),
    /// `COMMIT`, `END`.
    Commit {
        /// `AND CHAIN`.
        chain: bool,
    },
    /// `ROLLBACK`, `ABORT`.
    Rollback {
        /// `AND CHAIN`.
        chain: bool,
    },
    /// `PREPARE TRANSACTION`.
    Prepare,
    /// `COMMIT PREPARED`, `ROLLBACK PREPARED`.
    EndPrepared {
        /// Which of the two.
        commit: bool,
        /// The transaction's identifier.
        name: String,
    },
    /// `SAVEPOINT`.
    Savepoint(String),
    /// `RELEASE SAVEPOINT`.
    Release(String),
    /// `ROLLBACK TO SAVEPOINT`.
    RollbackTo(String),
    /// `SET TRANSACTION`.
    SetTransaction(TransactionModes),
    /// `SET SESSION CHARACTERISTICS AS TRANSACTION`.
    SetCharacteristics(TransactionModes),
    /// `SET CONSTRAINTS`; no names means `ALL`.
    SetConstraints {
        /// Which constraints.
        names: Vec<QualifiedName>,
        /// `DEFERRED` or `IMMEDIATE`.
        deferred: bool,
    },
}

/// How long a setting lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetScope {
    /// `SET SESSION`.
    Session,
    /// `SET LOCAL`.
    Local,
}

/// The right side of `SET`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetValue {
    /// `DEFAULT`.
    Default,
    /// Words, strings and numbers, as text; several for list settings such as `search_path`.
    Values(Vec<String>),
}

/// How `EXPLAIN` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExplainFormat {
    /// Lines of text.
    Text,
    /// One JSON document.
    Json,
}

/// `EXPLAIN`.
#[derive(Clone, Debug)]
pub struct Explain {
    /// What to explain.
    pub statement: Box<Statement>,
    /// Runs it too.
    pub analyze: bool,
    /// More about each node.
    pub verbose: bool,
    /// Estimates; on unless switched off.
    pub costs: bool,
    /// Actual times, with `ANALYZE`; on unless switched off.
    pub timing: bool,
    /// Buffer counts.
    pub buffers: bool,
    /// The closing summary; `None`: only with `ANALYZE`.
    pub summary: Option<bool>,
    /// How to print.
    pub format: ExplainFormat,
}

/// `PREPARE`: the text is bound when it is executed, as every prepared statement.
#[derive(Clone, Debug)]
pub struct Prepare {
    /// Name.
    pub name: String,
    /// Declared parameter types.
    pub types: Vec<helios_base::DataType>,
    /// The statement's text.
    pub text: Arc<str>,
    /// The statement, bound.
    pub bound: Box<super::Bound>,
}

/// `DECLARE … CURSOR`.
#[derive(Clone, Debug)]
pub struct Cursor {
    /// Name.
    pub name: String,
    /// The query.
    pub query: super::Query,
    /// How many of its columns are shown; others follow for `tables`.
    pub shown: usize,
    /// The tables whose rows `WHERE CURRENT OF` can name.
    pub tables: Vec<CursorTable>,
    /// `SCROLL`, `NO SCROLL`, or nothing said.
    pub scroll: Option<bool>,
    /// `WITH HOLD`: lives on after the transaction.
    pub hold: bool,
    /// `BINARY`.
    pub binary: bool,
}

/// A table whose rows a cursor shows.
#[derive(Clone, Debug)]
pub struct CursorTable {
    /// The table.
    pub table: TableId,
    /// What names its row.
    pub key: CursorKey,
}

/// What in a cursor's row names a table's row.
#[derive(Clone, Debug)]
pub enum CursorKey {
    /// The row's encoded key, in this column.
    Encoded(usize),
    /// The columns of the table's primary key, in these columns.
    Columns(Vec<(ColumnId, usize)>),
}

/// Where `FETCH` and `MOVE` go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FetchDirection {
    /// So many rows onward (`NEXT` is 1); backward if negative (`PRIOR`), 0: the current row again.
    Forward(i64),
    /// All remaining rows.
    ForwardAll,
    /// All rows before.
    BackwardAll,
    /// The row of this number, from the end if negative (`FIRST` is 1, `LAST` is -1).
    Absolute(i64),
    /// The row so far away.
    Relative(i64),
}

/// `FETCH` and `MOVE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The cursor.
    pub cursor: String,
    /// Where to.
    pub direction: FetchDirection,
    /// `MOVE`: rows are only counted.
    pub only_move: bool,
}

/// File formats of `COPY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyFormat {
    /// PostgreSQL's tab-separated text.
    Text,
    /// Comma-separated values.
    Csv,
    /// PostgreSQL's binary format.
    Binary,
    /// One JSON object a line.
    Json,
    /// Apache Parquet.
    Parquet,
    /// An array of NumPy.
    Npy,
    /// Another, by name, which the executor refuses.
    Other(String),
}

/// The other end of `COPY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyTarget {
    /// `STDIN` or `STDOUT`: the client.
    Client,
    /// A file on the machine that runs the statement.
    File(String),
}

/// `COPY`.
#[derive(Clone, Debug)]
pub struct Copy {
    /// The table, unless it copies a query out.
    pub table: Option<TableRef>,
    /// `COPY table FROM`: how to insert; the source is an empty [`Plan::Values`] of text columns
    /// that the executor replaces by the rows it reads.
    pub insert: Option<Box<super::Insert>>,
    /// `COPY … TO`: the rows to write.
    pub query: Option<Box<Plan>>,
    /// The columns copied.
    pub columns: Vec<PlanColumn>,
    /// The other end.
    pub target: CopyTarget,
    /// `FROM`: into the table.
    pub from: bool,
    /// Format.
    pub format: CopyFormat,
    /// Options as written, in lower case: `header`, `delimiter`, `null`, `quote`, `escape`,
    /// `force_quote`, `encoding`, …; checked by the executor. The parts of a list stand between
    /// zero characters.
    pub options: Vec<(String, String)>,
    /// Whether the columns were named.
    pub named: bool,
    /// What stands for the marker of `DEFAULT` in each of the columns; empty without that option.
    pub defaults: Vec<Option<Expr>>,
    /// `WHERE` of `COPY FROM`, over the table's row.
    pub filter: Option<Expr>,
}

/// Statements about branches.
#[derive(Clone, Debug)]
pub enum BranchCommand {
    /// `USE BRANCH`, `USE DATABASE BRANCH`.
    Use {
        /// Name.
        name: String,
        /// Only for the running transaction.
        transaction: bool,
    },
    /// `CREATE [DATABASE] BRANCH name [FROM parent] [AS OF …]`.
    Create {
        /// Name.
        name: String,
        /// Do nothing, with a notice, if it is there.
        if_not_exists: bool,
        /// Parent and moment; the current branch, now, if not given.
        from: super::AsOf,
        /// `WITH (name = value)`.
        options: Vec<(String, String)>,
    },
    /// `DROP [DATABASE] BRANCH`.
    Drop {
        /// Name.
        name: String,
        /// A missing one is a notice.
        if_exists: bool,
        /// With its children.
        cascade: super::Cascade,
    },
    /// `ALTER [DATABASE] BRANCH name RENAME TO new`.
    Rename {
        /// Old name.
        name: String,
        /// New name.
        to: String,
    },
    /// `ALTER [DATABASE] BRANCH name SET (name = value)`.
    Set {
        /// Name.
        name: String,
        /// Options.
        options: Vec<(String, String)>,
    },
    /// Merges, and named snapshots.
    Merge(super::MergeCommand),
}

/// Messages between sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenCommand {
    /// `LISTEN channel`
    Listen(String),
    /// `UNLISTEN channel`; `None` for `*`.
    Unlisten(Option<String>),
    /// `NOTIFY channel [, payload]`
    Notify {
        /// To whom.
        channel: String,
        /// What.
        payload: Option<String>,
    },
}
