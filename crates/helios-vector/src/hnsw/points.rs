//! The vectors of a graph, full or quantized, and scores of them.

use std::cell::RefCell;
use std::sync::Arc;

use crate::kernel::{Kernels, kernels, prefetch};
use crate::metric::Metric;
use crate::quant::{Estimator, Quantizer};
use crate::rows::{Rows, View};

/// The vectors, as they are kept.
#[derive(Debug)]
pub(super) struct Points {
    pub(super) metric: Metric,
    pub(super) dimensions: usize,
    pub(super) quantizer: Option<Arc<dyn Quantizer>>,
    /// Empty where only codes are kept.
    pub(super) full: Rows<f32>,
    /// Empty without a quantizer.
    pub(super) codes: Rows<u8>,
    /// Whether full vectors are kept.
    pub(super) keep: bool,
    kernels: &'static dyn Kernels,
}

impl Points {
    pub(super) fn new(
        metric: Metric,
        dimensions: usize,
        quantizer: Option<Arc<dyn Quantizer>>,
        keep: bool,
    ) -> Self {
        let keep = keep || quantizer.is_none();
        Self {
            metric,
            dimensions,
            full: Rows::new(dimensions),
            codes: Rows::new(
                quantizer
                    .as_ref()
                    .map_or(1, |quantizer| quantizer.code_bytes()),
            ),
            quantizer,
            keep,
            kernels: kernels(),
        }
    }

    /// Adds prepared vectors; returns the number of the first. Calls do not overlap.
    pub(super) fn append(&self, vectors: &[f32]) -> usize {
        let mut first = 0;
        if let Some(quantizer) = &self.quantizer {
            let width = quantizer.code_bytes();
            let mut codes = vec![0; vectors.len() / self.dimensions * width];
            let places = codes.chunks_exact_mut(width);
            for (code, vector) in places.zip(vectors.chunks_exact(self.dimensions)) {
                quantizer.encode(vector, code);
            }
            first = self.codes.append(&codes);
        }
        if self.keep {
            first = self.full.append(vectors);
        }
        first
    }

    pub(super) fn view(&self) -> PointsView<'_> {
        // Full vectors are appended last, so that whoever sees one sees its code.
        let full = self.full.view();
        let codes = self.codes.view();
        let len = if self.keep { full.len() } else { codes.len() };
        PointsView {
            points: self,
            full,
            codes,
            fresh: (0, &[]),
            len,
        }
    }

    /// The same vectors again.
    pub(super) fn view_of<'a>(&'a self, view: &PointsView<'_>) -> PointsView<'a> {
        PointsView {
            points: self,
            full: Arc::clone(&view.full),
            codes: Arc::clone(&view.codes),
            fresh: (0, &[]),
            len: view.len,
        }
    }

    pub(super) fn memory(&self) -> usize {
        let quantizer = self
            .quantizer
            .as_ref()
            .map_or(0, |quantizer| quantizer.memory());
        self.full.view().memory() + self.codes.view().memory() + quantizer
    }
}

/// The vectors there were when it was taken.
#[derive(Debug)]
pub(super) struct PointsView<'a> {
    points: &'a Points,
    pub(super) full: Arc<View<f32>>,
    pub(super) codes: Arc<View<u8>>,
    /// Vectors from a node on that are known in full though codes are all that is kept: those that
    /// are being added. A graph of what codes stand for would be worse, and takes longer.
    fresh: (usize, &'a [f32]),
    len: usize,
}

impl<'a> PointsView<'a> {
    /// With the vectors of the nodes from `first` on.
    pub(super) fn with_fresh(self, first: usize, rows: &'a [f32]) -> Self {
        let fresh = (first, rows);
        Self { fresh, ..self }
    }

    /// With those that another view knows in full.
    pub(super) fn with_fresh_of(self, other: &PointsView<'a>) -> Self {
        let fresh = other.fresh;
        Self { fresh, ..self }
    }

