//! What a search finds, and the best few of many.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A vector that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// The caller's id.
    pub id: u64,
    /// The distance, as SQL shows it.
    pub distance: f32,
}

/// Something with a score; the least score is the nearest, and equal scores are ordered by id, so
/// that answers do not depend on threads or on the order of insertion.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scored<I> {
    pub(crate) score: f32,
    pub(crate) id: I,
}

impl<I> Scored<I> {
    /// A score that is no number comes last, whatever its sign.
    #[inline]
    pub(crate) fn new(score: f32, id: I) -> Self {
        let score = if score.is_nan() { f32::NAN } else { score };
        Self { score, id }
    }
}

impl<I: Ord> Ord for Scored<I> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.score
            .total_cmp(&other.score)
            .then_with(|| self.id.cmp(&other.id))
    }
}

impl<I: Ord> PartialOrd for Scored<I> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<I: Ord> PartialEq for Scored<I> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<I: Ord> Eq for Scored<I> {}

/// The best `k` of what it is offered.
#[derive(Debug, Clone)]
pub(crate) struct TopK<I> {
    k: usize,
    heap: BinaryHeap<Scored<I>>,
}

impl<I: Ord + Copy> TopK<I> {
    pub(crate) fn new(k: usize) -> Self {
        // A huge `k` is a question, not a promise of as many answers.
        Self {
            k,
            heap: BinaryHeap::with_capacity(k.min(4096)),
        }
    }

    /// What a score must not exceed to be among the best.
    #[inline]
    pub(crate) fn limit(&self) -> f32 {
        match self.heap.peek() {
            Some(worst) if self.heap.len() >= self.k => worst.score,
            _ if self.k == 0 => f32::NEG_INFINITY,
            _ => f32::NAN,
        }
    }

    /// Takes it in if it is among the best so far.
    #[inline]
    pub(crate) fn offer(&mut self, scored: Scored<I>) {
        if self.heap.len() < self.k {
            self.heap.push(scored);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && scored < *worst
        {
            *worst = scored;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for scored in other.heap {
            self.offer(scored);
        }
    }

    /// The nearest first.
    pub(crate) fn into_sorted(self) -> Vec<Scored<I>> {
        self.heap.into_sorted_vec()
    }
}
