//! Kill masks against a map.

use std::collections::BTreeMap;

use fastrand::Rng;
use helios_segment::{CHUNK_ROWS, KillMask};

type Model = BTreeMap<u64, u64>;

const ROWS: u64 = CHUNK_ROWS as u64 * 2 + 5_000;

fn random(rng: &mut Rng) -> (KillMask, Model) {
    let mut model = Model::new();
    let mut mask = KillMask::new();
    for _ in 0..rng.usize(0..6) {
        let (kills, more): (Vec<(u64, u64)>, KillMask) = if rng.bool() {
            let scn = rng.u64(1..100);
            let mut kills = Vec::new();
            for _ in 0..rng.usize(0..2_000) {
                let end = if rng.bool() { scn } else { rng.u64(1..100) };
                kills.push((rng.u64(0..ROWS), end));
            }
            let more = KillMask::of(kills.iter().copied());
            (kills, more)
        } else {
            let first = rng.u64(0..ROWS);
            let last = (first + rng.u64(0..100_000)).min(ROWS - 1);
            let scn = rng.u64(1..100);
            (
                (first..=last).map(|row| (row, scn)).collect(),
                KillMask::range(first, last, scn),
            )
        };
        for (row, end) in kills {
            let known = model.entry(row).or_insert(end);
            *known = end.min(*known);
        }
        mask = mask.union(&more);
    }
    (mask, model)
}

fn assert_equal(mask: &KillMask, model: &Model) {
    assert!(mask.iter().eq(model.iter().map(|(row, end)| (*row, *end))));
    assert_eq!(mask.count(), model.len() as u64);
    assert_eq!(mask.is_empty(), model.is_empty());
}

#[test]
fn masks_are_maps_from_row_to_scn() {
    let mut rng = Rng::with_seed(5);
    for _ in 0..60 {
        let (mask, model) = random(&mut rng);
        assert_equal(&mask, &model);
        for _ in 0..50 {
            let row = rng.u64(0..ROWS);
            assert_eq!(mask.end(row), model.get(&row).copied());
        }
        let scn = rng.u64(0..110);
        for chunk in 0..3u32 {
            let rows = if chunk == 2 { 5_000 } else { CHUNK_ROWS };
            let selection = mask.selection(chunk, rows, scn);
            let base = u64::from(chunk) * CHUNK_ROWS as u64;
            let alive = |row: usize| model.get(&(base + row as u64)).is_none_or(|end| *end > scn);
            let expected: Vec<u32> = (0..rows)
                .filter(|row| alive(*row))
                .map(|row| row as u32)
                .collect();
            assert_eq!(selection.indices(), expected);
            assert_eq!(selection.count(), expected.len());
        }
        let bytes = mask.to_bytes();
        assert_eq!(KillMask::from_bytes(&bytes).expect("reads"), mask);
    }
}

/// A child sees its own kills, its parent's up to the fork, and its grandparent's up to the parent's.
#[test]
fn branches_merge() {
    let mut rng = Rng::with_seed(6);
    for _ in 0..40 {
        let levels: Vec<(KillMask, Model, u64)> = (0..3)
            .map(|_| {
                let (mask, model) = random(&mut rng);
                (mask, model, rng.u64(1..110))
            })
            .collect();
        let merged = KillMask::merge(levels.iter().map(|(mask, _, until)| (mask, *until)));
        let mut expected = Model::new();
        for (_, model, until) in &levels {
            for (row, end) in model.iter().filter(|(_, end)| *end <= until) {
                let known = expected.entry(*row).or_insert(*end);
                *known = (*end).min(*known);
            }
        }
        assert_equal(&merged, &expected);
    }
}

#[test]
fn dense_kills_are_small() {
    let range = KillMask::range(0, ROWS - 1, 9);
    assert!(range.to_bytes().len() < 40);
    let scattered = KillMask::of((0..10_000).map(|row| (row * 7, 9)));
    assert!(scattered.to_bytes().len() < 25_000);
}

#[test]
fn damaged_bytes_are_refused_or_read() {
    let mut rng = Rng::with_seed(8);
    let bytes = random(&mut rng).0.to_bytes();
    for _ in 0..20_000 {
        let mut bytes = bytes.clone();
        match rng.u8(0..3) {
            0 => bytes.truncate(rng.usize(0..=bytes.len())),
            1 if !bytes.is_empty() => {
                let at = rng.usize(0..bytes.len());
                bytes[at] = rng.u8(..);
            }
            _ => bytes.insert(rng.usize(0..=bytes.len()), rng.u8(..)),
        }
        if let Ok(mask) = KillMask::from_bytes(&bytes) {
            let _ = mask.selection(0, CHUNK_ROWS, 50);
        }
    }
}
