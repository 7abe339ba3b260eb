//! Log records: what a commit did, and where sequences stand.
//!
//! | offset | bytes | field | rule |
//! |-------:|------:|---|---|
//! | 0 | 1 | version | 1 |
//! | 1 | 1 | kind | 1 commit, 2 sequence, 3 part of a commit |
//!
//! A commit goes on with
//!
//! | offset | bytes | field | rule |
//! |-------:|------:|---|---|
//! | 2 | 8 | SCN | u64 LE, previous commit's + 1 |
//! | 10 | 8 | time | i64 LE, µs since 1970 UTC, greater than the previous commit's |
//! | 18 | 8 | transaction id | u64 LE, 0 for the store's own commits |
//! | 26 | 4 | branch | u32 LE |
//! | 30 | | author, message | each varint length, UTF-8 |
//! | | | parents | varint count, each varint branch, varint SCN |
//! | | | operations | to the end, see [`Op`] |
//!
//! A sequence record goes on with branch u32 LE, sequence u32 LE, value i64 LE and one byte that is
//! 1 if the value has been handed out. A commit too large for one record is preceded, without other
//! records between, by parts: operations that belong before its own. Parts that no commit follows
//! count for nothing.
//!
//! The log below adds length and checksum.

use std::ops::Range;

use helios_base::{BranchId, Error, IndexId, Result, Scn, TableId, TxId};

use crate::codec::{Reader, put_bytes, put_varint};
use crate::retention::{put_period, read_period};
use crate::sequence::SequenceState;

const VERSION: u8 = 1;
const COMMIT: u8 = 1;
const SEQUENCE: u8 = 2;
const PART: u8 = 3;

const SCN: Range<usize> = 2..10;
const TIME: Range<usize> = SCN.end..SCN.end + 8;
const TXID: Range<usize> = TIME.end..TIME.end + 8;
const BRANCH: Range<usize> = TXID.end..TXID.end + 4;
const _: () = assert!(BRANCH.end == 30);

