//! The graph itself: who is linked to whom, in arrays that readers and writers share.
//!
//! A list of links is some atomic words, numbers of nodes with a mark ([`KEPT`]); [`NONE`] ends it.
//! Those of the lowest level are as long as they need to be (`chunk.rs`). A writer holds the node's
//! lock; a reader holds nothing and may see a list half old and half new, which does no harm: each
//! word is at any moment some published node, and each node is visited once. Chunks are added by
//! publishing a longer directory, so nothing that readers hold ever moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};

use super::blocks::MORE;
use super::chunk::{Chunk, Shape, place};

/// Ends a list; the number of no node.
pub(super) const NONE: u32 = u32::MAX;
/// Marks a link that no choice of neighbours drops. Such links, which go both ways, span the lowest
/// level: whatever a metric makes of nearness, and products leave short vectors without a single link
/// of choice, a search that goes on long enough meets every node.
pub(super) const KEPT: u32 = 1 << 31;
/// No graph has more levels above the lowest.
pub(super) const MOST_LEVELS: u32 = 16;

/// Words of a chunk of upper lists.
const UPPER: usize = 1 << 14;
/// Locks that nodes share.
const LOCKS: usize = 1 << 12;

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
    shape: Shape,
    directory: ArcSwap<Directory>,
    /// Held by whoever publishes a directory; words of the last upper chunk that are taken.
    growing: Mutex<usize>,
    locks: Box<[Mutex<()>]>,
    /// Where searches begin: a node and, in the upper half, its level.
    entry: AtomicU64,
    entering: Mutex<()>,
}

impl Links {
    /// A graph without nodes. With `tight` lists take no more room than they need, and their ends one step
    /// more to reach.
    pub(super) fn new(m: usize, tight: bool) -> Self {
        let most = m * 2;
        let own = if tight { m.next_multiple_of(4) } else { most };
        Self {
            m,
            shape: Shape {
                own: own.min(most),
                most,
            },
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
            new.nodes.push(Arc::new(Chunk::empty(chunk, self.shape)));
        }
        self.directory.store(Arc::new(new));
    }

    /// Gives a node empty lists on the levels 1 to `level`. Calls come by ascending nodes.
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
            let offset = chunk * UPPER + *taken;
            nodes.set_upper(at, offset as u32);
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
        let upper: usize = directory
            .upper
            .iter()
            .map(|words| size_of_val(&**words))
            .sum();
        let nodes = directory.nodes.iter().map(|chunk| chunk.memory());
        let locks = LOCKS * size_of::<Mutex<()>>();
        nodes.fold((upper + locks, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1))
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

    /// The words of a node's list, nothing if it has none on that level; who holds its lock sees them all.
    #[inline]
    fn parts(&self, node: u32, level: u32) -> [&[AtomicU32]; 2] {
        match self.directory.node(node) {
            Some((chunk, at)) if level == 0 => chunk.parts(at),
            _ => [self.upper_list(node, level), &[]],
        }
    }

    fn upper_list(&self, node: u32, level: u32) -> &[AtomicU32] {
        match self.upper(node) {
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
        if let Some((chunk, at)) = self.directory.node(node) {
            chunk.prefetch(at);
        }
    }

    fn upper(&self, node: u32) -> Option<(&[AtomicU32], usize)> {
        let (chunk, at) = self.directory.node(node)?;
        let offset = chunk.upper(at)? as usize;
        let words = self.directory.upper.get(offset / UPPER)?;
        let start = offset % UPPER;
        (start < words.len()).then_some((&**words, start))
    }

    /// The highest level of a node.
    pub(super) fn level(&self, node: u32) -> u32 {
        self.upper(node)
            .map_or(0, |(words, start)| words[start].load(Ordering::Relaxed))
    }

    /// Calls `each` for each link of a node. Where the list is changed meanwhile some may come twice, or
    /// links of other nodes, but none is missing that stays in its place of the list.
    #[inline(always)]
    pub(super) fn visit(&self, node: u32, level: u32, each: impl FnMut(u32)) {
        let Some((chunk, at)) = self.directory.node(node) else {
            return;
        };
        let own = match level {
            0 => chunk.own(at),
            _ => self.upper_list(node, level),
        };
        let last = chunk.last(own).filter(|_| level == 0);
        chunk.walk(own, last, each);
    }

    /// The links of a node.
    #[inline]
    pub(super) fn links(&self, node: u32, level: u32) -> impl Iterator<Item = u32> + '_ {
        self.words(node, level).map(|word| word & !KEPT)
    }

    /// The links of a node with their marks.
    #[inline]
    pub(super) fn words(&self, node: u32, level: u32) -> impl Iterator<Item = u32> + '_ {
        let words = self.parts(node, level).into_iter().flatten();
        words
            .map(|word| word.load(Ordering::Acquire))
            .take_while(|word| word & MORE == 0)
    }

    /// The links of a node that are kept.
    pub(super) fn kept(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        self.words(node, 0)
            .filter(|word| word & KEPT != 0)
            .map(|word| word & !KEPT)
    }

    /// Puts links, with their marks, in place of those of a node, whose lock is held or that nobody can reach yet.
    pub(super) fn set(&self, node: u32, level: u32, links: &[u32]) {
        match self.directory.node(node) {
            Some((chunk, at)) if level == 0 => chunk.set(at, links),
            _ => {
                let mut links = links.iter().copied();
                for word in self.upper_list(node, level) {
                    word.store(links.next().unwrap_or(NONE), Ordering::Release);
                }
            }
        }
    }

    /// Adds a link behind those of a node, whose lock is held; tells whether there was room.
    pub(super) fn push(&self, node: u32, level: u32, link: u32) -> bool {
        match self.directory.node(node) {
            Some((chunk, at)) if level == 0 => chunk.push(at, link),
            _ => {
                let mut words = self.upper_list(node, level).iter();
                let free = words.find(|word| word.load(Ordering::Relaxed) == NONE);
                free.inspect(|word| word.store(link, Ordering::Release))
                    .is_some()
            }
        }
    }

    /// Adds marks to a link of a node, whose lock is held.
    pub(super) fn mark(&self, node: u32, level: u32, at: usize, marks: u32) {
        if let Some(word) = self.parts(node, level).into_iter().flatten().nth(at) {
            word.fetch_or(marks, Ordering::AcqRel);
        }
    }

    pub(super) fn id(&self, node: u32) -> u64 {
        self.directory
            .node(node)
            .map_or(u64::MAX, |(chunk, at)| chunk.id(at))
    }

    pub(super) fn set_id(&self, node: u32, id: u64) {
        if let Some((chunk, at)) = self.directory.node(node) {
            chunk.set_id(at, id);
        }
    }

    /// The next node with an equal vector.
    pub(super) fn twin(&self, node: u32) -> Option<u32> {
        let (chunk, at) = self.directory.node(node)?;
        chunk.twins.get(at)
    }

    pub(super) fn set_twin(&self, node: u32, twin: Option<u32>) {
        if let Some((chunk, at)) = self.directory.node(node) {
            chunk.twins.set(at, twin);
        }
    }

    /// A node and those with equal vectors behind it.
    pub(super) fn family(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(Some(node), |node| self.twin(*node))
    }

    pub(super) fn is_dead(&self, node: u32) -> bool {
        let node = self.directory.node(node);
        node.is_none_or(|(chunk, at)| chunk.is_dead(at))
    }

    /// Marks a node as removed; tells whether it was not before.
    pub(super) fn kill(&self, node: u32) -> bool {
        let node = self.directory.node(node);
        node.is_some_and(|(chunk, at)| chunk.kill(at))
    }
}