    /// The vector of a node that is being added.
    #[inline]
    fn fresh(&self, node: u32) -> Option<&[f32]> {
        let (first, rows) = self.fresh;
        let start = (node as usize).checked_sub(first)? * self.points.dimensions;
        rows.get(start..start + self.points.dimensions)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether two nodes have equal vectors, as they are kept for searching.
    pub(super) fn same(&self, a: u32, b: u32) -> bool {
        match self.points.quantizer {
            Some(_) => self.codes.row(a as usize) == self.codes.row(b as usize),
            None => self.full.row(a as usize) == self.full.row(b as usize),
        }
    }

    /// The vector of a node, decoded if need be.
    pub(super) fn vector<'v>(&'v self, node: u32, space: &'v mut Vec<f32>) -> &'v [f32] {
        match &self.points.quantizer {
            Some(quantizer) if !self.points.keep => {
                if let Some(row) = self.fresh(node) {
                    return row;
                }
                space.resize(self.points.dimensions, 0.0);
                quantizer.decode(self.codes.row(node as usize), space);
                space
            }
            _ => self.full.row(node as usize),
        }
    }

    /// Whether full vectors are not kept.
    pub(super) fn codes_only(&self) -> bool {
        !self.points.keep
    }

    /// The score of two vectors.
    pub(super) fn between(&self, a: &[f32], b: &[f32]) -> f32 {
        self.points.metric.score(self.points.kernels, a, b)
    }

    /// The score of a prepared vector and one as it was inserted; `None` if that is refused.
    pub(super) fn outside(&self, query: &[f32], row: &[f32]) -> Option<f32> {
        self.points.metric.outside(self.points.kernels, query, row)
    }

    /// Scores by full vectors, which there must be.
    pub(super) fn by_full<'q>(&'q self, query: &'q [f32]) -> ByFull<'q> {
        ByFull {
            metric: self.points.metric,
            kernels: self.points.kernels,
            view: &self.full,
            query,
        }
    }

    /// Scores by full vectors, which there must be, of those that codes do not rule out.
    pub(super) fn by_both<'q>(&'q self, code: &'q ByCode<'q>, query: &'q [f32]) -> ByBoth<'q> {
        ByBoth {
            code,
            full: self.by_full(query),
            near: RefCell::default(),
        }
    }

    /// Scores by codes, and by vectors where they are being added.
    pub(super) fn by_fresh<'q>(
        &'q self,
        quantizer: &'q dyn Quantizer,
        query: &'q [f32],
    ) -> ByFresh<'q> {
        ByFresh {
            points: self,
            code: self.by_code(quantizer, query),
            query,
        }
    }

    /// Scores by codes.
    pub(super) fn by_code<'q>(&'q self, quantizer: &'q dyn Quantizer, query: &[f32]) -> ByCode<'q> {
        ByCode {
            view: &self.codes,
            estimator: quantizer.query(self.points.metric, query),
        }
    }
}

/// Scores of nodes against one query.
pub(super) trait Score {
    /// Asks for what it takes to score a node.
    fn prefetch(&self, node: u32);
    /// The score of a node.
    fn score(&self, node: u32) -> f32;
    /// The scores of four.
    fn score_4(&self, nodes: [u32; 4]) -> [f32; 4];

    /// Appends the scores of nodes.
    #[inline]
    fn scores(&self, nodes: &[u32], scores: &mut Vec<f32>) {
        scores.clear();
        let (fours, ones) = nodes.as_chunks::<4>();
        for four in fours {
            scores.extend(self.score_4(*four));
        }
        scores.extend(ones.iter().map(|node| self.score(*node)));
    }

    /// As [`Score::scores`]; nodes that are no better than `limit` may have an infinite one.
    #[inline]
    fn scores_within(&self, nodes: &[u32], _limit: f32, scores: &mut Vec<f32>) {
        self.scores(nodes, scores);
    }
}

/// Four rows: spelt out, since `map` of an array would call for each of them.
#[inline(always)]
fn four<T: Copy + Default>(view: &View<T>, [a, b, c, d]: [u32; 4]) -> [&[T]; 4] {
    [
        view.row(a as usize),
        view.row(b as usize),
        view.row(c as usize),
        view.row(d as usize),
    ]
}

/// Scores by full vectors.
#[derive(Debug)]
pub(super) struct ByFull<'q> {
    metric: Metric,
    kernels: &'static dyn Kernels,
    view: &'q View<f32>,
    query: &'q [f32],
}

