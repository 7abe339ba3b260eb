//! Answers from lists.

use std::collections::HashSet;

use super::blocks::Tables;
use super::list::ListView;
use super::{Ivf, subtract};
use crate::error::Result;
use crate::filter::Filter;
use crate::index::{Effort, Scan};
use crate::kernel::kernels;
use crate::metric::Metric;
use crate::neighbour::{Neighbour, Scored, TopK};
use crate::quant::{Estimator, Quantizer};
use crate::rows::View;

/// So many times as many vectors as are wanted are looked at, where not all of them will do.
const SPARE: f64 = 8.0;

/// Where a vector is: its list and its place.
type Place = (u32, u32);

/// How the vectors of lists are scored.
enum How<'a> {
    /// As they are.
    Full,
    /// Decoded and with their centroid: of rests no quotient can be made.
    Whole(&'a dyn Quantizer),
    /// By products of the query and rests, to which centroids add what they do: one estimator, and one
    /// table for blocks, serve all lists.
    Products(Box<dyn Estimator + 'a>, Option<Tables>),
    /// By distances of rests, from the query rotated as codes are: of rotated vectors the difference is
    /// that of the vectors, rotated.
    Turned(&'a crate::quant::RabitqQuantizer, Vec<f32>),
    /// By distances of rests.
    Rests(&'a dyn Quantizer),
}

impl<'a> How<'a> {
    fn new(index: &'a Ivf, query: &[f32]) -> Self {
        let Some(quantizer) = index.quantizer.as_deref() else {
            return Self::Full;
        };
        match index.metric {
            Metric::Jaccard => Self::Whole(quantizer),
            Metric::L1 => Self::Rests(quantizer),
            _ => {
                if index.metric != Metric::InnerProduct
                    && let Some(rabitq) = quantizer.as_rabitq()
                {
                    return Self::Turned(rabitq, rabitq.turn(query));
                }
                let products = quantizer.query(Metric::InnerProduct, query);
                let tables = quantizer.tables(Metric::InnerProduct, query);
                Self::Products(products, tables.map(|table| Tables::new(&table)))
            }
        }
    }
}

/// A search of lists.
pub(super) struct IvfScan<'a> {
    index: &'a Ivf,
    query: Vec<f32>,
    how: How<'a>,
    filter: &'a dyn Filter,
    probes: usize,
    rescored: usize,
    once: bool,
    /// All lists with their scores; those at the end are in order, the last the nearest.
    order: Vec<(u32, f32)>,
    /// How many of them, at the beginning, are in no order yet.
    unordered: usize,
    started: bool,
    /// Lists of which what was too far at the time was left out.
    cut: Vec<u32>,
    /// Vectors allowed in the lists that were looked at, about.
    seen: f64,
    /// What was found and not returned, with ids.
    pending: Vec<(Scored<Place>, u64)>,
    returned: HashSet<u64>,
    compared: usize,
    scores: Vec<f32>,
}

impl Ivf {
    pub(super) fn begin<'a>(
        &'a self,
        query: &[f32],
        filter: &'a dyn Filter,
        effort: Effort,
    ) -> Result<IvfScan<'a>> {
        let query = self.metric.prepare(self.dimensions, query)?;
        let mut order = self.centroids.scores(&query);
        if self.metric == Metric::InnerProduct {
            // The largest products, not the least distances.
            for (list, score) in &mut order {
                *score = -kernels().dot(&query, self.centroids.row(*list as usize));
            }
        }
        Ok(IvfScan {
            index: self,
            how: How::new(self, &query),
            query,
            filter,
            probes: if effort.breadth == 0 {
                self.options.probes
            } else {
                effort.breadth
            },
            rescored: effort.rescored,
            once: effort.once,
            unordered: order.len(),
            order,
            started: false,
            cut: Vec::new(),
            seen: 0.0,
            pending: Vec::new(),
            returned: HashSet::new(),
            compared: 0,
            scores: Vec::new(),
        })
    }
}

