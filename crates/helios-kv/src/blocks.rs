//! Entries of the state file kept in memory, in blocks that are quicker to search than its pages.
//!
//! A block holds all entries of the file between two keys, packed (`packed.rs`): a search compares
//! a few integers that lie side by side, where a walk down the file's tree locks, looks up and
//! searches a page on every level. Blocks come of reads: whoever meets a gap between blocks reads
//! on from there and leaves a block behind. They belong to one state of the file. A checkpoint hands
//! those that it did not touch on to the next state.
//!
//! **Invariants:** blocks of a keyspace do not overlap; a block has every entry that its state of the
//! file has from its first key up to, not including, its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::Keyspace;
use crate::packed::{Block, Packer};
use crate::page::{Entry, Page, Sorted};

/// Entries of a block that a single read leaves behind.
pub(crate) const BLOCK_ENTRIES: usize = 32;
/// Bytes after which a block takes no further entry.
pub(crate) const BLOCK_BYTES: usize = 8192;
/// Larger blocks, those of one huge entry, are not kept.
const KEPT_MAX: usize = 64 << 10;
/// Blocks of a chunk.
const CHUNK: usize = 256;
/// What a block takes beside its bytes, about: its place in a chunk, its fence, two counters.
const OVERHEAD: usize = 100;

/// A block that is kept.
struct Kept {
    block: Block,
    /// Set by reads, cleared when room is looked for.
    used: AtomicBool,
}

impl Kept {
    fn new(block: &Block) -> Self {
        Self {
            block: block.clone(),
            used: AtomicBool::new(false),
        }
    }

    fn note_use(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }
}

impl Clone for Kept {
    fn clone(&self) -> Self {
        Self {
            block: self.block.clone(),
            used: AtomicBool::new(self.used.load(Ordering::Relaxed)),
        }
    }
}

/// What a block takes in memory.
fn memory_of(block: &Block) -> usize {
    block.bytes() + OVERHEAD
}

/// What the blocks know of a key.
pub(crate) enum Known {
    /// It is this entry of a block.
    At(Block, usize),
    /// A block says that it is not there.
    Absent,
    /// No block is around it.
    Nothing,
}

/// Neighbouring blocks.
#[derive(Clone, Default)]
struct Chunk {
    /// Where each block begins.
    fences: Page,
    blocks: Vec<Kept>,
}

/// The blocks of a keyspace.
#[derive(Clone, Default)]
struct Space {
    /// Where each chunk but the first may begin.
    fences: Page,
    /// One more than fences, or none at all.
    chunks: Vec<Arc<Chunk>>,
    /// The chunk in which room is looked for next.
    hand: usize,
}

/// The blocks of one state of the file.
pub(crate) struct Blocks {
    spaces: [RwLock<Space>; Keyspace::COUNT],
    bytes: AtomicUsize,
    /// What they may take in all.
    limit: AtomicUsize,
    /// Counts reads that met a gap while there was no room.
    misses: AtomicUsize,
    /// Bytes that long reads have met in gaps.
    passed: AtomicUsize,
    /// In which blocks are made.
    scratch: Mutex<Packer>,
}

