//! How hard a search tries.

/// How hard a search tries; zero leaves it to the index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effort {
    /// Candidates that are followed: `ef_search` of a graph, `probes` of lists and of hash tables.
    pub breadth: usize,
    /// Candidates that are compared exactly, where vectors are quantized.
    pub rescored: usize,
}

impl Effort {
    /// So many candidates or probes.
    #[must_use]
    pub fn breadth(breadth: usize) -> Self {
        Self {
            breadth,
            rescored: 0,
        }
    }

    /// Compares so many candidates exactly.
    #[must_use]
    pub fn rescoring(mut self, rescored: usize) -> Self {
        self.rescored = rescored;
        self
    }
}
