//! How hard a search tries.

/// How hard a search tries; zero leaves it to the index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effort {
    /// Candidates that are followed: `ef_search` of a graph, `probes` of lists and of hash tables.
    pub breadth: usize,
    /// Candidates that are compared exactly, where vectors are quantized.
    pub rescored: usize,
    /// Lists beyond the breadth are not looked at, even if those within it hold too few.
    pub once: bool,
}

impl Effort {
    /// So many candidates or probes.
    #[must_use]
    pub fn breadth(breadth: usize) -> Self {
        Self {
            breadth,
            ..Self::default()
        }
    }

    /// Looks at no more lists than the breadth says.
    #[must_use]
    pub fn only_once(mut self, once: bool) -> Self {
        self.once = once;
        self
    }

    /// Compares so many candidates exactly.
    #[must_use]
    pub fn rescoring(mut self, rescored: usize) -> Self {
        self.rescored = rescored;
        self
    }
}