impl Blocks {
    /// No blocks; they may take `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            spaces: Default::default(),
            bytes: AtomicUsize::new(0),
            limit: AtomicUsize::new(limit),
            misses: AtomicUsize::new(0),
            passed: AtomicUsize::new(0),
            scratch: Mutex::default(),
        }
    }

    /// An empty packer to make blocks in; give it back.
    pub fn scratch(&self) -> Packer {
        std::mem::take(&mut *self.scratch.lock())
    }

    /// Takes it back.
    pub fn return_scratch(&self, mut packer: Packer) {
        packer.clear();
        *self.scratch.lock() = packer;
    }

    /// Whether blocks of `keyspace` are kept: of those that are read again and again.
    #[inline]
    pub fn serves(&self, keyspace: Keyspace) -> bool {
        matches!(keyspace, Keyspace::Current | Keyspace::Index)
            && self.limit.load(Ordering::Relaxed) > 0
    }

    /// Whether single places of `keyspace` are looked for in blocks. Walks over `History`, as collection makes
    /// them, would fill the memory with what nobody reads.
    #[inline]
    pub fn serves_places(&self, keyspace: Keyspace) -> bool {
        (keyspace == Keyspace::History && self.limit.load(Ordering::Relaxed) > 0)
            || self.serves(keyspace)
    }

    /// Whether a new block would need none to go.
    pub fn has_room(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) < self.limit.load(Ordering::Relaxed)
    }

    /// Whether a read that met a gap is to fill it. When blocks must go for it only some do, as most
    /// reads of a file larger than its blocks would fill in vain.
    pub fn wants(&self) -> bool {
        self.has_room()
            || self
                .misses
                .fetch_add(1, Ordering::Relaxed)
                .is_multiple_of(4)
    }

    /// Whether a long read is to leave blocks behind: not before others were seen to come, for a
    /// single one would only pay for them.
    pub fn wants_runs(&self) -> bool {
        self.has_room()
            && self.passed.load(Ordering::Relaxed) >= self.limit.load(Ordering::Relaxed) / 2
    }

    /// Notes what a long read has met in a gap.
    pub fn note_passed(&self, bytes: usize) {
        self.passed.fetch_add(bytes, Ordering::Relaxed);
    }

    fn space(&self, keyspace: Keyspace) -> &RwLock<Space> {
        &self.spaces[keyspace.index()]
    }

    /// What is known of `key`.
    #[inline]
    pub fn look(&self, keyspace: Keyspace, key: &[u8]) -> Known {
        if !self.serves(keyspace) {
            return Known::Nothing;
        }
        let block = {
            let space = self.space(keyspace).read();
            let Some(kept) = space.last_upto(key) else {
                return Known::Nothing;
            };
            kept.note_use();
            kept.block.clone()
        };
        // A block that has the key is around it: only where it has not, its end is looked at.
        match block.find(key) {
            Some(at) => Known::At(block, at),
            None if block.ends_after(key) => Known::Absent,
            None => Known::Nothing,
        }
    }

    /// The block around `key`.
    pub fn around(&self, keyspace: Keyspace, key: &[u8]) -> Option<Block> {
        let space = self.space(keyspace).read();
        let kept = space.last_upto(key)?;
        kept.block.ends_after(key).then(|| {
            kept.note_use();
            kept.block.clone()
        })
    }

    /// The block around the greatest of the keys below `key`, or of all keys.
    pub fn before(&self, keyspace: Keyspace, key: Option<&[u8]>) -> Option<Block> {
        let space = self.space(keyspace).read();
        let kept = space.below(key)?;
        let reaches = match (kept.block.to(), key) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(to), Some(key)) => key <= to,
        };
        kept.note_use();
        reaches.then(|| kept.block.clone())
    }

    /// Where the first block begins that begins at or after `key`.
    pub fn next_from(&self, keyspace: Keyspace, key: &[u8]) -> Option<Vec<u8>> {
        let space = self.space(keyspace).read();
        Some(space.first_from(key)?.block.from().to_vec())
    }

    /// Where the last block ends that begins before `key`, or the last of all.
    pub fn previous_to(&self, keyspace: Keyspace, key: Option<&[u8]>) -> Option<Vec<u8>> {
        let space = self.space(keyspace).read();
        Some(space.below(key)?.block.to()?.to_vec())
    }

    /// Keeps `block`, unless it overlaps another one by now.
    pub fn keep(&self, keyspace: Keyspace, block: &Block) {
        let (bytes, limit) = (memory_of(block), self.limit.load(Ordering::Relaxed));
        if limit == 0 || bytes > KEPT_MAX || block.to().is_some_and(|to| to <= block.from()) {
            return;
        }
        let mut space = self.space(keyspace).write();
        if !space.is_gap(block) {
            return;
        }
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > limit {
            let mut freed = space.make_room(2 * bytes);
            if freed == 0 {
                // All of them were used of late, and are no longer thought to be.
                freed = space.make_room(2 * bytes);
            }
            self.bytes.fetch_sub(freed, Ordering::Relaxed);
        }
        space.insert(block);
        drop(space);
        if self.bytes.load(Ordering::Relaxed) > limit {
            self.make_room_elsewhere(keyspace, bytes);
        }
    }

    fn make_room_elsewhere(&self, but: Keyspace, bytes: usize) {
        for keyspace in Keyspace::ALL.into_iter().filter(|k| *k != but) {
            let freed = self.space(keyspace).write().make_room(bytes);
            self.bytes.fetch_sub(freed, Ordering::Relaxed);
            if freed > 0 {
                return;
            }
        }
    }

    /// The blocks for the next state of the file, without those that `touched` says yes to. This
    /// state, which only old readers read, keeps none.
    pub fn hand_on(&self, touched: impl Fn(Keyspace, &[u8], Option<&[u8]>) -> bool) -> Self {
        let limit = self.limit.swap(0, Ordering::Relaxed);
        let next = Self::new(limit);
        next.note_passed(self.passed.load(Ordering::Relaxed));
        for keyspace in Keyspace::ALL {
            let mut space = std::mem::take(&mut *self.space(keyspace).write());
            space.retain(|block| !touched(keyspace, block.from(), block.to()));
            next.bytes.fetch_add(space.bytes(), Ordering::Relaxed);
            *next.space(keyspace).write() = space;
        }
        self.bytes.store(0, Ordering::Relaxed);
        next
    }
}

