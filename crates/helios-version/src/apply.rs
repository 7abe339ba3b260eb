//! Applying commits to the keyspaces: the one place that decides what becomes of the old version.
//!
//! Applying is deterministic, and doing it twice is the same as doing it once: recovery may apply a
//! commit that a checkpoint has already taken in, wholly or in part.

mod ahead;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ahead::Ahead;
use bytes::Bytes;
use helios_base::{BranchId, Error, IndexId, Result, Scn, TableId};
use helios_kv::{Batch, Keyspace, KvSnapshot};

use crate::branch::{Branch, BranchTree, Link, Node};
use crate::cache::{Newest, Probe};
use crate::changes::{KeySet, ListWriter};
use crate::codec::{Reader, put_varint};
use crate::cold::SegmentInfo;
use crate::commit::CommitInfo;
use crate::core::Core;
use crate::keys::{self, Stored};
use crate::read::newest_in;
use crate::record::{Op, Ops, decode_pairs};
use crate::retention::put_period;
use crate::sequence::{SequenceState, sequence_key};
use crate::writes::{Live, WriteSet};

/// Operations after which a batch goes to the store; a commit may take several. Readers cannot tell,
/// because none reads at the commit's number yet.
const BATCH_OPS: usize = 1 << 13;

/// Row writes above which the cache is emptied instead of updated.
const CACHE_UPDATES: usize = 4096;

/// Applies commits in order. Lives while the apply mutex is held.
pub(crate) struct Applier<'a> {
    core: &'a Core,
    /// What the store held before the batch. Let go before the batch goes in: a state that nobody
    /// looks at can be changed in place.
    snapshot: Option<Arc<dyn KvSnapshot>>,
    batch: Batch,
    key: Vec<u8>,
    history: Vec<u8>,
    value: Vec<u8>,
    /// New versions to tell the cache of, once the batch is in.
    fresh: Vec<(TableId, BranchId, Scn, Bytes, Option<Bytes>)>,
    /// There were too many for `fresh`.
    flood: bool,
    /// The commit has more than `fresh` takes.
    large: bool,
    /// Rows of a large commit.
    ahead: Ahead,
    touched: Vec<(TableId, BranchId, Scn)>,
    /// Versions that go into `History` with the batch.
    replaced: u64,
    changes: ListWriter,
    tree: Option<BranchTree>,
    current: Context,
    /// Where the log record of the commit begins and ends, or what comes before it.
    pub(crate) place: (u64, u64),
}

/// The commit being applied.
#[derive(Default)]
struct Context {
    scn: Scn,
    branch: BranchId,
    time: i64,
    ancestors: Arc<[Link]>,
    puts: u64,
    deletes: u64,
}

impl<'a> Applier<'a> {
    pub(crate) fn new(core: &'a Core) -> Self {
        Self {
            core,
            snapshot: None,
            batch: Batch::new(),
            key: Vec::new(),
            history: Vec::new(),
            value: Vec::new(),
            fresh: Vec::new(),
            flood: false,
            large: false,
            ahead: Ahead::default(),
            touched: Vec::new(),
            replaced: 0,
            changes: ListWriter::default(),
            tree: None,
            current: Context::default(),
            place: (0, 0),
        }
    }

    fn begin(&mut self, info: &CommitInfo) -> Result<()> {
        let tree = self.core.tree.load();
        let tree = self.tree.as_ref().unwrap_or(&tree);
        let ancestors = match tree.any(info.branch) {
            Some(node) => node.ancestors().into(),
            None => {
                return Err(Error::corrupt(format!(
                    "commit {} is on branch {}, which does not exist",
                    info.scn, info.branch
                )));
            }
        };
        self.current = Context {
            scn: info.scn,
            branch: info.branch,
            time: info.time,
            ancestors,
            puts: 0,
            deletes: 0,
        };
        Ok(())
    }

    fn end(&mut self, mut info: CommitInfo) -> Result<()> {
        info.puts = self.current.puts;
        info.deletes = self.current.deletes;
        self.changes.end(&mut self.batch);
        if !info.parents.is_empty() {
            let record = self.tree().note_merge(info.branch, info.scn, &info.parents);
            let mut key = keys::meta_key(keys::META_MERGE, &info.branch.0.to_be_bytes());
            key.extend_from_slice(&keys::commit_key(info.scn));
            self.batch.put(Keyspace::Meta, &key, &record);
        }
        self.value.clear();
        info.encode(&mut self.value);
        self.batch
            .put(Keyspace::Commits, &keys::commit_key(info.scn), &self.value);
        if info.txid.0 != 0 {
            self.value.clear();
            put_varint(&mut self.value, info.scn.0);
            self.batch
                .put(Keyspace::Txids, &keys::txid_key(info.txid), &self.value);
        }
        Ok(())
    }

