//! Statements, bound.

use std::sync::Arc;

use helios_base::{DataType, IndexId};
use helios_expr::Expr;

use super::{
    AlterFunction, AlterTable, AlterType, BranchCommand, Comment, CommentFunction, Copy,
    CreateFunction, CreateIndex, CreateSchema, CreateSequence, CreateTable, CreateType, CreateView,
    Cursor, Delete, Drop, DropFunction, Explain, Fetch, Insert, Merge, Plan, PlanColumn, Prepare,
    QualifiedName, Routine, SequenceOptions, SetScope, SetValue, TableRef, TransactionCommand,
    Truncate, Update,
};

/// A statement with all that is needed to run it.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The statement.
    pub statement: Statement,
    /// The subplans that its expressions refer to, by [`helios_expr::Expr::Subplan`]'s number.
    pub subplans: Vec<Subplan>,
    /// The types of the parameters `$1`, `$2`, …
    pub params: Vec<DataType>,
    /// The other moments that it reads at, by [`super::MomentId`].
    pub moments: Vec<super::Moment>,
    /// Whether the binding depends on the search path, the time zone or another setting only
    /// through the catalog version; such a plan may be cached.
    pub cacheable: bool,
    /// Whether it writes a table whose rows the role may not see all of: errors then show no row.
    pub hides_rows: bool,
    /// A constant in it whose evaluation fails: it does before anything runs.
    pub failing: Option<Expr>,
}

/// A query inside an expression; it runs in a frame.
///
/// The arguments of the referring [`Expr::Subplan`] are the frame's values, followed, for `IN` and
/// quantified comparisons, by the left operand.
#[derive(Clone, Debug)]
pub struct Subplan {
    /// The query.
    pub plan: Plan,
    /// How many values the frame has.
    pub frame: usize,
}

/// A query as a statement.
#[derive(Clone, Debug)]
pub struct Query {
    /// The rows.
    pub plan: Plan,
}

