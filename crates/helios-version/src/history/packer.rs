//! Gathers the entries of one row's history, as garbage collection passes them, into bundles.

use std::ops::Range;

use helios_base::{Result, Scn};
use helios_kv::{Batch, Keyspace};

use super::bundle::{self, BUNDLE_MAX};
use super::{Replaced, each};
use crate::keys::{SUFFIX, Stored};

/// Entries from which on a bundle of them is worth being written.
const ENTRIES_MIN: usize = 4;
/// A bundle of so many versions is left alone.
const FULL: usize = BUNDLE_MAX * 3 / 4;
/// Bytes of rows that are gathered at most; an entry with more is left alone.
const BYTES_MAX: usize = 64 << 10;

fn history_key(row_key: &[u8], begin: Scn) -> Vec<u8> {
    let mut key = Vec::with_capacity(row_key.len() + SUFFIX);
    key.extend_from_slice(row_key);
    key.extend_from_slice(&(!begin.0).to_be_bytes());
    key
}

/// Entries that stand next to each other, the youngest first, and will become one.
///
/// Costs the memory of the rows gathered, [`BYTES_MAX`] and one entry at most.
#[derive(Default)]
pub(crate) struct Packer {
    /// Keys of the entries: the begins of their oldest versions.
    entries: Vec<Scn>,
    versions: Vec<(Scn, Scn, Option<Range<usize>>)>,
    bytes: Vec<u8>,
    /// A bundle among them has versions that nobody needs.
    thinned: bool,
}

