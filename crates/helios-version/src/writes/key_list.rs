//! Keys of rows that go into segments while their transaction runs.

use std::ops::{Bound, RangeBounds};

use helios_base::{Error, Result};

use super::arena::Arena;
use super::bulk::ShowKey;
use super::check_key;
use crate::changes::{KeySet, ListPart};
use crate::row::Bounds;

/// Bytes of keys that are kept in memory; more go to a temporary file.
const MEMORY: usize = 32 << 20;

/// Ascending keys, kept as the log and the lists of changes have them: two or three bytes for each of a dense run.
///
/// # Cost
/// A look for one key decodes a part of 2 KiB.
pub struct KeyList {
    bytes: Arena,
    parts: Vec<Part>,
    /// The last part, to which keys are added.
    open: ListPart,
    open_first: Vec<u8>,
    last: Vec<u8>,
    len: u64,
}

/// A part that is full.
struct Part {
    first: Box<[u8]>,
    at: u64,
    len: usize,
}

impl Default for KeyList {
    fn default() -> Self {
        Self::with_memory(MEMORY)
    }
}

impl KeyList {
    fn with_memory(memory: usize) -> Self {
        Self {
            bytes: Arena::new(memory),
            parts: Vec::new(),
            open: ListPart::default(),
            open_first: Vec::new(),
            last: Vec::new(),
            len: 0,
        }
    }

    /// Adds a key, which is after those before.
    ///
    /// # Errors
    /// 54000 for a key that is too long; `Io` from the temporary file; internal for a key out of order.
    pub fn push(&mut self, key: &[u8]) -> Result<()> {
        check_key(key)?;
        if self.last().is_some_and(|last| last >= key) {
            return Err(Error::internal("a list of keys must ascend"));
        }
        if self.open.bytes().is_empty() {
            self.open_first.clear();
            self.open_first.extend_from_slice(key);
        }
        self.last.clear();
        self.last.extend_from_slice(key);
        self.len += 1;
        if self.open.add(key) {
            let (at, part) = (self.bytes.end(), self.open.bytes());
            self.bytes.append(|out| out.extend_from_slice(part))?;
            self.parts.push(Part {
                first: self.open_first.as_slice().into(),
                at,
                len: part.len(),
            });
            self.open.clear();
        }
        Ok(())
    }

    /// The greatest key.
    #[must_use]
    pub fn last(&self) -> Option<&[u8]> {
        (self.len > 0).then_some(&self.last)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a key is among them.
    ///
    /// # Errors
    /// `Io` from the temporary file.
    pub fn contains(&self, key: &[u8]) -> Result<bool> {
        self.touches((Bound::Included(key), Bound::Included(key)))
    }

    /// Whether one is in this range.
    pub(crate) fn touches(&self, range: Bounds<'_>) -> Result<bool> {
        let (Bound::Included(from) | Bound::Excluded(from)) = range.0 else {
            return Ok(!self.is_empty() && within(self.first(), range));
        };
        if self.last().is_none_or(|last| last < from) {
            return Ok(false);
        }
        let before = self.parts.partition_point(|part| *part.first <= *from);
        let mut place = match self.open.bytes().is_empty() || *self.open_first > *from {
            true => before.saturating_sub(1),
            false => self.parts.len(),
        };
        let mut keys = KeySet::new();
        while place <= self.parts.len() {
            keys.clear();
            self.show_part(place, &mut |part| keys.add_part(part))?;
            let mut found = (0..keys.len()).filter_map(|at| keys.get(at));
            let is_after = |key: &&[u8]| within(key, (range.0, Bound::Unbounded));
            if let Some(key) = found.find(is_after) {
                return Ok(within(key, range));
            }
            place += 1;
        }
        Ok(false)
    }

    fn first(&self) -> &[u8] {
        self.parts
            .first()
            .map_or(&self.open_first, |part| &part.first)
    }

    /// Shows the part at a place, the open one behind all others.
    fn show_part(&self, place: usize, visit: &mut ShowKey<'_>) -> Result<()> {
        match self.parts.get(place) {
            Some(part) => visit(&self.bytes.read(part.at, part.len)?),
            None if self.open.bytes().is_empty() => Ok(()),
            None => visit(self.open.bytes()),
        }
    }

    /// Shows the parts, as [`ListPart`] writes them.
    pub(super) fn for_each_part(&self, visit: &mut ShowKey<'_>) -> Result<()> {
        (0..=self.parts.len()).try_for_each(|place| self.show_part(place, visit))
    }

    /// Shows the keys in ascending order.
    pub(super) fn for_each(&self, visit: &mut ShowKey<'_>) -> Result<()> {
        let mut keys = KeySet::new();
        self.for_each_part(&mut |part| {
            keys.clear();
            keys.add_part(part)?;
            let mut all = (0..keys.len()).filter_map(|at| keys.get(at));
            all.try_for_each(&mut *visit)
        })
    }

    /// Bytes that the log gets.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.end() + self.open.bytes().len() as u64
    }
}

fn within(key: &[u8], range: Bounds<'_>) -> bool {
    <Bounds<'_> as RangeBounds<[u8]>>::contains(&range, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Guards against keys that are lost, or found though they are not there, at the seams of parts and where they went
    // to a file.
    #[test]
    fn lists_know_their_keys() {
        let key = |n: u32| format!("key {n:07}").into_bytes();
        for (count, memory) in [(0, 0), (1, 0), (3, 0), (4000, 0), (4000, 1 << 20)] {
            let mut list = KeyList::with_memory(memory);
            for n in 0..count {
                list.push(&key(n * 2)).unwrap();
                assert!(list.push(&key(n * 2)).is_err());
                assert!(n == 0 || list.push(&key(n * 2 - 1)).is_err());
            }
            assert_eq!(list.len(), u64::from(count));
            let mut shown = Vec::new();
            let mut show = |key: &[u8]| {
                shown.push(key.to_vec());
                Ok(())
            };
            list.for_each(&mut show).unwrap();
            assert_eq!(shown, (0..count).map(|n| key(n * 2)).collect::<Vec<_>>());
            for n in 0..count * 2 + 3 {
                let (a, b) = (key(n), key(n + 1));
                let is_there = n % 2 == 0 && n < count * 2;
                assert_eq!(list.contains(&a).unwrap(), is_there, "{n} of {count}");
                for (range, wanted) in [
                    ((Bound::Included(&a[..]), Bound::Excluded(&b[..])), is_there),
                    ((Bound::Excluded(&a), Bound::Excluded(&b)), false),
                    (
                        (Bound::Included(&a), Bound::Included(&b)),
                        n < (count * 2).saturating_sub(1),
                    ),
                    (
                        (Bound::Included(&a), Bound::Unbounded),
                        n < (count * 2).saturating_sub(1),
                    ),
                    ((Bound::Unbounded, Bound::Excluded(&a)), n > 0 && count > 0),
                ] {
                    assert_eq!(
                        list.touches(range).unwrap(),
                        wanted,
                        "{n} of {count}: {range:?}"
                    );
                }
            }
        }
        let mut list = KeyList::default();
        assert_eq!(
            list.push(&[7; 70_000]).unwrap_err().sqlstate().as_str(),
            "54000"
        );
        assert!(list.is_empty());
    }
}
