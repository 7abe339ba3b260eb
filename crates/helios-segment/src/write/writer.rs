//! A writer that holds one chunk.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, UInt32Array, UInt64Array};

use super::chunk::Buffered;
use super::column::{Made, Making};
use crate::choose::{Before, ColumnOptions, compress};
use crate::codec::Encoded;
use crate::error::{Error, Result};
use crate::format::footer::Footer;
use crate::format::meta::{Begins, BlockAt, Chunk, ColumnChunk, EncodedAt, Keys, OrderPage};
use crate::format::{ALIGN, PLAIN, Trailer, VERSION, header};
use crate::key::KeyEncoder;
use crate::key::bloom::{self, Bloom};
use crate::key::sparse::{STRIDE, SparseIndex};
use crate::schema::SegmentSchema;
use crate::source::Sink;
use crate::stats::Sketch;
use crate::{CHUNK_BYTES, CHUNK_ROWS};

/// When rows began to be.
#[derive(Clone, Copy, Debug)]
pub enum Begin<'a> {
    /// All at one SCN: a bulk load.
    At(u64),
    /// Each at its own.
    Each(&'a UInt64Array),
}

/// How to write a segment.
#[derive(Clone, Default)]
pub struct WriterOptions {
    /// Per column, in schema order; empty: all as by default.
    pub columns: Vec<ColumnOptions>,
    /// How many rows will come, if known: only then can a column below its threshold be told before
    /// the whole of it was seen.
    pub expected_rows: Option<u64>,
    /// Makes keys of the key columns; needed if the schema has any.
    pub keys: Option<Arc<dyn KeyEncoder>>,
    /// Rows come in another order than that of their keys, which is told by
    /// [`SegmentWriter::order`].
    pub reordered: bool,
    /// How many columns are compressed at a time; 0 is 1.
    pub threads: usize,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Rows.
    pub rows: u64,
    /// Chunks.
    pub chunks: u32,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of the columns in memory.
    pub raw: u64,
    /// Whether rows come in key order.
    pub ordered: bool,
}

/// Writes a segment, chunk after chunk, into a [`Sink`].
///
/// Rows are kept until a chunk is full, which bounds memory by one chunk and the batch at hand. The
/// order of rows is kept. A writer that is dropped before [`finish`](SegmentWriter::finish) leaves
/// bytes that no reader takes for a segment.
pub struct SegmentWriter<S> {
    sink: S,
    offset: u64,
    schema: SegmentSchema,
    options: WriterOptions,
    buffered: Buffered,
    chunks: Vec<Chunk>,
    sketches: Vec<Sketch>,
    /// Per column: what was chosen for the chunks before.
    before: Vec<Option<Before>>,
    /// Per column, of chunks already written.
    raw: Vec<u64>,
    ordered: bool,
    last_key: Option<Vec<u8>>,
    rows: u64,
    order: Vec<OrderPage>,
}

impl<S: Sink> SegmentWriter<S> {
    /// Begins a segment.
    ///
    /// # Errors
    /// Invalid if the options do not fit the schema; the sink's.
    pub fn new(schema: SegmentSchema, options: WriterOptions, mut sink: S) -> Result<Self> {
        let count = schema.columns().len();
        if !options.columns.is_empty() && options.columns.len() != count {
            return Err(Error::invalid(format!(
                "options for {} columns, of {count}",
                options.columns.len()
            )));
        }
        if options.keys.is_none() && !schema.key().is_empty() {
            return Err(Error::invalid("a key, but no encoder for it"));
        }
        if options.reordered && schema.key().is_empty() {
            return Err(Error::invalid("an order of keys, but no key"));
        }
        let mut header = header(version(&options));
        header.resize(header.len().next_multiple_of(ALIGN as usize), 0);
        sink.append(&header)?;
        Ok(Self {
            sink,
            offset: header.len() as u64,
            buffered: Buffered::new(count),
            chunks: Vec::new(),
            sketches: vec![Sketch::default(); count],
            before: vec![None; count],
            raw: vec![0; count],
            ordered: !schema.key().is_empty(),
            last_key: None,
            rows: 0,
            order: Vec::new(),
            schema,
            options,
        })
    }

