//! Arrays of NumPy: files of one array, each row of which is a row.
//!
//! | bytes | field                                                                               |
//! |------:|-------------------------------------------------------------------------------------|
//! |     6 | `\x93NUMPY`                                                                         |
//! |     2 | version: 1, 2 or 3, and 0                                                           |
//! |     2 | length of the header; 4 bytes from version 2 on                                     |
//! |       | the header: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 384), }`         |
//! |       | the numbers, row by row                                                             |
//!
//! An array of one dimension has a number in each row, one of two an array of numbers.

use std::fs::File;
use std::io::{BufReader, Read};
use std::sync::Arc;

use helios_base::{ArrayValue, DataType, Error, F16, Result, Value};

use super::{FileColumn, bad_file};

/// What every such file begins with.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
/// No header is longer.
const HEADER_MAX: usize = 1 << 20;
/// No row has more numbers: as many as a large vector, and more.
const WIDTH_MAX: u64 = 1 << 24;

/// A file with its header read.
#[derive(Clone, Debug)]
pub(crate) struct NpyFile {
    path: String,
    kind: Kind,
    /// Whether the most significant byte comes first.
    swapped: bool,
    rows: u64,
    /// How many numbers a row has; `None` for one that is no array.
    width: Option<usize>,
}

/// What the numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Signed(usize),
    Unsigned(usize),
    Float(usize),
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        let (letter, size) = name.split_at_checked(1)?;
        let size: usize = size.parse().ok()?;
        match (letter, size) {
            ("b", 1) => Some(Self::Bool),
            ("i", 1 | 2 | 4 | 8) => Some(Self::Signed(size)),
            ("u", 1 | 2 | 4) => Some(Self::Unsigned(size)),
            ("f", 2 | 4 | 8) => Some(Self::Float(size)),
            _ => None,
        }
    }

    fn size(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Signed(size) | Self::Unsigned(size) | Self::Float(size) => size,
        }
    }

    fn ty(self) -> DataType {
        match self {
            Self::Bool => DataType::Bool,
            Self::Signed(1 | 2) | Self::Unsigned(1) => DataType::Int2,
            Self::Signed(4) | Self::Unsigned(2) => DataType::Int4,
            Self::Signed(_) | Self::Unsigned(_) => DataType::Int8,
            Self::Float(8) => DataType::Float8,
            Self::Float(_) => DataType::Float4,
        }
    }

    /// The number in these bytes, the least significant first.
    fn value(self, bytes: &[u8]) -> Value {
        let mut wide = [0; 8];
        for (slot, byte) in wide.iter_mut().zip(bytes) {
            *slot = *byte;
        }
        let whole = u64::from_le_bytes(wide);
        match self {
            Self::Bool => Value::Bool(whole != 0),
            Self::Signed(size) => {
                let unused = 64 - 8 * size as u32;
                self.integer((whole << unused).cast_signed() >> unused)
            }
            Self::Unsigned(_) => self.integer(whole.cast_signed()),
            Self::Float(2) => Value::Float4(F16(whole as u16).to_f32()),
            Self::Float(8) => Value::Float8(f64::from_bits(whole)),
            Self::Float(_) => Value::Float4(f32::from_bits(whole as u32)),
        }
    }

    fn integer(self, number: i64) -> Value {
        match self.ty() {
            DataType::Int2 => Value::Int2(number as i16),
            DataType::Int4 => Value::Int4(number as i32),
            _ => Value::Int8(number),
        }
    }
}

impl NpyFile {
    /// Reads the header.
    ///
    /// # Errors
    /// `Io`; `22P04` for what is no such file, `0A000` for arrays that are no rows of numbers.
    pub(super) fn open(path: &str) -> Result<Self> {
        begin(path).map(|(file, _)| file)
    }

    /// The number of the row, from 0 as in NumPy, and what is in it.
    pub(super) fn columns(&self) -> Vec<FileColumn> {
        let ty = match self.width {
            None => self.kind.ty(),
            Some(_) => DataType::Array(Box::new(self.kind.ty())),
        };
        let column = |name: &str, ty| FileColumn {
            name: name.to_owned(),
            ty,
            not_null: true,
        };
        vec![column("number", DataType::Int8), column("value", ty)]
    }

    pub(super) fn row_count(&self) -> u64 {
        self.rows
    }

    pub(super) fn rows(&self) -> Result<NpyRows> {
        let (file, input) = begin(&self.path)?;
        Ok(NpyRows {
            buffer: vec![0; file.width.unwrap_or(1) * file.kind.size()],
            types: file.columns().into_iter().map(|column| column.ty).collect(),
            file,
            input,
            next: 0,
        })
    }
}

