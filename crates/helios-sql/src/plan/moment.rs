//! Points of history that a statement reads at.

use std::fmt;
use std::sync::Arc;

use helios_expr::Expr;

/// A branch and a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AsOf {
    /// The branch, if not the session's.
    pub branch: Option<Arc<str>>,
    /// The moment, if not the statement's snapshot.
    pub point: Option<Point>,
}

/// A moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Point {
    /// `AS OF SCN n` / `AS OF LSN`: type `bigint` or `text` (`0/1A2B`).
    Scn(Expr),
    /// `AS OF TRANSACTION n`: type `bigint`.
    Transaction(Expr),
    /// `AS OF TIMESTAMP t`, `FOR SYSTEM_TIME AS OF t`: type `timestamptz`.
    Timestamp(Expr),
}

impl Point {
    /// The expression that says when.
    #[must_use]
    pub const fn expr(&self) -> &Expr {
        match self {
            Self::Scn(expr) | Self::Transaction(expr) | Self::Timestamp(expr) => expr,
        }
    }

    /// As [`Point::expr`].
    pub const fn expr_mut(&mut self) -> &mut Expr {
        match self {
            Self::Scn(expr) | Self::Transaction(expr) | Self::Timestamp(expr) => expr,
        }
    }
}

/// The number of a moment in [`super::Bound::moments`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MomentId(pub usize);

/// Another moment than its own that a statement reads at. Its expressions have no columns and are
/// computed once per run.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Where and when.
    pub at: AsOf,
    /// The version of the catalog that held there when the statement was bound: when another one
    /// does, the binding does not hold.
    pub catalog: u64,
}

/// Where a scan reads, if not at the statement's own snapshot.
#[derive(Clone, Debug)]
pub enum At {
    /// At a moment of the statement. The table is as it was there and then.
    Moment(MomentId, Arc<str>),
    /// At a moment that the frame decides, so that every row around may read at another. The
    /// columns are those of the statement's own catalog, whatever the table had then.
    /// They are those of this moment, if given.
    Row(Box<AsOf>, Option<MomentId>),
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AS OF")?;
        if let Some(branch) = &self.branch {
            write!(f, " BRANCH {branch}")?;
            if self.point.is_some() {
                f.write_str(" AT")?;
            }
        }
        match &self.point {
            Some(Point::Scn(scn)) => write!(f, " SCN {scn}"),
            Some(Point::Transaction(id)) => write!(f, " TRANSACTION {id}"),
            Some(Point::Timestamp(time)) => write!(f, " TIMESTAMP {time}"),
            None if self.branch.is_none() => f.write_str(" NOW"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moment(_, text) => f.write_str(text),
            Self::Row(at, _) => at.fmt(f),
        }
    }
}
