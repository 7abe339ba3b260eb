//! One scan over several layers, the newest of which wins.

use std::cmp::Ordering;
use std::ops::{Bound, ControlFlow};

use helios_base::Result;

use crate::base::is_within;
use crate::base_walk::BaseWalk;
use crate::kv::{Cursor, KeyRange, Visit};
use crate::page::Entry;
use crate::sorted::Gone;
use crate::walk::Walk;

/// One layer's walk.
pub(crate) enum Source {
    Tree(Walk),
    Base(Box<BaseWalk>),
}

impl Source {
    #[inline]
    fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Tree(walk) => walk.key(),
            Self::Base(walk) => walk.key(),
        }
    }

    #[inline]
    fn current(&self) -> Option<(&[u8], Entry<'_>)> {
        match self {
            Self::Tree(walk) => walk.current(),
            Self::Base(walk) => walk.current().map(|(key, value)| (key, Entry::Put(value))),
        }
    }

    #[inline]
    fn step(&mut self, reverse: bool) -> Result<()> {
        match self {
            Self::Tree(walk) if reverse => walk.retreat(),
            Self::Tree(walk) => walk.advance(),
            Self::Base(walk) => walk.step()?,
        }
        Ok(())
    }

    /// Shows values up to `until` to `visit`; see [`Walk::run`]. `to` is where the base ends.
    fn run(
        &mut self,
        until: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>> {
        match self {
            Self::Tree(walk) => walk.run(until, reverse, visit),
            Self::Base(walk) => walk.run(until, to, visit),
        }
    }

    /// Stands on nothing from now on.
    fn finish(&mut self) {
        match self {
            Self::Tree(walk) => walk.finish(),
            Self::Base(walk) => walk.finish(),
        }
    }

    /// Goes to the first entry in the scan's direction that `from` allows; the base stops at `to`.
    fn seek(&mut self, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool) -> Result<()> {
        let walk = match self {
            Self::Base(walk) => return walk.seek(from, to),
            Self::Tree(walk) => walk,
        };
        let (Bound::Included(key) | Bound::Excluded(key)) = from else {
            if reverse {
                walk.seek_backward(None);
            } else {
                walk.seek_forward(None);
            }
            return Ok(());
        };
        if reverse {
            walk.seek_backward(Some(key));
        } else {
            walk.seek_forward(Some(key));
        }
        if matches!(from, Bound::Excluded(_)) && walk.key() == Some(key) {
            self.step(reverse)?;
        }
        Ok(())
    }
}

/// Merges layers in key order. Of equal keys the newest layer's entry is taken.
pub(crate) struct Merge {
    /// Newest first.
    sources: Vec<Source>,
    /// Ranges that vanished, each with the number of the first source that is older.
    gone: Vec<(usize, Gone)>,
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
    reverse: bool,
    /// The source whose entry was lent and is still to be left behind.
    lent: Option<usize>,
    /// The source whose entry was shown and not passed.
    peeked: Option<usize>,
}

