//! The effort that a calibrator says is enough is enough for queries that it does not know: for vectors that the index
//! does not have, and for those that it has, themselves left out; however vectors are kept, and when many have come.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use helios_vector::{
    All, Calibrator, Codec, Effort, Hnsw, HnswOptions, Index, Ivf, IvfOptions, Metric,
    ProductQuantizer, RabitqQuantizer, ScalarQuantizer, WANTED, WANTED_MANY, Work, search_exact,
};

use crate::data::clustered;

const DIMENSIONS: usize = 24;
const ROWS: usize = 3000;
/// Of other data than what the calibrator knows.
const ASKED: usize = 200;

type Make = fn(Metric, &[f32]) -> Box<dyn Index>;

fn options() -> HnswOptions {
    HnswOptions {
        m: 10,
        ef_construction: 40,
        ..HnswOptions::default()
    }
}

fn lists(metric: Metric, rows: &[f32], codec: Codec) -> Box<dyn Index> {
    let options = IvfOptions {
        lists: 50,
        codec,
        keep: false,
        ..IvfOptions::default()
    };
    Box::new(Ivf::train(metric, rows, DIMENSIONS, options, Work::default()).unwrap())
}

fn prepared(metric: Metric, rows: &[f32]) -> Vec<f32> {
    let rows = rows.chunks(DIMENSIONS);
    rows.flat_map(|row| metric.prepare(DIMENSIONS, row).unwrap())
        .collect()
}

/// Each structure with how many times as many candidates are looked at, and efforts.
const STRUCTURES: [(&str, usize, Make); 6] = [
    ("hnsw", 1, |metric, _| {
        Box::new(Hnsw::new(metric, DIMENSIONS, options()).unwrap())
    }),
    ("hnsw, rabitq of 4 bits", 2, |metric, rows| {
        let codes = RabitqQuantizer::train(&prepared(metric, rows), DIMENSIONS, 4, 1).unwrap();
        Box::new(Hnsw::quantized(metric, options(), Arc::new(codes), false).unwrap())
    }),
    ("hnsw, scalar", 2, |metric, rows| {
        let codes = ScalarQuantizer::train(&prepared(metric, rows), DIMENSIONS, 8).unwrap();
        Box::new(Hnsw::quantized(metric, options(), Arc::new(codes), false).unwrap())
    }),
    ("hnsw, product", 4, |metric, rows| {
        let rows = prepared(metric, rows);
        let codes =
            ProductQuantizer::train(&rows, DIMENSIONS, 12, 256, 1, Work::default()).unwrap();
        Box::new(Hnsw::quantized(metric, options(), Arc::new(codes), false).unwrap())
    }),
    ("ivf", 1, |metric, rows| lists(metric, rows, Codec::Full)),
    ("ivf, product of 4 bits", 8, |metric, rows| {
        let codec = Codec::Product {
            parts: 12,
            centroids: 16,
            rotated: false,
        };
        lists(metric, rows, codec)
    }),
];

/// The efforts that are tried, and how many candidates are asked for with each, where so many are wanted.
fn efforts(times: usize, graph: bool, wanted: usize) -> Vec<(usize, usize)> {
    let least: usize = if graph { 10 } else { 1 };
    let all = std::iter::successors(Some(least), |effort| Some(effort + effort.div_ceil(4)));
    all.take_while(|effort| *effort < 1000)
        .map(|effort| match (times, graph) {
            (1, true) => (effort.max(wanted), wanted),
            (1, _) => (effort, wanted),
            (_, true) => {
                let needed = (wanted * times).max(effort / 2);
                (effort.max(needed), needed)
            }
            _ => (effort, wanted * times.max(effort)),
        })
        .collect()
}

/// Moved and held queries know the index; the least effort that is enough.
fn enough(
    calibrator: &Calibrator,
    index: &dyn Index,
    target: f64,
    wanted: usize,
    efforts: &[(usize, usize)],
) -> Option<(usize, usize)> {
    let found = efforts.iter().find(|(breadth, needed)| {
        let effort = Effort::breadth(*breadth);
        let share = calibrator.ask(index, effort, &[(wanted, *needed)], Work::default());
        share.unwrap()[0].least >= target
    });
    found.copied()
}

/// The share of the nearest, but for the own one of each query, among the candidates.
fn recall(
    index: &dyn Index,
    rows: &[f32],
    queries: &[(Option<u64>, &[f32])],
    wanted: usize,
    (breadth, needed): (usize, usize),
) -> f64 {
    let mut hits = 0;
    for (own, query) in queries {
        let more = usize::from(own.is_some());
        let truth = search_exact(
            index.metric(),
            rows,
            query,
            wanted + more,
            &All,
            Work::default(),
        );
        let truth = truth.unwrap().into_iter().map(|near| near.id);
        let truth: HashSet<u64> = truth.filter(|id| Some(*id) != *own).take(wanted).collect();
        let found = index
            .search(query, needed + more, &All, Effort::breadth(breadth))
            .unwrap();
        hits += found.iter().filter(|near| truth.contains(&near.id)).count();
    }
    hits as f64 / (queries.len() * wanted) as f64
}

