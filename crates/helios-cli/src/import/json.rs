//! JSON lines, or one JSON array of objects. Objects' members become columns; nested values stay
//! JSON.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use heliosdb::{DataType, Error, Json, Result, SqlState, TextContext, Value};

use super::infer::Inference;
use super::{FileColumn, Source, table_name};

/// The objects of a JSON file.
pub struct JsonSource {
    table: String,
    columns: Vec<FileColumn>,
    objects: std::vec::IntoIter<Json>,
    rows: u64,
    context: TextContext,
}

impl JsonSource {
    /// Reads the file and finds its columns: every member that any object has.
    pub fn open(path: &Path, all_text: bool) -> Result<Self> {
        let objects = read(path)?;
        let context = TextContext::default();
        let mut found: Vec<(String, Column)> = Vec::new();
        for object in &objects {
            let Json::Object(members) = object else {
                continue;
            };
            for (name, value) in members.members() {
                let place = found.iter().position(|(known, _)| **known == **name);
                let place = place.unwrap_or_else(|| {
                    found.push((name.to_string(), Column::default()));
                    found.len() - 1
                });
                found[place].1.sample(value, &context);
            }
        }
        if found.is_empty() {
            return Err(Error::new(
                SqlState::BAD_COPY_FILE_FORMAT,
                format!("\"{}\" has no objects with members", path.display()),
            ));
        }
        let columns = found
            .into_iter()
            .map(|(name, column)| {
                let ty = if all_text {
                    DataType::Text
                } else {
                    column.decide()
                };
                FileColumn {
                    name,
                    ty,
                    not_null: false,
                }
            })
            .collect();
        Ok(Self {
            table: table_name(path),
            columns,
            rows: objects.len() as u64,
            objects: objects.into_iter(),
            context,
        })
    }
}

impl Source for JsonSource {
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
        let Some(Json::Object(members)) = self.objects.next() else {
            return Ok(None);
        };
        let values = self
            .columns
            .iter()
            .map(|column| match members.get(&column.name) {
                None | Some(Json::Null) => Ok(Value::Null),
                Some(Json::String(text)) if column.ty != DataType::Jsonb => {
                    Value::parse(text, &column.ty, &self.context)
                        .map_err(|error| error.with_column(&column.name))
                }
                Some(other) => Value::parse(&other.to_string(), &column.ty, &self.context)
                    .map_err(|error| error.with_column(&column.name)),
            });
        values.collect::<Result<_>>().map(Some)
    }
}

/// What the values of one member have in common.
#[derive(Default)]
struct Column {
    texts: Inference,
    numbers: Inference,
    has_text: bool,
    has_number: bool,
    has_bool: bool,
    has_nested: bool,
}

impl Column {
    fn sample(&mut self, value: &Json, context: &TextContext) {
        match value {
            Json::Null => {}
            Json::Bool(_) => self.has_bool = true,
            Json::String(text) => {
                self.has_text = true;
                self.texts.sample(text, context);
            }
            Json::Number(_) => {
                self.has_number = true;
                self.numbers.sample(&value.to_string(), context);
            }
            Json::Array(_) | Json::Object(_) => self.has_nested = true,
        }
    }

    fn decide(&self) -> DataType {
        match (
            self.has_text,
            self.has_number,
            self.has_bool,
            self.has_nested,
        ) {
            (_, _, _, true) => DataType::Jsonb,
            (false, true, false, false) => self.numbers.decide(),
            (false, false, true, false) => DataType::Bool,
            // A string of digits is a string: only dates, times and identifiers are told apart.
            (true, false, false, false) => match self.texts.decide() {
                ty @ (DataType::Date
                | DataType::Timestamp
                | DataType::TimestampTz
                | DataType::Uuid) => ty,
                _ => DataType::Text,
            },
            (false, false, false, false) => DataType::Text,
            _ => DataType::Jsonb,
        }
    }
}

fn read(path: &Path) -> Result<Vec<Json>> {
    let open = |error| Error::io(format!("read \"{}\"", path.display()), error);
    let mut reader = BufReader::new(File::open(path).map_err(open)?);
    let starts_array = loop {
        let bytes = reader.fill_buf().map_err(open)?;
        match bytes.iter().position(|byte| !byte.is_ascii_whitespace()) {
            Some(at) => break bytes[at] == b'[',
            None if bytes.is_empty() => break false,
            None => {
                let length = bytes.len();
                reader.consume(length);
            }
        }
    };
    let mut objects = Vec::new();
    let mut add = |value: Json, place: &str| match value {
        Json::Object(_) => {
            objects.push(value);
            Ok(())
        }
        other => Err(Error::new(
            SqlState::BAD_COPY_FILE_FORMAT,
            format!(
                "\"{}\", {place}: wanted an object, not {}",
                path.display(),
                other.type_name()
            ),
        )),
    };
    if starts_array {
        let text = std::io::read_to_string(&mut reader).map_err(open)?;
        let whole = Json::parse(&text).map_err(|error| broken(path, "the array", error))?;
        if let Json::Array(items) = whole {
            for (place, item) in items.into_iter().enumerate() {
                add(item, &format!("item {}", place + 1))?;
            }
        }
    } else {
        for (number, line) in reader.lines().enumerate() {
            let line = line.map_err(open)?;
            if !line.trim().is_empty() {
                let place = format!("line {}", number + 1);
                let value = Json::parse(&line).map_err(|error| broken(path, &place, error))?;
                add(value, &place)?;
            }
        }
    }
    Ok(objects)
}

fn broken(path: &Path, place: &str, error: Error) -> Error {
    Error::new(
        SqlState::BAD_COPY_FILE_FORMAT,
        format!("\"{}\", {place}: {}", path.display(), error.message()),
    )
    .with_source(error)
}
