//! A packed run of entries in key order: what a tree node holds.

use std::cmp::Ordering;

use bytes::Bytes;

/// Values longer than this lie outside the page, shared by its copies.
pub(crate) const INLINE_MAX: usize = 512;

const KIND_BITS: u32 = 2;
const INLINE: u32 = 0;
const TOMBSTONE: u32 = 1;
const LARGE: u32 = 2;

/// What a key maps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    /// A value.
    Put(&'a [u8]),
    /// The key is gone, and hides what older layers hold.
    Tombstone,
}

/// Keys in order.
pub(crate) trait Sorted {
    /// Number of entries.
    fn len(&self) -> usize;

    /// The key of entry `at`.
    fn key(&self, at: usize) -> &[u8];

    /// The first entry at or after `key`, and whether it is that key.
    fn search(&self, key: &[u8]) -> (usize, bool);
}

/// Keys and values one after the other in one buffer, with a slot for each.
///
/// Copying a page, which every change of a tree does, is a copy of two flat buffers. A search
/// compares the heads in the slots and looks at whole keys only where those are equal, so it
/// touches few cache lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    bytes: Vec<u8>,
    slots: Vec<Slot>,
    large: Vec<Bytes>,
    /// How many first bytes all keys share, or fewer; heads begin behind them.
    prefix: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Eight bytes of the key behind the page's prefix, big-endian, filled up with zeroes.
    head: u64,
    /// Where the key ends and the value begins.
    key_end: u32,
    /// Where the value ends and the next entry begins, and the kind in the low bits.
    end_kind: u32,
}

impl Slot {
    fn end(self) -> usize {
        (self.end_kind >> KIND_BITS) as usize
    }

    fn kind(self) -> u32 {
        self.end_kind & ((1 << KIND_BITS) - 1)
    }
}

