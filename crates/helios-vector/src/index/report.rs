//! What an index tells about itself.

/// The structures there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IndexKind {
    /// A hierarchy of graphs, [`crate::Hnsw`].
    Hnsw,
    /// Lists around centroids, an inverted file.
    Ivf,
    /// Hash tables, by hashes of nearness.
    Lsh,
}

impl IndexKind {
    /// As in `USING hnsw`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hnsw => "hnsw",
            Self::Ivf => "ivf",
            Self::Lsh => "lsh",
        }
    }
}

/// Bytes in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Vectors, full or quantized.
    pub vectors: usize,
    /// What connects them: links, lists, tables, centroids.
    pub structure: usize,
    /// Ids and where they are.
    pub ids: usize,
}

impl Memory {
    /// All of it.
    #[must_use]
    pub fn total(self) -> usize {
        self.vectors + self.structure + self.ids
    }
}

/// What an index is like.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statistics {
    /// Vectors that can be found.
    pub vectors: usize,
    /// Vectors that were removed and still take room.
    pub removed: usize,
    /// Of these, those that the structure still leads through.
    pub unrepaired: usize,
    /// Vectors equal to another one.
    pub duplicates: usize,
    /// Nodes on each level of a graph; vectors in each list; entries of each table.
    pub shape: Vec<usize>,
    /// Links of a node of the lowest level, on average.
    pub degree: f64,
}

/// What a repair did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Parts of the structure that were made anew.
    pub mended: usize,
    /// Removed vectors that nothing leads through any more.
    pub released: usize,
}
