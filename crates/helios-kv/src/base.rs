//! The state file as of one checkpoint, for reading.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use helios_base::{Error, Result};
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata};

use crate::Keyspace;
use crate::blocks::{BLOCK_BYTES, BLOCK_ENTRIES, Block, Blocks};
use crate::durable::KvSpace;
use crate::page::{Entry, Page};
use crate::state::{Raw, definition, guarded, state_error};

/// One state of the file. Its pages stay as they are while it lives.
pub(crate) struct Base {
    tables: Vec<ReadOnlyTable<Raw, Raw>>,
    /// What of it is in memory.
    pub blocks: Blocks,
}

impl Base {
    /// No file, which cannot be read.
    pub fn none() -> Self {
        Self {
            tables: Vec::new(),
            blocks: Blocks::new(0),
        }
    }

    /// Opens every keyspace of what `transaction` sees.
    pub fn new(transaction: &ReadTransaction, blocks: Blocks) -> Result<Self> {
        let tables: Result<_> = Keyspace::ALL
            .into_iter()
            .map(|keyspace| {
                transaction
                    .open_table(definition(keyspace))
                    .map_err(|error| state_error("open a table of", error))
            })
            .collect();
        Ok(Self {
            tables: tables?,
            blocks,
        })
    }

    #[inline]
    pub fn table(&self, keyspace: Keyspace) -> Result<&ReadOnlyTable<Raw, Raw>> {
        self.tables.get(keyspace.index()).ok_or_else(|| {
            Error::corrupt("the state file could not be read again after maintenance")
        })
    }

    /// Adds up what the trees of all keyspaces take.
    pub fn measure(&self, space: &mut KvSpace) -> Result<()> {
        for table in &self.tables {
            let stats = guarded("read", || {
                table.stats().map_err(|error| state_error("read", error))
            })?;
            space.stored_bytes += stats.stored_bytes();
            space.metadata_bytes += stats.metadata_bytes();
            space.fragmented_bytes += stats.fragmented_bytes();
        }
        Ok(())
    }

