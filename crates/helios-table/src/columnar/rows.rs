//! The rows of a segment, as the store reads them.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use helios_base::row::{self, Layout};
use helios_base::{Error, Result, Scn};
use helios_segment::{CHUNK_ROWS, ReadAt, ReadyColumn, Segment};
use helios_version::{ColdBlock, ColdRows, RowRef, ShowRow};

use super::descriptor::{Descriptor, KeyForm};
use super::form::{Cells, Form};
use super::from_segment;
use super::heat::Heat;
use super::keys::Keys;
use super::near::Near;
use super::trail::Trail;

/// So many rows from all over a segment are read one by one from columns that are at hand; of more each column is gathered
/// for itself, which waits less for memory.
const SCATTERED: usize = 256;

/// Columns of a row that is put together without asking for memory.
const FEW: usize = 32;

/// Rows of the pieces into which chunks are cut where there are few.
const FINE: usize = CHUNK_ROWS / 4;

/// An open segment.
pub struct SegmentRows {
    id: u64,
    near: Arc<Near>,
    segment: Segment,
    /// Rows before each chunk, and all.
    starts: Vec<u64>,
    /// Keys before each page of the key order, and all, if rows lie in another one.
    pages: Vec<u64>,
    descriptor: Descriptor,
    layout: Layout,
    /// The forms of what the file has of a row: the hidden key, if there is one, and the columns.
    forms: Vec<Form>,
    keys: Keys,
    /// When all rows began, if they came with one commit.
    begin: Option<Scn>,
    heat: Heat,
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
        let mut pages = vec![0];
        let mut rows = 0;
        for page in segment.order() {
            rows += u64::from(page.rows);
            pages.push(rows);
        }
        let parts = starts.len().max(pages.len());
        Ok(Self {
            id,
            near,
            segment,
            starts,
            pages,
            heat: Heat::new(parts),
            layout: descriptor.layout(),
            forms: (descriptor.key_form().into_iter())
                .chain(descriptor.columns.iter().map(|(_, form)| form.clone()))
                .collect(),
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

    /// How often single rows were read.
    pub(super) const fn heat(&self) -> &Heat {
        &self.heat
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

    /// The chunk of a row, and which of that it is.
    pub(super) fn chunk_of(&self, row: u64) -> (usize, usize) {
        part_of(&self.starts, row)
    }

    /// Keys before each *part*, and all: a chunk, or a page of the key order if rows lie in another one.
    fn parts(&self) -> &[u64] {
        if self.is_clustered() {
            &self.pages
        } else {
            &self.starts
        }
    }

    /// The part of a place, and which of its keys it is.
    pub(super) fn place_in(&self, place: u64) -> (usize, usize) {
        part_of(self.parts(), place)
    }

    /// How many keys a part has.
    pub(super) fn keys_in(&self, part: usize) -> usize {
        let parts = self.parts();
        match (parts.get(part), parts.get(part + 1)) {
            (Some(start), Some(end)) => (end - start) as usize,
            _ => 0,
        }
    }

    /// Keys of one part from a place on: fewer than asked for at its end, `None` behind the last.
    fn rows_from(&self, from: u64, count: usize) -> Option<(usize, Range<usize>)> {
        let (part, first) = self.place_in(from);
        let range = first..first.saturating_add(count).min(self.keys_in(part));
        (!range.is_empty()).then_some((part, range))
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
    pub(super) fn begins(&self, chunk: usize, rows: Range<usize>) -> Result<Option<UInt64Array>> {
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

    /// The place of a key of a part.
    pub(super) fn place_of(&self, part: usize, key: usize) -> u64 {
        let parts = self.parts();
        let all = parts.last().copied().unwrap_or(0);
        (parts.get(part).copied()).map_or(all, |start| start + key as u64)
    }
}

/// The part of a place, of those that begin here, and which of it that is.
fn part_of(starts: &[u64], place: u64) -> (usize, usize) {
    let part = starts.partition_point(|start| *start <= place);
    let part = part.saturating_sub(1);
    let start = starts.get(part).copied().unwrap_or(place);
    (part, (place - start) as usize)
}

/// Rows of a segment, ready to be put together.
struct Taken {
    /// The columns of each chunk that has some of them, the hidden key before the others if there is one.
    parts: Vec<Vec<Arc<Cells>>>,
    /// For each row its part, and which row of that it is.
    rows: Vec<(u32, u32)>,
    /// When each row began, if they did not begin together.
    begins: Option<Vec<Scn>>,
}

impl SegmentRows {
    /// A column of a chunk, by its place in the file, if all of it is at hand, decoded.
    fn ready_column(&self, chunk: usize, place: usize, form: &Form) -> Option<Arc<Cells>> {
        let make = |array: &ArrayRef| match Cells::new(form, array) {
            Ok(cells) => Some(Arc::new(cells) as ReadyColumn),
            // Who decodes it says what is wrong with it.
            Err(_) => None,
        };
        let ready = self.segment.ready_column(chunk, place, &make)?;
        ready.downcast().ok()
    }

    fn ready(&self, chunk: usize) -> Option<Vec<Arc<Cells>>> {
        let forms = self.forms.iter().enumerate();
        forms
            .map(|(place, form)| self.ready_column(chunk, place, form))
            .collect()
    }

    fn cells(&self, batch: &RecordBatch) -> Result<Vec<Arc<Cells>>> {
        let cells = self.forms.iter().zip(batch.columns());
        cells
            .map(|(form, array)| Cells::new(form, array).map(Arc::new))
            .collect()
    }

    /// These keys' rows of a part.
    fn take(&self, part: usize, keys: Range<usize>) -> Result<Taken> {
        let all: Vec<usize> = (0..self.forms.len()).collect();
        if self.is_clustered() {
            return self.take_scattered(part, keys, &all);
        }
        let begins = self.begins(part, keys.clone())?;
        let (cells, first) = match self.ready(part) {
            Some(cells) => (cells, keys.start),
            None => (self.cells(&self.read_places(part, keys.clone(), &all)?)?, 0),
        };
        let rows = (0..keys.len()).map(|at| (0, (first + at) as u32));
        Ok(Taken {
            parts: vec![cells],
            rows: rows.collect(),
            begins: begins.map(|begins| begins.values().iter().map(|scn| Scn(*scn)).collect()),
        })
    }

    /// As [`SegmentRows::take`] where these rows lie all over the segment.
    fn take_scattered(&self, page: usize, keys: Range<usize>, all: &[usize]) -> Result<Taken> {
        let places = self.lying_at(page, keys.clone())?;
        let mut parts = Vec::new();
        let mut part_of: Vec<Option<u32>> = vec![None; self.segment.chunks().len()];
        let mut rows = Vec::with_capacity(places.len());
        let is_few = keys.len() <= SCATTERED;
        for (chunk, row) in places {
            let Some(part) = part_of.get_mut(chunk) else {
                return Err(Error::internal("a chunk that is not there"));
            };
            let part = match *part {
                Some(part) => part,
                None => match is_few.then(|| self.ready(chunk)).flatten() {
                    Some(cells) => {
                        parts.push(cells);
                        *part.insert(parts.len() as u32 - 1)
                    }
                    None => break,
                },
            };
            rows.push((part, row as u32));
        }
        let is_ready = rows.len() == keys.len();
        let mut begins = None;
        if !is_ready || self.begin.is_none() {
            let columns = if is_ready { &[][..] } else { all };
            let gathered = self.gather(page, keys, columns, true)?;
            if self.begin.is_none() {
                let begin = gathered.rows.iter().map(|(part, row)| {
                    let part = gathered.parts.get(*part as usize);
                    self.begin_at(part.and_then(|part| part.1.as_ref()), *row as usize)
                });
                begins = Some(begin.collect());
            }
            if !is_ready {
                let cells = gathered.parts.iter().map(|(batch, _)| self.cells(batch));
                parts = cells.collect::<Result<_>>()?;
                rows = gathered.rows;
            }
        }
        Ok(Taken {
            parts,
            rows,
            begins,
        })
    }

    /// Appends the stored form of a row, of which these are the columns; `bytes` and `ends` are for its use.
    fn assemble(
        &self,
        cells: &[Arc<Cells>],
        at: usize,
        (bytes, ends): (&mut Vec<u8>, &mut Vec<Option<Range<usize>>>),
        out: &mut Vec<u8>,
    ) -> Result<()> {
        bytes.clear();
        ends.clear();
        for column in cells {
            let start = bytes.len();
            ends.push(column.push(at, bytes)?.then_some(start..bytes.len()));
        }
        let mut few = [None; FEW];
        let of = |end: &Option<Range<usize>>| {
            let end = end.clone();
            end.map(|end| bytes.get(end).unwrap_or_default())
        };
        if let Some(few) = few.get_mut(..ends.len()) {
            for (part, end) in few.iter_mut().zip(ends.iter()) {
                *part = of(end);
            }
            return row::assemble(&self.layout, few, out);
        }
        let parts: Vec<Option<&[u8]>> = ends.iter().map(of).collect();
        row::assemble(&self.layout, &parts, out)
    }

    /// Shows the row at a place whose key is known if its columns are at hand, decoded; false if they are not.
    pub(super) fn show_ready(
        &self,
        place: u64,
        pk: &[u8],
        visit: &mut ShowRow<'_>,
    ) -> Result<bool> {
        let (part, key) = self.place_in(place);
        let (chunk, row) = match self.is_clustered() {
            true => match self.lying_at(part, key..key + 1)?.first() {
                Some(lying) => *lying,
                None => return Ok(false),
            },
            false => (part, key),
        };
        let hidden = self.hidden();
        let mut cells = Vec::with_capacity(self.forms.len());
        for (place, form) in self.forms.iter().enumerate().skip(hidden) {
            match self.ready_column(chunk, place, form) {
                Some(column) => cells.push(column),
                None => return Ok(false),
            }
        }
        let begins = self.begins(chunk, row..row + 1)?;
        let begin = self.begin_at(begins.as_ref(), 0);
        let mut out = Vec::new();
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(cells.len()));
        self.assemble(&cells, row, (&mut bytes, &mut ends), &mut out)?;
        let row = &out;
        visit(RowRef { pk, begin, row }).map(|()| true)
    }

    /// How many columns of the file are the hidden key.
    const fn hidden(&self) -> usize {
        match self.descriptor.key {
            KeyForm::Columns(_) => 0,
            _ => 1,
        }
    }
}

impl ColdRows for SegmentRows {
    fn is_in_order(&self) -> bool {
        !self.is_clustered()
    }

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
        let taken = self.take(chunk, range)?;
        let hidden = self.hidden();
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        let mut key: Vec<&Cells> = Vec::new();
        let mut of = None;
        for (number, (part, at)) in taken.rows.iter().enumerate() {
            let Some(cells) = taken.parts.get(*part as usize) else {
                return Err(Error::internal("a part of a segment that was not read"));
            };
            if of != Some(*part) {
                of = Some(*part);
                key.clear();
                match &self.descriptor.key {
                    KeyForm::Columns(positions) => {
                        let cells = positions.iter().filter_map(|at| cells.get(*at));
                        key.extend(cells.map(|cells| &**cells));
                    }
                    _ => key.extend(cells.first().map(|cells| &**cells)),
                }
            }
            let begins = taken.begins.as_ref().and_then(|begins| begins.get(number));
            let begin = begins.copied().or(self.begin).unwrap_or_default();
            let columns = cells.get(hidden..).unwrap_or_default();
            let at = *at as usize;
            rows.push(begin, |out| {
                self.keys.push(&key, at, out)?;
                let key_end = out.len();
                self.assemble(columns, at, (&mut bytes, &mut ends), out)?;
                Ok(key_end)
            })?;
        }
        Ok(())
    }

    fn heads(&self, from: u64, count: usize, rows: &mut ColdBlock) -> Result<()> {
        let Some((chunk, range)) = self.rows_from(from, count) else {
            return Ok(());
        };
        if self.is_clustered() {
            let gathered = self.gather(chunk, range.clone(), &[], true)?;
            let keys = match self.keys_around(chunk, &range)? {
                Some((keys, first)) => keys.slice(range.start - first, range.len()),
                None => self.gather_keys(chunk, range)?,
            };
            for (at, (part, row)) in gathered.rows.iter().enumerate() {
                let part = gathered.parts.get(*part as usize);
                let begins = part.and_then(|(_, begins)| begins.as_ref());
                rows.push(self.begin_at(begins, *row as usize), |out| {
                    out.extend_from_slice(keys.value(at));
                    Ok(out.len())
                })?;
            }
            return Ok(());
        }
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
        if self.is_clustered() {
            // A part of the keys lies all over the chunks.
            let chunks = self.segment.chunks().iter();
            let first = chunks
                .filter_map(|chunk| Some(&chunk.keys.as_ref()?.min))
                .min();
            return Ok(first.cloned().into_iter().collect());
        }
        let rows = if fine { FINE } else { CHUNK_ROWS };
        let keys = self.segment.keys_of_every(rows);
        keys.map_err(|error| self.placed(error))
    }

    fn verify(&self) -> Vec<String> {
        let faults = self.segment.verify().into_iter();
        let mut faults: Vec<String> = faults.map(|error| error.to_string()).collect();
        if faults.is_empty() {
            match self.check_clusters() {
                Ok(found) => faults.extend(found),
                Err(error) => faults.push(error.to_string()),
            }
        }
        let faults = faults.into_iter();
        faults
            .map(|fault| format!("table \"{}\": {fault}", self.descriptor.table))
            .collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
