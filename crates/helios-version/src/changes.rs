//! Lists of the keys that commits wrote: what a diff reads instead of tables.
//!
//! A commit leaves, for every table it wrote, its keys in ascending order, cut into parts. A list
//! may name keys that the commit did not change in the end; it never misses one that it did.
//! Garbage collection joins lists that no diff can tell apart (`gc/changes.rs`).
//!
//! The value is a sequence of
//!
//! | bytes | field | rule |
//! |---|---|---|
//! | varint | shared | bytes in common with the key before, 0 for the first of a part |
//! | varint | length | of the rest |
//! | | rest | |

use std::ops::Bound;

use helios_base::{BranchId, Result, Scn, TableId};
use helios_kv::{Batch, Cursor, Keyspace, KvSnapshot};

use crate::codec::{Reader, put_bytes, put_varint};
use crate::keys;

/// Bytes of a part after which the next begins.
const PART_BYTES: usize = 2048;

/// Length of a key of `Changes`.
const KEY: usize = keys::PREFIX + 8 + 4;

/// A key of `Changes`.
fn key_of(table: TableId, branch: BranchId, scn: Scn, part: u32) -> [u8; KEY] {
    let mut key = [0; KEY];
    key[..8].copy_from_slice(&keys::prefix(table.0, branch));
    key[8..16].copy_from_slice(&scn.0.to_be_bytes());
    key[16..].copy_from_slice(&part.to_be_bytes());
    key
}

/// The table, branch and change number in a key of `Changes`.
pub(crate) fn split_key(key: &[u8]) -> Result<(TableId, BranchId, Scn)> {
    let (table, branch, rest) = keys::split(key)?;
    let mut reader = Reader::new(rest, "key of changes");
    let scn = Scn(u64::from_be_bytes(reader.array()?));
    let _part: [u8; 4] = reader.array()?;
    if !reader.is_empty() {
        return Err(reader.corrupt("it is too long"));
    }
    Ok((TableId(table), branch, scn))
}

/// Bytes that two keys start with in common.
#[inline]
pub(crate) fn shared(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// One part of a list.
#[derive(Default)]
pub(crate) struct ListPart {
    /// Empty when nothing was added to it.
    value: Vec<u8>,
    last: Vec<u8>,
}

impl ListPart {
    /// Adds a key, in ascending order. True if the part is full then.
    #[inline]
    pub(crate) fn add(&mut self, pk: &[u8]) -> bool {
        let common = if self.value.is_empty() {
            0
        } else {
            shared(&self.last, pk)
        };
        let rest = pk.get(common..).unwrap_or_default();
        put_varint(&mut self.value, common as u64);
        put_bytes(&mut self.value, rest);
        self.last.truncate(common);
        self.last.extend_from_slice(rest);
        self.value.len() >= PART_BYTES
    }

    /// What there is.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.value
    }

    /// Begins anew.
    pub(crate) fn clear(&mut self) {
        self.value.clear();
        self.last.clear();
    }
}

/// Writes one list.
#[derive(Default)]
pub(crate) struct ListWriter {
    table: TableId,
    branch: BranchId,
    scn: Scn,
    number: u32,
    part: ListPart,
}

impl ListWriter {
    /// Turns to another list, ending the one before.
    #[inline]
    pub(crate) fn open(&mut self, table: TableId, branch: BranchId, scn: Scn, batch: &mut Batch) {
        if (self.table, self.branch, self.scn) != (table, branch, scn) {
            self.end(batch);
            (self.table, self.branch, self.scn) = (table, branch, scn);
            self.number = 0;
        }
    }

    /// Adds a key, in ascending order.
    #[inline]
    pub(crate) fn add(&mut self, pk: &[u8], batch: &mut Batch) {
        if self.part.add(pk) {
            self.end(batch);
        }
    }

    /// Hands over what is left of the part.
    pub(crate) fn end(&mut self, batch: &mut Batch) {
        if self.part.bytes().is_empty() {
            return;
        }
        let key = key_of(self.table, self.branch, self.scn, self.number);
        batch.put(Keyspace::Changes, &key, self.part.bytes());
        self.number += 1;
        self.part.clear();
    }
}

/// Keys gathered from lists.
#[derive(Default)]
pub(crate) struct KeySet {
    arena: Vec<u8>,
    /// Where each key ends.
    spans: Vec<(usize, usize)>,
    is_sorted: bool,
}

impl KeySet {
    pub(crate) fn new() -> Self {
        Self {
            is_sorted: true,
            ..Self::default()
        }
    }

