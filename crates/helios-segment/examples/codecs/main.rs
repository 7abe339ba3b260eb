//! Every codec over real columns: ratio, speed, and how often `auto` finds the best.
//!
//! `cargo run --release -p helios-segment --example codecs -- DIRECTORY` reads every `*.parquet` in
//! the directory. Prints one Markdown table per file, whole tables beside Parquet with Zstandard,
//! the share of columns whose choice is within 5 % of the best, and how long scans take beside those of
//! uncompressed tables; with `scans` behind the directory only that.

mod measure;
mod series;
mod whole;

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

type Failure = Box<dyn std::error::Error>;

/// A column and its name.
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its values.
    pub array: ArrayRef,
}

fn main() -> Result<(), Failure> {
    let Some(directory) = std::env::args().nth(1) else {
        eprintln!("usage: codecs DIRECTORY");
        return Ok(());
    };
    let mut files: Vec<PathBuf> = match std::fs::read_dir(&directory) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) => {
            println!("skipped: no data in {directory} ({error})");
            return Ok(());
        }
    };
    files.retain(|path| path.extension().is_some_and(|ending| ending == "parquet"));
    files.sort();
    let only_scans = std::env::args().nth(2).as_deref() == Some("scans");
    let mut score = measure::Score::default();
    let mut tables = Vec::new();
    for path in &files {
        let columns = load(path)?;
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if !only_scans {
            measure::table(&name, &columns, &mut score)?;
        }
        tables.push((name, columns));
    }
    if only_scans {
        return whole::print_scans(&tables);
    }
    let made = series::columns();
    measure::table("made", &made, &mut score)?;
    tables.push(("made".to_owned(), made));
    score.print();
    whole::print(&tables)?;
    whole::print_scans(&tables)
}

fn load(path: &Path) -> Result<Vec<Named>, Failure> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?
        .with_batch_size(1 << 16)
        .build()?;
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    let Some(first) = batches.first() else {
        return Ok(Vec::new());
    };
    let mut columns = Vec::new();
    for (place, field) in first.schema().fields().iter().enumerate() {
        let pieces: Vec<&dyn Array> = batches.iter().map(|b| b.column(place).as_ref()).collect();
        let array = arrow_select::concat::concat(&pieces)?;
        columns.push(Named {
            name: field.name().clone(),
            // As tables have them.
            array: match array.data_type() {
                DataType::Utf8 => arrow_cast::cast(&array, &DataType::Utf8View)?,
                _ => array,
            },
        });
    }
    Ok(columns)
}
