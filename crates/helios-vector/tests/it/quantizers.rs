//! What every quantizer must do.

use std::sync::Arc;

use helios_vector::quant::{restore, store};
use helios_vector::{
    BitQuantizer, Metric, OpqQuantizer, ProductQuantizer, Quantizer, RabitqQuantizer,
    ScalarQuantizer, Work,
};

use crate::data::clustered;

const WIDTH: usize = 48;

/// Each with the least correlation of its estimates with the truth.
fn all(rows: &[f32], width: usize) -> Vec<(Arc<dyn Quantizer>, f64)> {
    let work = Work::default();
    let parts = |each: usize| (width / each).max(1);
    let narrow = ProductQuantizer::train(rows, width, parts(2), 16, 1, work).unwrap();
    let wide = ProductQuantizer::train(rows, width, parts(6), 256, 1, work).unwrap();
    let turned = OpqQuantizer::train(rows, width, parts(4), 16, 1, work).unwrap();
    vec![
        (
            Arc::new(ScalarQuantizer::train(rows, width, 8).unwrap()),
            0.999,
        ),
        (
            Arc::new(ScalarQuantizer::train(rows, width, 4).unwrap()),
            0.98,
        ),
        (Arc::new(narrow), 0.93),
        (Arc::new(wide), 0.85),
        (Arc::new(turned), 0.85),
        (
            Arc::new(RabitqQuantizer::train(rows, width, 1, 3).unwrap()),
            0.8,
        ),
        (
            Arc::new(RabitqQuantizer::train(rows, width, 2, 3).unwrap()),
            0.93,
        ),
        (
            Arc::new(RabitqQuantizer::train(rows, width, 4, 3).unwrap()),
            0.99,
        ),
        (
            Arc::new(RabitqQuantizer::train(rows, width, 8, 3).unwrap()),
            0.999,
        ),
    ]
}

fn truth(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let pairs = a.iter().zip(b).map(|(a, b)| (f64::from(*a), f64::from(*b)));
    match metric {
        Metric::L2 => pairs.map(|(a, b)| (a - b).powi(2)).sum(),
        Metric::L1 => pairs.map(|(a, b)| (a - b).abs()).sum(),
        Metric::Jaccard => {
            let (mut both, mut apart) = (0.0, 0.0);
            pairs.for_each(|(a, b)| {
                both += a * b;
                apart += (a - b).powi(2);
            });
            1.0 - both / (both + apart)
        }
        _ => -pairs.map(|(a, b)| a * b).sum::<f64>(),
    }
}

fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        xy += (a - x) * (b - y);
        xx += (a - x).powi(2);
        yy += (b - y).powi(2);
    }
    xy / (xx * yy).sqrt()
}

#[test]
fn estimates_follow_the_truth_and_bounds_hold() {
    let rows = clustered(11, 2000, WIDTH, 15);
    for (quantizer, floor) in all(&rows, WIDTH) {
        let mut code = vec![0; quantizer.code_bytes()];
        let codes: Vec<Vec<u8>> = rows
            .chunks(WIDTH)
            .take(400)
            .map(|row| {
                quantizer.encode(row, &mut code);
                code.clone()
            })
            .collect();
        for metric in Metric::ALL {
            let (mut pairs, mut broken, mut bounds, mut bias) = (Vec::new(), 0, 0, 0.0);
            for query in rows.chunks(WIDTH).skip(1000).step_by(50) {
                let estimator = quantizer.query(metric, query);
                for (row, code) in rows.chunks(WIDTH).zip(&codes) {
                    let (meant, found) =
                        (truth(metric, query, row), f64::from(estimator.score(code)));
                    pairs.push((meant, found));
                    if let Some(error) = estimator.error(code) {
                        bounds += 1;
                        bias += found - meant;
                        broken += usize::from((found - meant).abs() > f64::from(error));
                    }
                }
                for four in codes.chunks_exact(4) {
                    let scores = estimator.score_4([&four[0], &four[1], &four[2], &four[3]]);
                    for (score, code) in scores.iter().zip(four) {
                        let one = estimator.score(code);
                        assert!((score - one).abs() <= 1e-4 * one.abs().max(1.0));
                    }
                }
            }
            let found = correlation(&pairs);
            assert!(found >= floor, "{} {metric:?}: {found}", quantizer.name());
            if bounds > 0 {
                let spread = pairs.iter().map(|(a, b)| (a - b).abs()).sum::<f64>() / bounds as f64;
                let share = broken as f64 / bounds as f64;
                assert!(share < 0.08, "{} {metric:?}: {share}", quantizer.name());
                let bias = (bias / bounds as f64).abs();
                assert!(
                    bias < 0.25 * spread + 1e-3,
                    "{} {metric:?}: {bias} of {spread}",
                    quantizer.name()
                );
            }
        }
    }
}

#[test]
fn what_was_decoded_is_near_and_has_the_same_code() {
    let rows = clustered(12, 1500, WIDTH, 15);
    for (quantizer, _) in all(&rows, WIDTH) {
        let (mut code, mut again) = (
            vec![0; quantizer.code_bytes()],
            vec![0; quantizer.code_bytes()],
        );
        let mut vector = vec![0.0; WIDTH];
        let (mut off, mut all) = (0.0, 0.0);
        for row in rows.chunks(WIDTH).take(100) {
            quantizer.encode(row, &mut code);
            quantizer.decode(&code, &mut vector);
            off += truth(Metric::L2, row, &vector);
            all += truth(Metric::L2, row, &[0.0; WIDTH]);
            quantizer.encode(&vector, &mut again);
            let mut back = vec![0.0; WIDTH];
            quantizer.decode(&again, &mut back);
            let drift = truth(Metric::L2, &vector, &back);
            assert!(
                drift <= 0.05 * truth(Metric::L2, row, &[0.0; WIDTH]),
                "{} {drift}",
                quantizer.name()
            );
        }
        assert!(off < 0.4 * all, "{}: {off} of {all}", quantizer.name());
    }
}

