//! The state file as of one checkpoint, for reading.

use std::ops::Bound;

use bytes::Bytes;
use helios_base::{Error, Result};
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata};

use crate::Keyspace;
use crate::blocks::{BLOCK_BYTES, BLOCK_ENTRIES, Blocks, Known};
use crate::durable::KvSpace;
use crate::kv::Show;
use crate::packed::{Block, Packer};
use crate::page::Sorted;
use crate::state::{Raw, definition, guarded, state_error};

/// What a single read of a gap reads ahead, at most.
const AHEAD_BLOCKS: usize = 16;
const AHEAD_BYTES: usize = 16 << 10;

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
        let mut found = None;
        self.show(keyspace, key, &mut |value| {
            found = Some(Bytes::copy_from_slice(value));
            Ok(())
        })?;
        Ok(found)
    }

    /// Shows the value of `key` to `visit`; false if there is none.
    pub fn show(&self, keyspace: Keyspace, key: &[u8], visit: &mut Show<'_>) -> Result<bool> {
        self.show_near(keyspace, key, &mut None, visit)
    }

    /// As [`Base::show`], looking into the block `near` first, which becomes that of this key.
    pub fn show_near(
        &self,
        keyspace: Keyspace,
        key: &[u8],
        near: &mut Option<Block>,
        visit: &mut Show<'_>,
    ) -> Result<bool> {
        if let Some(block) = near
            && let Some(at) = block.find(key)
        {
            return visit(block.value(at)).map(|()| true);
        }
        if self.blocks.serves(keyspace) {
            match self.blocks.look(keyspace, key) {
                Known::At(block, at) => {
                    return visit(near.insert(block).value(at)).map(|()| true);
                }
                Known::Absent => return Ok(false),
                Known::Nothing if self.blocks.wants() => {
                    let block = near.insert(self.fill_around(keyspace, key, 1)?);
                    return match block.find(key) {
                        Some(at) => visit(block.value(at)).map(|()| true),
                        None => Ok(false),
                    };
                }
                Known::Nothing => {}
            }
        }
        let table = self.table(keyspace)?;
        let found = guarded("read", || {
            let found = table.get(key).map_err(failed)?;
            Ok(found.map(|guard| Bytes::copy_from_slice(guard.value())))
        })?;
        match found {
            Some(value) => visit(&value).map(|()| true),
            None => Ok(false),
        }
    }

    /// The first entry from `from` on, if it is not beyond `upto`.
    pub fn first(
        &self,
        keyspace: Keyspace,
        from: &[u8],
        upto: &[u8],
    ) -> Result<Option<(Bytes, Bytes)>> {
        if self.blocks.serves_places(keyspace)
            && let Some(block) = self.block_at(keyspace, from, 1)?
        {
            let at = block.count_below(from);
            if at < block.len() {
                let (key, value) = block.entry(at);
                let copy = |bytes| Bytes::copy_from_slice(bytes);
                return Ok((key <= upto).then(|| (copy(key), copy(value))));
            }
            if block.to().is_none_or(|to| to > upto) {
                return Ok(None);
            }
        }
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
    pub fn block_at(&self, keyspace: Keyspace, key: &[u8], run: usize) -> Result<Option<Block>> {
        match self.blocks.around(keyspace, key) {
            None if self.blocks.wants() => self.fill_around(keyspace, key, run).map(Some),
            known => Ok(known),
        }
    }

    /// The block around the greatest key below `key`, or of all keys, made if it is not there and
    /// worth it.
    pub fn block_before(&self, keyspace: Keyspace, key: Option<&[u8]>) -> Result<Option<Block>> {
        match self.blocks.before(keyspace, key) {
            None if self.blocks.wants() => self.fill_before(keyspace, key).map(Some),
            known => Ok(known),
        }
    }

    /// A block that begins at `from`, with others behind it until there are `run`, or more for a
    /// single read while there is room: finding a place in the file costs more than reading on.
    fn fill_around(&self, keyspace: Keyspace, from: &[u8], run: usize) -> Result<Block> {
        if run == 1 && self.blocks.has_room() {
            self.fill_from(keyspace, from, AHEAD_BLOCKS, AHEAD_BYTES)
        } else {
            self.fill_from(keyspace, from, run, usize::MAX)
        }
    }

    /// A block that begins at `from`, with others behind it until there are `run` or they have so
    /// many bytes.
    fn fill_from(
        &self,
        keyspace: Keyspace,
        from: &[u8],
        run: usize,
        bytes: usize,
    ) -> Result<Block> {
        let until = self.blocks.next_from(keyspace, from);
        let table = self.table(keyspace)?;
        let mut packer = self.blocks.scratch();
        let mut made = Vec::with_capacity(run.min(AHEAD_BLOCKS));
        let mut left = bytes;
        guarded("read", || {
            let mut from = from.to_vec();
            let mut cursor = table.lower_bound(Bound::Included(&*from)).map_err(failed)?;
            while let Some((key, value)) = cursor.next().map_err(failed)? {
                let key = key.value();
                if until.as_ref().is_some_and(|until| key >= until.as_slice()) {
                    break;
                }
                if is_full(&packer) {
                    made.push(packer.block(&from, Some(key)));
                    left = left.saturating_sub(packer.bytes());
                    packer.clear();
                    if made.len() >= run || left == 0 {
                        return Ok(());
                    }
                    from.clear();
                    from.extend_from_slice(key);
                }
                packer.push(key, value.value());
            }
            made.push(packer.block(&from, until.as_deref()));
            Ok(())
        })?;
        self.blocks.return_scratch(packer);
        for block in &made {
            self.blocks.keep(keyspace, block);
        }
        let first = made.into_iter().next();
        first.ok_or_else(|| Error::internal("a block was not made"))
    }

    /// A block that ends at `to`.
    fn fill_before(&self, keyspace: Keyspace, to: Option<&[u8]>) -> Result<Block> {
        let start = self.blocks.previous_to(keyspace, to).unwrap_or_default();
        let table = self.table(keyspace)?;
        let mut packer = self.blocks.scratch();
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
            for (key, value) in entries.iter().rev() {
                packer.push(key, value);
            }
            let from = match entries.last() {
                Some((first, _)) if full => first,
                _ => &start,
            };
            Ok(packer.block(from, to))
        })?;
        self.blocks.return_scratch(packer);
        self.blocks.keep(keyspace, &block);
        Ok(block)
    }
}

/// Blocks made of what a long read shows, as it goes.
pub(crate) struct Filling {
    from: Vec<u8>,
    packer: Packer,
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
            packer: Packer::default(),
        }
    }

    /// Adds the next entry.
    pub fn add(&mut self, base: &Base, keyspace: Keyspace, key: &[u8], value: &[u8]) {
        if is_full(&self.packer) {
            if base.blocks.has_room() {
                let block = self.packer.block(&self.from, Some(key));
                base.blocks.keep(keyspace, &block);
            }
            self.packer.clear();
            self.from.clear();
            self.from.extend_from_slice(key);
        }
        self.packer.push(key, value);
    }
}

fn is_full(packer: &Packer) -> bool {
    packer.len() >= BLOCK_ENTRIES || packer.bytes() >= BLOCK_BYTES
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
