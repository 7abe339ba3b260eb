//! The options of a graph.

use crate::error::{Result, within};

/// The options of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HnswOptions {
    /// Links of a node on the upper levels; twice as many on the lowest. From 2 to 256.
    pub m: usize,
    /// Candidates that are followed to find a node's neighbours, from 4 to 10,000.
    pub ef_construction: usize,
    /// Candidates that a search follows when it is not told, from 1 to 100,000.
    pub ef_search: usize,
    /// Decides the levels of nodes.
    pub seed: u64,
}

impl Default for HnswOptions {
    fn default() -> Self {
        Self {
            m: 16,
            ef_construction: 128,
            ef_search: 64,
            seed: 0,
        }
    }
}

impl HnswOptions {
    pub(super) fn check(&self, dimensions: usize) -> Result<()> {
        within("dimensions", dimensions, 1, 65_536)?;
        within("m", self.m, 2, 256)?;
        within("ef_construction", self.ef_construction, 4, 10_000)?;
        within("ef_search", self.ef_search, 1, 100_000)?;
        Ok(())
    }
}
