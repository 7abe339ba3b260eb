//! The graph itself: who is linked to whom, in arrays that readers and writers share.
//!
//! A list of links is a fixed number of atomic words, numbers of nodes with a mark ([`KEPT`]);
//! [`NONE`] ends it. A writer holds the node's
//! lock; a reader holds nothing and may see a list half old and half new, which does no harm: each
//! word is at any moment some published node, and each node is visited once. Chunks are added by
//! publishing a longer directory, so nothing ever moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};

use crate::kernel::{Pages, prefetch};

/// Ends a list; the number of no node.
pub(super) const NONE: u32 = u32::MAX;
/// Marks a link that no choice of neighbours drops. Such links, which go both ways, span the lowest
/// level: whatever a metric makes of nearness, and products leave short vectors without a single link
/// of choice, a search that goes on long enough meets every node.
pub(super) const KEPT: u32 = 1 << 31;
/// No graph has more levels above the lowest.
pub(super) const MOST_LEVELS: u32 = 16;

/// Nodes of a chunk, of a few ones at first, that small graphs take little room, and of later ones,
/// whose lists fill large pages.
const FEW: usize = 1 << 10;
const MANY: usize = 1 << 14;
/// Words of a chunk of upper lists.
const UPPER: usize = 1 << 14;
/// Locks that nodes share.
const LOCKS: usize = 1 << 12;

/// What belongs to some nodes.
#[derive(Debug)]
struct Chunk {
    /// The links of the lowest level.
    links: Pages<AtomicU32>,
    ids: Pages<AtomicU64>,
    /// The next node with an equal vector.
    twins: Pages<AtomicU32>,
    /// Where the upper lists are, plus one; 0 without.
    upper: Pages<AtomicU32>,
    /// Bits of removed nodes.
    dead: Pages<AtomicU64>,
}

impl Chunk {
    fn empty(nodes: usize, m: usize) -> Self {
        let words = |count, value| Pages::new(count, move || AtomicU32::new(value));
        let doubles = |count| Pages::new(count, || AtomicU64::new(0));
        Self {
            links: words(nodes * m * 2, NONE),
            ids: doubles(nodes),
            twins: words(nodes, NONE),
            upper: words(nodes, 0),
            dead: doubles(nodes / 64),
        }
    }

    fn nodes(&self) -> usize {
        self.ids.len()
    }
}

/// The chunk of a node, and its place there.
#[inline]
fn place(node: usize) -> (usize, usize) {
    if node < MANY {
        (node / FEW, node % FEW)
    } else {
        (MANY / FEW - 1 + node / MANY, node % MANY)
    }
}

/// Chunks there are; shared by readers.
#[derive(Debug, Clone, Default)]
struct Directory {
    nodes: Vec<Arc<Chunk>>,
    upper: Vec<Arc<[AtomicU32]>>,
}

/// The graph.
#[derive(Debug)]
pub(super) struct Links {
    /// Most links on an upper level; twice as many on the lowest.
    m: usize,
    directory: ArcSwap<Directory>,
    /// Held by whoever publishes a directory; words of the last upper chunk that are taken.
    growing: Mutex<usize>,
    locks: Box<[Mutex<()>]>,
    /// Where searches begin: a node and, in the upper half, its level.
    entry: AtomicU64,
    entering: Mutex<()>,
}

impl Links {
    pub(super) fn new(m: usize) -> Self {
        Self {
            m,
            directory: ArcSwap::default(),
            growing: Mutex::new(0),
            locks: (0..LOCKS).map(|_| Mutex::new(())).collect(),
            entry: AtomicU64::new(u64::MAX),
            entering: Mutex::new(()),
        }
    }

