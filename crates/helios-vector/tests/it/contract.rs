//! What every structure must do, beside brute force.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};

use helios_vector::{
    Accept, All, Bitmap, Effort, Error, Filter, Index, Metric, Neighbour, Work, search_exact,
};

use crate::data::{clustered, rounds};
use crate::structures::{ALL, Structure};

type Model = BTreeMap<u64, Vec<f32>>;

fn two() -> Work<'static> {
    Work::threads(NonZeroUsize::new(2).unwrap())
}

/// The true distances of the nearest.
fn brute(
    model: &Model,
    metric: Metric,
    query: &[f32],
    k: usize,
    filter: &dyn Filter,
) -> Vec<Neighbour> {
    let mut exact = helios_vector::Exact::new(metric, query, k).unwrap();
    for (id, row) in model {
        exact.block(&[*id], row, filter).unwrap();
    }
    exact.finish()
}

/// The true distance of one vector.
fn distance(metric: Metric, query: &[f32], vector: &[f32]) -> f32 {
    let mut exact = helios_vector::Exact::new(metric, query, 1).unwrap();
    exact.block(&[0], vector, &All).unwrap();
    exact.finish()[0].distance
}

/// Checks all that is true of any answer, and returns the share of the nearest that it has.
fn judge(
    structure: &Structure,
    model: &Model,
    metric: Metric,
    query: &[f32],
    k: usize,
    filter: &dyn Filter,
    found: &[Neighbour],
) -> f64 {
    let name = structure.name;
    let meant = brute(model, metric, query, k, filter);
    assert_eq!(
        found.len(),
        meant.len(),
        "{name}: k = {k} of {}",
        model.len()
    );
    let mut ids: Vec<u64> = found.iter().map(|found| found.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), found.len(), "{name}: an id comes twice");
    assert!(
        found
            .windows(2)
            .all(|pair| pair[0].distance <= pair[1].distance),
        "{name}: order"
    );
    for found in found {
        let vector = model
            .get(&found.id)
            .unwrap_or_else(|| panic!("{name}: {} is not there", found.id));
        assert!(
            filter.allows(found.id),
            "{name}: {} is not allowed",
            found.id
        );
        let truth = f64::from(distance(metric, query, vector));
        let length = vector
            .iter()
            .chain(query)
            .map(|x| f64::from(*x).powi(2))
            .sum::<f64>();
        let scale = match metric {
            Metric::Cosine => 1.0,
            Metric::L2 if structure.tolerance > 1e-3 => length.sqrt() * 2.0,
            Metric::L2 => truth.abs().max(length.sqrt() * 0.1),
            _ => truth.abs().max(length),
        };
        let off = (f64::from(found.distance) - truth).abs();
        assert!(
            off <= structure.tolerance * scale + 1e-6,
            "{name}: {metric:?} {} instead of {truth}",
            found.distance
        );
    }
    // As near as the furthest of the true ones counts as one of them: ties are not missed.
    let Some(limit) = meant.last().map(|last| last.distance) else {
        return 1.0;
    };
    let slack = 1e-5 + limit.abs() * 1e-5;
    let hits = found
        .iter()
        .filter(|found| distance(metric, query, &model[&found.id]) <= limit + slack);
    hits.count() as f64 / meant.len() as f64
}

