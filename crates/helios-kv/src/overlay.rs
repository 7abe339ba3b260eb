//! What was applied and is not in the state file yet, and the view of it all at one moment.

use std::sync::Arc;

use bytes::Bytes;
use helios_base::Result;

use crate::Keyspace;
use crate::base::{Base, BaseWalk};
use crate::kv::{Cursor, KeyRange, KvSnapshot};
use crate::merge::{Live, Merge, Source};
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

impl KvSnapshot for View {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        for layer in self.layers() {
            if let Some(known) = layer.trees[keyspace.index()].get(key) {
                return Ok(known);
            }
            let covers = |gone: &Gone| gone.keyspace == keyspace && gone.covers(key);
            if layer.gone.iter().any(covers) {
                return Ok(None);
            }
        }
        self.base.get(keyspace, key)
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
