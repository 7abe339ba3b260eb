//! Rows of a running query, computed as they are read.

use arrow::array::RecordBatch;
use helios_base::{Result, Row};

use super::interrupt::{Interrupt, Streaming};
use super::outcome::{ResultColumn, RowSource};
use super::watchdog::Alarm;
use crate::fusion::FusionRows;
use crate::row::exec::{Cx, Exec, Frame, Program};
use crate::row::op::{self, BoxOperator};

/// A query of the row executor that is being read.
pub(crate) struct Running {
    exec: Exec,
    frame: Frame,
    operator: BoxOperator,
    /// Ends the query when its time is up; goes with the stream.
    _alarm: Option<Alarm>,
    _streaming: Streaming,
}

impl Running {
    /// Starts the query.
    pub(crate) fn start(program: &Program, exec: Exec, alarm: Option<Alarm>) -> Result<Self> {
        let frame = Frame::default();
        let operator = op::open(&program.root, &Cx::new(&exec, &frame))?;
        Ok(Self {
            _streaming: exec.interrupt.streaming(),
            exec,
            frame,
            operator,
            _alarm: alarm,
        })
    }
}

impl RowSource for Running {
    fn next_row(&mut self) -> Result<Option<Row>> {
        let row = self.operator.next(&Cx::new(&self.exec, &self.frame))?;
        // Whoever ends the own session is told so in place of the tag.
        if row.is_none() && self.exec.interrupt.is_terminated() {
            return Err(self.exec.interrupt.error());
        }
        Ok(row)
    }
}

/// A query in vectors that is being read.
pub(crate) struct Vectors {
    rows: FusionRows,
    /// As that of [`Running`].
    _alarm: Option<Alarm>,
    _streaming: Streaming,
}

impl Vectors {
    /// Rows that end when the alarm goes off.
    pub(crate) fn new(rows: FusionRows, alarm: Option<Alarm>, interrupt: &Interrupt) -> Self {
        Self {
            rows,
            _alarm: alarm,
            _streaming: interrupt.streaming(),
        }
    }
}

impl RowSource for Vectors {
    fn next_row(&mut self) -> Result<Option<Row>> {
        self.rows.next_row()
    }

    fn next_batch(&mut self, columns: &[ResultColumn]) -> Result<Option<RecordBatch>> {
        self.rows.next_batch(columns)
    }
}
