//! HeliosDB as a library: a database in which every row has a memory and every database has
//! branches.
//!
//! ```
//! use heliosdb::Database;
//!
//! # fn main() -> heliosdb::Result<()> {
//! let database = Database::open_in_memory()?;
//! let mut connection = database.connect()?;
//! connection.execute_batch(
//!     "CREATE TABLE city (id integer PRIMARY KEY, name text NOT NULL, people bigint);
//!      INSERT INTO city VALUES (1, 'Lima', 10092000), (2, 'Oslo', 709037);",
//! )?;
//!
//! let mut big = connection.prepare("SELECT name, people FROM city WHERE people > $1 ORDER BY name")?;
//! for row in connection.query(&big, (1_000_000_i64,))? {
//!     let row = row?;
//!     assert_eq!(row.get::<String>(0)?, "Lima");
//!     assert_eq!(row.get::<i64>("people")?, 10_092_000);
//! }
//! # let _ = &mut big;
//! # Ok(())
//! # }
//! ```
//!
//! A [`Database`] is an open directory (or memory); one process owns it at a time. A
//! [`Connection`] is one conversation: it runs one statement at a time and may move between
//! threads; open as many as you like. Statements are synchronous; [`asynchronous`] has the same
//! for async programs.
//!
//! # Durability
//! A commit that returned is on disk, unless the session chose `SET synchronous_commit = off`.
//!
//! # Errors
//! Every [`Error`] has an [`ErrorKind`] (what to do), a SQLSTATE (what PostgreSQL would say), a
//! message, and where they exist a position in the statement, a detail and a hint.
//!
//! **Invariant:** the only crate whose interface is a promise.

pub mod asynchronous;
mod backup;
mod connection;
mod database;
mod from_sql;
mod functions;
mod params;
mod rows;
mod statement;
mod transaction;

pub use backup::{Backup, is_backup, restore, verify_backup};
pub use connection::{Connection, Script};
pub use database::{CheckReport, Database, Options};
pub use from_sql::FromSql;
pub use functions::{FunctionInfo, functions};
pub use params::{Params, ToSql};
pub use rows::{ColumnRef, Row, Rows};
pub use statement::{IntoStatement, Statement};
pub use transaction::Transaction;

pub use arrow::array::RecordBatch;
pub use helios_base::json::Json;
pub use helios_base::text::TextContext;
pub use helios_base::{
    DataType, Error, ErrorKind, Interval, Numeric, Result, Scn, SqlState, Value, nearest,
};
pub use helios_sql::parse::KEYWORDS;
pub use helios_sql::{
    Appender, BackupProgress, CancelHandle, ColumnOrigin, Completion, Definitions, NameContext,
    Notice, Notification, Outcome, Progress, ResultColumn, RowStream, Severity, TransactionStatus,
};
pub use helios_table::catalog::{self, quoted};
