//! The store: one database, open.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use helios_base::{BranchId, Error, Result, Scn, SqlState, TableId, TxId};
use helios_kv::Keyspace;
use parking_lot::Mutex;

use crate::background;
use crate::backup::{Manifest, Watch};
use crate::branch::{Branch, BranchSpec};
use crate::codec::Reader;
use crate::cold::{
    Adoption, Cold, ColdRows, Compaction, Freeze, Promoter, Promotion, SegmentInfo, Thaw,
};
use crate::commit::CommitInfo;
use crate::core::Core;
use crate::diff::{ChangedKeys, Diff};
use crate::keys;
use crate::lock::LockInfo;
use crate::options::Options;
use crate::record::{Op, Pairs, encode_pairs};
use crate::recover;
use crate::retention;
use crate::row::Indexer;
use crate::sequence::{SequenceSpec, SequenceState};
use crate::snapshot::{Read, Snapshot};
use crate::txn::{Txn, TxnInfo, TxnOptions};

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
    /// Oldest change number at which every table is readable on every branch.
    pub horizon: Scn,
    /// Running transactions.
    pub transactions: u64,
    /// Hot rows in memory.
    pub cached_rows: u64,
    /// Bytes ever written to the log.
    pub log_end: u64,
    /// Checkpoints that ended since the store was opened.
    pub checkpoints: u64,
}

/// One open database. Clones share it; when the last goes, background work stops and everything is
/// made durable. Transactions and snapshots that outlive it still work.
#[derive(Clone)]
pub struct Store(Arc<Handle>);

struct Handle {
    core: Arc<Core>,
    thread: Mutex<Option<JoinHandle<()>>>,
    abandoned: AtomicBool,
    /// The end of the log when everything was durable and stopped.
    closed: Mutex<Option<u64>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let closed = *self.closed.lock() == Some(self.core.log.end());
        if !closed && !self.abandoned.load(Ordering::Relaxed) {
            // Whoever wants to know of failures calls `close`.
            let _ = self.close();
        }
    }
}

impl Handle {
    fn stop(&self) {
        self.core.signal.stop();
        if let Some(thread) = self.thread.lock().take()
            // An indexer that had the last handle lets go of it on the background thread itself,
            // which ends when this is done.
            && thread.thread().id() != std::thread::current().id()
        {
            // A panic there has been reported by its own thread.
            let _ = thread.join();
        }
    }

    fn close(&self) -> Result<()> {
        self.stop();
        self.core.settle_sequences()?;
        self.core.log.sync(self.core.log.end())?;
        if !self.core.little_to_save() {
            self.core.checkpoint()?;
        }
        self.core.log.mark(self.core.log_needed()?)?;
        *self.closed.lock() = Some(self.core.log.end());
        Ok(())
    }
}

impl Store {
    fn new(core: Core) -> Result<Self> {
        let core = Arc::new(core);
        let thread = if core.options.background {
            Some(background::start(&core)?)
        } else {
            None
        };
        Ok(Self(Arc::new(Handle {
            core,
            thread: Mutex::new(thread),
            abandoned: AtomicBool::new(false),
            closed: Mutex::default(),
        })))
    }

    /// Opens the database directory `path`, making it if allowed, and recovers what the log holds.
    ///
    /// # Errors
    /// 55006 when another process holds it; `Corrupt` for damaged or foreign files; `Io`.
    pub fn open(path: &Path, options: Options) -> Result<Self> {
        Self::new(recover::open(path, options)?)
    }

    /// An empty database in memory, gone with the last handle.
    ///
    /// # Errors
    /// `Io` when no background thread can be started.
    pub fn open_in_memory(options: Options) -> Result<Self> {
        Self::new(recover::in_memory(options)?)
    }

    /// Stops background work and makes everything durable. Also done, without errors shown, when
    /// the last clone is dropped.
    ///
    /// # Errors
    /// `Io`, `Poisoned`.
    pub fn close(&self) -> Result<()> {
        self.0.close()
    }

