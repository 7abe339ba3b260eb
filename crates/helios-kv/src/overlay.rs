//! What was applied and is not in the state file yet, and the view of it all at one moment.

use std::borrow::Cow;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use helios_base::Result;

use crate::Keyspace;
use crate::base::Base;
use crate::base_walk::BaseWalk;
use crate::kv::{Cursor, KeyRange, KvSnapshot, Show, ShowEach};
use crate::merge::{Live, Merge, Source};
use crate::page::Entry;
use crate::sorted::{Gone, Part};
use crate::tree::{Deletion, Tree};
use crate::walk::Walk;

/// One layer: first `gone` removes ranges from all older layers and the state file, then `trees`
/// put and delete keys.
#[derive(Clone, Default)]
pub(crate) struct Layer {
    pub trees: [Tree; Keyspace::COUNT],
    pub gone: Arc<[Gone]>,
}

impl Layer {
    /// Applies the edits of `part`, not its range.
    pub fn apply(&mut self, part: &Part<'_>) {
        for (tree, edits) in self.trees.iter_mut().zip(&part.edits) {
            tree.apply(edits, Deletion::Tombstone);
        }
    }

    /// As [`Layer::apply`], for few edits.
    pub fn apply_few(&mut self, part: &Part<'_>) {
        for (tree, edits) in self.trees.iter_mut().zip(&part.edits) {
            tree.apply_few(edits, Deletion::Tombstone);
        }
    }

    /// Whether it changes anything from `from` up to, not including, `to`, or up to the end.
    pub fn touches(&self, keyspace: Keyspace, from: &[u8], to: Option<&[u8]>) -> bool {
        let gone = self.gone.iter().filter(|gone| gone.keyspace == keyspace);
        let overlaps = |gone: &Gone| {
            to.is_none_or(|to| gone.start[..] < *to)
                && gone.end.as_ref().is_none_or(|end| *from < end[..])
        };
        if gone.into_iter().any(overlaps) {
            return true;
        }
        let mut walk = Walk::new(&self.trees[keyspace.index()]);
        walk.seek_forward(Some(from));
        (walk.key()).is_some_and(|key| to.is_none_or(|to| key < to))
    }

    /// Whether it removes a range with `key` from what is older.
    #[inline]
    fn hides(&self, keyspace: Keyspace, key: &[u8]) -> bool {
        let covers = |gone: &Gone| gone.keyspace == keyspace && gone.covers(key);
        self.gone.iter().any(covers)
    }

    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.trees.iter().all(Tree::is_empty)
    }

    pub fn len(&self) -> usize {
        self.trees.iter().map(Tree::len).sum()
    }

    pub fn bytes(&self) -> usize {
        self.trees.iter().map(Tree::bytes).sum()
    }
}

/// All layers over the state file at one moment. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct View {
    /// Takes what is applied.
    pub active: Layer,
    /// Newest first; they do not change any more.
    pub older: Arc<[Arc<Layer>]>,
    pub base: Arc<Base>,
}

impl View {
    /// Layers, newest first.
    pub fn layers(&self) -> impl Iterator<Item = &Layer> {
        std::iter::once(&self.active).chain(self.older.iter().map(|layer| &**layer))
    }
}

/// The sources of a scan of `layers`, newest first, and the ranges that hide some of them.
pub(crate) fn sources<'a>(
    layers: impl Iterator<Item = &'a Layer>,
    keyspace: Keyspace,
) -> (Vec<Source>, Vec<(usize, Gone)>) {
    let mut sources = Vec::with_capacity(3);
    let mut gone = Vec::new();
    for layer in layers {
        let tree = &layer.trees[keyspace.index()];
        if !tree.is_empty() {
            sources.push(Source::Tree(Walk::new(tree)));
        }
        let here = layer.gone.iter().filter(|gone| gone.keyspace == keyspace);
        gone.extend(here.map(|gone| (sources.len(), gone.clone())));
    }
    (sources, gone)
}

impl View {
    /// What the layers say of `key`: inner `None` if its range is gone; `None` if nothing.
    #[inline]
    pub fn known(&self, keyspace: Keyspace, key: &[u8]) -> Option<Option<Entry<'_>>> {
        for layer in self.layers() {
            let tree = &layer.trees[keyspace.index()];
            if let Some((page, at)) = tree.find(key) {
                return Some(Some(page.entry(at)));
            }
            if layer.hides(keyspace, key) {
                return Some(None);
            }
        }
        None
    }
}

impl KvSnapshot for View {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        for layer in self.layers() {
            if let Some((page, at)) = layer.trees[keyspace.index()].find(key) {
                return Ok(page.value(at));
            }
            if layer.hides(keyspace, key) {
                return Ok(None);
            }
        }
        self.base.get(keyspace, key)
    }

    fn show(&self, keyspace: Keyspace, key: &[u8], visit: &mut Show<'_>) -> Result<bool> {
        match self.known(keyspace, key) {
            Some(Some(Entry::Put(value))) => visit(value).map(|()| true),
            Some(_) => Ok(false),
            None => self.base.show(keyspace, key, visit),
        }
    }

    fn show_each(
        &self,
        keyspace: Keyspace,
        keys: &[&[u8]],
        visit: &mut ShowEach<'_>,
    ) -> Result<()> {
        let mut near = None;
        for (number, key) in keys.iter().enumerate() {
            match self.known(keyspace, key) {
                Some(Some(Entry::Put(value))) => visit(number, value)?,
                Some(_) => {}
                None => {
                    let show = &mut |value: &[u8]| visit(number, value);
                    self.base.show_near(keyspace, key, &mut near, show)?;
                }
            }
        }
        Ok(())
    }

    fn first(
        &self,
        keyspace: Keyspace,
        from: &[u8],
        upto: &[u8],
    ) -> Result<Option<(Bytes, Bytes)>> {
        let is_hidden = |layer: &Layer| layer.gone.iter().any(|gone| gone.keyspace == keyspace);
        if self.layers().any(is_hidden) {
            // Rare, and the scan knows how.
            let range = (Bound::Included(from), Bound::Included(upto));
            let mut cursor = self.scan(keyspace, range, false)?;
            let copy = |(key, value)| (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
            return Ok(cursor.next()?.map(copy));
        }
        let mut from = Cow::Borrowed(from);
        loop {
            // Of equal keys the newest layer's counts.
            let mut best: Option<(&[u8], Entry<'_>)> = None;
            for layer in self.layers() {
                if let Some((key, entry)) = layer.trees[keyspace.index()].first(&from)
                    && key <= upto
                    && best.is_none_or(|(first, _)| key < first)
                {
                    best = Some((key, entry));
                }
            }
            let base = self.base.first(keyspace, &from, upto)?;
            let Some((key, entry)) = best else {
                return Ok(base);
            };
            if let Some((first, _)) = &base
                && first[..] < *key
            {
                return Ok(base);
            }
            if let Entry::Put(value) = entry {
                let copy = Bytes::copy_from_slice;
                return Ok(Some((copy(key), copy(value))));
            }
            // Deleted: on behind it.
            let mut next = key.to_vec();
            next.push(0);
            from = Cow::Owned(next);
        }
    }

    fn scan(
        &self,
        keyspace: Keyspace,
        range: KeyRange<'_>,
        reverse: bool,
    ) -> Result<Box<dyn Cursor>> {
        let (mut sources, gone) = sources(self.layers(), keyspace);
        let base = BaseWalk::new(&self.base, keyspace, reverse);
        sources.push(Source::Base(Box::new(base)));
        Ok(Box::new(Live(Merge::new(sources, gone, range, reverse)?)))
    }
}
