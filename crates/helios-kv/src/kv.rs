//! The boundary: what an engine promises.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use bytes::Bytes;
use helios_base::Result;

use crate::{Batch, Keyspace};

/// Bounds of a scan, in ascending byte order whatever the direction of the scan.
pub type KeyRange<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// An ordered byte map with snapshots, filled in batches and made durable by checkpoints.
///
/// What was applied after the newest checkpoint is lost with the process: the caller keeps a log
/// and applies its tail again. Every engine passes the contract suite.
pub trait Kv: Send + Sync {
    /// The state after the last applied batch. Never blocks; costs a few atomic operations.
    ///
    /// A snapshot keeps what it sees alive in memory and in the state file: let it go.
    fn snapshot(&self) -> Arc<dyn KvSnapshot>;

    /// As [`KvSnapshot::show`] in the state after the last applied batch.
    ///
    /// # Errors
    /// As there.
    fn show(&self, keyspace: Keyspace, key: &[u8], visit: &mut Show<'_>) -> Result<bool> {
        self.snapshot().show(keyspace, key, visit)
    }

    /// Applies all of `batch` or nothing; later snapshots see it. In memory only.
    ///
    /// Concurrent calls are serialised in an unspecified order.
    ///
    /// # Errors
    /// Reading the state file, which large `delete_range`s avoid and small ones need.
    fn apply(&self, batch: Batch) -> Result<()>;

    /// The mark of the newest durable checkpoint; 0 if there is none.
    fn applied(&self) -> u64;

    /// Marks everything applied so far as the content of the next checkpoint, in O(1).
    ///
    /// `mark` is the caller's name for this point (a log position). The caller makes sure that no
    /// [`apply`](Kv::apply) runs meanwhile, and that its log is durable up to `mark` before it
    /// calls [`checkpoint_step`](Kv::checkpoint_step). Returns false, and changes nothing, if an
    /// earlier checkpoint has not ended.
    fn freeze(&self, mark: u64) -> Result<bool>;

    /// Does about `budget` keys' worth of the frozen checkpoint's work and says whether more is
    /// left. The last step makes it durable together with its mark, atomically.
    ///
    /// Never blocks [`apply`](Kv::apply) or readers. Nothing to do is `Ok(false)`.
    ///
    /// # Errors
    /// `Poisoned` once a write failed: the engine then serves reads and refuses checkpoints; what
    /// was applied is still in the log.
    fn checkpoint_step(&self, budget: usize) -> Result<bool>;

    /// [`freeze`](Kv::freeze) and all the steps; first ends a checkpoint that had begun.
    fn checkpoint(&self, mark: u64) -> Result<()> {
        while self.checkpoint_step(usize::MAX)? {}
        self.freeze(mark)?;
        while self.checkpoint_step(usize::MAX)? {}
        Ok(())
    }

    /// Figures for deciding when to checkpoint, and for people.
    fn stats(&self) -> KvStats;
}

/// One consistent state of a [`Kv`], unaffected by later batches and checkpoints.
pub trait KvSnapshot: Send + Sync {
    /// The value of `key`.
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>>;

    /// Shows the value of `key` to `visit`, where it lies if that can be; false if there is none.
    fn show(&self, keyspace: Keyspace, key: &[u8], visit: &mut Show<'_>) -> Result<bool> {
        match self.get(keyspace, key)? {
            Some(value) => visit(&value).map(|()| true),
            None => Ok(false),
        }
    }

    /// Shows the values of those of `keys` that are there to `visit`, with their numbers. Keys that
    /// follow each other in key order are found quickest.
    fn show_each(
        &self,
        keyspace: Keyspace,
        keys: &[&[u8]],
        visit: &mut ShowEach<'_>,
    ) -> Result<()> {
        for (number, key) in keys.iter().enumerate() {
            self.show(keyspace, key, &mut |value| visit(number, value))?;
        }
        Ok(())
    }

    /// The first entry from `from` on, if it is not beyond `upto`: cheaper than a scan of one.
    fn first(
        &self,
        keyspace: Keyspace,
        from: &[u8],
        upto: &[u8],
    ) -> Result<Option<(Bytes, Bytes)>> {
        let range = (Bound::Included(from), Bound::Included(upto));
        let mut cursor = self.scan(keyspace, range, false)?;
        let copy = |(key, value)| (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        Ok(cursor.next()?.map(copy))
    }

    /// The entries of `range` in ascending key order, descending if `reverse`.
    ///
    /// The cursor lives on its own: it keeps what it needs of the snapshot. An inverted range is
    /// empty.
    fn scan(
        &self,
        keyspace: Keyspace,
        range: KeyRange<'_>,
        reverse: bool,
    ) -> Result<Box<dyn Cursor>>;
}

/// What [`KvSnapshot::show`] shows a value to.
pub type Show<'v> = dyn FnMut(&[u8]) -> Result<()> + 'v;

/// What [`KvSnapshot::show_each`] shows values to: the number of the key, and its value.
pub type ShowEach<'v> = dyn FnMut(usize, &[u8]) -> Result<()> + 'v;

/// What [`Cursor::visit`] shows entries to: key and value, until it breaks.
pub type Visit<'v> = dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>> + 'v;

/// A walk over the entries of one scan, lending each entry until the next call.
pub trait Cursor: Send {
    /// Moves to the next entry; false at the end of the range and ever after until a seek.
    fn step(&mut self) -> Result<bool>;

    /// The entry that the last [`step`](Cursor::step) moved to.
    fn entry(&self) -> Option<(&[u8], &[u8])>;

    /// The next entry, `None` at the end of the range and ever after until a seek.
    fn next(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        Ok(if self.step()? { self.entry() } else { None })
    }

    /// Shows the next entries to `visit` until it breaks or an entry is beyond `until` in the scan's
    /// direction. What was shown is passed; what is beyond `until` is still to come.
    ///
    /// The fastest way to read many entries: those that one layer holds in a row are compared with
    /// nothing.
    fn visit(&mut self, until: Bound<&[u8]>, visit: &mut Visit<'_>) -> Result<ControlFlow<()>>;

    /// Moves to `key`: the next entry is the first one at or after it in the scan's direction
    /// (at or below it in a reverse scan) within the scan's range. Seeks may go both ways.
    fn seek(&mut self, key: &[u8]) -> Result<()>;
}

/// Figures of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvStats {
    /// Keys that wait for a checkpoint, deletions included; replaced ones count once. 0 for an
    /// engine without a file.
    pub overlay_entries: u64,
    /// Bytes of those keys and values.
    pub overlay_bytes: u64,
    /// Of [`overlay_bytes`](Self::overlay_bytes): what a running checkpoint writes.
    pub frozen_bytes: u64,
    /// Bytes of all keys and values held in memory, caches aside; what holds them takes about a
    /// quarter more.
    pub memory_bytes: u64,
    /// Layers that a read has to ask, beside the state file. A checkpoint brings it back to 1.
    pub layers: usize,
    /// What the state file takes of the disk; 0 in memory.
    pub file_bytes: u64,
    /// Checkpoints ended since the store was opened.
    pub checkpoints: u64,
}
