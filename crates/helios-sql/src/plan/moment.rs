//! Points of history that a statement reads at.

use std::fmt;
use std::sync::Arc;

use helios_base::{ColumnId, DataType};
use helios_expr::Expr;

use super::PlanColumn;

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
    /// `AS OF SNAPSHOT s`: type `text`. It names a branch, too.
    Snapshot(Expr),
}

impl Point {
    /// The expression that says when.
    #[must_use]
    pub const fn expr(&self) -> &Expr {
        match self {
            Self::Scn(expr)
            | Self::Transaction(expr)
            | Self::Timestamp(expr)
            | Self::Snapshot(expr) => expr,
        }
    }

    /// As [`Point::expr`].
    pub const fn expr_mut(&mut self) -> &mut Expr {
        match self {
            Self::Scn(expr)
            | Self::Transaction(expr)
            | Self::Timestamp(expr)
            | Self::Snapshot(expr) => expr,
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

/// Which versions belong to a range of history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionRange {
    /// `VERSIONS BETWEEN a AND b`: visible at some moment of the range, and deletions in it
    Changes,
    /// `FOR SYSTEM_TIME FROM a TO b`: visible at some moment in `[a, b)`
    FromTo,
    /// `FOR SYSTEM_TIME BETWEEN a AND b`: visible at some moment in `[a, b]`
    Between,
    /// `FOR SYSTEM_TIME CONTAINED IN (a, b)`: begun and ended in `[a, b]`
    ContainedIn,
    /// `FOR SYSTEM_TIME ALL`
    All,
}

/// A range of history whose versions a scan yields instead of the rows of a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Versions {
    /// Which versions.
    pub range: VersionRange,
    /// From; the oldest that is kept if not given.
    pub low: Option<Point>,
    /// To; the moment at which the scan reads if not given.
    pub high: Option<Point>,
}

/// What is known of a version besides its row: columns that only their names bring out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionColumn {
    /// The commit that made the version.
    StartScn,
    /// The commit that ended it.
    EndScn,
    /// When it was made.
    StartTime,
    /// When it ended.
    EndTime,
    /// The transaction that made it.
    Xid,
    /// What that transaction did: `I`, `U` or `D`.
    Operation,
}

impl VersionColumn {
    /// All, in order.
    pub const ALL: [Self; 6] = [
        Self::StartScn,
        Self::EndScn,
        Self::StartTime,
        Self::EndTime,
        Self::Xid,
        Self::Operation,
    ];

    /// The number by which a scan reads it; no table has a column of this number.
    #[must_use]
    pub const fn id(self) -> ColumnId {
        ColumnId(u32::MAX - self as u32)
    }

    /// The column with a number.
    #[must_use]
    pub fn of(id: ColumnId) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.id() == id)
    }

    /// As an output column.
    #[must_use]
    pub fn column(self) -> PlanColumn {
        let (name, ty) = match self {
            Self::StartScn => ("versions_startscn", DataType::Int8),
            Self::EndScn => ("versions_endscn", DataType::Int8),
            Self::StartTime => ("versions_starttime", DataType::TimestampTz(None)),
            Self::EndTime => ("versions_endtime", DataType::TimestampTz(None)),
            Self::Xid => ("versions_xid", DataType::Int8),
            Self::Operation => ("versions_operation", DataType::Text),
        };
        PlanColumn {
            name: name.into(),
            ty,
            nullable: true,
            source: None,
            origin: None,
        }
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = |point: &Option<Point>, open: &str| match point {
            Some(point) => point.expr().to_string(),
            None => open.to_owned(),
        };
        let low = bound(&self.low, "MINVALUE");
        let high = bound(&self.high, "MAXVALUE");
        match self.range {
            VersionRange::Changes => write!(f, "VERSIONS BETWEEN {low} AND {high}"),
            VersionRange::FromTo => write!(f, "FOR SYSTEM_TIME FROM {low} TO {high}"),
            VersionRange::Between => write!(f, "FOR SYSTEM_TIME BETWEEN {low} AND {high}"),
            VersionRange::ContainedIn => write!(f, "FOR SYSTEM_TIME CONTAINED IN ({low}, {high})"),
            VersionRange::All => f.write_str("FOR SYSTEM_TIME ALL"),
        }
    }
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
            Some(Point::Snapshot(name)) => write!(f, " SNAPSHOT {name}"),
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