fn begin(path: &str) -> Result<(NpyFile, BufReader<File>)> {
    let failed = |error| Error::io(format!("read \"{path}\""), error);
    let mut input = BufReader::new(File::open(path).map_err(failed)?);
    let mut start = [0; 8];
    input.read_exact(&mut start).map_err(failed)?;
    if !start.starts_with(MAGIC) {
        return Err(bad_file(path, "it is no array of NumPy"));
    }
    let mut length = [0; 4];
    let bytes = if start.get(6) == Some(&1) { 2 } else { 4 };
    let place = length.get_mut(..bytes).unwrap_or_default();
    input.read_exact(place).map_err(failed)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > HEADER_MAX {
        return Err(bad_file(path, "its header is too long"));
    }
    let mut header = vec![0; length];
    input.read_exact(&mut header).map_err(failed)?;
    let file = understand(path, &String::from_utf8_lossy(&header))?;
    let numbers = (file.width.unwrap_or(1) * file.kind.size()) as u64;
    let wanted = file
        .rows
        .checked_mul(numbers)
        .and_then(|wanted| wanted.checked_add((start.len() + bytes + header.len()) as u64));
    let has = std::fs::metadata(path).map_err(failed)?.len();
    if wanted.is_none_or(|wanted| wanted > has) {
        return Err(bad_file(path, "it is cut off"));
    }
    Ok((file, input))
}

/// What follows a name in the header.
fn member<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    let (_, rest) = header.split_once(&format!("'{name}':"))?;
    Some(rest.trim_start())
}

fn understand(path: &str, header: &str) -> Result<NpyFile> {
    let bad = || bad_file(path, format_args!("its header is {}", header.trim_end()));
    let unsupported = |what: String| {
        Err(
            Error::unsupported(format!("could not read \"{path}\": {what}"))
                .with_hint("Arrays of one or two dimensions of plain numbers can be read."),
        )
    };
    let descr = member(header, "descr").ok_or_else(bad)?;
    let Some(descr) = descr.strip_prefix('\'').and_then(|d| d.split_once('\'')) else {
        return unsupported("it is an array of records".to_owned());
    };
    let (order, name) = descr.0.split_at_checked(1).ok_or_else(bad)?;
    let Some(kind) = Kind::named(name) else {
        return unsupported(format!("it is an array of type {}", descr.0));
    };
    let shape = member(header, "shape").and_then(|shape| shape.strip_prefix('('));
    let (shape, _) = shape
        .and_then(|shape| shape.split_once(')'))
        .ok_or_else(bad)?;
    let lengths = shape
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let lengths: Vec<u64> = lengths
        .map(|length| length.parse().map_err(|_| bad()))
        .collect::<Result<_>>()?;
    let by_columns = member(header, "fortran_order").is_some_and(|m| m.starts_with("True"));
    let (rows, width) = match lengths.as_slice() {
        [rows] => (*rows, None),
        [_, _] if by_columns => return unsupported("its columns come one by one".to_owned()),
        [rows, width] if *width <= WIDTH_MAX => (*rows, usize::try_from(*width).ok()),
        more => return unsupported(format!("its shape is {more:?}")),
    };
    Ok(NpyFile {
        path: path.to_owned(),
        kind,
        swapped: order == ">",
        rows,
        width,
    })
}

/// The rows of a file.
pub(super) struct NpyRows {
    file: NpyFile,
    types: Vec<DataType>,
    input: BufReader<File>,
    buffer: Vec<u8>,
    next: u64,
}

impl NpyRows {
    /// The types of the number and the value.
    pub(super) fn types(&self) -> &[DataType] {
        &self.types
    }

    /// The next row's number and value.
    pub(super) fn next_row(&mut self) -> Result<Option<[Value; 2]>> {
        if self.next >= self.file.rows {
            return Ok(None);
        }
        let path = &self.file.path;
        let read = self.input.read_exact(&mut self.buffer);
        read.map_err(|error| Error::io(format!("read \"{path}\""), error))?;
        let kind = self.file.kind;
        let numbers = self.buffer.chunks_exact_mut(kind.size()).map(|bytes| {
            if self.file.swapped {
                bytes.reverse();
            }
            kind.value(bytes)
        });
        let mut numbers: Vec<Value> = numbers.collect();
        let value = match self.file.width {
            None => numbers.pop().unwrap_or(Value::Null),
            Some(_) => Value::Array(Arc::new(ArrayValue::one_dimensional(numbers))),
        };
        let number = Value::Int8(i64::try_from(self.next).unwrap_or(i64::MAX));
        self.next += 1;
        Ok(Some([number, value]))
    }
}
