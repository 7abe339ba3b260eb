//! What every index structure promises.

mod effort;
mod report;

use crate::error::Result;
use crate::filter::Filter;
use crate::metric::Metric;
use crate::neighbour::Neighbour;
use crate::work::Work;

pub use effort::Effort;
pub use report::{IndexKind, Memory, Repaired, Statistics};

/// Vectors with ids, found by nearness.
///
/// An index answers *approximately which* of its vectors are near, and never says anything false
/// about those it returns: an id that is in it, allowed by the filter, with its distance. What a
/// statement may see is the caller's business, through the [`Filter`]; rows that the index does not
/// have yet are searched with [`crate::Exact`] beside it.
///
/// # Threads
/// Everything takes `&self`. A search never waits for an insert, a removal, a repair or another
/// search; it answers about some moment not before it began. Writers may come from many threads.
///
/// # Failures
/// Nothing panics for what it is given. An error leaves the index as it was before the vector that
/// caused it.
pub trait Index: Send + Sync + std::fmt::Debug {
    /// The structure.
    fn kind(&self) -> IndexKind;

    /// What it means by near.
    fn metric(&self) -> Metric;

    /// The dimensions of its vectors.
    fn dimensions(&self) -> usize;

    /// What stands for vectors in it, for people; `None` if they are as they were.
    fn codes(&self) -> Option<String> {
        None
    }

    /// How many vectors it would return to an unlimited search.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it has the id.
    fn contains(&self, id: u64) -> bool;

    /// Adds vectors, one after the other in `vectors`, on as many threads as `work` grants.
    ///
    /// # Errors
    /// Fails on a vector that [`Metric::prepare`] refuses and on an id that is there already, before
    /// anything is added; fails if it is cancelled, when some of them have been added, which can be
    /// removed by their ids.
    fn insert(&self, ids: &[u64], vectors: &[f32], work: Work<'_>) -> Result<()>;

    /// Forgets an id: it is in no answer that begins later. Tells whether it was there.
    fn remove(&self, id: u64) -> bool;

    /// Mends the structure where vectors were removed, so that the others are found as if those had
    /// never been there. Due when [`Statistics::removed`] exceeds a tenth of the vectors.
    ///
    /// # Errors
    /// Fails if it is cancelled; what was mended stays.
    fn repair(&self, work: Work<'_>) -> Result<Repaired>;

    /// The `k` nearest that the filter allows, the nearest first; fewer only if it allows fewer.
    ///
    /// # Errors
    /// Fails on a query that [`Metric::prepare`] refuses.
    fn search(
        &self,
        query: &[f32],
        k: usize,
        filter: &dyn Filter,
        effort: Effort,
    ) -> Result<Vec<Neighbour>>;

    /// Begins a search that hands out its answers in batches, for callers that do not know how many
    /// they need, such as a join behind it.
    ///
    /// # Errors
    /// Fails on a query that [`Metric::prepare`] refuses.
    fn scan<'a>(
        &'a self,
        query: &[f32],
        filter: &'a dyn Filter,
        effort: Effort,
    ) -> Result<Box<dyn Scan + 'a>>;

    /// What it holds in memory.
    fn memory(&self) -> Memory;

    /// What it is like.
    fn statistics(&self) -> Statistics;

    /// Writes all of it. Inserts wait meanwhile, searches do not.
    ///
    /// # Errors
    /// Fails if `out` does.
    fn save(&self, out: &mut dyn std::io::Write) -> Result<()>;
}

/// A search that can be continued.
pub trait Scan {
    /// The next `count`, the nearest first within the batch; fewer only when there are no more. No id
    /// comes twice. A later batch may hold something nearer than what an earlier one had: who needs
    /// strict order sorts what it takes, or drops what comes too late.
    fn next(&mut self, count: usize) -> Vec<Neighbour>;

    /// How many vectors were compared with the query so far.
    fn compared(&self) -> usize;
}

/// Full vectors kept outside an index, by which candidates found in quantized ones are put in order.
pub trait Source: Send + Sync + std::fmt::Debug {
    /// Puts the vector into `vector`, as it was inserted; tells whether there is one.
    fn vector(&self, id: u64, vector: &mut [f32]) -> bool;

    /// The vector, as it was inserted, if it lies in memory: then it is asked for before it is needed, and
    /// not copied.
    fn lying(&self, _id: u64) -> Option<&[f32]> {
        None
    }
}

/// Checks a batch before anything of it is added.
pub(crate) fn check_batch(
    metric: Metric,
    dimensions: usize,
    ids: &[u64],
    vectors: &[f32],
) -> Result<Vec<f32>> {
    if vectors.len() != ids.len() * dimensions {
        return Err(crate::Error::Dimensions {
            expected: dimensions,
            found: vectors.len() / ids.len().max(1),
        });
    }
    let mut prepared = vectors.to_vec();
    for row in prepared.chunks_exact_mut(dimensions) {
        crate::metric::check(dimensions, row)?;
        if metric == Metric::Cosine {
            crate::metric::normalize(row)?;
        }
    }
    Ok(prepared)
}