#[test]
fn random_changes_beside_brute_force() {
    for structure in ALL {
        for metric in Metric::ALL {
            for round in 0..rounds(1) {
                let mut rng = fastrand::Rng::with_seed(round as u64 * 31 + 5);
                let dimensions = [3, 16, 33][rng.usize(..3)];
                let pool = clustered(round as u64, 3000, dimensions, 20);
                let row = |at: usize| pool[at * dimensions..(at + 1) * dimensions].to_vec();
                let mut index = (structure.make)(metric, dimensions, &pool);
                let mut model = Model::new();
                let mut next = 0u64;
                let mut recalls = Vec::new();
                for step in 0..40 {
                    match rng.usize(..10) {
                        0..4 => {
                            let count = rng.usize(1..60);
                            let ids: Vec<u64> =
                                (next..next + count as u64).map(|id| id * 3 + 1).collect();
                            next += count as u64;
                            let rows: Vec<Vec<f32>> =
                                ids.iter().map(|_| row(rng.usize(..3000))).collect();
                            index.insert(&ids, &rows.concat(), two()).unwrap();
                            model.extend(ids.into_iter().zip(rows));
                        }
                        4..6 => {
                            for _ in 0..rng.usize(..30) {
                                let id = rng.u64(..next * 3 + 3);
                                assert_eq!(index.remove(id), model.remove(&id).is_some());
                                assert!(!index.contains(id));
                            }
                        }
                        6 => {
                            index.repair(two()).unwrap();
                        }
                        7 if step % 3 == 0 => {
                            let mut bytes = Vec::new();
                            index.save(&mut bytes).unwrap();
                            index = (structure.load)(&bytes).unwrap();
                        }
                        _ => {}
                    }
                    assert_eq!(index.len(), model.len());
                    let query = row(rng.usize(..3000));
                    let k = [1, 5, 10, 10_000][rng.usize(..4)];
                    let search = |filter: &dyn Filter| {
                        let found = index.search(&query, k, filter, Effort::default()).unwrap();
                        judge(structure, &model, metric, &query, k, filter, &found)
                    };
                    recalls.push(search(&All));
                    let modulus = rng.u64(2..50);
                    recalls.push(search(&Accept(|id| id % modulus == 1)));
                    let bitmap: Bitmap = model
                        .keys()
                        .copied()
                        .filter(|id| id % modulus == 1)
                        .collect();
                    recalls.push(search(&bitmap));
                }
                let recall = recalls.iter().sum::<f64>() / recalls.len() as f64;
                assert!(
                    recall >= structure.floor,
                    "{} {metric:?}: {recall}",
                    structure.name
                );
            }
        }
    }
}

/// The mean share of the 10 nearest found.
fn recall(index: &dyn Index, model: &Model, queries: &[f32], filter: &dyn Filter) -> f64 {
    let dimensions = index.dimensions();
    let shares: Vec<f64> = queries
        .chunks_exact(dimensions)
        .map(|query| {
            let meant = brute(model, index.metric(), query, 10, filter);
            let found = index.search(query, 10, filter, Effort::default()).unwrap();
            let limit = meant.last().map_or(0.0, |last| last.distance) + 1e-5;
            found.iter().filter(|found| found.distance <= limit).count() as f64 / meant.len() as f64
        })
        .collect();
    shares.iter().sum::<f64>() / shares.len() as f64
}

#[test]
fn clustered_vectors_are_found() {
    for structure in ALL {
        let (rows, dimensions) = (4000, 48);
        let values = clustered(1, rows + 40, dimensions, 40);
        let (values, queries) = values.split_at(rows * dimensions);
        for metric in [Metric::L2, Metric::Cosine] {
            let index = (structure.make)(metric, dimensions, values);
            let ids: Vec<u64> = (0..rows as u64).collect();
            index.insert(&ids, values, two()).unwrap();
            let mut model: Model = ids
                .iter()
                .copied()
                .zip(values.chunks(dimensions).map(<[f32]>::to_vec))
                .collect();
            for (filter, what) in [
                (&All as &dyn Filter, "all"),
                (&Accept(|id| id % 2 == 0), "a half"),
                (&Accept(|id| id % 10 == 0), "a tenth"),
                (&Accept(|id| id % 100 == 0), "a hundredth"),
                (&Accept(|id| id % 1000 == 0), "a thousandth"),
            ] {
                let share = recall(&*index, &model, queries, filter);
                assert!(
                    share >= structure.floor,
                    "{} {metric:?} {what}: {share}",
                    structure.name
                );
            }
            for id in ids.iter().filter(|id| *id % 3 != 0) {
                index.remove(*id);
                model.remove(id);
            }
            let before = recall(&*index, &model, queries, &All);
            assert!(
                before >= structure.floor,
                "{} removed: {before}",
                structure.name
            );
            index.repair(two()).unwrap();
            let after = recall(&*index, &model, queries, &All);
            assert!(
                after >= structure.floor,
                "{} repaired: {after}",
                structure.name
            );
            assert_eq!(index.statistics().unrepaired, 0);
        }
    }
}

