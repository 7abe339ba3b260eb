//! What belongs to some nodes: links, ids, whether they were removed, and what few of them have.
//!
//! A node has a few words of its own for the links of the lowest level, which lie side by side with
//! those of its neighbours by number, and a place in [`Blocks`] for links beyond these, to which the
//! last of its own words then leads.

use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::blocks::{Blocks, MORE};
use super::links::{KEPT, NONE};
use super::rare::Rare;
use crate::kernel::{Pages, prefetch};

/// Nodes of the first chunks, that small graphs take little room, of the next and of all others, whose
/// lists fill large pages.
const FEW: usize = 1 << 10;
const SOME: usize = 1 << 14;
const MANY: usize = 1 << 16;
/// The first node in a chunk of [`MANY`].
const FIRST_OF_MANY: usize = 1 << 18;

/// The chunk of a node, and its place there.
#[inline]
pub(super) fn place(node: usize) -> (usize, usize) {
    if node < SOME {
        (node / FEW, node % FEW)
    } else if node < FIRST_OF_MANY {
        (SOME / FEW - 1 + node / SOME, node % SOME)
    } else {
        let before = SOME / FEW - 1 + FIRST_OF_MANY / SOME;
        (before - FIRST_OF_MANY / MANY + node / MANY, node % MANY)
    }
}

/// How many nodes a chunk has.
fn nodes_of(chunk: usize) -> usize {
    const SOME_AT: usize = SOME / FEW;
    const MANY_AT: usize = SOME_AT - 1 + FIRST_OF_MANY / SOME;
    match chunk {
        0..SOME_AT => FEW,
        SOME_AT..MANY_AT => SOME,
        _ => MANY,
    }
}

/// How long lists of the lowest level are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Words of a node's own.
    pub(super) own: usize,
    /// Most links.
    pub(super) most: usize,
}

/// What belongs to some nodes.
#[derive(Debug)]
pub(super) struct Chunk {
    shape: Shape,
    links: Pages<AtomicU32>,
    blocks: Blocks,
    ids: Pages<AtomicU64>,
    /// The next node with an equal vector.
    pub(super) twins: Rare,
    upper: Upper,
    /// Bits of removed nodes.
    dead: Pages<AtomicU64>,
}

impl Chunk {
    /// The chunk of this number, without links.
    pub(super) fn empty(number: usize, shape: Shape) -> Self {
        let nodes = nodes_of(number);
        let doubles = |count| Pages::new(count, || AtomicU64::new(0));
        // The last of a node's own words gives way to the one that leads to the others.
        let more = (shape.most > shape.own).then_some(shape.most + 1 - shape.own);
        Self {
            shape,
            links: Pages::new(nodes * shape.own, || AtomicU32::new(NONE)),
            blocks: Blocks::new(nodes, more.unwrap_or(0)),
            ids: doubles(nodes),
            twins: Rare::new(nodes),
            upper: Upper::new(nodes),
            dead: doubles(nodes / 64),
        }
    }

    /// The bytes of the structure, and those of ids.
    pub(super) fn memory(&self) -> (usize, usize) {
        let lists = size_of_val(&*self.links) + self.blocks.memory();
        let others = self.twins.memory() + self.upper.memory() + size_of_val(&*self.dead);
        (size_of::<Self>() + lists + others, size_of_val(&*self.ids))
    }

    /// A node's own words.
    #[inline]
    pub(super) fn own(&self, at: usize) -> &[AtomicU32] {
        let width = self.shape.own;
        let words = self.links.get(at * width..(at + 1) * width);
        words.unwrap_or_default()
    }

