//! Keys and values of the keyspaces. All integers in keys are big-endian, so that byte order is
//! number order.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | `Current` | table u32, branch u32, pk | varint `begin << 1 \| has row`, row |
//! | `History` | table u32, branch u32, pk, `!begin` u64 | varint `end << 1 \| has row`, row; or a bundle |
//! | `Commits` | SCN u64 | see `commit.rs` |
//! | `Txids` | transaction id u64 | varint SCN |
//! | `Index` | index u32, branch u32, entry key | empty |
//! | `Changes` | table u32, branch u32, SCN u64, part u32 | see `changes.rs` |
//! | `Meta` | one tag byte, then as below | |
//!
//! | tag | rest of the key | value |
//! |---:|---|---|
//! | 1 | | varint: format of the keyspaces |
//! | 2 | branch u32 | see `branch.rs` |
//! | 3 | branch u32, sequence u32 | see `sequence.rs` |
//! | 4 | name of a pin | varint branch, varint SCN |
//! | 5 | table u32, branch u32 | varint SCN of the drop |
//! | 6 | index u32, branch u32 | varint SCN of the drop |
//! | 7 | | horizon: varint floor of all that tag 13 does not name, varint first SCN in `Commits` |
//! | 8 | | varint: number of the next branch |
//! | 9 | branch u32, SCN u64 of a merge | see `ancestry.rs` |
//! | 10 | table u32, branch u32, segment u64 | see `cold/manifest.rs` |
//! | 11 | | varint: number of the next segment |
//! | 12 | | see `cold/ages.rs` |
//! | 13 | table u32, branch u32, SCN u64 | see `retention.rs` |
//! | 14 | | see `floors.rs` |
//!
//! A *bundle* (`history/bundle.rs`) holds several consecutive versions; its key has the begin of the oldest.
//!
//! A version is visible at `S` when `begin ≤ S < end`; one in `Current` has no end yet.
//!
//! **Invariants:** a key in `History` has its pk in `Current` too (perhaps as a tombstone), so a
//! scan of `Current` meets every key of a branch. On a branch without a parent tombstones never
//! enter `History`: a gap between two versions says the same. (They do where there is a cold level
//! below, see `cold/mod.rs`.)

use std::ops::Bound;

use helios_base::{BranchId, Result, Scn, TableId, TxId};

use crate::codec::{Reader, put_varint};
use crate::row::Bounds;

/// Bytes before the primary key or entry key.
pub(crate) const PREFIX: usize = 8;
/// Bytes after the primary key in `History`.
pub(crate) const SUFFIX: usize = 8;

pub(crate) const META_FORMAT: u8 = 1;
pub(crate) const META_BRANCH: u8 = 2;
pub(crate) const META_SEQUENCE: u8 = 3;
pub(crate) const META_PIN: u8 = 4;
pub(crate) const META_DROPPED_TABLE: u8 = 5;
pub(crate) const META_DROPPED_INDEX: u8 = 6;
pub(crate) const META_HORIZON: u8 = 7;
pub(crate) const META_NEXT_BRANCH: u8 = 8;
pub(crate) const META_MERGE: u8 = 9;
pub(crate) const META_SEGMENT: u8 = 10;
pub(crate) const META_NEXT_SEGMENT: u8 = 11;
pub(crate) const META_AGES: u8 = 12;
pub(crate) const META_PERIOD: u8 = 13;
pub(crate) const META_FLOORS: u8 = 14;
pub(crate) const META_PROMOTION: u8 = 15;

/// The first bytes of all keys of an object on a branch.
#[inline]
pub(crate) fn prefix(object: u32, branch: BranchId) -> [u8; PREFIX] {
    (u64::from(object) << 32 | u64::from(branch.0)).to_be_bytes()
}

/// What [`prefix`] encoded, and the rest of the key.
#[inline]
pub(crate) fn split(key: &[u8]) -> Result<(u32, BranchId, &[u8])> {
    let mut reader = Reader::new(key, "key");
    let word = u64::from_be_bytes(reader.array()?);
    Ok(((word >> 32) as u32, BranchId(word as u32), reader.rest()))
}

/// Writes prefix and primary (or entry) key into `out`, replacing what it held.
#[inline]
pub(crate) fn object_key(out: &mut Vec<u8>, object: u32, branch: BranchId, key: &[u8]) {
    out.clear();
    out.extend_from_slice(&prefix(object, branch));
    out.extend_from_slice(key);
}

/// Prefix and key of each of `keys`, one after the other.
pub(crate) fn object_keys(object: u32, branch: BranchId, keys: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(keys.iter().map(|key| PREFIX + key.len()).sum());
    for key in keys {
        out.extend_from_slice(&prefix(object, branch));
        out.extend_from_slice(key);
    }
    out
}

/// Calls `work` with prefix and key, which takes no allocation if they are as short as most.
#[inline]
pub(crate) fn with_object_key<R>(
    object: u32,
    branch: BranchId,
    key: &[u8],
    work: impl FnOnce(&[u8]) -> R,
) -> R {
    let mut short = [0u8; 64];
    if let Some(out) = short.get_mut(..PREFIX + key.len()) {
        out[..PREFIX].copy_from_slice(&prefix(object, branch));
        out[PREFIX..].copy_from_slice(key);
        return work(out);
    }
    let mut long = Vec::new();
    object_key(&mut long, object, branch, key);
    work(&long)
}