impl Page {
    /// An empty page with room for so much.
    ///
    /// `prefix` is a guess, right if most entries come from a page with that prefix.
    pub fn with_capacity(entries: usize, bytes: usize, prefix: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            slots: Vec::with_capacity(entries),
            large: Vec::new(),
            prefix,
        }
    }

    /// Length of the shared prefix that heads leave out.
    pub fn prefix(&self) -> usize {
        self.prefix
    }

    /// Ends the making of a page: from here on it can be searched.
    pub fn seal(&mut self) {
        let Some(last) = self.len().checked_sub(1) else {
            return;
        };
        let (first, last) = (self.key(0), self.key(last));
        let shared = first.iter().zip(last).take_while(|(a, b)| a == b).count();
        // A prefix that is too short only makes heads less telling; a few bytes do not matter.
        if self.prefix <= shared && shared < self.prefix + 4 {
            return;
        }
        self.prefix = shared;
        for at in 0..self.len() {
            self.slots[at].head = head(self.key(at), shared);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Bytes in the page itself.
    pub fn inline_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of keys and values, large ones included.
    pub fn total_bytes(&self) -> usize {
        self.bytes.len() + self.large.iter().map(Bytes::len).sum::<usize>()
    }

    fn start(&self, at: usize) -> usize {
        if at == 0 { 0 } else { self.slots[at - 1].end() }
    }

    /// Bytes in the page of the entries `from..to`.
    pub fn run_bytes(&self, from: usize, to: usize) -> usize {
        if from < to {
            self.slots[to - 1].end() - self.start(from)
        } else {
            0
        }
    }

    /// What entry `at` maps to.
    #[inline]
    pub fn entry(&self, at: usize) -> Entry<'_> {
        let slot = self.slots[at];
        let value = &self.bytes[slot.key_end as usize..slot.end()];
        match slot.kind() {
            INLINE => Entry::Put(value),
            TOMBSTONE => Entry::Tombstone,
            _ => Entry::Put(&self.large[large_index(value)]),
        }
    }

    /// The value of entry `at`; large values are shared, others copied.
    pub fn value(&self, at: usize) -> Option<Bytes> {
        let slot = self.slots[at];
        let value = &self.bytes[slot.key_end as usize..slot.end()];
        match slot.kind() {
            INLINE => Some(Bytes::copy_from_slice(value)),
            TOMBSTONE => None,
            _ => Some(self.large[large_index(value)].clone()),
        }
    }

    /// Adds an entry at the end; its key is above all others.
    pub fn push(&mut self, key: &[u8], entry: Entry<'_>) {
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len() as u32;
        let kind = match entry {
            Entry::Tombstone => TOMBSTONE,
            Entry::Put(value) if value.len() <= INLINE_MAX => {
                self.bytes.extend_from_slice(value);
                INLINE
            }
            Entry::Put(value) => {
                self.push_large(Bytes::copy_from_slice(value));
                LARGE
            }
        };
        self.slots.push(Slot {
            head: head(key, self.prefix),
            key_end,
            end_kind: (self.bytes.len() as u32) << KIND_BITS | kind,
        });
    }

    /// Puts one entry where it belongs, if afterwards there are at most `entries` with `bytes` and
    /// the page need not be made anew for another reason. Says whether it did.
    pub fn edit(&mut self, key: &[u8], entry: Entry<'_>, entries: usize, bytes: usize) -> bool {
        let (value, kind) = match entry {
            Entry::Put(value) => (value, INLINE),
            Entry::Tombstone => (&[][..], TOMBSTONE),
        };
        if self.is_empty() || !self.large.is_empty() || value.len() > INLINE_MAX {
            return false;
        }
        let (at, found) = self.search(key);
        // Heads are told apart behind the shared prefix.
        if !found && key.get(..self.prefix) != self.key(0).get(..self.prefix) {
            return false;
        }
        let begin = self.start(at);
        let end = if found { self.slots[at].end() } else { begin };
        let (key_end, new_end) = (begin + key.len(), begin + key.len() + value.len());
        let after = self.bytes.len() - end + new_end;
        if after > bytes || self.len() + usize::from(!found) > entries {
            return false;
        }
        self.make_room(end, new_end);
        self.bytes[begin..key_end].copy_from_slice(key);
        self.bytes[key_end..new_end].copy_from_slice(value);
        let slot = Slot {
            head: head(key, self.prefix),
            key_end: key_end as u32,
            end_kind: (new_end as u32) << KIND_BITS | kind,
        };
        if found {
            self.slots[at] = slot;
        } else {
            if self.slots.len() == self.slots.capacity() {
                self.slots.reserve_exact(4);
            }
            self.slots.insert(at, slot);
        }
        // Wrapping arithmetic serves both directions; the sums are in range.
        let shift = (new_end as u32).wrapping_sub(end as u32);
        for slot in &mut self.slots[at + 1..] {
            slot.key_end = slot.key_end.wrapping_add(shift);
            slot.end_kind = slot.end_kind.wrapping_add(shift << KIND_BITS);
        }
        true
    }

    /// Moves what lies from `end` on to `new_end`.
    fn make_room(&mut self, end: usize, new_end: usize) {
        let len = self.bytes.len();
        if new_end <= end {
            self.bytes.copy_within(end.., new_end);
            self.bytes.truncate(len - (end - new_end));
            return;
        }
        let grow = new_end - end;
        if self.bytes.capacity() < len + grow {
            // Doubling would hold more memory than the entries do.
            self.bytes.reserve_exact(grow + len / 8);
        }
        self.bytes.resize(len + grow, 0);
        self.bytes.copy_within(end..len, new_end);
    }

    fn push_large(&mut self, value: Bytes) {
        let index = self.large.len() as u32;
        self.bytes.extend_from_slice(&index.to_le_bytes());
        self.large.push(value);
    }

    /// Adds the entries `from..to` of `other` at the end.
    pub fn push_run(&mut self, other: &Self, from: usize, to: usize) {
        if from >= to {
            return;
        }
        if !other.large.is_empty() {
            for at in from..to {
                self.push_one(other, at);
            }
            return;
        }
        let begin = other.start(from);
        let end = other.slots[to - 1].end();
        // Wrapping arithmetic serves both directions; the sums are in range.
        let shift = (self.bytes.len() as u32).wrapping_sub(begin as u32);
        self.bytes.extend_from_slice(&other.bytes[begin..end]);
        let first = self.slots.len();
        self.slots
            .extend(other.slots[from..to].iter().map(|slot| Slot {
                head: slot.head,
                key_end: slot.key_end.wrapping_add(shift),
                end_kind: slot.end_kind.wrapping_add(shift << KIND_BITS),
            }));
        if other.prefix != self.prefix {
            for at in first..self.slots.len() {
                self.slots[at].head = head(self.key(at), self.prefix);
            }
        }
    }

    fn push_one(&mut self, other: &Self, at: usize) {
        let slot = other.slots[at];
        if slot.kind() != LARGE {
            return self.push(other.key(at), other.entry(at));
        }
        let index = large_index(&other.bytes[slot.key_end as usize..slot.end()]);
        self.bytes.extend_from_slice(other.key(at));
        let key_end = self.bytes.len() as u32;
        self.push_large(other.large[index].clone());
        self.slots.push(Slot {
            head: head(other.key(at), self.prefix),
            key_end,
            end_kind: (self.bytes.len() as u32) << KIND_BITS | LARGE,
        });
    }

    /// Gives back memory that is not used, if it is worth a copy.
    pub fn shrink(&mut self) {
        if self.bytes.capacity() > self.bytes.len() + self.bytes.len() / 8 {
            self.bytes.shrink_to_fit();
        }
        if self.slots.capacity() > self.slots.len() + self.slots.len() / 8 {
            self.slots.shrink_to_fit();
        }
    }
}

