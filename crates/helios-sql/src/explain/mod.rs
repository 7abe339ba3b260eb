//! EXPLAIN: how a statement runs, as text and as JSON.

mod describe;
mod output;
mod print;

use std::time::Duration;

use helios_base::DataType;

use crate::plan::{Explain, ExplainFormat};
use crate::session::{Columns, ResultColumn};

pub(crate) use describe::{Description, Near};

/// What a run of the explained statement took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) planning: Duration,
    pub(crate) execution: Duration,
    /// Rows returned or changed.
    pub(crate) rows: Option<u64>,
}

/// The columns of an EXPLAIN.
pub(crate) fn columns(explain: &Explain) -> Columns {
    let ty = match explain.format {
        ExplainFormat::Text => DataType::Text,
        ExplainFormat::Json => DataType::Json,
    };
    Columns::from([ResultColumn::new("QUERY PLAN", ty)])
}
