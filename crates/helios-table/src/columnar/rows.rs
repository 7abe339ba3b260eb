//! The rows of a segment, as the store reads them.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use helios_base::row::{self, Layout};
use helios_base::{Error, Result, Scn};
use helios_segment::{CHUNK_ROWS, ReadAt, Segment};
use helios_version::{ColdBlock, ColdRows, ShowRow};

use super::descriptor::{Descriptor, KeyForm};
use super::form::{Cells, Form};
use super::from_segment;
use super::keys::Keys;
use super::near::Near;
use super::trail::Trail;

/// Rows of the pieces into which chunks are cut where there are few.
const FINE: usize = CHUNK_ROWS / 4;

/// An open segment.
pub struct SegmentRows {
    id: u64,
    near: Arc<Near>,
    segment: Segment,
    /// Rows before each chunk, and all.
    starts: Vec<u64>,
    descriptor: Descriptor,
    layout: Layout,
    keys: Keys,
    /// When all rows began, if they came with one commit.
    begin: Option<Scn>,
}

impl SegmentRows {
    pub(super) fn open(
        id: u64,
        source: Arc<dyn ReadAt>,
        label: &str,
        descriptor: Descriptor,
        newest: Scn,
        near: Arc<Near>,
    ) -> Result<Self> {
        let segment = Segment::open(source, label).map_err(from_segment)?;
        let segment = segment.with_cache(Arc::clone(&near.blocks), Arc::clone(&near.columns), id);
        if *segment.schema() != descriptor.schema()? {
            return Err(Error::corrupt(format!(
                "segment \"{label}\" of table \"{}\" has other columns than it should",
                descriptor.table
            )));
        }
        let mut starts = vec![0];
        let mut rows = 0;
        for chunk in segment.chunks() {
            rows += u64::from(chunk.rows);
            starts.push(rows);
        }
        Ok(Self {
            id,
            near,
            segment,
            starts,
            layout: descriptor.layout(),
            begin: descriptor.loaded.then_some(newest),
            keys: Keys::new(&descriptor),
            descriptor,
        })
    }

    /// The file.
    #[must_use]
    pub const fn segment(&self) -> &Segment {
        &self.segment
    }

    /// The number of the segment.
    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn near(&self) -> &Near {
        &self.near
    }

    pub(super) const fn encoder(&self) -> &Keys {
        &self.keys
    }

    pub(super) const fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// When all rows began, if they came with one commit.
    pub(super) const fn begin(&self) -> Option<Scn> {
        self.begin
    }

    /// The columns that keys are made of, by their places in the file.
    pub(super) fn key_places(&self) -> Vec<usize> {
        self.segment.schema().key().to_vec()
    }

    /// Those columns, ready for [`SegmentRows::push_key`].
    pub(super) fn key_cells(&self, columns: &[ArrayRef]) -> Result<Vec<Cells>> {
        self.keys.cells(columns)
    }

    pub(super) fn push_key(&self, cells: &[&Cells], at: usize, out: &mut Vec<u8>) -> Result<()> {
        self.keys.push(cells, at, out)
    }

    /// Adds to an error which table is concerned.
    pub(super) fn placed(&self, error: helios_segment::Error) -> Error {
        from_segment(error).with_table(&self.descriptor.table)
    }

    /// The chunk of a place, and the row in it.
    pub(super) fn chunk_of(&self, place: u64) -> (usize, usize) {
        let chunk = self.starts.partition_point(|start| *start <= place);
        let chunk = chunk.saturating_sub(1);
        let start = self.starts.get(chunk).copied().unwrap_or(place);
        (chunk, (place - start) as usize)
    }

    /// Rows of one chunk from a place on: fewer than asked for at its end, `None` behind the last.
    fn rows_from(&self, from: u64, count: usize) -> Option<(usize, Range<usize>)> {
        let (chunk, first) = self.chunk_of(from);
        let rows = self.segment.chunks().get(chunk)?.rows as usize;
        let range = first..first.saturating_add(count).min(rows);
        (!range.is_empty()).then_some((chunk, range))
    }

    /// Rows of the columns at these places of the file.
    fn read_places(
        &self,
        chunk: usize,
        rows: Range<usize>,
        places: &[usize],
    ) -> Result<RecordBatch> {
        let batch = self.segment.read_rows(chunk, rows, places);
        batch.map_err(|error| self.placed(error))
    }

    /// When rows of a chunk began; `None` if all came with one commit.
    fn begins(&self, chunk: usize, rows: Range<usize>) -> Result<Option<UInt64Array>> {
        if self.begin.is_some() {
            return Ok(None);
        }
        let begins = self.segment.begins_of(chunk, rows);
        begins.map(Some).map_err(|error| self.placed(error))
    }

