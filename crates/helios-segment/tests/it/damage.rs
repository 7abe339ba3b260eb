//! Damaged files give errors that say where, and never a panic.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, StringViewArray, UInt32Array, UInt64Array,
};
use arrow_schema::DataType;
use bytes::Bytes;
use fastrand::Rng;
use helios_segment::{
    Begin, Block, CHUNK_ROWS, Effort, ErrorKind, Segment, SegmentWriter, WriterOptions, codecs,
};

use crate::random::{TestKeys, array, int_key, open, schema, spread, types};

fn sample() -> Vec<u8> {
    let mut rng = Rng::with_seed(3);
    let rows = CHUNK_ROWS + 3_000;
    let options = WriterOptions {
        keys: Some(Arc::new(TestKeys)),
        ..WriterOptions::default()
    };
    let types = [DataType::Int64, DataType::Utf8View, DataType::Float64];
    let mut writer =
        SegmentWriter::new(schema(&types, vec![0]), options, Vec::new()).expect("begins");
    let columns: [ArrayRef; 3] = [
        Arc::new(Int64Array::from_iter_values(0..rows as i64)),
        Arc::new(
            (0..rows)
                .map(|_| Some(format!("text {}", rng.u16(..))))
                .collect::<StringViewArray>(),
        ),
        Arc::new(Float64Array::from_iter_values((0..rows).map(|_| rng.f64()))),
    ];
    let scns = UInt64Array::from_iter_values((0..rows).map(|_| rng.u64(1..9)));
    writer
        .append(&columns, Begin::Each(&scns))
        .expect("appends");
    writer.finish().expect("finishes").1
}

fn exercise(segment: &Segment) -> usize {
    let columns: Vec<usize> = (0..segment.schema().columns().len()).collect();
    let mut failures = 0;
    for chunk in 0..segment.chunks().len() {
        for column in &columns {
            failures += usize::from(segment.read(chunk, &[*column]).is_err());
            failures += usize::from(segment.take(chunk, &[0], &[*column]).is_err());
        }
        failures += usize::from(segment.visible(chunk, 4).is_err());
    }
    failures + usize::from(segment.find(&int_key(70), &TestKeys).is_err())
}

#[test]
fn each_block_is_guarded_and_named() {
    let bytes = sample();
    let sound = open(bytes.clone()).expect("opens");
    assert!(sound.verify().is_empty());
    for (number, chunk) in sound.chunks().iter().enumerate() {
        for (place, column) in chunk.columns.iter().enumerate() {
            let at = column.data.block;
            let mut bytes = bytes.clone();
            bytes[(at.offset + u64::from(at.length) / 2) as usize] ^= 1;
            let segment = open(bytes).expect("the footer is sound");
            let error = segment.read(number, &[place]).expect_err("damaged");
            assert_eq!(error.kind(), ErrorKind::Damaged);
            let text = error.to_string();
            let begins = format!(
                "segment \"test/1.seg\", chunk {number}, column {} at byte {}: checksum differs",
                place + 1,
                at.offset
            );
            assert!(text.starts_with(&begins), "{text}");
            // Others stay readable.
            let others: Vec<usize> = (0..3).filter(|other| *other != place).collect();
            assert!(segment.read(number, &others).is_ok());
            assert!(segment.read(1 - number, &[0, 1, 2]).is_ok());
            assert_eq!(segment.verify().len(), 1);
        }
        let keys = chunk.keys.as_ref().expect("has a key");
        for at in [
            Some(keys.bloom),
            keys.index,
            chunk.begins.data.as_ref().map(|d| d.block),
        ] {
            let at = at.expect("there");
            let mut bytes = bytes.clone();
            bytes[at.offset as usize + 1] ^= 0x80;
            let segment = open(bytes).expect("the footer is sound");
            assert_eq!(segment.verify().len(), 1);
            assert_eq!(segment.verify()[0].place().offset, Some(at.offset));
        }
    }
}

#[test]
fn every_truncation_is_noticed() {
    let bytes = sample();
    for length in (0..bytes.len())
        .step_by(997)
        .chain(bytes.len() - 400..bytes.len())
    {
        let error = open(bytes[..length].to_vec()).expect_err("cut off");
        assert_eq!(error.kind(), ErrorKind::Damaged, "{length}: {error}");
        assert_eq!(error.place().label.as_deref(), Some("test/1.seg"));
    }
    let mut longer = bytes;
    longer.extend_from_slice(b"tail");
    assert!(open(longer).is_err());
}

