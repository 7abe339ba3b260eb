//! Ordered byte maps with batches, snapshots and scans: the state store of HeliosDB.
//!
//! [`Kv`] is the boundary. [`DurableKv`] keeps recent changes in memory over a state file,
//! [`MemoryKv`] everything in memory; both pass the same contract suite. Their memory is a B+ tree
//! that shares nodes with its older copies (`tree.rs`), so that a snapshot is one reference.
//!
//! **Invariant:** knows nothing of rows, transactions, branches or the log; a checkpoint's mark is
//! a number that only the caller understands.

mod backend;
mod base;
mod base_walk;
mod batch;
mod blocks;
mod checkpoint;
mod copy;
mod durable;
mod keyspace;
mod kv;
mod lock;
mod memory;
mod merge;
mod overlay;
mod packed;
mod page;
mod sorted;
mod state;
mod tree;
mod walk;

pub use batch::Batch;
pub use copy::write_state;
pub use durable::{DurableKv, KvOptions, KvSpace};
pub use keyspace::Keyspace;
pub use kv::{Cursor, KeyRange, Kv, KvSnapshot, KvStats, Show, ShowEach, Visit};
pub use lock::DirectoryLock;
pub use memory::MemoryKv;
pub use sorted::KEY_LEN_MAX;

/// Names of the failpoints that a checkpoint passes, for crash tests.
pub const FAILPOINTS: &[&str] = &[
    "kv.checkpoint.step",
    "kv.checkpoint.written",
    "kv.checkpoint.commit",
    "kv.checkpoint.committed",
];
