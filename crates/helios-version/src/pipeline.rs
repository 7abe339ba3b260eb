//! The commit pipeline: order, make durable, apply, publish, acknowledge.
//!
//! 1. Under the *order* mutex a commit gets its number and time, and its record goes to the log's
//!    buffer: log order is SCN order.
//! 2. The log makes it durable; all who wait share one sync.
//! 3. Under the *apply* mutex somebody applies everything durable, in order, and publishes the newest
//!    number.
//!
//! Those who wait let one of them do steps 2 and 3 for all: see `group.rs`. A large commit does both
//! at once and publishes when both are done.
//!
//! So nothing is visible before it is durable, and readers see commits in order. Asynchronous
//! commits skip step 2, but never overtake an earlier commit that waits for it.
//!
//! A failure after step 1 leaves the outcome unknown: the pipeline then refuses every later commit
//! until the database is opened again and the log has told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use helios_base::{BranchId, Error, ErrorKind, Result, Scn, SqlState, TableId, failpoint};
use parking_lot::{Mutex, RwLock};

use crate::apply::Applier;
use crate::commit::CommitInfo;
use crate::core::{Core, now};
use crate::group::Group;
use crate::reads::ReadSet;
use crate::record::{CommitHead, encode_part, encode_sequence};
use crate::sequence::SequenceState;
use crate::writes::WriteSet;

/// Bytes of operations in one log record; larger commits are written in parts.
const PART_BYTES: usize = 4 << 20;

/// A transaction's writes, shared with its views.
pub(crate) type SharedWrites = Arc<RwLock<WriteSet>>;

/// The pipeline's state.
pub(crate) struct Pipeline {
    order: Mutex<Order>,
    apply: Mutex<Applied>,
    pub(crate) group: Group,
    /// The newest visible commit.
    pub(crate) published: AtomicU64,
    broken: AtomicBool,
}

/// What the order mutex guards.
struct Order {
    last: Scn,
    time: i64,
    /// Logged and not yet applied, in log order.
    queue: VecDeque<Pending>,
    /// Where the newest commit ends that must be durable before it is visible.
    sync_end: u64,
    /// Commits that running serializable transactions may conflict with, by number.
    recent: VecDeque<Recent>,
    /// Snapshots of running serializable transactions, counted.
    serializable: BTreeMap<Scn, usize>,
}

/// What the apply mutex guards.
pub(crate) struct Applied {
    /// Everything in the log before here is applied.
    pub(crate) end: u64,
}

struct Pending {
    end: u64,
    asynchronous: bool,
    work: Work,
}

enum Work {
    Commit(Box<CommitInfo>, SharedWrites),
    Sequence(BranchId, TableId, SequenceState),
}

struct Recent {
    scn: Scn,
    branch: BranchId,
    writes: SharedWrites,
}

/// A commit on its way in.
pub(crate) struct Commit<'a> {
    pub(crate) head: CommitHead,
    pub(crate) writes: &'a SharedWrites,
    pub(crate) asynchronous: bool,
    /// For SERIALIZABLE: the snapshot and what was read at it.
    pub(crate) reads: Option<(Scn, &'a ReadSet)>,
}

impl Pipeline {
    /// Continues after `last`, which happened at `time`, with the log applied up to `end`.
    pub(crate) fn new(last: Scn, time: i64, end: u64) -> Self {
        Self {
            order: Mutex::new(Order {
                last,
                time,
                queue: VecDeque::new(),
                sync_end: 0,
                recent: VecDeque::new(),
                serializable: BTreeMap::new(),
            }),
            apply: Mutex::new(Applied { end }),
            group: Group::default(),
            published: AtomicU64::new(last.0),
            broken: AtomicBool::new(false),
        }
    }

    /// Takes the newest snapshot's number for a serializable transaction, and keeps the commits
    /// after it for validation until [`Pipeline::forget_serializable`].
    pub(crate) fn note_serializable(&self, snapshot: impl FnOnce() -> Scn) -> Scn {
        let mut order = self.order.lock();
        let scn = snapshot();
        *order.serializable.entry(scn).or_default() += 1;
        scn
    }

    pub(crate) fn forget_serializable(&self, scn: Scn) {
        let mut order = self.order.lock();
        if let Some(count) = order.serializable.get_mut(&scn) {
            *count -= 1;
            if *count == 0 {
                order.serializable.remove(&scn);
            }
        }
        let published = Scn(self.published.load(Ordering::Acquire));
        order.trim_recent(published);
    }