/// The bound that a scan in this direction meets first.
pub(crate) fn nearer<'b>(a: Bound<&'b [u8]>, b: Bound<&'b [u8]>, reverse: bool) -> Bound<&'b [u8]> {
    use Bound::{Excluded, Included, Unbounded};
    let (first, second) = match (a, b) {
        (Unbounded, other) | (other, Unbounded) => return other,
        (Included(first) | Excluded(first), Included(second) | Excluded(second)) => (first, second),
    };
    match first.cmp(second) {
        Ordering::Equal if matches!(a, Excluded(_)) => a,
        Ordering::Equal => b,
        order if (order == Ordering::Less) != reverse => a,
        _ => b,
    }
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

impl Merge {
    /// A merge over `sources`, newest first, with `gone` ranges of this keyspace.
    pub fn new(
        sources: Vec<Source>,
        gone: Vec<(usize, Gone)>,
        range: KeyRange<'_>,
        reverse: bool,
    ) -> Result<Self> {
        let mut merge = Self {
            sources,
            gone,
            start: range.0.map(<[u8]>::to_vec),
            end: range.1.map(<[u8]>::to_vec),
            reverse,
            lent: None,
            peeked: None,
        };
        let from = if reverse { range.1 } else { range.0 };
        merge.seek_all(from)?;
        Ok(merge)
    }

    fn seek_all(&mut self, from: Bound<&[u8]>) -> Result<()> {
        self.lent = None;
        self.peeked = None;
        let to = as_slice(if self.reverse { &self.start } else { &self.end });
        for source in &mut self.sources {
            source.seek(from, to, self.reverse)?;
        }
        Ok(())
    }

    /// Moves so that the next entry is at or after `key` in the scan's direction.
    pub fn seek(&mut self, key: &[u8]) -> Result<()> {
        let limit = if self.reverse { &self.end } else { &self.start };
        let outside = match limit {
            Bound::Unbounded => false,
            Bound::Included(limit) | Bound::Excluded(limit) if self.reverse => key >= &limit[..],
            Bound::Included(limit) | Bound::Excluded(limit) => key <= &limit[..],
        };
        if outside {
            let limit = limit.clone();
            self.seek_all(as_slice(&limit))
        } else {
            self.seek_all(Bound::Included(key))
        }
    }

    /// Where the scan ends in its direction.
    fn last(&self) -> Bound<&[u8]> {
        as_slice(if self.reverse { &self.start } else { &self.end })
    }

    fn in_range(&self, key: &[u8]) -> bool {
        is_within(key, self.last(), self.reverse)
    }

    /// Shows what is there up to `until` to `visit`, run by run: the entries of one source up to
    /// the first key of another.
    fn visit(&mut self, until: Bound<&[u8]>, visit: &mut Visit<'_>) -> Result<ControlFlow<()>> {
        while let Some(best) = self.stand()? {
            let Some((key, entry)) = self.sources[best].current() else {
                break;
            };
            if !is_within(key, until, self.reverse) {
                self.peeked = Some(best);
                break;
            }
            if !self.gone.is_empty() {
                // Whether an entry is hidden is asked for each.
                if let Entry::Put(value) = entry
                    && visit(key, value)?.is_break()
                {
                    self.lent = Some(best);
                    return Ok(ControlFlow::Break(()));
                }
                self.lent = Some(best);
                continue;
            }
            let last = self.last();
            let mut limit = nearer(until, last, self.reverse);
            let others = self
                .sources
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != best);
            for key in others.filter_map(|(_, source)| source.key()) {
                limit = nearer(Bound::Excluded(key), limit, self.reverse);
            }
            // The limit may be lent by another source, so it is copied; once for each run.
            let limit = limit.map(<[u8]>::to_vec);
            let last = last.map(<[u8]>::to_vec);
            let source = &mut self.sources[best];
            let flow = source.run(as_slice(&limit), as_slice(&last), self.reverse, visit)?;
            if flow.is_break() {
                self.lent = Some(best);
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The next entry, tombstones included, which stays the next one until [`Merge::pass`].
    pub fn peek_entry(&mut self) -> Result<Option<(&[u8], Entry<'_>)>> {
        let Some(best) = self.stand()? else {
            return Ok(None);
        };
        self.peeked = Some(best);
        Ok(self.sources[best].current())
    }

    /// The source of the next entry, which is no longer peeked at.
    #[inline]
    fn stand(&mut self) -> Result<Option<usize>> {
        match self.peeked.take() {
            Some(best) => Ok(Some(best)),
            None => self.next_source(),
        }
    }

    /// Leaves behind what [`Merge::peek_entry`] showed.
    pub fn pass(&mut self) {
        self.lent = self.peeked.take();
    }

    /// Finds the source of the next entry and makes it the only one that stands on its key.
    fn next_source(&mut self) -> Result<Option<usize>> {
        if let Some(lent) = self.lent.take() {
            self.sources[lent].step(self.reverse)?;
        }
        loop {
            let Some(best) = self.pick()? else {
                return Ok(None);
            };
            let Some(key) = self.sources[best].key() else {
                return Ok(None);
            };
            if !self.in_range(key) {
                return Ok(None);
            }
            if self.gone.is_empty() {
                return Ok(Some(best));
            }
            let over = |(first, gone): &&(usize, Gone)| best >= *first && gone.covers(key);
            let Some((_, gone)) = self.gone.iter().find(over) else {
                return Ok(Some(best));
            };
            let beyond = if self.reverse {
                Some(Bound::Excluded(gone.start.clone()))
            } else {
                gone.end.clone().map(Bound::Included)
            };
            let to = as_slice(if self.reverse { &self.start } else { &self.end });
            match beyond {
                Some(from) => self.sources[best].seek(as_slice(&from), to, self.reverse)?,
                None => self.sources[best].finish(),
            }
        }
    }

    /// The source with the first key in the scan's direction, older ones moved off that key.
    fn pick(&mut self) -> Result<Option<usize>> {
        if let [_only] = self.sources.as_slice() {
            return Ok(Some(0));
        }
        let mut best: Option<usize> = None;
        for at in 0..self.sources.len() {
            let (newer, rest) = self.sources.split_at_mut(at);
            let Some(key) = rest[0].key() else { continue };
            let Some(leader) = best.and_then(|best| newer[best].key()) else {
                best = Some(at);
                continue;
            };
            match key.cmp(leader) {
                Ordering::Equal => rest[0].step(self.reverse)?,
                order if (order == Ordering::Less) != self.reverse => best = Some(at),
                _ => {}
            }
        }
        Ok(best)
    }
}

/// The public face of a merge: only what is there.
pub(crate) struct Live(pub Merge);

impl Cursor for Live {
    #[inline]
    fn step(&mut self) -> Result<bool> {
        loop {
            let Some(best) = self.0.stand()? else {
                return Ok(false);
            };
            self.0.lent = Some(best);
            if let Some((_, Entry::Put(_))) = self.0.sources[best].current() {
                return Ok(true);
            }
        }
    }

    #[inline]
    fn entry(&self) -> Option<(&[u8], &[u8])> {
        match self.0.sources.get(self.0.lent?)?.current()? {
            (key, Entry::Put(value)) => Some((key, value)),
            (_, Entry::Tombstone) => None,
        }
    }

    fn visit(&mut self, until: Bound<&[u8]>, visit: &mut Visit<'_>) -> Result<ControlFlow<()>> {
        self.0.visit(until, visit)
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.0.seek(key)
    }
}
