//! Rows by key.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Int64Array, StringViewArray};
use arrow_schema::DataType;
use fastrand::Rng;
use helios_segment::{Begin, CHUNK_ROWS, Segment, SegmentWriter, WriterOptions};

use crate::random::{TestKeys, int_key, open, schema};

fn write(keys: &[i64], batch: usize) -> Segment {
    let options = WriterOptions {
        keys: Some(Arc::new(TestKeys)),
        ..WriterOptions::default()
    };
    let types = [DataType::Utf8View, DataType::Int64];
    let mut writer =
        SegmentWriter::new(schema(&types, vec![1]), options, Vec::new()).expect("begins");
    for keys in keys.chunks(batch) {
        let texts = keys.iter().map(|key| Some(format!("row of {key}")));
        let columns: [ArrayRef; 2] = [
            Arc::new(texts.collect::<StringViewArray>()),
            Arc::new(Int64Array::from(keys.to_vec())),
        ];
        writer.append(&columns, Begin::At(1)).expect("appends");
    }
    open(writer.finish().expect("finishes").1).expect("opens")
}

/// Where a key is, by the rows that it may be among; and checks where the first one not before it is.
fn locate(segment: &Segment, key: &[u8]) -> Option<u64> {
    let bound = segment.lower_bound(key, &TestKeys).expect("finds");
    let told = match segment.locate_bound(key).expect("finds") {
        None => (segment.chunks().len(), 0),
        Some((chunk, rows)) => {
            let keys = segment.encoded_keys(chunk, rows.clone(), &TestKeys);
            let keys = keys.expect("reads");
            let before = (0..keys.len()).filter(|row| keys.value(*row) < key).count();
            (chunk, rows.start + before)
        }
    };
    assert_eq!(told, bound);
    let (chunk, rows) = segment.locate(key).expect("finds")?;
    let keys = segment.encoded_keys(chunk, rows.clone(), &TestKeys);
    let keys = keys.expect("reads");
    let row = (0..keys.len()).find(|row| keys.value(*row) == key)?;
    assert!(segment.may_have(chunk, key).expect("reads"));
    Some((chunk * CHUNK_ROWS + rows.start + row) as u64)
}

fn check(keys: &[i64], segment: &Segment, rng: &mut Rng) {
    let mut model: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
    let mut start = 0;
    for (number, chunk) in segment.chunks().iter().enumerate() {
        let rows = chunk.rows as usize;
        for (row, key) in keys[start..start + rows].iter().enumerate() {
            let id = (number * CHUNK_ROWS + row) as u64;
            model.entry(*key).or_default().push(id);
        }
        start += rows;
    }
    assert_eq!(start, keys.len());
    let is_unique = segment.is_ordered() && model.len() == keys.len();
    for _ in 0..300 {
        let key = if rng.bool() && !keys.is_empty() {
            keys[rng.usize(0..keys.len())]
        } else {
            rng.i64(-100..keys.len() as i64 * 3 + 100)
        };
        let found = segment.find(&int_key(key), &TestKeys).expect("finds");
        assert_eq!(
            found,
            model.get(&key).cloned().unwrap_or_default(),
            "key {key}"
        );
        if is_unique {
            let place = locate(segment, &int_key(key));
            assert_eq!(place, found.first().copied(), "key {key}");
        }
        if let Some(row) = found.first() {
            let (chunk, row) = (
                *row as usize / CHUNK_ROWS,
                (*row as usize % CHUNK_ROWS) as u32,
            );
            let batch = segment.take(chunk, &[row], &[0]).expect("takes");
            let text: &StringViewArray = batch.column(0).as_any().downcast_ref().expect("text");
            assert_eq!(text.value(0), format!("row of {key}"));
        }
    }
}

#[test]
fn ordered_keys_unique_and_not() {
    let mut rng = Rng::with_seed(1);
    for (rows, step) in [
        (0, 2),
        (1, 2),
        (1024, 2),
        (1025, 3),
        (5000, 2),
        (150_000, 3),
        (70_000, 1),
    ] {
        let mut key = 0;
        let keys: Vec<i64> = (0..rows)
            .map(|_| {
                key += rng.i64(0..step);
                key
            })
            .collect();
        let segment = write(&keys, 30_000);
        assert!(segment.is_ordered());
        check(&keys, &segment, &mut rng);
    }
    // One key over several groups and chunks.
    let keys = vec![7; 70_000];
    let segment = write(&keys, 70_000);
    assert_eq!(
        segment.find(&int_key(7), &TestKeys).expect("finds").len(),
        70_000
    );
}

#[test]
fn keys_in_any_order() {
    let mut rng = Rng::with_seed(2);
    let mut keys: Vec<i64> = (0..80_000).map(|n| n * 2).collect();
    rng.shuffle(&mut keys);
    let segment = write(&keys, 9_000);
    assert!(!segment.is_ordered());
    check(&keys, &segment, &mut rng);
    // Ordered chunks that overlap.
    let keys: Vec<i64> = (0..65_536).chain(1_000..50_000).collect();
    let segment = write(&keys, keys.len());
    assert!(!segment.is_ordered());
    check(&keys, &segment, &mut rng);
}

#[test]
fn no_key_is_an_error() {
    let types = [DataType::Int64];
    let writer = SegmentWriter::new(
        schema(&types, vec![0]),
        WriterOptions::default(),
        Vec::new(),
    );
    assert!(writer.is_err(), "a key without an encoder");
    let options = WriterOptions::default();
    let writer =
        SegmentWriter::new(schema(&types, Vec::new()), options, Vec::new()).expect("begins");
    let segment = open(writer.finish().expect("finishes").1).expect("opens");
    assert!(segment.find(&int_key(1), &TestKeys).is_err());
}