#[test]
fn odd_dimensions_and_vectors() {
    for width in [1, 3, 65, 700] {
        let mut rows = clustered(13, 40, width, 3);
        rows.extend(vec![0.0; width]);
        rows.extend(vec![1e30; width]);
        for (quantizer, _) in all(&rows, width) {
            let mut code = vec![0; quantizer.code_bytes()];
            let mut vector = vec![0.0; width];
            for row in rows.chunks(width) {
                quantizer.encode(row, &mut code);
                quantizer.decode(&code, &mut vector);
                for metric in Metric::ALL {
                    let _ = quantizer.query(metric, row).score(&code);
                }
            }
        }
    }
}

#[test]
fn stored_bytes_come_back_and_damage_is_noticed() {
    let rows = clustered(14, 600, 8, 5);
    for (quantizer, _) in all(&rows, 8) {
        let bytes = store(&*quantizer).unwrap();
        let loaded = restore(&bytes).unwrap();
        assert_eq!(store(&*loaded).unwrap(), bytes);
        assert_eq!(loaded.name(), quantizer.name());
        let (mut code, mut again) = (
            vec![0; quantizer.code_bytes()],
            vec![0; quantizer.code_bytes()],
        );
        quantizer.encode(&rows[..8], &mut code);
        loaded.encode(&rows[..8], &mut again);
        assert_eq!(code, again);
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 400) {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            assert!(restore(&bad).is_err());
        }
        for length in 0..bytes.len().min(200) {
            assert!(restore(&bytes[..length]).is_err());
        }
    }
}

/// Bits keep all that vectors of zeros and ones have, so that scores are what they are of vectors.
#[test]
fn bits_lose_nothing() {
    let mut rng = fastrand::Rng::with_seed(6);
    for width in [1, 7, 64, 65, 384] {
        let mut row = |ones: bool| -> Vec<f32> {
            (0..width)
                .map(|_| f32::from(u8::from(ones && rng.bool())))
                .collect()
        };
        let rows: Vec<Vec<f32>> = (0..20).map(|at| row(at > 0)).collect();
        let quantizer = BitQuantizer::new(width).unwrap();
        assert_eq!(quantizer.code_bytes(), width.div_ceil(64) * 8);
        let restored = restore(&store(&quantizer).unwrap()).unwrap();
        let mut code = vec![0; quantizer.code_bytes()];
        for metric in [
            Metric::L2,
            Metric::L1,
            Metric::InnerProduct,
            Metric::Jaccard,
        ] {
            for query in &rows {
                let estimator = restored.query(metric, query);
                for row in &rows {
                    quantizer.encode(row, &mut code);
                    let mut back = vec![2.0; width];
                    restored.decode(&code, &mut back);
                    assert_eq!(back, *row);
                    let meant = match metric {
                        Metric::Jaccard if !row.iter().zip(query).any(|(a, b)| a * b > 0.0) => 1.0,
                        metric => truth(metric, query, row),
                    };
                    let found = estimator.score(&code);
                    assert!(
                        (f64::from(found) - meant).abs() < 1e-6,
                        "{metric:?} of {width}"
                    );
                }
            }
        }
    }
    assert!(BitQuantizer::new(0).is_err());
}

#[test]
fn bad_options_are_refused() {
    let work = Work::default();
    assert!(ScalarQuantizer::train(&[1.0; 8], 4, 5).is_err());
    assert!(ScalarQuantizer::train(&[], 4, 8).is_err());
    assert!(ProductQuantizer::train(&[1.0; 8], 4, 5, 256, 0, work).is_err());
    assert!(ProductQuantizer::train(&[1.0; 8], 4, 2, 100, 0, work).is_err());
    assert!(ProductQuantizer::train(&[], 4, 2, 256, 0, work).is_err());
    assert!(RabitqQuantizer::train(&[1.0; 8], 4, 3, 0).is_err());
    assert!(OpqQuantizer::train(&[], 4, 2, 16, 0, work).is_err());
}

/// The bytes as they were when the format was fixed.
#[test]
fn golden_bytes() {
    let rows = [0.0, 0.0, 1.0, 2.0, 4.0, 8.0];
    let scalar = ScalarQuantizer::train(&rows, 2, 8).unwrap();
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    assert_eq!(
        hex(&store(&scalar).unwrap()),
        "48564543080100001a00000000000000e06803680108020000000000000000000040000080408180803c8180003daa817af1"
    );
    let mut code = vec![0; scalar.code_bytes()];
    scalar.encode(&[1.0, 2.0], &mut code);
    assert_eq!(hex(&code), "4040e141a140");
    let rabitq = RabitqQuantizer::train(&rows, 2, 1, 5).unwrap();
    assert_eq!(
        hex(&store(&rabitq).unwrap()),
        "48564543080100001a00000000000000e06803680401050000000000000002000000000000005555d53f555555406f5f3eee"
    );
    let bits = BitQuantizer::new(2).unwrap();
    assert_eq!(
        hex(&store(&bits).unwrap()),
        "485645430801000009000000000000003de6313705020000000000000096866c03"
    );
    let mut code = vec![0; bits.code_bytes()];
    bits.encode(&[0.0, 1.0], &mut code);
    assert_eq!(hex(&code), "0200000000000000");
    let mut code = vec![0; rabitq.code_bytes()];
    rabitq.encode(&[1.0, 2.0], &mut code);
    assert_eq!(
        hex(&code[..8]),
        "9bb26d6238f0b78b",
        "the rotation is the same for ever"
    );
}
