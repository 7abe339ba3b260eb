//! How one table is read: the compiled form of a scan.

use std::ops::Bound;
use std::sync::Arc;

use helios_base::{DataType, Result, Value};
use helios_expr::Expr;
use helios_table::catalog::{IndexDef, TableDef};
use helios_table::nearest::Tally;
use helios_table::row::{KeyRange, KeyRangeSpec, Rules};

use super::exec::Cx;
use crate::plan::{At, Versions};

/// A table scan.
#[derive(Clone, Debug)]
pub(crate) struct ScanNode {
    pub(crate) table: Arc<TableDef>,
    pub(crate) alias: Arc<str>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) path: Path,
    pub(crate) reverse: bool,
    /// Positions in the table of the columns that come out.
    pub(crate) reads: Vec<usize>,
    /// Whether the row's stored key comes out after them.
    pub(crate) key: bool,
    /// What the path does not assure, over the columns that come out.
    pub(crate) filters: Vec<Expr>,
    /// Whether the filters have parts that are computed once for each run.
    pub(crate) unsettled: bool,
    /// Which of the columns that come out the filters read.
    pub(crate) filtered: Vec<usize>,
    /// All conditions, also those that the path assures.
    pub(crate) conditions: Vec<Expr>,
    pub(crate) at: Option<At>,
    /// Versions of a range of history; columns of theirs come after the table's.
    pub(crate) versions: Option<Versions>,
    /// How many rows the table is thought to have.
    pub(crate) total: u64,
    /// How many rows it is thought to yield.
    pub(crate) estimate: u64,
}

/// Where a scan looks.
#[derive(Clone, Debug)]
pub(crate) enum Path {
    /// Everywhere.
    Full,
    /// In a range of the stored key.
    Key(Reach),
    /// In a range of the index at this position of the table's rules.
    Index(usize, Reach),
    /// Near a vector, by an index of nearness; rows that are further away may come, too, and in any order unless the path
    /// says otherwise.
    Nearest(Arc<NearestPath>),
}

/// What is looked for by nearness.
#[derive(Clone, Debug)]
pub(crate) struct NearestPath {
    pub(crate) index: Arc<IndexDef>,
    /// Counts what it is used for.
    pub(crate) tally: Arc<Tally>,
    /// How the rows are read where the index is of no use.
    pub(crate) otherwise: Arc<ScanNode>,
    /// How many rows are thought to be read then.
    pub(crate) read: u64,
    /// How many candidates are thought to be looked at.
    pub(crate) looked: u64,
    /// What rows are ordered by, over the columns that come out.
    pub(crate) order: Expr,
    pub(crate) query: Expr,
    pub(crate) limit: Option<Expr>,
    pub(crate) offset: Option<Expr>,
    /// Which of the columns that come out are the vectors, where only the order reads these: then rows come in order,
    /// and `NULL` for the vector.
    pub(crate) spared: Option<usize>,
}

impl NearestPath {
    /// How many of the nearest rows are looked at by an index of so many vectors for those that are wanted, as far as
    /// that is known before it runs.
    pub(crate) fn looked_for(&self, vectors: u64) -> usize {
        let count = |expr: &Option<Expr>| match expr.as_ref().map(Expr::as_literal) {
            Some(Some(Value::Int8(count))) => usize::try_from(*count).unwrap_or(0),
            _ => 0,
        };
        let wanted = match count(&self.limit) {
            0 => super::wish::WANTED,
            limit => limit,
        };
        let wanted = wanted.saturating_add(count(&self.offset));
        let all = vectors.min(self.otherwise.total);
        super::wish::looked(wanted, all, self.otherwise.estimate)
    }
}

/// A condition on the leading columns of a key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    /// One per leading column.
    pub(crate) equal: Vec<Term>,
    /// Bounds of the column after them.
    pub(crate) lower: Option<Limit>,
    pub(crate) upper: Option<Limit>,
    /// Types of the columns that terms and bounds speak of.
    pub(crate) types: Vec<DataType>,
    /// Whether at most one row can be there for each combination of terms.
    pub(crate) unique: bool,
}

/// What a key column must equal.
#[derive(Clone, Debug)]
pub(crate) enum Term {
    One(Expr),
    /// Any of these: `IN (…)`.
    Any(Vec<Expr>),
    /// Any element of this array: `= ANY (…)`.
    Array(Expr),
    /// `IS NULL`
    Null,
}

/// One end of a range.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) expr: Expr,
    pub(crate) inclusive: bool,
}

/// More combinations of `IN` lists than this are read with a filter instead.
const COMBINATIONS_MAX: usize = 65_536;

impl Path {
    /// Whether each lookup finds at most one row.
    pub(crate) fn is_point(&self) -> bool {
        match self {
            Self::Full | Self::Nearest(_) => false,
            Self::Key(reach) | Self::Index(_, reach) => reach.unique,
        }
    }

    /// Whether `other` looks at the same columns of the same key.
    pub(crate) fn same_reach(&self, other: &Self) -> bool {
        let shape = |path: &Self| match path {
            Self::Full | Self::Nearest(_) => None,
            Self::Key(reach) => Some((
                None,
                reach.equal.len(),
                reach.lower.is_some(),
                reach.upper.is_some(),
            )),
            Self::Index(at, reach) => Some((
                Some(*at),
                reach.equal.len(),
                reach.lower.is_some(),
                reach.upper.is_some(),
            )),
        };
        shape(self) == shape(other)
    }
}