/// One operation of a commit: a tag byte, then the fields in this order, numbers as varints, keys,
/// rows and names with a varint length before them. Tags are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op<'a> {
    /// 1: a row version.
    Put {
        table: TableId,
        pk: &'a [u8],
        row: &'a [u8],
    },
    /// 2: a row deleted.
    Delete { table: TableId, pk: &'a [u8] },
    /// 3: an index entry.
    Entry { index: IndexId, key: &'a [u8] },
    /// 4: a branch created; options are a count and pairs.
    CreateBranch {
        id: BranchId,
        parent: BranchId,
        fork: Scn,
        name: &'a str,
        options: Pairs<'a>,
    },
    /// 5: a branch renamed or its settings replaced.
    AlterBranch {
        id: BranchId,
        name: &'a str,
        options: Pairs<'a>,
    },
    /// 6: a branch dropped.
    DropBranch { id: BranchId },
    /// 7: a table dropped on the commit's branch.
    DropTable { table: TableId },
    /// 8: an index dropped on the commit's branch.
    DropIndex { index: IndexId },
    /// 9: a named pin set.
    Pin {
        name: &'a str,
        branch: BranchId,
        scn: Scn,
    },
    /// 10: a named pin removed.
    Unpin { name: &'a str },
    /// 11: how long a table is kept on the commit's branch: 0 as the branch says, else µs + 1; then a byte
    /// that is 1 if the branch does not have the table yet.
    Retain {
        table: TableId,
        period: Option<u64>,
        is_new: bool,
    },
    /// 12: an index that may have been dropped on the commit's branch is in use there.
    KeepIndex { index: IndexId },
    /// 13: rows that the commit puts into a segment, whose file is durable: its number and its entry.
    Segment {
        table: TableId,
        id: u64,
        entry: &'a [u8],
    },
    /// 14: keys of such rows, as in a list of changes.
    Loaded { table: TableId, keys: &'a [u8] },
}

/// Encoded name/value pairs: a varint count, then texts with lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pairs<'a>(pub(crate) &'a [u8]);

pub(crate) const PUT: u8 = 1;
pub(crate) const DELETE: u8 = 2;
pub(crate) const ENTRY: u8 = 3;

/// Encodes pairs for [`Pairs`].
pub(crate) fn encode_pairs(pairs: &[(String, String)]) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, pairs.len() as u64);
    for (name, value) in pairs {
        put_bytes(&mut out, name.as_bytes());
        put_bytes(&mut out, value.as_bytes());
    }
    out
}

/// Reads what [`encode_pairs`] wrote.
pub(crate) fn decode_pairs(reader: &mut Reader<'_>) -> Result<Vec<(String, String)>> {
    let count = reader.varint()?;
    let mut pairs = Vec::new();
    for _ in 0..count {
        pairs.push((reader.text()?, reader.text()?));
    }
    Ok(pairs)
}

impl<'a> Op<'a> {
    /// Appends the operation.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Put { table, pk, row } => {
                out.push(PUT);
                put_varint(out, u64::from(table.0));
                put_bytes(out, pk);
                put_bytes(out, row);
            }
            Self::Delete { table, pk } => {
                out.push(DELETE);
                put_varint(out, u64::from(table.0));
                put_bytes(out, pk);
            }
            Self::Entry { index, key } => {
                out.push(ENTRY);
                put_varint(out, u64::from(index.0));
                put_bytes(out, key);
            }
            Self::CreateBranch {
                id,
                parent,
                fork,
                name,
                options,
            } => {
                out.push(4);
                put_varint(out, u64::from(id.0));
                put_varint(out, u64::from(parent.0));
                put_varint(out, fork.0);
                put_bytes(out, name.as_bytes());
                put_bytes(out, options.0);
            }
            Self::AlterBranch { id, name, options } => {
                out.push(5);
                put_varint(out, u64::from(id.0));
                put_bytes(out, name.as_bytes());
                put_bytes(out, options.0);
            }
            Self::DropBranch { id } => {
                out.push(6);
                put_varint(out, u64::from(id.0));
            }
            Self::DropTable { table } => {
                out.push(7);
                put_varint(out, u64::from(table.0));
            }
            Self::DropIndex { index } => {
                out.push(8);
                put_varint(out, u64::from(index.0));
            }
            Self::Pin { name, branch, scn } => {
                out.push(9);
                put_bytes(out, name.as_bytes());
                put_varint(out, u64::from(branch.0));
                put_varint(out, scn.0);
            }
            Self::Unpin { name } => {
                out.push(10);
                put_bytes(out, name.as_bytes());
            }
            Self::Retain {
                table,
                period,
                is_new,
            } => {
                out.push(11);
                put_varint(out, u64::from(table.0));
                put_period(out, period, is_new);
            }
            Self::KeepIndex { index } => {
                out.push(12);
                put_varint(out, u64::from(index.0));
            }
            Self::Segment { table, id, entry } => {
                out.push(13);
                put_varint(out, u64::from(table.0));
                put_varint(out, id);
                put_bytes(out, entry);
            }
            Self::Loaded { table, keys } => {
                out.push(14);
                put_varint(out, u64::from(table.0));
                put_bytes(out, keys);
            }
        }
    }

    /// Reads the next operation.
    pub(crate) fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        let tag = reader.u8()?;
        Ok(match tag {
            PUT => Self::Put {
                table: TableId(reader.varint32()?),
                pk: reader.bytes()?,
                row: reader.bytes()?,
            },
            DELETE => Self::Delete {
                table: TableId(reader.varint32()?),
                pk: reader.bytes()?,
            },
            ENTRY => Self::Entry {
                index: IndexId(reader.varint32()?),
                key: reader.bytes()?,
            },
            4 => Self::CreateBranch {
                id: BranchId(reader.varint32()?),
                parent: BranchId(reader.varint32()?),
                fork: Scn(reader.varint()?),
                name: name(reader)?,
                options: Pairs(reader.bytes()?),
            },
            5 => Self::AlterBranch {
                id: BranchId(reader.varint32()?),
                name: name(reader)?,
                options: Pairs(reader.bytes()?),
            },
            6 => Self::DropBranch {
                id: BranchId(reader.varint32()?),
            },
            7 => Self::DropTable {
                table: TableId(reader.varint32()?),
            },
            8 => Self::DropIndex {
                index: IndexId(reader.varint32()?),
            },
            9 => Self::Pin {
                name: name(reader)?,
                branch: BranchId(reader.varint32()?),
                scn: Scn(reader.varint()?),
            },
            10 => Self::Unpin {
                name: name(reader)?,
            },
            11 => {
                let table = TableId(reader.varint32()?);
                let (period, is_new) = read_period(reader)?;
                Self::Retain {
                    table,
                    period,
                    is_new,
                }
            }
            12 => Self::KeepIndex {
                index: IndexId(reader.varint32()?),
            },
            13 => Self::Segment {
                table: TableId(reader.varint32()?),
                id: reader.varint()?,
                entry: reader.bytes()?,
            },
            14 => Self::Loaded {
                table: TableId(reader.varint32()?),
                keys: reader.bytes()?,
            },
            _ => return Err(reader.corrupt("unknown operation")),
        })
    }
}

