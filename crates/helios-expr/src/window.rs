//! The catalogue of window functions proper. Their evaluation is the executor's, which knows the
//! partition; here are names and types.

use helios_base::DataType;

use crate::resolve::Entry;
use crate::ty::Ty;

/// A window function for one list of argument types.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowFunction {
    /// The name, lower case.
    pub name: &'static str,
    /// Which one.
    pub kind: WindowKind,
    /// Declared argument types.
    pub args: &'static [Ty],
    /// Declared result type.
    pub result: Ty,
}

/// The window functions of the SQL standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// Number of the row in its partition, from 1.
    RowNumber,
    /// Rank with gaps.
    Rank,
    /// Rank without gaps.
    DenseRank,
    /// `(rank - 1) / (rows - 1)`, 0 for a single row.
    PercentRank,
    /// Rows up to and including peers, divided by rows.
    CumeDist,
    /// Bucket number from 1; `22014` unless the argument is positive, `NULL` for `NULL`.
    Ntile,
    /// Value of an earlier row.
    Lag,
    /// Value of a later row.
    Lead,
    /// Value of the frame's first row.
    FirstValue,
    /// Value of the frame's last row.
    LastValue,
    /// Value of the frame's n-th row; `22016` unless n is positive.
    NthValue,
}

impl WindowKind {
    /// Whether the result depends on the window frame, not only on the partition.
    #[must_use]
    pub fn uses_frame(self) -> bool {
        matches!(self, Self::FirstValue | Self::LastValue | Self::NthValue)
    }
}

const fn window(
    name: &'static str,
    kind: WindowKind,
    args: &'static [Ty],
    result: Ty,
) -> WindowFunction {
    WindowFunction {
        name,
        kind,
        args,
        result,
    }
}

impl Entry for WindowFunction {
    fn args(&self) -> &'static [Ty] {
        self.args
    }
    fn result(&self) -> Ty {
        self.result
    }
}

impl WindowFunction {
    /// The result type where it does not depend on the arguments.
    #[must_use]
    pub fn fixed_result(&self) -> Option<DataType> {
        self.result.concrete()
    }
}

use Ty::{AnyCompatible, AnyElement, Float8, Int4, Int8};

pub(crate) static FUNCTIONS: &[WindowFunction] = &[
    window("row_number", WindowKind::RowNumber, &[], Int8),
    window("rank", WindowKind::Rank, &[], Int8),
    window("dense_rank", WindowKind::DenseRank, &[], Int8),
    window("percent_rank", WindowKind::PercentRank, &[], Float8),
    window("cume_dist", WindowKind::CumeDist, &[], Float8),
    window("ntile", WindowKind::Ntile, &[Int4], Int4),
    window("lag", WindowKind::Lag, &[AnyElement], AnyElement),
    window("lag", WindowKind::Lag, &[AnyElement, Int4], AnyElement),
    window(
        "lag",
        WindowKind::Lag,
        &[AnyCompatible, Int4, AnyCompatible],
        AnyCompatible,
    ),
    window("lead", WindowKind::Lead, &[AnyElement], AnyElement),
    window("lead", WindowKind::Lead, &[AnyElement, Int4], AnyElement),
    window(
        "lead",
        WindowKind::Lead,
        &[AnyCompatible, Int4, AnyCompatible],
        AnyCompatible,
    ),
    window(
        "first_value",
        WindowKind::FirstValue,
        &[AnyElement],
        AnyElement,
    ),
    window(
        "last_value",
        WindowKind::LastValue,
        &[AnyElement],
        AnyElement,
    ),
    window(
        "nth_value",
        WindowKind::NthValue,
        &[AnyElement, Int4],
        AnyElement,
    ),
];
