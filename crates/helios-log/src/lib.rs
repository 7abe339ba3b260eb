//! The append-only commit log: checksummed records, group commit, recovery, change feed.
//!
//! A [`Position`] counts the bytes of all records ever appended. [`Log::append`] buffers,
//! [`Log::sync`] makes durable for everybody who waits, [`Log::read`] follows, and
//! [`Log::truncate_before`] lets the past go. The log lies in a directory of segment files that
//! are filled with zeroes ahead of the records; `segment.rs` and `frame.rs` hold the format.
//!
//! **Invariant:** knows nothing of what a record means.
//! **Invariant:** touches files only through [`Files`].

mod error;
mod files;
mod frame;
mod log;
mod options;
mod position;
mod reader;
mod recover;
mod scan;
mod segment;
mod writer;

pub use files::{Files, LogFile, OsFiles};
pub use frame::RECORD_LEN_MAX;
pub use log::Log;
pub use options::LogOptions;
pub use position::{Extent, Position, Record};
pub use reader::Reader;

/// Names of the failpoints that writing passes, for crash tests.
pub const FAILPOINTS: &[&str] = &[
    "log.write",
    "log.write.half",
    "log.sync",
    "log.synced",
    "log.rotate.header",
    "log.rotate.rename",
    "log.rotate.renamed",
    "log.truncate",
];