impl Sorted for Page {
    #[inline]
    fn len(&self) -> usize {
        self.slots.len()
    }

    #[inline]
    fn key(&self, at: usize) -> &[u8] {
        &self.bytes[self.start(at)..self.slots[at].key_end as usize]
    }

    #[inline]
    fn search(&self, key: &[u8]) -> (usize, bool) {
        if self.slots.is_empty() {
            return (0, false);
        }
        if self.prefix > 0 {
            let shared = &self.key(0)[..self.prefix];
            let mine = &key[..key.len().min(self.prefix)];
            match mine.cmp(shared) {
                Ordering::Less => return (0, false),
                Ordering::Greater => return (self.slots.len(), false),
                Ordering::Equal => {}
            }
        }
        let wanted = head(key, self.prefix);
        let mut low = self.slots.partition_point(|slot| slot.head < wanted);
        let mut high = low;
        while self.slots.get(high).is_some_and(|slot| slot.head == wanted) {
            high += 1;
        }
        // Equal heads do not make equal keys.
        while low < high {
            let middle = (low + high) / 2;
            match self.key(middle).cmp(key) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return (middle, true),
                Ordering::Greater => high = middle,
            }
        }
        (low, false)
    }
}

#[inline]
fn head(key: &[u8], prefix: usize) -> u64 {
    match key.get(prefix..prefix + 8) {
        Some(bytes) => u64::from_be_bytes(bytes.try_into().unwrap_or_default()),
        None => {
            let mut head = [0; 8];
            let rest = key.get(prefix..).unwrap_or_default();
            head[..rest.len()].copy_from_slice(rest);
            u64::from_be_bytes(head)
        }
    }
}

/// Four bytes of `key` behind `prefix`, big-endian, filled up with zeroes.
#[inline]
pub(crate) fn short_head(key: &[u8], prefix: usize) -> u32 {
    (head(key, prefix) >> 32) as u32
}

fn large_index(value: &[u8]) -> usize {
    value
        .try_into()
        .map_or(usize::MAX, |bytes| u32::from_le_bytes(bytes) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_keep_entries() {
        let long = vec![7; INLINE_MAX + 1];
        for large in [false, true] {
            let mut page = Page::default();
            for n in 0..20u8 {
                let entry = match n % 3 {
                    0 => Entry::Tombstone,
                    1 if large => Entry::Put(&long),
                    _ => Entry::Put(&[n; 3]),
                };
                page.push(&[n, n], entry);
            }
            page.seal();
            for from in 0..20 {
                for to in from..=20 {
                    let mut copy = Page::default();
                    copy.push(b"\0", Entry::Put(b"first"));
                    copy.push_run(&page, from, to);
                    assert_eq!(copy.len(), 1 + to - from);
                    for at in from..to {
                        assert_eq!(copy.key(1 + at - from), page.key(at));
                        assert_eq!(copy.entry(1 + at - from), page.entry(at));
                        assert_eq!(copy.value(1 + at - from), page.value(at));
                    }
                }
            }
            assert_eq!(page.search(&[5, 5]), (5, true));
            assert_eq!(page.search(&[5, 6]), (6, false));
            assert_eq!(page.search(&[]), (0, false));
            assert_eq!(page.search(&[99]), (20, false));
        }
    }
}
