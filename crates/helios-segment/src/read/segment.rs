//! An open segment.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, UInt64Array};
use arrow_buffer::BooleanBuffer;
use bytes::Bytes;

use super::find::Lookup;
use super::opens::{BlockCache, OpenBlock, Opens, Part};

use crate::codec::{Block, Codec, codec};
use crate::columns::{ColumnCache, ReadyColumn};
use crate::error::{Error, Place, Result};
use crate::format::footer::Footer;
use crate::format::meta::{BlockAt, Chunk, EncodedAt};
use crate::format::{HEADER, TRAILER, Trailer};
use crate::key::sparse::SparseIndex;
use crate::narrow::{wide_type, widen};
use crate::schema::SegmentSchema;
use crate::source::ReadAt;
use crate::stats::{REGISTERS, Sketch};

/// Bytes read at the end on opening: the footer of all but the widest segments is among them, so
/// that opening is one read.
const TAIL: u64 = 64 << 10;

/// A segment, opened by its footer. Cheap to share: readers need no lock.
///
/// Rows are addressed by chunk and row in the chunk, or as one number, chunk × 65,536 + row.
#[derive(Debug)]
pub struct Segment {
    opened: Option<Opens>,
    source: Arc<dyn ReadAt>,
    label: Arc<str>,
    size: u64,
    footer: Footer,
    pub(super) lookups: Vec<OnceLock<Lookup>>,
    /// The indexes of the key order's pages.
    pub(super) pages: Vec<OnceLock<SparseIndex>>,
}

impl Segment {
    /// Opens a segment; `label` names it in messages.
    ///
    /// # Errors
    /// Damaged, too new, or the source's.
    pub fn open(source: Arc<dyn ReadAt>, label: impl Into<Arc<str>>) -> Result<Self> {
        let label = label.into();
        let place = Place {
            label: Some(Arc::clone(&label)),
            ..Place::default()
        };
        let (size, footer) = read_footer(source.as_ref()).map_err(|error| error.at(&place))?;
        let lookups = footer.chunks.iter().map(|_| OnceLock::new()).collect();
        let pages = footer.order.iter().map(|_| OnceLock::new()).collect();
        Ok(Self {
            opened: None,
            source,
            label,
            size,
            footer,
            lookups,
            pages,
        })
    }

    /// With a place to keep blocks of which a few rows were read, so that the next ones are had without
    /// reading and checking those again, and one for decoded [columns](Segment::column). `id` tells the segment from
    /// others that keep theirs there.
    #[must_use]
    pub fn with_cache(self, cache: Arc<BlockCache>, columns: Arc<ColumnCache>, id: u64) -> Self {
        Self {
            opened: Some(Opens { cache, columns, id }),
            ..self
        }
    }

