//! What tables of hashes promise beyond other structures.

use helios_vector::{All, Effort, Index, Lsh, LshOptions, Metric, Work};

use crate::contract::seal;
use crate::data::clustered;

const DIMENSIONS: usize = 24;
const ROWS: usize = 3000;

fn made(metric: Metric, rows: &[f32]) -> Lsh {
    let options = LshOptions {
        tables: 4,
        bits: 8,
        ..LshOptions::default()
    };
    let index = Lsh::train(metric, rows, DIMENSIONS, options).unwrap();
    let ids: Vec<u64> = (0..ROWS as u64).collect();
    index.insert(&ids, rows, Work::default()).unwrap();
    index
}

/// Vectors that all lie on one side of the origin fill buckets as evenly as others.
#[test]
fn planes_halve_what_lies_beside_the_origin() {
    let rows: Vec<f32> = clustered(3, ROWS, DIMENSIONS, 500)
        .iter()
        .map(|x| x + 4.0)
        .collect();
    let index = made(Metric::Cosine, &rows);
    let mut compared = 0;
    for query in rows.chunks(DIMENSIONS).step_by(50) {
        let mut scan = index.scan(query, &All, Effort::breadth(1)).unwrap();
        scan.next(1);
        compared += scan.compared();
    }
    // 60 queries look at 4 of 256 buckets each; through the origin they meet most of all vectors.
    let share = compared as f64 / (60 * ROWS) as f64;
    assert!(share < 0.2, "{share}");
}

/// Bytes of version 1 have no middles: planes go through the origin.
#[test]
fn the_version_before_is_read() {
    let rows = clustered(4, ROWS, DIMENSIONS, 30);
    // Products have no middles now either.
    let index = made(Metric::InnerProduct, &rows);
    let mut bytes = Vec::new();
    index.save(&mut bytes).unwrap();
    assert_eq!(bytes[4..6], [7, 2]);
    let mut old = bytes[..bytes.len() - 4 - 4 * 4 * 8].to_vec();
    old[5] = 1;
    let length = (old.len() - 20) as u64;
    old[8..16].copy_from_slice(&length.to_le_bytes());
    old.extend([0; 4]);
    seal(&mut old);
    let before = Lsh::load(&old).unwrap();
    for query in rows.chunks(DIMENSIONS).step_by(100) {
        let ask = |index: &Lsh| index.search(query, 10, &All, Effort::default()).unwrap();
        assert_eq!(ask(&before), ask(&index));
    }
}

/// The bytes as they were when the format was fixed.
#[test]
fn golden_bytes() {
    // Products with these are exact, whatever the kernel.
    let rows = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0];
    let options = LshOptions {
        tables: 1,
        bits: 2,
        probes: 3,
        seed: 5,
    };
    let index = Lsh::train(Metric::Cosine, &rows, 2, options).unwrap();
    index.insert(&[7, 8, 9], &rows, Work::default()).unwrap();
    let mut bytes = Vec::new();
    index.save(&mut bytes).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "48564543070200006d00000000000000a85f65a502020000000000000001000000000000000200000000000000030000000000000005000000000000000000803f03000000000000000700000000000000080000000000000009000000000000000000803f00000000000000000000803f000080bf0000000048dc6a3cc3b5f1bebc6fbdcb"
    );
    let mut again = Vec::new();
    Lsh::load(&bytes).unwrap().save(&mut again).unwrap();
    assert_eq!(again, bytes);
}
