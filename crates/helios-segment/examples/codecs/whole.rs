//! Whole tables as segments, beside Parquet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{Field, Schema};
use helios_segment::{
    Begin, Column, ColumnOptions, ColumnReport, Effort, MemorySource, Segment, SegmentSchema,
    SegmentWriter, WriterOptions,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::{Failure, Named};

/// The columns as a segment.
pub fn segment(
    columns: &[ArrayRef],
    effort: Effort,
) -> Result<(Vec<u8>, Vec<ColumnReport>), Failure> {
    let definitions = columns.iter().enumerate().map(|(place, array)| Column {
        id: place as u32,
        ty: array.data_type().clone(),
    });
    let schema = SegmentSchema::new(1, definitions.collect(), Vec::new())?;
    let options = WriterOptions {
        columns: vec![
            ColumnOptions {
                effort,
                ..ColumnOptions::default()
            };
            columns.len()
        ],
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
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
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
