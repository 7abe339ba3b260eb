//! Every codec against every type it takes.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, UInt32Array};
use fastrand::Rng;
use helios_segment::{Block, Codec, Effort, codecs};

use crate::random::{Spread, array, assert_same, spread, types};

fn block(codec: &dyn Codec, array: &ArrayRef, effort: Effort) -> Block {
    let encoded = codec.compress(array, effort).unwrap_or_else(|error| {
        panic!("{} of {}: {error}", codec.name(), array.data_type());
    });
    Block {
        bytes: encoded.bytes.into(),
        encodings: encoded.encodings.into(),
        ty: array.data_type().clone(),
        rows: array.len(),
        nullable: array.null_count() > 0,
    }
}

fn check(codec: &dyn Codec, array: &ArrayRef, rng: &mut Rng) {
    let rows = array.len();
    let what = format!("{} of {} rows of {}", codec.name(), rows, array.data_type());
    for effort in [Effort::Warm, Effort::Cold] {
        let block = block(codec, array, effort);
        let back = codec.decompress(&block).expect(&what);
        assert_same(&back, array, &what);
        if rows == 0 {
            continue;
        }
        let start = rng.usize(0..rows);
        let end = rng.usize(start..=rows);
        let part = codec.slice(&block, start..end).expect(&what);
        assert_same(
            &part,
            &array.slice(start, end - start),
            &format!("slice of {what}"),
        );
        let picks: Vec<u32> = (0..rng.usize(1..20))
            .map(|_| rng.u32(0..rows as u32))
            .collect();
        let picks = UInt32Array::from(picks);
        let taken = codec.take(&block, &picks).expect(&what);
        let expected = arrow_select::take::take(array, &picks, None).expect("in range");
        assert_same(&taken, &expected, &format!("take of {what}"));
        let Some(opened) = codec.open(&block).expect(&what) else {
            continue;
        };
        for _ in 0..3 {
            let row = rng.usize(0..rows);
            let one = opened.row(row).expect(&what);
            assert_same(&one, &array.slice(row, 1), &format!("row {row} of {what}"));
        }
        let part = opened.slice(start..end).expect(&what);
        let expected = array.slice(start, end - start);
        assert_same(&part, &expected, &format!("opened slice of {what}"));
    }
}

#[test]
fn every_codec_gives_back_what_it_got() {
    let mut rng = Rng::with_seed(42);
    for ty in types() {
        for codec in codecs().iter().filter(|codec| codec.fits(&ty)) {
            for rows in [0, 1, 2, 1023, 1025, 5000] {
                let spread = spread(&mut rng);
                let nulls = [0.0, 0.0, 0.2, 1.0][rng.usize(0..4)];
                let array = array(&mut rng, &ty, rows, spread, nulls);
                check(*codec, &array, &mut rng);
            }
        }
    }
}

#[test]
fn slices_of_larger_arrays() {
    let mut rng = Rng::with_seed(43);
    for ty in types() {
        let array = array(&mut rng, &ty, 3000, Spread::Few, 0.1).slice(700, 1900);
        for codec in codecs().iter().filter(|codec| codec.fits(&ty)) {
            check(*codec, &array, &mut rng);
        }
    }
}

#[test]
fn time_series_shrink() {
    let mut rng = Rng::with_seed(44);
    let mut level = 20.0f64;
    let values = (0..60_000).map(|_| {
        if rng.u8(..) < 100 {
            level += f64::from(rng.i32(-3..=3)) * 0.1;
        }
        level
    });
    let array: ArrayRef = Arc::new(Float64Array::from_iter_values(values));
    let chimp = helios_segment::codec("chimp").expect("registered");
    let encoded = chimp.compress(&array, Effort::Warm).expect("fits");
    assert!(
        encoded.bytes.len() < 60_000 * 8 / 2,
        "{}",
        encoded.bytes.len()
    );
    check(chimp, &array, &mut rng);
}
