//! How a store is opened.

use std::time::Duration;

/// How a [`Store`](crate::Store) is opened. The defaults suit a desktop.
#[derive(Clone, Debug)]
pub struct Options {
    /// Compare every checksum of the state file before it is used, which takes as long as reading
    /// all of it. Ordinary reads do not.
    pub verify: bool,
    /// Make the directory and an empty database when there is none.
    pub create: bool,
    /// How long replaced versions stay readable.
    pub retention: Duration,
    /// How long log segments that recovery no longer needs are kept for readers of changes.
    pub log_retention: Duration,
    /// Bytes of recent commits in memory that start a checkpoint.
    pub checkpoint_bytes: u64,
    /// Memory for pages of the state file, in bytes.
    pub page_cache_bytes: usize,
    /// Memory for entries of the state file that were read, in bytes.
    pub block_cache_bytes: usize,
    /// Bytes of hot current rows kept for point reads.
    pub row_cache_bytes: usize,
    /// Memory for what was read of columnar segments, in bytes: single rows, and whole columns that were scanned.
    /// By default an eighth of the machine's, though at least 64 MiB and at most 8 GiB.
    pub segment_cache_bytes: usize,
    /// Bytes of one transaction's writes kept in memory before rows spill to a temporary file.
    pub txn_memory_bytes: usize,
    /// Run checkpoints, garbage collection and the flush of asynchronous commits on a background
    /// thread. Without it the caller runs the steps.
    pub background: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            verify: false,
            create: true,
            retention: Duration::from_secs(7 * 24 * 3600),
            log_retention: Duration::ZERO,
            checkpoint_bytes: 64 << 20,
            page_cache_bytes: 128 << 20,
            block_cache_bytes: 192 << 20,
            row_cache_bytes: 32 << 20,
            segment_cache_bytes: segment_cache(),
            txn_memory_bytes: 256 << 20,
            background: true,
        }
    }
}

fn segment_cache() -> usize {
    const LEAST: u64 = 64 << 20;
    const MOST: u64 = 8 << 30;
    let bytes = crate::memory::physical().map_or(LEAST * 4, |bytes| bytes / 8);
    usize::try_from(bytes.clamp(LEAST, MOST)).unwrap_or(LEAST as usize)
}