    /// The value of `key`.
    pub fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        if self.blocks.serves(keyspace) {
            let value = |page: &Page| page.find(key).and_then(|at| page.value(at));
            if let Some(found) = self.blocks.look(keyspace, key, value) {
                return Ok(found);
            }
            if self.blocks.wants() {
                return Ok(value(&self.fill_from(keyspace, key, 1)?.page));
            }
        }
        let table = self.table(keyspace)?;
        guarded("read", || {
            let found = table.get(key).map_err(failed)?;
            Ok(found.map(|guard| Bytes::copy_from_slice(guard.value())))
        })
    }

    /// The first entry from `from` on, if it is not beyond `upto`.
    pub fn first(
        &self,
        keyspace: Keyspace,
        from: &[u8],
        upto: &[u8],
    ) -> Result<Option<(Bytes, Bytes)>> {
        let table = self.table(keyspace)?;
        guarded("read", || {
            let mut cursor = table.lower_bound(Bound::Included(from)).map_err(failed)?;
            Ok(match cursor.next().map_err(failed)? {
                Some((key, value)) if key.value() <= upto => Some((
                    Bytes::copy_from_slice(key.value()),
                    Bytes::copy_from_slice(value.value()),
                )),
                _ => None,
            })
        })
    }

    /// The block around `key`, made if it is not there and worth it. `run` blocks are made where
    /// the read is expected to go on.
    pub fn block_at(
        &self,
        keyspace: Keyspace,
        key: &[u8],
        run: usize,
    ) -> Result<Option<Arc<Block>>> {
        match self.blocks.around(keyspace, key) {
            None if self.blocks.wants() => self.fill_from(keyspace, key, run).map(Some),
            known => Ok(known),
        }
    }

    /// The block around the greatest key below `key`, or of all keys, made if it is not there and
    /// worth it.
    pub fn block_before(
        &self,
        keyspace: Keyspace,
        key: Option<&[u8]>,
    ) -> Result<Option<Arc<Block>>> {
        match self.blocks.before(keyspace, key) {
            None if self.blocks.wants() => self.fill_before(keyspace, key).map(Some),
            known => Ok(known),
        }
    }

    /// A block that begins at `from`, with others behind it until there are `run`.
    fn fill_from(&self, keyspace: Keyspace, from: &[u8], run: usize) -> Result<Arc<Block>> {
        let until = self.blocks.next_from(keyspace, from);
        let table = self.table(keyspace)?;
        let mut page = self.blocks.scratch();
        let mut made = Vec::with_capacity(1);
        guarded("read", || {
            let mut from = from.to_vec();
            let mut cursor = table.lower_bound(Bound::Included(&*from)).map_err(failed)?;
            while let Some((key, value)) = cursor.next().map_err(failed)? {
                let key = key.value();
                if until.as_ref().is_some_and(|until| key >= until.as_slice()) {
                    break;
                }
                if is_full(&page) {
                    made.push(Arc::new(Block::new(&page, &from, Some(key))));
                    page.clear();
                    if made.len() >= run {
                        return Ok(());
                    }
                    from.clear();
                    from.extend_from_slice(key);
                }
                page.push(key, Entry::Put(value.value()));
            }
            made.push(Arc::new(Block::new(&page, &from, until.as_deref())));
            Ok(())
        })?;
        self.blocks.return_scratch(page);
        for block in &made {
            self.blocks.keep(keyspace, block);
        }
        let first = made.into_iter().next();
        first.ok_or_else(|| Error::internal("a block was not made"))
    }

    /// A block that ends at `to`.
    fn fill_before(&self, keyspace: Keyspace, to: Option<&[u8]>) -> Result<Arc<Block>> {
        let start = self.blocks.previous_to(keyspace, to).unwrap_or_default();
        let table = self.table(keyspace)?;
        let block = guarded("read", || {
            let bound = to.map_or(Bound::Unbounded, Bound::Excluded);
            let mut cursor = table.upper_bound(bound).map_err(failed)?;
            let mut entries: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
            let mut bytes = 0;
            let mut full = false;
            while let Some((key, value)) = cursor.prev().map_err(failed)? {
                let (key, value) = (key.value(), value.value());
                full = entries.len() >= BLOCK_ENTRIES || bytes >= BLOCK_BYTES;
                if full || key < start.as_slice() {
                    break;
                }
                bytes += key.len() + value.len();
                entries.push((key.to_vec(), value.to_vec()));
            }
            let mut page = Page::with_capacity(entries.len(), bytes, 0);
            for (key, value) in entries.iter().rev() {
                page.push(key, Entry::Put(value));
            }
            let from = match entries.last() {
                Some((first, _)) if full => first,
                _ => &start,
            };
            Ok(Block::new(&page, from, to))
        })?;
        let block = Arc::new(block);
        self.blocks.keep(keyspace, &block);
        Ok(block)
    }
}

/// Blocks made of what a long read shows, as it goes.
pub(crate) struct Filling {
    from: Vec<u8>,
    page: Page,
}

impl Filling {
    /// Begins where a read begins that includes its first key.
    pub fn new(from: Bound<&[u8]>) -> Self {
        let from = match from {
            Bound::Included(from) | Bound::Excluded(from) => from,
            Bound::Unbounded => &[],
        };
        Self {
            from: from.to_vec(),
            page: Page::with_capacity(BLOCK_ENTRIES, BLOCK_BYTES / 2, 0),
        }
    }

    /// Adds the next entry.
    pub fn add(&mut self, base: &Base, keyspace: Keyspace, key: &[u8], value: &[u8]) {
        if is_full(&self.page) {
            if base.blocks.has_room() {
                let block = Block::new(&self.page, &self.from, Some(key));
                base.blocks.keep(keyspace, &Arc::new(block));
            }
            self.page.clear();
            self.from.clear();
            self.from.extend_from_slice(key);
        }
        self.page.push(key, Entry::Put(value));
    }
}

fn is_full(page: &Page) -> bool {
    page.len() >= BLOCK_ENTRIES || page.total_bytes() >= BLOCK_BYTES
}

pub(crate) fn failed(error: redb::StorageError) -> Error {
    state_error("read", error)
}

/// Whether `key` is not beyond `until` in a direction.
#[inline]
pub(crate) fn is_within(key: &[u8], until: Bound<&[u8]>, reverse: bool) -> bool {
    match until {
        Bound::Unbounded => true,
        Bound::Included(until) if reverse => key >= until,
        Bound::Included(until) => key <= until,
        Bound::Excluded(until) if reverse => key > until,
        Bound::Excluded(until) => key < until,
    }
}
