//! Writing rows as an array of NumPy: numbers of one column, or vectors and arrays that are all of one length.
//!
//! How many rows there are stands at the beginning and is known at the end: there is room left for it.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};

use helios_base::{DataType, Error, Result, Row, SqlState, Value, VectorKind, VectorValue};

use super::npy_file::MAGIC;
use crate::plan::PlanColumn;

/// The bytes before the numbers: a multiple of 64, as NumPy wants it, and enough for any shape.
const HEADER: usize = 128;
/// Bytes that are written at once.
const CHUNK: usize = 1 << 18;

/// Takes rows and writes their numbers.
pub(crate) struct NpySink {
    output: BufWriter<File>,
    path: String,
    descr: &'static str,
    /// Whether each row has several numbers; how many, once that is known.
    lists: bool,
    width: Option<usize>,
    rows: u64,
    buffer: Vec<u8>,
}

impl NpySink {
    /// A new file of this one column.
    ///
    /// # Errors
    /// 0A000 for more columns than one and for a column that is not of numbers; `Io`.
    pub(crate) fn create(path: &str, columns: &[PlanColumn]) -> Result<Self> {
        let [column] = columns else {
            return Err(Error::unsupported(format!(
                "COPY in NPY mode takes one column, and not {}",
                columns.len()
            )));
        };
        let ty = column.ty.base();
        let (lists, width, element) = match &*ty {
            DataType::Vector(VectorKind::Sparse, _) => (false, None, None),
            DataType::Vector(kind, dimensions) => {
                let descr = match kind {
                    VectorKind::Half => "<f2",
                    _ => "<f4",
                };
                (true, dimensions.map(|n| n as usize), Some(descr))
            }
            DataType::Array(element) => (true, None, descr_of(&element.base())),
            other => (false, None, descr_of(other)),
        };
        let Some(descr) = element else {
            return Err(Error::unsupported(format!(
                "COPY in NPY mode does not support columns of type {}",
                column.ty
            ))
            .with_hint("Numbers, arrays of numbers, vector and halfvec can be written."));
        };
        let file = File::create(path)
            .map_err(|error| Error::io(format!("create file \"{path}\""), error))?;
        let mut sink = Self {
            output: BufWriter::with_capacity(CHUNK, file),
            path: path.to_owned(),
            descr,
            lists,
            width,
            rows: 0,
            buffer: Vec::new(),
        };
        sink.write(&[0; HEADER])?;
        Ok(sink)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// 22004 for NULL, which no number stands for, 22000 for a row that is not as long as those before; `Io`.
    pub(crate) fn push(&mut self, row: &Row) -> Result<()> {
        let null = || {
            Error::new(
                SqlState::NULL_VALUE_NOT_ALLOWED,
                "an array of NumPy cannot hold NULL",
            )
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let count = match row.first() {
            Some(Value::Vector(vector)) => {
                vector.put(&mut buffer);
                match &**vector {
                    VectorValue::Sparse(_) => None,
                    dense => Some(dense.dimensions()),
                }
            }
            Some(Value::Array(array)) => {
                for value in &array.elements {
                    put(value, &mut buffer).ok_or_else(null)?;
                }
                Some(array.elements.len())
            }
            Some(value) => {
                put(value, &mut buffer).ok_or_else(null)?;
                Some(1)
            }
            None => None,
        };
        let Some(count) = count else {
            return Err(Error::internal("a value that is no row of an array"));
        };
        if self.lists && *self.width.get_or_insert(count) != count {
            return Err(Error::new(
                SqlState::DATA_EXCEPTION,
                format!(
                    "rows of an array of NumPy must be of one length: {} and {count}",
                    self.width.unwrap_or(0)
                ),
            ));
        }
        self.write(&buffer)?;
        self.buffer = buffer;
        self.rows += 1;
        Ok(())
    }

    /// Writes what stands at the beginning.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn finish(mut self) -> Result<()> {
        let shape = match self.lists {
            true => format!("({}, {})", self.rows, self.width.unwrap_or(0)),
            false => format!("({},)", self.rows),
        };
        let text = format!(
            "{{'descr': '{}', 'fortran_order': False, 'shape': {shape}, }}",
            self.descr
        );
        let mut header = MAGIC.to_vec();
        header.extend([1, 0]);
        let length = HEADER - header.len() - 2;
        header.extend((length as u16).to_le_bytes());
        header.extend(format!("{text:<0$}\n", length - 1).bytes());
        let start = self.output.seek(SeekFrom::Start(0));
        start.map_err(|error| failed(&self.path, error))?;
        self.write(&header)?;
        self.output.flush().map_err(|e| failed(&self.path, e))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.output
            .write_all(bytes)
            .map_err(|error| failed(&self.path, error))
    }
}

fn failed(path: &str, error: std::io::Error) -> Error {
    Error::io(format!("write to \"{path}\""), error)
}

/// What NumPy calls numbers of a type.
fn descr_of(ty: &DataType) -> Option<&'static str> {
    Some(match ty {
        DataType::Bool => "|b1",
        DataType::Int2 => "<i2",
        DataType::Int4 => "<i4",
        DataType::Int8 => "<i8",
        DataType::Float4 => "<f4",
        DataType::Float8 => "<f8",
        _ => return None,
    })
}

/// Appends a number; `None` if it is none.
fn put(value: &Value, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Bool(bit) => out.push(u8::from(*bit)),
        Value::Int2(number) => out.extend(number.to_le_bytes()),
        Value::Int4(number) => out.extend(number.to_le_bytes()),
        Value::Int8(number) => out.extend(number.to_le_bytes()),
        Value::Float4(number) => out.extend(number.to_le_bytes()),
        Value::Float8(number) => out.extend(number.to_le_bytes()),
        _ => return None,
    }
    Some(())
}
