//! HNSW: a hierarchy of graphs in which neighbours are linked (Malkov and Yashunin, 2018).
//!
//! A search descends through sparse upper levels and then follows links on the lowest one, always
//! from the nearest candidate on, until none of the best `breadth` is left to follow.
//!
//! | file | what |
//! |---|---|
//! | `links.rs`, `chunk.rs`, `blocks.rs`, `rare.rs` | the graph, shared by readers and writers |
//! | `points.rs` | the vectors, full or quantized |
//! | `beam.rs`, `pool.rs`, `visited.rs` | following links |
//! | `select.rs`, `insert.rs` | choosing neighbours, adding nodes |
//! | `search.rs`, `scan.rs` | answers, at once or in batches, filtered |
//! | `repair.rs`, `span.rs` | mending and compacting after removals |
//! | `reach.rs` | tests of whether links lead everywhere |
//! | `save.rs` | stored bytes |
//!
//! Nodes with equal vectors are not linked but chained to the first of them, their *head*, so that
//! thousands of copies cost a search nothing and hide nobody.

mod beam;
mod blocks;
mod chunk;
mod ids;
mod insert;
mod links;
mod options;
mod points;
mod pool;
mod rare;
#[cfg(test)]
mod reach;
mod repair;
mod save;
mod scan;
mod search;
mod select;
mod span;
mod visited;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::error::Result;
use crate::filter::Filter;
use crate::index::{Effort, Index, IndexKind, Memory, Repaired, Scan, Source, Statistics};
use crate::metric::Metric;
use crate::neighbour::Neighbour;
use crate::quant::Quantizer;
use crate::work::Work;
use beam::Scratch;
use ids::Ids;
use links::{Links, LinksView};
pub use options::HnswOptions;
use points::Points;

/// A hierarchy of graphs.
#[derive(Debug)]
pub struct Hnsw {
    options: HnswOptions,
    points: Points,
    links: Links,
    /// Where ids are. Searches ask it only for a filter that names few ids.
    ids: RwLock<Ids>,
    /// Held by inserts, repairs and removals for reading, and for writing by who needs them to stand
    /// still.
    gate: RwLock<()>,
    /// Held while vectors are appended, so that nodes and vectors have the same numbers.
    appending: Mutex<()>,
    /// Held by a repair, beside which there is no other.
    repairing: Mutex<()>,
    /// Removed nodes, and those of them that links lead to.
    removed: AtomicUsize,
    unrepaired: AtomicUsize,
    twins: AtomicUsize,
    scratch: Mutex<Vec<Scratch>>,
    source: Option<Arc<dyn Source>>,
}

impl Hnsw {
    /// An index without vectors.
    ///
    /// # Errors
    /// Fails on an option out of its range.
    pub fn new(metric: Metric, dimensions: usize, options: HnswOptions) -> Result<Self> {
        options.check(dimensions)?;
        Ok(Self::empty(metric, dimensions, options, None, true))
    }

    /// An index that searches codes of vectors. Full vectors are kept beside them for rescoring if
    /// `keep` says so; otherwise [`Hnsw::with_source`] may give them.
    ///
    /// # Errors
    /// Fails on an option out of its range.
    pub fn quantized(
        metric: Metric,
        options: HnswOptions,
        quantizer: Arc<dyn Quantizer>,
        keep: bool,
    ) -> Result<Self> {
        options.check(quantizer.dimensions())?;
        let dimensions = quantizer.dimensions();
        Ok(Self::empty(
            metric,
            dimensions,
            options,
            Some(quantizer),
            keep,
        ))
    }

    fn empty(
        metric: Metric,
        dimensions: usize,
        options: HnswOptions,
        quantizer: Option<Arc<dyn Quantizer>>,
        keep: bool,
    ) -> Self {
        Self {
            options,
            // Beside full vectors links are little, and all of a list at one place is quicker.
            links: Links::new(options.m, !(keep || quantizer.is_none())),
            points: Points::new(metric, dimensions, quantizer, keep),
            ids: RwLock::default(),
            gate: RwLock::default(),
            appending: Mutex::default(),
            repairing: Mutex::default(),
            removed: AtomicUsize::new(0),
            unrepaired: AtomicUsize::new(0),
            twins: AtomicUsize::new(0),
            scratch: Mutex::default(),
            source: None,
        }
    }

