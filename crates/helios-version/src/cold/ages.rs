//! How old change numbers are, for longer than the records of commits tell.
//!
//! Records of commits go with the versions that nobody reads any more; rows may have to be older than that
//! before they freeze. So a mark is set now and then: at this time, this was the newest commit. The
//! value in `Meta`, tag 12, is the marks in order:
//!
//! | bytes | field |
//! |---|---|
//! | varint | µs since the mark before, of the first since 1970-01-01 UTC |
//! | varint | commits since the mark before |

use std::sync::atomic::Ordering;

use helios_base::{Result, Scn};
use helios_kv::{Batch, Keyspace};

use crate::codec::{Reader, put_varint};
use crate::core::Core;
use crate::keys;

/// Marks are this far apart at least, in µs.
const APART: u64 = 3600 * 1_000_000;
/// Beyond so many, every second of the older half goes.
const MOST: usize = 512;

/// The marks: time and newest commit, both growing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ages(Vec<(u64, Scn)>);

impl Ages {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "ages of commits");
        let mut marks: Vec<(u64, Scn)> = Vec::new();
        let (mut time, mut scn) = (0u64, 0u64);
        while !reader.is_empty() {
            time = time.saturating_add(reader.varint()?);
            scn = scn.saturating_add(reader.varint()?);
            marks.push((time, Scn(scn)));
        }
        Ok(Self(marks))
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let (mut time, mut scn) = (0, 0);
        for mark in &self.0 {
            put_varint(&mut out, mark.0.saturating_sub(time));
            put_varint(&mut out, mark.1.0.saturating_sub(scn));
            (time, scn) = (mark.0, mark.1.0);
        }
        out
    }

    /// Sets a mark unless the last is near. False if it did not.
    fn note(&mut self, time: u64, scn: Scn) -> bool {
        if let Some(last) = self.0.last()
            && (time < last.0.saturating_add(APART) || scn <= last.1)
        {
            return false;
        }
        self.0.push((time, scn));
        if self.0.len() > MOST {
            let mut at = 0;
            self.0.retain(|_| {
                at += 1;
                at > MOST / 2 || at % 2 == 1
            });
        }
        true
    }

    /// A commit at or before `time`, the newest that is known to be.
    fn before(&self, time: u64) -> Scn {
        let upto = self.0.partition_point(|mark| mark.0 <= time);
        let mark = upto.checked_sub(1).and_then(|at| self.0.get(at));
        mark.map_or(Scn::ZERO, |mark| mark.1)
    }
}

impl Core {
    /// Remembers which commit is the newest at `now`, in µs since 1970-01-01 UTC.
    pub(crate) fn note_age(&self, now: i64) -> Result<()> {
        let time = u64::try_from(now).unwrap_or(0);
        let mut ages = self.cold.ages.lock();
        if !ages.note(time, self.published()) {
            return Ok(());
        }
        let value = ages.encode();
        drop(ages);
        self.between_commits(|_| {
            let mut batch = Batch::new();
            batch.put(
                Keyspace::Meta,
                &keys::meta_key(keys::META_AGES, &[]),
                &value,
            );
            self.cold.unsaved.store(true, Ordering::Release);
            self.kv.apply(batch)
        })
    }

    /// A commit at or before `time`, the newest that is known to be.
    pub(crate) fn scn_before(&self, time: i64) -> Scn {
        let marked = self
            .cold
            .ages
            .lock()
            .before(u64::try_from(time).unwrap_or(0));
        // An error says that the records do not go back so far.
        self.scn_at(time).map_or(marked, |scn| scn.max(marked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_rare_and_found_again() {
        let mut ages = Ages::default();
        let start = 1_700_000_000_000_000;
        for n in 0..2000u64 {
            assert!(ages.note(start + n * APART, Scn(10 + n)));
            assert!(!ages.note(start + n * APART + APART / 2, Scn(11 + n)));
        }
        assert!(!ages.note(start + 5000 * APART, Scn(10 + 1999)));
        assert!(ages.0.len() <= MOST);
        assert_eq!(Ages::decode(&ages.encode()).ok(), Some(ages.clone()));
        assert_eq!(ages.before(start - 1), Scn::ZERO);
        assert_eq!(ages.before(start), Scn(10));
        // Never one that is too young, however many went.
        for n in 0..2000u64 {
            let found = ages.before(start + n * APART);
            assert!(found <= Scn(10 + n) && found > Scn::ZERO);
        }
        assert_eq!(ages.before(start + 1999 * APART), Scn(10 + 1999));
    }
}
