//! Entries of an index in the making, gathered and sorted.

use std::ops::Range;

/// Index entries one behind the other in one buffer: a build has one for each row, and an
/// allocation for each would cost as much as the rest.
#[derive(Default)]
pub(super) struct Entries {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

/// One entry.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    len: u32,
    /// Length of its keys, or 0 if they need not be unique.
    unique: u32,
}

impl Span {
    const fn range(self) -> Range<usize> {
        self.start..self.start + self.len as usize
    }
}

impl Entries {
    /// Where the next entry goes: whatever is pushed there belongs to it until
    /// [`Entries::end`] or [`Entries::cancel`].
    pub(super) const fn open(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Where the open entry begins.
    fn start(&self) -> usize {
        self.spans.last().map_or(0, |last| last.range().end)
    }

    /// Bytes of the open entry so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.start()
    }

    /// Ends the open entry; `unique` bytes of keys at its beginning must not occur twice. An entry
    /// is far below 4 GiB: the store refuses keys above 64 KiB.
    pub(super) fn end(&mut self, unique: usize) {
        let start = self.start();
        self.spans.push(Span {
            start,
            len: (self.bytes.len() - start) as u32,
            unique: unique as u32,
        });
    }

    /// Forgets the open entry.
    pub(super) fn cancel(&mut self) {
        self.bytes.truncate(self.start());
    }

    /// Brings the entries into order. The last step: an entry opened afterwards would be lost.
    pub(super) fn sort(&mut self) {
        let bytes = &self.bytes;
        let of = |span: &Span| bytes.get(span.range()).unwrap_or_default();
        // Keys often come in the order of the rows.
        if !self.spans.is_sorted_by(|a, b| of(a) <= of(b)) {
            self.spans.sort_unstable_by(|a, b| of(a).cmp(of(b)));
        }
    }

    /// The entries.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.spans.iter().map(|span| self.at(*span))
    }

    /// Two neighbours with the same keys, which must not be: the first one.
    pub(super) fn duplicate(&self) -> Option<&[u8]> {
        let pair = self.spans.windows(2).find_map(|pair| {
            let [a, b] = pair else { return None };
            let keys = a.unique as usize;
            let same = keys > 0 && self.at(*b).get(..keys) == self.at(*a).get(..keys);
            same.then_some(*a)
        });
        pair.map(|span| self.at(span))
    }

    fn at(&self, span: Span) -> &[u8] {
        self.bytes.get(span.range()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Guards against entries that run into each other, and against duplicates that go unseen.
    #[test]
    fn gathers_sorts_and_finds_duplicates() {
        let mut entries = Entries::default();
        for (keys, pk, keep) in [
            ("b", "1", true),
            ("a", "2", true),
            ("x", "", false),
            ("b", "0", true),
        ] {
            entries.open().extend_from_slice(keys.as_bytes());
            let unique = entries.len();
            entries.open().extend_from_slice(pk.as_bytes());
            if keep {
                entries.end(unique);
            } else {
                entries.cancel();
            }
        }
        entries.sort();
        assert!(entries.iter().eq([&b"a2"[..], b"b0", b"b1"]));
        assert_eq!(entries.duplicate(), Some(&b"b0"[..]));
        let mut free = Entries::default();
        for entry in [b"a1", b"a2"] {
            free.open().extend_from_slice(entry);
            free.end(0);
        }
        free.sort();
        assert_eq!(free.duplicate(), None);
    }
}
