//! Whole tables as segments, beside Parquet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{Field, Schema};
use helios_segment::{
    Begin, Column, ColumnOptions, ColumnReport, Compression, Effort, MemorySource, Segment,
    SegmentSchema, SegmentWriter, WriterOptions,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression as ParquetCompression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::{Failure, Named};

/// The columns as a segment, compressed as by default.
pub fn segment(
    columns: &[ArrayRef],
    effort: Effort,
) -> Result<(Vec<u8>, Vec<ColumnReport>), Failure> {
    let options = ColumnOptions {
        effort,
        ..ColumnOptions::default()
    };
    segment_with(columns, &options)
}

fn segment_with(
    columns: &[ArrayRef],
    options: &ColumnOptions,
) -> Result<(Vec<u8>, Vec<ColumnReport>), Failure> {
    let definitions = columns.iter().enumerate().map(|(place, array)| Column {
        id: place as u32,
        ty: array.data_type().clone(),
    });
    let schema = SegmentSchema::new(1, definitions.collect(), Vec::new())?;
    let options = WriterOptions {
        columns: vec![*options; columns.len()],
        ..WriterOptions::default()
    };
    let mut writer = SegmentWriter::new(schema, options, Vec::new())?;
    writer.append(columns, Begin::At(1))?;
    let bytes = writer.finish()?.1;
    let segment = Segment::open(Arc::new(MemorySource::new(bytes.clone())), "bench")?;
    Ok((bytes, segment.report()))
}

/// The columns as Parquet with Zstandard, and how long it took.
pub fn parquet(columns: &[ArrayRef]) -> Result<(bytes::Bytes, Duration), Failure> {
    let fields: Vec<Field> = columns
        .iter()
        .enumerate()
        .map(|(place, array)| Field::new(format!("c{place}"), array.data_type().clone(), true))
        .collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.to_vec())?;
    let properties = WriterProperties::builder()
        .set_compression(ParquetCompression::ZSTD(ZstdLevel::try_new(3)?))
        .build();
    let start = Instant::now();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok((bytes.into(), start.elapsed()))
}

/// Decodes all of a Parquet file; its rows.
pub fn read_parquet(bytes: &bytes::Bytes) -> Result<usize, Failure> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone())?
        .with_batch_size(1 << 16)
        .build()?;
    let mut rows = 0;
    for batch in reader {
        rows += batch?.num_rows();
    }
    Ok(rows)
}

fn read_segment(bytes: &bytes::Bytes) -> Result<usize, Failure> {
    let segment = Segment::open(Arc::new(MemorySource::new(bytes.clone())), "bench")?;
    let columns: Vec<usize> = (0..segment.schema().columns().len()).collect();
    let mut rows = 0;
    for chunk in 0..segment.chunks().len() {
        rows += segment.read(chunk, &columns)?.num_rows();
    }
    Ok(rows)
}

/// Decodes the columns, a chunk and a column at a time as scans do, and reads all that comes out; a number made of it.
fn scan_segment(segment: &Segment) -> Result<usize, Failure> {
    let mut sum = 0u64;
    for chunk in 0..segment.chunks().len() {
        for column in 0..segment.schema().columns().len() {
            let batch = segment.read(chunk, &[column])?;
            for buffer in batch.column(0).to_data().buffers() {
                let (words, _) = buffer.as_slice().as_chunks::<8>();
                let add = |sum: u64, word: &[u8; 8]| sum.wrapping_add(u64::from_le_bytes(*word));
                sum = words.iter().fold(sum, add);
            }
        }
    }
    Ok(sum as usize)
}

/// How much longer scans of compressed tables take than of those that are as they are, in memory.
pub fn print_scans(tables: &[(String, Vec<Named>)]) -> Result<(), Failure> {
    println!("\n### Scans beside uncompressed\n");
    println!("| table | none, MB | ms | warm, MB | ms | times none | cold, MB | ms | times none |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (name, columns) in tables {
        let arrays: Vec<ArrayRef> = columns.iter().map(|column| column.array.clone()).collect();
        let mut line = format!("| {name} |");
        let mut plain = None;
        let effort = |effort| ColumnOptions {
            effort,
            ..ColumnOptions::default()
        };
        let none = ColumnOptions {
            compression: Compression::None,
            ..ColumnOptions::default()
        };
        let all = [none, effort(Effort::Warm), effort(Effort::Cold)];
        let segments = all.iter().map(|options| -> Result<_, Failure> {
            let (bytes, _) = segment_with(&arrays, options)?;
            let size = bytes.len();
            let source = Arc::new(MemorySource::new(bytes));
            Ok((Segment::open(source, "bench")?, size))
        });
        for segment in segments {
            let (segment, size) = segment?;
            let time = best(|| scan_segment(&segment))?.as_secs_f64() * 1e3;
            line += &format!(" {:.1} | {time:.1} |", size as f64 / 1e6);
            match plain {
                None => plain = Some(time),
                Some(plain) => line += &format!(" {:.2} |", time / plain),
            }
        }
        println!("{line}");
    }
    Ok(())
}

/// One line per table and format.
pub fn print(tables: &[(String, Vec<Named>)]) -> Result<(), Failure> {
    println!("\n### Whole tables\n");
    println!("| table | rows | raw MB | format | MB | ratio | write MB/s | read MB/s |");
    println!("|---|---:|---:|---|---:|---:|---:|---:|");
    for (name, columns) in tables {
        let arrays: Vec<ArrayRef> = columns.iter().map(|column| column.array.clone()).collect();
        let rows = arrays.first().map_or(0, |array| array.len());
        let mut raw = 0.0;
        let line =
            |format: &str, bytes: &bytes::Bytes, write: Duration, read: Duration, raw: f64| {
                println!(
                    "| {name} | {rows} | {raw:.1} | {format} | {:.2} | {:.2} | {:.0} | {:.0} |",
                    bytes.len() as f64 / 1e6,
                    raw * 1e6 / bytes.len() as f64,
                    raw / write.as_secs_f64(),
                    raw / read.as_secs_f64(),
                );
            };
        for (format, effort) in [
            ("segment, warm", Effort::Warm),
            ("segment, cold", Effort::Cold),
        ] {
            let start = Instant::now();
            let (bytes, report) = segment(&arrays, effort)?;
            let write = start.elapsed();
            raw = report.iter().map(|column| column.raw).sum::<u64>() as f64 / 1e6;
            let bytes = bytes::Bytes::from(bytes);
            line(format, &bytes, write, best(|| read_segment(&bytes))?, raw);
        }
        let (bytes, write) = parquet(&arrays)?;
        line(
            "Parquet zstd",
            &bytes,
            write,
            best(|| read_parquet(&bytes))?,
            raw,
        );
    }
    Ok(())
}

fn best(work: impl Fn() -> Result<usize, Failure>) -> Result<Duration, Failure> {
    let mut least = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        work()?;
        least = least.min(start.elapsed());
    }
    Ok(least)
}
