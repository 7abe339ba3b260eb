//! Every instruction set agrees with the scalar twin, and both with the truth, within the bound
//! that is documented.

use helios_vector::F16;
use helios_vector::kernel::{Kernels, Scalar, all, packed_order};

/// Numbers of all sizes whose products and squares stay finite, with zeros and subnormal ones.
fn numbers(rng: &mut fastrand::Rng, count: usize) -> Vec<f32> {
    let scale = [1.0, 1e-3, 1e6, 1e-20, 1e16][rng.usize(..5)];
    (0..count)
        .map(|_| match rng.u8(..16) {
            0 => 0.0,
            1 => f32::from_bits(rng.u32(..1 << 23)),
            2 => -f32::MIN_POSITIVE,
            _ => (rng.f32() * 2.0 - 1.0) * scale,
        })
        .collect()
}

fn bytes<T>(rng: &mut fastrand::Rng, count: usize, of: impl Fn(u8) -> T) -> Vec<T> {
    (0..count).map(|_| of(rng.u8(..))).collect()
}

/// The true sum of the terms and the sum of their absolute values.
fn truth(terms: impl Iterator<Item = f64>) -> (f64, f64) {
    terms.fold((0.0, 0.0), |(sum, size), term| {
        (sum + term, size + term.abs())
    })
}

fn close(name: &str, kernels: &dyn Kernels, n: usize, found: f32, (sum, size): (f64, f64)) {
    let bound = (n as f64 + 8.0) * 2f64.powi(-24) * size + (n as f64 + 1.0) * 2f64.powi(-149);
    assert!(
        (f64::from(found) - sum).abs() <= bound,
        "{name} of {n} by {}: {found} instead of {sum}, bound {bound}",
        kernels.name()
    );
}

type Term = fn(f64, f64) -> f64;

const TERMS: [(&str, Term); 3] = [
    ("l2", |a, b| (a - b) * (a - b)),
    ("dot", |a, b| a * b),
    ("l1", |a, b| (a - b).abs()),
];

fn one(kernels: &dyn Kernels, name: &str, a: &[f32], b: &[f32]) -> f32 {
    match name {
        "l2" => kernels.l2(a, b),
        "dot" => kernels.dot(a, b),
        _ => kernels.l1(a, b),
    }
}

fn four(kernels: &dyn Kernels, name: &str, a: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
    match name {
        "l2" => kernels.l2_4(a, rows),
        "dot" => kernels.dot_4(a, rows),
        _ => kernels.l1_4(a, rows),
    }
}

#[test]
fn floats_are_within_the_bound_at_every_length() {
    let mut rng = fastrand::Rng::with_seed(1);
    for kernels in all() {
        for n in 0..=300 {
            // An odd start, so that nothing is aligned by chance.
            let rows: Vec<Vec<f32>> = (0..8).map(|_| numbers(&mut rng, n + 1)).collect();
            let rows: Vec<&[f32]> = rows.iter().map(|row| &row[1..]).collect();
            let halves: Vec<F16> = rows[1].iter().map(|x| F16::from_f32(*x)).collect();
            let tile = kernels.dot_tile(
                [rows[0], rows[1], rows[2], rows[3]],
                [rows[4], rows[5], rows[6], rows[7]],
            );
            for (name, term) in TERMS {
                let true_of = |a: &[f32], b: &[f32]| {
                    truth(
                        a.iter()
                            .zip(b)
                            .map(|(a, b)| term(f64::from(*a), f64::from(*b))),
                    )
                };
                close(
                    name,
                    kernels,
                    n,
                    one(kernels, name, rows[0], rows[1]),
                    true_of(rows[0], rows[1]),
                );
                let fours = four(kernels, name, rows[0], [rows[4], rows[5], rows[6], rows[7]]);
                for (found, row) in fours.into_iter().zip(&rows[4..]) {
                    close(name, kernels, n, found, true_of(rows[0], row));
                }
                let wide: Vec<f32> = halves.iter().map(|half| half.to_f32()).collect();
                if wide.iter().all(|x| x.is_finite()) {
                    let found = match name {
                        "l2" => kernels.l2_f16(rows[0], &halves),
                        "dot" => kernels.dot_f16(rows[0], &halves),
                        _ => kernels.l1_f16(rows[0], &halves),
                    };
                    close(name, kernels, n, found, true_of(rows[0], &wide));
                    // The same row among others at every place.
                    let other = vec![F16::from_f32(1.0); n];
                    for place in 0..4 {
                        let mut four = [&other[..]; 4];
                        four[place] = &halves;
                        let found = match name {
                            "l2" => kernels.l2_f16_4(rows[0], four),
                            "dot" => kernels.dot_f16_4(rows[0], four),
                            _ => kernels.l1_f16_4(rows[0], four),
                        };
                        close(name, kernels, n, found[place], true_of(rows[0], &wide));
                    }
                }
            }
            let product = |a: &[f32], b: &[f32]| {
                truth(a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)))
            };
            for (i, line) in tile.iter().enumerate() {
                for (j, found) in line.iter().enumerate() {
                    close("tile", kernels, n, *found, product(rows[i], rows[4 + j]));
                }
            }
            let [ab, aa, bb] = kernels.products(rows[0], rows[1]);
            close("ab", kernels, n, ab, product(rows[0], rows[1]));
            close("aa", kernels, n, aa, product(rows[0], rows[0]));
            close("bb", kernels, n, bb, product(rows[1], rows[1]));
        }
    }
}