fn check(metric: Metric, seed: u64) {
    let clusters = 60;
    let all = clustered(seed, 4 * ROWS + ASKED, DIMENSIONS, clusters);
    let (known, asked) = all.split_at(4 * ROWS * DIMENSIONS);
    let rows = known;
    for (name, times, make) in STRUCTURES {
        let first = &rows[..ROWS * DIMENSIONS];
        let index = make(metric, first);
        let graph = name.starts_with("hnsw");
        let mut calibrator = Calibrator::new(metric, DIMENSIONS, false, first).unwrap();
        let held = Calibrator::wanted(ROWS);
        assert_eq!(held, 100);
        let add = |calibrator: &Calibrator, range: std::ops::Range<usize>| {
            let ids: Vec<u64> = range.clone().map(|row| row as u64).collect();
            let vectors = &rows[range.start * DIMENSIONS..range.end * DIMENSIONS];
            index.insert(&ids, vectors, Work::default()).unwrap();
            calibrator.meet(&ids, vectors, Work::default()).unwrap();
        };
        for row in rows.chunks(DIMENSIONS).take(held) {
            calibrator.hold(row).unwrap();
        }
        add(&calibrator, held..ROWS);
        let mut there = ROWS;
        for grown in [false, true] {
            let mut chosen = Vec::new();
            for (wanted, target) in [
                (WANTED, 0.9),
                (WANTED, 0.95),
                (WANTED, 0.99),
                (WANTED_MANY, 0.9),
                (WANTED_MANY, 0.95),
            ] {
                let efforts = efforts(times, graph, wanted);
                let effort = enough(&calibrator, &*index, target, wanted, &efforts)
                    .unwrap_or_else(|| panic!("{name}: no effort for {target} of {wanted}"));
                chosen.push((wanted, target, effort));
            }
            if !grown {
                calibrator.release();
                add(&calibrator, 0..held);
            }
            let rows = &rows[..there * DIMENSIONS];
            let strange = asked.chunks(DIMENSIONS).map(|query| (None, query));
            let own = rows.chunks(DIMENSIONS).enumerate().step_by(there / ASKED);
            let own = own.map(|(row, query)| (Some(row as u64), query));
            for queries in [strange.collect::<Vec<_>>(), own.collect()] {
                for (wanted, target, effort) in &chosen {
                    let found = recall(&*index, rows, &queries, *wanted, *effort);
                    // So many queries are off by a third of a per cent, and rarely by more than twice that.
                    assert!(
                        found >= target - 0.007,
                        "{name}, {metric:?}, {there} rows: {found} for {target} of {wanted} by {effort:?}"
                    );
                }
            }
            if !grown {
                add(&calibrator, ROWS..4 * ROWS);
                // Whoever measures a grown index asks for what it has now.
                calibrator = Calibrator::new(metric, DIMENSIONS, false, known).unwrap();
                let ids: Vec<u64> = (0..4 * ROWS as u64).collect();
                calibrator.meet(&ids, known, Work::default()).unwrap();
                there = 4 * ROWS;
            }
        }
    }
}

#[test]
fn targets_are_met_by_distance() {
    check(Metric::L2, 1);
}

#[test]
fn targets_are_met_by_angle() {
    check(Metric::Cosine, 2);
}

/// Any of many that are equally far is as good as another.
#[test]
fn ties_are_no_misses() {
    let rows: Vec<f32> = (0..4000u64)
        .flat_map(|row| (0..10).map(move |bit| ((row * 2_654_435_761) >> (bit * 3 + 2) & 1) as f32))
        .collect();
    let mut calibrator = Calibrator::new(Metric::L2, 10, true, &rows).unwrap();
    calibrator.hold(&rows[..10]).unwrap();
    let index = Hnsw::new(Metric::L2, 10, HnswOptions::default()).unwrap();
    let ids: Vec<u64> = (1..4000).collect();
    index.insert(&ids, &rows[10..], Work::default()).unwrap();
    calibrator.meet(&ids, &rows[10..], Work::default()).unwrap();
    let wanted = [(WANTED, WANTED)];
    let share = calibrator.ask(&index, Effort::breadth(200), &wanted, Work::default());
    let share = share.unwrap();
    assert!(share[0].all, "{share:?}");
}

#[test]
fn nothing_is_known_of_nothing() {
    let calibrator = Calibrator::new(Metric::Cosine, 3, false, &[1.0, 0.0, 0.0]).unwrap();
    let index = Hnsw::new(Metric::Cosine, 3, HnswOptions::default()).unwrap();
    let wanted = [(WANTED, WANTED), (WANTED_MANY, WANTED_MANY)];
    let share = calibrator.ask(&index, Effort::default(), &wanted, Work::default());
    assert_eq!(share.unwrap(), []);
    assert!(Calibrator::new(Metric::Cosine, 3, false, &[0.0; 3]).is_err());
    // Copies of one vector.
    let calibrator = Calibrator::new(Metric::L2, 1, false, &[2.0; 100]).unwrap();
    let index = Hnsw::new(Metric::L2, 1, HnswOptions::default()).unwrap();
    let ids: Vec<u64> = (0..100).collect();
    index.insert(&ids, &[2.0; 100], Work::default()).unwrap();
    calibrator.meet(&ids, &[2.0; 100], Work::default()).unwrap();
    let share = calibrator.ask(
        &index,
        Effort::breadth(40),
        &wanted,
        Work::threads(NonZeroUsize::MIN),
    );
    assert!(share.unwrap().iter().all(|share| share.all));
}