    /// Leaves the files as a crash would, once the last clone is gone: for tests of recovery.
    #[doc(hidden)]
    pub fn abandon(self) {
        self.0.stop();
        self.0.abandoned.store(true, Ordering::Relaxed);
    }

    fn core(&self) -> &Arc<Core> {
        &self.0.core
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// 42704 when the branch does not exist, 55006 when it is being dropped.
    pub fn begin(&self, options: TxnOptions) -> Result<Txn> {
        Txn::begin(self.core(), options)
    }

    /// The database at `scn`, or the newest, on `branch`. Where tables are kept for different times, a
    /// snapshot may lack some: reading those fails, see [`Snapshot::is_whole`].
    ///
    /// # Errors
    /// 42704 when the branch does not exist, 22023 when `scn` is in the future, 72000 when nothing of it
    /// is kept any more.
    pub fn snapshot(&self, branch: BranchId, scn: Option<Scn>) -> Result<Snapshot> {
        let core = self.core();
        let Some(scn) = scn else {
            return Snapshot::newest(core, branch);
        };
        if scn > core.published() {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("change number {scn} is in the future"),
            )
            .with_detail(format!("The newest is {}.", core.published())));
        }
        let tree = core.tree.load();
        let (first, rest) = tree.living(branch)?.links(scn);
        let partial = core.registry.acquire(branch, scn, &tree)?;
        Ok(Snapshot::registered(core, first, rest, partial))
    }

    /// The newest visible commit.
    #[must_use]
    pub fn scn(&self) -> Scn {
        self.core().published()
    }

    /// The newest commit at or before `time`, µs since 1970-01-01 UTC.
    ///
    /// # Errors
    /// 72000 when that is no longer known.
    pub fn scn_at(&self, time: i64) -> Result<Scn> {
        self.core().scn_at(time)
    }

    /// The commit that transaction `txid` made, if it committed and is still known.
    ///
    /// # Errors
    /// As [`Read::get`].
    pub fn scn_of(&self, txid: TxId) -> Result<Option<Scn>> {
        let kv = self.core().kv.snapshot();
        match kv.get(Keyspace::Txids, &keys::txid_key(txid))? {
            Some(value) => Reader::new(&value, "transaction record")
                .varint()
                .map(|scn| Some(Scn(scn))),
            None => Ok(None),
        }
    }

    /// What is known of a commit, if it is still known.
    ///
    /// # Errors
    /// As [`Read::get`].
    pub fn commit_info(&self, scn: Scn) -> Result<Option<CommitInfo>> {
        self.core().commit_info(scn)
    }

    /// Commits one operation of the store itself.
    fn commit_op(&self, op: &Op<'_>) -> Result<Scn> {
        let txn = self.begin(TxnOptions::default())?;
        txn.write_op(op)?;
        txn.commit()
    }

    /// Creates a branch: one log record, whatever the size of the database.
    ///
    /// # Errors
    /// 42704 no such parent, 42710 the name is taken, 22023 and 72000 as [`Store::snapshot`], 72000 also
    /// when some tables are no longer kept at that point.
    pub fn create_branch(&self, spec: BranchSpec) -> Result<Branch> {
        let core = self.core();
        let _ddl = core.ddl.lock();
        self.refuse_taken(&spec.name)?;
        // Holds the fork point until the branch does.
        let fork = self.snapshot(spec.parent, spec.at)?;
        fork.require_whole()?;
        let id = core.tree.load().next;
        self.commit_op(&Op::CreateBranch {
            id,
            parent: spec.parent,
            fork: fork.scn(),
            name: &spec.name,
            options: Pairs(&encode_pairs(&spec.options)),
        })?;
        Ok(core.tree.load().living(id)?.branch.clone())
    }

    fn refuse_taken(&self, name: &str) -> Result<()> {
        if self.core().tree.load().named(name).is_some() {
            return Err(Error::new(
                SqlState::DUPLICATE_OBJECT,
                format!("branch \"{name}\" already exists"),
            ));
        }
        Ok(())
    }

    /// Drops a branch and what only it holds, its named pins included.
    ///
    /// # Errors
    /// As [`Store::drop_branches`].
    pub fn drop_branch(&self, branch: BranchId) -> Result<()> {
        self.drop_branches(&[branch], &[])
    }

    /// Drops branches and what only they hold, their named pins included, and with them other pins: all
    /// of it or nothing.
    ///
    /// # Errors
    /// 42704 no such branch, 2BP01 one has children that are not among them, 55006 transactions run on
    /// one, 42501 for `main`.
    pub fn drop_branches(&self, branches: &[BranchId], pins: &[String]) -> Result<()> {
        let core = self.core();
        let _ddl = core.ddl.lock();
        let tree = core.tree.load_full();
        let mut named = Vec::with_capacity(branches.len());
        for &branch in branches {
            let name = &tree.living(branch)?.branch.name;
            tree.check_droppable(branch, branches)?;
            named.push((branch, name.as_str()));
        }
        core.transactions.close(&named)?;
        let dropped = (|| {
            let txn = self.begin(TxnOptions::default())?;
            for (pin, pinned, _) in core.registry.pins() {
                if branches.contains(&pinned) || pins.contains(&pin) {
                    txn.write_op(&Op::Unpin { name: &pin })?;
                }
            }
            for &id in branches {
                txn.write_op(&Op::DropBranch { id })?;
            }
            txn.commit().map(|_| ())
        })();
        core.transactions.open(branches);
        dropped
    }

    /// Gives a branch another name or other settings.
    ///
    /// # Errors
    /// 42704 no such branch, 42710 the name is taken.
    pub fn alter_branch(
        &self,
        branch: BranchId,
        name: &str,
        options: Vec<(String, String)>,
    ) -> Result<()> {
        let core = self.core();
        let _ddl = core.ddl.lock();
        if core.tree.load().living(branch)?.branch.name != name {
            self.refuse_taken(name)?;
        }
        self.commit_op(&Op::AlterBranch {
            id: branch,
            name,
            options: Pairs(&encode_pairs(&options)),
        })?;
        Ok(())
    }

    /// The living branches by number.
    #[must_use]
    pub fn branches(&self) -> Vec<Branch> {
        let tree = self.core().tree.load();
        let living = tree.all().filter(|node| !node.dropped);
        living.map(|node| node.branch.clone()).collect()
    }

    /// A living branch by number.
    #[must_use]
    pub fn branch_by_id(&self, id: BranchId) -> Option<Branch> {
        let tree = self.core().tree.load();
        tree.living(id).ok().map(|node| node.branch.clone())
    }

    /// Bytes of keys and values that a branch wrote and that are still stored.
    ///
    /// # Errors
    /// `Io`.
    ///
    /// # Cost
    /// Reads all of them.
    pub fn branch_bytes(&self, branch: BranchId) -> Result<u64> {
        self.core().branch_bytes(branch)
    }

    /// Whether the state `(branch, scn)` contains the state `(other, at)`, by fork points and
    /// recorded merges.
    #[must_use]
    pub fn contains(&self, state: (BranchId, Scn), part: (BranchId, Scn)) -> bool {
        let tree = self.core().tree.load();
        let reach = tree.reach(state.0, state.1);
        let mut parts = tree.reach(part.0, part.1).into_iter();
        parts.all(|(branch, scn)| reach.get(&branch).is_some_and(|newest| *newest >= scn))
    }

    /// A living branch by name.
    #[must_use]
    pub fn branch(&self, name: &str) -> Option<Branch> {
        let tree = self.core().tree.load();
        tree.named(name).map(|node| node.branch.clone())
    }

    /// Keeps `(branch, scn)` readable under a name until [`Store::unpin`].
    ///
    /// # Errors
    /// 42710 when the name is taken; as [`Store::snapshot`].
    pub fn pin(&self, name: &str, branch: BranchId, scn: Scn) -> Result<()> {
        let core = self.core();
        let _ddl = core.ddl.lock();
        if core.registry.pins().iter().any(|(taken, ..)| taken == name) {
            return Err(Error::new(
                SqlState::DUPLICATE_OBJECT,
                format!("pin \"{name}\" already exists"),
            ));
        }
        // Holds the point until the pin does.
        let held = self.snapshot(branch, Some(scn))?;
        held.require_whole()?;
        self.commit_op(&Op::Pin { name, branch, scn })?;
        Ok(())
    }

    /// Lets a named pin go.
    ///
    /// # Errors
    /// 42704 when there is none.
    pub fn unpin(&self, name: &str) -> Result<()> {
        let core = self.core();
        let _ddl = core.ddl.lock();
        if !core.registry.pins().iter().any(|(pin, ..)| pin == name) {
            return Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("pin \"{name}\" does not exist"),
            ));
        }
        self.commit_op(&Op::Unpin { name })?;
        Ok(())
    }

    /// The named pins by name.
    #[must_use]
    pub fn pins(&self) -> Vec<(String, BranchId, Scn)> {
        self.core().registry.pins()
    }

    /// The rows that two snapshots see differently, on any two branches; of all tables or of one.
    ///
    /// # Errors
    /// As [`Read::get`].
    ///
    /// # Cost
    /// Proportional to the keys written on either side since their common ancestor, whatever the
    /// size of the tables. The keys of one table at a time are kept in memory.
    pub fn diff(&self, old: &Snapshot, new: &Snapshot, table: Option<TableId>) -> Result<Diff> {
        Diff::new(old, new, table)
    }

    /// The keys of a table under which two snapshots, on any two branches, may have different rows. Under every
    /// other key they have the same.
    ///
    /// # Errors
    /// As [`Read::get`].
    ///
    /// # Cost
    /// As [`Store::diff`], without reading any row.
    pub fn changed_keys(
        &self,
        old: &Snapshot,
        new: &Snapshot,
        table: TableId,
    ) -> Result<ChangedKeys> {
        ChangedKeys::new(old, new, table)
    }

    /// The newest states that both states contain, by fork points and recorded merges, newest
    /// first. Several after a criss-cross of merges; never none for living branches.
    #[must_use]
    pub fn merge_bases(&self, a: (BranchId, Scn), b: (BranchId, Scn)) -> Vec<(BranchId, Scn)> {
        self.core().tree.load().merge_bases(a, b)
    }

    /// Hands out the next value of a sequence on a branch. Never undone; durable with the next
    /// durable commit. A branch starts where its parent stands at its first use.
    ///
    /// # Errors
    /// 2200H past the last value.
    pub fn nextval(&self, branch: BranchId, sequence: TableId, spec: &SequenceSpec) -> Result<i64> {
        self.core().nextval(branch, sequence, spec)
    }

    /// Sets where a sequence stands, without a transaction.
    ///
    /// # Errors
    /// `Io`, `Poisoned`.
    pub fn setval(&self, branch: BranchId, sequence: TableId, state: SequenceState) -> Result<()> {
        self.core().setval(branch, sequence, state)
    }

    /// Where a sequence stands; `None` before its first use.
    ///
    /// # Errors
    /// As [`Read::get`].
    pub fn sequence(&self, branch: BranchId, sequence: TableId) -> Result<Option<SequenceState>> {
        self.core().sequence(branch, sequence)
    }

    /// Sets who tells garbage collection about index entries.
    pub fn set_indexer(&self, indexer: Arc<dyn Indexer>) {
        self.core().indexer.store(Some(Arc::new(indexer)));
    }

    /// Sets who opens segments. Without it tables that have any cannot be read.
    pub fn set_cold(&self, cold: Arc<dyn Cold>) {
        self.core().cold.set_opener(cold);
    }

    /// The database's directory; `None` for a database in memory.
    #[must_use]
    pub fn directory(&self) -> Option<std::path::PathBuf> {
        let directory = self.core().directory.as_ref();
        directory.map(|directory| directory.path().to_path_buf())
    }

    /// Where the files of segments belong; `None` for a database in memory.
    #[must_use]
    pub fn segments_path(&self) -> Option<std::path::PathBuf> {
        self.core()
            .directory
            .as_ref()
            .map(|directory| directory.segments())
    }

    /// Memory for what was read of single rows in segments, in bytes.
    #[must_use]
    pub fn segment_cache_bytes(&self) -> usize {
        self.core().options.segment_cache_bytes
    }

    /// The segments of all tables and branches, by number.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentInfo> {
        let parts = self.core().cold.all().into_iter();
        parts.map(|part| part.info.clone()).collect()
    }

    /// The rows of one of [`Store::segments`].
    ///
    /// # Errors
    /// `Io`, `Corrupt`; 42704 when it is not there any more.
    pub fn open_segment(&self, segment: &SegmentInfo) -> Result<Arc<dyn ColdRows>> {
        let level = self.core().cold.level(segment.table, segment.branch);
        let mut parts = level.iter().flat_map(|level| level.parts.iter());
        match parts.find(|part| part.info.id == segment.id) {
            Some(part) => self.core().cold.rows(part).map(Arc::clone),
            None => Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("segment {} does not exist any more", segment.id),
            )),
        }
    }

    /// Begins to freeze the rows of a table that a branch wrote, not after `until`.
    ///
    /// # Errors
    /// 42704 when the branch does not exist, 55006 when the same rows are being frozen already; `Io`,
    /// `Corrupt`.
    pub fn freeze(&self, table: TableId, branch: BranchId, until: Scn) -> Result<Freeze> {
        Freeze::begin(self.core(), table, branch, until)
    }

    /// The tables, the layer above's own among them, of which the branch has rows or deletions outside of
    /// segments.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub fn tables_written(&self, branch: BranchId) -> Result<Vec<TableId>> {
        let kv = self.core().kv.snapshot();
        let tables = crate::gc::objects_of(&*kv, Keyspace::Current, branch)?;
        Ok(tables.into_iter().map(TableId).collect())
    }

    /// Remembers which commit is the newest at `now`, in µs since 1970-01-01 UTC, for
    /// [`Store::scn_before`]; not more than once in an hour.
    ///
    /// # Errors
    /// `Io`, `Poisoned`.
    pub fn note_age(&self, now: i64) -> Result<()> {
        self.core().note_age(now)
    }

    /// A commit at or before `time`, the newest that is known to be; zero if none is. Unlike
    /// [`Store::scn_at`] it reaches back beyond what is kept, and may be too old.
    #[must_use]
    pub fn scn_before(&self, time: i64) -> Scn {
        self.core().scn_before(time)
    }

    /// Begins to make one segment of several, which all have to be there and wholly adopted; of one, to leave out
    /// what nobody needs.
    ///
    /// # Errors
    /// 42704 when the branch or one of the segments does not exist, 55006 when rows of the table are being frozen;
    /// `Io`, `Corrupt`.
    pub fn compact(
        &self,
        table: TableId,
        branch: BranchId,
        segments: &[u64],
    ) -> Result<Compaction> {
        Compaction::begin(self.core(), table, branch, segments)
    }

    /// Begins to bring the rows of a segment, which has to be wholly adopted, back into the state store.
    ///
    /// # Errors
    /// As [`Store::compact`].
    pub fn thaw(&self, segment: &SegmentInfo) -> Result<Thaw> {
        Thaw::begin(self.core(), segment.table, segment.branch, segment.id)
    }

    /// Begins to promote rows of the segments of a table on a branch, or to take promoted ones away.
    ///
    /// # Errors
    /// As [`Store::freeze`].
    pub fn promote(&self, table: TableId, branch: BranchId) -> Result<Promoter> {
        Promoter::begin(self.core(), table, branch)
    }

    /// How many rows were promoted of each table on each branch, those that were changed since among them.
    #[must_use]
    pub fn promoted(&self) -> std::collections::BTreeMap<(TableId, BranchId), u64> {
        self.core().cold.promoted()
    }

    /// The ranges of keys of a table on a branch whose rows were promoted at a time, in µs since 1970-01-01 UTC, or before.
    #[must_use]
    pub fn promotions(&self, table: TableId, branch: BranchId, until: i64) -> Vec<Promotion> {
        self.core().cold.promotions(table, branch, until)
    }

    /// The rows of one of [`Store::segments`], if anybody read them since the store was opened.
    #[must_use]
    pub fn opened_segment(&self, segment: &SegmentInfo) -> Option<Arc<dyn ColdRows>> {
        self.core().cold.opened(segment)
    }

    /// About how many rows of a segment nobody needs any more, counted up to `most`.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub fn shadows(&self, segment: &SegmentInfo, most: u64) -> Result<u64> {
        self.core().shadows(segment, most)
    }

    /// The segments that are not wholly adopted, for going on with them.
    #[must_use]
    pub fn adoptions(&self) -> Vec<Adoption> {
        let parts = self.core().cold.all();
        let open = parts.iter().filter(|p| p.info.adopted < p.info.rows);
        open.map(|part| Adoption::resume(self.core(), part))
            .collect()
    }

    /// Sets how long replaced versions stay readable where neither the table nor its branch has a period of
    /// its own: see [`Txn::retain`] and [`RETENTION_PERIOD`](crate::RETENTION_PERIOD).
    pub fn set_retention(&self, retention: Duration) {
        self.core()
            .retention
            .store(retention::micros(retention), Ordering::Relaxed);
    }

    /// How long replaced versions stay readable where nothing else is said.
    #[must_use]
    pub fn retention(&self) -> Duration {
        Duration::from_micros(self.core().retention.load(Ordering::Relaxed))
    }

    /// The first change number from which on every state of a table can be read on a branch, before its fork
    /// by way of its ancestors; without a table, of all tables.
    #[must_use]
    pub fn kept(&self, branch: BranchId, table: Option<TableId>) -> Scn {
        self.core().kept(branch, table)
    }

    /// Does a bounded piece of checkpointing, about `budget` keys; begins a checkpoint if there is
    /// anything to save.
    ///
    /// # Errors
    /// `Io`, `Poisoned`.
    pub fn checkpoint_step(&self, budget: usize) -> Result<Step> {
        self.core().checkpoint_step(budget)
    }

    /// Looks at up to `budget` stored versions and removes those that nothing needs; begins a round
    /// if one could find anything.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub fn gc_step(&self, budget: usize) -> Result<Step> {
        self.core().gc_step(budget)
    }

    /// Writes a backup of the whole database as of its newest commit into `directory`, which must be empty or not
    /// there. Nobody has to wait; what comes meanwhile is not in it. Where it fails nothing is left.
    ///
    /// # Errors
    /// `0A000` for a database in memory, `58P02` when something is in `directory`; `Io`, `Corrupt`; those of
    /// `watch`.
    pub fn backup(&self, directory: &Path, watch: &mut Watch<'_>) -> Result<Manifest> {
        self.core().backup(directory, watch)
    }

    /// Verifies the invariants that bind the stored structures together. Returns one line per
    /// fault; empty when sound. Other work may go on.
    ///
    /// # Errors
    /// `Io`.
    pub fn check(&self) -> Result<Vec<String>> {
        crate::check::check(self.core())
    }

    /// The running transactions.
    #[must_use]
    pub fn transactions(&self) -> Vec<TxnInfo> {
        self.core().transactions.list(&self.core().locks)
    }

    /// The locks held and waited for.
    #[must_use]
    pub fn locks(&self) -> Vec<LockInfo> {
        self.core().locks.list()
    }

    /// The oldest change number at which every table is readable on every branch, so far.
    #[must_use]
    pub fn horizon(&self) -> Scn {
        self.core().horizon()
    }

    /// The oldest change number at which any table is readable on any branch, so far.
    #[must_use]
    pub fn oldest(&self) -> Scn {
        self.core().oldest()
    }

    /// Why nothing can be committed until the store is opened again, if that is so: a write of the log failed.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.core().log.failure()
    }

    /// Sizes and counts.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        let core = self.core();
        let kv = core.kv.stats();
        StoreStats {
            scn: core.published(),
            overlay_bytes: kv.overlay_bytes,
            state_bytes: kv.file_bytes,
            log_bytes: core.log.bytes(),
            horizon: core.horizon(),
            transactions: core.transactions.len() as u64,
            cached_rows: core.cache.len() as u64,
            log_end: core.log.end(),
            checkpoints: kv.checkpoints,
        }
    }
}