impl Scan for IvfScan<'_> {
    fn next(&mut self, count: usize) -> Vec<Neighbour> {
        if count == 0 {
            return Vec::new();
        }
        // Estimates name more than are asked for, of which full vectors choose.
        let depth = match (&self.index.quantizer, self.rescored) {
            (None, _) => count,
            (Some(_), 0) => count.saturating_mul(4).saturating_add(32),
            (Some(_), rescored) => rescored.max(count),
        };
        let probes = match (self.started, self.once) {
            (false, _) => self.probes,
            (true, false) => 1,
            (true, true) => 0,
        };
        let mut best = TopK::new(depth);
        for (scored, _) in &self.pending {
            best.offer(*scored);
        }
        if self.started {
            // What was too far for the batch before may be near enough for this one.
            for list in std::mem::take(&mut self.cut) {
                self.probe(list, &mut best, false);
            }
        }
        let mut probed = 0;
        while probed < probes || self.wants_more(count) {
            let Some(list) = self.next_list() else {
                break;
            };
            self.probe(list, &mut best, !self.started);
            probed += 1;
        }
        self.started = true;
        let Some(last) = best.into_sorted().pop() else {
            return Vec::new();
        };
        let (chosen, mut rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|(scored, _)| *scored <= last);
        let mut found = self.rescore(chosen);
        found.sort_by(|(a, x), (b, y)| a.score.total_cmp(&b.score).then(x.cmp(y)));
        rest.extend(found.drain(count.min(found.len())..));
        self.pending = rest;
        let metric = self.index.metric;
        found.retain(|(_, id)| self.returned.insert(*id));
        found
            .into_iter()
            .map(|(scored, id)| Neighbour {
                id,
                distance: metric.distance(scored.score),
            })
            .collect()
    }

    fn compared(&self) -> usize {
        self.compared
    }
}