#[test]
fn a_scan_returns_everything_once() {
    for structure in ALL {
        let values = clustered(2, 1500, 8, 10);
        let index = (structure.make)(Metric::L2, 8, &values);
        let ids: Vec<u64> = (0..1500).collect();
        index.insert(&ids, &values, two()).unwrap();
        for id in 0..100 {
            index.remove(id * 7);
        }
        let even = Accept(|id| id % 2 == 0);
        let filters: [(&dyn Filter, u64); 2] = [(&even, 2), (&All, 1)];
        for (filter, step) in filters {
            let mut scan = index
                .scan(&values[..8], filter, Effort::breadth(16))
                .unwrap();
            let mut all = Vec::new();
            for size in (1..).map(|size| size * 3) {
                let batch = scan.next(size);
                assert!(
                    batch
                        .windows(2)
                        .all(|pair| pair[0].distance <= pair[1].distance)
                );
                let short = batch.len() < size;
                all.extend(batch.iter().map(|found| found.id));
                if short {
                    break;
                }
            }
            assert!(scan.compared() > 0);
            assert!(scan.next(5).is_empty());
            all.sort_unstable();
            let meant: Vec<u64> = (0..1500)
                .filter(|id| id % step == 0 && !(id % 7 == 0 && *id < 700))
                .collect();
            assert_eq!(all, meant, "{}", structure.name);
        }
    }
}

#[test]
fn what_was_loaded_answers_alike() {
    for structure in ALL {
        for metric in Metric::ALL {
            let values = clustered(3, 800, 20, 8);
            let index = (structure.make)(metric, 20, &values);
            let ids: Vec<u64> = (0..800).map(|id| id << 40).collect();
            index.insert(&ids, &values, two()).unwrap();
            index.remove(5 << 40);
            let mut bytes = Vec::new();
            index.save(&mut bytes).unwrap();
            let loaded = (structure.load)(&bytes).unwrap();
            let mut again = Vec::new();
            loaded.save(&mut again).unwrap();
            assert!(bytes == again, "{}: saved bytes differ", structure.name);
            let of = |index: &dyn Index| (index.statistics().vectors, index.statistics().shape);
            assert_eq!(of(&*loaded), of(&*index));
            for query in values.chunks(20).step_by(13) {
                let of =
                    |index: &dyn Index| index.search(query, 10, &All, Effort::default()).unwrap();
                assert_eq!(of(&*index), of(&*loaded));
            }
        }
    }
}

#[test]
fn damaged_bytes_are_errors() {
    for structure in ALL {
        let values = clustered(4, 60, 5, 4);
        let index = (structure.make)(Metric::L2, 5, &values);
        index
            .insert(&(0..60).collect::<Vec<_>>(), &values, Work::default())
            .unwrap();
        index.remove(3);
        let mut bytes = Vec::new();
        index.save(&mut bytes).unwrap();
        let mut rng = fastrand::Rng::with_seed(9);
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << rng.u8(..8);
            let found = (structure.load)(&bad);
            assert!(
                matches!(found, Err(Error::Damaged { .. } | Error::Version { .. })),
                "{}: byte {at} of {}",
                structure.name,
                bytes.len()
            );
        }
        for length in 0..bytes.len() {
            assert!((structure.load)(&bytes[..length]).is_err());
        }
        bytes.push(0);
        assert!((structure.load)(&bytes).is_err());
    }
}

/// Damage behind valid checksums may go unnoticed, but must not lead to a panic.
#[test]
fn forged_bytes_do_no_harm() {
    for structure in ALL {
        let values = clustered(4, 50, 4, 4);
        let values: Vec<f32> = [&values[..], &values[..40]].concat();
        let index = (structure.make)(Metric::L2, 4, &values);
        index
            .insert(&(0..60).collect::<Vec<_>>(), &values, Work::default())
            .unwrap();
        let mut bytes = Vec::new();
        index.save(&mut bytes).unwrap();
        let mut rng = fastrand::Rng::with_seed(10);
        for _ in 0..rounds(1500) {
            let mut bad = bytes.clone();
            for _ in 0..rng.usize(1..4) {
                let at = rng.usize(..bad.len());
                bad[at] = [0, 1, 255, rng.u8(..)][rng.usize(..4)];
            }
            seal(&mut bad);
            if let Ok(index) = (structure.load)(&bad) {
                let width = index.dimensions();
                let query = vec![0.5; width];
                for filter in [&All as &dyn Filter, &Accept(|id| id % 2 == 0)] {
                    let _ = index.search(&query, 20, filter, Effort::default());
                }
                let _ = index.remove(7);
                let _ = index.repair(Work::default());
                let _ = index.insert(&[1 << 50], &vec![0.1; width], Work::default());
                let _ = index.statistics();
                let _ = index.save(&mut Vec::new());
            }
        }
    }
}

