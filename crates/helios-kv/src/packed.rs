//! Entries of the state file in one piece of memory, made to be found with few cache misses.
//!
//! | bytes | field | rule |
//! |---|---|---|
//! | 4 each | count, prefix, length of `from`, length of `to` | u32 LE; the last one all ones at the keyspace's end |
//! | 8 each | slots | u32 LE head; u32 LE where the entry ends, counted from the first entry |
//! | | entries | length of the key (one byte, or 255 and u32 LE), key, value |
//! | | `from`, `to` | where the block begins and ends |
//!
//! A head is the four bytes of a key behind the prefix that all keys share, big-endian. A search
//! counts the heads below the wanted one: the slots lie side by side and are loaded at once, where
//! halving would wait for one cache line after the other.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::page::{Sorted, short_head};

const HEADER: usize = 16;
const SLOT: usize = 8;
/// The length of `to` where there is none.
const NO_END: u32 = u32::MAX;
/// Keys of this length or longer have it in four bytes more.
const LONG: u8 = u8::MAX;

/// A run of entries with all that the file has between two keys. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Block(Arc<[u8]>);

impl Block {
    fn word(&self, at: usize) -> u32 {
        word(&self.0, at)
    }

    fn prefix(&self) -> usize {
        self.word(4) as usize
    }

    fn slots(&self) -> &[[u8; SLOT]] {
        let end = HEADER + SLOT * self.len();
        self.0[HEADER..end].as_chunks().0
    }

    /// Key and value of entry `at`.
    #[inline]
    pub fn entry(&self, at: usize) -> (&[u8], &[u8]) {
        let slots = HEADER + SLOT * self.len();
        let end_of = |at: usize| slots + self.word(HEADER + SLOT * at + 4) as usize;
        let start = at.checked_sub(1).map_or(slots, end_of);
        let entry = &self.0[start..end_of(at)];
        let (len, begin) = match entry[0] {
            LONG => (word(entry, 1) as usize, 5),
            len => (usize::from(len), 1),
        };
        entry[begin..].split_at(len)
    }

    /// The value of entry `at`.
    #[inline]
    pub fn value(&self, at: usize) -> &[u8] {
        self.entry(at).1
    }

