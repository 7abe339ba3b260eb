//! IVF: vectors in lists around centroids.
//!
//! A search looks at the lists whose centroids are nearest, one after the other, and goes on to further
//! ones as long as it found too few. Lists hold full vectors, or codes of what is left when the
//! centroid is taken away, which is smaller and so is coded with a smaller error.
//!
//! | file | what |
//! |---|---|
//! | `options.rs` | lists, probes, codes |
//! | `list.rs`, `blocks.rs` | a list; its codes of four bits, 32 at a time |
//! | `search.rs` | answers, at once or in batches, filtered |
//! | `save.rs` | stored bytes |

mod blocks;
mod list;
mod options;
mod save;
mod search;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};

use crate::cluster::Centroids;
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::index::{
    Effort, Index, IndexKind, Memory, Repaired, Scan, Source, Statistics, check_batch,
};
use crate::metric::Metric;
use crate::neighbour::Neighbour;
use crate::quant::Quantizer;
use crate::work::Work;
use list::List;
pub use options::{Codec, IvfOptions};

/// The place of an id that is about to get one.
const NOWHERE: (u32, u32) = (u32::MAX, 0);

/// Lists around centroids.
#[derive(Debug)]
pub struct Ivf {
    metric: Metric,
    dimensions: usize,
    options: IvfOptions,
    centroids: Centroids,
    quantizer: Option<Arc<dyn Quantizer>>,
    lists: Vec<ArcSwap<List>>,
    /// Centroids as codes see them, rotated and moved; empty if codes are not.
    turned: Vec<f32>,
    /// The list and the place of each id.
    places: RwLock<HashMap<u64, (u32, u32)>>,
    /// Held by who adds, and for longer by who moves vectors.
    adding: Mutex<()>,
    removed: AtomicUsize,
    source: Option<Arc<dyn Source>>,
}

impl Ivf {
    /// Learns centroids, and the codes of the rests, from vectors like those that will come.
    ///
    /// # Errors
    /// Fails on options out of their range and on vectors that [`Metric::prepare`] refuses.
    pub fn train(
        metric: Metric,
        rows: &[f32],
        dimensions: usize,
        options: IvfOptions,
        work: Work<'_>,
    ) -> Result<Self> {
        options.check(dimensions)?;
        let ids = vec![0; rows.len() / dimensions];
        let rows = check_batch(metric, dimensions, &ids, rows)?;
        let centroids = Centroids::train(&rows, dimensions, options.lists, 10, options.seed, work)?;
        let mut rests = rows;
        if options.codec != Codec::Full {
            let assigned = centroids.assign(&rests, work)?;
            for (row, (list, _)) in rests.chunks_exact_mut(dimensions).zip(assigned) {
                subtract(row, centroids.row(list as usize));
            }
        }
        let quantizer = options
            .codec
            .train(&rests, dimensions, options.seed, work)?;
        Ok(Self::empty(
            metric, dimensions, options, centroids, quantizer,
        ))
    }

    fn empty(
        metric: Metric,
        dimensions: usize,
        options: IvfOptions,
        centroids: Centroids,
        quantizer: Option<Arc<dyn Quantizer>>,
    ) -> Self {
        let lists = (0..centroids.len())
            .map(|_| {
                ArcSwap::from_pointee(List::new(dimensions, quantizer.as_deref(), options.keep))
            })
            .collect();
        let rabitq = quantizer.as_ref().and_then(|some| some.as_rabitq());
        let turned = rabitq.map_or(Vec::new(), |rabitq| {
            let rows = centroids.values().chunks_exact(dimensions.max(1));
            rows.flat_map(|row| rabitq.turn_from_centre(row)).collect()
        });
        Self {
            metric,
            dimensions,
            options,
            centroids,
            quantizer,
            lists,
            turned,
            places: RwLock::default(),
            adding: Mutex::default(),
            removed: AtomicUsize::new(0),
            source: None,
        }
    }

    /// Takes full vectors for rescoring from `source`.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn Source>) -> Self {
        self.source = Some(source);
        self
    }

    /// The centroid of a list, if distances in it are made of products.
    fn by_products(&self, list: usize) -> Option<&[f32]> {
        let squares = matches!(self.metric, Metric::L2 | Metric::Cosine);
        (squares && self.turned.is_empty()).then(|| self.centroids.row(list))
    }

    /// A centroid as codes see it.
    fn turned_centroid(&self, list: usize) -> &[f32] {
        let width = self.turned.len() / self.centroids.len().max(1);
        let row = self.turned.get(list * width..(list + 1) * width);
        row.unwrap_or_default()
    }

    /// Codes of rests, row after row.
    fn encode(&self, list: usize, rows: &[f32]) -> Vec<u8> {
        let Some(quantizer) = &self.quantizer else {
            return Vec::new();
        };
        let width = quantizer.code_bytes();
        let mut codes = vec![0; rows.len() / self.dimensions * width];
        let mut rest = Vec::with_capacity(self.dimensions);
        for (row, code) in rows
            .chunks_exact(self.dimensions)
            .zip(codes.chunks_exact_mut(width))
        {
            rest.clear();
            rest.extend_from_slice(row);
            subtract(&mut rest, self.centroids.row(list));
            quantizer.encode(&rest, code);
        }
        codes
    }
}

fn subtract(row: &mut [f32], centroid: &[f32]) {
    for (x, c) in row.iter_mut().zip(centroid) {
        *x -= c;
    }
}