#[test]
fn what_is_not_finite_comes_out_the_same_way() {
    for kernels in all() {
        for n in [1, 7, 8, 15, 16, 33, 64, 100, 300] {
            for at in [0, n / 2, n - 1] {
                let plain = vec![1.0f32; n];
                let mut spoilt = plain.clone();
                spoilt[at] = f32::NAN;
                for (name, _) in TERMS {
                    assert!(one(kernels, name, &plain, &spoilt).is_nan());
                    assert!(one(kernels, name, &spoilt, &plain).is_nan());
                    let fours = four(kernels, name, &plain, [&plain, &spoilt, &plain, &spoilt]);
                    assert_eq!(fours.map(f32::is_nan), [false, true, false, true]);
                }
                spoilt[at] = f32::INFINITY;
                for (name, _) in TERMS {
                    assert_eq!(one(kernels, name, &plain, &spoilt), f32::INFINITY);
                }
                assert!(kernels.l2(&spoilt, &spoilt).is_nan(), "they cancel");
                spoilt[at] = 3e38;
                assert_eq!(kernels.l2(&plain, &spoilt), f32::INFINITY, "it overflows");
            }
        }
    }
}

#[test]
fn integers_agree_to_the_bit() {
    let mut rng = fastrand::Rng::with_seed(2);
    for kernels in all() {
        for n in (0..=300).chain([2000, 16_000]) {
            let a = bytes(&mut rng, n, |byte| byte as i8);
            let b = bytes(&mut rng, n, |byte| byte as i8);
            let codes: Vec<Vec<u8>> = (0..4).map(|_| bytes(&mut rng, n, |byte| byte)).collect();
            assert_eq!(kernels.l2_i8(&a, &b), Scalar.l2_i8(&a, &b), "{n}");
            assert_eq!(kernels.dot_i8(&a, &b), Scalar.dot_i8(&a, &b), "{n}");
            assert_eq!(kernels.l1_i8(&a, &b), Scalar.l1_i8(&a, &b), "{n}");
            assert_eq!(
                kernels.dot_u8i8(&codes[0], &a),
                Scalar.dot_u8i8(&codes[0], &a)
            );
            let rows = [&codes[0][..], &codes[1], &codes[2], &codes[3]];
            assert_eq!(kernels.dot_u8i8_4(rows, &a), Scalar.dot_u8i8_4(rows, &a));
            let x: Vec<u64> = (0..n).map(|_| rng.u64(..)).collect();
            let y: Vec<u64> = (0..n).map(|_| rng.u64(..)).collect();
            assert_eq!(kernels.hamming(&x, &y), Scalar.hamming(&x, &y));
            assert_eq!(kernels.overlap(&x, &y), Scalar.overlap(&x, &y));
            let lying: Vec<u8> = x.iter().flat_map(|word| word.to_le_bytes()).collect();
            assert_eq!(kernels.hamming_bytes(&lying, &y), Scalar.hamming(&x, &y));
            let (both, either) = Scalar.overlap(&x, &y);
            assert_eq!(kernels.overlap_bytes(&lying, &y), [both, either]);
            let planes: Vec<[u64; 4]> = (0..n)
                .map(|_| std::array::from_fn(|_| rng.u64(..)))
                .collect();
            assert_eq!(kernels.planes(&x, &planes), Scalar.planes(&x, &planes));
            let bits: Vec<u8> = x.iter().flat_map(|word| word.to_le_bytes()).collect();
            let apart: Vec<u64> = (0..4)
                .flat_map(|plane| planes.iter().map(move |planes| planes[plane]))
                .collect();
            let ones: u32 = x.iter().map(|word| word.count_ones()).sum();
            assert_eq!(
                kernels.bits_by_planes(&bits, &apart),
                [Scalar.planes(&x, &planes), ones]
            );
        }
        let least = vec![i8::MIN; 32_768];
        let most = vec![i8::MAX; 32_768];
        assert_eq!(kernels.l2_i8(&least, &most), 255 * 255 * 32_768);
        let codes = vec![u8::MAX; 65_536];
        assert_eq!(
            kernels.dot_u8i8(&codes, &vec![i8::MIN; 65_536]),
            -255 * 128 * 65_536
        );
    }
}