    /// Makes room for nodes up to `count`.
    pub(super) fn grow(&self, count: usize) {
        let _growing = self.growing.lock();
        let old = self.directory.load();
        let chunks = count.checked_sub(1).map_or(0, |last| place(last).0 + 1);
        if chunks <= old.nodes.len() {
            return;
        }
        let mut new = Directory::clone(&old);
        for chunk in old.nodes.len()..chunks {
            let nodes = if chunk < MANY / FEW { FEW } else { MANY };
            new.nodes.push(Arc::new(Chunk::empty(nodes, self.m)));
        }
        self.directory.store(Arc::new(new));
    }

    /// Gives a node empty lists on the levels 1 to `level`.
    pub(super) fn raise(&self, node: u32, level: u32) {
        if level == 0 {
            return;
        }
        // `m` and the levels are bounded, so that a node's lists fit into one chunk.
        let need = 1 + level as usize * self.m;
        let mut taken = self.growing.lock();
        let mut directory = self.directory.load_full();
        if directory.upper.is_empty() || *taken + need > UPPER {
            let mut new = Directory::clone(&directory);
            new.upper
                .push((0..UPPER).map(|_| AtomicU32::new(NONE)).collect());
            directory = Arc::new(new);
            self.directory.store(Arc::clone(&directory));
            *taken = 0;
        }
        let chunk = directory.upper.len() - 1;
        if let Some(head) = directory.upper[chunk].get(*taken) {
            head.store(level, Ordering::Relaxed);
        }
        if let Some((nodes, at)) = directory.node(node) {
            let offset = chunk * UPPER + *taken + 1;
            nodes.upper[at].store(offset as u32, Ordering::Release);
        }
        *taken += need;
    }

    /// The graph as it is now, to be read.
    pub(super) fn view(&self) -> LinksView {
        LinksView {
            m: self.m,
            directory: self.directory.load_full(),
        }
    }

    /// The lock of a node's lists.
    pub(super) fn lock(&self, node: u32) -> MutexGuard<'_, ()> {
        self.locks[node as usize % LOCKS].lock()
    }

    /// Where searches begin, and on which level.
    pub(super) fn entry(&self) -> Option<(u32, u32)> {
        let entry = self.entry.load(Ordering::Acquire);
        (entry != u64::MAX).then_some((entry as u32, (entry >> 32) as u32))
    }

    pub(super) fn set_entry(&self, node: u32, level: u32) {
        self.entry
            .store(u64::from(level) << 32 | u64::from(node), Ordering::Release);
    }

    /// Held by whoever changes the entry.
    pub(super) fn entering(&self) -> MutexGuard<'_, ()> {
        self.entering.lock()
    }

    /// The bytes of the structure, and those of ids.
    pub(super) fn memory(&self) -> (usize, usize) {
        let directory = self.directory.load();
        let nodes: usize = directory.nodes.iter().map(|chunk| chunk.nodes()).sum();
        let upper: usize = directory
            .upper
            .iter()
            .map(|words| size_of_val(&**words))
            .sum();
        (
            nodes * (self.m * 2 + 2) * 4 + nodes / 8 + upper + LOCKS * size_of::<Mutex<()>>(),
            nodes * 8,
        )
    }
}

impl Directory {
    #[inline]
    fn node(&self, node: u32) -> Option<(&Chunk, usize)> {
        let (chunk, at) = place(node as usize);
        self.nodes.get(chunk).map(|chunk| (&**chunk, at))
    }
}

/// The graph as it was when it was taken, and whatever changed in its lists since.
#[derive(Debug, Clone)]
pub(super) struct LinksView {
    m: usize,
    directory: Arc<Directory>,
}

impl LinksView {
    /// Most links of a list of a level.
    pub(super) fn most(&self, level: u32) -> usize {
        if level == 0 { self.m * 2 } else { self.m }
    }

