//! `COPY`: rows between tables and files.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::sync::Arc;

use helios_base::{DataType, Error, Result, Row, SqlState, Value};

use super::outcome::{Completion, Outcome, RowSource};
use super::run::Sight;
use super::stream::Running;
use super::{CopyShape, Session};
use crate::plan::{Bound, Copy, CopyFormat, CopyTarget, PlanColumn};
use crate::row::copy::{CopyOptions, Header, RecordReader, write_header, write_record};
use crate::row::exec::Cx;

/// How many bytes are written at a time.
const WRITE_CHUNK: usize = 64 * 1024;
/// How much of a bad value a message shows.
const SHOWN_CHARS: usize = 100;

impl Session {
    pub(super) fn copy(
        &mut self,
        sight: &Sight,
        bound: &Bound,
        copy: &Copy,
        params: Vec<Value>,
    ) -> Result<Outcome> {
        let names: Vec<&str> = copy.columns.iter().map(|column| &*column.name).collect();
        let mut options = CopyOptions::new(&copy.format, &copy.options, copy.from)?;
        options.resolve_columns(&names)?;
        let rows = if copy.from {
            self.copy_from(sight, bound, copy, options, params)?
        } else {
            self.copy_to(sight, bound, copy, &options, params)?
        };
        Ok(Outcome::Done(Completion::counted("COPY", rows)))
    }

    fn copy_from(
        &mut self,
        sight: &Sight,
        bound: &Bound,
        copy: &Copy,
        options: CopyOptions,
        params: Vec<Value>,
    ) -> Result<u64> {
        let insert = copy
            .insert
            .as_ref()
            .ok_or_else(|| Error::internal("COPY FROM without table"))?;
        let (insert, subplans) = self.with_compiler(sight, |compiler| {
            Ok::<_, Error>((
                compiler.insert(insert)?,
                compiler.subplans(&bound.subplans)?,
            ))
        })?;
        let input: Box<dyn Read + Send> = match &copy.target {
            CopyTarget::File(path) => Box::new(
                File::open(path).map_err(|e| Error::io(format!("open file \"{path}\""), e))?,
            ),
            CopyTarget::Client => self.client_input(shape(copy))?,
        };
        let names = copy
            .columns
            .iter()
            .map(|column| column.name.to_string())
            .collect();
        let mut reader = RecordReader::new(input, options, names);
        let exec = self.exec(sight, &subplans, params);
        let table = copy.table.as_ref().map_or("", |table| &table.name);
        let filter = copy.filter.as_ref();
        let changes = exec.in_root(|cx| {
            let mut feed = |cx: &Cx<'_>| -> Result<Option<Row>> {
                while let Some(row) = next_row(&mut reader, &copy.columns, table, cx)? {
                    let wanted = match filter {
                        None => true,
                        Some(filter) => cx.is_true(filter, &insert.table_row(&row))?,
                    };
                    if wanted {
                        return Ok(Some(row));
                    }
                }
                Ok(None)
            };
            insert.run_from(&mut feed, cx)
        });
        let changes = changes.map_err(|error| in_line(error, table, reader.line(), None))?;
        exec.in_root(|cx| exec.transaction()?.finish_statement(&cx.context()))?;
        Ok(changes.count)
    }

    fn copy_to(
        &mut self,
        sight: &Sight,
        bound: &Bound,
        copy: &Copy,
        options: &CopyOptions,
        params: Vec<Value>,
    ) -> Result<u64> {
        let query = copy
            .query
            .as_ref()
            .ok_or_else(|| Error::internal("COPY TO without query"))?;
        let program = self.with_compiler(sight, |c| c.program(query, &bound.subplans))?;
        let exec = self.exec(sight, &program.subplans, params);
        let text = exec.text.clone();
        let mut running = Running::start(&program, exec, None)?;
        let (mut output, path): (Box<dyn Write + Send>, &str) = match &copy.target {
            CopyTarget::File(path) => {
                let file = File::create(path)
                    .map_err(|e| Error::io(format!("create file \"{path}\""), e))?;
                (Box::new(BufWriter::new(file)), path)
            }
            CopyTarget::Client => (self.client_output(shape(copy))?, "STDOUT"),
        };
        let mut buffer = Vec::new();
        let mut count = 0;
        let result = (|| {
            if options.header != Header::No {
                let names: Vec<&str> = copy.columns.iter().map(|c| &*c.name).collect();
                write_header(options, &names, &mut buffer);
            }
            while let Some(row) = running.next_row()? {
                let texts: Vec<Option<String>> = row
                    .iter()
                    .zip(&copy.columns)
                    .map(|(value, column)| {
                        (!value.is_null()).then(|| value.to_text(&column.ty, &text))
                    })
                    .collect();
                let fields: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
                write_record(options, &fields, &mut buffer);
                count += 1;
                if buffer.len() >= WRITE_CHUNK {
                    output
                        .write_all(&buffer)
                        .map_err(|e| Error::io(format!("write to \"{path}\""), e))?;
                    buffer.clear();
                    self.interrupt.check()?;
                }
            }
            output
                .write_all(&buffer)
                .and_then(|()| output.flush())
                .map_err(|e| Error::io(format!("write to \"{path}\""), e))
        })();
        if matches!(copy.target, CopyTarget::Client) && self.copy_peer.is_none() {
            self.copy_output = Some(output);
        }
        result.map(|()| count)
    }

    /// Where the client's data comes from.
    fn client_input(&mut self, shape: CopyShape) -> Result<Box<dyn Read + Send>> {
        match (self.copy_input.take(), &mut self.copy_peer) {
            (Some(input), _) => Ok(input),
            (None, Some(peer)) => peer.start_input(shape),
            (None, None) => Err(Error::new(
                SqlState::PROTOCOL_VIOLATION,
                "no data was given for COPY FROM STDIN",
            )),
        }
    }

    /// Where the client takes data.
    fn client_output(&mut self, shape: CopyShape) -> Result<Box<dyn Write + Send>> {
        match (self.copy_output.take(), &mut self.copy_peer) {
            (Some(output), _) => Ok(output),
            (None, Some(peer)) => peer.start_output(shape),
            (None, None) => Err(Error::new(
                SqlState::PROTOCOL_VIOLATION,
                "nothing takes the data of COPY TO STDOUT",
            )),
        }
    }
}

