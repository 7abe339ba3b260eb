//! What all handles of one open database share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::{ArcSwap, ArcSwapOption};
use helios_base::{BranchId, Error, Result, Scn, SqlState, TableId, TxId};
use helios_kv::{Keyspace, Kv};
use parking_lot::Mutex;

use crate::background::Signal;
use crate::branch::{BranchTree, Link};
use crate::cache::RowCache;
use crate::chains::Chains;
use crate::checkpoint::Checkpoint;
use crate::cold::ColdLevel;
use crate::commit::CommitInfo;
use crate::directory::Directory;
use crate::gc::Collector;
use crate::keys;
use crate::lock::manager::LockManager;
use crate::options::Options;
use crate::pipeline::Pipeline;
use crate::registry::Registry;
use crate::row::Indexer;
use crate::sequence::Sequences;
use crate::sink::Sink;
use crate::stamps::Stamps;
use crate::txn::Transactions;

/// The shared heart of a store.
pub(crate) struct Core {
    pub(crate) kv: Arc<dyn Kv>,
    pub(crate) log: Sink,
    pub(crate) options: Options,
    pub(crate) pipeline: Pipeline,
    pub(crate) cache: RowCache,
    pub(crate) chains: Chains,
    pub(crate) cold: ColdLevel,
    pub(crate) locks: LockManager,
    pub(crate) registry: Registry,
    pub(crate) tree: ArcSwap<BranchTree>,
    pub(crate) sequences: Sequences,
    pub(crate) transactions: Transactions,
    pub(crate) stamps: Stamps,
    pub(crate) indexer: ArcSwapOption<Arc<dyn Indexer>>,
    /// Retention in µs.
    pub(crate) retention: AtomicU64,
    pub(crate) next_txid: AtomicU64,
    pub(crate) collector: Mutex<Collector>,
    /// Versions that went into `History` since the database was opened.
    pub(crate) replaced: AtomicU64,
    pub(crate) checkpoint: Mutex<Checkpoint>,
    /// The first commit whose record is kept together with those of all later ones.
    pub(crate) first_commit: AtomicU64,
    /// Held while branches or pins change.
    pub(crate) ddl: Mutex<()>,
    /// Wakes the background thread.
    pub(crate) signal: Signal,
    /// Locked while the database is open; `None` in memory. Last, for it is dropped last.
    pub(crate) directory: Option<Directory>,
}

impl Core {
    /// The newest visible commit.
    #[inline]
    pub(crate) fn published(&self) -> Scn {
        Scn(self.pipeline.published.load(Ordering::Acquire))
    }

    pub(crate) fn allocate_txid(&self) -> TxId {
        TxId(self.next_txid.fetch_add(1, Ordering::Relaxed))
    }

    /// What a reader of a living branch at `scn` looks through.
    #[inline]
    pub(crate) fn links(&self, branch: BranchId, scn: Scn) -> Result<(Link, Arc<[Link]>)> {
        Ok(self.tree.load().living(branch)?.links(scn))
    }

    /// The stored record of a commit.
    pub(crate) fn commit_info(&self, scn: Scn) -> Result<Option<CommitInfo>> {
        let value = self
            .kv
            .snapshot()
            .get(Keyspace::Commits, &keys::commit_key(scn))?;
        value
            .map(|value| CommitInfo::decode(scn, &value))
            .transpose()
    }

    /// The newest commit at or before `time`: a binary search, for time grows with the number.
    pub(crate) fn scn_at(&self, time: i64) -> Result<Scn> {
        let kv = self.kv.snapshot();
        let first = Scn(self.first_commit.load(Ordering::Acquire));
        let (mut low, mut high) = (first.0, self.published().0 + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let key = keys::commit_key(Scn(middle));
            let Some(value) = kv.get(Keyspace::Commits, &key)? else {
                return Err(Error::corrupt(format!("commit {middle} has no record")));
            };
            if CommitInfo::time_of(&value)? <= time {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if low == first.0 && first.0 > 1 {
            return Err(Error::new(
                SqlState::SNAPSHOT_TOO_OLD,
                "commits of that time are no longer kept",
            )
            .with_hint("raise the retention, or pin what must stay readable"));
        }
        Ok(Scn(low - 1))
    }

    /// Whether a key has a visible row above a branch: what its tombstone would hide. Where segments
    /// are in use and one cannot be read, it is taken to have one.
    pub(crate) fn inherits(&self, ancestors: &[Link], table: TableId, pk: &[u8]) -> Result<bool> {
        let Some((first, rest)) = ancestors.split_first() else {
            return Ok(false);
        };
        match self.get(*first, rest, table, pk) {
            Ok(row) => Ok(row.is_some()),
            Err(_) if self.cold_on(table, ancestors.iter().copied()) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// µs since 1970-01-01 UTC.
pub(crate) fn now() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(_) => 0,
    }
}
