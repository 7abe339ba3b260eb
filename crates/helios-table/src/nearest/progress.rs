//! How far the making of an index is.

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Rows are read to learn from.
    Sampling,
    /// Vectors are added.
    Adding,
}

impl Phase {
    /// As `pg_stat_progress_create_index` shows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sampling => "building index: sampling vectors",
            Self::Adding => "building index: loading tuples",
        }
    }
}

/// How far the making of an index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Rows with a vector; none as long as they are not counted.
    pub total: u64,
    /// Of these, those that were added.
    pub done: u64,
}

/// Is told how far it is, and says whether it is to go on.
pub type Watch<'w> = &'w (dyn Fn(Option<Progress>) -> bool + Sync);