fn shape(copy: &Copy) -> CopyShape {
    CopyShape {
        columns: copy.columns.len(),
        binary: matches!(&copy.format, CopyFormat::Other(name) if name.eq_ignore_ascii_case("binary")),
    }
}

/// The next record as values of the columns' types.
fn next_row<R: Read>(
    reader: &mut RecordReader<R>,
    columns: &[PlanColumn],
    table: &str,
    cx: &Cx<'_>,
) -> Result<Option<Row>> {
    let Some(fields) = reader.next_record()? else {
        return Ok(None);
    };
    let mut row = Row::with_capacity(fields.len());
    for (field, column) in fields.into_iter().zip(columns) {
        row.push(match field {
            None => Value::Null,
            Some(field) => {
                let shown: String = field.chars().take(SHOWN_CHARS).collect();
                input(field, &column.ty, cx).map_err(|error| {
                    in_line(error, table, reader.line(), Some((&column.name, &shown)))
                })?
            }
        });
    }
    Ok(Some(row))
}

/// A field as a value of type `ty`, its modifier applied.
fn input(field: String, ty: &DataType, cx: &Cx<'_>) -> Result<Value> {
    if matches!(ty, DataType::Text | DataType::Varchar(None)) {
        return Ok(Value::Text(Arc::from(field)));
    }
    let value = Value::parse(&field, &ty.bare(), &cx.exec.text)?;
    if *ty == ty.bare() {
        return Ok(value);
    }
    helios_expr::cast::cast(&value, &ty.bare(), ty, false, &cx.context())
}

/// Says in which line, and perhaps column, a file is bad. The innermost place stays.
fn in_line(error: Error, table: &str, line: u64, column: Option<(&str, &str)>) -> Error {
    let place = match column {
        Some((name, value)) => format!("COPY {table}, line {line}, column {name}: \"{value}\""),
        None => format!("COPY {table}, line {line}"),
    };
    let detail = match error.detail() {
        Some(detail) if detail.contains("COPY ") => return error,
        Some(detail) => format!("{detail} ({place})"),
        None => place,
    };
    error.with_detail(detail)
}