    /// Applies a commit from its write set.
    pub(crate) fn commit(&mut self, info: CommitInfo, writes: &WriteSet) -> Result<()> {
        self.begin(&info)?;
        self.large = writes.mark() > CACHE_UPDATES;
        writes.for_each(&mut |live| match live {
            Live::Row {
                table,
                pk,
                row,
                fresh,
            } if self.large && !(fresh && self.ahead.is_empty()) => {
                if self.ahead.is_full_for(table) {
                    self.let_go()?;
                }
                let place = (table, self.current.branch);
                self.ahead.hold(place, pk, row, fresh);
                Ok(())
            }
            Live::Row {
                table,
                pk,
                row,
                fresh,
            } => self.row(table, pk, row, fresh),
            Live::Entry { index, key } => self.entry(index, key),
            Live::Segment { table, id, entry } => self.segment(table, id, entry),
            Live::Loaded { table, pk } => self.loaded(table, pk),
            Live::Other(bytes) => {
                let op = Op::decode(&mut Reader::new(bytes, "operation"))?;
                self.op(&op)
            }
        })?;
        self.let_go()?;
        self.end(info)
    }

    /// Applies a commit from its log records.
    pub(crate) fn replay(&mut self, info: CommitInfo, parts: &[&[u8]]) -> Result<()> {
        self.begin(&info)?;
        self.large = false;
        for part in parts {
            for op in Ops::new(part) {
                self.op(&op?)?;
            }
        }
        self.end(info)
    }

    /// Applies a sequence record.
    pub(crate) fn sequence(&mut self, branch: BranchId, sequence: TableId, state: SequenceState) {
        let key = sequence_key(branch, sequence);
        self.batch.put(Keyspace::Meta, &key, &state.encode());
    }

    /// Writes the rows that are held back.
    fn let_go(&mut self) -> Result<()> {
        if self.ahead.is_empty() {
            return Ok(());
        }
        let core = self.core;
        let kv = Arc::clone(self.snapshot.get_or_insert_with(|| core.kv.snapshot()));
        let mut ahead = std::mem::take(&mut self.ahead);
        ahead.let_go(&*kv, &mut |table, pk, row, old| {
            self.replace(table, pk, row, old)
        })?;
        drop(kv);
        self.ahead = ahead;
        self.flush_if_full()
    }

    fn row(&mut self, table: TableId, pk: &[u8], row: Option<&[u8]>, fresh: bool) -> Result<()> {
        let branch = self.current.branch;
        let old = if fresh {
            Newest::Absent
        } else {
            let probe = Probe::new(table, branch, pk);
            match self.core.cache.peek(&probe) {
                // It stays where it is.
                Some(Newest::Cold(..)) => Newest::Absent,
                Some(newest) => newest,
                None => {
                    let core = self.core;
                    let kv = self.snapshot.get_or_insert_with(|| core.kv.snapshot());
                    newest_in(&**kv, table, branch, pk)?
                }
            }
        };
        self.replace(table, pk, row, &old)?;
        self.flush_if_full()
    }

