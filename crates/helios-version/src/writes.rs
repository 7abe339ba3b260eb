//! A transaction's private writes.
//!
//! Writes are encoded once, as log operations, into an append-only [`Arena`]; beside it stand one
//! small [`Slot`] per write and, per table and index, a map from key to newest slot. So a commit
//! copies the arena into the log, a savepoint is a number of slots, undoing is popping slots, and a
//! scan that must not see later writes ignores slots above its limit.

mod arena;
mod bulk;
mod key_list;
mod keymap;
mod loose;

use std::borrow::Cow;
use std::ops::Bound;

use bytes::Bytes;
use helios_base::{Error, IndexId, Result, SqlState, TableId};
use helios_kv::KEY_LEN_MAX;

use crate::codec::varint_len;
use crate::keys::{PREFIX, SUFFIX};
use crate::record::{DELETE, ENTRY, Op, PUT};
use crate::row::Bounds;
use arena::Arena;
use keymap::KeyMap;

/// Bytes of the longest primary or entry key.
const KEY_MAX: usize = KEY_LEN_MAX - PREFIX - SUFFIX;

/// No slot.
const NONE: u32 = u32::MAX;

/// One write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// Where its operation starts in the arena.
    at: u64,
    /// Where the key starts.
    key_at: u64,
    key_len: u32,
    row_len: u32,
    /// The write of the same key that this one replaces.
    prev: u32,
    /// Table or index.
    object: u32,
    kind: Kind,
    /// The log does not need it: replaced, or cancelled.
    dead: bool,
    /// No version of the row existed on this branch when it was locked.
    fresh: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Put,
    Delete,
    Entry,
    /// Takes back an own entry.
    Cancel,
    /// Anything without a key.
    Other,
}

/// An own write of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    Put(Bytes),
    Delete,
}

/// A transaction's private writes.
pub(crate) struct WriteSet {
    arena: Arena,
    slots: Vec<Slot>,
    tables: Vec<(u32, KeyMap)>,
    indexes: Vec<(u32, KeyMap)>,
    /// Tables whose rows lie in segments already.
    loads: Vec<bulk::Load>,
    /// Rows that were never among the writes.
    brought: Vec<bulk::Brought>,
}

pub use bulk::{BroughtKeys, KeyWalk};
pub use key_list::KeyList;

impl WriteSet {
    /// An empty set that keeps about `memory` bytes of rows in memory.
    pub(crate) fn new(memory: usize) -> Self {
        Self {
            arena: Arena::new(memory),
            slots: Vec::new(),
            tables: Vec::new(),
            indexes: Vec::new(),
            loads: Vec::new(),
            brought: Vec::new(),
        }
    }

    /// Number of writes so far: a savepoint, or the limit of a view.
    #[inline]
    pub(crate) fn mark(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.brought.is_empty()
    }

    /// Whether rows went to a temporary file.
    #[cfg(test)]
    pub(crate) fn spilled(&self) -> bool {
        self.arena.spilled()
    }

    /// Records a put (`Some`) or a delete (`None`) of a row.
    pub(crate) fn write_row(
        &mut self,
        table: TableId,
        pk: &[u8],
        row: Option<&[u8]>,
        fresh: bool,
    ) -> Result<()> {
        let op = match row {
            Some(row) => Op::Put { table, pk, row },
            None => Op::Delete { table, pk },
        };
        let kind = if row.is_some() {
            Kind::Put
        } else {
            Kind::Delete
        };
        let row_len = row.map_or(0, <[u8]>::len);
        self.write(kind, table.0, pk, row_len, fresh, &op)
    }

    /// Records an index entry.
    pub(crate) fn write_entry(&mut self, index: IndexId, key: &[u8]) -> Result<()> {
        let op = Op::Entry { index, key };
        self.write(Kind::Entry, index.0, key, 0, false, &op)
    }

    /// Takes back an own entry, if there is one; a committed entry stays.
    pub(crate) fn cancel_entry(&mut self, index: IndexId, key: &[u8]) -> Result<()> {
        let own = match find(&self.indexes, index.0) {
            Some(map) => map.get(key, &self.arena, &self.slots)?,
            None => None,
        };
        if own.is_some_and(|own| self.slots[own as usize].kind == Kind::Entry) {
            let op = Op::Entry { index, key };
            self.write(Kind::Cancel, index.0, key, 0, false, &op)?;
        }
        Ok(())
    }