    /// Adds the keys of one part.
    pub(crate) fn add_part(&mut self, value: &[u8]) -> Result<()> {
        let mut reader = Reader::new(value, "list of changes");
        let mut before = None;
        while !reader.is_empty() {
            let common = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
            let rest = reader.bytes()?;
            let start = self.arena.len();
            match before {
                Some((from, to)) if common <= to - from => {
                    self.arena.extend_from_within(from..from + common);
                }
                None if common == 0 => {}
                _ => return Err(reader.corrupt("it shares more than there is")),
            }
            self.arena.extend_from_slice(rest);
            let span = (start, self.arena.len());
            if let Some(last) = self.spans.last() {
                self.is_sorted &= self.at(*last) < self.at(span);
            }
            self.spans.push(span);
            before = Some(span);
        }
        Ok(())
    }

    #[inline]
    fn at(&self, (from, to): (usize, usize)) -> &[u8] {
        self.arena.get(from..to).unwrap_or_default()
    }

    /// Brings the keys into order, without doubles.
    pub(crate) fn sort(&mut self) {
        if self.is_sorted {
            return;
        }
        let arena = &self.arena;
        let at = |span: &(usize, usize)| arena.get(span.0..span.1).unwrap_or_default();
        self.spans.sort_unstable_by(|a, b| at(a).cmp(at(b)));
        self.spans.dedup_by(|a, b| at(a) == at(b));
        self.is_sorted = true;
    }

    /// Forgets all keys.
    pub(crate) fn clear(&mut self) {
        self.arena.clear();
        self.spans.clear();
        self.is_sorted = true;
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.arena.len()
    }

    pub(crate) fn get(&self, n: usize) -> Option<&[u8]> {
        self.spans.get(n).map(|span| self.at(*span))
    }
}

/// The lists of a table on a branch with numbers in `(after, upto]`.
pub(crate) fn lists(
    kv: &dyn KvSnapshot,
    table: TableId,
    branch: BranchId,
    after: Scn,
    upto: Scn,
) -> Result<Box<dyn Cursor>> {
    let from = key_of(table, branch, after, u32::MAX);
    let to = key_of(table, branch, upto, u32::MAX);
    let range = (Bound::Excluded(&from[..]), Bound::Included(&to[..]));
    kv.scan(Keyspace::Changes, range, false)
}

#[cfg(test)]
mod tests {
    use helios_kv::{Kv, MemoryKv};

    use super::*;

    // Guards the stored bytes, and against keys lost or mixed up at the seams of parts and lists.
    #[test]
    fn lists_round_trip() {
        let kv = MemoryKv::new();
        let mut batch = Batch::new();
        let mut writer = ListWriter::default();
        let pk = |n: u32| format!("key{n:06}").into_bytes();
        for table in [5, 6] {
            writer.open(TableId(table), BranchId(1), Scn(9), &mut batch);
            for n in 0..5000 {
                writer.add(&pk(n), &mut batch);
            }
        }
        writer.open(TableId(5), BranchId(1), Scn(10), &mut batch);
        writer.add(b"ab", &mut batch);
        writer.add(b"ac", &mut batch);
        writer.end(&mut batch);
        kv.apply(batch).unwrap();
        let kv = kv.snapshot();
        let key = b"\0\0\0\x05\0\0\0\x01\0\0\0\0\0\0\0\x0a\0\0\0\0";
        let value = kv.get(Keyspace::Changes, key).unwrap().unwrap();
        assert_eq!(&value[..], b"\0\x02ab\x01\x01c");
        assert_eq!(split_key(key).unwrap(), (TableId(5), BranchId(1), Scn(10)));
        let read = |table, after, upto| {
            let mut set = KeySet::new();
            let mut cursor =
                lists(&*kv, TableId(table), BranchId(1), Scn(after), Scn(upto)).unwrap();
            while let Some((_, value)) = cursor.next().unwrap() {
                set.add_part(value).unwrap();
            }
            set.sort();
            set
        };
        assert_eq!(read(5, 0, 10).len(), 5002);
        assert_eq!(read(5, 9, 10).len(), 2);
        assert_eq!(read(5, 10, 11).len(), 0);
        let set = read(6, 8, 9);
        assert_eq!(set.len(), 5000);
        assert!((0..5000).all(|n| set.get(n) == Some(&pk(n as u32)[..])));
        assert!(KeySet::new().add_part(b"\x01\x01a").is_err());
        assert!(KeySet::new().add_part(b"\0\x02a").is_err());
    }
}