impl Chunk {
    fn new(blocks: Vec<Kept>) -> Self {
        let mut fences = Page::default();
        for kept in &blocks {
            fences.push(kept.block.from(), Entry::Put(&[]));
        }
        fences.seal();
        Self { fences, blocks }
    }

    fn insert(&mut self, block: &Block) {
        let (at, _) = self.fences.search(block.from());
        self.blocks.insert(at, Kept::new(block));
        let entry = Entry::Put(&[]);
        if !self
            .fences
            .edit(block.from(), entry, usize::MAX, u32::MAX as usize >> 2)
        {
            *self = Self::new(std::mem::take(&mut self.blocks));
        }
    }
}

/// How many of the fences are at or below `key`.
#[inline]
fn count_upto(fences: &Page, key: &[u8]) -> usize {
    let (at, found) = fences.search(key);
    at + usize::from(found)
}

impl Space {
    /// The last block that begins at or before `key`.
    #[inline]
    fn last_upto(&self, key: &[u8]) -> Option<&Kept> {
        let mut number = count_upto(&self.fences, key);
        let chunk = self.chunks.get(number)?;
        if let Some(at) = count_upto(&chunk.fences, key).checked_sub(1) {
            return chunk.blocks.get(at);
        }
        while let Some(before) = number.checked_sub(1) {
            number = before;
            if let Some(last) = self.chunks.get(number)?.blocks.last() {
                return Some(last);
            }
        }
        None
    }

    /// The last block that begins before `key`, or the last one.
    fn below(&self, key: Option<&[u8]>) -> Option<&Kept> {
        let mut number = match key {
            Some(key) => self.fences.search(key).0,
            None => self.chunks.len().checked_sub(1)?,
        };
        let chunk = self.chunks.get(number)?;
        let at = match key {
            Some(key) => chunk.fences.search(key).0,
            None => chunk.blocks.len(),
        };
        if let Some(at) = at.checked_sub(1) {
            return chunk.blocks.get(at);
        }
        while let Some(before) = number.checked_sub(1) {
            number = before;
            if let Some(last) = self.chunks.get(number)?.blocks.last() {
                return Some(last);
            }
        }
        None
    }

