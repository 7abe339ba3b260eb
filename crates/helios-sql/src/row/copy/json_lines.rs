//! JSON lines: a JSON object on each line, whose members are the columns.

use std::io::Read;
use std::sync::Arc;

use helios_base::json::JsonObject;
use helios_base::{ArrayValue, DataType, Error, Json, Result, Row, SqlState, TextContext, Value};
use helios_expr::{json_member, push_json};

use super::{CopyOptions, RecordReader, bad_file};
use crate::plan::PlanColumn;

/// Writes one row.
///
/// # Errors
/// None for valid values.
pub(crate) fn write_row(
    row: &[Value],
    columns: &[PlanColumn],
    text: &TextContext,
    out: &mut Vec<u8>,
) -> Result<()> {
    let mut line = String::from("{");
    for (index, (value, column)) in row.iter().zip(columns).enumerate() {
        if index > 0 {
            line.push(',');
        }
        helios_base::json::push_escaped(&column.name, &mut line);
        line.push(':');
        let start = line.len();
        push_json(value, &column.ty, text, &mut line)?;
        // The text of `json` may hold line ends, which mean nothing between its tokens.
        if matches!(column.ty, DataType::Json) && line[start..].contains(['\n', '\r']) {
            let one_line = line[start..].replace(['\n', '\r'], " ");
            line.replace_range(start.., &one_line);
        }
    }
    line.push_str("}\n");
    out.extend_from_slice(line.as_bytes());
    Ok(())
}

/// The objects of a file of JSON lines.
pub(crate) struct JsonReader<R> {
    lines: RecordReader<R>,
}

impl<R: Read> JsonReader<R> {
    /// A reader of objects.
    pub(crate) fn new(input: R, options: CopyOptions) -> Self {
        Self {
            lines: RecordReader::new(input, options, Vec::new()),
        }
    }

    /// Reads up to the end of the input, and drops it.
    ///
    /// # Errors
    /// `Io` if reading fails.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.lines.finish()
    }

    /// The number of the last line, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.lines.line()
    }

    /// The beginning of the last line.
    pub(crate) fn shown(&self) -> Option<String> {
        self.lines.shown()
    }

    /// The next object and its text, `None` at the end. Empty lines are passed over.
    ///
    /// # Errors
    /// `22P04` for what is no JSON object.
    pub(crate) fn next_object(&mut self) -> Result<Option<(JsonObject, String)>> {
        while let Some(line) = self.lines.next_text()? {
            if line.trim().is_empty() {
                continue;
            }
            let json = Json::parse(&line).map_err(|error| {
                let told = error.detail().unwrap_or(error.message()).to_owned();
                bad_file("invalid JSON in COPY data").with_detail(told)
            })?;
            return match json {
                Json::Object(members) => Ok(Some((members, line))),
                other => Err(bad_file(format!(
                    "expected a JSON object on each line, not {}",
                    other.type_name()
                ))),
            };
        }
        Ok(None)
    }

    /// The next object as the columns' values; a column without member is `NULL`. With `strict` a
    /// member that is no column is an error. An error comes with the column it is about.
    ///
    /// # Errors
    /// As [`JsonReader::next_object`]; what the columns' types refuse.
    pub(crate) fn next_row(
        &mut self,
        columns: &[PlanColumn],
        strict: bool,
        input: &dyn Fn(&str, &DataType) -> Result<Value>,
    ) -> Result<Option<Row>, (Error, Option<usize>)> {
        let object = self.next_object().map_err(|error| (error, None))?;
        let Some((members, line)) = object else {
            return Ok(None);
        };
        let mut row = Row::with_capacity(columns.len());
        let mut found = 0;
        for (at, column) in columns.iter().enumerate() {
            row.push(match members.get(&column.name) {
                None => Value::Null,
                // `json` keeps its text.
                Some(member) if column.ty == DataType::Json && !matches!(member, Json::Null) => {
                    found += 1;
                    json_member(&line, &column.name).map_or(Value::Null, Value::text)
                }
                Some(member) => {
                    found += 1;
                    json_value(member, &column.ty, input).map_err(|error| (error, Some(at)))?
                }
            });
        }
        if strict && found < members.len() {
            let stranger = members
                .members()
                .iter()
                .find(|(name, _)| columns.iter().all(|column| *column.name != **name));
            if let Some((name, _)) = stranger {
                let error = Error::new(
                    SqlState::BAD_COPY_FILE_FORMAT,
                    format!("member \"{name}\" of the JSON object is no column of the table"),
                )
                .with_hint("Name the columns to copy; other members are then passed over.");
                return Err((error, None));
            }
        }
        Ok(Some(row))
    }
}