impl Index for Ivf {
    fn kind(&self) -> IndexKind {
        IndexKind::Ivf
    }

    fn metric(&self) -> Metric {
        self.metric
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn codes(&self) -> Option<String> {
        let quantizer = self.quantizer.as_ref();
        quantizer.map(|quantizer| quantizer.name())
    }

    fn len(&self) -> usize {
        self.places.read().len()
    }

    fn contains(&self, id: u64) -> bool {
        let places = self.places.read();
        places.contains_key(&id)
    }

    fn insert(&self, ids: &[u64], vectors: &[f32], work: Work<'_>) -> Result<()> {
        let rows = check_batch(self.metric, self.dimensions, ids, vectors)?;
        // The long part needs no lock: which list each belongs to.
        let assigned = self.centroids.assign(&rows, work)?;
        let mut groups: HashMap<u32, (Vec<u64>, Vec<f32>)> = HashMap::new();
        for ((id, row), (list, _)) in ids
            .iter()
            .zip(rows.chunks_exact(self.dimensions))
            .zip(assigned)
        {
            let (ids, rows) = groups.entry(list).or_default();
            ids.push(*id);
            rows.extend_from_slice(row);
        }
        let groups: Vec<_> = groups.into_iter().collect();
        let coded = work.fold(groups.len(), 4, Vec::new, |out, range| {
            for at in range {
                let (list, (_, rows)) = &groups[at];
                out.push((at, self.encode(*list as usize, rows)));
            }
            Ok(())
        })?;
        let _adding = self.adding.lock();
        {
            let mut places = self.places.write();
            for (at, id) in ids.iter().enumerate() {
                // A place of no list stands for those of this batch until all are known to be new.
                if let Entry::Vacant(new) = places.entry(*id) {
                    new.insert(NOWHERE);
                    continue;
                }
                for id in &ids[..at] {
                    places.remove(id);
                }
                return Err(Error::Duplicate { id: *id });
            }
            for (list, (ids, _)) in &groups {
                let first = self.lists[*list as usize].load().len() as u32;
                for (place, id) in (first..).zip(ids) {
                    places.insert(*id, (*list, place));
                }
            }
        }
        for (at, codes) in coded.into_iter().flatten() {
            let (list, (ids, rows)) = &groups[at];
            self.lists[*list as usize].load().append(
                ids,
                rows,
                &codes,
                self.quantizer.as_deref(),
                self.by_products(*list as usize),
            );
        }
        Ok(())
    }

    fn remove(&self, id: u64) -> bool {
        let _adding = self.adding.lock();
        let mut places = self.places.write();
        let Some((list, place)) = places.remove(&id) else {
            return false;
        };
        self.lists[list as usize].load().kill(place);
        self.removed.fetch_add(1, Ordering::AcqRel);
        true
    }

    fn repair(&self, work: Work<'_>) -> Result<Repaired> {
        let _adding = self.adding.lock();
        let (mended, released) = (AtomicUsize::new(0), AtomicUsize::new(0));
        work.each(self.lists.len(), 4, |range| {
            for at in range {
                let list = self.lists[at].load_full();
                if list.dead().is_empty() {
                    continue;
                }
                let new = list.compacted(
                    self.dimensions,
                    self.quantizer.as_deref(),
                    self.options.keep,
                    self.by_products(at),
                );
                let mut places = self.places.write();
                for (place, id) in new.all_ids().into_iter().enumerate() {
                    places.insert(id, (at as u32, place as u32));
                }
                mended.fetch_add(1, Ordering::Relaxed);
                released.fetch_add(list.dead().len(), Ordering::Relaxed);
                self.removed.fetch_sub(list.dead().len(), Ordering::AcqRel);
                self.lists[at].store(Arc::new(new));
            }
            Ok(())
        })?;
        Ok(Repaired {
            mended: mended.into_inner(),
            released: released.into_inner(),
        })
    }

    fn search(
        &self,
        query: &[f32],
        k: usize,
        filter: &dyn Filter,
        effort: Effort,
    ) -> Result<Vec<Neighbour>> {
        Ok(self.begin(query, filter, effort)?.next(k))
    }

    fn scan<'a>(
        &'a self,
        query: &[f32],
        filter: &'a dyn Filter,
        effort: Effort,
    ) -> Result<Box<dyn Scan + 'a>> {
        Ok(Box::new(self.begin(query, filter, effort)?))
    }

    fn memory(&self) -> Memory {
        let lists: usize = self.lists.iter().map(|list| list.load().memory()).sum();
        let ids = self
            .lists
            .iter()
            .map(|list| list.load().len() * 8)
            .sum::<usize>();
        let places = self.places.read();
        Memory {
            vectors: lists
                + self
                    .quantizer
                    .as_ref()
                    .map_or(0, |quantizer| quantizer.memory()),
            structure: size_of_val(self.centroids.values())
                + size_of_val(&*self.turned)
                + self.lists.len() * size_of::<List>(),
            ids: ids + places.capacity() * 17,
        }
    }

    fn statistics(&self) -> Statistics {
        let removed = self.removed.load(Ordering::Acquire);
        Statistics {
            vectors: self.len(),
            removed,
            unrepaired: removed,
            shape: self.lists.iter().map(|list| list.load().len()).collect(),
            ..Statistics::default()
        }
    }

    fn save(&self, out: &mut dyn std::io::Write) -> Result<()> {
        self.write(out)
    }
}