fn name<'a>(reader: &mut Reader<'a>) -> Result<&'a str> {
    std::str::from_utf8(reader.bytes()?).map_err(|_| reader.corrupt("a name is not UTF-8"))
}

/// The head of a commit record, everything but its operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CommitHead {
    pub(crate) scn: Scn,
    pub(crate) time: i64,
    pub(crate) txid: TxId,
    pub(crate) branch: BranchId,
    pub(crate) author: String,
    pub(crate) message: String,
    pub(crate) parents: Vec<(BranchId, Scn)>,
}

impl CommitHead {
    /// Appends the head; operations follow.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[VERSION, COMMIT]);
        out.extend_from_slice(&self.scn.0.to_le_bytes());
        out.extend_from_slice(&self.time.to_le_bytes());
        out.extend_from_slice(&self.txid.0.to_le_bytes());
        out.extend_from_slice(&self.branch.0.to_le_bytes());
        put_bytes(out, self.author.as_bytes());
        put_bytes(out, self.message.as_bytes());
        put_varint(out, self.parents.len() as u64);
        for (branch, scn) in &self.parents {
            put_varint(out, u64::from(branch.0));
            put_varint(out, scn.0);
        }
    }

    /// Fills in what is known only under the commit mutex.
    pub(crate) fn stamp(record: &mut [u8], scn: Scn, time: i64) -> Result<()> {
        let Some(head) = record.get_mut(..BRANCH.end) else {
            return Err(Error::internal("a commit record is shorter than its head"));
        };
        head[SCN].copy_from_slice(&scn.0.to_le_bytes());
        head[TIME].copy_from_slice(&time.to_le_bytes());
        Ok(())
    }
}

/// Appends the head of a part; operations follow.
pub(crate) fn encode_part(out: &mut Vec<u8>) {
    out.extend_from_slice(&[VERSION, PART]);
}

/// Encodes a sequence record.
pub(crate) fn encode_sequence(
    branch: BranchId,
    sequence: TableId,
    state: SequenceState,
) -> Vec<u8> {
    let mut out = vec![VERSION, SEQUENCE];
    out.extend_from_slice(&branch.0.to_le_bytes());
    out.extend_from_slice(&sequence.0.to_le_bytes());
    out.extend_from_slice(&state.value.to_le_bytes());
    out.push(u8::from(state.called));
    out
}

/// A decoded record; operations are still encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record<'a> {
    Commit(CommitHead, &'a [u8]),
    Sequence(BranchId, TableId, SequenceState),
    Part(&'a [u8]),
}

impl<'a> Record<'a> {
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "log record");
        let version = reader.u8()?;
        if version != VERSION {
            return Err(Error::unsupported(format!(
                "log record has format version {version}, this program knows {VERSION}"
            ))
            .with_hint("open the database with a newer program"));
        }
        match reader.u8()? {
            COMMIT => {
                let mut head = CommitHead {
                    scn: Scn(u64::from_le_bytes(reader.array()?)),
                    time: i64::from_le_bytes(reader.array()?),
                    txid: TxId(u64::from_le_bytes(reader.array()?)),
                    branch: BranchId(u32::from_le_bytes(reader.array()?)),
                    author: reader.text()?,
                    message: reader.text()?,
                    parents: Vec::new(),
                };
                for _ in 0..reader.varint()? {
                    let branch = BranchId(reader.varint32()?);
                    head.parents.push((branch, Scn(reader.varint()?)));
                }
                Ok(Self::Commit(head, reader.rest()))
            }
            SEQUENCE => {
                let branch = BranchId(u32::from_le_bytes(reader.array()?));
                let sequence = TableId(u32::from_le_bytes(reader.array()?));
                let value = i64::from_le_bytes(reader.array()?);
                let called = reader.u8()? != 0;
                Ok(Self::Sequence(
                    branch,
                    sequence,
                    SequenceState { value, called },
                ))
            }
            PART => Ok(Self::Part(reader.rest())),
            _ => Err(reader.corrupt("unknown kind")),
        }
    }
}