impl Reach {
    /// The single key that is looked up, if it is one.
    pub(crate) fn as_point(&self) -> Option<impl ExactSizeIterator<Item = &Expr>> {
        let single = self.unique && self.equal.iter().all(|term| matches!(term, Term::One(_)));
        single.then(|| {
            self.equal.iter().map(|term| match term {
                Term::One(expr) => expr,
                // Excluded above.
                _ => &Expr::NULL,
            })
        })
    }

    /// The ranges of keys to read, in key order, none twice.
    pub(crate) fn ranges<'t>(
        &self,
        keys: impl Iterator<Item = (&'t DataType, helios_base::key::KeyOrder)> + Clone,
        cx: &Cx<'_>,
    ) -> Result<Vec<KeyRange>> {
        let mut prefixes: Vec<Vec<Value>> = vec![Vec::new()];
        for (term, ty) in self.equal.iter().zip(&self.types) {
            let values = term.values(ty, cx)?;
            if prefixes.len().saturating_mul(values.len()) > COMBINATIONS_MAX {
                return Err(helios_base::Error::new(
                    helios_base::SqlState::STATEMENT_TOO_COMPLEX,
                    "too many combinations of IN lists",
                ));
            }
            prefixes = prefixes
                .iter()
                .flat_map(|prefix| {
                    values.iter().map(move |value| {
                        let mut longer = prefix.clone();
                        longer.push(value.clone());
                        longer
                    })
                })
                .collect();
        }
        let ranged = self.types.get(self.equal.len());
        let (Some(lower), Some(upper)) = (
            bound(self.lower.as_ref(), ranged, true, cx)?,
            bound(self.upper.as_ref(), ranged, false, cx)?,
        ) else {
            return Ok(Vec::new());
        };
        let mut ranges = Vec::with_capacity(prefixes.len());
        for prefix in &prefixes {
            let spec = KeyRangeSpec {
                equal: prefix,
                lower: lower.as_ref(),
                upper: upper.as_ref(),
                nulls: self.lower.is_none() && self.upper.is_none(),
            };
            let range = KeyRange::new(&spec, keys.clone())?;
            if !range.is_empty() {
                ranges.push(range);
            }
        }
        if ranges.len() > 1 {
            ranges.sort_by(|a, b| start(a).cmp(start(b)));
            ranges.dedup();
        }
        Ok(ranges)
    }
}

fn start(range: &KeyRange) -> &[u8] {
    match &range.start {
        Bound::Included(bytes) | Bound::Excluded(bytes) => bytes,
        Bound::Unbounded => &[],
    }
}

impl Term {
    /// The values that the column may have; none if the condition cannot be true.
    fn values(&self, ty: &DataType, cx: &Cx<'_>) -> Result<Vec<Value>> {
        let fit = |value: Value| match fit(value, ty) {
            Fit::Value(value) => Some(value),
            _ => None,
        };
        Ok(match self {
            Self::Null => vec![Value::Null],
            Self::One(expr) => fit(cx.eval(expr, &[])?).into_iter().collect(),
            Self::Any(list) => {
                let values = cx.eval_all(list, &[])?;
                values.into_iter().filter_map(fit).collect()
            }
            Self::Array(expr) => match cx.eval(expr, &[])? {
                Value::Array(array) => array.elements.iter().cloned().filter_map(fit).collect(),
                _ => Vec::new(),
            },
        })
    }
}

/// One end of the range; `None` if nothing can be in the range.
fn bound(
    limit: Option<&Limit>,
    ty: Option<&DataType>,
    lower: bool,
    cx: &Cx<'_>,
) -> Result<Option<Bound<Value>>> {
    let (Some(limit), Some(ty)) = (limit, ty) else {
        return Ok(Some(Bound::Unbounded));
    };
    Ok(match fit(cx.eval(&limit.expr, &[])?, ty) {
        Fit::Value(value) if limit.inclusive => Some(Bound::Included(value)),
        Fit::Value(value) => Some(Bound::Excluded(value)),
        Fit::Null => None,
        // Beyond all values of the column's type: either every value satisfies it or none.
        Fit::Above => (!lower).then_some(Bound::Unbounded),
        Fit::Below => lower.then_some(Bound::Unbounded),
    })
}

/// A value as one of a column's type.
pub(crate) enum Fit {
    Value(Value),
    /// `NULL`, which no comparison likes.
    Null,
    /// Greater than any value of the type.
    Above,
    /// Less than any.
    Below,
}

/// Whole numbers of another width are brought to the column's; other values have its type already.
pub(crate) fn fit(value: Value, ty: &DataType) -> Fit {
    let number = match &value {
        Value::Null => return Fit::Null,
        Value::Int2(n) => i64::from(*n),
        Value::Int4(n) => i64::from(*n),
        Value::Int8(n) => *n,
        _ => return Fit::Value(value),
    };
    let beyond = if number < 0 { Fit::Below } else { Fit::Above };
    match ty {
        DataType::Int2 => i16::try_from(number).map_or(beyond, |n| Fit::Value(Value::Int2(n))),
        DataType::Int4 => i32::try_from(number).map_or(beyond, |n| Fit::Value(Value::Int4(n))),
        DataType::Int8 => Fit::Value(Value::Int8(number)),
        _ => Fit::Value(value),
    }
}