/// Anything a client can send.
#[derive(Clone, Debug)]
pub enum Statement {
    /// `SELECT`, `VALUES`, `TABLE`, `WITH`.
    Query(Query),
    /// `INSERT`
    Insert(Box<Insert>),
    /// `UPDATE`
    Update(Box<Update>),
    /// `DELETE`
    Delete(Box<Delete>),
    /// `MERGE`
    Merge(Box<Merge>),
    /// `CREATE TABLE [AS]`, `SELECT INTO`
    CreateTable(Box<CreateTable>),
    /// `ALTER TABLE`
    AlterTable(Box<AlterTable>),
    /// `CREATE INDEX`
    CreateIndex(Box<CreateIndex>),
    /// `CREATE VIEW`
    CreateView(Box<CreateView>),
    /// `CREATE SEQUENCE`
    CreateSequence(Box<CreateSequence>),
    /// `ALTER SEQUENCE`
    AlterSequence {
        /// Name.
        name: QualifiedName,
        /// A missing one is a notice.
        if_exists: bool,
        /// What changes.
        options: Box<SequenceOptions>,
    },
    /// `CREATE SCHEMA`
    CreateSchema(CreateSchema),
    /// `ALTER SCHEMA … RENAME TO`
    RenameSchema(super::Rename),
    /// `ALTER INDEX … RENAME TO`
    RenameIndex {
        /// Old name.
        name: QualifiedName,
        /// A missing one is a notice.
        if_exists: bool,
        /// New name.
        to: String,
    },
    /// `CREATE FUNCTION`, `CREATE PROCEDURE`
    CreateFunction(Box<CreateFunction>),
    /// `ALTER FUNCTION`, `ALTER PROCEDURE`
    AlterFunction(Box<AlterFunction>),
    /// `DROP FUNCTION`, `DROP PROCEDURE`
    DropFunction(Box<DropFunction>),
    /// `COMMENT ON FUNCTION`
    CommentFunction(Box<CommentFunction>),
    /// `CALL`, and calls of functions that stand alone and run statement by statement
    Routine(Box<Routine>),
    /// `CREATE TYPE`, `CREATE DOMAIN`
    CreateType(Box<CreateType>),
    /// `ALTER TYPE`, `ALTER DOMAIN`
    AlterType(Box<AlterType>),
    /// `DROP`
    Drop(Drop),
    /// `TRUNCATE`
    Truncate(Truncate),
    /// `COMMENT ON`
    Comment(Comment),
    /// `CREATE ROLE`, `GRANT` and their kin
    Role(Box<super::RoleCommand>),
    /// `CREATE POLICY` and its kin
    Policy(Box<super::PolicyStatement>),
    /// `COPY`
    Copy(Box<Copy>),
    /// `BEGIN`, `COMMIT`, `SAVEPOINT`, …
    Transaction(TransactionCommand),
    /// `SET`
    Set {
        /// Setting, in lower case.
        name: String,
        /// Value.
        value: SetValue,
        /// How long.
        scope: SetScope,
    },
    /// `SHOW`; `None`: `ALL`
    Show(Option<String>),
    /// `RESET`; `None`: `ALL`
    Reset(Option<String>),
    /// `EXPLAIN`
    Explain(Explain),
    /// `PREPARE`
    Prepare(Prepare),
    /// `EXECUTE`; the arguments have no columns.
    Execute {
        /// Which.
        name: String,
        /// Arguments.
        args: Vec<Expr>,
    },
    /// `DEALLOCATE`; `None`: `ALL`
    Deallocate(Option<String>),
    /// `DECLARE`
    Declare(Box<Cursor>),
    /// `FETCH`, `MOVE`
    Fetch(Fetch),
    /// `CLOSE`; `None`: `ALL`
    Close(Option<String>),
    /// `ANALYZE`; no tables: all
    Analyze(Vec<TableRef>),
    /// `VACUUM`; no tables: all
    Vacuum {
        /// Which.
        tables: Vec<TableRef>,
        /// `VACUUM ANALYZE`
        analyze: bool,
        /// `VACUUM FULL`
        full: bool,
    },
    /// `CHECKPOINT`
    Checkpoint,
    /// `CREATE EXTENSION`, `DROP EXTENSION`
    Extension(super::ExtensionCommand),
    /// `LISTEN`, `UNLISTEN`, `NOTIFY`
    Listen(super::ListenCommand),
    /// `REINDEX` of these indexes of nearness, each with its table. Others are written with their rows, so that there
    /// is nothing to mend; the binder has looked whether the object exists.
    Reindex(Vec<(TableRef, IndexId)>),
    /// `DISCARD`: `ALL`, `PLANS`, `SEQUENCES` or `TEMP`, in lower case
    Discard(String),
    /// `LOCK TABLE`
    Lock {
        /// Tables.
        tables: Vec<TableRef>,
        /// Mode in upper case, such as `ACCESS EXCLUSIVE`.
        mode: Arc<str>,
        /// `NOWAIT`
        no_wait: bool,
    },
    /// Branches.
    Branch(Box<BranchCommand>),
}

impl Statement {
    /// The columns of the rows it returns; `None` if it returns no rows, or if only its execution
    /// tells which (`EXECUTE`, `FETCH`, `SHOW`, `EXPLAIN`).
    #[must_use]
    pub fn columns(&self) -> Option<&[PlanColumn]> {
        let returning = match self {
            Self::Query(query) => return Some(query.plan.columns()),
            Self::Routine(routine) => return routine.columns.as_deref(),
            Self::Insert(insert) => &insert.returning,
            Self::Update(update) => &update.returning,
            Self::Delete(delete) => &delete.returning,
            Self::Merge(merge) => &merge.returning,
            _ => return None,
        };
        returning
            .as_ref()
            .map(|returning| returning.columns.as_slice())
    }
}
