//! The rows of one file of a set, one at a time.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, Row, SqlState, TextContext, Value};

use super::csv_file::{Records, in_record, open};
use super::json_objects::JsonObjects;
use super::npy_file::NpyRows;
use super::set::Content;
use super::{FileSet, ParquetRows};
use crate::row::copy::{Field, json_value, shown};

/// Rows of the columns that are read, in the types of the set.
pub(crate) struct FileRows {
    set: Arc<FileSet>,
    number: usize,
    source: Source,
    /// What each column read is.
    columns: Vec<Column>,
    context: Arc<TextContext>,
}

struct Column {
    /// Where it stands in a record of the file; `None` if it is not there.
    place: Option<usize>,
    /// Its number in the set.
    read: usize,
    ty: DataType,
    /// The path of the file.
    is_filename: bool,
}

enum Source {
    Parquet(Box<ParquetRows>),
    Csv(Box<Records>),
    Json(Box<JsonObjects>),
    Npy(Box<NpyRows>),
}

impl FileRows {
    pub(super) fn open(
        set: &Arc<FileSet>,
        number: usize,
        reads: &[usize],
        context: &Arc<TextContext>,
    ) -> Result<Self> {
        let gone = || Error::internal("a file that is not in its set");
        let file = set.files.get(number).ok_or_else(gone)?;
        let mut columns = Vec::with_capacity(reads.len());
        for read in reads {
            let column = set.columns.get(*read).ok_or_else(gone)?;
            columns.push(Column {
                place: file.places.get(*read).copied().flatten(),
                read: *read,
                ty: column.ty.clone(),
                is_filename: set.filename && *read + 1 == set.columns.len(),
            });
        }
        let source = match &file.content {
            Content::Parquet(parquet) => {
                let mut wanted: Vec<usize> = columns.iter().filter_map(|c| c.place).collect();
                wanted.sort_unstable();
                wanted.dedup();
                // Parquet gives what was asked for only, in the order of the file.
                for column in &mut columns {
                    column.place = column.place.and_then(|p| wanted.binary_search(&p).ok());
                }
                Source::Parquet(Box::new(parquet.rows(&wanted)?))
            }
            Content::Csv(csv) => Source::Csv(Box::new(csv.records(&file.path)?)),
            Content::Npy(npy) => Source::Npy(Box::new(npy.rows()?)),
            Content::Json => {
                Source::Json(Box::new(JsonObjects::new(&file.path, open(&file.path)?)))
            }
        };
        Ok(Self {
            set: Arc::clone(set),
            number,
            source,
            columns,
            context: Arc::clone(context),
        })
    }

    fn path(&self) -> &str {
        let file = self.set.files.get(self.number);
        file.map_or("", |file| &file.path)
    }

    /// The next row, `None` at the end.
    ///
    /// # Errors
    /// `22P04` where the file is not of its format, and what the types refuse; with the place.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row>> {
        let path: Arc<str> = self.path().into();
        let context = &*self.context;
        let input = |text: &str, ty: &DataType| Value::parse(text, ty, context);
        let mut row = Row::with_capacity(self.columns.len());
        match &mut self.source {
            Source::Parquet(rows) => {
                let Some(values) = rows.next_row()? else {
                    return Ok(None);
                };
                let types = rows.types();
                for column in &self.columns {
                    let (value, from) = match column.place {
                        Some(place) => (values.get(place), types.get(place)),
                        None => (None, None),
                    };
                    row.push(match (value, from) {
                        _ if column.is_filename => Value::Text(Arc::clone(&path)),
                        (Some(value), Some(from)) if *from == column.ty => value.clone(),
                        (Some(Value::Null) | None, _) | (_, None) => Value::Null,
                        (Some(value), Some(from)) => {
                            let text = value.to_text(from, context);
                            input(&text, &column.ty).map_err(|error| {
                                let at = rows.number();
                                error.with_context(format!("file \"{path}\", row {at}"))
                            })?
                        }
                    });
                }
            }
            Source::Npy(rows) => {
                let Some(values) = rows.next_row()? else {
                    return Ok(None);
                };
                for column in &self.columns {
                    let found = column
                        .place
                        .and_then(|place| Some((values.get(place)?, rows.types().get(place)?)));
                    row.push(match found {
                        _ if column.is_filename => Value::Text(Arc::clone(&path)),
                        Some((value, from)) if *from == column.ty => value.clone(),
                        // Another file of the set has numbers of another type.
                        Some((value, from)) => input(&value.to_text(from, context), &column.ty)?,
                        None => Value::Null,
                    });
                }
            }
            Source::Csv(records) => {
                let record = records.next_record();
                let Some(record) = record.map_err(|error| in_record(error, &path, records))? else {
                    return Ok(None);
                };
                for column in &self.columns {
                    if column.is_filename {
                        row.push(Value::Text(Arc::clone(&path)));
                        continue;
                    }
                    let field = column.place.and_then(|place| record.get(place));
                    row.push(match field {
                        Some(Field::Text(text)) => input(text, &column.ty).map_err(|error| {
                            let name = self.set.columns.get(column.read).map_or("", |c| &*c.name);
                            let line = records.line();
                            let text = shown(text.as_bytes());
                            unforeseen(error, &column.ty).with_context(format!(
                                "file \"{path}\", line {line}, column {name}: \"{text}\""
                            ))
                        })?,
                        _ => Value::Null,
                    });
                }
            }
            Source::Json(objects) => {
                let Some((object, _)) = objects.next_object()? else {
                    return Ok(None);
                };
                for column in &self.columns {
                    if column.is_filename {
                        row.push(Value::Text(Arc::clone(&path)));
                        continue;
                    }
                    let name = self.set.columns.get(column.read).map_or("", |c| &*c.name);
                    row.push(match object.get(name) {
                        None => Value::Null,
                        Some(member) => {
                            json_value(member, &column.ty, &input).map_err(|error| {
                                let line = objects.began();
                                unforeseen(error, &column.ty).with_context(format!(
                                    "file \"{path}\", line {line}, column {name}"
                                ))
                            })?
                        }
                    });
                }
            }
        }
        Ok(Some(row))
    }
}

/// A value that the sample did not foresee.
fn unforeseen(error: Error, ty: &DataType) -> Error {
    if error.sqlstate() == SqlState::CHARACTER_NOT_IN_REPERTOIRE {
        return error;
    }
    error.with_hint(format!(
        "The column was taken for {ty} by the first rows; with sample_size => -1 all rows decide, with \
         all_varchar => true all columns are text."
    ))
}
