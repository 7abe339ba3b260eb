//! What the state store knows of a segment.
//!
//! The key in `Meta` is the tag, table u32, branch u32, segment u64; the value:
//!
//! | bytes | field | rule |
//! |---|---|---|
//! | varint | rows | |
//! | varint | adopted | at most `rows` |
//! | | least, greatest | keys, varint length each |
//! | varint | newest | greatest begin |
//! | varint | bytes | of the file |
//! | | descriptor | what the layer above wants to know, to the end |

use helios_base::{BranchId, Result, Scn, TableId};

use crate::codec::{Reader, put_bytes, put_varint};
use crate::keys;

/// A segment and how much of it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its number, never used again.
    pub id: u64,
    /// The table.
    pub table: TableId,
    /// The branch whose rows it holds.
    pub branch: BranchId,
    /// How many rows it has.
    pub rows: u64,
    /// How many of them, the first in key order, are read from it; the others are still elsewhere.
    pub adopted: u64,
    /// The first key.
    pub least: Vec<u8>,
    /// The last key.
    pub greatest: Vec<u8>,
    /// The youngest row's begin.
    pub newest: Scn,
    /// Size of the file.
    pub bytes: u64,
    /// What the layer above wants to know of it.
    pub descriptor: Vec<u8>,
}

impl SegmentInfo {
    /// Its key in `Meta`.
    pub(crate) fn key(&self) -> Vec<u8> {
        let mut key = keys::meta_key(keys::META_SEGMENT, &keys::prefix(self.table.0, self.branch));
        key.extend_from_slice(&self.id.to_be_bytes());
        key
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, self.rows);
        put_varint(&mut out, self.adopted);
        put_bytes(&mut out, &self.least);
        put_bytes(&mut out, &self.greatest);
        put_varint(&mut out, self.newest.0);
        put_varint(&mut out, self.bytes);
        out.extend_from_slice(&self.descriptor);
        out
    }

    /// Reads an entry; `key` without the tag.
    pub(crate) fn decode(key: &[u8], value: &[u8]) -> Result<Self> {
        let (table, branch, rest) = keys::split(key)?;
        let mut key = Reader::new(rest, "key of a segment");
        let id = u64::from_be_bytes(key.array()?);
        if !key.is_empty() {
            return Err(key.corrupt("it is too long"));
        }
        Self::decode_entry((TableId(table), branch, id), value)
    }

    /// Reads what [`SegmentInfo::encode`] wrote.
    pub(crate) fn decode_entry(
        (table, branch, id): (TableId, BranchId, u64),
        value: &[u8],
    ) -> Result<Self> {
        let mut reader = Reader::new(value, "entry of a segment");
        let info = Self {
            id,
            table,
            branch,
            rows: reader.varint()?,
            adopted: reader.varint()?,
            least: reader.bytes()?.to_vec(),
            greatest: reader.bytes()?.to_vec(),
            newest: Scn(reader.varint()?),
            bytes: reader.varint()?,
            descriptor: reader.rest().to_vec(),
        };
        if info.adopted > info.rows || info.least > info.greatest {
            return Err(reader.corrupt("it contradicts itself"));
        }
        Ok(info)
    }

    /// Whether the key lies between the first and the last.
    #[inline]
    pub(crate) fn covers(&self, pk: &[u8]) -> bool {
        self.least.as_slice() <= pk && pk <= self.greatest.as_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Guards the stored bytes: databases written by this version must stay readable.
    #[test]
    fn golden_bytes() {
        let info = SegmentInfo {
            id: 7,
            table: TableId(1000),
            branch: BranchId(2),
            rows: 300,
            adopted: 5,
            least: b"a".to_vec(),
            greatest: b"zz".to_vec(),
            newest: Scn(9),
            bytes: 130,
            descriptor: b"d".to_vec(),
        };
        assert_eq!(info.key(), b"\x0a\0\0\x03\xe8\0\0\0\x02\0\0\0\0\0\0\0\x07");
        let value = info.encode();
        assert_eq!(value, b"\xac\x02\x05\x01a\x02zz\x09\x82\x01d");
        assert_eq!(SegmentInfo::decode(&info.key()[1..], &value).unwrap(), info);
        for cut in 0..value.len() - 1 {
            assert!(SegmentInfo::decode(&info.key()[1..], &value[..cut]).is_err());
        }
    }
}
