//! Which nodes a search has met.

/// A bit for each node, emptied by going over what was set: a search meets a few thousand of a
/// million nodes, and a million bits stay in the second cache where a million counters do not.
#[derive(Debug, Default)]
pub(super) struct Visited {
    words: Vec<u64>,
    /// Words that have bits, each once.
    touched: Vec<u32>,
    count: usize,
}

impl Visited {
    /// Empties it and makes room for so many nodes.
    pub(super) fn clear(&mut self, nodes: usize) {
        for word in self.touched.drain(..) {
            if let Some(word) = self.words.get_mut(word as usize) {
                *word = 0;
            }
        }
        self.count = 0;
        let words = nodes.div_ceil(64);
        if self.words.len() < words {
            self.words.resize(words, 0);
        }
    }

    /// Notes a node; tells whether it is new. Nodes beyond the room count as met.
    #[inline]
    pub(super) fn insert(&mut self, node: u32) -> bool {
        let Some(word) = self.words.get_mut(node as usize / 64) else {
            return false;
        };
        let bit = 1u64 << (node % 64);
        if *word & bit != 0 {
            return false;
        }
        if *word == 0 {
            self.touched.push(node / 64);
        }
        *word |= bit;
        self.count += 1;
        true
    }

    /// How many nodes were noted.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}
