//! Parquet files in memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType as Arrow, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
};
use bytes::Bytes;
use heliosdb::{DataType, Error, Numeric, Result, SqlState, Value};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::ChunkReader;

use super::{FileColumn, Source, unique_names};

/// The rows of a Parquet file.
pub struct ParquetSource {
    path: PathBuf,
    table: String,
    columns: Vec<FileColumn>,
    shapes: Vec<Arrow>,
    rows: u64,
    batches: ParquetRecordBatchReader,
    batch: Vec<ArrayRef>,
    at: usize,
}

impl ParquetSource {
    /// A file that is in memory, under the name `table`.
    pub fn from_bytes(table: &str, bytes: &'static [u8]) -> Result<Self> {
        Self::new(
            Path::new(table),
            table.to_owned(),
            Bytes::from_static(bytes),
        )
    }

    fn new(path: &Path, table: String, input: impl ChunkReader + 'static) -> Result<Self> {
        let damaged = |error: parquet::errors::ParquetError| {
            Error::new(
                SqlState::BAD_COPY_FILE_FORMAT,
                format!("could not read \"{}\": {error}", path.display()),
            )
        };
        let builder = ParquetRecordBatchReaderBuilder::try_new(input).map_err(damaged)?;
        let rows = builder.metadata().file_metadata().num_rows();
        let fields = builder.schema().fields().clone();
        let names = unique_names(fields.iter().map(|field| field.name().clone()));
        let mut columns = Vec::new();
        let mut shapes = Vec::new();
        for (field, name) in fields.iter().zip(names) {
            let (ty, shape) = column_type(field.data_type()).ok_or_else(|| {
                Error::unsupported(format!(
                    "column \"{name}\" of \"{}\" has the type {}, which has no SQL form here",
                    path.display(),
                    field.data_type()
                ))
            })?;
            columns.push(FileColumn {
                name,
                ty,
                not_null: !field.is_nullable(),
            });
            shapes.push(shape);
        }
        Ok(Self {
            path: path.to_owned(),
            table,
            columns,
            shapes,
            rows: u64::try_from(rows).unwrap_or(0),
            batches: builder.with_batch_size(4096).build().map_err(damaged)?,
            batch: Vec::new(),
            at: 0,
        })
    }

    fn next_batch(&mut self) -> Result<bool> {
        let Some(next) = self.batches.next() else {
            return Ok(false);
        };
        let broken = |error: arrow::error::ArrowError| {
            Error::new(
                SqlState::BAD_COPY_FILE_FORMAT,
                format!("could not read \"{}\": {error}", self.path.display()),
            )
        };
        let batch: RecordBatch = next.map_err(broken)?;
        self.batch = batch
            .columns()
            .iter()
            .zip(&self.shapes)
            .map(|(column, shape)| cast(column, shape).map_err(broken))
            .collect::<Result<_>>()?;
        self.at = 0;
        Ok(true)
    }
}

impl Source for ParquetSource {
    fn table(&self) -> &str {
        &self.table
    }

    fn columns(&self) -> &[FileColumn] {
        &self.columns
    }

    fn expected(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn next_row(&mut self) -> Result<Option<Vec<Value>>> {
        while self
            .batch
            .first()
            .is_none_or(|column| self.at >= column.len())
        {
            if !self.next_batch()? {
                return Ok(None);
            }
        }
        let row = self
            .batch
            .iter()
            .zip(&self.columns)
            .map(|(array, column)| value(array, self.at, &column.ty))
            .collect::<Result<_>>()?;
        self.at += 1;
        Ok(Some(row))
    }
}

/// The SQL type of an Arrow type, and the Arrow type its values are read from.
fn column_type(arrow: &Arrow) -> Option<(DataType, Arrow)> {
    Some(match arrow {
        Arrow::Boolean => (DataType::Bool, Arrow::Boolean),
        Arrow::Int8 | Arrow::UInt8 | Arrow::Int16 => (DataType::Int2, Arrow::Int16),
        Arrow::UInt16 | Arrow::Int32 => (DataType::Int4, Arrow::Int32),
        Arrow::UInt32 | Arrow::Int64 => (DataType::Int8, Arrow::Int64),
        Arrow::UInt64 => (DataType::Numeric(Some((20, 0))), Arrow::Decimal128(20, 0)),
        Arrow::Float16 | Arrow::Float32 => (DataType::Float4, Arrow::Float32),
        Arrow::Float64 => (DataType::Float8, Arrow::Float64),
        Arrow::Decimal32(p, s) | Arrow::Decimal64(p, s) | Arrow::Decimal128(p, s) => (
            DataType::Numeric(Some((u16::from(*p), i16::from(*s)))),
            Arrow::Decimal128(*p, *s),
        ),
        Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View => (DataType::Text, Arrow::LargeUtf8),
        Arrow::Binary | Arrow::LargeBinary | Arrow::BinaryView | Arrow::FixedSizeBinary(_) => {
            (DataType::Bytea, Arrow::LargeBinary)
        }
        Arrow::Date32 | Arrow::Date64 => (DataType::Date, Arrow::Date32),
        Arrow::Time32(_) | Arrow::Time64(_) => {
            (DataType::Time(None), Arrow::Time64(TimeUnit::Microsecond))
        }
        Arrow::Timestamp(_, None) => (
            DataType::Timestamp(None),
            Arrow::Timestamp(TimeUnit::Microsecond, None),
        ),
        Arrow::Timestamp(_, zone) => (
            DataType::TimestampTz(None),
            Arrow::Timestamp(TimeUnit::Microsecond, zone.clone()),
        ),
        Arrow::Dictionary(_, values) => return column_type(values),
        _ => return None,
    })
}

fn value(array: &ArrayRef, row: usize, ty: &DataType) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match ty {
        DataType::Bool => Value::Bool(array.as_boolean().value(row)),
        DataType::Int2 => Value::Int2(array.as_primitive::<Int16Type>().value(row)),
        DataType::Int4 => Value::Int4(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int8 => Value::Int8(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float4 => Value::Float4(array.as_primitive::<Float32Type>().value(row)),
        DataType::Float8 => Value::Float8(array.as_primitive::<Float64Type>().value(row)),
        DataType::Numeric(_) => {
            let text = array.as_primitive::<Decimal128Type>().value_as_string(row);
            Value::Numeric(text.parse::<Numeric>()?)
        }
        DataType::Text => Value::Text(Arc::from(array.as_string::<i64>().value(row))),
        DataType::Bytea => Value::Bytea(Arc::from(array.as_binary::<i64>().value(row))),
        DataType::Date => Value::Date(array.as_primitive::<Date32Type>().value(row)),
        DataType::Time(_) => Value::Time(array.as_primitive::<Time64MicrosecondType>().value(row)),
        DataType::Timestamp(_) => {
            Value::Timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::TimestampTz(_) => {
            Value::TimestampTz(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        other => {
            return Err(Error::internal(format!(
                "no reader for a Parquet column of type {other}"
            )));
        }
    })
}