impl Packer {
    /// Takes the next older entry of the row with this key in `Current`. `needs` says of each version
    /// whether it stays; what does not, and what becomes part of a bundle, goes from the store with `batch`.
    pub(crate) fn add(
        &mut self,
        row_key: &[u8],
        oldest: Scn,
        value: &[u8],
        needs: &mut dyn FnMut(Replaced<'_>) -> bool,
        batch: &mut Batch,
    ) -> Result<()> {
        let count = super::count(value)?;
        let (versions, bytes) = (self.versions.len(), self.bytes.len());
        let single = count == 1;
        let mut thinned = false;
        each(oldest, value, &mut |version| {
            if !needs(version) {
                thinned = true;
                return Ok(());
            }
            let row = version.row.map(|row| {
                let start = self.bytes.len();
                self.bytes.extend_from_slice(row);
                start..self.bytes.len()
            });
            self.versions.push((version.begin, version.end, row));
            Ok(())
        })?;
        if thinned && single {
            batch.delete(Keyspace::History, &history_key(row_key, oldest));
            return Ok(());
        }
        let stays_alone = !thinned && (count >= FULL || self.bytes.len() - bytes > BYTES_MAX);
        let too_many = self.versions.len() > BUNDLE_MAX || self.bytes.len() > BYTES_MAX;
        if !self.entries.is_empty() && (stays_alone || too_many) {
            // What came before it ends here.
            let next = self.split_off(versions, bytes);
            self.finish(row_key, batch);
            *self = next;
        }
        if stays_alone {
            self.clear();
            return Ok(());
        }
        self.entries.push(oldest);
        self.thinned |= thinned;
        Ok(())
    }

    /// Takes the versions from these places on away.
    fn split_off(&mut self, versions: usize, bytes: usize) -> Self {
        let moved = |row: Range<usize>| row.start - bytes..row.end - bytes;
        let versions = self.versions.split_off(versions).into_iter();
        Self {
            entries: Vec::new(),
            versions: versions
                .map(|(begin, end, row)| (begin, end, row.map(moved)))
                .collect(),
            bytes: self.bytes.split_off(bytes),
            thinned: false,
        }
    }

    /// Writes what was gathered as one entry, if that is worth it, and is empty again.
    pub(crate) fn finish(&mut self, row_key: &[u8], batch: &mut Batch) {
        if self.thinned || self.entries.len() >= ENTRIES_MIN {
            let stays = self.versions.last().map(|(begin, ..)| *begin);
            for begin in &self.entries {
                if Some(*begin) != stays {
                    batch.delete(Keyspace::History, &history_key(row_key, *begin));
                }
            }
            if let Some(begin) = stays {
                batch.put(
                    Keyspace::History,
                    &history_key(row_key, begin),
                    &self.encode(),
                );
            }
        }
        self.clear();
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let row = |row: &Option<Range<usize>>| row.clone().and_then(|row| self.bytes.get(row));
        match self.versions.as_slice() {
            [(_, end, place)] => Stored {
                scn: *end,
                row: row(place),
            }
            .encode(&mut out),
            versions => {
                let versions = versions.iter().map(|(begin, end, place)| Replaced {
                    begin: *begin,
                    end: *end,
                    row: row(place),
                });
                bundle::encode(versions, &mut out);
            }
        }
        out
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.versions.clear();
        self.bytes.clear();
        self.thinned = false;
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Bound;

    use helios_kv::{Kv, MemoryKv};

    use super::*;

    const ROW: &[u8] = b"\x00\x00\x00\x07\x00\x00\x00\x00k";

    fn put(batch: &mut Batch, begins: &[u64]) {
        let versions = begins.iter().map(|begin| Replaced {
            begin: Scn(*begin),
            end: Scn(begin + 1),
            row: Some(b"a row that changes now and then"),
        });
        let mut value = Vec::new();
        bundle::encode(versions, &mut value);
        let oldest = Scn(begins.last().copied().unwrap());
        batch.put(Keyspace::History, &history_key(ROW, oldest), &value);
    }

    /// What is left, as begins of versions by entry, after a pass that needs versions as `needs` says.
    fn pass(entries: &[Vec<u64>], needs: fn(u64) -> bool) -> Vec<Vec<u64>> {
        let kv = MemoryKv::new();
        let mut batch = Batch::new();
        entries.iter().for_each(|begins| put(&mut batch, begins));
        kv.apply(batch).unwrap();
        let (mut packer, mut batch) = (Packer::default(), Batch::new());
        let mut needs = |version: Replaced<'_>| needs(version.begin.0);
        let all = (Bound::Unbounded, Bound::Unbounded);
        let mut cursor = kv.snapshot().scan(Keyspace::History, all, false).unwrap();
        while let Some((key, value)) = cursor.next().unwrap() {
            let (_, oldest) = crate::keys::split_history(key).unwrap();
            packer
                .add(ROW, oldest, value, &mut needs, &mut batch)
                .unwrap();
        }
        packer.finish(ROW, &mut batch);
        kv.apply(batch).unwrap();
        let mut left = Vec::new();
        let mut cursor = kv.snapshot().scan(Keyspace::History, all, false).unwrap();
        while let Some((key, value)) = cursor.next().unwrap() {
            let (_, oldest) = crate::keys::split_history(key).unwrap();
            let mut begins = Vec::new();
            each(oldest, value, &mut |version| {
                begins.push(version.begin.0);
                Ok(())
            })
            .unwrap();
            left.push(begins);
        }
        left
    }

    fn down(from: u64, upto: u64) -> Vec<u64> {
        (upto..=from).rev().collect()
    }

    // Guards against a bundle that nobody needs being left because an older one stays as it is.
    #[test]
    fn what_nobody_needs_goes_whatever_follows() {
        let entries = [down(60, 50), down(40, 11)];
        assert_eq!(pass(&entries, |begin| begin < 50), [down(40, 11)]);
        assert_eq!(pass(&entries, |begin| begin > 55), [down(60, 56)]);
        assert!(pass(&entries, |_| false).is_empty());
        let odd: Vec<u64> = down(60, 50).into_iter().filter(|n| n % 2 == 1).collect();
        assert_eq!(
            pass(&entries, |begin| begin < 50 || begin % 2 == 1),
            [odd, down(40, 11)]
        );
    }
}