    /// Appends rows: one array per column, of its type.
    ///
    /// # Errors
    /// Invalid for arrays of other types or lengths; unsupported types; the sink's. The writer is of
    /// no use afterwards.
    pub fn append(&mut self, columns: &[ArrayRef], begin: Begin<'_>) -> Result<()> {
        let rows = self.check(columns, begin)?;
        let mut from = 0;
        while from < rows {
            let length = (CHUNK_ROWS - self.buffered.rows()).min(rows - from);
            let taken = self
                .buffered
                .push(columns, begin, from, length, CHUNK_BYTES);
            from += taken;
            if self.buffered.is_full() {
                self.flush(true)?;
            }
        }
        Ok(())
    }

    /// Tells where the rows of the next keys are, in the order of these: as numbers of rows in the segment, which may
    /// be still to come. At most 65,536 at a time; `firsts` has the key of every 1,024th, `last` is the last one.
    ///
    /// # Errors
    /// Invalid if the options do not say so or there is not a key for each 1,024; the sink's.
    pub fn order(&mut self, places: &[u32], firsts: &[Vec<u8>], last: &[u8]) -> Result<()> {
        if !self.options.reordered
            || places.is_empty()
            || places.len() > CHUNK_ROWS
            || firsts.len() != places.len().div_ceil(STRIDE)
        {
            return Err(Error::invalid("not a page of an order of keys"));
        }
        let array: ArrayRef = Arc::new(UInt32Array::from(places.to_vec()));
        let choice = compress(&array, None, &ColumnOptions::default(), false, None)?;
        let encoded = self.array(choice.codec.name(), &choice.encoded, false)?;
        let index = SparseIndex::of_firsts(firsts);
        let index = self.block(&index.to_bytes())?;
        self.order.push(OrderPage {
            rows: places.len() as u32,
            last: last.to_vec(),
            places: encoded,
            index,
        });
        Ok(())
    }

    fn check(&self, columns: &[ArrayRef], begin: Begin<'_>) -> Result<usize> {
        let wanted = self.schema.columns();
        if columns.len() != wanted.len() {
            return Err(Error::invalid(format!(
                "{} columns, of {}",
                columns.len(),
                wanted.len()
            )));
        }
        let rows = match (columns.first(), begin) {
            (Some(first), _) => first.len(),
            (None, Begin::Each(scns)) => scns.len(),
            (None, Begin::At(_)) => 0,
        };
        for (array, column) in columns.iter().zip(wanted) {
            if array.data_type() != &column.ty || array.len() != rows {
                return Err(Error::invalid(format!(
                    "column {} is {} rows of {}, not {rows} of {}",
                    column.id,
                    array.len(),
                    array.data_type(),
                    column.ty
                )));
            }
        }
        if let Begin::Each(scns) = begin
            && (scns.len() != rows || scns.null_count() > 0)
        {
            return Err(Error::invalid("not one begin SCN per row"));
        }
        Ok(rows)
    }

    /// Writes the buffered rows as a chunk; `more` rows may follow.
    fn flush(&mut self, more: bool) -> Result<()> {
        let Some((columns, scns)) = self.buffered.take(self.schema.columns())? else {
            return Ok(());
        };
        let rows = scns.len();
        let mut metas = Vec::with_capacity(columns.len());
        let making = Making {
            options: &self.options.columns,
            before: &self.before,
            raw: &self.raw,
            rows: self.rows,
            expected_rows: self.options.expected_rows,
            more,
        };
        let made = making.all(&columns, self.options.threads)?;
        for (place, (array, made)) in columns.iter().zip(made).enumerate() {
            metas.push(self.column(place, array, made)?);
        }
        let begins = self.begins(&scns)?;
        let keys = if self.schema.key().is_empty() {
            None
        } else {
            Some(self.keys(&columns)?)
        };
        self.chunks.push(Chunk {
            rows: rows as u32,
            columns: metas,
            begins,
            keys,
        });
        self.rows += rows as u64;
        Ok(())
    }

    fn column(&mut self, place: usize, array: &ArrayRef, made: Made) -> Result<ColumnChunk> {
        let Made {
            choice,
            sketch,
            zone,
        } = made;
        if let Some(before) = self.before.get_mut(place) {
            *before = Before::after(before.take(), &choice);
        }
        if let Some(all) = self.sketches.get_mut(place) {
            all.merge(&sketch);
        }
        if let Some(raw) = self.raw.get_mut(place) {
            *raw += choice.raw;
        }
        let data = self.array(choice.codec.name(), &choice.encoded, array.null_count() > 0)?;
        Ok(ColumnChunk {
            data,
            raw: choice.raw,
            reason: choice.reason,
            evidence: choice.evidence,
            zone,
        })
    }