    fn refuse_if_broken(&self) -> Result<()> {
        if self.broken.load(Ordering::Acquire) {
            return Err(Error::new(
                SqlState::IO_ERROR,
                "the database refuses writes because an earlier one failed",
            )
            .with_kind(ErrorKind::Poisoned)
            .with_hint("close and open the database again"));
        }
        Ok(())
    }

    /// Marks the pipeline broken if `result` is an error, and tells so.
    pub(crate) fn guard<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| {
            self.broken.store(true, Ordering::Release);
            error.with_kind(ErrorKind::Poisoned).with_hint(
                "Close the database, free the disk of its trouble and open it again; whether the \
                 transaction was committed shows then.",
            )
        })
    }
}

impl Order {
    /// Forgets commits that every running serializable transaction has in its snapshot.
    fn trim_recent(&mut self, published: Scn) {
        let oldest = self.serializable.keys().next().copied();
        let keep = oldest.map_or(published, |oldest| oldest.min(published));
        while self.recent.front().is_some_and(|recent| recent.scn <= keep) {
            self.recent.pop_front();
        }
    }

    fn validate(&self, branch: BranchId, snapshot: Scn, reads: &ReadSet) -> Result<()> {
        for recent in self.recent.iter().rev() {
            if recent.scn <= snapshot {
                break;
            }
            if recent.branch == branch && reads.conflicts_with(&recent.writes.read())? {
                return Err(Error::new(
                    SqlState::SERIALIZATION_FAILURE,
                    "could not serialize access due to read/write dependencies among transactions",
                )
                .with_detail(format!("Commit {} changed what was read.", recent.scn))
                .with_hint("the transaction might succeed if retried"));
            }
        }
        Ok(())
    }
}

impl Core {
    /// Takes a commit through the pipeline; returns its number once it is visible and, unless
    /// asynchronous, durable.
    pub(crate) fn commit(&self, commit: Commit<'_>) -> Result<Scn> {
        self.pipeline.refuse_if_broken()?;
        let mut record = Vec::new();
        let large = {
            let writes = commit.writes.read();
            let large = writes.bytes() > PART_BYTES as u64;
            record.reserve(256 + if large { 0 } else { writes.bytes() as usize });
            commit.head.encode(&mut record);
            if !large {
                writes.encoded(usize::MAX, &mut |ops| {
                    record.extend_from_slice(ops);
                    Ok(())
                })?;
            }
            large
        };
        let (scn, end, sync_end) = self.order(&commit, record, large)?;
        self.pipeline.guard(failpoint::hit("version.logged"))?;
        if commit.asynchronous {
            self.pipeline.guard(self.log.sync(sync_end))?;
            self.drain(end)?;
        } else if large {
            self.settle_large(end)?;
        } else {
            self.settle(end)?;
        }
        if large {
            // Do not keep the writes until the next commit.
            let mut order = self.pipeline.order.lock();
            let published = self.published();
            order.trim_recent(published);
        }
        if commit.asynchronous {
            self.signal.flush_soon();
        }
        Ok(scn)
    }

    /// Step 1. Returns the number, the end of the record, and up to where the log must be durable
    /// before an asynchronous commit may be visible.
    fn order(
        &self,
        commit: &Commit<'_>,
        mut record: Vec<u8>,
        large: bool,
    ) -> Result<(Scn, u64, u64)> {
        let pipeline = &self.pipeline;
        let mut order = pipeline.order.lock();
        pipeline.refuse_if_broken()?;
        if let Some((snapshot, reads)) = commit.reads {
            order.validate(commit.head.branch, snapshot, reads)?;
        }
        let scn = order.last.next();
        let time = now().max(order.time + 1);
        CommitHead::stamp(&mut record, scn, time)?;
        let mut start = None;
        if large {
            let writes = commit.writes.read();
            let mut part = Vec::new();
            let appended = writes.encoded(PART_BYTES, &mut |ops| {
                part.clear();
                encode_part(&mut part);
                part.extend_from_slice(ops);
                let place = self.log.append(&part)?;
                start.get_or_insert(place.start);
                Ok(())
            });
            pipeline.guard(appended)?;
        }
        let appended = self.log.append(&record);
        // A single record that the log refuses has left no trace.
        let place = if start.is_some() {
            pipeline.guard(appended)?
        } else {
            appended?
        };
        order.last = scn;
        order.time = time;
        let head = &commit.head;
        let info = CommitInfo {
            scn,
            txid: head.txid,
            branch: head.branch,
            time,
            author: head.author.clone(),
            message: head.message.clone(),
            parents: head.parents.clone(),
            puts: 0,
            deletes: 0,
            position: start.unwrap_or(place.start),
        };
        order.queue.push_back(Pending {
            end: place.end,
            asynchronous: commit.asynchronous,
            work: Work::Commit(Box::new(info), Arc::clone(commit.writes)),
        });
        let sync_end = order.sync_end;
        if !commit.asynchronous {
            order.sync_end = place.end;
        }
        order.recent.push_back(Recent {
            scn,
            branch: head.branch,
            writes: Arc::clone(commit.writes),
        });
        if order.recent.len() > 64 || order.serializable.is_empty() {
            let published = Scn(pipeline.published.load(Ordering::Acquire));
            order.trim_recent(published);
        }
        Ok((scn, place.end, sync_end))
    }

