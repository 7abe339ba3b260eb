//! Answers from lists.

use std::collections::HashSet;

use super::blocks::{BLOCK, Tables};
use super::list::ListView;
use super::{Ivf, subtract};
use crate::error::Result;
use crate::filter::Filter;
use crate::index::{Effort, Scan};
use crate::kernel::kernels;
use crate::metric::{Metric, check, normalize};
use crate::neighbour::{Neighbour, Scored, TopK};

/// So many times as many vectors as are wanted are looked at, where not all of them will do.
const SPARE: f64 = 8.0;

/// Where a vector is: its list and its place.
type Place = (u32, u32);

/// A search of lists.
pub(super) struct IvfScan<'a> {
    index: &'a Ivf,
    query: Vec<f32>,
    filter: &'a dyn Filter,
    probes: usize,
    rescored: usize,
    once: bool,
    /// All lists, the last the nearest.
    order: Vec<u32>,
    started: bool,
    /// Lists of which blocks left out what was too far at the time.
    cut: Vec<u32>,
    /// Vectors allowed in the lists that were looked at, about.
    seen: f64,
    /// What was found and not returned, with ids.
    pending: Vec<(Scored<Place>, u64)>,
    returned: HashSet<u64>,
    compared: usize,
}

impl Ivf {
    pub(super) fn begin<'a>(
        &'a self,
        query: &[f32],
        filter: &'a dyn Filter,
        effort: Effort,
    ) -> Result<IvfScan<'a>> {
        let query = self.metric.prepare(self.dimensions, query)?;
        let mut order = self.centroids.nearest(&query, usize::MAX);
        if self.metric == Metric::InnerProduct {
            // The largest products, not the least distances.
            for (list, score) in &mut order {
                *score = -kernels().dot(&query, self.centroids.row(*list as usize));
            }
            order.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        }
        Ok(IvfScan {
            index: self,
            query,
            filter,
            probes: if effort.breadth == 0 {
                self.options.probes
            } else {
                effort.breadth
            },
            rescored: effort.rescored,
            once: effort.once,
            order: order.into_iter().rev().map(|(list, _)| list).collect(),
            started: false,
            cut: Vec::new(),
            seen: 0.0,
            pending: Vec::new(),
            returned: HashSet::new(),
            compared: 0,
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
            let Some(list) = self.order.pop() else {
                break;
            };
            self.probe(list, &mut best, !self.started);
            probed += 1;
        }
        self.started = true;
        let nearest: HashSet<Place> = best
            .into_sorted()
            .into_iter()
            .map(|scored| scored.id)
            .collect();
        let (chosen, mut rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|(scored, _)| nearest.contains(&scored.id));
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

    /// Looks at a list, in blocks if that is wanted and possible.
    fn probe(&mut self, list: u32, best: &mut TopK<Place>, blocks: bool) {
        let known: HashSet<Place> = if blocks {
            HashSet::new()
        } else {
            self.pending.iter().map(|(scored, _)| scored.id).collect()
        };
        let view = self.index.lists[list as usize].load().view();
        let (filter, returned) = (self.filter, &self.returned);
        let allowed = |place: usize| -> Option<u64> {
            let id = *view.ids.row(place).first()?;
            let live = !view.dead.contains(place as u64);
            let new = !known.contains(&(list, place as u32)) && !returned.contains(&id);
            (live && new && filter.allows(id)).then_some(id)
        };
        let (pending, compared, seen) = (&mut self.pending, &mut self.compared, &mut self.seen);
        let mut take = |place: usize, id: u64, score: f32| {
            let scored = Scored::new(score, (list, place as u32));
            best.offer(scored);
            pending.push((scored, id));
            *compared += 1;
            *seen += 1.0;
            best.limit()
        };
        let index = self.index;
        let Some(quantizer) = &index.quantizer else {
            let metric = index.metric;
            let places: Vec<(usize, u64)> = (0..view.ids.len())
                .filter_map(|place| Some((place, allowed(place)?)))
                .collect();
            let (fours, ones) = places.as_chunks::<4>();
            for four in fours {
                let rows = four.map(|(place, _)| view.full.row(place));
                let scores = metric.score_4(kernels(), &self.query, rows);
                for ((place, id), score) in four.iter().zip(scores) {
                    take(*place, *id, score);
                }
            }
            for (place, id) in ones {
                let score = metric.score(kernels(), &self.query, view.full.row(*place));
                take(*place, *id, score);
            }
            return;
        };
        if index.metric == Metric::Jaccard {
            // Of the rests no quotient can be made: codes stand for whole vectors again.
            let centroid = index.centroids.row(list as usize);
            let mut vector = vec![0.0; index.dimensions];
            for place in 0..view.ids.len() {
                if let Some(id) = allowed(place) {
                    quantizer.decode(view.codes.row(place), &mut vector);
                    vector.iter_mut().zip(centroid).for_each(|(x, c)| *x += c);
                    take(
                        place,
                        id,
                        index.metric.score(kernels(), &self.query, &vector),
                    );
                }
            }
            return;
        }
        // The rest of the query beside the centroid; a product is the centroid's and that of the rest.
        let centroid = index.centroids.row(list as usize);
        let mut query = self.query.clone();
        let metric = match index.metric {
            Metric::InnerProduct => Metric::InnerProduct,
            Metric::L1 => Metric::L1,
            _ => Metric::L2,
        };
        let base = if metric == Metric::InnerProduct {
            -kernels().dot(&query, centroid)
        } else {
            subtract(&mut query, centroid);
            0.0
        };
        // Of unit vectors, half the square of the distance is one less the product.
        let cosine = index.metric == Metric::Cosine;
        let whole = |score: f32| {
            if cosine {
                score * 0.5 - 1.0
            } else {
                base + score
            }
        };
        let part = |score: f32| {
            if cosine {
                (score + 1.0) * 2.0
            } else {
                score - base
            }
        };
        let estimator = quantizer.query(metric, &query);
        let (mut first, mut left_out) = (0, 0.0);
        if let Some(product) = quantizer.as_product()
            && blocks
            && view.blocks.len() > 0
            && product.is_narrow()
        {
            let tables = Tables::new(&product.table(metric, &query));
            let count = view.ids.len() / BLOCK;
            let mut limit = f32::NAN;
            let (mut asked, mut passed) = (0usize, 0usize);
            let found = |place: usize| {
                asked += 1;
                if let Some(id) = allowed(place) {
                    passed += 1;
                    limit = take(place, id, whole(estimator.score(view.codes.row(place))));
                }
                part(limit)
            };
            tables.scan(kernels(), &view.blocks, count, found, f32::NAN);
            first = count.min(view.blocks.len()) * BLOCK;
            left_out = (first - asked) as f64 * passed as f64 / asked.max(1) as f64;
            if asked < first {
                self.cut.push(list);
            }
        }
        for place in first..view.ids.len() {
            if let Some(id) = allowed(place) {
                take(place, id, whole(estimator.score(view.codes.row(place))));
            }
        }
        self.seen += left_out;
    }

    /// Gives candidates their true scores, where full vectors are known.
    fn rescore(&self, mut found: Vec<(Scored<Place>, u64)>) -> Vec<(Scored<Place>, u64)> {
        let index = self.index;
        if index.quantizer.is_none() || (!index.options.keep && index.source.is_none()) {
            return found;
        }
        let mut space = vec![0.0; index.dimensions];
        let mut lists: std::collections::HashMap<u32, ListView> = std::collections::HashMap::new();
        for (scored, id) in &mut found {
            let (list, place) = scored.id;
            let score = if index.options.keep {
                let view = lists
                    .entry(list)
                    .or_insert_with(|| index.lists[list as usize].load().view());
                // A repair may have moved it since; then the estimate stands.
                let row = view.full.row(place as usize);
                let same = view.ids.row(place as usize).first() == Some(id);
                same.then(|| index.metric.score(kernels(), &self.query, row))
            } else {
                let known = index
                    .source
                    .as_ref()
                    .is_some_and(|source| source.vector(*id, &mut space));
                let fit = known
                    && check(index.dimensions, &space).is_ok()
                    && (index.metric != Metric::Cosine || normalize(&mut space).is_ok());
                fit.then(|| index.metric.score(kernels(), &self.query, &space))
            };
            if let Some(score) = score {
                *scored = Scored::new(score, scored.id);
            }
        }
        found
    }
}
