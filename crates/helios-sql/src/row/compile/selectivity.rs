//! How many rows a condition leaves: from what `ANALYZE` found, else by rule of thumb.

use std::cell::OnceCell;
use std::sync::Arc;

use helios_base::Value;
use helios_expr::{Comparison, Expr};
use helios_table::catalog::TableDef;
use helios_table::{ColumnStats, TableStats};

use super::access::{Candidate, Path};
use super::subject::{Condition, KeySubject, Subject, Test, condition};
use crate::row::scan::{Limit, Reach, Term};
use crate::row::stats::Stats;

/// An index is made because its key is selective: without statistics, equality on all of it is
/// thought to leave a hundredth of the rows, but not more than this.
const ROWS_PER_KEY_MAX: u64 = 100;

/// How many elements an array whose value is not known is thought to have.
const ARRAY_LEN: usize = 8;

/// The share of rows that a condition leaves of which nothing is known.
const UNKNOWN: f64 = 1.0 / 3.0;

/// The share of rows that equality leaves without statistics: one of 200 values, as PostgreSQL
/// assumes.
const EQUAL: f64 = 0.005;

/// The share of rows on one side of a bound without statistics.
const RANGE: f64 = 0.25;

/// How the values of a table are spread.
pub(super) struct Spread<'a> {
    table: &'a TableDef,
    stats: &'a dyn Stats,
    /// Looked up when first asked for: a lookup by a unique key needs none.
    analyzed: OnceCell<Option<Arc<TableStats>>>,
    /// About how many rows the table has.
    pub(super) total: u64,
}

impl<'a> Spread<'a> {
    pub(super) fn new(table: &'a TableDef, stats: &'a dyn Stats, total: u64) -> Self {
        Self {
            table,
            stats,
            analyzed: OnceCell::new(),
            total,
        }
    }

    /// The path with its cost, counted in rows read in order; a row found through an index costs
    /// more. `columns` are the key's, with their positions in the table.
    pub(super) fn candidate(
        &self,
        path: Path,
        assured: Vec<usize>,
        columns: &[KeySubject],
    ) -> Candidate {
        let (reach, through_index) = match &path {
            Path::Key(reach) => (reach, false),
            Path::Index(_, reach) => (reach, true),
            Path::Full | Path::Nearest(_) => {
                return Candidate {
                    path,
                    assured,
                    rows: self.total,
                    cost: self.total,
                    narrows: false,
                };
            }
        };
        let lookups: u64 = reach
            .equal
            .iter()
            .map(|term| match term {
                Term::Any(list) => list.len() as u64,
                Term::Array(array) => array_len(array) as u64,
                Term::One(_) | Term::Null => 1,
            })
            .fold(1, u64::saturating_mul);
        let rows = if reach.unique {
            lookups
        } else {
            self.reached(reach, columns)
                .unwrap_or_else(|| self.guessed(reach, columns.len(), lookups))
                .max(1)
        };
        let cost = if through_index {
            rows.saturating_mul(3).saturating_add(lookups * 2)
        } else {
            rows.saturating_add(lookups)
        };
        Candidate {
            path,
            assured,
            rows,
            cost,
            narrows: true,
        }
    }

    /// How many columns the table has.
    pub(super) fn width(&self) -> usize {
        self.table.columns.len()
    }

    /// How many of `rows` the `filters` leave, at least one. `reads` are the positions in the
    /// table of the columns that they speak of.
    pub(super) fn left_by(&self, rows: u64, filters: &[Expr], reads: &[usize]) -> u64 {
        if filters.is_empty() {
            return rows;
        }
        let share: f64 = filters
            .iter()
            .enumerate()
            .map(
                |(at, filter)| match (filter, condition(filter, at, reads)) {
                    (_, Some(condition)) => self.share(&condition),
                    // A column of booleans.
                    (Expr::Column { index, .. }, None) => {
                        let column = reads.get(*index).map(|at| Subject::Column(*at));
                        let stats = column.and_then(|column| self.column(&column));
                        stats.map_or(UNKNOWN, |stats| equal(stats, Some(&Value::Bool(true))))
                    }
                    _ => UNKNOWN,
                },
            )
            .product();
        scaled(rows, share).max(1)
    }

    /// The share of rows for which a condition holds.
    fn share(&self, condition: &Condition<'_>) -> f64 {
        let stats = self.column(&condition.subject);
        let equal = |value: Option<&Value>| share_compared(stats, Comparison::Eq, value);
        match &condition.test {
            Test::Compare(comparison, value) => {
                share_compared(stats, *comparison, value.as_literal())
            }
            Test::Any(list) => list.iter().map(|e| equal(e.as_literal())).sum::<f64>(),
            #[allow(clippy::cast_precision_loss, reason = "an estimate")]
            Test::Array(array) => equal(None) * array_len(array) as f64,
            Test::Null => stats.map_or(EQUAL, |stats| stats.null_fraction),
        }
        .clamp(0.0, 1.0)
    }

