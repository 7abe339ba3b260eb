//! Tests of whether every node can be reached.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Hnsw, HnswOptions};
use crate::filter::{Accept, All, Filter};
use crate::index::{Effort, Index};
use crate::metric::Metric;
use crate::quant::RabitqQuantizer;
use crate::rng::Rng;
use crate::work::Work;

/// Nodes that were not removed and that links do not lead to from where searches begin.
fn unreached(index: &Hnsw) -> usize {
    let links = index.links.view();
    let nodes = index.points.view().len();
    let Some((entry, top)) = index.links.entry() else {
        return nodes;
    };
    let mut seen = vec![false; nodes];
    let mut queue = vec![(entry, top)];
    while let Some((node, level)) = queue.pop() {
        for below in 0..=level {
            for link in links.links(node, below) {
                if !std::mem::replace(&mut seen[link as usize], true) {
                    queue.push((link, links.level(link)));
                }
            }
        }
        for twin in links.family(node) {
            seen[twin as usize] = true;
        }
    }
    let lost = seen.iter().zip(0..).filter(|(seen, _)| !**seen);
    lost.filter(|(_, node)| !links.is_dead(*node)).count()
}

/// Vectors with lengths from short to long.
fn uneven(seed: u64, rows: usize, dimensions: usize) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    let mut values = Vec::new();
    for _ in 0..rows {
        let length = (rng.unit() * 4.0 - 2.0).exp() as f32;
        values.extend((0..dimensions).map(|_| rng.normal() * length));
    }
    values
}

fn even(seed: u64, rows: usize, dimensions: usize) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    (0..rows * dimensions).map(|_| rng.normal()).collect()
}

fn made(metric: Metric, values: &[f32], dimensions: usize) -> Hnsw {
    let index = Hnsw::new(metric, dimensions, HnswOptions::default()).unwrap();
    let ids: Vec<u64> = (0..(values.len() / dimensions) as u64).collect();
    index.insert(&ids, values, Work::default()).unwrap();
    index
}

fn loaded(index: &Hnsw) -> Hnsw {
    let mut bytes = Vec::new();
    index.save(&mut bytes).unwrap();
    Hnsw::load(&bytes).unwrap()
}

#[test]
fn links_lead_to_every_node() {
    for metric in Metric::ALL {
        for (values, dimensions) in [
            (even(3, 1500, 2), 2),
            (even(3, 1500, 12), 12),
            (uneven(3, 1500, 12), 12),
            (uneven(3, 1500, 64), 64),
        ] {
            let index = made(metric, &values, dimensions);
            assert_eq!(unreached(&index), 0, "{metric:?}");
            // Removals, what comes after a load, and more of both.
            let mut index = loaded(&index);
            let mut rng = Rng::new(8);
            for round in 0..4 {
                for _ in 0..400 {
                    index.remove(rng.below(1500) as u64);
                }
                index.repair(Work::default()).unwrap();
                let ids: Vec<u64> = (0..200).map(|id| id + 5000 * (round + 1)).collect();
                let rows = &values[..200 * dimensions];
                let rows: Vec<f32> = rows.iter().map(|x| x * 1.1 + round as f32).collect();
                index.insert(&ids, &rows, Work::default()).unwrap();
                assert_eq!(unreached(&index), 0, "{metric:?}, {round}");
                index = loaded(&index);
            }
        }
    }
}

#[test]
fn short_vectors_are_found_by_their_products() {
    for seed in 0..3 {
        let (rows, dimensions) = (3000, 12);
        let values = uneven(seed, rows, dimensions);
        let index = made(Metric::InnerProduct, &values, dimensions);
        let ids: Vec<u64> = (0..rows as u64).collect();
        let filter = Accept(|id| id % 2 == 0);
        for query in even(seed + 9, 60, dimensions).chunks(dimensions) {
            let mut exact = crate::Exact::new(Metric::InnerProduct, query, 10).unwrap();
            exact.block(&ids, &values, &filter).unwrap();
            let meant: Vec<u64> = exact.finish().iter().map(|found| found.id).collect();
            let effort = Effort::breadth(1000);
            let found = index.search(query, 10, &filter, effort).unwrap();
            let found: Vec<u64> = found.iter().map(|found| found.id).collect();
            assert_eq!(found, meant);
        }
    }
}

fn codes(values: &[f32], dimensions: usize, options: HnswOptions) -> Hnsw {
    let quantizer = RabitqQuantizer::train(values, dimensions, 4, 1).unwrap();
    Hnsw::quantized(Metric::L2, options, Arc::new(quantizer), false).unwrap()
}

struct Countdown<'a>(&'a AtomicUsize);