/// JSON as a value of type `ty`, texts by `input`.
///
/// # Errors
/// What the type refuses.
pub(crate) fn json_value(
    json: &Json,
    ty: &DataType,
    input: &dyn Fn(&str, &DataType) -> Result<Value>,
) -> Result<Value> {
    match (json, ty) {
        (Json::Null, _) => Ok(Value::Null),
        (_, DataType::Json) => Ok(Value::text(json.to_string())),
        (_, DataType::Jsonb) => Ok(Value::Jsonb(Arc::new(json.clone()))),
        (Json::String(text), _) => input(text, ty),
        (Json::Array(_), DataType::Array(element)) => {
            let mut array = ArrayValue {
                dims: Vec::new(),
                elements: Vec::new(),
            };
            gather(json, element, input, 0, &mut array)?;
            if array.elements.is_empty() {
                array.dims.clear();
            }
            Ok(Value::Array(Arc::new(array)))
        }
        // Its text could be that of an array.
        (Json::Object(_), DataType::Array(_)) => Err(malformed_array()),
        (other, _) => input(&other.to_string(), ty),
    }
}

#[cold]
fn malformed_array() -> Error {
    Error::new(
        SqlState::INVALID_TEXT_REPRESENTATION,
        "malformed JSON array",
    )
    .with_detail("Multidimensional arrays must have sub-arrays with matching dimensions.")
}

/// The elements of nested arrays, which must be as long as each other.
fn gather(
    json: &Json,
    element: &DataType,
    input: &dyn Fn(&str, &DataType) -> Result<Value>,
    depth: usize,
    into: &mut ArrayValue,
) -> Result<()> {
    let Json::Array(items) = json else {
        if depth < into.dims.len() {
            return Err(malformed_array());
        }
        into.elements.push(json_value(json, element, input)?);
        return Ok(());
    };
    let length = u32::try_from(items.len()).map_err(|_| malformed_array())?;
    match into.dims.get(depth) {
        // Deeper arrays only before there are elements: all must be equally deep.
        None if into.elements.is_empty() => into.dims.push((length, 1)),
        Some((known, _)) if *known == length => {}
        _ => return Err(malformed_array()),
    }
    for item in items {
        gather(item, element, input, depth + 1, into)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str, ty: &DataType) -> Result<Value> {
        let input = |text: &str, ty: &DataType| Value::parse(text, ty, &TextContext::default());
        json_value(&Json::parse(json)?, ty, &input)
    }

    #[test]
    fn arrays_keep_their_shape() -> Result<()> {
        let ints = DataType::Array(Box::new(DataType::Int4));
        for (json, text) in [
            ("[1,null,3]", "{1,NULL,3}"),
            ("[[1,2],[3,4]]", "{{1,2},{3,4}}"),
            ("[]", "{}"),
        ] {
            assert_eq!(
                parse(json, &ints)?.to_text(&ints, &TextContext::default()),
                text
            );
        }
        for json in ["[[1,2],[3]]", "[1,[2]]", "[[1],2]", "{}", "[\"x\"]"] {
            assert!(parse(json, &ints).is_err(), "{json}");
        }
        Ok(())
    }
}