    /// Writes a row in place of `old`, the newest version on its branch outside of segments.
    fn replace(
        &mut self,
        table: TableId,
        pk: &[u8],
        row: Option<&[u8]>,
        old: &Newest,
    ) -> Result<()> {
        let (scn, branch) = (self.current.scn, self.current.branch);
        // Before anything is decided: applying a commit again must write the same lists.
        self.changes.open(table, branch, scn, &mut self.batch);
        self.changes.add(pk, &mut self.batch);
        match row {
            Some(_) => self.current.puts += 1,
            None => self.current.deletes += 1,
        }
        let is_root = self.current.ancestors.is_empty();
        let replaced = match old {
            Newest::Absent | Newest::Above(_) | Newest::Cold(..) => {
                let ancestors = Arc::clone(&self.current.ancestors);
                if row.is_none()
                    && !self.core.cold_shows(table, branch, pk)
                    && !self.core.inherits(&ancestors, table, pk)?
                {
                    return Ok(());
                }
                None
            }
            Newest::Tombstone(_) if row.is_none() => return Ok(()),
            // Applied before.
            newest if newest.begin() == scn => None,
            Newest::Tombstone(_) if is_root && self.core.cold.level(table, branch).is_none() => {
                None
            }
            Newest::Tombstone(begin) => Some((*begin, None)),
            Newest::Row(begin, row) => Some((*begin, Some(row))),
        };
        if let Some((begin, row)) = replaced {
            keys::history_key(&mut self.history, table, branch, pk, begin);
            self.value.clear();
            Stored {
                scn,
                row: row.map(|row| &row[..]),
            }
            .encode(&mut self.value);
            self.batch
                .put(Keyspace::History, &self.history, &self.value);
            self.replaced += 1;
        }
        keys::object_key(&mut self.key, table.0, branch, pk);
        self.value.clear();
        Stored { scn, row }.encode(&mut self.value);
        self.batch.put(Keyspace::Current, &self.key, &self.value);
        if self.touched.last() != Some(&(table, branch, scn)) {
            self.touched.push((table, branch, scn));
        }
        if self.large || self.fresh.len() >= CACHE_UPDATES {
            self.flood = true;
        } else {
            let row = row.map(Bytes::copy_from_slice);
            let pk = Bytes::copy_from_slice(pk);
            self.fresh.push((table, branch, scn, pk, row));
        }
        Ok(())
    }

    fn entry(&mut self, index: IndexId, key: &[u8]) -> Result<()> {
        keys::object_key(&mut self.key, index.0, self.current.branch, key);
        self.batch.put(Keyspace::Index, &self.key, &[]);
        self.flush_if_full()
    }

    /// A segment that the commit brings along.
    fn segment(&mut self, table: TableId, id: u64, entry: &[u8]) -> Result<()> {
        let mut info = SegmentInfo::decode_entry((table, self.current.branch, id), entry)?;
        info.newest = self.current.scn;
        self.core.take_in(info, &mut self.batch);
        self.flush_if_full()
    }

    /// A row in such a segment.
    fn loaded(&mut self, table: TableId, pk: &[u8]) -> Result<()> {
        let (scn, branch) = (self.current.scn, self.current.branch);
        self.changes.open(table, branch, scn, &mut self.batch);
        self.changes.add(pk, &mut self.batch);
        self.current.puts += 1;
        if self.touched.last() != Some(&(table, branch, scn)) {
            self.touched.push((table, branch, scn));
        }
        // Nothing was there, and that may be what the cache says.
        self.flood = true;
        self.flush_if_full()
    }

    fn op(&mut self, op: &Op<'_>) -> Result<()> {
        match *op {
            Op::Put { table, pk, row } => self.row(table, pk, Some(row), false),
            Op::Delete { table, pk } => self.row(table, pk, None, false),
            Op::Entry { index, key } => self.entry(index, key),
            Op::Segment { table, id, entry } => self.segment(table, id, entry),
            Op::Loaded { table, keys } => {
                let mut set = KeySet::new();
                set.add_part(keys)?;
                (0..set.len())
                    .filter_map(|n| set.get(n))
                    .try_for_each(|pk| self.loaded(table, pk))
            }
            Op::CreateBranch {
                id,
                parent,
                fork,
                name,
                options,
            } => {
                let branch = Branch {
                    id,
                    name: name.to_owned(),
                    parent: Some(parent),
                    fork,
                    created: self.current.scn,
                    created_at: self.current.time,
                    options: decode_pairs(&mut Reader::new(options.0, "branch settings"))?,
                };
                let record = self.tree().create(branch).encode();
                self.put_branch(id, &record);
                Ok(())
            }
            Op::AlterBranch { id, name, options } => {
                let options = decode_pairs(&mut Reader::new(options.0, "branch settings"))?;
                self.change_branch(id, |node| {
                    node.branch.name = name.to_owned();
                    node.branch.options = options;
                })
            }
            Op::DropBranch { id } => self.change_branch(id, |node| node.dropped = true),
            Op::DropTable { table } => {
                self.dropped(keys::META_DROPPED_TABLE, table.0);
                Ok(())
            }
            Op::DropIndex { index } => {
                self.dropped(keys::META_DROPPED_INDEX, index.0);
                Ok(())
            }
            Op::Pin { name, branch, scn } => {
                self.value.clear();
                put_varint(&mut self.value, u64::from(branch.0));
                put_varint(&mut self.value, scn.0);
                let key = keys::meta_key(keys::META_PIN, name.as_bytes());
                self.batch.put(Keyspace::Meta, &key, &self.value);
                self.core.registry.pin(name, branch, scn);
                Ok(())
            }
            Op::Retain {
                table,
                period,
                is_new,
            } => {
                let (branch, scn) = (self.current.branch, self.current.scn);
                let is_new = is_new && !self.revive(keys::META_DROPPED_TABLE, table.0)?;
                let tree = self.core.tree.load();
                let tree = self.tree.as_ref().unwrap_or(&tree);
                if !tree.has_period(branch, table, scn, period) {
                    self.tree()
                        .note_period(branch, table, scn, (period, is_new));
                    let key = keys::period_key(table, branch, scn);
                    self.value.clear();
                    put_period(&mut self.value, period, is_new);
                    self.batch.put(Keyspace::Meta, &key, &self.value);
                }
                Ok(())
            }
            Op::KeepIndex { index } => self.revive(keys::META_DROPPED_INDEX, index.0).map(drop),
            Op::Unpin { name } => {
                let key = keys::meta_key(keys::META_PIN, name.as_bytes());
                self.batch.delete(Keyspace::Meta, &key);
                self.core.registry.unpin(name);
                Ok(())
            }
        }
    }

