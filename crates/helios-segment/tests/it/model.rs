//! Random tables, written and read back.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Int64Array, UInt64Array};
use arrow_schema::DataType;
use fastrand::Rng;
use helios_segment::{
    Begin, BlockCache, CHUNK_ROWS, ColumnCache, ColumnOptions, Compression, Effort, Reason,
    Segment, SegmentWriter, WriterOptions,
};

use crate::random::{array, assert_same, open, schema, spread, types};

/// One random table; `sizes` are its batches.
fn round(seed: u64, columns: usize, sizes: &[usize]) {
    let mut rng = Rng::with_seed(seed);
    let all = types();
    let types: Vec<DataType> = (0..columns)
        .map(|_| all[rng.usize(0..all.len())].clone())
        .collect();
    let names = [
        "auto", "auto", "none", "zstd", "fsst", "alp", "rle", "lz4", "gorilla", "delta",
    ];
    let options = WriterOptions {
        columns: (0..columns)
            .map(|_| ColumnOptions {
                compression: Compression::parse(names[rng.usize(0..names.len())]).expect("known"),
                threshold: [0, 0, 10_000][rng.usize(0..3)],
                effort: [Effort::Warm, Effort::Cold][rng.usize(0..2)],
            })
            .collect(),
        ..WriterOptions::default()
    };
    let mut writer =
        SegmentWriter::new(schema(&types, Vec::new()), options, Vec::new()).expect("begins");
    let spreads: Vec<_> = (0..columns).map(|_| spread(&mut rng)).collect();
    let mut expected: Vec<Vec<ArrayRef>> = vec![Vec::new(); columns];
    let mut begins = Vec::new();
    for rows in sizes {
        let batch: Vec<ArrayRef> = types
            .iter()
            .zip(&spreads)
            .map(|(ty, spread)| {
                let nulls = [0.0, 0.0, 0.01, 0.5, 1.0][rng.usize(0..5)];
                array(&mut rng, ty, *rows, *spread, nulls)
            })
            .collect();
        if rng.bool() {
            let scn = rng.u64(1..100);
            begins.extend(std::iter::repeat_n(scn, *rows));
            writer.append(&batch, Begin::At(scn)).expect("appends");
        } else {
            let scns: Vec<u64> = (0..*rows).map(|_| rng.u64(1..100)).collect();
            begins.extend_from_slice(&scns);
            let scns = UInt64Array::from(scns);
            writer.append(&batch, Begin::Each(&scns)).expect("appends");
        }
        for (all, array) in expected.iter_mut().zip(batch) {
            all.push(array);
        }
    }
    let (written, bytes) = writer.finish().expect("finishes");
    assert_eq!(written.bytes, bytes.len() as u64);
    let cache = Arc::new(BlockCache::with_shards(
        [0, 100_000, 64 << 20][rng.usize(0..3)],
        4,
    ));
    let decoded = Arc::new(ColumnCache::new([0, 100_000, 64 << 20][rng.usize(0..3)]));
    let segment = open(bytes).expect("opens");
    let segment = segment.with_cache(cache, decoded, seed);
    let rows: usize = sizes.iter().sum();
    assert_eq!(segment.rows(), rows as u64);
    assert_eq!(segment.verify().len(), 0, "{:?}", segment.verify());
    let expected: Vec<ArrayRef> = expected
        .iter()
        .filter(|pieces| !pieces.is_empty())
        .map(|pieces| {
            let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
            arrow_select::concat::concat(&pieces).expect("same type")
        })
        .collect();
    let mut from = 0;
    for (number, chunk) in segment.chunks().iter().enumerate() {
        let count = chunk.rows as usize;
        let projection: Vec<usize> = (0..columns).rev().collect();
        let batch = segment.read(number, &projection).expect("reads");
        for (place, column) in projection.iter().enumerate() {
            let what = format!("seed {seed}, chunk {number}, column {column}");
            let want = expected[*column].slice(from, count);
            assert_same(batch.column(place), &want, &what);
            assert_eq!(
                chunk.columns[*column].zone.nulls as usize,
                want.logical_null_count(),
                "{what}"
            );
        }
        let wanted = rng.u64(0..110);
        let visible = segment.visible(number, wanted).expect("reads");
        for row in 0..count {
            assert_eq!(
                visible.value(row),
                begins[from + row] <= wanted,
                "seed {seed}"
            );
        }
        near(&segment, number, &expected, from, &begins, &mut rng);
        from += count;
    }
    assert_eq!(from, rows);
    let raw: u64 = segment.report().iter().map(|column| column.raw).sum();
    assert_eq!(raw, written.raw);
}

