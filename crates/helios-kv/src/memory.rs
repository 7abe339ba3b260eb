//! The engine that keeps everything in memory.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use helios_base::Result;
use parking_lot::RwLock;

use crate::batch::OpKind;
use crate::kv::KeyRange;
use crate::{Batch, Cursor, Keyspace, Kv, KvSnapshot, KvStats};

type Map = Arc<BTreeMap<Bytes, Bytes>>;

/// A store without files, for tests and in-memory databases.
#[derive(Default)]
pub struct MemoryKv {
    maps: RwLock<[Map; Keyspace::COUNT]>,
    applied: AtomicU64,
}

impl MemoryKv {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Kv for MemoryKv {
    fn snapshot(&self) -> Arc<dyn KvSnapshot> {
        Arc::new(Snapshot(self.maps.read().clone()))
    }

    fn apply(&self, batch: Batch) -> Result<()> {
        let mut maps = self.maps.write();
        for op in &batch.ops {
            let map = Arc::make_mut(&mut maps[op.keyspace.index()]);
            let key = batch.key(op);
            match op.kind {
                OpKind::Put => {
                    map.insert(Bytes::copy_from_slice(key), batch.value_bytes(op));
                }
                OpKind::Delete => {
                    map.remove(key);
                }
                OpKind::DeleteRange { unbounded } => {
                    let end = batch.value(op);
                    map.retain(|k, _| !(&k[..] >= key && (unbounded || &k[..] < end)));
                }
            }
        }
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
        KvStats::default()
    }
}

struct Snapshot([Map; Keyspace::COUNT]);

impl KvSnapshot for Snapshot {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(self.0[keyspace.index()].get(key).cloned())
    }

    fn scan(
        &self,
        keyspace: Keyspace,
        range: KeyRange<'_>,
        reverse: bool,
    ) -> Result<Box<dyn Cursor>> {
        Ok(Box::new(Walk {
            map: Arc::clone(&self.0[keyspace.index()]),
            start: range.0.map(Bytes::copy_from_slice),
            end: range.1.map(Bytes::copy_from_slice),
            left: (
                range.0.map(Bytes::copy_from_slice),
                range.1.map(Bytes::copy_from_slice),
            ),
            reverse,
            entry: None,
        }))
    }
}

struct Walk {
    map: Map,
    start: Bound<Bytes>,
    end: Bound<Bytes>,
    left: (Bound<Bytes>, Bound<Bytes>),
    reverse: bool,
    entry: Option<(Bytes, Bytes)>,
}

fn is_empty(range: &(Bound<Bytes>, Bound<Bytes>)) -> bool {
    match range {
        (Bound::Included(a), Bound::Included(b)) => a > b,
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => {
            a >= b
        }
        _ => false,
    }
}

impl Cursor for Walk {
    fn next(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        self.entry = None;
        if !is_empty(&self.left) {
            let mut range = self.map.range(self.left.clone());
            let entry = if self.reverse {
                range.next_back()
            } else {
                range.next()
            };
            self.entry = entry.map(|(k, v)| (k.clone(), v.clone()));
        }
        if let Some((key, _)) = &self.entry {
            if self.reverse {
                self.left.1 = Bound::Excluded(key.clone());
            } else {
                self.left.0 = Bound::Excluded(key.clone());
            }
        }
        Ok(self.entry.as_ref().map(|(k, v)| (&k[..], &v[..])))
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.left = (self.start.clone(), self.end.clone());
        let key = Bytes::copy_from_slice(key);
        if self.reverse {
            let inside = match &self.end {
                Bound::Included(end) => key <= *end,
                Bound::Excluded(end) => key < *end,
                Bound::Unbounded => true,
            };
            if inside {
                self.left.1 = Bound::Included(key);
            }
        } else {
            let inside = match &self.start {
                Bound::Included(start) => key >= *start,
                Bound::Excluded(start) => key > *start,
                Bound::Unbounded => true,
            };
            if inside {
                self.left.0 = Bound::Included(key);
            }
        }
        Ok(())
    }
}
