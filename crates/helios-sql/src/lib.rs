//! SQL for HeliosDB: from statement text to rows.
//!
//! [`Engine`] opens a database, [`Session`] talks to it. Inside, a statement goes parse → bind →
//! plan → one of two executors: rows in microseconds, or vectors through DataFusion.
//!
//! **Invariant:** the only crate that knows DataFusion.

pub mod bind;
mod deparse;
mod explain;
mod files;
mod fusion;
pub mod parse;
pub mod plan;
mod row;
mod session;
mod system;

pub use deparse::object::Definitions;
pub use helios_version::{Copied as BackupProgress, Manifest, is_backup, verify_backup};
pub use plan::ColumnOrigin;
pub use session::{
    Appender, CancelHandle, Columns, Completion, CopyPeer, CopyShape, Engine, EngineOptions,
    Figures, Interrupt, NameContext, Notice, Notification, Outcome, Prepared, Progress,
    ResultColumn, RowStream, SETTINGS, Script, Session, SessionOptions, SessionStatus, SettingDef,
    Severity, TransactionStatus, prepared_password, restore,
};
