//! The store: one database, open.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use helios_base::{BranchId, Error, Result, Scn, TableId, TxId};

use crate::branch::{Branch, BranchSpec};
use crate::commit::CommitInfo;
use crate::lock::LockInfo;
use crate::options::Options;
use crate::row::Indexer;
use crate::sequence::{SequenceSpec, SequenceState};
use crate::snapshot::Snapshot;
use crate::txn::{Txn, TxnInfo, TxnOptions};

pub(crate) fn unfinished() -> Error {
    Error::unsupported("the versioned store is not finished yet")
}

/// Whether a bounded step of background work left more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to do now.
    Done,
    /// Call again.
    More,
}

/// Sizes and counts, for system views.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// The newest visible commit.
    pub scn: Scn,
    /// Bytes of commits that are in memory and the log but not yet in the state file.
    pub overlay_bytes: u64,
    /// Size of the state file.
    pub state_bytes: u64,
    /// Size of the log.
    pub log_bytes: u64,
    /// Oldest change number readable on every branch.
    pub horizon: Scn,
    /// Running transactions.
    pub transactions: u64,
    /// Hot rows in memory.
    pub cached_rows: u64,
}

/// One open database. Clones share it; the last to go closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<()>,
}

impl Store {
    /// Opens the database directory `path`, making it if allowed, and recovers what the log holds.
    ///
    /// # Errors
    /// 55006 when another process holds it; `Corrupt` for damaged or foreign files; `Io`.
    pub fn open(_path: &Path, _options: Options) -> Result<Self> {
        Err(unfinished())
    }

    /// An empty database in memory, gone with the last clone.
    ///
    /// # Errors
    /// None now.
    pub fn open_in_memory(_options: Options) -> Result<Self> {
        Ok(Self {
            inner: Arc::new(()),
        })
    }

    /// Stops background work and makes everything durable. Also done, without errors shown, when
    /// the last clone is dropped.
    ///
    /// # Errors
    /// `Io`, `Poisoned`.
    pub fn close(&self) -> Result<()> {
        let _ = &self.inner;
        Err(unfinished())
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// 42704 when the branch does not exist.
    pub fn begin(&self, _options: TxnOptions) -> Result<Txn> {
        Err(unfinished())
    }

    /// The database at `scn`, or the newest, on `branch`.
    ///
    /// # Errors
    /// 42704 when the branch does not exist, 22023 when `scn` is in the future, 72000 when it is no
    /// longer kept.
    pub fn snapshot(&self, _branch: BranchId, _scn: Option<Scn>) -> Result<Snapshot> {
        Err(unfinished())
    }

    /// The newest visible commit.
    #[must_use]
    pub fn scn(&self) -> Scn {
        Scn::ZERO
    }

    /// The newest commit at or before `time`, µs since 1970-01-01 UTC.
    ///
    /// # Errors
    /// 72000 when that is no longer known.
    pub fn scn_at(&self, _time: i64) -> Result<Scn> {
        Err(unfinished())
    }

    /// The commit that transaction `txid` made, if it committed and is still known.
    ///
    /// # Errors
    /// As [`Read::get`](crate::Read::get).
    pub fn scn_of(&self, _txid: TxId) -> Result<Option<Scn>> {
        Err(unfinished())
    }

    /// What is known of a commit, if it is still known.
    ///
    /// # Errors
    /// As [`Read::get`](crate::Read::get).
    pub fn commit_info(&self, _scn: Scn) -> Result<Option<CommitInfo>> {
        Err(unfinished())
    }

    /// Creates a branch: one log record, whatever the size of the database.
    ///
    /// # Errors
    /// 42704 no such parent, 42710 the name is taken, 22023 and 72000 as [`Store::snapshot`].
    pub fn create_branch(&self, _spec: BranchSpec) -> Result<Branch> {
        Err(unfinished())
    }

    /// Drops a branch and what only it holds.
    ///
    /// # Errors
    /// 42704 no such branch, 2BP01 it has children, 55006 transactions run on it.
    pub fn drop_branch(&self, _branch: BranchId) -> Result<()> {
        Err(unfinished())
    }

    /// Gives a branch another name or other settings.
    ///
    /// # Errors
    /// 42704 no such branch, 42710 the name is taken.
    pub fn alter_branch(
        &self,
        _branch: BranchId,
        _name: &str,
        _options: Vec<(String, String)>,
    ) -> Result<()> {
        Err(unfinished())
    }

    /// The living branches by number.
    #[must_use]
    pub fn branches(&self) -> Vec<Branch> {
        Vec::new()
    }

    /// A living branch by name.
    #[must_use]
    pub fn branch(&self, _name: &str) -> Option<Branch> {
        None
    }

    /// Keeps `(branch, scn)` readable under a name until [`Store::unpin`].
    ///
    /// # Errors
    /// 42710 when the name is taken; as [`Store::snapshot`].
    pub fn pin(&self, _name: &str, _branch: BranchId, _scn: Scn) -> Result<()> {
        Err(unfinished())
    }

    /// Lets a named pin go.
    ///
    /// # Errors
    /// 42704 when there is none.
    pub fn unpin(&self, _name: &str) -> Result<()> {
        Err(unfinished())
    }

    /// The named pins by name.
    #[must_use]
    pub fn pins(&self) -> Vec<(String, BranchId, Scn)> {
        Vec::new()
    }

    /// Hands out the next value of a sequence on a branch. Never undone; durable before any later
    /// commit. A branch starts where its parent stands at its first use.
    ///
    /// # Errors
    /// 2200H past the last value.
    pub fn nextval(
        &self,
        _branch: BranchId,
        _sequence: TableId,
        _spec: &SequenceSpec,
    ) -> Result<i64> {
        Err(unfinished())
    }

    /// Sets where a sequence stands.
    ///
    /// # Errors
    /// `Io`, `Poisoned`.
    pub fn setval(
        &self,
        _branch: BranchId,
        _sequence: TableId,
        _state: SequenceState,
    ) -> Result<()> {
        Err(unfinished())
    }

    /// Where a sequence stands; `None` before its first use.
    ///
    /// # Errors
    /// As [`Read::get`](crate::Read::get).
    pub fn sequence(&self, _branch: BranchId, _sequence: TableId) -> Result<Option<SequenceState>> {
        Err(unfinished())
    }

    /// Sets who tells garbage collection about index entries.
    pub fn set_indexer(&self, _indexer: Arc<dyn Indexer>) {}

    /// Sets how long replaced versions stay readable.
    pub fn set_retention(&self, _retention: Duration) {}

    /// Does a bounded piece of checkpointing; starts a checkpoint if there is anything to save.
    ///
    /// # Errors
    /// `Io`, `Poisoned`.
    pub fn checkpoint_step(&self, _budget: usize) -> Result<Step> {
        Err(unfinished())
    }

    /// Looks at up to `budget` stored versions and removes those that nothing needs.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub fn gc_step(&self, _budget: usize) -> Result<Step> {
        Err(unfinished())
    }

    /// Verifies the invariants that bind the stored structures together. Returns one line per
    /// fault; empty when sound.
    ///
    /// # Errors
    /// `Io`.
    pub fn check(&self) -> Result<Vec<String>> {
        Err(unfinished())
    }

    /// The running transactions.
    #[must_use]
    pub fn transactions(&self) -> Vec<TxnInfo> {
        Vec::new()
    }

    /// The locks held and waited for.
    #[must_use]
    pub fn locks(&self) -> Vec<LockInfo> {
        Vec::new()
    }

    /// Sizes and counts.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        StoreStats::default()
    }
}
