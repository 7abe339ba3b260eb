//! `COPY`: rows between tables and files.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::sync::Arc;

use helios_base::{DataType, Error, Result, Row, SqlState, TextContext, Value};

use super::outcome::{Completion, Outcome, RowSource, within_limit};
use super::run::Sight;
use super::stream::Running;
use super::{CopyShape, Session};
use crate::files::{NpySink, ParquetFile, ParquetSink};
use crate::plan::{Bound, Copy, CopyTarget};
use crate::row::copy::{
    BINARY_TRAILER, CopyOptions, Format, Header, write_binary_header, write_binary_row,
    write_header, write_json_row, write_record,
};
use crate::row::exec::Cx;

mod ahead;
mod input;

use ahead::LARGE;
use input::Input;

/// How many bytes are written to a file at a time.
const WRITE_CHUNK: usize = 64 * 1024;

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
        let client = matches!(copy.target, CopyTarget::Client);
        let encoding = self.client_encoding().get();
        match options.format {
            // Binary values are the client's wherever they go.
            Format::Binary => options.encoding = Some(encoding),
            Format::Json if !client => {}
            _ => {
                options.encoding.get_or_insert(encoding);
            }
        }
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
        let format = options.format;
        let mut is_large = false;
        let mut reader = match (&copy.target, format) {
            (CopyTarget::File(path), Format::Parquet) => {
                Input::parquet(&ParquetFile::open(path)?, copy)?
            }
            (CopyTarget::File(path), _) => {
                let file = open(path)?;
                let about = file.metadata().ok();
                is_large = about.is_some_and(|about| about.is_file() && about.len() >= LARGE);
                Input::new(Box::new(file), options, copy)
            }
            (CopyTarget::Client, _) => {
                let input = self.client_input(shape(copy, format))?;
                match format {
                    Format::Parquet => Input::parquet(&whole(input)?, copy)?,
                    _ => Input::new(input, options, copy),
                }
            }
        };
        let exec = self.exec(sight, &subplans, params);
        if is_large {
            reader = reader.ahead(copy, &exec.text);
        }
        let filter = copy.filter.as_ref();
        let changes = exec.in_root(|cx| {
            let mut rows = 0;
            let mut feed = |cx: &Cx<'_>| -> Result<Option<Row>> {
                while let Some(row) = reader.next_row(copy, cx)? {
                    rows += 1;
                    cx.poll(rows)?;
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
            match insert.is_plain() {
                true => insert.load_from(&mut feed, cx),
                false => insert.run_from(&mut feed, cx),
            }
        });
        let changes = changes.map_err(|error| reader.placed(copy, error))?;
        // Data may end before the client says so.
        reader.finish()?;
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
        let most = self.chosen.result_rows.unwrap_or(u64::MAX);
        if options.format == Format::Npy {
            let CopyTarget::File(path) = &copy.target else {
                return Err(
                    Error::unsupported("COPY to STDOUT in NPY mode is not supported").with_hint(
                        "How many rows there are stands at the beginning: write to a file.",
                    ),
                );
            };
            let mut sink = NpySink::create(path, &copy.columns)?;
            let mut count = 0;
            while let Some(row) = running.next_row()? {
                sink.push(&row)?;
                count += 1;
                within_limit(count, most)?;
                self.interrupt.check()?;
            }
            return sink.finish().map(|()| count);
        }
        let (mut output, path): (Box<dyn Write + Send>, &str) = match &copy.target {
            CopyTarget::File(path) => {
                let file = File::create(path)
                    .map_err(|e| Error::io(format!("create file \"{path}\""), e))?;
                (Box::new(BufWriter::with_capacity(WRITE_CHUNK, file)), path)
            }
            CopyTarget::Client => (self.client_output(shape(copy, options.format))?, "STDOUT"),
        };
        let failed = |e| Error::io(format!("write to \"{path}\""), e);
        let interrupt = &self.interrupt;
        let mut count = 0;
        let result = (|| {
            if options.format == Format::Parquet {
                let mut sink =
                    ParquetSink::new(&mut output, path, &copy.columns, &options.parquet)?;
                while let Some(row) = running.next_row()? {
                    sink.push(row)?;
                    count += 1;
                    within_limit(count, most)?;
                    interrupt.check()?;
                }
                sink.finish()?;
                return output.flush().map_err(failed);
            }
            // Each row is written at once: clients get a message for each.
            let mut buffer = Vec::new();
            let encoding = options.encoding.unwrap_or_default();
            match options.format {
                Format::Binary => write_binary_header(&mut buffer),
                Format::Text | Format::Csv if options.header != Header::No => {
                    let names: Vec<&str> = copy.columns.iter().map(|c| &*c.name).collect();
                    write_header(options, &names, &mut buffer);
                    options.encode(&mut buffer)?;
                    output.write_all(&buffer).map_err(failed)?;
                    buffer.clear();
                }
                _ => {}
            }
            while let Some(row) = running.next_row()? {
                match options.format {
                    Format::Binary => write_binary_row(&row, &copy.columns, encoding, &mut buffer)?,
                    Format::Json => write_json_row(&row, &copy.columns, &text, &mut buffer)?,
                    _ => {
                        let texts: Vec<Option<String>> = row
                            .iter()
                            .zip(&copy.columns)
                            .map(|(value, column)| {
                                (!value.is_null()).then(|| value.to_text(&column.ty, &text))
                            })
                            .collect();
                        let fields: Vec<Option<&str>> =
                            texts.iter().map(Option::as_deref).collect();
                        write_record(options, &fields, &mut buffer);
                    }
                }
                options.encode(&mut buffer)?;
                output.write_all(&buffer).map_err(failed)?;
                buffer.clear();
                count += 1;
                within_limit(count, most)?;
                interrupt.check()?;
            }
            if options.format == Format::Binary {
                buffer.extend_from_slice(&BINARY_TRAILER);
                output.write_all(&buffer).map_err(failed)?;
            }
            output.flush().map_err(failed)
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

fn open(path: &str) -> Result<File> {
    let file = File::open(path).map_err(|e| Error::io(format!("open file \"{path}\""), e))?;
    // Reading a folder fails only later, and less clearly.
    if file.metadata().is_ok_and(|about| about.is_dir()) {
        return Err(Error::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("\"{path}\" is a directory"),
        ));
    }
    Ok(file)
}

/// A Parquet file that a client sends, whose end is read first.
fn whole(mut input: Box<dyn Read + Send>) -> Result<ParquetFile> {
    let mut bytes = Vec::new();
    input
        .read_to_end(&mut bytes)
        .map_err(|e| Error::io("read the COPY data", e))?;
    ParquetFile::of_bytes("STDIN", bytes)
}

fn shape(copy: &Copy, format: Format) -> CopyShape {
    CopyShape {
        columns: copy.columns.len(),
        binary: matches!(format, Format::Binary | Format::Parquet),
    }
}

/// A field as a value of type `ty`, its modifier applied.
fn parse_field(field: &str, ty: &DataType, cx: &Cx<'_>) -> Result<Value> {
    if !matches!(ty, DataType::User(_) | DataType::Array(_)) {
        return plain_field(field, ty, &cx.exec.text);
    }
    let value = Value::parse(field, &ty.bare(), &cx.exec.text)?;
    if *ty == ty.bare() {
        return Ok(value);
    }
    helios_expr::cast::cast(&value, &ty.bare(), ty, false, &cx.context())
}

/// As [`parse_field`] for a type that is no user's and no array.
fn plain_field(field: &str, ty: &DataType, text: &TextContext) -> Result<Value> {
    if matches!(ty, DataType::Text | DataType::Varchar(None)) {
        return Ok(Value::Text(Arc::from(field)));
    }
    let bare = ty.bare();
    let value = Value::parse(field, &bare, text)?;
    match *ty == bare {
        true => Ok(value),
        false => helios_expr::cast::modifier(&value, &bare, ty, false),
    }
}