    /// The word that may lead to more.
    #[inline]
    pub(super) fn last<'a>(&self, own: &'a [AtomicU32]) -> Option<&'a AtomicU32> {
        own.last().filter(|_| self.shape.most > self.shape.own)
    }

    /// The words of a node's list; who holds its lock sees them all.
    #[inline]
    pub(super) fn parts(&self, at: usize) -> [&[AtomicU32]; 2] {
        let own = self.own(at);
        let more = self.last(own).map(|last| last.load(Ordering::Acquire));
        match more.and_then(|more| self.blocks.get(more)) {
            Some(block) => [&own[..own.len() - 1], block],
            None => [own, &[]],
        }
    }

    #[inline]
    pub(super) fn prefetch(&self, at: usize) {
        prefetch(self.own(at));
    }

    /// Calls `each` for each link of a list that begins with these words, the last of which may lead to
    /// more. Where the list is changed meanwhile some may come twice, or links of other nodes, but none is
    /// missing that stays in its place of the list.
    #[inline(always)]
    pub(super) fn walk(
        &self,
        own: &[AtomicU32],
        last: Option<&AtomicU32>,
        mut each: impl FnMut(u32),
    ) {
        let mut more = last.map_or(NONE, |last| last.load(Ordering::Acquire));
        let mut block = self.blocks.get(more);
        let mut words = own;
        if let Some(block) = block {
            words = &own[..own.len() - 1];
            // It comes while what is at hand is looked at.
            prefetch(block);
        }
        // One loop for all parts, so that `each` is in one place and part of it.
        loop {
            for word in words {
                let word = word.load(Ordering::Acquire);
                // It ends, or has come to lead to more meanwhile.
                if word & MORE != 0 {
                    break;
                }
                each(word & !KEPT);
            }
            let Some(last) = last.filter(|_| more != NONE) else {
                return;
            };
            if let Some(block) = block.take() {
                words = block;
                continue;
            }
            let now = last.load(Ordering::Acquire);
            if now == more {
                return;
            }
            // The list has moved, and what was read may be another node's.
            more = now;
            words = match self.blocks.get(now) {
                Some(block) => block,
                None => std::slice::from_ref(last),
            };
        }
    }

    /// Puts links, with their marks, in place of those of a node, whose lock is held or that nobody can
    /// reach yet. Those that find no room are left out.
    pub(super) fn set(&self, at: usize, links: &[u32]) {
        let own = self.own(at);
        let Some(last) = self.last(own) else {
            return fill(own, links);
        };
        let more = last.load(Ordering::Acquire);
        let old = self.blocks.get(more).map(|_| more);
        if links.len() <= own.len() {
            fill(own, links);
            old.into_iter().for_each(|old| self.blocks.give(old));
            return;
        }
        let (first, rest) = links.split_at(own.len() - 1);
        let new = match old {
            Some(old) if self.blocks.suits(old, rest.len()) => Some(old),
            _ => self.blocks.take(rest.len()),
        };
        // Without any other place, which does not happen, the old one holds what it can.
        let Some(place) = new.or(old) else {
            return fill(own, &links[..own.len()]);
        };
        self.blocks.fill(place, rest.iter().copied());
        fill(&own[..first.len()], first);
        last.store(place, Ordering::Release);
        let left = old.filter(|old| *old != place);
        left.into_iter().for_each(|old| self.blocks.give(old));
    }

    /// Adds a link behind those of a node, whose lock is held; tells whether there was room.
    pub(super) fn push(&self, at: usize, link: u32) -> bool {
        let parts = self.parts(at);
        let free = parts.into_iter().flatten();
        let free = free
            .into_iter()
            .find(|word| word.load(Ordering::Relaxed) == NONE);
        if let Some(word) = free {
            word.store(link, Ordering::Release);
            return true;
        }
        let words = parts.into_iter().flatten();
        let mut all: Vec<u32> = words.map(|word| word.load(Ordering::Relaxed)).collect();
        if all.len() >= self.shape.most {
            return false;
        }
        all.push(link);
        self.set(at, &all);
        true
    }

    pub(super) fn id(&self, at: usize) -> u64 {
        self.ids[at].load(Ordering::Relaxed)
    }

    pub(super) fn set_id(&self, at: usize, id: u64) {
        self.ids[at].store(id, Ordering::Release);
    }

    pub(super) fn is_dead(&self, at: usize) -> bool {
        self.dead[at / 64].load(Ordering::Acquire) >> (at % 64) & 1 == 1
    }

    /// Marks a node as removed; tells whether it was not before.
    pub(super) fn kill(&self, at: usize) -> bool {
        let bit = 1 << (at % 64);
        self.dead[at / 64].fetch_or(bit, Ordering::AcqRel) & bit == 0
    }

    /// Where the upper lists of a node are.
    #[inline]
    pub(super) fn upper(&self, at: usize) -> Option<u32> {
        self.upper.get(at)
    }

    /// Notes where the upper lists of a node are, which is behind all that have been noted.
    pub(super) fn set_upper(&self, at: usize, offset: u32) {
        self.upper.push(at, offset);
    }
}

fn fill(words: &[AtomicU32], links: &[u32]) {
    let mut links = links.iter().copied();
    for word in words {
        word.store(links.next().unwrap_or(NONE), Ordering::Release);
    }
}

/// Where upper lists are, of the few nodes that have them: a bit for each node, and the places one after
/// the other, of which the bits before it count those before a node's.
#[derive(Debug)]
struct Upper {
    bits: Box<[AtomicU64]>,
    /// How many bits are set before each word that has one.
    before: Box<[AtomicU16]>,
    places: Rare,
    count: AtomicUsize,
}

impl Upper {
    fn new(nodes: usize) -> Self {
        let words = nodes.div_ceil(64);
        Self {
            bits: (0..words).map(|_| AtomicU64::new(0)).collect(),
            before: (0..words).map(|_| AtomicU16::new(0)).collect(),
            places: Rare::new(nodes),
            count: AtomicUsize::new(0),
        }
    }

    #[inline]
    fn get(&self, at: usize) -> Option<u32> {
        let bits = self.bits.get(at / 64)?.load(Ordering::Acquire);
        let bit = 1 << (at % 64);
        if bits & bit == 0 {
            return None;
        }
        let before = self.before.get(at / 64)?.load(Ordering::Relaxed);
        let within = (bits & (bit - 1)).count_ones();
        self.places.get(usize::from(before) + within as usize)
    }

