//! Writing rows, in key order, as a segment.

use std::sync::Arc;

use arrow_array::{ArrayRef, UInt64Array};
use helios_arrow::ColumnBuilder;
use helios_base::row::{Layout, RowReader};
use helios_base::{Result, Scn};
use helios_segment::{Begin, Effort, SegmentWriter, Sink, WriterOptions};
use helios_version::{Frozen, RowRef};

use super::cluster::Window;
use super::compress;
use super::descriptor::Descriptor;
use super::form::Form;
use super::from_segment;
use super::keys::Keys;
use crate::catalog::TableDef;

/// Rows gathered before they go to the segment.
const BATCH: usize = 8192;

/// Writes rows of one schema version.
pub(super) struct RowsWriter<S> {
    segment: SegmentWriter<S>,
    descriptor: Descriptor,
    layout: Layout,
    /// Of the hidden key, if there is one, and the columns.
    builders: Vec<ColumnBuilder>,
    hidden: Option<Form>,
    begins: Vec<u64>,
    least: Option<Vec<u8>>,
    greatest: Vec<u8>,
    newest: Scn,
    rows: u64,
    /// Rows that lie in another order than that in which they come.
    window: Option<Window>,
}

impl<S: Sink> RowsWriter<S> {
    /// Writes rows of `table` as the descriptor says, compressing so many columns at a time, and those of which nobody
    /// says how if `is_auto`.
    pub(super) fn new(
        table: &TableDef,
        descriptor: Descriptor,
        sink: S,
        threads: usize,
        is_auto: bool,
    ) -> Result<Self> {
        let effort = if descriptor.is_cold {
            Effort::Cold
        } else {
            Effort::Warm
        };
        let window = Window::of(&descriptor);
        let options = WriterOptions {
            columns: compress::columns(table, &descriptor, effort, is_auto),
            keys: Some(Arc::new(Keys::new(&descriptor))),
            threads,
            reordered: window.is_some(),
            ..WriterOptions::default()
        };
        let hidden = descriptor.key_form();
        let forms = hidden.iter().chain(descriptor.columns.iter().map(|c| &c.1));
        let builders = forms.map(|form| ColumnBuilder::new(&form.shape(), BATCH));
        Ok(Self {
            builders: builders.collect(),
            segment: SegmentWriter::new(descriptor.schema()?, options, sink)
                .map_err(from_segment)?,
            layout: descriptor.layout(),
            descriptor,
            hidden,
            begins: Vec::with_capacity(BATCH),
            least: None,
            greatest: Vec::new(),
            newest: Scn::ZERO,
            rows: 0,
            window,
        })
    }

    /// Adds a row, whose key is after those before.
    pub(super) fn push(&mut self, row: RowRef<'_>) -> Result<()> {
        while self.work()? {}
        let reader = RowReader::new(row.row, &self.layout)?;
        if let Some(window) = &mut self.window {
            window.note(row.pk, &reader)?;
        }
        let hidden = usize::from(self.hidden.is_some());
        if let (Some(_), Some(builder)) = (&self.hidden, self.builders.first_mut()) {
            builder.append(&Keys::hidden(&self.descriptor.key, row.pk)?)?;
        }
        let columns = self.builders.iter_mut().skip(hidden);
        for (at, (builder, (_, form))) in columns.zip(&self.descriptor.columns).enumerate() {
            form.append(reader.bytes(at)?.map(|(_, bytes)| bytes), builder)?;
        }
        self.begins.push(row.begin.0);
        self.newest = self.newest.max(row.begin);
        if self.least.is_none() {
            self.least = Some(row.pk.to_vec());
        }
        self.greatest.clear();
        self.greatest.extend_from_slice(row.pk);
        self.rows += 1;
        if self.begins.len() >= BATCH {
            self.flush()?;
        }
        Ok(())
    }

    /// Adds rows, in columns of the descriptor's forms (the hidden one first, if there is one), of which these are the
    /// first and the last key, after those before. They begin with a commit to come.
    pub(super) fn push_columns(
        &mut self,
        (first, last): (Vec<u8>, Vec<u8>),
        columns: &[ArrayRef],
    ) -> Result<()> {
        if !self.begins.is_empty() {
            self.flush()?;
        }
        self.least.get_or_insert(first);
        self.greatest = last;
        self.rows += columns.first().map_or(0, |column| column.len()) as u64;
        let begin = Begin::At(self.newest.0);
        self.segment.append(columns, begin).map_err(from_segment)
    }

    fn flush(&mut self) -> Result<()> {
        let columns: Vec<ArrayRef> = self
            .builders
            .iter_mut()
            .map(ColumnBuilder::finish)
            .collect();
        let begins = std::mem::take(&mut self.begins);
        if let Some(window) = &mut self.window {
            window.keep(columns, &begins);
            return Ok(());
        }
        self.segment
            .append(&columns, Begin::Each(&UInt64Array::from(begins)))
            .map_err(from_segment)
    }

    /// Does some of the work that has piled up, if there is any: for those who take one step after the other. False if
    /// there is none.
    pub(super) fn work(&mut self) -> Result<bool> {
        match &self.window {
            Some(window) if window.is_closed() || window.is_full() => self.work_on(),
            _ => Ok(false),
        }
    }

    /// As [`RowsWriter::work`], after the last row.
    pub(super) fn work_on(&mut self) -> Result<bool> {
        if !self.begins.is_empty() {
            self.flush()?;
        }
        match &mut self.window {
            Some(window) if !window.is_empty() => {
                window.write(&mut self.segment)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The key of the last row; empty if there is none.
    pub(super) fn last_key(&self) -> &[u8] {
        &self.greatest
    }

    /// How many rows there are.
    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the segment and makes it durable. There must be rows.
    pub(super) fn finish(mut self) -> Result<(Frozen, Descriptor, S)> {
        self.flush()?;
        while self.work_on()? {}
        let (written, sink) = self.segment.finish().map_err(from_segment)?;
        let frozen = Frozen {
            rows: written.rows,
            least: self.least.unwrap_or_default(),
            greatest: self.greatest,
            newest: self.newest,
            bytes: written.bytes,
            descriptor: self.descriptor.encode()?,
        };
        Ok((frozen, self.descriptor, sink))
    }
}