    /// What `ANALYZE` says of the rows in `reach`.
    fn reached(&self, reach: &Reach, columns: &[KeySubject]) -> Option<u64> {
        let mut share = 1.0;
        let mut columns = columns.iter();
        for (term, (subject, _)) in reach.equal.iter().zip(columns.by_ref()) {
            let test = match term {
                Term::One(value) => Test::Compare(Comparison::Eq, value),
                Term::Any(list) => Test::Any(list),
                Term::Array(array) => Test::Array(array),
                Term::Null => Test::Null,
            };
            self.column(subject)?;
            share *= self.share(&Condition {
                subject: subject.clone(),
                test,
                filter: 0,
            });
        }
        if reach.lower.is_some() || reach.upper.is_some() {
            let (subject, _) = columns.next()?;
            share *= between(
                self.column(subject)?,
                reach.lower.as_ref(),
                reach.upper.as_ref(),
            );
        }
        Some(scaled(self.total, share))
    }

    /// The rows in `reach` without statistics: each column that is equal leaves a tenth, but a
    /// full key a hundredth.
    fn guessed(&self, reach: &Reach, width: usize, lookups: u64) -> u64 {
        let equal = u32::try_from(reach.equal.len()).unwrap_or(u32::MAX);
        let mut rows = self.total / 10u64.saturating_pow(equal.min(6));
        if reach.equal.len() == width {
            rows = (rows / 10).min(ROWS_PER_KEY_MAX);
        }
        for limit in [&reach.lower, &reach.upper] {
            if limit.is_some() {
                rows /= 4;
            }
        }
        rows.max(1).saturating_mul(lookups)
    }

    fn column(&self, subject: &Subject) -> Option<&ColumnStats> {
        let Subject::Column(position) = subject else {
            return None;
        };
        let analyzed = self
            .analyzed
            .get_or_init(|| self.stats.analyzed(self.table.id));
        let column = self.table.columns.get(*position)?;
        analyzed
            .as_ref()?
            .column(column.id)
            // Of another type's values nothing can be said.
            .filter(|stats| stats.ty == column.ty)
    }
}

/// The share of rows whose column compares so with a value, which may not be known yet.
pub(crate) fn share_compared(
    stats: Option<&ColumnStats>,
    comparison: Comparison,
    value: Option<&Value>,
) -> f64 {
    let equal = || stats.map_or(EQUAL, |stats| equal(stats, value));
    match comparison {
        Comparison::Eq => equal(),
        Comparison::Ne => {
            let present = stats.map_or(1.0, |stats| 1.0 - stats.null_fraction);
            (present - equal()).max(0.0)
        }
        Comparison::Lt | Comparison::Le => stats
            .and_then(|stats| below(stats, value?))
            .unwrap_or(UNKNOWN),
        Comparison::Gt | Comparison::Ge => stats
            .and_then(|stats| Some(1.0 - stats.null_fraction - below(stats, value?)?))
            .map_or(UNKNOWN, |share| share.max(0.0)),
    }
}

/// The share of rows whose column equals `value`, or any one value if it is not known yet.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
fn equal(stats: &ColumnStats, value: Option<&Value>) -> f64 {
    let present = 1.0 - stats.null_fraction;
    let Some(value) = value else {
        return present / stats.distinct.max(1.0);
    };
    if value.is_null() {
        return 0.0;
    }
    let found = stats
        .common
        .iter()
        .find(|(common, _)| common.cmp_as(value, &stats.ty).is_eq());
    if let Some((_, share)) = found {
        return *share;
    }
    let common: f64 = stats.common.iter().map(|(_, share)| share).sum();
    let others = (stats.distinct - stats.common.len() as f64).max(1.0);
    // No value that is not among the common ones is more common than these.
    let least = stats.common.last().map_or(1.0, |(_, share)| *share);
    ((present - common).max(0.0) / others).min(least)
}

/// The share of rows whose column is less than `value`; `None` without a histogram.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
fn below(stats: &ColumnStats, value: &Value) -> Option<f64> {
    let parts = stats.histogram.len().checked_sub(1).filter(|n| *n > 0)?;
    let before = stats
        .histogram
        .partition_point(|bound| bound.cmp_as(value, &stats.ty).is_lt());
    // Within a part nothing is known: half of it.
    let passed = match before {
        0 => 0.0,
        n if n > parts => parts as f64,
        n => n as f64 - 0.5,
    };
    Some(passed / parts as f64 * (1.0 - stats.null_fraction))
}

/// The share of rows whose column is between the bounds that there are.
fn between(stats: &ColumnStats, lower: Option<&Limit>, upper: Option<&Limit>) -> f64 {
    let present = 1.0 - stats.null_fraction;
    let known = |limit: &Limit| below(stats, limit.expr.as_literal()?);
    let under = upper.map(known);
    let over = lower.map(known);
    match (over, under) {
        (Some(Some(from)), Some(Some(to))) => (to - from).max(0.0),
        (Some(Some(from)), None) => (present - from).max(0.0),
        (None, Some(Some(to))) => to,
        (Some(Some(from)), Some(None)) => (present - from).max(0.0) * RANGE,
        (Some(None), Some(Some(to))) => to * RANGE,
        (Some(None), Some(None)) => present * RANGE * RANGE,
        (Some(None), None) | (None, Some(None)) => present * RANGE,
        (None, None) => present,
    }
}

fn array_len(array: &Expr) -> usize {
    match array.as_literal() {
        Some(Value::Array(array)) => array.elements.len(),
        _ => ARRAY_LEN,
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate; casts from float saturate"
)]
fn scaled(rows: u64, share: f64) -> u64 {
    (rows as f64 * share).round() as u64
}
