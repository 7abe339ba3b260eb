//! What a distance costs on each instruction set.

use std::hint::black_box;
use std::time::Instant;

use helios_vector::F16;
use helios_vector::kernel::{Kernels, all, packed_order};

/// Prints nanoseconds a distance, over rows that stay in the first cache.
pub fn run(dimensions: usize) {
    let space: Vec<Vec<f32>> = (0..8)
        .map(|row| {
            (0..dimensions + 16)
                .map(|at| ((row * 31 + at) as f32).sin())
                .collect()
        })
        .collect();
    // They begin with a line of the cache, as those of an index do.
    let rows: Vec<&[f32]> = space
        .iter()
        .map(|row| {
            let start = row.as_ptr().align_offset(64).min(16);
            &row[start..start + dimensions]
        })
        .collect();
    let halves: Vec<F16> = rows[1].iter().map(|x| F16::from_f32(*x)).collect();
    let bytes: Vec<i8> = rows[0].iter().map(|x| (x * 127.0) as i8).collect();
    let codes: Vec<u8> = rows[1].iter().map(|x| (x * 127.0 + 128.0) as u8).collect();
    let orders = [1, 2, 4, 8].map(|bits| packed_order(bits, &bytes));
    let words: Vec<u64> = (0..dimensions.div_ceil(64) as u64)
        .map(|at| at * 0x9e37_79b9)
        .collect();
    let planes: Vec<[u64; 4]> = words.iter().map(|word| [*word; 4]).collect();
    let parts = (dimensions / 4).next_multiple_of(4).min(256);
    let tables = vec![3u8; parts * 16];
    let bits: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let apart: Vec<u64> = (0..4).flat_map(|_| words.iter().copied()).collect();
    let four = [rows[4], rows[5], rows[6], rows[7]];
    let time = |what: &mut dyn FnMut() -> f32| {
        let best = (0..7).map(|_| {
            let start = Instant::now();
            for _ in 0..20_000 {
                black_box(what());
            }
            start.elapsed().as_secs_f64() / 20_000.0 * 1e9
        });
        best.fold(f64::INFINITY, f64::min)
    };
    type Case<'a> = (&'a str, f64, Box<dyn Fn(&dyn Kernels) -> f32 + 'a>);
    let cases: Vec<Case<'_>> = vec![
        ("l2", 1.0, Box::new(|k| k.l2(black_box(rows[0]), rows[1]))),
        ("dot", 1.0, Box::new(|k| k.dot(black_box(rows[0]), rows[1]))),
        ("l1", 1.0, Box::new(|k| k.l1(black_box(rows[0]), rows[1]))),
        (
            "cosine",
            1.0,
            Box::new(|k| k.products(black_box(rows[0]), rows[1])[0]),
        ),
        (
            "l2, four rows",
            4.0,
            Box::new(|k| k.l2_4(black_box(rows[0]), four)[0]),
        ),
        (
            "dot, four rows",
            4.0,
            Box::new(|k| k.dot_4(black_box(rows[0]), four)[0]),
        ),
        (
            "dot, four by four",
            16.0,
            Box::new(|k| k.dot_tile([rows[0], rows[1], rows[2], rows[3]], black_box(four))[0][0]),
        ),
        (
            "l2, 16-bit",
            1.0,
            Box::new(|k| k.l2_f16(black_box(rows[0]), &halves)),
        ),
        (
            "l2, 8-bit",
            1.0,
            Box::new(|k| k.l2_i8(black_box(&bytes), &bytes) as f32),
        ),
        (
            "dot, 8-bit codes",
            1.0,
            Box::new(|k| k.dot_u8i8(black_box(&codes), &bytes) as f32),
        ),
        (
            "dot, 8-bit codes, four rows",
            4.0,
            Box::new(|k| k.dot_packed_4(8, [black_box(&codes[..]); 4], &orders[3])[0] as f32),
        ),
        (
            "dot, 2-bit codes",
            1.0,
            Box::new(|k| k.dot_packed(2, black_box(&codes[..dimensions / 4]), &orders[1]) as f32),
        ),
        (
            "dot, 8-bit codes in bytes, four rows",
            4.0,
            Box::new(|k| k.dot_u8i8_4([black_box(&codes[..]); 4], &bytes)[0] as f32),
        ),
        (
            "dot, 4-bit codes",
            1.0,
            Box::new(|k| k.dot_packed(4, black_box(&codes[..dimensions / 2]), &orders[2]) as f32),
        ),
        (
            "dot, 4-bit codes, four rows",
            4.0,
            Box::new(|k| {
                let row = black_box(&codes[..dimensions / 2]);
                k.dot_packed_4(4, [row; 4], &orders[2])[0] as f32
            }),
        ),
        (
            "dot, 2-bit codes, four rows",
            4.0,
            Box::new(|k| {
                let row = black_box(&codes[..dimensions / 4]);
                k.dot_packed_4(2, [row; 4], &orders[1])[0] as f32
            }),
        ),
        (
            "dot, 1-bit codes",
            1.0,
            Box::new(|k| k.dot_packed(1, black_box(&codes[..dimensions / 8]), &orders[0]) as f32),
        ),
        (
            "dot, 1-bit codes, four rows",
            4.0,
            Box::new(|k| {
                let row = black_box(&codes[..dimensions / 8]);
                k.dot_packed_4(1, [row; 4], &orders[0])[0] as f32
            }),
        ),
        (
            "hadamard, the power of two below",
            1.0,
            Box::new(|k| {
                let mut turned = [0.5; 512];
                let length = 1 << dimensions.min(512).ilog2();
                k.hadamard(black_box(&mut turned[..length]));
                turned[0]
            }),
        ),
        (
            "l1, four rows",
            4.0,
            Box::new(|k| k.l1_4(black_box(rows[0]), four)[0]),
        ),
        (
            "dot, 16-bit",
            1.0,
            Box::new(|k| k.dot_f16(black_box(rows[0]), &halves)),
        ),
        (
            "l2, 16-bit, four rows",
            4.0,
            Box::new(|k| k.l2_f16_4(black_box(rows[0]), [&halves; 4])[0]),
        ),
        (
            "dot, 16-bit, four rows",
            4.0,
            Box::new(|k| k.dot_f16_4(black_box(rows[0]), [&halves; 4])[0]),
        ),
        (
            "l1, 16-bit, four rows",
            4.0,
            Box::new(|k| k.l1_f16_4(black_box(rows[0]), [&halves; 4])[0]),
        ),
        (
            "l1, 16-bit",
            1.0,
            Box::new(|k| k.l1_f16(black_box(rows[0]), &halves)),
        ),
        (
            "dot, 8-bit",
            1.0,
            Box::new(|k| k.dot_i8(black_box(&bytes), &bytes) as f32),
        ),
        (
            "l1, 8-bit",
            1.0,
            Box::new(|k| k.l1_i8(black_box(&bytes), &bytes) as f32),
        ),
        (
            "hamming",
            1.0,
            Box::new(|k| k.hamming(black_box(&words), &words) as f32),
        ),
        (
            "jaccard",
            1.0,
            Box::new(|k| k.overlap(black_box(&words), &words).0 as f32),
        ),
        (
            "hamming, in bytes",
            1.0,
            Box::new(|k| k.hamming_bytes(black_box(&bits), &words) as f32),
        ),
        (
            "jaccard, in bytes",
            1.0,
            Box::new(|k| k.overlap_bytes(black_box(&bits), &words)[0] as f32),
        ),
        (
            "bits by 4 bits",
            1.0,
            Box::new(|k| k.planes(black_box(&words), &planes) as f32),
        ),
        (
            "bits by 4 bits, in bytes",
            1.0,
            Box::new(|k| k.bits_by_planes(black_box(&bits), &apart)[0] as f32),
        ),
        (
            "4-bit codes, a quarter of the dimensions",
            32.0,
            Box::new(|k| {
                let mut sums = [0; 32];
                k.scan_4bit(black_box(&tables), &tables, &mut sums);
                f32::from(sums[0])
            }),
        ),
    ];
    let sets = all();
    print!("{dimensions} dimensions, ns a distance");
    for set in &sets {
        print!("\t{}", set.name());
    }
    println!("\tscalar / best");
    for (name, distances, case) in &cases {
        print!("{name}");
        let times: Vec<f64> = sets
            .iter()
            .map(|set| time(&mut || case(*set)) / distances)
            .collect();
        for time in &times {
            print!("\t{time:.2}");
        }
        println!("\t{:.1}", times[0] / times[times.len() - 1]);
    }
}