    /// Takes full vectors for rescoring from `source`.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn Source>) -> Self {
        self.source = Some(source);
        self
    }

    /// Its options.
    #[must_use]
    pub fn options(&self) -> HnswOptions {
        self.options
    }

    fn borrow(&self) -> Scratch {
        let mut kept = self.scratch.lock();
        kept.pop().unwrap_or_default()
    }

    fn give_back(&self, scratch: Scratch) {
        let mut kept = self.scratch.lock();
        if kept.len() < 64 {
            kept.push(scratch);
        }
    }

    /// The ids of a node and of those with equal vectors, of which the filter allows some.
    fn allowed<'v>(
        links: &'v LinksView,
        node: u32,
        nodes: usize,
        filter: &'v dyn Filter,
    ) -> impl Iterator<Item = (u32, u64)> + 'v {
        links
            .family(node)
            .filter(move |node| (*node as usize) < nodes && !links.is_dead(*node))
            .map(|node| (node, links.id(node)))
            .filter(|(_, id)| filter.allows(*id))
    }
}

impl Index for Hnsw {
    fn kind(&self) -> IndexKind {
        IndexKind::Hnsw
    }

    fn metric(&self) -> Metric {
        self.points.metric
    }

    fn dimensions(&self) -> usize {
        self.points.dimensions
    }

    fn codes(&self) -> Option<String> {
        let quantizer = self.points.quantizer.as_ref();
        quantizer.map(|quantizer| quantizer.name())
    }

    fn len(&self) -> usize {
        self.ids.read().len()
    }

    fn contains(&self, id: u64) -> bool {
        let ids = self.ids.read();
        ids.get(&self.links.view(), id).is_some()
    }

    fn insert(&self, ids: &[u64], vectors: &[f32], work: Work<'_>) -> Result<()> {
        self.add(ids, vectors, work)
    }

    fn remove(&self, id: u64) -> bool {
        let _open = self.gate.read();
        let view = self.links.view();
        let mut ids = self.ids.write();
        let Some(node) = ids.remove(&view, id) else {
            return false;
        };
        view.kill(node);
        self.removed.fetch_add(1, Ordering::AcqRel);
        self.unrepaired.fetch_add(1, Ordering::AcqRel);
        true
    }

    fn repair(&self, work: Work<'_>) -> Result<Repaired> {
        self.mend(work)
    }

    fn search(
        &self,
        query: &[f32],
        k: usize,
        filter: &dyn Filter,
        effort: Effort,
    ) -> Result<Vec<Neighbour>> {
        self.find(query, k, filter, effort)
    }

    fn scan<'a>(
        &'a self,
        query: &[f32],
        filter: &'a dyn Filter,
        effort: Effort,
    ) -> Result<Box<dyn Scan + 'a>> {
        self.begin(query, filter, effort)
    }

    fn memory(&self) -> Memory {
        let (structure, ids) = self.links.memory();
        let table = self.ids.read().memory();
        Memory {
            vectors: self.points.memory(),
            structure,
            ids: ids + table,
        }
    }

    fn statistics(&self) -> Statistics {
        let links = self.links.view();
        let nodes = self.points.view().len() as u32;
        let mut shape = Vec::new();
        let mut ends = 0;
        for node in 0..nodes {
            ends += links.links(node, 0).count();
            let level = links.level(node) as usize;
            if shape.len() <= level {
                shape.resize(level + 1, 0);
            }
            for on in &mut shape[..=level] {
                *on += 1;
            }
        }
        Statistics {
            vectors: self.len(),
            removed: self.removed.load(Ordering::Acquire),
            unrepaired: self.unrepaired.load(Ordering::Acquire),
            duplicates: self.twins.load(Ordering::Acquire),
            shape,
            degree: ends as f64 / f64::from(nodes.max(1)),
        }
    }

    fn save(&self, out: &mut dyn std::io::Write) -> Result<()> {
        self.write(out)
    }
}
