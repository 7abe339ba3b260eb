//! LSH: tables of buckets in which near vectors meet.
//!
//! Every vector is in one bucket of each table. A search looks at the buckets of the query, and at those
//! beside them; candidates are compared exactly. It needs no training to speak of and changes cheaply,
//! but a graph finds more with less: this is for those who ask for it.

mod hash;
mod save;
mod search;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};

use crate::error::{Error, Result, within};
use crate::filter::Filter;
use crate::index::{Effort, Index, IndexKind, Memory, Repaired, Scan, Statistics, check_batch};
use crate::metric::Metric;
use crate::neighbour::Neighbour;
use crate::rows::Rows;
use crate::work::Work;
use hash::Hashes;

/// The options of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LshOptions {
    /// Tables, from 1 to 256.
    pub tables: usize,
    /// Functions of a table, from 1 to 20; it has two to their number of buckets.
    pub bits: usize,
    /// Buckets of each table that a search looks at when it is not told.
    pub probes: usize,
    /// Decides the functions.
    pub seed: u64,
}

impl Default for LshOptions {
    fn default() -> Self {
        Self {
            tables: 16,
            bits: 12,
            probes: 8,
            seed: 0,
        }
    }
}

impl LshOptions {
    fn check(&self, dimensions: usize) -> Result<()> {
        within("dimensions", dimensions, 1, 65_536)?;
        within("tables", self.tables, 1, 256)?;
        within("bits", self.bits, 1, 20)?;
        within("probes", self.probes, 1, 1 << 20)?;
        within(
            "buckets of all tables",
            self.tables << self.bits,
            1,
            1 << 24,
        )?;
        let numbers = self.tables * self.bits * dimensions;
        within("numbers of all functions", numbers, 1, 1 << 26)?;
        Ok(())
    }
}

/// Vectors and the buckets they are in.
#[derive(Debug)]
struct State {
    rows: Rows<f32>,
    ids: Rows<u64>,
    /// Buckets, table after table; each is replaced as a whole.
    buckets: Vec<ArcSwap<Vec<u32>>>,
}

/// Tables of buckets.
#[derive(Debug)]
pub struct Lsh {
    metric: Metric,
    dimensions: usize,
    options: LshOptions,
    hashes: Hashes,
    state: ArcSwap<State>,
    /// The node of each id. A search asks it only when buckets had too few.
    nodes: RwLock<HashMap<u64, u32>>,
    adding: Mutex<()>,
    removed: AtomicUsize,
}

impl Lsh {
    /// Fits the functions to vectors like those that will come.
    ///
    /// # Errors
    /// Fails on options out of their range and on vectors that [`Metric::prepare`] refuses.
    pub fn train(
        metric: Metric,
        rows: &[f32],
        dimensions: usize,
        options: LshOptions,
    ) -> Result<Self> {
        options.check(dimensions)?;
        let rows = check_batch(metric, dimensions, &vec![0; rows.len() / dimensions], rows)?;
        let mut index = Self::empty(metric, dimensions, options, 1.0);
        index.hashes.fit(&rows);
        Ok(index)
    }

    fn empty(metric: Metric, dimensions: usize, options: LshOptions, width: f32) -> Self {
        let LshOptions {
            tables, bits, seed, ..
        } = options;
        Self {
            metric,
            dimensions,
            options,
            hashes: Hashes::new(metric, dimensions, tables, bits, width, seed),
            state: ArcSwap::from_pointee(State::new(dimensions, options)),
            nodes: RwLock::default(),
            adding: Mutex::default(),
            removed: AtomicUsize::new(0),
        }
    }

    /// The buckets of rows, and which rows are in each.
    fn hashed(&self, rows: &[f32], work: Work<'_>) -> Result<HashMap<usize, Vec<u32>>> {
        let count = rows.len() / self.dimensions;
        let parts = work.fold(count, 256, Vec::new, |out, range| {
            for row in range {
                let vector = &rows[row * self.dimensions..(row + 1) * self.dimensions];
                for table in 0..self.options.tables {
                    let bucket = self.hashes.buckets(table, vector, 1)[0];
                    out.push(((table << self.options.bits) + bucket, row as u32));
                }
            }
            Ok(())
        })?;
        let mut groups: HashMap<usize, Vec<u32>> = HashMap::new();
        for (bucket, row) in parts.into_iter().flatten() {
            groups.entry(bucket).or_default().push(row);
        }
        Ok(groups)
    }
}