    fn begin_at(&self, begins: Option<&UInt64Array>, at: usize) -> Scn {
        let begin = begins.map(|begins| Scn(begins.value(at)));
        begin.or(self.begin).unwrap_or_default()
    }

    pub(super) fn place_of(&self, chunk: usize, row: usize) -> u64 {
        let all = self.starts.last().copied().unwrap_or(0);
        (self.starts.get(chunk).copied()).map_or(all, |start| start + row as u64)
    }
}

impl ColdRows for SegmentRows {
    fn find(&self, pk: &[u8]) -> Result<Option<u64>> {
        self.near_place(pk)
    }

    fn find_next(&self, pk: &[u8], trail: &mut helios_version::Trail) -> Result<Option<u64>> {
        let trail = trail.get_or_insert_with(|| Box::<Trail>::default());
        match trail.downcast_mut() {
            Some(trail) => self.trail_place(pk, trail),
            None => Err(Error::internal("a trail through another kind of segment")),
        }
    }

    fn seek(&self, pk: &[u8]) -> Result<u64> {
        self.near_bound(pk)
    }

    fn show(&self, pk: &[u8], upto: u64, visit: &mut ShowRow<'_>) -> Result<bool> {
        match self.near_place(pk)? {
            Some(place) if place < upto => self.show_near(place, pk, visit).map(|()| true),
            _ => Ok(false),
        }
    }

    fn read(&self, from: u64, count: usize, rows: &mut ColdBlock) -> Result<()> {
        let Some((chunk, range)) = self.rows_from(from, count) else {
            return Ok(());
        };
        let hidden = self.descriptor.key_form();
        let forms: Vec<&Form> = hidden
            .iter()
            .chain(self.descriptor.columns.iter().map(|c| &c.1))
            .collect();
        let wanted: Vec<usize> = (0..forms.len()).collect();
        let batch = self.read_places(chunk, range.clone(), &wanted)?;
        let cells = forms.iter().zip(batch.columns());
        let cells = cells
            .map(|(form, array)| Cells::new(form, array))
            .collect::<Result<Vec<_>>>()?;
        let begins = self.begins(chunk, range.clone())?;
        let key: Vec<&Cells> = match &self.descriptor.key {
            KeyForm::Columns(positions) => {
                positions.iter().filter_map(|at| cells.get(*at)).collect()
            }
            _ => cells.first().into_iter().collect(),
        };
        let columns = cells
            .get(usize::from(hidden.is_some())..)
            .unwrap_or_default();
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for at in 0..range.len() {
            bytes.clear();
            ends.clear();
            for column in columns {
                let start = bytes.len();
                ends.push(column.push(at, &mut bytes)?.then_some(start..bytes.len()));
            }
            let parts: Vec<Option<&[u8]>> = (ends.iter())
                .map(|end| end.clone().map(|end| bytes.get(end).unwrap_or_default()))
                .collect();
            rows.push(self.begin_at(begins.as_ref(), at), |out| {
                self.keys.push(&key, at, out)?;
                let key_end = out.len();
                row::assemble(&self.layout, &parts, out)?;
                Ok(key_end)
            })?;
        }
        Ok(())
    }

    fn heads(&self, from: u64, count: usize, rows: &mut ColdBlock) -> Result<()> {
        let Some((chunk, range)) = self.rows_from(from, count) else {
            return Ok(());
        };
        if let Some((keys, first)) = self.keys_around(chunk, &range)? {
            let begins = self.begins(chunk, range.clone())?;
            for (at, row) in range.enumerate() {
                rows.push(self.begin_at(begins.as_ref(), at), |out| {
                    out.extend_from_slice(keys.value(row - first));
                    Ok(out.len())
                })?;
            }
            return Ok(());
        }
        let batch = self.read_places(chunk, range.clone(), &self.key_places())?;
        let cells = self.key_cells(batch.columns())?;
        let key: Vec<&Cells> = cells.iter().collect();
        let begins = self.begins(chunk, range.clone())?;
        for at in 0..range.len() {
            rows.push(self.begin_at(begins.as_ref(), at), |out| {
                self.keys.push(&key, at, out)?;
                Ok(out.len())
            })?;
        }
        Ok(())
    }

    fn cuts(&self, fine: bool) -> Result<Vec<Vec<u8>>> {
        let rows = if fine { FINE } else { CHUNK_ROWS };
        let keys = self.segment.keys_of_every(rows);
        keys.map_err(|error| self.placed(error))
    }

    fn verify(&self) -> Vec<String> {
        let faults = self.segment.verify().into_iter();
        faults
            .map(|error| format!("table \"{}\": {error}", self.descriptor.table))
            .collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
