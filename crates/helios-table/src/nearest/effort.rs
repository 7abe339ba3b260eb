//! How much is asked of an index for so many rows: the same when it is measured and when it is used.

use helios_vector::Effort;

use crate::catalog::Method;

/// Distances that are estimates put so many times as many candidates in question.
const ESTIMATED: usize = 4;
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
    /// For so many wanted rows, where the setting says `set`.
    #[must_use]
    pub fn new(method: Method, estimates: bool, set: usize, wanted: usize) -> Self {
        let times = match method {
            // Who looks at more lists wants to know more exactly.
            Method::Ivf => ESTIMATED.max(set / 2),
            _ => ESTIMATED,
        };
        let needed = match (estimates, method) {
            (false, _) => wanted,
            (true, Method::Hnsw) => wanted.saturating_mul(times).max(set),
            (true, _) => wanted.saturating_mul(times),
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
