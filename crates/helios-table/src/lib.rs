//! Tables over the versioned store: catalog, rows, constraints, ordered indexes, statistics.
//!
//! - [`Tables`] is the door: one per open database. It hands out the [`Catalog`] of a snapshot and
//!   begins [`Transaction`]s.
//! - A [`Catalog`] says what exists on a branch at a point in time. It is stored as versioned rows
//!   itself, so schema changes are transactional, branch and travel in time like data.
//! - [`TableReader`] reads rows: by key, in key order, through ordered indexes.
//! - [`TableWriter`] writes rows and holds up every constraint, whatever runs at the same time.
//!
//! **Invariant:** knows nothing of SQL text beyond carrying it; expressions arrive compiled, see
//! [`TableExprs`].

pub mod access;
mod cache;
pub mod catalog;
pub mod columnar;
pub mod constraint;
pub mod ddl;
mod indexer;
pub mod merge;
pub mod nearest;
pub mod row;
pub mod stats;
mod system;
mod tables;
mod temporary;
mod transaction;

pub use access::{
    Conflict, HistoricRow, Lock, LockedRow, Operation, PausedLoad, Sought, TableLoad, TableReader,
    TableScan, TableVersions, TableWriter, VersionSpan, failing_row,
};
pub use catalog::Catalog;
pub use constraint::ConstraintTarget;
pub use row::{IndexRules, KeyRange, KeyRangeSpec, Rules, Shape, StoredRow, TableExprs};
pub use stats::{ColumnStats, TableStats};
pub use tables::{Tables, catalog_tables};
pub use temporary::{TEMP_SCHEMA_PREFIX, is_temporary_schema};
pub use transaction::{Savepoint, Transaction};