impl Drop for Countdown<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// Vectors come and go on several threads while the graph is repaired, saved and searched; what is left is
/// found as if nothing had happened.
#[test]
fn everything_at_once_loses_nothing() {
    let (rows, dimensions, half) = (2400, 8, 1200);
    let values = even(5, rows, dimensions);
    let row = |id: usize| &values[id * dimensions..(id + 1) * dimensions];
    // Lists so short that they move again and again.
    let options = HnswOptions {
        m: 5,
        ef_construction: 40,
        ..HnswOptions::default()
    };
    for index in [
        Hnsw::new(Metric::L2, dimensions, options).unwrap(),
        codes(&values, dimensions, options),
    ] {
        let writers = AtomicUsize::new(2);
        let busy = || writers.load(Ordering::Acquire) > 0;
        std::thread::scope(|scope| {
            for writer in 0..2 {
                let (index, row, writers) = (&index, &row, &writers);
                scope.spawn(move || {
                    // Whatever happens, the others are told.
                    let _done = Countdown(writers);
                    let mut rng = Rng::new(writer);
                    let first = writer as usize * half;
                    for id in first..first + half {
                        index
                            .insert(&[id as u64], row(id), Work::default())
                            .unwrap();
                        // A third goes, and a few come back under their numbers.
                        let other = first + rng.below(id + 1 - first);
                        if other.is_multiple_of(3)
                            && index.remove(other as u64)
                            && rng.below(8) == 0
                        {
                            let again = [other as u64];
                            index.insert(&again, row(other), Work::default()).unwrap();
                        }
                    }
                });
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    while busy() {
                        index.repair(Work::default()).unwrap();
                    }
                });
            }
            scope.spawn(|| {
                while busy() {
                    let copy = loaded(&index);
                    let found = copy.search(row(1), 5, &All, Effort::default()).unwrap();
                    assert_eq!(found.len(), copy.len().min(5));
                }
            });
            let mut rng = Rng::new(7);
            while busy() {
                let query = row(rng.below(rows));
                let few = Accept(|id| id % 7 == 1);
                for filter in [&All as &dyn Filter, &few] {
                    let found = index.search(query, 10, filter, Effort::default()).unwrap();
                    let ids: HashSet<u64> = found.iter().map(|found| found.id).collect();
                    assert_eq!(ids.len(), found.len());
                    assert!(ids.iter().all(|id| filter.allows(*id) && *id < rows as u64));
                }
            }
        });
        index.repair(Work::default()).unwrap();
        assert_eq!(index.statistics().unrepaired, 0);
        assert_eq!(unreached(&index), 0);
        assert_eq!(unreached(&loaded(&index)), 0);
        let left: Vec<usize> = (0..rows).filter(|id| index.contains(*id as u64)).collect();
        assert_eq!(left.len(), index.len());
        assert!(left.len() > rows / 2 && left.len() < rows);
        let ids: Vec<u64> = left.iter().map(|id| *id as u64).collect();
        let kept: Vec<f32> = left.iter().flat_map(|id| row(*id).to_vec()).collect();
        let mut hits = 0;
        for query in even(6, 100, dimensions).chunks(dimensions) {
            let mut exact = crate::Exact::new(Metric::L2, query, 10).unwrap();
            exact.block(&ids, &kept, &All).unwrap();
            let meant: HashSet<u64> = exact.finish().iter().map(|found| found.id).collect();
            let found = index.search(query, 20, &All, Effort::breadth(80)).unwrap();
            hits += found
                .iter()
                .filter(|found| meant.contains(&found.id))
                .count();
        }
        assert!(hits >= 900, "{hits}");
    }
}

#[test]
fn lists_of_codes_take_what_they_need() {
    let (rows, dimensions) = (6000, 16);
    let values = even(2, rows, dimensions);
    let ids: Vec<u64> = (0..rows as u64).collect();
    let index = codes(&values, dimensions, HnswOptions::default());
    index.insert(&ids, &values, Work::default()).unwrap();
    let full = made(Metric::L2, &values, dimensions);
    let (tight, wide) = (index.memory().structure, full.memory().structure);
    assert!(tight * 5 < wide * 4, "{tight} beside {wide}");
    // Loaded lists are where they would be had they grown to this.
    let memory = loaded(&index).memory();
    assert!(memory.structure <= tight && memory.ids <= index.memory().ids);
    assert_eq!(unreached(&index), 0);
}

/// Sections of links as they were before links had marks.
fn without_marks(bytes: &mut [u8]) {
    let mut at = 0;
    while at < bytes.len() {
        let length = u64::from_le_bytes(*bytes[at + 8..].first_chunk().unwrap()) as usize;
        let end = at + 20 + length;
        if bytes[at + 4] == 3 {
            assert_eq!(bytes[at + 5], 2);
            bytes[at + 5] = 1;
            let mut list = at + 20;
            while list < end {
                let count = u16::from_le_bytes([bytes[list], bytes[list + 1]]);
                list += 2;
                for _ in 0..count {
                    bytes[list + 3] &= 0x7f;
                    list += 4;
                }
            }
            let sum = crc32c::crc32c(&bytes[at..at + 16]);
            bytes[at + 16..at + 20].copy_from_slice(&sum.to_le_bytes());
            let sum = crc32c::crc32c(&bytes[at + 20..end]);
            bytes[end..end + 4].copy_from_slice(&sum.to_le_bytes());
        }
        at = end + 4;
    }
}

#[test]
fn links_without_marks_are_read() {
    let values = even(1, 700, 8);
    let index = made(Metric::L2, &values, 8);
    let mut bytes = Vec::new();
    index.save(&mut bytes).unwrap();
    without_marks(&mut bytes);
    let old = Hnsw::load(&bytes).unwrap();
    for query in values.chunks(8).step_by(17) {
        let of = |index: &Hnsw| index.search(query, 10, &All, Effort::default()).unwrap();
        assert_eq!(of(&old), of(&index));
    }
    old.remove(3);
    old.repair(Work::default()).unwrap();
    old.insert(&[9000], &values[24..32], Work::default())
        .unwrap();
    assert_eq!(unreached(&old), 0);
}