    /// The words of a node's list; nothing if it has none on that level.
    #[inline]
    pub(super) fn list(&self, node: u32, level: u32) -> &[AtomicU32] {
        let Some((chunk, at)) = self.directory.node(node) else {
            return &[];
        };
        if level == 0 {
            let width = self.m * 2;
            return chunk
                .links
                .get(at * width..(at + 1) * width)
                .unwrap_or_default();
        }
        match self.upper(chunk, at) {
            Some((words, start)) if level <= words[start].load(Ordering::Relaxed) => {
                let start = start + 1 + (level as usize - 1) * self.m;
                words.get(start..start + self.m).unwrap_or_default()
            }
            _ => &[],
        }
    }

    /// Asks for the links that a node has on the lowest level.
    #[inline]
    pub(super) fn prefetch(&self, node: u32) {
        prefetch(self.list(node, 0));
    }

    fn upper(&self, chunk: &Chunk, at: usize) -> Option<(&[AtomicU32], usize)> {
        let offset = chunk.upper[at].load(Ordering::Acquire).checked_sub(1)? as usize;
        let words = self.directory.upper.get(offset / UPPER)?;
        let start = offset % UPPER;
        (start < words.len()).then_some((&**words, start))
    }

    /// The highest level of a node.
    pub(super) fn level(&self, node: u32) -> u32 {
        self.directory
            .node(node)
            .and_then(|(chunk, at)| self.upper(chunk, at))
            .map_or(0, |(words, start)| words[start].load(Ordering::Relaxed))
    }

    /// The links of a node.
    #[inline]
    pub(super) fn links(&self, node: u32, level: u32) -> impl Iterator<Item = u32> + '_ {
        self.words(node, level).map(|word| word & !KEPT)
    }

    /// The links of a node with their marks.
    #[inline]
    pub(super) fn words(&self, node: u32, level: u32) -> impl Iterator<Item = u32> + '_ {
        self.list(node, level)
            .iter()
            .map(|word| word.load(Ordering::Acquire))
            .take_while(|word| *word != NONE)
    }

    /// The links of a node that are kept.
    pub(super) fn kept(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        self.words(node, 0)
            .filter(|word| word & KEPT != 0)
            .map(|word| word & !KEPT)
    }

    /// Puts links, with their marks, in place of those of a node, whose lock is held or that nobody can reach yet.
    pub(super) fn set(&self, node: u32, level: u32, links: &[u32]) {
        let mut links = links.iter().copied();
        for word in self.list(node, level) {
            word.store(links.next().unwrap_or(NONE), Ordering::Release);
        }
    }

    pub(super) fn id(&self, node: u32) -> u64 {
        self.directory.node(node).map_or(u64::MAX, |(chunk, at)| {
            chunk.ids[at].load(Ordering::Relaxed)
        })
    }

    pub(super) fn set_id(&self, node: u32, id: u64) {
        if let Some((chunk, at)) = self.directory.node(node) {
            chunk.ids[at].store(id, Ordering::Release);
        }
    }

    /// The next node with an equal vector.
    pub(super) fn twin(&self, node: u32) -> Option<u32> {
        let (chunk, at) = self.directory.node(node)?;
        let twin = chunk.twins[at].load(Ordering::Acquire);
        (twin != NONE).then_some(twin)
    }

    pub(super) fn set_twin(&self, node: u32, twin: Option<u32>) {
        if let Some((chunk, at)) = self.directory.node(node) {
            chunk.twins[at].store(twin.unwrap_or(NONE), Ordering::Release);
        }
    }

    /// A node and those with equal vectors behind it.
    pub(super) fn family(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(Some(node), |node| self.twin(*node))
    }

    pub(super) fn is_dead(&self, node: u32) -> bool {
        self.directory.node(node).is_none_or(|(chunk, at)| {
            chunk.dead[at / 64].load(Ordering::Acquire) >> (at % 64) & 1 == 1
        })
    }

    /// Marks a node as removed; tells whether it was not before.
    pub(super) fn kill(&self, node: u32) -> bool {
        self.directory.node(node).is_some_and(|(chunk, at)| {
            let bit = 1 << (at % 64);
            chunk.dead[at / 64].fetch_or(bit, Ordering::AcqRel) & bit == 0
        })
    }
}