#[test]
fn packed_codes_agree_with_those_in_bytes() {
    let mut rng = fastrand::Rng::with_seed(5);
    for n in (0..=300).chain([1536, 65_536]) {
        for bits in [1u8, 2, 4, 8] {
            let most = 1u16 << bits;
            let query = bytes(
                &mut rng,
                n,
                |byte| if n > 300 { i8::MIN } else { byte as i8 },
            );
            let ordered = packed_order(bits, &query);
            let each = 8 / usize::from(bits);
            let mut meant = [0; 4];
            let rows: [Vec<u8>; 4] = std::array::from_fn(|row| {
                let codes = bytes(&mut rng, n, |byte| {
                    let code = if n > 300 {
                        most - 1
                    } else {
                        u16::from(byte) % most
                    };
                    code as u8
                });
                meant[row] = Scalar.dot_u8i8(&codes, &query);
                let pack = |codes: &[u8]| -> u8 {
                    let codes = codes.iter().enumerate();
                    codes.fold(0, |byte, (at, code)| {
                        byte | code << (at * usize::from(bits))
                    })
                };
                codes.chunks(each).map(pack).collect()
            });
            for kernels in all() {
                let four = rows.each_ref().map(Vec::as_slice);
                let found = four.map(|row| kernels.dot_packed(bits, row, &ordered));
                assert_eq!(found, meant, "{n} of {bits} bits by {}", kernels.name());
                let found = kernels.dot_packed_4(bits, four, &ordered);
                assert_eq!(found, meant, "{n} of {bits} bits by {}", kernels.name());
            }
        }
    }
}

#[test]
fn blocks_of_four_bit_codes_agree() {
    let mut rng = fastrand::Rng::with_seed(3);
    for kernels in all() {
        for parts in (0..=256).step_by(4) {
            let tables = bytes(
                &mut rng,
                parts * 16,
                |byte| if parts > 200 { 255 } else { byte },
            );
            let block = bytes(&mut rng, parts * 16, |byte| byte);
            let (mut found, mut meant) = ([1; 32], [2; 32]);
            kernels.scan_4bit(&tables, &block, &mut found);
            Scalar.scan_4bit(&tables, &block, &mut meant);
            assert_eq!(found, meant, "{parts} by {}", kernels.name());
        }
    }
}

#[test]
fn the_transform_is_its_own_inverse() {
    for kernels in all() {
        for power in 0..12 {
            let n = 1usize << power;
            let start: Vec<f32> = (0..n).map(|i| (i as f32 * 0.7).sin()).collect();
            let mut turned = start.clone();
            kernels.hadamard(&mut turned);
            let mut meant = start.clone();
            Scalar.hadamard(&mut meant);
            assert_eq!(turned, meant, "the order of additions is fixed");
            kernels.hadamard(&mut turned);
            for (back, start) in turned.iter().zip(&start) {
                assert!((back / n as f32 - start).abs() < 1e-5);
            }
        }
    }
}

// Four rows at once add up their last register as one row does. Longer rows, and other sets, add in
// another order and differ within the bound.
#[test]
fn four_short_rows_at_once_give_the_bits_of_one() {
    let mut rng = fastrand::Rng::with_seed(4);
    for kernels in all()
        .into_iter()
        .filter(|kernels| kernels.name() == "avx512")
    {
        for n in 0..=16 {
            let a = numbers(&mut rng, n);
            let rows: [Vec<f32>; 4] = std::array::from_fn(|_| numbers(&mut rng, n));
            for (name, _) in TERMS {
                let found = four(kernels, name, &a, rows.each_ref().map(Vec::as_slice));
                let single = rows.each_ref().map(|row| one(kernels, name, &a, row));
                assert_eq!(
                    found.map(f32::to_bits),
                    single.map(f32::to_bits),
                    "{name} of {n} by {}",
                    kernels.name()
                );
            }
        }
    }
}