/// Writes a `History` key into `out`, replacing what it held.
#[inline]
pub(crate) fn history_key(
    out: &mut Vec<u8>,
    table: TableId,
    branch: BranchId,
    pk: &[u8],
    begin: Scn,
) {
    object_key(out, table.0, branch, pk);
    out.extend_from_slice(&(!begin.0).to_be_bytes());
}

/// Splits a `History` key into its `Current` key and the begin.
#[inline]
pub(crate) fn split_history(key: &[u8]) -> Result<(&[u8], Scn)> {
    match key.split_last_chunk::<SUFFIX>() {
        Some((row, begin)) if row.len() >= PREFIX => Ok((row, Scn(!u64::from_be_bytes(*begin)))),
        _ => Err(Reader::new(key, "history key").corrupt("it is too short")),
    }
}

/// A `Commits` key.
pub(crate) fn commit_key(scn: Scn) -> [u8; 8] {
    scn.0.to_be_bytes()
}

/// A `Txids` key.
pub(crate) fn txid_key(txid: TxId) -> [u8; 8] {
    txid.0.to_be_bytes()
}

/// A `Meta` key with this tag.
pub(crate) fn meta_key(tag: u8, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + rest.len());
    key.push(tag);
    key.extend_from_slice(rest);
    key
}

/// The key of a table's period on a branch from a commit on.
pub(crate) fn period_key(table: TableId, branch: BranchId, scn: Scn) -> Vec<u8> {
    let mut key = meta_key(META_PERIOD, &prefix(table.0, branch));
    key.extend_from_slice(&scn.0.to_be_bytes());
    key
}

/// The bounds, in the keyspace, of `range` within an object on a branch.
pub(crate) struct ObjectRange {
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
}

impl ObjectRange {
    pub(crate) fn new(object: u32, branch: BranchId, range: Bounds<'_>) -> Self {
        let prefix = prefix(object, branch);
        let with = |key: &[u8]| {
            let mut out = Vec::with_capacity(PREFIX + key.len());
            out.extend_from_slice(&prefix);
            out.extend_from_slice(key);
            out
        };
        let start = match range.0 {
            Bound::Included(key) => Bound::Included(with(key)),
            Bound::Excluded(key) => Bound::Excluded(with(key)),
            Bound::Unbounded => Bound::Included(prefix.to_vec()),
        };
        let end = match range.1 {
            Bound::Included(key) => Bound::Included(with(key)),
            Bound::Excluded(key) => Bound::Excluded(with(key)),
            Bound::Unbounded => match u64::from_be_bytes(prefix).checked_add(1) {
                Some(next) => Bound::Excluded(next.to_be_bytes().to_vec()),
                None => Bound::Unbounded,
            },
        };
        Self { start, end }
    }

    /// All of an object on a branch.
    pub(crate) fn all(object: u32, branch: BranchId) -> Self {
        Self::new(object, branch, (Bound::Unbounded, Bound::Unbounded))
    }

    pub(crate) fn bounds(&self) -> Bounds<'_> {
        (
            self.start.as_ref().map(Vec::as_slice),
            self.end.as_ref().map(Vec::as_slice),
        )
    }
}

/// A stored version: its begin (in `Current`) or end (in `History`) and its row or tombstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stored<'a> {
    pub(crate) scn: Scn,
    pub(crate) row: Option<&'a [u8]>,
}

impl<'a> Stored<'a> {
    /// Appends the value.
    #[inline]
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.scn.0 << 1 | u64::from(self.row.is_some()));
        out.extend_from_slice(self.row.unwrap_or_default());
    }

    #[inline]
    pub(crate) fn decode(value: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(value, "row version");
        let word = reader.varint()?;
        let row = if word & 1 == 1 {
            Some(reader.rest())
        } else if reader.is_empty() {
            None
        } else {
            return Err(reader.corrupt("a tombstone has content"));
        };
        Ok(Self {
            scn: Scn(word >> 1),
            row,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Guards the stored bytes: databases written by this version must stay readable.
    #[test]
    fn golden_bytes() {
        let mut key = Vec::new();
        history_key(&mut key, TableId(1000), BranchId(2), b"pk", Scn(5));
        assert_eq!(
            key,
            b"\x00\x00\x03\xe8\x00\x00\x00\x02pk\xff\xff\xff\xff\xff\xff\xff\xfa"
        );
        let (row, begin) = split_history(&key).unwrap();
        assert_eq!(begin, Scn(5));
        assert_eq!(split(row).unwrap(), (1000, BranchId(2), &b"pk"[..]));

        let mut value = Vec::new();
        Stored {
            scn: Scn(300),
            row: Some(b"ab"),
        }
        .encode(&mut value);
        assert_eq!(value, b"\xd9\x04ab");
        value.clear();
        Stored {
            scn: Scn(300),
            row: None,
        }
        .encode(&mut value);
        assert_eq!(value, b"\xd8\x04");
        assert!(Stored::decode(b"\xd8\x04x").is_err());
        assert!(Stored::decode(b"").is_err());
        assert!(split_history(&[0; 15]).is_err());
    }

    #[test]
    fn the_last_prefix_has_no_end() {
        let range = ObjectRange::all(u32::MAX, BranchId(u32::MAX));
        assert_eq!(range.bounds().1, Bound::Unbounded);
    }
}