impl State {
    fn new(dimensions: usize, options: LshOptions) -> Self {
        let buckets = options.tables << options.bits;
        Self {
            rows: Rows::new(dimensions),
            ids: Rows::new(1),
            buckets: (0..buckets).map(|_| ArcSwap::default()).collect(),
        }
    }

    /// Adds vectors to the buckets they belong into.
    fn add(&self, ids: &[u64], rows: &[f32], groups: HashMap<usize, Vec<u32>>) -> u32 {
        self.rows.append(rows);
        let first = self.ids.append(ids) as u32;
        for (at, mut members) in groups {
            members.sort_unstable();
            let bucket = &self.buckets[at];
            let mut new = Vec::clone(&bucket.load());
            new.extend(members.iter().map(|row| first + row));
            bucket.store(Arc::new(new));
        }
        first
    }
}

impl Index for Lsh {
    fn kind(&self) -> IndexKind {
        IndexKind::Lsh
    }

    fn metric(&self) -> Metric {
        self.metric
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn len(&self) -> usize {
        self.nodes.read().len()
    }

    fn contains(&self, id: u64) -> bool {
        let nodes = self.nodes.read();
        nodes.contains_key(&id)
    }

    fn insert(&self, ids: &[u64], vectors: &[f32], work: Work<'_>) -> Result<()> {
        let rows = check_batch(self.metric, self.dimensions, ids, vectors)?;
        let groups = self.hashed(&rows, work)?;
        let _adding = self.adding.lock();
        let state = self.state.load();
        let first = state.ids.view().len();
        if first + ids.len() > u32::MAX as usize {
            return Err(Error::Full {
                most: u32::MAX as usize,
            });
        }
        {
            let mut nodes = self.nodes.write();
            for (at, id) in ids.iter().enumerate() {
                if let Entry::Vacant(new) = nodes.entry(*id) {
                    new.insert((first + at) as u32);
                    continue;
                }
                for id in &ids[..at] {
                    nodes.remove(id);
                }
                return Err(Error::Duplicate { id: *id });
            }
        }
        state.add(ids, &rows, groups);
        Ok(())
    }

    fn remove(&self, id: u64) -> bool {
        let _adding = self.adding.lock();
        let node = self.nodes.write().remove(&id);
        let Some(node) = node else {
            return false;
        };
        let state = self.state.load();
        let rows = state.rows.view();
        for table in 0..self.options.tables {
            let at = self.hashes.buckets(table, rows.row(node as usize), 1)[0];
            let bucket = &state.buckets[(table << self.options.bits) + at];
            let mut left = Vec::clone(&bucket.load());
            left.retain(|member| *member != node);
            bucket.store(Arc::new(left));
        }
        self.removed.fetch_add(1, Ordering::AcqRel);
        true
    }

    fn repair(&self, work: Work<'_>) -> Result<Repaired> {
        let _adding = self.adding.lock();
        let released = self.removed.load(Ordering::Acquire);
        if released == 0 {
            return Ok(Repaired::default());
        }
        let (ids, rows) = self.living();
        let groups = self.hashed(&rows, work)?;
        let new = State::new(self.dimensions, self.options);
        let mended = groups.len();
        new.add(&ids, &rows, groups);
        let mut nodes = self.nodes.write();
        for (node, id) in ids.iter().enumerate() {
            nodes.insert(*id, node as u32);
        }
        self.state.store(Arc::new(new));
        self.removed.fetch_sub(released, Ordering::AcqRel);
        Ok(Repaired { mended, released })
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
        let state = self.state.load();
        let members: usize = state
            .buckets
            .iter()
            .map(|bucket| bucket.load().capacity() * 4)
            .sum();
        let nodes = self.nodes.read();
        Memory {
            vectors: state.rows.view().memory(),
            structure: members + state.buckets.len() * 48,
            ids: state.ids.view().memory() + nodes.capacity() * 13,
        }
    }

    fn statistics(&self) -> Statistics {
        let state = self.state.load();
        let table = 1usize << self.options.bits;
        let entries =
            |buckets: &[ArcSwap<Vec<u32>>]| buckets.iter().map(|bucket| bucket.load().len()).sum();
        Statistics {
            vectors: self.len(),
            removed: self.removed.load(Ordering::Acquire),
            shape: state.buckets.chunks(table).map(entries).collect(),
            ..Statistics::default()
        }
    }

    fn save(&self, out: &mut dyn std::io::Write) -> Result<()> {
        self.write(out)
    }
}