    /// Records an operation without a key.
    pub(crate) fn write_other(&mut self, op: &Op<'_>) -> Result<()> {
        let at = self.arena.end();
        self.arena.append(|out| op.encode(out))?;
        self.push(Slot {
            at,
            key_at: at,
            key_len: 0,
            row_len: 0,
            prev: NONE,
            object: 0,
            kind: Kind::Other,
            dead: false,
            fresh: false,
        })?;
        Ok(())
    }

    #[inline]
    fn write(
        &mut self,
        kind: Kind,
        object: u32,
        key: &[u8],
        row_len: usize,
        fresh: bool,
        op: &Op<'_>,
    ) -> Result<()> {
        check_key(key)?;
        let key_len = key.len() as u32;
        let row_len = u32::try_from(row_len).map_err(|_| {
            Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                "a row is longer than 4 GiB",
            )
        })?;
        let at = self.arena.end();
        self.arena.append(|out| op.encode(out))?;
        let head = 1 + varint_len(u64::from(object)) + varint_len(u64::from(key_len));
        let slot = self.push(Slot {
            at,
            key_at: at + head as u64,
            key_len,
            row_len,
            prev: NONE,
            object,
            kind,
            dead: kind == Kind::Cancel,
            fresh,
        })?;
        let maps = match kind {
            Kind::Put | Kind::Delete => &mut self.tables,
            _ => &mut self.indexes,
        };
        let map = find_or_add(maps, object);
        if let Some(prev) = map.insert(key, slot, &self.arena, &self.slots)? {
            let old_fresh = self.slots[prev as usize].fresh;
            self.slots[prev as usize].dead = true;
            let new = &mut self.slots[slot as usize];
            new.prev = prev;
            // What was there before the transaction is what counts.
            new.fresh = old_fresh;
        }
        Ok(())
    }

    fn push(&mut self, slot: Slot) -> Result<u32> {
        let number = u32::try_from(self.slots.len())
            .ok()
            .filter(|&number| number < NONE)
            .ok_or_else(|| {
                Error::new(
                    SqlState::PROGRAM_LIMIT_EXCEEDED,
                    "a transaction cannot make more than 4294967294 writes",
                )
            })?;
        self.slots.push(slot);
        Ok(number)
    }

    /// Forgets all writes after the first `mark`.
    pub(crate) fn undo_to(&mut self, mark: usize) -> Result<()> {
        while self.slots.len() > mark {
            let number = self.slots.len() as u32 - 1;
            let Some(&slot) = self.slots.last() else {
                break;
            };
            if slot.kind != Kind::Other {
                let key = self
                    .arena
                    .read(slot.key_at, slot.key_len as usize)?
                    .into_owned();
                let maps = match slot.kind {
                    Kind::Put | Kind::Delete => &mut self.tables,
                    _ => &mut self.indexes,
                };
                let map = find_or_add(maps, slot.object);
                if slot.prev == NONE {
                    map.remove(&key, number, &self.arena, &self.slots)?;
                } else {
                    map.replace(&key, slot.prev, &self.arena, &self.slots)?;
                    let prev = &mut self.slots[slot.prev as usize];
                    prev.dead = prev.kind == Kind::Cancel;
                }
            }
            self.slots.pop();
            self.arena.truncate(slot.at)?;
        }
        Ok(())
    }

    /// The newest write of a row among the first `limit` writes.
    #[inline]
    pub(crate) fn row(&self, table: TableId, pk: &[u8], limit: usize) -> Result<Option<Own>> {
        let Some(map) = find(&self.tables, table.0) else {
            return Ok(None);
        };
        let Some(head) = map.get(pk, &self.arena, &self.slots)? else {
            return Ok(None);
        };
        match self.below(head, limit) {
            Some(slot) => self.own(slot).map(Some),
            None => Ok(None),
        }
    }

    /// Whether the row was written at all.
    #[inline]
    pub(crate) fn wrote_row(&self, table: TableId, pk: &[u8]) -> Result<bool> {
        match find(&self.tables, table.0) {
            Some(map) => Ok(map.get(pk, &self.arena, &self.slots)?.is_some()),
            None => Ok(false),
        }
    }

    fn below(&self, mut number: u32, limit: usize) -> Option<&Slot> {
        while number as usize >= limit {
            number = self.slots.get(number as usize)?.prev;
        }
        self.slots.get(number as usize)
    }

    fn own(&self, slot: &Slot) -> Result<Own> {
        if slot.kind == Kind::Delete {
            return Ok(Own::Delete);
        }
        Ok(Own::Put(Bytes::copy_from_slice(&self.row_of(slot)?)))
    }

    fn row_of(&self, slot: &Slot) -> Result<Cow<'_, [u8]>> {
        let head = u64::from(slot.key_len) + varint_len(u64::from(slot.row_len)) as u64;
        self.arena.read(slot.key_at + head, slot.row_len as usize)
    }

    fn key_of(&self, slot: &Slot) -> Result<Cow<'_, [u8]>> {
        self.arena.read(slot.key_at, slot.key_len as usize)
    }

    /// Whether there is an own entry of the index whose row, `pk`, is not among the writes.
    pub(crate) fn has_lone_entry(
        &self,
        (table, pk): (TableId, &[u8]),
        index: IndexId,
        entry: &[u8],
    ) -> Result<bool> {
        let Some(map) = find(&self.indexes, index.0) else {
            return Ok(false);
        };
        let slot = map.get(entry, &self.arena, &self.slots)?;
        let slot = slot.and_then(|slot| self.slots.get(slot as usize));
        Ok(slot.is_some_and(|slot| slot.kind == Kind::Entry) && !self.wrote_row(table, pk)?)
    }

    /// Whether any row of the table was written.
    pub(crate) fn has_rows(&self, table: TableId) -> bool {
        find(&self.tables, table.0).is_some()
    }

    /// Whether any entry of the index was written.
    pub(crate) fn has_entries(&self, index: IndexId) -> bool {
        find(&self.indexes, index.0).is_some()
    }

    /// The first own row in `range`, or the last with `reverse`, among the first `limit` writes;
    /// deletions too.
    pub(crate) fn next_row(
        &self,
        table: TableId,
        range: Bounds<'_>,
        reverse: bool,
        limit: usize,
    ) -> Result<Option<(Vec<u8>, Own)>> {
        match self.next_in(find(&self.tables, table.0), range, reverse, limit)? {
            Some((key, slot)) => Ok(Some((key, self.own(&slot)?))),
            None => Ok(None),
        }
    }

    /// As [`WriteSet::next_row`] for entries; cancelled ones are skipped.
    pub(crate) fn next_entry(
        &self,
        index: IndexId,
        range: Bounds<'_>,
        reverse: bool,
        limit: usize,
    ) -> Result<Option<Vec<u8>>> {
        let map = find(&self.indexes, index.0);
        let mut key = match self.next_in(map, range, reverse, limit)? {
            Some((key, slot)) if slot.kind == Kind::Cancel => key,
            other => return Ok(other.map(|(key, _)| key)),
        };
        loop {
            let range = if reverse {
                (range.0, Bound::Excluded(key.as_slice()))
            } else {
                (Bound::Excluded(key.as_slice()), range.1)
            };
            match self.next_in(map, range, reverse, limit)? {
                Some((next, slot)) if slot.kind == Kind::Cancel => key = next,
                other => return Ok(other.map(|(key, _)| key)),
            }
        }
    }

    fn next_in(
        &self,
        map: Option<&KeyMap>,
        range: Bounds<'_>,
        reverse: bool,
        limit: usize,
    ) -> Result<Option<(Vec<u8>, Slot)>> {
        let Some(map) = map else { return Ok(None) };
        let mut range = (range.0.map(<[u8]>::to_vec), range.1.map(<[u8]>::to_vec));
        loop {
            let bounds = (
                range.0.as_ref().map(Vec::as_slice),
                range.1.as_ref().map(Vec::as_slice),
            );
            let Some(head) = map.next(bounds, reverse, &self.arena, &self.slots)? else {
                return Ok(None);
            };
            let key = self.key_of(&self.slots[head as usize])?.into_owned();
            if let Some(slot) = self.below(head, limit) {
                return Ok(Some((key, *slot)));
            }
            // Written after the limit only: go on behind it.
            if reverse {
                range.1 = Bound::Excluded(key);
            } else {
                range.0 = Bound::Excluded(key);
            }
        }
    }

    /// Whether a row in `range` of the table was written, by a live write.
    pub(crate) fn touches_rows(&self, table: TableId, range: Bounds<'_>) -> Result<bool> {
        match find(&self.tables, table.0) {
            Some(map) => Ok(map.next(range, false, &self.arena, &self.slots)?.is_some()),
            None => Ok(false),
        }
    }

    /// Whether an entry in `range` of the index was written and not cancelled.
    pub(crate) fn touches_entries(&self, index: IndexId, range: Bounds<'_>) -> Result<bool> {
        Ok(self.next_entry(index, range, false, usize::MAX)?.is_some())
    }

    /// Hands the encoded live operations, in the order they were made, to `part` in pieces of at
    /// most about `piece` bytes; the last piece goes to it too.
    pub(crate) fn encoded(
        &self,
        piece: usize,
        part: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let end = self.arena.end();
        let mut from = 0;
        let mut upto = 0;
        for (number, slot) in self.slots.iter().enumerate() {
            let next = self.slots.get(number + 1).map_or(end, |next| next.at);
            let left_out = slot.dead || self.is_loaded(slot);
            if left_out || next - from > piece as u64 {
                self.hand(from, upto, part)?;
                from = if left_out { next } else { slot.at };
            }
            upto = next;
        }
        self.hand(from, upto, part)?;
        self.encoded_loads(piece, part)
    }

    fn hand(&self, from: u64, upto: u64, part: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if from >= upto {
            return Ok(());
        }
        part(&self.arena.read(from, (upto - from) as usize)?)
    }

    /// Bytes of all operations, dead ones included.
    pub(crate) fn bytes(&self) -> u64 {
        self.arena.end() + self.brought_bytes()
    }

    /// Calls `visit` for the live row writes of every table in key order, then for the live entries
    /// of every index in key order, then for the other operations in the order they were made.
    pub(crate) fn for_each(&self, visit: &mut dyn FnMut(Live<'_>) -> Result<()>) -> Result<()> {
        for (table, map) in &self.tables {
            if let Some(load) = self.load_of(*table) {
                self.for_each_loaded(load, map, visit)?;
                continue;
            }
            map.for_each(&self.arena, &self.slots, &mut |slot| {
                let pk = self.key_of(slot)?;
                let row = match slot.kind {
                    Kind::Put => Some(self.row_of(slot)?),
                    _ => None,
                };
                visit(Live::Row {
                    table: TableId(*table),
                    pk: &pk,
                    row: row.as_deref(),
                    fresh: slot.fresh,
                })
            })?;
        }
        self.for_each_brought(visit)?;
        for (index, map) in &self.indexes {
            map.for_each(&self.arena, &self.slots, &mut |slot| {
                if slot.dead {
                    return Ok(());
                }
                visit(Live::Entry {
                    index: IndexId(*index),
                    key: &self.key_of(slot)?,
                })
            })?;
        }
        let end = self.arena.end();
        for (number, slot) in self.slots.iter().enumerate() {
            if slot.kind == Kind::Other {
                let next = self.slots.get(number + 1).map_or(end, |next| next.at);
                visit(Live::Other(
                    &self.arena.read(slot.at, (next - slot.at) as usize)?,
                ))?;
            }
        }
        Ok(())
    }
}

