//! Points and ranges of history as written.

use super::{Expr, Ident, Pos};
use crate::plan::VersionRange;

/// `AS OF` and its other spellings, for a table or a query.
#[derive(Clone, Debug)]
pub struct AsOf {
    /// `AS OF BRANCH`
    pub branch: Option<Ident>,
    /// Which moment; the statement's own if not given.
    pub point: Option<Point>,
    /// All versions of a range, rather than the rows of a moment.
    pub versions: Option<Versions>,
    /// Where it begins.
    pub pos: Pos,
}

/// A moment.
#[derive(Clone, Debug)]
pub enum Point {
    /// `AS OF NOW`
    Now,
    /// `AS OF SCN`, `AS OF LSN`, `VERSION AS OF`
    Scn(Box<Expr>),
    /// `AS OF TRANSACTION`
    Transaction(Box<Expr>),
    /// `AS OF TIMESTAMP`, `FOR SYSTEM_TIME AS OF`
    Timestamp(Box<Expr>),
    /// `AS OF SNAPSHOT`: a name, or text that is one
    Snapshot(Box<Expr>),
    /// `AT (OFFSET => …)`: seconds from now, or an interval
    Offset(Box<Expr>),
    /// `AS OF` and a value whose type says what it is
    Value(Box<Expr>),
}

impl Point {
    /// The expression that says when.
    #[must_use]
    pub fn expr(&self) -> Option<&Expr> {
        match self {
            Self::Now => None,
            Self::Scn(expr)
            | Self::Transaction(expr)
            | Self::Timestamp(expr)
            | Self::Snapshot(expr)
            | Self::Offset(expr)
            | Self::Value(expr) => Some(expr),
        }
    }
}

/// A range of history.
#[derive(Clone, Debug)]
pub struct Versions {
    /// Which versions.
    pub range: VersionRange,
    /// By time rather than by change number.
    pub timestamp: bool,
    /// From; `None`: `MINVALUE`
    pub low: Option<Box<Expr>>,
    /// To; `None`: `MAXVALUE`
    pub high: Option<Box<Expr>>,
}