/// The operations of a commit, in order.
pub(crate) struct Ops<'a>(Reader<'a>);

impl<'a> Ops<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(Reader::new(bytes, "log record"))
    }
}

impl<'a> Iterator for Ops<'a> {
    type Item = Result<Op<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let op = Op::decode(&mut self.0);
        if op.is_err() {
            self.0 = Reader::new(&[], "log record");
        }
        Some(op)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut out = Vec::new();
        CommitHead {
            txid: TxId(7),
            branch: BranchId(3),
            author: "ann".into(),
            message: "m".into(),
            parents: vec![(BranchId(1), Scn(200))],
            ..CommitHead::default()
        }
        .encode(&mut out);
        CommitHead::stamp(&mut out, Scn(9), -2).unwrap();
        for op in ops() {
            op.encode(&mut out);
        }
        out
    }

    fn ops() -> [Op<'static>; 13] {
        let options = Pairs(b"\x01\x01k\x01v");
        [
            Op::Put {
                table: TableId(1000),
                pk: b"p",
                row: b"row",
            },
            Op::Delete {
                table: TableId(5),
                pk: b"q",
            },
            Op::Entry {
                index: IndexId(6),
                key: b"e",
            },
            Op::CreateBranch {
                id: BranchId(4),
                parent: BranchId(0),
                fork: Scn(8),
                name: "dev",
                options,
            },
            Op::AlterBranch {
                id: BranchId(4),
                name: "d",
                options,
            },
            Op::DropBranch { id: BranchId(4) },
            Op::DropTable { table: TableId(5) },
            Op::DropIndex { index: IndexId(6) },
            Op::Pin {
                name: "n",
                branch: BranchId(1),
                scn: Scn(2),
            },
            Op::Unpin { name: "n" },
            Op::Retain {
                table: TableId(5),
                period: Some(299),
                is_new: true,
            },
            Op::Retain {
                table: TableId(5),
                period: None,
                is_new: false,
            },
            Op::KeepIndex { index: IndexId(6) },
        ]
    }

    // Guards the stored bytes: logs written by this version must stay readable.
    #[test]
    fn golden_bytes() {
        let expected = b"\x01\x01\x09\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff\
            \x07\0\0\0\0\0\0\0\x03\0\0\0\x03ann\x01m\x01\x01\xc8\x01\
            \x01\xe8\x07\x01p\x03row\x02\x05\x01q\x03\x06\x01e\
            \x04\x04\0\x08\x03dev\x05\x01\x01k\x01v\x05\x04\x01d\x05\x01\x01k\x01v\
            \x06\x04\x07\x05\x08\x06\x09\x01n\x01\x02\x0a\x01n\x0b\x05\xac\x02\x01\x0b\x05\0\0\x0c\x06";
        assert_eq!(sample(), expected);
        let state = SequenceState {
            value: -1,
            called: true,
        };
        assert_eq!(
            encode_sequence(BranchId(1), TableId(2), state),
            b"\x01\x02\x01\0\0\0\x02\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x01"
        );
    }

    #[test]
    fn round_trips_and_refuses_every_cut() {
        let bytes = sample();
        let Record::Commit(head, body) = Record::decode(&bytes).unwrap() else {
            panic!("not a commit");
        };
        assert_eq!((head.scn, head.time), (Scn(9), -2));
        let read: Vec<_> = Ops::new(body).map(Result::unwrap).collect();
        assert_eq!(read, ops());
        for cut in 0..bytes.len() {
            // A cut between two operations is a shorter commit: the log's checksum guards that.
            if let Ok(Record::Commit(_, body)) = Record::decode(&bytes[..cut]) {
                let _ = Ops::new(body).count();
            }
        }
        assert!(Record::decode(b"\x02\x01").is_err());
        assert!(Record::decode(b"\x01\x09").is_err());
    }
}
