//! Writing rows as Parquet.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType as ArrowType, Field, Schema, SchemaRef};
use helios_base::{DataType, Error, Result, Row, Value};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::{SchemaDescriptor, Type};

use super::ParquetOptions;
use crate::fusion::{as_text, export_field, export_values, from_arrow};
use crate::plan::PlanColumn;

/// How many rows become a batch.
const BATCH_ROWS: usize = 8192;

/// Takes rows and writes them in groups.
pub(crate) struct ParquetSink<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
    types: Vec<DataType>,
    rows: Vec<Row>,
    path: String,
}

impl<W: Write + Send> ParquetSink<W> {
    /// A file of these columns; `path` names it in messages.
    ///
    /// # Errors
    /// `Io` if the beginning cannot be written.
    pub(crate) fn new(
        output: W,
        path: &str,
        columns: &[PlanColumn],
        options: &ParquetOptions,
    ) -> Result<Self> {
        let types: Vec<DataType> = columns.iter().map(|column| column.ty.clone()).collect();
        let fields = columns.iter().map(|column| {
            if is_text(&column.ty) {
                return Field::new(&*column.name, ArrowType::Utf8View, true);
            }
            export_field(&column.name, &column.ty)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_compression(options.compression()?)
            .set_max_row_group_row_count(Some(options.row_group_rows.max(1) as usize))
            .set_created_by(format!("HeliosDB {}", env!("CARGO_PKG_VERSION")))
            .build();
        let told = |error| failed(path, error);
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_parquet_schema(parquet_schema(&schema, &types).map_err(told)?);
        let writer = ArrowWriter::try_new_with_options(output, Arc::clone(&schema), options);
        Ok(Self {
            writer: writer.map_err(told)?,
            schema,
            types,
            rows: Vec::new(),
            path: path.to_owned(),
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// `22003` for what no Arrow value holds; `Io` if writing fails.
    pub(crate) fn push(&mut self, row: Row) -> Result<()> {
        self.rows.push(row);
        if self.rows.len() >= BATCH_ROWS {
            self.write_batch()?;
        }
        Ok(())
    }

    /// Writes the rest and the footer, and gives the output back.
    ///
    /// # Errors
    /// As [`ParquetSink::push`].
    pub(crate) fn finish(mut self) -> Result<W> {
        self.write_batch()?;
        self.writer
            .into_inner()
            .map_err(|error| failed(&self.path, error))
    }

    fn write_batch(&mut self) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let count = self.rows.len();
        let mut columns: Vec<Vec<Value>> = self
            .types
            .iter()
            .map(|_| Vec::with_capacity(count))
            .collect();
        for row in self.rows.drain(..) {
            for (value, column) in row.into_iter().zip(&mut columns) {
                column.push(value);
            }
        }
        let arrays = columns
            .iter()
            .zip(&self.types)
            .zip(self.schema.fields())
            .map(|((values, ty), field)| {
                let array = if is_text(ty) {
                    Ok(as_text(values, ty))
                } else {
                    export_values(values, ty)
                };
                array.map_err(|error| error.with_column(field.name()))
            })
            .collect::<Result<Vec<_>>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(count));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map_err(from_arrow)?;
        self.writer
            .write(&batch)
            .map_err(|error| failed(&self.path, error))
    }
}

/// Whether Parquet has no column that keeps such values exactly, so that their text is written.
fn is_text(ty: &DataType) -> bool {
    match ty {
        DataType::Interval(_) | DataType::Record => true,
        DataType::Array(element) => is_text(element),
        DataType::User(user) => user.as_domain().is_some_and(|domain| is_text(&domain.base)),
        _ => false,
    }
}

/// The file's schema, with the types that Arrow's schema does not tell.
fn parquet_schema(schema: &Schema, types: &[DataType]) -> Result<SchemaDescriptor, ParquetError> {
    let plain = ArrowSchemaConverter::new().convert(schema)?;
    let mut fields = plain.root_schema().get_fields().to_vec();
    for (field, ty) in fields.iter_mut().zip(types) {
        let (physical, length, logical) = match ty {
            DataType::Uuid => (Physical::FIXED_LEN_BYTE_ARRAY, 16, LogicalType::Uuid),
            DataType::Json | DataType::Jsonb => (Physical::BYTE_ARRAY, -1, LogicalType::Json),
            _ => continue,
        };
        let told = Type::primitive_type_builder(field.name(), physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_length(length)
            .with_logical_type(Some(logical))
            .build()?;
        *field = Arc::new(told);
    }
    let root = Type::group_type_builder(plain.root_schema().name())
        .with_fields(fields)
        .build()?;
    Ok(SchemaDescriptor::new(Arc::new(root)))
}

fn failed(path: &str, error: ParquetError) -> Error {
    let source = match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(source) => *source,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    };
    Error::io(format!("write to \"{path}\""), source)
}
