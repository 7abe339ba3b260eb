//! What is known of a commit, and its record in `Commits`.
//!
//! | bytes | field | rule |
//! |---|---|---|
//! | varint | log position | where the record (its first part) starts |
//! | varint | transaction id | |
//! | varint | branch | |
//! | 8 | time | i64 LE, µs |
//! | | author, message | varint length, UTF-8 |
//! | | merge parents | varint count, varint branch and SCN each |
//! | varint | rows put | |
//! | varint | rows deleted | |

use helios_base::{BranchId, Result, Scn, TxId};

use crate::codec::{Reader, put_bytes, put_varint};

/// What is known of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its place in the database's one sequence.
    pub scn: Scn,
    /// The transaction that made it; 0 for the store's own commits.
    pub txid: TxId,
    /// The branch it changed.
    pub branch: BranchId,
    /// When, in µs since 1970-01-01 UTC; strictly increasing with `scn`.
    pub time: i64,
    /// Who made it; may be empty.
    pub author: String,
    /// Why; may be empty.
    pub message: String,
    /// The commits a merge took in, empty for an ordinary commit.
    pub parents: Vec<(BranchId, Scn)>,
    /// Rows put.
    pub puts: u64,
    /// Rows deleted.
    pub deletes: u64,
    /// Where its record starts in the commit log.
    pub position: u64,
}

impl CommitInfo {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.position);
        put_varint(out, self.txid.0);
        put_varint(out, u64::from(self.branch.0));
        out.extend_from_slice(&self.time.to_le_bytes());
        put_bytes(out, self.author.as_bytes());
        put_bytes(out, self.message.as_bytes());
        put_varint(out, self.parents.len() as u64);
        for (branch, scn) in &self.parents {
            put_varint(out, u64::from(branch.0));
            put_varint(out, scn.0);
        }
        put_varint(out, self.puts);
        put_varint(out, self.deletes);
    }

    pub(crate) fn decode(scn: Scn, bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "commit record");
        let mut info = Self {
            scn,
            position: reader.varint()?,
            txid: TxId(reader.varint()?),
            branch: BranchId(reader.varint32()?),
            time: i64::from_le_bytes(reader.array()?),
            author: reader.text()?,
            message: reader.text()?,
            ..Self::default()
        };
        for _ in 0..reader.varint()? {
            let branch = BranchId(reader.varint32()?);
            info.parents.push((branch, Scn(reader.varint()?)));
        }
        info.puts = reader.varint()?;
        info.deletes = reader.varint()?;
        if !reader.is_empty() {
            return Err(reader.corrupt("bytes are left over"));
        }
        Ok(info)
    }

    /// The time alone, without decoding the rest.
    pub(crate) fn time_of(bytes: &[u8]) -> Result<i64> {
        let mut reader = Reader::new(bytes, "commit record");
        reader.varint()?;
        reader.varint()?;
        reader.varint()?;
        Ok(i64::from_le_bytes(reader.array()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Guards the stored bytes: databases written by this version must stay readable.
    #[test]
    fn golden_bytes() {
        let info = CommitInfo {
            scn: Scn(4),
            txid: TxId(3),
            branch: BranchId(2),
            time: 1,
            author: "a".into(),
            message: "m".into(),
            parents: vec![(BranchId(1), Scn(200))],
            puts: 128,
            deletes: 1,
            position: 64,
        };
        let mut bytes = Vec::new();
        info.encode(&mut bytes);
        assert_eq!(
            bytes,
            b"\x40\x03\x02\x01\0\0\0\0\0\0\0\x01a\x01m\x01\x01\xc8\x01\x80\x01\x01"
        );
        assert_eq!(CommitInfo::decode(Scn(4), &bytes).unwrap(), info);
        assert_eq!(CommitInfo::time_of(&bytes).unwrap(), 1);
        for cut in 0..bytes.len() {
            assert!(CommitInfo::decode(Scn(4), &bytes[..cut]).is_err());
        }
    }
}