/// A live write, for applying.
pub(crate) enum Live<'a> {
    Row {
        table: TableId,
        pk: &'a [u8],
        row: Option<&'a [u8]>,
        fresh: bool,
    },
    Entry {
        index: IndexId,
        key: &'a [u8],
    },
    /// A segment that has rows of the table.
    Segment {
        table: TableId,
        id: u64,
        entry: &'a [u8],
    },
    /// A row in such a segment.
    Loaded {
        table: TableId,
        pk: &'a [u8],
    },
    /// One encoded operation.
    Other(&'a [u8]),
}

/// Refuses keys that are too long.
pub(crate) fn check_key(key: &[u8]) -> Result<()> {
    if key.len() <= KEY_MAX {
        return Ok(());
    }
    Err(Error::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        format!("a key of {} bytes is too long", key.len()),
    )
    .with_detail(format!("The limit is {KEY_MAX} bytes.")))
}

#[inline]
fn find(maps: &[(u32, KeyMap)], object: u32) -> Option<&KeyMap> {
    maps.iter()
        .find(|(id, _)| *id == object)
        .map(|(_, map)| map)
}

#[inline]
fn find_or_add(maps: &mut Vec<(u32, KeyMap)>, object: u32) -> &mut KeyMap {
    let at = match maps.iter().position(|(id, _)| *id == object) {
        Some(at) => at,
        None => {
            maps.push((object, KeyMap::default()));
            maps.len() - 1
        }
    };
    &mut maps[at].1
}

const _: () = assert!(PUT == 1 && DELETE == 2 && ENTRY == 3);

#[cfg(test)]
mod tests;
