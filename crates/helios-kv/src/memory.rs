//! The engine that keeps everything in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use helios_base::Result;
use parking_lot::{Mutex, RwLock};

use crate::kv::KeyRange;
use crate::merge::{Live, Merge, Source};
use crate::page::Entry;
use crate::sorted::{Gone, few, parts};
use crate::tree::{Deletion, Edit, Tree};
use crate::walk::Walk;
use crate::{Batch, Cursor, Keyspace, Kv, KvSnapshot, KvStats};

/// A store without files, for tests and in-memory databases.
///
/// Checkpoints do nothing but remember their mark.
#[derive(Default)]
pub struct MemoryKv {
    /// Changed in place while no snapshot shares it, else replaced.
    state: RwLock<Arc<State>>,
    writing: Mutex<()>,
    applied: AtomicU64,
}

/// The maps at one moment.
#[derive(Clone, Default)]
struct State {
    trees: [Tree; Keyspace::COUNT],
}

impl MemoryKv {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read())
    }
}

impl Kv for MemoryKv {
    fn snapshot(&self) -> Arc<dyn KvSnapshot> {
        self.state()
    }

    fn apply(&self, batch: Batch) -> Result<()> {
        let parts = parts(&batch)?;
        let _writing = self.writing.lock();
        if let Some(part) = few(&parts) {
            let mut state = self.state.write();
            let trees = &mut Arc::make_mut(&mut state).trees;
            for (tree, edits) in trees.iter_mut().zip(&part.edits) {
                tree.apply_few(edits, Deletion::Nothing);
            }
            return Ok(());
        }
        let mut next = State::clone(&self.state());
        for part in &parts {
            for (tree, edits) in next.trees.iter_mut().zip(&part.edits) {
                tree.apply(edits, Deletion::Nothing);
            }
            if let Some(gone) = &part.gone {
                remove_range(&mut next.trees[gone.keyspace.index()], gone);
            }
        }
        let old = std::mem::replace(&mut *self.state.write(), Arc::new(next));
        drop(old);
        Ok(())
    }

    fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    fn freeze(&self, mark: u64) -> Result<bool> {
        self.applied.store(mark, Ordering::Release);
        Ok(true)
    }

    fn checkpoint_step(&self, _budget: usize) -> Result<bool> {
        Ok(false)
    }

    fn stats(&self) -> KvStats {
        let state = self.state();
        KvStats {
            memory_bytes: state.trees.iter().map(|tree| tree.bytes() as u64).sum(),
            layers: 1,
            ..KvStats::default()
        }
    }
}

fn remove_range(tree: &mut Tree, gone: &Gone) {
    let old = tree.clone();
    let mut walk = Walk::new(&old);
    walk.seek_forward(Some(&gone.start));
    let mut keys = Vec::new();
    while let Some(key) = walk.key().filter(|key| gone.covers(key)) {
        keys.push(key.to_vec());
        walk.advance();
    }
    let edits: Vec<Edit<'_>> = keys.iter().map(|key| Edit { key, value: None }).collect();
    tree.apply(&edits, Deletion::Nothing);
}

impl KvSnapshot for State {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(self.trees[keyspace.index()].get(key).flatten())
    }

    fn first(
        &self,
        keyspace: Keyspace,
        from: &[u8],
        upto: &[u8],
    ) -> Result<Option<(Bytes, Bytes)>> {
        // Deleting leaves nothing in these trees.
        Ok(match self.trees[keyspace.index()].first(from) {
            Some((key, Entry::Put(value))) if key <= upto => {
                Some((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)))
            }
            _ => None,
        })
    }

    fn scan(
        &self,
        keyspace: Keyspace,
        range: KeyRange<'_>,
        reverse: bool,
    ) -> Result<Box<dyn Cursor>> {
        let walk = Walk::new(&self.trees[keyspace.index()]);
        let merge = Merge::new(vec![Source::Tree(walk)], Vec::new(), range, reverse)?;
        Ok(Box::new(Live(merge)))
    }
}