#[test]
fn a_later_version_is_too_new() {
    let mut bytes = sample();
    let end = bytes.len();
    bytes[end - 16] = 3;
    let checksum = crc32c::crc32c(&bytes[end - 32..end - 12]);
    bytes[end - 12..end - 8].copy_from_slice(&checksum.to_le_bytes());
    let error = open(bytes).expect_err("too new");
    assert_eq!(error.kind(), ErrorKind::TooNew);
}

#[test]
fn random_damage_never_panics_and_never_lies() {
    let bytes = sample();
    let mut rng = Rng::with_seed(11);
    let sound = open(bytes.clone()).expect("opens");
    let before = sound.read(0, &[0, 1, 2]).expect("reads");
    for _ in 0..300 {
        let mut damaged = bytes.clone();
        for _ in 0..rng.usize(1..4) {
            let at = rng.usize(0..damaged.len());
            damaged[at] ^= 1 << rng.u8(0..8);
        }
        if let Ok(segment) = open(damaged) {
            exercise(&segment);
            if let Ok(batch) = segment.read(0, &[0, 1, 2]) {
                assert_eq!(batch.columns(), before.columns());
            }
        }
    }
}

/// With checksums made to match, so that the parser itself is reached.
#[test]
fn forged_footers_never_panic() {
    let bytes = sample();
    let end = bytes.len();
    let footer_at = u64::from_le_bytes(bytes[end - 32..end - 24].try_into().expect("8")) as usize;
    let mut rng = Rng::with_seed(12);
    let mut opened = 0;
    for _ in 0..4_000 {
        let mut forged = bytes.clone();
        for _ in 0..rng.usize(1..4) {
            let at = rng.usize(footer_at..end - 32);
            forged[at] = match rng.u8(0..4) {
                0 => 0xff,
                1 => 0,
                _ => rng.u8(..),
            };
        }
        let checksum = crc32c::crc32c(&forged[footer_at..end - 32]);
        forged[end - 20..end - 16].copy_from_slice(&checksum.to_le_bytes());
        let trailer = crc32c::crc32c(&forged[end - 32..end - 12]);
        forged[end - 12..end - 8].copy_from_slice(&trailer.to_le_bytes());
        if let Ok(segment) = open(forged) {
            opened += 1;
            if opened % 20 == 0 {
                exercise(&segment);
            }
        }
    }
    assert!(
        opened > 100,
        "the forgeries must get past the checks: {opened}"
    );
}

/// Decoders are given broken blocks directly, past their checksums.
#[test]
fn forged_blocks_never_panic() {
    let mut rng = Rng::with_seed(13);
    for ty in types() {
        for codec in codecs().iter().filter(|codec| codec.fits(&ty)) {
            let spread = spread(&mut rng);
            let array = array(&mut rng, &ty, 1_500, spread, 0.1);
            let encoded = codec.compress(&array, Effort::Warm).expect("fits");
            for _ in 0..30 {
                let mut bytes = encoded.bytes.clone();
                match rng.u8(0..4) {
                    0 => bytes.truncate(rng.usize(0..=bytes.len())),
                    _ if bytes.is_empty() => {}
                    // The end holds lengths and trees: hit it more often.
                    1 => {
                        let back = rng.usize(1..=bytes.len().min(200));
                        let at = bytes.len() - back;
                        bytes[at] = rng.u8(..);
                    }
                    _ => {
                        let at = rng.usize(0..bytes.len());
                        bytes[at] ^= 1 << rng.u8(0..8);
                    }
                }
                let block = Block {
                    bytes: Bytes::from(bytes),
                    encodings: encoded.encodings.clone().into(),
                    ty: ty.clone(),
                    rows: array.len(),
                    nullable: array.null_count() > 0,
                };
                if let Ok(array) = codec.decompress(&block) {
                    assert_eq!(array.len(), 1_500);
                    // Touch every value.
                    let rows = UInt32Array::from_iter_values((0..1_500).rev());
                    arrow_select::take::take(&array, &rows, None).expect("in range");
                }
            }
        }
    }
}
