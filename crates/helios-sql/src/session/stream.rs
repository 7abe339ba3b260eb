//! Rows of a running query, computed as they are read.

use helios_base::{Result, Row};

use super::outcome::RowSource;
use super::watchdog::Alarm;
use crate::row::exec::{Cx, Exec, Frame, Program};
use crate::row::op::{self, BoxOperator};

/// A query of the row executor that is being read.
pub(crate) struct Running {
    exec: Exec,
    frame: Frame,
    operator: BoxOperator,
    /// Ends the query when its time is up; goes with the stream.
    _alarm: Option<Alarm>,
}

impl Running {
    /// Starts the query.
    pub(crate) fn start(program: &Program, exec: Exec, alarm: Option<Alarm>) -> Result<Self> {
        let frame: Frame = Frame::from([]);
        let operator = op::open(&program.root, &Cx::new(&exec, &frame))?;
        Ok(Self {
            exec,
            frame,
            operator,
            _alarm: alarm,
        })
    }
}

impl RowSource for Running {
    fn next_row(&mut self) -> Result<Option<Row>> {
        self.operator.next(&Cx::new(&self.exec, &self.frame))
    }
}