/// Makes the checksums of all sections right.
pub fn seal(bytes: &mut [u8]) {
    let mut at = 0;
    while at + 20 <= bytes.len() {
        let sum = crc32c::crc32c(&bytes[at..at + 16]);
        bytes[at + 16..at + 20].copy_from_slice(&sum.to_le_bytes());
        let mut length = [0; 8];
        length.copy_from_slice(&bytes[at + 8..at + 16]);
        let Some(end) = usize::try_from(u64::from_le_bytes(length))
            .ok()
            .and_then(|length| (at + 20).checked_add(length))
        else {
            return;
        };
        if end.checked_add(4).is_none_or(|end| end > bytes.len()) {
            return;
        }
        let sum = crc32c::crc32c(&bytes[at + 20..end]);
        bytes[end..end + 4].copy_from_slice(&sum.to_le_bytes());
        at = end + 4;
    }
}

#[test]
fn none_one_and_many_copies() {
    for structure in ALL {
        let sample = clustered(5, 300, 6, 3);
        let index = (structure.make)(Metric::L2, 6, &sample);
        let find = |index: &dyn Index, query: &[f32], k| {
            index.search(query, k, &All, Effort::default()).unwrap()
        };
        assert!(find(&*index, &sample[..6], 10).is_empty());
        assert!(index.is_empty() && !index.remove(1));
        index.repair(Work::default()).unwrap();
        index.insert(&[9], &sample[..6], Work::default()).unwrap();
        assert_eq!(find(&*index, &sample[60..66], 10).len(), 1);
        assert!(find(&*index, &sample[60..66], 0).is_empty());
        // A thousand copies of one vector hide nobody and are all found.
        let copies: Vec<u64> = (1000..2000).collect();
        let ones: Vec<f32> = copies
            .iter()
            .flat_map(|_| sample[60..66].to_vec())
            .collect();
        index.insert(&copies, &ones, two()).unwrap();
        let others: Vec<u64> = (0..250).map(|id| id + 5000).collect();
        index.insert(&others, &sample[..1500], two()).unwrap();
        assert_eq!(index.len(), 1251);
        let found = find(&*index, &sample[60..66], 1000);
        assert!(
            found
                .iter()
                .filter(|found| structure.is_nothing(found.distance))
                .count()
                >= 999,
            "{}",
            structure.name
        );
        let query = &sample[120..126];
        assert_eq!(find(&*index, query, 3)[0].id, 5020, "{}", structure.name);
        for id in copies {
            assert!(index.remove(id));
        }
        assert_eq!(
            find(&*index, &sample[60..66], 2)[0].id,
            5010,
            "{}",
            structure.name
        );
        index.repair(two()).unwrap();
        assert_eq!(find(&*index, &sample[60..66], 2000).len(), 251);
        for id in others.into_iter().chain([9]) {
            assert!(index.remove(id));
        }
        assert!(find(&*index, query, 3).is_empty() && index.is_empty());
        index.repair(two()).unwrap();
        index.insert(&[9], &sample[..6], Work::default()).unwrap();
        assert_eq!(find(&*index, query, 3).len(), 1);
    }
}

#[test]
fn one_dimension_and_two_thousand() {
    for structure in ALL {
        for (dimensions, rows) in [(1, 400), (2000, 120)] {
            let values = clustered(6, rows, dimensions, 5);
            let index = (structure.make)(Metric::L2, dimensions, &values);
            let ids: Vec<u64> = (0..rows as u64).collect();
            index.insert(&ids, &values, two()).unwrap();
            let model: Model = ids
                .iter()
                .copied()
                .zip(values.chunks(dimensions).map(<[f32]>::to_vec))
                .collect();
            let share = recall(&*index, &model, &values[..dimensions * 50], &All);
            assert!(
                share >= structure.floor,
                "{} {dimensions}: {share}",
                structure.name
            );
        }
    }
}

