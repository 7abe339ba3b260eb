//! The bytes of a small file, field by field: the format must not change by accident.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringViewArray, UInt64Array};
use arrow_schema::DataType;
use helios_segment::{Begin, ColumnOptions, Compression, SegmentWriter, WriterOptions};

use crate::random::{TestKeys, int_key, open, schema};

fn small() -> Vec<u8> {
    let options = WriterOptions {
        keys: Some(Arc::new(TestKeys)),
        columns: vec![
            ColumnOptions {
                compression: Compression::None,
                ..ColumnOptions::default()
            };
            2
        ],
        ..WriterOptions::default()
    };
    let types = [DataType::Int64, DataType::Utf8View];
    let mut writer =
        SegmentWriter::new(schema(&types, vec![0]), options, Vec::new()).expect("begins");
    let columns: [ArrayRef; 2] = [
        Arc::new(Int64Array::from(vec![1, 2, 300])),
        Arc::new(StringViewArray::from(vec![Some("a"), None, Some("zebra")])),
    ];
    writer
        .append(&columns, Begin::Each(&UInt64Array::from(vec![5, 5, 5])))
        .expect("appends");
    writer.finish().expect("finishes").1
}

/// Rows that lie in the order of their strings, which is not that of their keys.
fn reordered() -> Vec<u8> {
    let options = WriterOptions {
        keys: Some(Arc::new(TestKeys)),
        columns: vec![
            ColumnOptions {
                compression: Compression::None,
                ..ColumnOptions::default()
            };
            2
        ],
        reordered: true,
        ..WriterOptions::default()
    };
    let types = [DataType::Int64, DataType::Utf8View];
    let mut writer =
        SegmentWriter::new(schema(&types, vec![0]), options, Vec::new()).expect("begins");
    let columns: [ArrayRef; 2] = [
        Arc::new(Int64Array::from(vec![300, 1, 2])),
        Arc::new(StringViewArray::from(vec![Some("a"), Some("b"), Some("c")])),
    ];
    writer
        .append(&columns, Begin::Each(&UInt64Array::from(vec![5, 5, 5])))
        .expect("appends");
    writer
        .order(&[1, 2, 0], &[int_key(1).to_vec()], &int_key(300))
        .expect("orders");
    writer.finish().expect("finishes").1
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn bytes_of_a_small_segment() {
    let bytes = small();
    let golden = include_str!("golden.txt");
    let shown: String = bytes.chunks(32).map(|line| hex(line) + "\n").collect();
    if std::env::var_os("HELIOS_BLESS").is_some() {
        std::fs::write("tests/it/golden.txt", &shown).expect("written");
        return;
    }
    assert_eq!(shown, golden, "the format changed: raise its version");
}

#[test]
fn bytes_of_a_reordered_segment() {
    let bytes = reordered();
    assert_eq!(&bytes[8..10], [2, 0]);
    assert_eq!(&bytes[bytes.len() - 16..bytes.len() - 14], [2, 0]);
    let golden = include_str!("golden_order.txt");
    let shown: String = bytes.chunks(32).map(|line| hex(line) + "\n").collect();
    if std::env::var_os("HELIOS_BLESS").is_some() {
        std::fs::write("tests/it/golden_order.txt", &shown).expect("written");
        return;
    }
    assert_eq!(shown, golden, "the format changed: raise its version");
    let segment = open(bytes).expect("opens");
    assert!(!segment.is_ordered());
    assert_eq!(segment.order_page(0).expect("reads").values(), &[1, 2, 0]);
    assert!(segment.verify().is_empty());
}

#[test]
fn header_and_trailer_lie_where_the_table_says() {
    let bytes = small();
    assert_eq!(&bytes[..8], b"HELIOSEG");
    assert_eq!(&bytes[8..16], [1, 0, 0, 0, 0, 0, 0, 0]);
    let trailer = &bytes[bytes.len() - 32..];
    let footer_at = u64::from_le_bytes(trailer[..8].try_into().expect("8")) as usize;
    let length = u32::from_le_bytes(trailer[8..12].try_into().expect("4")) as usize;
    assert_eq!(footer_at % 64, 0);
    assert_eq!(footer_at + length + 32, bytes.len());
    let footer = &bytes[footer_at..footer_at + length];
    assert_eq!(trailer[12..16], crc32c::crc32c(footer).to_le_bytes());
    assert_eq!(trailer[16..20], [1, 0, 0, 0]);
    assert_eq!(
        trailer[20..24],
        crc32c::crc32c(&trailer[..20]).to_le_bytes()
    );
    assert_eq!(&trailer[24..], b"HELIOSEG");
    // Schema version 7, two columns: id 1 `Int64` (5), id 2 `Utf8View` (15); key: column 0; ordered.
    assert_eq!(&footer[..9], [7, 2, 1, 5, 2, 15, 1, 0, 1]);
    let segment = open(bytes.clone()).expect("opens");
    let first = &segment.chunks()[0].columns[0].data.block;
    assert_eq!(first.offset, 64);
}

/// A file of the first format version, as it was written then, stays readable.
#[test]
fn the_golden_file_reads() {
    let text: String = include_str!("golden.txt").split_whitespace().collect();
    let bytes: Vec<u8> = (0..text.len() / 2)
        .map(|n| u8::from_str_radix(&text[n * 2..n * 2 + 2], 16).expect("hex"))
        .collect();
    let segment = open(bytes).expect("opens");
    let batch = segment.read(0, &[0, 1]).expect("reads");
    let expected: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 300]));
    assert_eq!(batch.column(0), &expected);
    let expected: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), None, Some("zebra")]));
    assert_eq!(batch.column(1), &expected);
    assert!(segment.verify().is_empty());
}