    fn tree(&mut self) -> &mut BranchTree {
        let core = self.core;
        self.tree
            .get_or_insert_with(|| BranchTree::clone(&core.tree.load()))
    }

    fn put_branch(&mut self, id: BranchId, record: &[u8]) {
        let key = keys::meta_key(keys::META_BRANCH, &id.0.to_be_bytes());
        self.batch.put(Keyspace::Meta, &key, record);
        self.value.clear();
        let next = self.tree().next;
        put_varint(&mut self.value, u64::from(next.0));
        let key = keys::meta_key(keys::META_NEXT_BRANCH, &[]);
        self.batch.put(Keyspace::Meta, &key, &self.value);
    }

    fn change_branch(&mut self, id: BranchId, change: impl FnOnce(&mut Node)) -> Result<()> {
        // Recovery may meet the change of a branch whose keys are gone already.
        let Some(node) = self.tree().any(id) else {
            return Ok(());
        };
        let mut node = Node::clone(node);
        change(&mut node);
        let record = node.encode();
        self.tree().insert(node);
        self.put_branch(id, &record);
        Ok(())
    }

    /// What was dropped on the branch may be in use again: then it stays. Whether it is so.
    fn revive(&mut self, tag: u8, object: u32) -> Result<bool> {
        let rest = keys::prefix(object, self.current.branch);
        let key = keys::meta_key(tag, &rest);
        let core = self.core;
        let kv = self.snapshot.get_or_insert_with(|| core.kv.snapshot());
        let was_dropped = kv.get(Keyspace::Meta, &key)?.is_some();
        if was_dropped {
            self.batch.delete(Keyspace::Meta, &key);
        }
        Ok(was_dropped)
    }

    fn dropped(&mut self, tag: u8, object: u32) {
        let rest = keys::prefix(object, self.current.branch);
        self.value.clear();
        put_varint(&mut self.value, self.current.scn.0);
        self.batch
            .put(Keyspace::Meta, &keys::meta_key(tag, &rest), &self.value);
    }

    fn flush_if_full(&mut self) -> Result<()> {
        if self.batch.len() < BATCH_OPS {
            return Ok(());
        }
        self.flush()?;
        let (before, end) = self.place;
        self.core.checkpoint_midway(before, end)
    }

    /// Hands over what has gathered. The commits in it are visible to those who read at them.
    pub(crate) fn flush(&mut self) -> Result<()> {
        if !self.batch.is_empty() {
            self.snapshot = None;
            self.core.kv.apply(std::mem::take(&mut self.batch))?;
            let replaced = std::mem::take(&mut self.replaced);
            self.core.replaced.fetch_add(replaced, Ordering::Relaxed);
        }
        if self.flood {
            self.core.cache.clear();
            self.flood = false;
            self.fresh.clear();
            for (table, branch, _) in &self.touched {
                self.core.chains.forget(*table, *branch);
            }
        }
        for (table, branch, scn, pk, row) in self.fresh.drain(..) {
            if branch != BranchId::MAIN {
                self.core.chains.add(table, branch, &pk);
            }
            let probe = Probe::new(table, branch, &pk);
            self.core.cache.replace(&probe, scn, row.as_deref());
        }
        for (table, branch, scn) in self.touched.drain(..) {
            self.core.stamps.touch(table, branch, scn);
        }
        if let Some(tree) = self.tree.take() {
            self.core.tree.store(Arc::new(tree));
        }
        Ok(())
    }
}
