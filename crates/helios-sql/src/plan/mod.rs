//! The typed logical algebra between the binder and the executors.
//!
//! [`Plan`] is a query, [`Statement`] anything a client can send. Every name is resolved, every
//! expression typed, every implicit conversion written out as a cast: an executor never looks at
//! SQL text and never decides semantics.
//!
//! # Columns
//! A node's expressions see the columns of its input, numbered from 0 ([`helios_expr::Expr::Column`]). A join
//! sees the left input's columns followed by the right input's.
//!
//! # Frames
//! A subplan ([`helios_expr::Expr::Subplan`]) and the right side of a lateral join run inside a
//! *frame*: a row of values that its user computes from the surrounding row. Inside,
//! `Expr::Outer { depth: 0, index }` reads value `index` of that frame; `depth` is always 0, because
//! whatever an inner frame needs from further out is handed through frame by frame. So each subplan
//! is a closed function of its frame, and may be cached by the frame's values.
//!
//! **Invariant:** knows nothing of sqlparser, DataFusion or Arrow.

mod aggregate;
mod branch_merge;
mod change;
mod column;
mod cte;
mod ddl;
mod display;
mod dml;
mod extension;
mod file_scan;
mod join;
mod leak;
mod merge;
mod moment;
mod node;
mod policy;
mod repeatable;
mod role;
mod routine;
mod session;
mod statement;
mod table_function;
mod types;
mod walk;
mod window;

pub use aggregate::{AggregateCall, AggregateNode};
pub use branch_merge::{Bisect, MergeCommand, MergeHow};
pub use change::{Change, ChangeNode};
pub use column::{ColumnOrigin, ColumnSource, PlanColumn, TableRef};
pub use cte::{Cte, CteId, RecursiveCte};
pub use ddl::{
    AlterAction, AlterTable, Cascade, CheckSpec, ColumnSpec, Comment, CommentTarget, CreateIndex,
    CreateSchema, CreateSequence, CreateTable, CreateView, Drop, DropTarget, ForeignAction,
    ForeignKeySpec, IdentitySpec, IndexKey, KeySpec, OnCommit, QualifiedName, Rename,
    SequenceOptions, Truncate,
};
pub use dml::{
    Arbiter, Assignment, ConflictAction, Delete, Insert, OnConflict, Returning, Update, ViewCheck,
};
pub use extension::ExtensionCommand;
pub use file_scan::FileScan;
pub use join::{Join, JoinKind};
pub(crate) use leak::may_tell;
pub use merge::{Merge, MergeAction, MergeMatch, MergeWhen};
pub use moment::{AsOf, At, Moment, MomentId, Point, VersionColumn, VersionRange, Versions};
pub use node::{
    Distinct, Filter, Limit, LockMode, LockRows, LockWait, Plan, Project, ProjectSet, RowLock,
    Scan, SetOp, SetOpKind, Sort, SortKey, Values,
};
pub use policy::{MergePolicies, PolicyAction, PolicyCheck, PolicyRow, PolicyStatement};
pub(crate) use repeatable::repeatable;
pub use role::{GrantCommand, GrantTarget, OwnerKind, RoleCommand, RoleOption, RoleSpec, Routines};
pub use routine::{
    AlterFunction, CommentFunction, CreateFunction, DropFunction, FunctionChange, FunctionName,
    OptionChanges, Routine, RoutineStatement,
};
pub use session::{
    BranchCommand, Copy, CopyFormat, CopyTarget, Cursor, CursorKey, CursorTable, Explain,
    ExplainFormat, Fetch, FetchDirection, Isolation, ListenCommand, Prepare, SetScope, SetValue,
    TransactionCommand, TransactionModes,
};
pub use statement::{Bound, Query, Statement, Subplan};
pub use table_function::{TableFunction, TableFunctionCall};
pub use types::{AlterType, CreateType, FieldChange, TypeChange};
pub use window::{Frame, FrameBound, FrameExclude, FrameUnit, WindowCall, WindowNode, Windowed};