    /// The label given on opening.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub(super) const fn footer(&self) -> &Footer {
        &self.footer
    }

    pub(super) const fn opened(&self) -> Option<&Opens> {
        self.opened.as_ref()
    }

    /// The columns.
    pub fn schema(&self) -> &SegmentSchema {
        &self.footer.schema
    }

    /// Whether rows come in key order.
    pub fn is_ordered(&self) -> bool {
        self.footer.ordered
    }

    /// What is known of each chunk: zones, sizes, SCNs.
    pub fn chunks(&self) -> &[Chunk] {
        &self.footer.chunks
    }

    /// How many rows, dead or alive.
    pub fn rows(&self) -> u64 {
        let rows = |chunk: &Chunk| u64::from(chunk.rows);
        self.footer.chunks.iter().map(rows).sum()
    }

    /// Some columns of a chunk, by their positions.
    ///
    /// # Errors
    /// Damaged, naming the column; invalid positions; the source's.
    pub fn read(&self, chunk: usize, columns: &[usize]) -> Result<RecordBatch> {
        let rows = self.chunk(chunk)?.rows as usize;
        self.read_rows(chunk, 0..rows, columns)
    }

    /// Consecutive rows of some columns of a chunk.
    ///
    /// # Errors
    /// As [`read`](Segment::read).
    pub fn read_rows(
        &self,
        chunk: usize,
        rows: Range<usize>,
        columns: &[usize],
    ) -> Result<RecordBatch> {
        let total = self.chunk(chunk)?.rows as usize;
        if rows.start > rows.end || rows.end > total {
            return Err(Error::invalid(format!("rows {rows:?} of {total}")));
        }
        let length = rows.len();
        self.batch(chunk, columns, length, |column| {
            self.column_rows(chunk, column, rows.clone())
        })
    }

    /// Some rows of a chunk, in the order given: for few rows, without decoding the others where
    /// the encoding allows.
    ///
    /// # Errors
    /// As [`read`](Segment::read).
    pub fn take(&self, chunk: usize, rows: &[u32], columns: &[usize]) -> Result<RecordBatch> {
        self.take_rows(chunk, rows, columns, true)
    }

    /// As [`take`](Segment::take) for who does not come again: it does not count towards decoding all of a column for
    /// the next one.
    ///
    /// # Errors
    /// As [`read`](Segment::read).
    pub fn take_once(&self, chunk: usize, rows: &[u32], columns: &[usize]) -> Result<RecordBatch> {
        self.take_rows(chunk, rows, columns, false)
    }

    fn take_rows(
        &self,
        chunk: usize,
        rows: &[u32],
        columns: &[usize],
        again: bool,
    ) -> Result<RecordBatch> {
        let total = self.chunk(chunk)?.rows;
        if let Some(beyond) = rows.iter().find(|row| **row >= total) {
            return Err(Error::invalid(format!("row {beyond} of {total}")));
        }
        let indices = UInt32Array::from(rows.to_vec());
        self.batch(chunk, columns, rows.len(), |column| {
            if again
                && self.opened.is_some()
                && let [row] = rows
            {
                let row = *row as usize;
                return self.column_rows(chunk, column, row..row + 1);
            }
            if let Some(known) = self.decoded(chunk, column, again)? {
                let rows = arrow_select::take::take(&known, &indices, None)?;
                return widen(&rows);
            }
            self.column_with(chunk, column, |block, codec| codec.take(block, &indices))
        })
    }

    /// All rows of a column of a chunk, kept for the next who asks if there is room. It may come in
    /// fewer bits, of which [`widen`] makes the column's type: decimals in 64, strings in a dictionary.
    ///
    /// # Errors
    /// As [`read`](Segment::read).
    pub fn column(&self, chunk: usize, column: usize) -> Result<ArrayRef> {
        if let Some(known) = self.decoded(chunk, column, false)? {
            return Ok(known);
        }
        let rows = self.chunk(chunk)?.rows as usize;
        let (part, at, _) = self.column_at(chunk, column)?;
        let decode = || {
            self.decode(chunk, &part, at, || {
                let (block, codec) = self.block(chunk, &part, at)?;
                let array = codec.decompress_narrow(&block)?;
                match array.len() == rows {
                    true => Ok(array),
                    false => Err(Error::damaged("a block has too few rows")),
                }
            })
        };
        match &self.opened {
            Some(Opens { columns, id, .. }) => {
                columns.get_or((*id, chunk as u32, column as u32), decode)
            }
            None => decode(),
        }
    }

    /// Whether all rows of a column of a chunk are at hand, decoded.
    #[must_use]
    pub fn has_column(&self, chunk: usize, column: usize) -> bool {
        self.known(chunk, column as u32).is_some()
    }

    /// What `make` makes of all rows of a column of a chunk if these are at hand, decoded (it may be in fewer bits, as
    /// [`column`](Segment::column) tells), and is kept as long as they are. The first who asks decides what it is.
    #[must_use]
    pub fn ready_column(
        &self,
        chunk: usize,
        column: usize,
        make: &dyn Fn(&ArrayRef) -> Option<ReadyColumn>,
    ) -> Option<ReadyColumn> {
        let Opens { columns, id, .. } = self.opened.as_ref()?;
        columns.ready(&(*id, chunk as u32, column as u32), make)
    }

    fn known(&self, chunk: usize, part: u32) -> Option<ArrayRef> {
        let Opens { columns, id, .. } = self.opened.as_ref()?;
        columns.get(&(*id, chunk as u32, part))
    }

    /// All rows of a column of a chunk, if they are at hand, or worth being so: when `again` and somebody
    /// asked before.
    fn decoded(&self, chunk: usize, column: usize, again: bool) -> Result<Option<ArrayRef>> {
        let known = self.known(chunk, column as u32);
        let Some(Opens { cache, columns, id }) = self.opened.as_ref().filter(|_| again) else {
            return Ok(known);
        };
        if known.is_some() {
            return Ok(known);
        }
        let (.., raw) = self.column_at(chunk, column)?;
        let raw = usize::try_from(raw).unwrap_or(usize::MAX);
        if !columns.fits(raw) || !cache.again(&(*id, chunk as u32, column as u32)) {
            return Ok(None);
        }
        self.column(chunk, column).map(Some)
    }

    fn batch(
        &self,
        chunk: usize,
        columns: &[usize],
        rows: usize,
        array: impl Fn(usize) -> Result<ArrayRef>,
    ) -> Result<RecordBatch> {
        let schema = self.footer.schema.project(columns)?;
        let arrays = columns
            .iter()
            .map(|column| array(*column))
            .collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(schema, arrays, &options)
            .map_err(|error| Error::damaged(error.to_string()).at(&self.place(chunk, None, None)))
    }

    pub(super) fn column_rows(
        &self,
        chunk: usize,
        column: usize,
        rows: Range<usize>,
    ) -> Result<ArrayRef> {
        let (part, at, raw) = self.column_at(chunk, column)?;
        self.part_rows(chunk, &part, at, raw, rows)
    }

    /// What a column of a chunk is, where it is, and the bytes of its values.
    fn column_at(&self, chunk: usize, column: usize) -> Result<(Part, &EncodedAt, u64)> {
        let definition = self.footer.schema.column(column)?;
        let at = (self.chunk(chunk)?.columns.get(column))
            .ok_or_else(|| Error::invalid(format!("column at position {column}")))?;
        let part = Part::Column(column, definition.id, definition.ty.clone());
        Ok((part, &at.data, at.raw))
    }

    fn column_with(
        &self,
        chunk: usize,
        column: usize,
        decode: impl FnOnce(&Block, &'static dyn Codec) -> Result<ArrayRef>,
    ) -> Result<ArrayRef> {
        let (part, at, _) = self.column_at(chunk, column)?;
        self.decode(chunk, &part, at, || {
            let (block, codec) = self.block(chunk, &part, at)?;
            decode(&block, codec)
        })
    }

    /// Some rows of a block: all of them decoded at once, or a few of a block that is kept open.
    fn part_rows(
        &self,
        chunk: usize,
        part: &Part,
        at: &EncodedAt,
        raw: u64,
        rows: Range<usize>,
    ) -> Result<ArrayRef> {
        let whole = self.chunk(chunk)?.rows as usize == rows.len();
        self.decode(chunk, part, at, || {
            if whole {
                let (block, codec) = self.block(chunk, part, at)?;
                return codec.decompress(&block);
            }
            let Some(Opens { cache, columns, id }) = &self.opened else {
                let (block, codec) = self.block(chunk, part, at)?;
                return codec.slice(&block, rows.clone());
            };
            let key = (*id, chunk as u32, part.number());
            if let Some(known) = self.known(chunk, part.number()) {
                return widen(&known.slice(rows.start, rows.len()));
            }
            let kept = match cache.get(&key) {
                Some(kept) => kept,
                None => {
                    let (block, codec) = self.block(chunk, part, at)?;
                    let opened = OpenBlock::opened(crate::codec::open(codec, block, raw)?);
                    let opened = Arc::new(opened);
                    cache.put(key, Arc::clone(&opened), opened.bytes());
                    opened
                }
            };
            let raw = usize::try_from(raw).unwrap_or(usize::MAX);
            if !kept.is_worn() {
                return kept.rows(rows);
            }
            // From here on the whole column is kept, with those of scans where there is room.
            if let Part::Column(position, ..) = part
                && columns.fits(raw)
            {
                let decoded = self.column(chunk, *position)?;
                return widen(&decoded.slice(rows.start, rows.len()));
            }
            if cache.fits(raw) {
                let (block, codec) = self.block(chunk, part, at)?;
                let decoded = Arc::new(OpenBlock::decoded(codec.decompress(&block)?));
                cache.put(key, Arc::clone(&decoded), decoded.bytes());
                return decoded.rows(rows);
            }
            kept.rows(rows)
        })
    }

    /// The block of a part, checked, and its codec.
    fn block(
        &self,
        chunk: usize,
        part: &Part,
        at: &EncodedAt,
    ) -> Result<(Block, &'static dyn Codec)> {
        let codec = codec(&at.codec)
            .ok_or_else(|| Error::too_new(format!("codec \"{}\" is not known", at.codec)))?;
        let block = Block {
            bytes: self.bytes(&at.block)?,
            encodings: Arc::clone(&at.encodings),
            ty: part.ty(),
            rows: self.chunk(chunk)?.rows as usize,
            nullable: at.nullable,
        };
        Ok((block, codec))
    }

    /// What `work` decodes of a part, if it is of its type; errors say where it is.
    fn decode(
        &self,
        chunk: usize,
        part: &Part,
        at: &EncodedAt,
        work: impl FnOnce() -> Result<ArrayRef>,
    ) -> Result<ArrayRef> {
        let inner = || {
            let array = work()?;
            let ty = part.ty();
            if wide_type(array.data_type()) == ty {
                Ok(array)
            } else {
                Err(Error::damaged(format!(
                    "decoded as {}, not {ty}",
                    array.data_type()
                )))
            }
        };
        inner()
            .map_err(|error| error.at(&self.place(chunk, Some(&part.to_string()), Some(&at.block))))
    }

    /// The bytes of a block, checked.
    pub(super) fn bytes(&self, at: &BlockAt) -> Result<Bytes> {
        let bytes = self.source.read_at(at.offset, at.length as usize)?;
        let checksum = crc32c::crc32c(&bytes);
        if checksum == at.checksum {
            Ok(bytes)
        } else {
            Err(Error::damaged(format!(
                "checksum differs: {checksum:08x}, not {:08x}",
                at.checksum
            )))
        }
    }

    pub(super) fn place(&self, chunk: usize, part: Option<&str>, at: Option<&BlockAt>) -> Place {
        Place {
            label: Some(Arc::clone(&self.label)),
            offset: at.map(|at| at.offset),
            chunk: u32::try_from(chunk).ok(),
            part: part.map(str::to_owned),
        }
    }

    pub(super) fn chunk(&self, chunk: usize) -> Result<&Chunk> {
        self.footer.chunks.get(chunk).ok_or_else(|| {
            Error::invalid(format!("chunk {chunk} of {}", self.footer.chunks.len()))
                .at(&self.place(chunk, None, None))
        })
    }

    /// The begin SCN of each row of a chunk.
    ///
    /// # Errors
    /// Damaged; the source's.
    pub fn begins(&self, chunk: usize) -> Result<UInt64Array> {
        let meta = self.chunk(chunk)?;
        match &meta.begins.data {
            None => Ok(UInt64Array::from_value(meta.begins.min, meta.rows as usize)),
            Some(at) => self.begins_at(chunk, at, 0..meta.rows as usize),
        }
    }

    fn begins_at(&self, chunk: usize, at: &EncodedAt, rows: Range<usize>) -> Result<UInt64Array> {
        let raw = u64::from(self.chunk(chunk)?.rows) * 8;
        let array = self.part_rows(chunk, &Part::Begins, at, raw, rows)?;
        Ok(array.as_primitive::<UInt64Type>().clone())
    }

    /// The begin SCNs of consecutive rows of a chunk.
    ///
    /// # Errors
    /// As [`begins`](Segment::begins); invalid if the rows do not exist.
    pub fn begins_of(&self, chunk: usize, rows: Range<usize>) -> Result<UInt64Array> {
        let meta = self.chunk(chunk)?;
        if rows.start > rows.end || rows.end > meta.rows as usize {
            return Err(Error::invalid(format!("rows {rows:?} of {}", meta.rows)));
        }
        match &meta.begins.data {
            None => Ok(UInt64Array::from_value(meta.begins.min, rows.len())),
            Some(at) => self.begins_at(chunk, at, rows),
        }
    }

    /// One bit per row of a chunk: whether it had begun at `scn`. Reads nothing when the footer can tell.
    ///
    /// # Errors
    /// Damaged; the source's.
    pub fn visible(&self, chunk: usize, scn: u64) -> Result<BooleanBuffer> {
        let meta = self.chunk(chunk)?;
        let rows = meta.rows as usize;
        if meta.begins.max <= scn {
            return Ok(BooleanBuffer::new_set(rows));
        }
        if meta.begins.min > scn {
            return Ok(BooleanBuffer::new_unset(rows));
        }
        let begins = self.begins(chunk)?;
        let begun = |row: usize| begins.values().get(row).is_some_and(|begin| *begin <= scn);
        Ok(BooleanBuffer::collect_bool(rows, begun))
    }

    /// The distinct sketch of a column over all chunks, for merging with other segments'.
    ///
    /// # Errors
    /// Damaged; an invalid position; the source's.
    pub fn sketch(&self, column: usize) -> Result<Sketch> {
        self.footer.schema.column(column)?;
        let at = &self.footer.sketches;
        let inner = || {
            let bytes = self.bytes(at)?;
            let start = column * REGISTERS;
            let registers = bytes.get(start..start + REGISTERS);
            Sketch::from_registers(registers.unwrap_or_default())
        };
        inner().map_err(|error| {
            error.at(&Place {
                label: Some(Arc::clone(&self.label)),
                offset: Some(at.offset),
                chunk: None,
                part: Some("distinct sketches".to_owned()),
            })
        })
    }

    /// Reads and decodes everything; every fault there is, none if the segment is sound.
    pub fn verify(&self) -> Vec<Error> {
        let mut faults = Vec::new();
        for (place, chunk) in self.footer.chunks.iter().enumerate() {
            let rows = chunk.rows as usize;
            for column in 0..chunk.columns.len() {
                faults.extend(self.column_rows(place, column, 0..rows).err());
            }
            faults.extend(self.begins(place).err());
            faults.extend(self.check_keys(place).err());
        }
        faults.extend(self.check_order());
        if let Some(last) = self.footer.schema.columns().len().checked_sub(1) {
            faults.extend(self.sketch(last).err());
        }
        faults
    }
}