    /// Logs where a sequence may have come. Durable with the next commit that is.
    pub(crate) fn log_sequence(
        &self,
        branch: BranchId,
        sequence: TableId,
        state: SequenceState,
    ) -> Result<()> {
        let record = encode_sequence(branch, sequence, state);
        let mut order = self.pipeline.order.lock();
        self.pipeline.refuse_if_broken()?;
        let place = self.log.append(&record)?;
        order.queue.push_back(Pending {
            end: place.end,
            asynchronous: true,
            work: Work::Sequence(branch, sequence, state),
        });
        Ok(())
    }

    /// Steps 3: applies and publishes everything that may be, at least up to `end`.
    pub(crate) fn drain(&self, end: u64) -> Result<()> {
        let mut applied = self.pipeline.apply.lock();
        if applied.end >= end {
            return Ok(());
        }
        self.drain_locked(&mut applied)
    }

    fn drain_locked(&self, applied: &mut Applied) -> Result<()> {
        let durable = self.log.durable();
        let newest = self.apply_upto(applied, durable)?;
        self.publish(newest);
        Ok(())
    }

    /// Applies what is logged before `upto` and the asynchronous commits that follow. Returns the
    /// newest number, which may be published once everything before `upto` is durable.
    fn apply_upto(&self, applied: &mut Applied, upto: u64) -> Result<Option<Scn>> {
        let pipeline = &self.pipeline;
        pipeline.refuse_if_broken()?;
        let mut group = Vec::new();
        {
            let mut order = pipeline.order.lock();
            while let Some(pending) = order
                .queue
                .pop_front_if(|pending| pending.end <= upto || pending.asynchronous)
            {
                group.push(pending);
            }
        }
        let mut newest = None;
        if group.is_empty() {
            return Ok(newest);
        }
        let mut end = applied.end;
        let mut applier = Applier::new(self);
        let mut apply_all = || -> Result<()> {
            for pending in &group {
                applier.place = (end, pending.end);
                match &pending.work {
                    Work::Commit(info, writes) => {
                        newest = Some(info.scn);
                        applier.commit(CommitInfo::clone(info), &writes.read())?;
                    }
                    Work::Sequence(branch, sequence, state) => {
                        applier.sequence(*branch, *sequence, *state);
                    }
                }
                end = pending.end;
            }
            applier.flush()
        };
        pipeline.guard(apply_all().and_then(|()| failpoint::hit("version.applied")))?;
        applied.end = end;
        Ok(newest)
    }

    fn publish(&self, newest: Option<Scn>) {
        if let Some(scn) = newest {
            self.pipeline.published.store(scn.0, Ordering::Release);
        }
    }

    /// Steps 2 and 3 at once, for a commit whose records take the disk about as long as its rows
    /// take the processor. Nobody reads at its number before it is published, and no checkpoint
    /// saves what is not durable, so only publishing waits for the disk.
    fn settle_large(&self, end: u64) -> Result<()> {
        let mut applied = self.pipeline.apply.lock();
        let newest = std::thread::scope(|scope| {
            let sync = || self.log.sync(end);
            let other = std::thread::Builder::new()
                .name("heliosdb-sync".into())
                .spawn_scoped(scope, sync);
            let newest = self.apply_upto(&mut applied, end);
            let synced = match other {
                Ok(other) => match other.join() {
                    Ok(synced) => synced,
                    Err(panic) => std::panic::resume_unwind(panic),
                },
                Err(_) => sync(),
            };
            self.pipeline.guard(synced)?;
            self.pipeline.guard(failpoint::hit("version.durable"))?;
            newest
        })?;
        self.publish(newest);
        Ok(())
    }

    /// Runs `work` between commits: nothing is applied meanwhile, and everything that may be has
    /// been. `work` gets the end of what is applied.
    pub(crate) fn between_commits<T>(&self, work: impl FnOnce(u64) -> Result<T>) -> Result<T> {
        let mut applied = self.pipeline.apply.lock();
        self.drain_locked(&mut applied)?;
        work(applied.end)
    }
}