#[test]
fn bad_vectors_are_refused_and_change_nothing() {
    for structure in ALL {
        let sample = clustered(7, 100, 4, 3);
        let index = (structure.make)(Metric::Cosine, 4, &sample);
        let insert = |ids: &[u64], values: &[f32]| index.insert(ids, values, Work::default());
        insert(&[1], &[1.0, 0.0, 0.0, 0.0]).unwrap();
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let values = [1.0, 1.0, 1.0, 1.0, 1.0, bad, 1.0, 1.0];
            assert_eq!(
                insert(&[2, 3], &values),
                Err(Error::NotFinite { position: 1 })
            );
        }
        assert_eq!(insert(&[2], &[0.0; 4]), Err(Error::ZeroVector));
        assert_eq!(insert(&[2, 1], &[1.0; 8]), Err(Error::Duplicate { id: 1 }));
        assert_eq!(insert(&[2, 2], &[1.0; 8]), Err(Error::Duplicate { id: 2 }));
        assert!(matches!(
            insert(&[2], &[1.0; 3]),
            Err(Error::Dimensions { .. })
        ));
        assert!(
            index
                .search(&[f32::NAN; 4], 1, &All, Effort::default())
                .is_err()
        );
        assert!(index.search(&[0.0; 4], 1, &All, Effort::default()).is_err());
        assert!(index.search(&[1.0; 5], 1, &All, Effort::default()).is_err());
        assert_eq!(index.len(), 1);
        insert(&[2, 3], &[1.0; 8]).unwrap();
        assert_eq!(
            index
                .search(&[1.0; 4], 9, &All, Effort::default())
                .unwrap()
                .len(),
            3
        );
    }
}

#[test]
fn searches_go_on_while_vectors_come_and_go() {
    for structure in ALL {
        let (rows, dimensions) = (3000, 16);
        let values = clustered(8, rows, dimensions, 20);
        let index = (structure.make)(Metric::L2, dimensions, &values);
        let first: Vec<u64> = (0..500).collect();
        index
            .insert(&first, &values[..500 * dimensions], two())
            .unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for at in 500..rows {
                    let vector = &values[at * dimensions..(at + 1) * dimensions];
                    index.insert(&[at as u64], vector, Work::default()).unwrap();
                    // Those that stay are the multiples of 4.
                    if at % 4 != 0 {
                        index.remove(at as u64);
                    }
                    if at % 700 == 0 {
                        index.repair(Work::default()).unwrap();
                    }
                }
                done.store(true, Ordering::Release);
            });
            let mut rng = fastrand::Rng::with_seed(1);
            let (mut searches, mut misses) = (0, 0);
            while !done.load(Ordering::Acquire) {
                let at = rng.usize(..500);
                let query = &values[at * dimensions..(at + 1) * dimensions];
                let found = index.search(query, 5, &All, Effort::default()).unwrap();
                assert_eq!(found.len(), 5);
                searches += 1;
                misses += usize::from(!structure.is_nothing(found[0].distance));
                let filter = Accept(|id| id < 500 && id % 5 == 0);
                let found = index
                    .search(query, 100, &filter, Effort::default())
                    .unwrap();
                assert_eq!(found.len(), 100, "{}: all that were there", structure.name);
            }
            assert!(
                misses * 50 <= searches,
                "{}: {misses} of {searches}",
                structure.name
            );
        });
        let meant = (0..rows).filter(|at| *at < 500 || at % 4 == 0).count();
        assert_eq!(index.len(), meant);
        assert_eq!(
            index
                .search(&values[..dimensions], rows, &All, Effort::default())
                .unwrap()
                .len(),
            meant
        );
    }
}

#[test]
fn a_cancelled_insert_can_be_taken_back() {
    for structure in ALL {
        let values = clustered(9, 2000, 8, 10);
        let index = (structure.make)(Metric::L2, 8, &values);
        let ids: Vec<u64> = (0..2000).collect();
        let stop = |done: usize| done < 300;
        assert_eq!(
            index.insert(&ids, &values, Work::default().watched(&stop)),
            Err(Error::Cancelled)
        );
        for id in &ids {
            index.remove(*id);
        }
        assert!(index.is_empty());
        index.repair(Work::default()).unwrap();
        index.insert(&ids, &values, two()).unwrap();
        let found = index
            .search(&values[..8], 10, &All, Effort::default())
            .unwrap();
        let meant =
            search_exact(Metric::L2, &values, &values[..8], 10, &All, Work::default()).unwrap();
        let hits = found
            .iter()
            .filter(|found| found.distance <= meant[9].distance + 1e-5)
            .count();
        assert!(hits >= 9, "{}: {hits}", structure.name);
    }
}
