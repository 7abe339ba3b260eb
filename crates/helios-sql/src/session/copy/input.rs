//! The rows of `COPY FROM`, whatever the format, and where each stands.

use std::io::Read;

use helios_base::{DataType, Error, Result, Row, SqlState, TextContext, Value};

use super::ahead::{Ahead, Parsed};
use super::parse_field;
use crate::files::{ParquetFile, ParquetRows};
use crate::plan::{Copy, CopyTarget};
use crate::row::copy::{
    BinaryReader, CopyOptions, Field, Fields, Format, JsonReader, RecordReader, bad_file,
    missing_data, shown,
};
use crate::row::exec::Cx;

/// Rows as they come in.
pub(super) enum Input {
    Records(Box<RecordReader<Box<dyn Read + Send>>>),
    /// Those of a large file.
    Ahead(Box<Ahead>),
    Binary(BinaryReader<Box<dyn Read + Send>>),
    Json(Box<JsonReader<Box<dyn Read + Send>>>),
    Parquet {
        rows: ParquetRows,
        /// For each column of the target, its place among the columns read and their type.
        sources: Vec<(usize, DataType)>,
    },
}

impl Input {
    /// The rows that `input` holds in a format other than Parquet.
    pub(super) fn new(input: Box<dyn Read + Send>, options: CopyOptions, copy: &Copy) -> Self {
        match options.format {
            Format::Binary => {
                let encoding = options.encoding.unwrap_or_default();
                Self::Binary(BinaryReader::new(input, encoding))
            }
            Format::Json => Self::Json(Box::new(JsonReader::new(input, options))),
            _ => {
                let names = copy.columns.iter().map(|column| column.name.to_string());
                let names = names.collect();
                Self::Records(Box::new(RecordReader::new(input, options, names)))
            }
        }
    }

    /// The rows of a Parquet file: columns are found by their names.
    ///
    /// # Errors
    /// `22P04` if the file lacks a column of the target, or, where no columns were named, has one
    /// that the target lacks.
    pub(super) fn parquet(file: &ParquetFile, copy: &Copy) -> Result<Self> {
        let has = file.columns();
        let mut positions = Vec::with_capacity(copy.columns.len());
        for column in &copy.columns {
            let found = has.iter().position(|c| *c.name == *column.name);
            positions.push(found.ok_or_else(|| {
                bad_file(format!("column \"{}\" is not in the file", column.name))
            })?);
        }
        let stranger = has
            .iter()
            .enumerate()
            .find(|(at, _)| !positions.contains(at));
        if let (false, Some((_, stranger))) = (copy.named, stranger) {
            return Err(bad_file(format!(
                "column \"{}\" of the file is no column of the table",
                stranger.name
            ))
            .with_hint("Name the columns to copy; others are then passed over."));
        }
        let mut read = positions.clone();
        read.sort_unstable();
        let sources = positions.iter().map(|position| {
            let place = read.iter().position(|p| p == position).unwrap_or_default();
            let ty = has.get(*position).map(|column| column.ty.clone());
            (place, ty.unwrap_or(DataType::Text))
        });
        Ok(Self::Parquet {
            sources: sources.collect(),
            rows: file.rows(&read)?,
        })
    }

    /// Reads records in a thread of their own from here on, if there is one for them. Reading never waits for anybody
    /// but the disk.
    pub(super) fn ahead(self, copy: &Copy, text: &TextContext) -> Self {
        let Self::Records(reader) = self else {
            return self;
        };
        let types = copy.columns.iter().map(|column| column.ty.clone());
        match Ahead::start(reader, types.collect(), text.clone()) {
            Ok(ahead) => Self::Ahead(Box::new(ahead)),
            Err(reader) => Self::Records(reader),
        }
    }

    /// Reads what follows the end of the rows, and drops it.
    ///
    /// # Errors
    /// `57014` where the client takes its data back; `Io`.
    pub(super) fn finish(&mut self) -> Result<()> {
        match self {
            Self::Records(reader) => reader.finish(),
            Self::Binary(reader) => reader.finish(),
            Self::Json(reader) => reader.finish(),
            // Nobody waits for somebody to read the rest of a file.
            Self::Ahead(_) | Self::Parquet { .. } => Ok(()),
        }
    }