    /// The entry of `key`. Touches less of the block than a search.
    #[inline]
    pub fn find(&self, key: &[u8]) -> Option<usize> {
        let wanted = short_head(key, self.prefix());
        let slots = self.slots();
        let mut at = slots.iter().filter(|slot| head(slot) < wanted).count();
        while head(slots.get(at)?) == wanted {
            if self.key(at) == key {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    /// Where it begins.
    pub fn from(&self) -> &[u8] {
        let (from, to) = (self.word(8) as usize, self.to_len().unwrap_or(0));
        let end = self.0.len() - to;
        &self.0[end - from..end]
    }

    /// Where it ends; `None` at the end of the keyspace.
    pub fn to(&self) -> Option<&[u8]> {
        self.to_len().map(|len| &self.0[self.0.len() - len..])
    }

    fn to_len(&self) -> Option<usize> {
        let len = self.word(12);
        (len != NO_END).then_some(len as usize)
    }

    /// Whether it ends behind `key`.
    pub fn ends_after(&self, key: &[u8]) -> bool {
        self.to().is_none_or(|to| key < to)
    }

    /// How many of its entries are below `key`. A block that another thread made meanwhile may begin
    /// before the place at which a walk comes to it, and end behind it.
    pub fn count_below(&self, key: &[u8]) -> usize {
        if self.from() == key {
            0
        } else if self.to() == Some(key) {
            self.len()
        } else {
            self.search(key).0
        }
    }

    /// Bytes that it takes in memory.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

impl Sorted for Block {
    #[inline]
    fn len(&self) -> usize {
        self.word(0) as usize
    }

    #[inline]
    fn key(&self, at: usize) -> &[u8] {
        self.entry(at).0
    }

    fn search(&self, key: &[u8]) -> (usize, bool) {
        let count = self.len();
        if count == 0 {
            return (0, false);
        }
        let prefix = self.prefix();
        if prefix > 0 {
            let shared = &self.key(0)[..prefix];
            match key[..key.len().min(prefix)].cmp(shared) {
                Ordering::Less => return (0, false),
                Ordering::Greater => return (count, false),
                Ordering::Equal => {}
            }
        }
        let wanted = short_head(key, prefix);
        let slots = self.slots();
        let mut low = slots.iter().filter(|slot| head(slot) < wanted).count();
        let same = |slot: &&[u8; SLOT]| head(slot) == wanted;
        let mut high = low + slots[low..].iter().take_while(same).count();
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
fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap_or_default())
}

#[inline]
fn head(slot: &[u8; SLOT]) -> u32 {
    let [a, b, c, d, ..] = *slot;
    u32::from_le_bytes([a, b, c, d])
}

/// Collects entries for a block; used again and again.
#[derive(Default)]
pub(crate) struct Packer {
    entries: Vec<u8>,
    /// Where each entry's key begins, where it ends, and where the entry ends.
    places: Vec<(u32, u32, u32)>,
    /// The finished block.
    out: Vec<u8>,
}

impl Packer {
    /// Adds an entry; its key is above all others.
    pub fn push(&mut self, key: &[u8], value: &[u8]) {
        match u8::try_from(key.len()) {
            Ok(len) if len < LONG => self.entries.push(len),
            _ => {
                self.entries.push(LONG);
                self.entries
                    .extend_from_slice(&(key.len() as u32).to_le_bytes());
            }
        }
        let begin = self.entries.len() as u32;
        self.entries.extend_from_slice(key);
        let end = self.entries.len() as u32;
        self.entries.extend_from_slice(value);
        self.places.push((begin, end, self.entries.len() as u32));
    }

    /// Takes everything out, and keeps the memory.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.places.clear();
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Bytes of the entries.
    pub fn bytes(&self) -> usize {
        self.entries.len()
    }

    fn key(&self, (begin, end, _): (u32, u32, u32)) -> &[u8] {
        &self.entries[begin as usize..end as usize]
    }

    /// The block of these entries, which are all there are from `from` up to, not including, `to`.
    pub fn block(&mut self, from: &[u8], to: Option<&[u8]>) -> Block {
        let prefix = match (self.places.first(), self.places.last()) {
            (Some(first), Some(last)) => {
                let pairs = self.key(*first).iter().zip(self.key(*last));
                pairs.take_while(|(a, b)| a == b).count()
            }
            _ => 0,
        };
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        let to_len = to.map_or(NO_END, |to| to.len() as u32);
        for word in [self.len() as u32, prefix as u32, from.len() as u32, to_len] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        for place in &self.places {
            let head = short_head(self.key(*place), prefix);
            out.extend_from_slice(&head.to_le_bytes());
            out.extend_from_slice(&place.2.to_le_bytes());
        }
        out.extend_from_slice(&self.entries);
        out.extend_from_slice(from);
        out.extend_from_slice(to.unwrap_or_default());
        let block = Block(Arc::from(out.as_slice()));
        self.out = out;
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(keys: &[Vec<u8>], from: &[u8], to: Option<&[u8]>) -> Block {
        let mut packer = Packer::default();
        packer.push(b"left over", b"");
        packer.clear();
        for (n, key) in keys.iter().enumerate() {
            packer.push(key, &vec![n as u8; n * 7]);
        }
        packer.block(from, to)
    }

    // Guards against entries that are not found, found where they are not, or cut wrongly.
    #[test]
    fn every_key_is_found_where_it_is() {
        let long = vec![b'k'; 300];
        let keys = |of: &dyn Fn(u32) -> Vec<u8>| (0..32).map(of).collect::<Vec<_>>();
        let sets = [
            Vec::new(),
            vec![b"only".to_vec()],
            vec![Vec::new(), vec![0], vec![0, 0]],
            keys(&|n| (n * 3).to_be_bytes().to_vec()),
            keys(&|n| [b"same", &[b'x'; 9][..], &n.to_be_bytes()].concat()),
            keys(&|n| vec![b'p'; n as usize + 1]),
            keys(&|n| [&long[..], &[n as u8 / 8, 7, 7, 7, 7, n as u8]].concat()),
        ];
        for keys in sets {
            for to in [None, Some(&b"\xff\xff"[..])] {
                let block = block(&keys, b"", to);
                assert_eq!((block.len(), block.to()), (keys.len(), to));
                for (n, key) in keys.iter().enumerate() {
                    assert_eq!(block.entry(n), (&key[..], &vec![n as u8; n * 7][..]));
                    assert_eq!(block.find(key), Some(n));
                    assert_eq!(block.search(key), (n, true));
                    let after = [key, &b"\0"[..]].concat();
                    let next = keys.get(n + 1) == Some(&after);
                    assert_eq!(block.search(&after), (n + 1, next));
                    assert_eq!(block.find(&after).is_some(), next);
                }
                for key in [&b"\xfe"[..], b"same", b"o", b"onlz", b"\0\0\0\x01"] {
                    if !keys.iter().any(|known| known == key) {
                        let below = keys.iter().filter(|known| known.as_slice() < key).count();
                        assert_eq!(block.search(key), (below, false));
                        assert_eq!(block.find(key), None);
                    }
                }
            }
        }
        let bounded = block(&[b"b".to_vec()], b"abc", Some(b"bcde"));
        assert_eq!(
            (bounded.from(), bounded.to()),
            (&b"abc"[..], Some(&b"bcde"[..]))
        );
        assert!(bounded.ends_after(b"bcd") && !bounded.ends_after(b"bcde"));
        assert_eq!(bounded.count_below(b"abc"), 0);
        assert_eq!(bounded.count_below(b"bcde"), 1);
    }
}