    fn begins(&mut self, scns: &UInt64Array) -> Result<Begins> {
        let min = scns.values().iter().copied().min().unwrap_or(0);
        let max = scns.values().iter().copied().max().unwrap_or(0);
        let data = if min == max {
            None
        } else {
            let array: ArrayRef = Arc::new(scns.clone());
            let choice = compress(&array, None, &ColumnOptions::default(), false, None)?;
            Some(self.array(choice.codec.name(), &choice.encoded, false)?)
        };
        Ok(Begins { min, max, data })
    }

    fn keys(&mut self, columns: &[ArrayRef]) -> Result<Keys> {
        let key_columns: Vec<ArrayRef> = self
            .schema
            .key()
            .iter()
            .filter_map(|place| columns.get(*place).cloned())
            .collect();
        let encoder = self.options.keys.as_ref();
        let keys = encoder
            .ok_or_else(|| Error::invalid("a key, but no encoder for it"))?
            .keys(&key_columns)?;
        let rows = columns.first().map_or(0, |column| column.len());
        if keys.len() != rows || keys.null_count() > 0 || rows == 0 {
            return Err(Error::invalid("not one key per row"));
        }
        let all = || (0..rows).map(|row| keys.value(row));
        let within = all().is_sorted();
        let follows = self
            .last_key
            .as_deref()
            .is_none_or(|last| last <= keys.value(0));
        self.ordered &= within && follows;
        self.last_key = Some(keys.value(rows - 1).to_vec());
        let hashes: Vec<u64> = all().map(bloom::hash).collect();
        let index = if within {
            let index = SparseIndex::of(all());
            Some(self.block(&index.to_bytes())?)
        } else {
            None
        };
        let bloom = self.block(&Bloom::of(&hashes).to_bytes())?;
        Ok(Keys {
            min: all().min().unwrap_or_default().to_vec(),
            max: all().max().unwrap_or_default().to_vec(),
            index,
            bloom,
        })
    }

    fn array(&mut self, codec: &str, encoded: &Encoded, nullable: bool) -> Result<EncodedAt> {
        Ok(EncodedAt {
            block: self.block(&encoded.bytes)?,
            codec: codec.into(),
            encodings: encoded.encodings.clone().into(),
            nullable,
        })
    }

    fn block(&mut self, bytes: &[u8]) -> Result<BlockAt> {
        let length = u32::try_from(bytes.len())
            .map_err(|_| Error::unsupported("a block of more than 4 GiB"))?;
        let block = BlockAt {
            offset: self.offset,
            length,
            checksum: crc32c::crc32c(bytes),
        };
        self.sink.append(bytes)?;
        let end = self.offset + u64::from(length);
        self.offset = end.next_multiple_of(ALIGN);
        let padding = (self.offset - end) as usize;
        self.sink
            .append([0; ALIGN as usize].get(..padding).unwrap_or_default())?;
        Ok(block)
    }

    /// Writes what is buffered and the footer, and makes all of it durable.
    ///
    /// # Errors
    /// The sink's.
    pub fn finish(mut self) -> Result<(Written, S)> {
        self.flush(false)?;
        let registers: Vec<&[u8]> = self.sketches.iter().map(Sketch::registers).collect();
        let sketches = self.block(&registers.concat())?;
        let told: u64 = self.order.iter().map(|page| u64::from(page.rows)).sum();
        if self.options.reordered && told != self.rows {
            return Err(Error::invalid(format!(
                "an order of {told} keys, of {} rows",
                self.rows
            )));
        }
        if self.ordered {
            // As it happens they do lie in it.
            self.order.clear();
        }
        let version = version(&self.options);
        let footer = Footer {
            schema: self.schema,
            ordered: self.ordered,
            chunks: self.chunks,
            sketches,
            order: self.order,
        };
        let bytes = footer.to_bytes(version)?;
        let trailer = Trailer {
            offset: self.offset,
            length: u32::try_from(bytes.len())
                .map_err(|_| Error::unsupported("a footer of more than 4 GiB"))?,
            checksum: crc32c::crc32c(&bytes),
            version,
        };
        let end = trailer.to_bytes();
        self.sink.append(&bytes)?;
        self.sink.append(&end)?;
        self.sink.finish()?;
        let written = Written {
            rows: self.rows,
            chunks: footer.chunks.len() as u32,
            bytes: self.offset + (bytes.len() + end.len()) as u64,
            raw: self.raw.iter().sum(),
            ordered: self.ordered,
        };
        Ok((written, self.sink))
    }
}

/// The version of the file.
const fn version(options: &WriterOptions) -> u16 {
    if options.reordered { VERSION } else { PLAIN }
}