    /// Calls come by ascending nodes, one after the other.
    fn push(&self, at: usize, place: u32) {
        let (Some(bits), Some(before)) = (self.bits.get(at / 64), self.before.get(at / 64)) else {
            return;
        };
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        if bits.load(Ordering::Relaxed) == 0 {
            // Before a word there are fewer nodes than 16 bits count.
            before.store(count as u16, Ordering::Relaxed);
        }
        self.places.set(count, Some(place));
        bits.fetch_or(1 << (at % 64), Ordering::Release);
    }

    fn memory(&self) -> usize {
        size_of_val(&*self.bits) + size_of_val(&*self.before) + self.places.memory()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn visit(chunk: &Chunk, at: usize, each: impl FnMut(u32)) {
        let own = chunk.own(at);
        chunk.walk(own, chunk.last(own), each);
    }

    #[test]
    fn chunks_have_all_nodes_once() {
        let mut chunk = 0;
        let mut next = 0;
        for node in (0..FIRST_OF_MANY + 3 * MANY).step_by(64) {
            if node == next {
                assert_eq!(place(node), (chunk, 0));
                next += nodes_of(chunk);
                chunk += 1;
            }
            let at = node + nodes_of(chunk - 1) - next;
            assert_eq!(place(node), (chunk - 1, at));
        }
    }

    #[test]
    fn few_nodes_have_upper_lists() {
        let mut rng = Rng::new(4);
        for share in [1, 2, 16, 1000] {
            let upper = Upper::new(MANY);
            let mut places = vec![None; MANY];
            for (at, place) in places.iter_mut().enumerate() {
                if rng.below(share) == 0 {
                    *place = Some(rng.below(1 << 30) as u32);
                    upper.push(at, place.unwrap_or_default());
                }
                assert_eq!(upper.get(at), *place);
            }
            assert!((0..MANY).all(|at| upper.get(at) == places[at]));
        }
    }

    /// Lists beside vectors of the same numbers.
    #[test]
    fn lists_hold_what_was_put_there() {
        for (own, most) in [(4, 6), (8, 16), (16, 32), (32, 32)] {
            let chunk = Chunk::empty(0, Shape { own, most });
            let mut lists = vec![Vec::new(); 100];
            let mut rng = Rng::new(own as u64);
            for _ in 0..20_000 {
                let node = rng.below(lists.len());
                let link = rng.below(1 << 20) as u32 | [0, KEPT][rng.below(2)];
                if rng.below(9) == 0 {
                    lists[node] = (0..rng.below(most + 1) as u32).collect();
                    chunk.set(node, &lists[node]);
                } else if chunk.push(node, link) {
                    lists[node].push(link);
                } else {
                    assert_eq!(lists[node].len(), most);
                }
                let words = chunk.parts(node).into_iter().flatten();
                let words = words.map(|word| word.load(Ordering::Relaxed));
                let found: Vec<u32> = words.take_while(|word| *word != NONE).collect();
                assert_eq!(found, lists[node]);
                let mut visited = Vec::new();
                visit(&chunk, node, |link| visited.push(link));
                let meant: Vec<u32> = found.iter().map(|link| link & !KEPT).collect();
                assert_eq!(visited, meant);
            }
        }
    }

    /// Who reads a list that moves never misses what stays in its place of the list.
    #[test]
    fn links_that_stay_are_met_while_lists_move() {
        use std::sync::atomic::AtomicBool;
        let (own, most, nodes) = (4, 12, 8u32);
        let chunk = Chunk::empty(0, Shape { own, most });
        // Each node keeps a hundred times its number, among others' places.
        let stays = |node: u32| node * 100 + 100;
        let list = |node: u32, length: usize| -> Vec<u32> {
            let link = |at| if at == 5 { stays(node) } else { at };
            (0..length as u32).map(link).collect()
        };
        for node in 0..nodes {
            chunk.set(node as usize, &list(node, 6));
        }
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for writer in 0..2 {
                let (chunk, done, list) = (&chunk, &done, &list);
                scope.spawn(move || {
                    let mut rng = Rng::new(u64::from(writer));
                    for _ in 0..100_000 {
                        // The first half belongs to one, the second to the other.
                        let node = rng.below(nodes as usize / 2) as u32 + writer * nodes / 2;
                        let length = 6 + rng.below(most - 5);
                        chunk.set(node as usize, &list(node, length));
                    }
                    done.store(true, Ordering::Release);
                });
            }
            let mut rng = Rng::new(9);
            while !done.load(Ordering::Acquire) {
                let node = rng.below(nodes as usize) as u32;
                let mut met = false;
                visit(&chunk, node as usize, |link| {
                    met |= link == stays(node);
                    assert!(link < most as u32 || link % 100 == 0, "{link}");
                });
                assert!(met);
            }
        });
    }
}