impl IvfScan<'_> {
    /// Whether lists had too few that are allowed. Where a filter leaves few in each, those of the
    /// nearest lists are not the nearest of all; and who goes on asking filters what comes.
    fn wants_more(&self, count: usize) -> bool {
        if self.once {
            return false;
        }
        let filtered = self.started || !self.filter.is_all();
        let wanted = self.returned.len().saturating_add(count) as f64;
        self.pending.len() < count || filtered && self.seen < SPARE * wanted
    }

    /// The nearest list that was not looked at. Those that are likely to be asked for are put in order
    /// at first, and the others when their turn comes.
    fn next_list(&mut self) -> Option<u32> {
        if self.order.len() == self.unordered {
            let order = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0));
            let later = match self.started {
                false => self.unordered.saturating_sub(self.probes),
                true => 0,
            };
            if later > 0 {
                self.order.select_nth_unstable_by(later, order);
            }
            self.order[later..].sort_unstable_by(order);
            self.unordered = later;
        }
        self.order.pop().map(|(list, _)| list)
    }

    /// Looks at a list. What is too far for `best` is left out if that is wanted.
    fn probe(&mut self, list: u32, best: &mut TopK<Place>, leave_out: bool) {
        let known: HashSet<Place> = if leave_out {
            HashSet::new()
        } else {
            self.pending.iter().map(|(scored, _)| scored.id).collect()
        };
        let view = self.index.lists[list as usize].load().view();
        let count = view.ids.len();
        let (filter, returned) = (self.filter, &self.returned);
        let all = filter.is_all() && view.dead.is_empty();
        let allowed = |place: usize| -> Option<u64> {
            let id = *view.ids.row(place).first()?;
            if all && known.is_empty() && returned.is_empty() {
                return Some(id);
            }
            let live = !view.dead.contains(place as u64);
            let new = !known.contains(&(list, place as u32)) && !returned.contains(&id);
            (live && new && filter.allows(id)).then_some(id)
        };
        let pending = &mut self.pending;
        let (mut asked, mut passed) = (0usize, 0usize);
        // Whom the filter refuses is not worth a look where a look costs more than the question.
        let refused = std::cell::Cell::new(0);
        let worth = |place: &usize| -> bool {
            let allowed = allowed(*place).is_some();
            refused.set(refused.get() + usize::from(!allowed));
            allowed
        };
        let mut offer = |place: usize, score: f32, best: &mut TopK<Place>| {
            if leave_out && score > best.limit() {
                return;
            }
            asked += 1;
            if let Some(id) = allowed(place) {
                passed += 1;
                let scored = Scored::new(score, (list, place as u32));
                best.offer(scored);
                pending.push((scored, id));
            }
        };
        let (index, query, scores) = (self.index, &self.query, &mut self.scores);
        let (kernels, metric) = (kernels(), index.metric);
        let centroid = index.centroids.row(list as usize);
        // Of unit vectors, half the square of the distance is one less the product.
        let finish = |square: f32| match metric {
            Metric::Cosine => square * 0.5 - 1.0,
            _ => square,
        };
        scores.clear();
        match &self.how {
            How::Full if !all => {
                for place in (0..count).filter(worth) {
                    let score = metric.score(kernels, query, view.full.row(place));
                    offer(place, score, best);
                }
            }
            How::Full => {
                for place in (0..count / 4).map(|four| four * 4) {
                    let rows = [
                        view.full.row(place),
                        view.full.row(place + 1),
                        view.full.row(place + 2),
                        view.full.row(place + 3),
                    ];
                    scores.extend(metric.score_4(kernels, query, rows));
                }
                let rest = count / 4 * 4..count;
                scores.extend(rest.map(|place| metric.score(kernels, query, view.full.row(place))));
            }
            How::Whole(quantizer) => {
                let mut vector = vec![0.0; index.dimensions];
                for place in (0..count).filter(worth) {
                    quantizer.decode(view.codes.row(place), &mut vector);
                    vector.iter_mut().zip(centroid).for_each(|(x, c)| *x += c);
                    offer(place, metric.score(kernels, query, &vector), best);
                }
            }
            How::Rests(quantizer) => {
                let mut rest = query.clone();
                subtract(&mut rest, centroid);
                let estimator = quantizer.query(metric, &rest);
                estimate(&*estimator, &view.codes, 0..count, scores);
            }
            How::Turned(rabitq, turned) => {
                let mut rest = turned.clone();
                subtract(&mut rest, index.turned_centroid(list as usize));
                let estimator = rabitq.turned_query(&rest);
                estimate(&estimator, &view.codes, 0..count, scores);
                scores.iter_mut().for_each(|score| *score = finish(*score));
            }
            How::Products(estimator, tables) => {
                // A product with the rest, or a distance: |q - c - r|² is |q - c|² and what the list
                // knows of the rest, less twice the product.
                let products = metric == Metric::InnerProduct;
                let base = match products {
                    true => -kernels.dot(query, centroid),
                    false => kernels.l2(query, centroid),
                };
                let (add, of_shift, of_score) = match metric {
                    Metric::InnerProduct => (base, 0.0, 1.0),
                    Metric::Cosine => (base * 0.5 - 1.0, 0.5, 1.0),
                    _ => (base, 1.0, 2.0),
                };
                let whole = |place: usize, score: f32| {
                    let shift = view.shifts.row(place).first().copied().unwrap_or(0.0);
                    add + of_shift * shift + of_score * score
                };
                let mut first = 0;
                if let Some(tables) = tables
                    && leave_out
                {
                    first = tables.scan(kernels, &view, count, |start, scores| {
                        scores
                            .iter_mut()
                            .for_each(|score| *score = add + of_score * *score);
                        let shifts = view.shifts.run(start, scores.len());
                        for (score, shift) in scores.iter_mut().zip(shifts) {
                            *score += of_shift * shift;
                        }
                        for (at, score) in scores.iter().enumerate() {
                            offer(start + at, *score, best);
                        }
                    });
                }
                let mut rest = Vec::new();
                estimate(&**estimator, &view.codes, first..count, &mut rest);
                for (place, score) in (first..count).zip(rest) {
                    offer(place, whole(place, score), best);
                }
            }
        }
        for (place, score) in scores.iter().enumerate() {
            offer(place, *score, best);
        }
        self.compared += count - refused.get();
        let asked = asked + refused.get();
        self.seen += passed as f64 * count as f64 / asked.max(1) as f64;
        if asked < count {
            self.cut.push(list);
        }
    }

    /// Gives candidates their true scores, where full vectors are known.
    fn rescore(&self, mut found: Vec<(Scored<Place>, u64)>) -> Vec<(Scored<Place>, u64)> {
        let index = self.index;
        if index.quantizer.is_none() || (!index.options.keep && index.source.is_none()) {
            return found;
        }
        let mut space = vec![0.0; index.dimensions];
        // Those of a list follow each other, as they were found.
        let mut last: Option<(u32, ListView)> = None;
        for (scored, id) in &mut found {
            let (list, place) = scored.id;
            let score = if index.options.keep {
                let view = match last.take() {
                    Some((same, view)) if same == list => view,
                    _ => index.lists[list as usize].load().view(),
                };
                let (_, view) = last.insert((list, view));
                // A repair may have moved it since; then the estimate stands.
                let row = view.full.row(place as usize);
                let same = view.ids.row(place as usize).first() == Some(id);
                same.then(|| index.metric.score(kernels(), &self.query, row))
            } else {
                let known = index
                    .source
                    .as_ref()
                    .is_some_and(|source| source.vector(*id, &mut space));
                known
                    .then(|| index.metric.outside(kernels(), &self.query, &space))
                    .flatten()
            };
            if let Some(score) = score {
                *scored = Scored::new(score, scored.id);
            }
        }
        found
    }
}

/// Puts the scores of some codes behind others.
fn estimate(
    estimator: &dyn Estimator,
    codes: &View<u8>,
    places: std::ops::Range<usize>,
    scores: &mut Vec<f32>,
) {
    scores.reserve(places.len());
    let fours = places.len() / 4;
    for place in (0..fours).map(|four| places.start + four * 4) {
        let four = [
            codes.row(place),
            codes.row(place + 1),
            codes.row(place + 2),
            codes.row(place + 3),
        ];
        scores.extend(estimator.score_4(four));
    }
    let ones = places.start + fours * 4..places.end;
    scores.extend(ones.map(|place| estimator.score(codes.row(place))));
}
