//! Exact search beside the plainest of loops.

use std::num::NonZeroUsize;

use helios_vector::{Accept, All, Bitmap, Error, Exact, Metric, Neighbour, Work, search_exact};

fn distance(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let pairs = a.iter().zip(b).map(|(a, b)| (f64::from(*a), f64::from(*b)));
    match metric {
        Metric::L2 => pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt(),
        Metric::L1 => pairs.map(|(a, b)| (a - b).abs()).sum(),
        Metric::InnerProduct => -pairs.map(|(a, b)| a * b).sum::<f64>(),
        Metric::Jaccard => {
            let (mut both, mut apart) = (0.0, 0.0);
            pairs.for_each(|(a, b)| {
                both += a * b;
                apart += (a - b).powi(2);
            });
            1.0 - both / (both + apart)
        }
        Metric::Cosine => {
            let dot = |a: &[f32], b: &[f32]| -> f64 {
                a.iter()
                    .zip(b)
                    .map(|(a, b)| f64::from(*a) * f64::from(*b))
                    .sum()
            };
            1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
        }
    }
}

fn brute(
    metric: Metric,
    rows: &[f32],
    query: &[f32],
    k: usize,
    allowed: impl Fn(u64) -> bool,
) -> Vec<f64> {
    let mut all: Vec<f64> = rows
        .chunks_exact(query.len())
        .enumerate()
        .filter(|(id, _)| allowed(*id as u64))
        .map(|(_, row)| distance(metric, query, row))
        .collect();
    all.sort_by(f64::total_cmp);
    all.truncate(k);
    all
}

fn same(found: &[Neighbour], meant: &[f64]) {
    assert_eq!(found.len(), meant.len());
    for (found, meant) in found.iter().zip(meant) {
        assert!((f64::from(found.distance) - meant).abs() < 1e-3 * meant.abs().max(1.0));
    }
}

#[test]
fn it_finds_what_a_loop_finds() {
    let mut rng = fastrand::Rng::with_seed(4);
    for metric in Metric::ALL {
        for (dimensions, rows) in [(1, 100), (3, 1), (7, 5000), (128, 3000), (2000, 20)] {
            let values: Vec<f32> = (0..dimensions * rows).map(|_| rng.f32() - 0.5).collect();
            for k in [0, 1, 10, rows, rows + 5, usize::MAX] {
                let query: Vec<f32> = (0..dimensions).map(|_| rng.f32() - 0.5).collect();
                let work = Work::threads(NonZeroUsize::new(rng.usize(1..4)).unwrap());
                let found = search_exact(metric, &values, &query, k, &All, work).unwrap();
                same(&found, &brute(metric, &values, &query, k, |_| true));
                let third = Accept(|id| id % 3 == 0);
                let found = search_exact(metric, &values, &query, k, &third, work).unwrap();
                assert!(found.iter().all(|neighbour| neighbour.id % 3 == 0));
                same(&found, &brute(metric, &values, &query, k, |id| id % 3 == 0));
            }
        }
    }
}

#[test]
fn blocks_may_come_in_any_order() {
    let values: Vec<f32> = (0..64).map(|at| at as f32).collect();
    let ids: Vec<u64> = (100..132).collect();
    let mut first = Exact::new(Metric::L2, &[20.0, 21.0], 3).unwrap();
    let mut second = first.clone();
    first.block(&ids[16..], &values[32..], &All).unwrap();
    second.block(&ids[..16], &values[..32], &All).unwrap();
    second.merge(first);
    let found: Vec<u64> = second.finish().iter().map(|found| found.id).collect();
    assert_eq!(found, [110, 109, 111], "equal distances by id");
}

#[test]
fn bad_input_is_refused() {
    let search = |metric, query: &[f32], rows: &[f32]| {
        search_exact(metric, rows, query, 1, &All, Work::default())
    };
    assert_eq!(
        search(Metric::L2, &[1.0, f32::NAN], &[]),
        Err(Error::NotFinite { position: 1 })
    );
    assert_eq!(
        search(Metric::Cosine, &[0.0, 0.0], &[]),
        Err(Error::ZeroVector)
    );
    assert!(search(Metric::L2, &[1.0, 2.0], &[1.0; 3]).is_err());
    let found = search_exact(
        Metric::Cosine,
        &[0.0, 0.0, 1.0, 1.0],
        &[1.0, 0.0],
        2,
        &All,
        Work::default(),
    );
    let found = found.unwrap();
    assert_eq!(found[0].id, 1);
    assert!(found[1].distance.is_nan(), "a zero vector comes last");
    let cancelled = search_exact(
        Metric::L2,
        &[0.0; 10],
        &[1.0],
        1,
        &All,
        Work::default().watched(&|_| false),
    );
    assert_eq!(cancelled, Err(Error::Cancelled));
}

#[test]
fn a_bitmap_is_a_set() {
    let ids = [0u64, 63, 64, 1000, 5];
    let mut bitmap: Bitmap = ids.into_iter().collect();
    assert!(!bitmap.insert(5));
    assert_eq!(bitmap.len(), 5);
    assert_eq!(bitmap.iter().collect::<Vec<_>>(), [0, 5, 63, 64, 1000]);
    assert!(bitmap.contains(64) && !bitmap.contains(65) && !bitmap.contains(u64::MAX));
}

#[test]
fn jaccard_of_bits_counts_them() {
    use helios_vector::kernel::kernels;
    use helios_vector::{Effort, Hnsw, HnswOptions, Index};
    let mut rng = fastrand::Rng::with_seed(12);
    let width = 200;
    let rows: Vec<[u64; 4]> = (0..600)
        .map(|row| {
            // Shares of set bits from none to all.
            let share = (row % 20) as f32 / 18.0;
            let mut words = [0u64; 4];
            for at in 0..width {
                words[at / 64] |= u64::from(rng.f32() < share) << (at % 64);
            }
            words
        })
        .collect();
    let numbers = |words: &[u64; 4]| -> Vec<f32> {
        let bit = |at: usize| (words[at / 64] >> (at % 64) & 1) as f32;
        (0..width).map(bit).collect()
    };
    let values: Vec<f32> = rows.iter().flat_map(numbers).collect();
    let index = Hnsw::new(Metric::Jaccard, width, HnswOptions::default()).unwrap();
    let ids: Vec<u64> = (0..600).collect();
    index.insert(&ids, &values, Work::default()).unwrap();
    for query in &rows[..60] {
        let distance = |id: u64| {
            let (both, either) = kernels().overlap(query, &rows[id as usize]);
            match both {
                0 => 1.0,
                _ => 1.0 - both as f32 / either as f32,
            }
        };
        let mut meant: Vec<f32> = ids.iter().map(|id| distance(*id)).collect();
        meant.sort_by(f32::total_cmp);
        let query = numbers(query);
        let exact =
            search_exact(Metric::Jaccard, &values, &query, 20, &All, Work::default()).unwrap();
        // So many as there are: links lead to every one.
        let found = index
            .search(&query, 20, &All, Effort::breadth(600))
            .unwrap();
        let shown = |found: &[Neighbour]| found.iter().map(|n| n.distance).collect::<Vec<_>>();
        assert_eq!(shown(&exact), meant[..20]);
        assert_eq!(shown(&found), meant[..20]);
        assert!(found.iter().all(|n| n.distance == distance(n.id)));
    }
}