fn read_footer(source: &dyn ReadAt) -> Result<(u64, Footer)> {
    let size = source.size()?;
    let least = (HEADER + TRAILER) as u64;
    if size < least {
        return Err(Error::damaged(format!(
            "{size} bytes are too few for a segment"
        )));
    }
    let tail_start = size - TAIL.min(size);
    let tail = source.read_at(tail_start, TAIL.min(size) as usize)?;
    let (_, trailer) = tail
        .split_last_chunk::<TRAILER>()
        .ok_or_else(|| Error::damaged("cut off"))?;
    let at = |offset: u64, part: &str| Place {
        offset: Some(offset),
        part: Some(part.to_owned()),
        ..Place::default()
    };
    let trailer_at = size - TRAILER as u64;
    let trailer =
        Trailer::from_bytes(trailer).map_err(|error| error.at(&at(trailer_at, "trailer")))?;
    let inner = || {
        let end = trailer.offset.checked_add(u64::from(trailer.length));
        if end != Some(trailer_at) {
            return Err(Error::damaged(
                "the footer does not end where the trailer begins",
            ));
        }
        let bytes = match trailer.offset.checked_sub(tail_start) {
            Some(skipped) => {
                let start = skipped as usize;
                tail.slice(start..start + trailer.length as usize)
            }
            None => source.read_at(trailer.offset, trailer.length as usize)?,
        };
        if crc32c::crc32c(&bytes) != trailer.checksum {
            return Err(Error::damaged("checksum of the footer differs"));
        }
        Footer::from_bytes(&bytes, trailer.version)
    };
    let footer = inner().map_err(|error| error.at(&at(trailer.offset, "footer")))?;
    Ok((size, footer))
}
