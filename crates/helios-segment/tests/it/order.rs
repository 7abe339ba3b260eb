//! Segments whose rows lie in another order than that of their keys.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, UInt64Array};
use arrow_schema::DataType;
use fastrand::Rng;
use helios_segment::{Begin, CHUNK_ROWS, SegmentWriter, WriterOptions, Written};

use crate::random::{TestKeys, int_key, open, schema};

fn options() -> WriterOptions {
    WriterOptions {
        keys: Some(Arc::new(TestKeys)),
        reordered: true,
        ..WriterOptions::default()
    }
}

/// Rows in this order of their keys; the order that is told, in pages of so many keys.
fn write(keys: &[i64], page: usize, told: impl Fn(usize, u32) -> u32) -> (Written, Vec<u8>) {
    let schema = schema(&[DataType::Int64], vec![0]);
    let mut writer = SegmentWriter::new(schema, options(), Vec::new()).expect("begins");
    let mut order: Vec<u32> = (0..keys.len() as u32).collect();
    order.sort_by_key(|row| keys[*row as usize]);
    let mut next = 0;
    for rows in order.chunks(page) {
        let firsts = rows.iter().step_by(1024);
        let firsts: Vec<Vec<u8>> = firsts
            .map(|row| int_key(keys[*row as usize]).to_vec())
            .collect();
        let last = int_key(keys[*rows.last().expect("a row") as usize]);
        let rows: Vec<u32> = (rows.iter().enumerate())
            .map(|(at, row)| told(next + at, *row))
            .collect();
        next += rows.len();
        writer.order(&rows, &firsts, &last).expect("orders");
    }
    let values: ArrayRef = Arc::new(Int64Array::from(keys.to_vec()));
    let begins = UInt64Array::from_value(7, keys.len());
    writer
        .append(&[values], Begin::Each(&begins))
        .expect("appends");
    writer.finish().expect("finishes")
}

fn shuffled(rows: usize, seed: u64) -> Vec<i64> {
    let mut rng = Rng::with_seed(seed);
    let mut keys: Vec<i64> = (0..rows as i64).map(|n| n * 3).collect();
    rng.shuffle(&mut keys);
    keys
}

#[test]
fn keys_are_found_where_they_lie() {
    for (rows, page, seed) in [
        (1, 9, 1),
        (70, 30, 2),
        (5_000, 2_048, 3),
        (70_000, CHUNK_ROWS, 4),
    ] {
        let keys = shuffled(rows, seed);
        let (written, bytes) = write(&keys, page, |_, row| row);
        let segment = open(bytes).expect("opens");
        assert!(segment.verify().is_empty());
        // One row lies in any order.
        assert_eq!(written.ordered, rows == 1);
        if written.ordered {
            assert!(segment.order().is_empty() && segment.is_ordered());
            continue;
        }
        let mut rng = Rng::with_seed(seed);
        for _ in 0..300 {
            let wanted = rng.i64(-3..rows as i64 * 3 + 3);
            let key = int_key(wanted);
            let is_there = wanted >= 0 && wanted % 3 == 0 && wanted < rows as i64 * 3;
            let located = segment.order_locate(&key).expect("locates");
            let found = located.and_then(|(page, group)| {
                let places = segment.order_page(page).expect("reads");
                let rows = group.map(|at| places.value(at));
                let mut rows = rows.filter(|row| keys[*row as usize] == wanted);
                rows.next()
            });
            assert_eq!(found.is_some(), is_there, "{wanted} of {rows}");
            if is_there {
                assert!(segment.may_be_anywhere(&key).expect("asks"));
            }
            // The first key at or after it is in the group, or follows it.
            let bound = segment.order_bound(&key).expect("bounds");
            let after = (wanted.max(0) + 2) / 3;
            match bound {
                None => assert!(after >= rows as i64),
                Some((number, group)) => {
                    let start = number * page;
                    let place = after as usize;
                    assert!(start + group.start <= place && place <= start + group.end);
                }
            }
        }
    }
}

#[test]
fn a_wrong_order_is_noticed() {
    let keys = shuffled(3_000, 5);
    for (name, wrong) in [
        ("there twice", None),
        ("not a row of the segment", Some(3_000)),
    ] {
        let told = |at, row| match at {
            9 => wrong.unwrap_or(if row == 8 { 7 } else { 8 }),
            _ => row,
        };
        let (_, bytes) = write(&keys, 1_024, told);
        let faults = open(bytes).expect("opens").verify();
        assert!(
            faults.iter().any(|fault| fault.to_string().contains(name)),
            "{faults:?}"
        );
        assert!(
            faults[0].to_string().contains("key order, page 0"),
            "{faults:?}"
        );
    }
}

#[test]
fn an_order_has_all_rows() {
    let schema = schema(&[DataType::Int64], vec![0]);
    let mut writer = SegmentWriter::new(schema, options(), Vec::new()).expect("begins");
    let values: ArrayRef = Arc::new(Int64Array::from(vec![2, 1]));
    writer.append(&[values], Begin::At(1)).expect("appends");
    writer
        .order(&[1], &[int_key(1).to_vec()], &int_key(1))
        .expect("orders");
    assert!(writer.finish().is_err());
}

#[test]
fn a_damaged_page_is_named() {
    let keys = shuffled(2_000, 6);
    let (_, bytes) = write(&keys, CHUNK_ROWS, |_, row| row);
    let sound = open(bytes.clone()).expect("opens");
    let page = &sound.order()[0];
    for (block, what) in [(page.places.block, "key order"), (page.index, "key index")] {
        let mut bytes = bytes.clone();
        bytes[block.offset as usize] ^= 1;
        let damaged = open(bytes).expect("opens");
        let faults = damaged.verify();
        let shown = faults[0].to_string();
        assert!(
            shown.contains(what) && shown.contains("checksum"),
            "{shown}"
        );
        // Rows are read by chunks all the same.
        assert!(damaged.read(0, &[0]).is_ok());
    }
}