    /// The first block that begins at or after `key`.
    fn first_from(&self, key: &[u8]) -> Option<&Kept> {
        let number = count_upto(&self.fences, key);
        let chunk = self.chunks.get(number)?;
        let at = chunk.fences.search(key).0;
        let rest = self.chunks.get(number + 1..).unwrap_or_default();
        let later = rest.iter().find_map(|chunk| chunk.blocks.first());
        chunk.blocks.get(at).or(later)
    }

    /// Whether nothing is where `block` would be.
    fn is_gap(&self, block: &Block) -> bool {
        let free_before = match self.last_upto(block.from()) {
            Some(before) => before.block.to().is_some_and(|to| to <= block.from()),
            None => true,
        };
        let free_after = match self.first_from(block.from()) {
            Some(after) => block.to().is_some_and(|to| to <= after.block.from()),
            None => true,
        };
        free_before && free_after
    }

    fn insert(&mut self, block: &Block) {
        if self.chunks.is_empty() {
            self.chunks.push(Arc::default());
        }
        let number = count_upto(&self.fences, block.from());
        let Some(chunk) = self.chunks.get_mut(number) else {
            return;
        };
        let chunk = Arc::make_mut(chunk);
        chunk.insert(block);
        if chunk.blocks.len() <= CHUNK {
            return;
        }
        // Ascending inserts leave full chunks behind.
        let half = match chunk.blocks.last() {
            Some(last) if last.block.from() == block.from() => CHUNK - 8,
            _ => CHUNK / 2,
        };
        let rest = chunk.blocks.split_off(half);
        *chunk = Chunk::new(std::mem::take(&mut chunk.blocks));
        self.chunks.insert(number + 1, Arc::new(Chunk::new(rest)));
        self.fence();
    }

    /// Finds the fences of the chunks again, after some came or went.
    fn fence(&mut self) {
        self.chunks.retain(|chunk| !chunk.blocks.is_empty());
        let mut fences = Page::default();
        let firsts = self.chunks.iter().filter_map(|chunk| chunk.blocks.first());
        for first in firsts.skip(1) {
            fences.push(first.block.from(), Entry::Put(&[]));
        }
        fences.seal();
        self.fences = fences;
    }

    /// Lets blocks go that were not used since they were last looked at, until that frees so many
    /// bytes or all chunks were seen. Returns what it freed.
    fn make_room(&mut self, bytes: usize) -> usize {
        let mut freed = 0;
        for _ in 0..self.chunks.len() {
            if self.hand >= self.chunks.len() {
                self.hand = 0;
            }
            let Some(chunk) = self.chunks.get_mut(self.hand) else {
                break;
            };
            self.hand += 1;
            let chunk = Arc::make_mut(chunk);
            let before = chunk.blocks.len();
            chunk.blocks.retain(|kept| {
                let stays = kept.used.swap(false, Ordering::Relaxed);
                freed += if stays { 0 } else { memory_of(&kept.block) };
                stays
            });
            if chunk.blocks.len() < before {
                *chunk = Chunk::new(std::mem::take(&mut chunk.blocks));
            }
            if freed >= bytes {
                break;
            }
        }
        if freed > 0 && self.chunks.iter().any(|chunk| chunk.blocks.is_empty()) {
            self.fence();
        }
        freed
    }

    fn retain(&mut self, stays: impl Fn(&Block) -> bool) {
        for chunk in &mut self.chunks {
            if chunk.blocks.iter().all(|kept| stays(&kept.block)) {
                continue;
            }
            let blocks = chunk.blocks.iter().filter(|kept| stays(&kept.block));
            *chunk = Arc::new(Chunk::new(blocks.cloned().collect()));
        }
        self.fence();
    }

    fn bytes(&self) -> usize {
        let blocks = self.chunks.iter().flat_map(|chunk| &chunk.blocks);
        blocks.map(|kept| memory_of(&kept.block)).sum()
    }
}
