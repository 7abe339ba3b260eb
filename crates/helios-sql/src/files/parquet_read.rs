//! Reading Parquet row by row.

use std::fs::File;
use std::sync::Arc;

use arrow::array::ArrayRef;
use bytes::Bytes;
use helios_base::{DataType, Error, Result, Row, Value};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::basic::LogicalType;
use parquet::file::reader::ChunkReader;

use super::{FileColumn, bad_file, column_values, sql_type};

/// How many rows are decoded at a time.
const BATCH_ROWS: usize = 4096;

/// A Parquet file whose footer is known.
#[derive(Clone)]
pub(crate) struct ParquetFile {
    path: Arc<str>,
    /// The content, if it is no file that can be opened again.
    bytes: Option<Bytes>,
    metadata: ArrowReaderMetadata,
    columns: Arc<[FileColumn]>,
}

impl ParquetFile {
    /// Reads the footer of the file at `path`.
    ///
    /// # Errors
    /// `Io` if it cannot be read; `22P04` if it is damaged; `0A000` for a column without SQL type.
    pub(crate) fn open(path: &str) -> Result<Self> {
        Self::of(path, &open(path)?, None)
    }

    /// The same of bytes in memory, which `name` names in messages.
    ///
    /// # Errors
    /// As [`ParquetFile::open`].
    pub(crate) fn of_bytes(name: &str, bytes: Vec<u8>) -> Result<Self> {
        let bytes = Bytes::from(bytes);
        Self::of(name, &bytes.clone(), Some(bytes))
    }

    fn of(path: &str, input: &impl ChunkReader, bytes: Option<Bytes>) -> Result<Self> {
        let load = || ArrowReaderMetadata::load(input, ArrowReaderOptions::new());
        let metadata = guarded(path, load)?.map_err(|error| bad_file(path, error))?;
        let parquet = metadata.parquet_schema().root_schema().get_fields();
        let mut columns = Vec::new();
        for (field, told) in metadata.schema().fields().iter().zip(parquet) {
            let told = told.get_basic_info().logical_type_ref();
            let ty = match told {
                Some(LogicalType::Uuid) => Some(DataType::Uuid),
                Some(LogicalType::Json) if sql_type(field) == Some(DataType::Text) => {
                    Some(DataType::Json)
                }
                _ => sql_type(field),
            };
            let ty = ty.ok_or_else(|| {
                Error::unsupported(format!(
                    "column \"{}\" of \"{path}\" has the type {}, which has no SQL form here",
                    field.name(),
                    field.data_type()
                ))
            })?;
            columns.push(FileColumn {
                name: field.name().clone(),
                ty,
                not_null: !field.is_nullable(),
            });
        }
        Ok(Self {
            path: path.into(),
            bytes,
            columns: columns.into(),
            metadata,
        })
    }

    /// Its columns.
    pub(crate) fn columns(&self) -> &[FileColumn] {
        &self.columns
    }

    /// How many rows it says it has.
    pub(crate) fn row_count(&self) -> u64 {
        let rows = self.metadata.metadata().file_metadata().num_rows();
        u64::try_from(rows).unwrap_or(0)
    }

    /// The rows, of each the columns at these positions in the order of the file.
    ///
    /// # Errors
    /// `Io` if the file cannot be opened again.
    pub(crate) fn rows(&self, positions: &[usize]) -> Result<ParquetRows> {
        let batches = match &self.bytes {
            Some(bytes) => self.reader(bytes.clone(), positions)?,
            None => self.reader(open(&self.path)?, positions)?,
        };
        let columns = self.columns.iter().enumerate();
        let types = columns
            .filter(|(at, _)| positions.contains(at))
            .map(|(_, column)| column.ty.clone());
        Ok(ParquetRows {
            path: Arc::clone(&self.path),
            batches,
            types: types.collect(),
            columns: Vec::new(),
            left: 0,
            number: 0,
        })
    }

    fn reader(
        &self,
        input: impl ChunkReader + 'static,
        positions: &[usize],
    ) -> Result<ParquetRecordBatchReader> {
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), positions.iter().copied());
        ParquetRecordBatchReaderBuilder::new_with_metadata(input, self.metadata.clone())
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| bad_file(&self.path, error))
    }
}

/// The decoders of the library panic on some kinds of damage.
fn guarded<T>(path: &str, work: impl FnOnce() -> T) -> Result<T> {
    // Whatever was half done belongs to a reader that is not used again.
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    done.map_err(|_| bad_file(path, "the file is damaged"))
}

fn open(path: &str) -> Result<File> {
    File::open(path).map_err(|e| Error::io(format!("open file \"{path}\""), e))
}

/// Rows of a Parquet file, one at a time.
pub(crate) struct ParquetRows {
    path: Arc<str>,
    batches: ParquetRecordBatchReader,
    types: Vec<DataType>,
    columns: Vec<std::vec::IntoIter<Value>>,
    left: usize,
    number: u64,
}

impl ParquetRows {
    /// The types of its columns.
    pub(crate) fn types(&self) -> &[DataType] {
        &self.types
    }

    /// The number of the last row, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next row, `None` at the end.
    ///
    /// # Errors
    /// `22P04` where the file is damaged.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row>> {
        while self.left == 0 {
            let Some(batch) = guarded(&self.path, || self.batches.next())? else {
                return Ok(None);
            };
            let batch = batch.map_err(|error| bad_file(&self.path, error))?;
            self.left = batch.num_rows();
            self.columns = batch
                .columns()
                .iter()
                .zip(&self.types)
                .map(|(array, ty): (&ArrayRef, _)| Ok(column_values(array, ty)?.into_iter()))
                .collect::<Result<_>>()?;
        }
        self.left -= 1;
        self.number += 1;
        let values = self.columns.iter_mut().map(|column| {
            column
                .next()
                .ok_or_else(|| Error::internal("a batch with columns of unequal length"))
        });
        values.collect::<Result<Row>>().map(Some)
    }
}