    /// The next row as values of the columns' types, `None` at the end.
    pub(super) fn next_row(&mut self, copy: &Copy, cx: &Cx<'_>) -> Result<Option<Row>> {
        let input = |text: &str, ty: &DataType| parse_field(text, ty, cx);
        match self {
            Self::Records(reader) => {
                let Some(fields) = reader.next_fields()? else {
                    return Ok(None);
                };
                let line = reader.line();
                row_of(fields, line, copy, cx).map(Some)
            }
            Self::Ahead(ahead) => match ahead.next()? {
                None => Ok(None),
                Some(Parsed::Row(row)) => Ok(Some(row)),
                Some(Parsed::Fields(fields)) => row_of(fields, ahead.line(), copy, cx).map(Some),
            },
            Self::Binary(reader) => {
                let Some(mut row) = reader.next_row(&copy.columns)? else {
                    return Ok(None);
                };
                for (value, column) in row.iter_mut().zip(&copy.columns) {
                    if column.ty != column.ty.bare() {
                        let bare = column.ty.bare();
                        let context = cx.context();
                        *value =
                            helios_expr::cast::cast(value, &bare, &column.ty, false, &context)?;
                    }
                }
                Ok(Some(row))
            }
            Self::Json(reader) => {
                let row = reader.next_row(&copy.columns, !copy.named, &input);
                row.map_err(|(error, column)| match column {
                    Some(_) => error.with_context(place(copy, reader.line(), column, None)),
                    None => error,
                })
            }
            Self::Parquet { rows, sources } => {
                let Some(values) = rows.next_row()? else {
                    return Ok(None);
                };
                let mut row = Row::with_capacity(sources.len());
                for (at, ((source, from), column)) in sources.iter().zip(&copy.columns).enumerate()
                {
                    let value = values.get(*source).unwrap_or(&Value::Null);
                    let converted = match value {
                        Value::Text(text) => input(text, &column.ty),
                        value => {
                            let context = cx.context();
                            helios_expr::cast::cast(value, from, &column.ty, false, &context)
                        }
                    };
                    row.push(converted.map_err(|error| {
                        error.with_context(place(copy, rows.number(), Some(at), None))
                    })?);
                }
                Ok(Some(row))
            }
        }
    }

    /// The error with the place that was read last, unless it names one.
    pub(super) fn placed(&self, copy: &Copy, error: Error) -> Error {
        if error.context().is_some() || error.sqlstate() == SqlState::QUERY_CANCELED {
            return error;
        }
        let (line, column, text) = match self {
            Self::Records(reader) => (reader.line(), None, reader.shown()),
            Self::Ahead(ahead) => (ahead.line(), None, ahead.shown()),
            Self::Binary(reader) => (reader.row(), reader.column(), None),
            Self::Json(reader) => (reader.line(), None, reader.shown()),
            Self::Parquet { rows, .. } => (rows.number(), None, None),
        };
        if line == 0 {
            return error;
        }
        error.with_context(place(copy, line, column, text))
    }
}

/// The values of a record, which begins at this line.
fn row_of(fields: Fields, line: u64, copy: &Copy, cx: &Cx<'_>) -> Result<Row> {
    let count = fields.len();
    let mut row = Row::with_capacity(count);
    for (at, (field, column)) in fields.into_iter().zip(&copy.columns).enumerate() {
        let value = match &field {
            Field::Null => Ok(Value::Null),
            Field::Default => default(copy, at, cx),
            Field::Text(text) => parse_field(text, &column.ty, cx),
        };
        row.push(value.map_err(|error| {
            let value = field.as_text().map(|text| shown(text.as_bytes()));
            error.with_context(place(copy, line, Some(at), value))
        })?);
    }
    match copy.columns.get(count) {
        Some(missing) => Err(missing_data(&missing.name)),
        None => Ok(row),
    }
}

/// What stands for the marker of the default in the column at `at`.
fn default(copy: &Copy, at: usize, cx: &Cx<'_>) -> Result<Value> {
    match copy.defaults.get(at) {
        Some(Some(default)) => cx.eval(default, &[]),
        _ => {
            let name = copy.columns.get(at).map_or("", |column| &column.name);
            Err(bad_file("unexpected default marker in COPY data")
                .with_detail(format!("Column \"{name}\" has no default value.")))
        }
    }
}

/// PostgreSQL's words for a place, and the file below.
fn place(copy: &Copy, line: u64, column: Option<usize>, text: Option<String>) -> String {
    use std::fmt::Write;
    let table = copy.table.as_ref().map_or("", |table| &table.name);
    let mut place = format!("COPY {table}, line {line}");
    // Writing to a string does not fail.
    if let Some(column) = column.and_then(|at| copy.columns.get(at)) {
        let _ = write!(place, ", column {}", column.name);
    }
    if let Some(text) = text {
        let _ = write!(place, ": \"{text}\"");
    }
    if let CopyTarget::File(path) = &copy.target {
        let _ = write!(place, "\nfile \"{path}\"");
    }
    place
}
