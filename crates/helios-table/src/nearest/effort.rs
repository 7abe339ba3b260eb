//! How much is asked of an index for so many rows: the same when it is measured and when it is used.

use helios_vector::Effort;

use crate::catalog::Method;

/// What codes of four bits and more ask for: the order that these give is nearly right.
pub(super) const FINE: usize = 2;
/// A graph follows no more than so many.
const FOLLOWED_MAX: usize = 1000;

/// What a search asks an index for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Candidates that are followed, lists or buckets that are looked at.
    pub breadth: usize,
    /// How many candidates are needed, of which the rows choose.
    pub needed: usize,
    /// Whether no more than the breadth is looked at, even if too little is found.
    pub once: bool,
}

impl Asked {
    /// For so many wanted rows, where the setting says `set` and codes put so many times as many candidates in
    /// question; 1 for exact distances.
    #[must_use]
    pub fn new(method: Method, times: u8, set: usize, wanted: usize) -> Self {
        let times = usize::from(times.max(1));
        // Who looks at more wants to know more exactly.
        let needed = match (times, method) {
            (1, _) => wanted,
            (_, Method::Ivf) => wanted.saturating_mul(times.max(set / 2)),
            (FINE, Method::Hnsw) => wanted.saturating_mul(times).max(set / 4),
            (_, Method::Hnsw) => wanted.saturating_mul(times).max(set),
            (_, Method::Lsh) => wanted.saturating_mul(times),
        };
        Self {
            breadth: match method {
                // A graph finds no more than it follows.
                Method::Hnsw => set.max(needed.min(FOLLOWED_MAX)),
                Method::Ivf | Method::Lsh => set,
            },
            needed,
            once: false,
        }
    }

    pub(super) fn effort(&self) -> Effort {
        Effort::breadth(self.breadth).only_once(self.once)
    }
}
