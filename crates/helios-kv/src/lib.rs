//! Ordered byte maps with batches, snapshots and scans: the state store of HeliosDB.
//!
//! [`Kv`] is the boundary, [`MemoryKv`] the engine that keeps everything in memory.
//!
//! **Invariant:** knows nothing of rows, transactions, branches or the log; a checkpoint's mark is
//! a number that only the caller understands.

pub mod batch;
pub mod keyspace;
pub mod kv;
pub mod memory;

pub use batch::Batch;
pub use keyspace::Keyspace;
pub use kv::{Cursor, KeyRange, Kv, KvSnapshot, KvStats};
pub use memory::MemoryKv;