/// Few rows of a chunk, which begins at row `from`, again and again.
fn near(
    segment: &Segment,
    chunk: usize,
    expected: &[ArrayRef],
    from: usize,
    begins: &[u64],
    rng: &mut Rng,
) {
    let count = segment.chunks()[chunk].rows as usize;
    let columns: Vec<usize> = (0..expected.len()).collect();
    // Often enough that blocks are decoded as a whole, now and then.
    let wear = if rng.u8(0..8) == 0 { 150 } else { 0 };
    let sizes = [1, 1, 1, 64, 64, count].into_iter();
    for most in sizes.chain(std::iter::repeat_n(5, wear)) {
        let start = rng.usize(0..count);
        let rows = start..(start + most).min(count);
        let batch = segment.read_rows(chunk, rows.clone(), &columns);
        let batch = batch.expect("reads");
        for (column, array) in expected.iter().enumerate() {
            let what = format!("chunk {chunk}, rows {rows:?}, column {column}");
            let want = array.slice(from + start, rows.len());
            assert_same(batch.column(column), &want, &what);
        }
        let told = segment.begins_of(chunk, rows.clone()).expect("reads");
        assert_eq!(told.values(), &begins[from + start..from + rows.end]);
    }
    let row = rng.usize(0..count);
    let batch = segment.take(chunk, &[row as u32], &columns).expect("takes");
    for (column, array) in expected.iter().enumerate() {
        assert_same(batch.column(column), &array.slice(from + row, 1), "taken");
    }
    // The second time all of the column is decoded, from then on it is at hand.
    let mut rows: Vec<u32> = (0..12).map(|_| rng.u32(0..count as u32)).collect();
    rows.sort_unstable();
    let places = rows.iter().map(|row| u64::from(*row) + from as u64);
    let places = UInt64Array::from_iter_values(places);
    for _ in 0..3 {
        let batch = segment.take(chunk, &rows, &columns).expect("takes");
        for (column, array) in expected.iter().enumerate() {
            let want = arrow_select::take::take(array, &places, None).expect("there");
            assert_same(batch.column(column), &want, "taken together");
        }
    }
    for (column, array) in expected.iter().enumerate() {
        let whole = segment.column(chunk, column).expect("reads");
        let whole = helios_segment::widen(&whole).expect("widens");
        assert_same(&whole, &array.slice(from, count), "whole");
    }
}

#[test]
fn empty_and_small() {
    round(1, 5, &[]);
    round(2, 5, &[0, 0]);
    for seed in 3..40 {
        round(seed, 6, &[1]);
    }
}

#[test]
fn random_tables() {
    for seed in 100..140 {
        let mut rng = Rng::with_seed(seed);
        let batches = rng.usize(1..5);
        let sizes: Vec<usize> = (0..batches).map(|_| rng.usize(0..4000)).collect();
        round(seed, 8, &sizes);
    }
}

#[test]
fn chunk_borders() {
    round(200, 3, &[CHUNK_ROWS]);
    round(201, 3, &[CHUNK_ROWS - 1, 1, 1]);
    round(202, 3, &[CHUNK_ROWS * 2 + 17]);
    for seed in 203..209 {
        round(seed, 4, &[40_000, 40_000]);
    }
}

#[test]
fn wide_rows_close_chunks_early() {
    let text = "y".repeat(1 << 20);
    let wide: ArrayRef = Arc::new(arrow_array::StringArray::from(vec![text.as_str(); 300]));
    let schema = schema(&[DataType::Utf8], Vec::new());
    let mut writer =
        SegmentWriter::new(schema, WriterOptions::default(), Vec::new()).expect("begins");
    for _ in 0..3 {
        writer
            .append(&[wide.slice(0, 100)], Begin::At(1))
            .expect("appends");
    }
    let (written, bytes) = writer.finish().expect("finishes");
    assert!(written.chunks > 1);
    let segment = open(bytes).expect("opens");
    assert_eq!(segment.rows(), 300);
}

#[test]
fn a_choice_stays_until_it_gets_worse() {
    let run = |from: i64, most: i64| -> ArrayRef {
        let rows = 0..CHUNK_ROWS as i64;
        Arc::new(Int64Array::from_iter_values(
            rows.map(|n| from + n * n % most),
        ))
    };
    let schema = schema(&[DataType::Int64], Vec::new());
    let mut writer =
        SegmentWriter::new(schema, WriterOptions::default(), Vec::new()).expect("begins");
    for chunk in 0..18 {
        let values = run(chunk * 7, 97);
        writer.append(&[values], Begin::At(1)).expect("appends");
    }
    let values = run(0, 1 << 40);
    writer.append(&[values], Begin::At(1)).expect("appends");
    let segment = open(writer.finish().expect("finishes").1).expect("opens");
    let sampled: Vec<usize> = (segment.chunks().iter().enumerate())
        .filter(|(_, chunk)| chunk.columns[0].reason == Reason::Sampled)
        .map(|(number, _)| number)
        .collect();
    assert_eq!(sampled, [0, 16, 18]);
    assert!(segment.verify().is_empty());
}