impl Score for ByFull<'_> {
    #[inline]
    fn prefetch(&self, node: u32) {
        prefetch(self.view.row(node as usize));
    }

    #[inline]
    fn score(&self, node: u32) -> f32 {
        let row = self.view.row(node as usize);
        self.metric.score(self.kernels, self.query, row)
    }

    #[inline]
    fn score_4(&self, nodes: [u32; 4]) -> [f32; 4] {
        let rows = four(self.view, nodes);
        self.metric.score_4(self.kernels, self.query, rows)
    }
}

/// Scores by codes.
pub(super) struct ByCode<'q> {
    view: &'q View<u8>,
    estimator: Box<dyn Estimator + 'q>,
}

impl ByCode<'_> {
    /// How far the true score may be from the one estimated.
    pub(super) fn error(&self, node: u32) -> Option<f32> {
        self.estimator.error(self.view.row(node as usize))
    }
}

impl Score for ByCode<'_> {
    #[inline]
    fn prefetch(&self, node: u32) {
        prefetch(self.view.row(node as usize));
    }

    #[inline]
    fn score(&self, node: u32) -> f32 {
        self.estimator.score(self.view.row(node as usize))
    }

    #[inline]
    fn score_4(&self, nodes: [u32; 4]) -> [f32; 4] {
        self.estimator.score_4(four(self.view, nodes))
    }
}

/// Scores by full vectors of nodes that may be good enough by their codes, which say so at a tenth of
/// the cost and for most nodes that they are not.
pub(super) struct ByBoth<'q> {
    code: &'q ByCode<'q>,
    full: ByFull<'q>,
    /// Places of nodes that are not ruled out.
    near: RefCell<Vec<(usize, u32)>>,
}

impl Score for ByBoth<'_> {
    #[inline]
    fn prefetch(&self, node: u32) {
        self.code.prefetch(node);
    }

    #[inline]
    fn score(&self, node: u32) -> f32 {
        self.full.score(node)
    }

    #[inline]
    fn score_4(&self, nodes: [u32; 4]) -> [f32; 4] {
        self.full.score_4(nodes)
    }

    #[inline]
    fn scores_within(&self, nodes: &[u32], limit: f32, scores: &mut Vec<f32>) {
        self.code.scores(nodes, scores);
        let near = &mut *self.near.borrow_mut();
        near.clear();
        for (at, (node, score)) in nodes.iter().zip(scores.iter_mut()).enumerate() {
            // What is just within the limit matters little to a search: it would be followed last, if at
            // all. So an estimate that is a little too far is believed.
            if *score >= limit {
                *score = f32::INFINITY;
            } else {
                self.full.prefetch(*node);
                near.push((at, *node));
            }
        }
        let (fours, ones) = near.as_chunks::<4>();
        for four in fours {
            let found = self.full.score_4(four.map(|(_, node)| node));
            for ((at, _), found) in four.iter().zip(found) {
                scores[*at] = found;
            }
        }
        for (at, node) in ones {
            scores[*at] = self.full.score(*node);
        }
    }
}

/// Scores by codes, but by vectors for those that are being added.
pub(super) struct ByFresh<'q> {
    points: &'q PointsView<'q>,
    code: ByCode<'q>,
    query: &'q [f32],
}

impl Score for ByFresh<'_> {
    #[inline]
    fn prefetch(&self, node: u32) {
        match self.points.fresh(node) {
            Some(row) => prefetch(row),
            None => self.code.prefetch(node),
        }
    }

    #[inline]
    fn score(&self, node: u32) -> f32 {
        match self.points.fresh(node) {
            Some(row) => self.points.between(self.query, row),
            None => self.code.score(node),
        }
    }

    #[inline]
    fn score_4(&self, nodes: [u32; 4]) -> [f32; 4] {
        let Points {
            metric, kernels, ..
        } = self.points.points;
        match nodes.map(|node| self.points.fresh(node)) {
            [Some(a), Some(b), Some(c), Some(d)] => {
                metric.score_4(*kernels, self.query, [a, b, c, d])
            }
            _ => nodes.map(|node| self.score(node)),
        }
    }
}
