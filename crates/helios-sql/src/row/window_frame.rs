//! Window frames: which rows of the partition a row's function looks at.

use std::cmp::Ordering;

use helios_base::{DataType, Error, Result, SqlState, Value};
use helios_expr::Expr;
use helios_expr::cast::cast;

use super::exec::Cx;
use super::keys::compare_one;
use super::op::Partition;
use crate::plan::{Frame, FrameBound, FrameExclude, FrameUnit, SortKey};

/// A frame clause with its offsets computed.
pub(crate) struct Frames<'a> {
    unit: FrameUnit,
    start: Bound,
    end: Bound,
    exclude: FrameExclude,
    key: Option<&'a SortKey>,
}

enum Bound {
    First,
    Before(Value),
    Current,
    After(Value),
    Last,
}

/// The rows `start..end` but for those excluded.
pub(crate) struct Range {
    pub(crate) start: usize,
    pub(crate) end: usize,
    exclude: FrameExclude,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(frame: &Frame, order: &'a [SortKey], cx: &Cx<'_>) -> Result<Self> {
        Ok(Self {
            unit: frame.unit,
            start: bound(&frame.start, "starting", cx)?,
            end: bound(&frame.end, "ending", cx)?,
            exclude: frame.exclude,
            key: order.first(),
        })
    }

    /// The frame of row `at`.
    pub(crate) fn of(&mut self, partition: &Partition, at: usize, cx: &Cx<'_>) -> Result<Range> {
        let count = partition.rows.len();
        let start = match &self.start {
            Bound::First => 0,
            Bound::Last => count,
            Bound::Current => self.current(partition, at).0,
            Bound::Before(offset) => self.place(partition, at, offset, true, true, cx)?,
            Bound::After(offset) => self.place(partition, at, offset, false, true, cx)?,
        };
        let end = match &self.end {
            Bound::First => 0,
            Bound::Last => count,
            Bound::Current => self.current(partition, at).1,
            Bound::Before(offset) => self.place(partition, at, offset, true, false, cx)?,
            Bound::After(offset) => self.place(partition, at, offset, false, false, cx)?,
        };
        Ok(Range {
            start: start.min(count),
            end: end.min(count).max(start.min(count)),
            exclude: self.exclude,
        })
    }

    /// The current row, or its peers, as a half-open range.
    fn current(&self, partition: &Partition, at: usize) -> (usize, usize) {
        match self.unit {
            FrameUnit::Rows => (at, at + 1),
            _ => partition.peers(at),
        }
    }

    /// Where the frame begins (`start`) or ends, `offset` before or after row `at`.
    fn place(
        &self,
        partition: &Partition,
        at: usize,
        offset: &Value,
        before: bool,
        start: bool,
        cx: &Cx<'_>,
    ) -> Result<usize> {
        let end = usize::from(!start);
        match self.unit {
            FrameUnit::Rows => {
                let distance = whole(offset)?;
                Ok(if before {
                    (at + end).saturating_sub(distance)
                } else {
                    at.saturating_add(distance).saturating_add(end)
                })
            }
            FrameUnit::Groups => {
                let distance = whole(offset)?;
                let group = partition.group[at];
                let target = if before {
                    match (group + end).checked_sub(distance) {
                        Some(target) => target,
                        None => return Ok(0),
                    }
                } else {
                    group.saturating_add(distance).saturating_add(end)
                };
                let last = partition.starts.len() - 1;
                Ok(partition.starts[target.min(last)])
            }
            FrameUnit::Range => self.place_range(partition, at, offset, before, start, cx),
        }
    }

    /// The first row whose key is not before (for an end: is after) the current key moved by `offset`.
    fn place_range(
        &self,
        partition: &Partition,
        at: usize,
        offset: &Value,
        before: bool,
        start: bool,
        cx: &Cx<'_>,
    ) -> Result<usize> {
        let key = self
            .key
            .ok_or_else(|| Error::internal("RANGE offset without sort key"))?;
        let current = &partition.order[at][0];
        if current.is_null() {
            let (first, after) = partition.peers(at);
            return Ok(if start { first } else { after });
        }
        let target = Target::of(key, current, offset, before, cx)?;
        let mut failed = None;
        let place = partition.order.partition_point(|values| {
            let ordering = target.compare(key, &values[0], cx).unwrap_or_else(|error| {
                failed = Some(error);
                Ordering::Equal
            });
            ordering == Ordering::Less || (!start && ordering == Ordering::Equal)
        });
        match failed {
            None => Ok(place),
            Some(error) => Err(error),
        }
    }
}

/// The sort key moved by an offset: where a frame ends.
enum Target {
    /// A value of this type, which may be another than the key's: a date less an interval is a
    /// timestamp.
    At(Value, DataType),
    /// Beyond what the type can hold, on the side of small values.
    Least,
    /// Beyond what the type can hold, on the side of large values.
    Greatest,
}

impl Target {
    /// The current key moved: down for `PRECEDING` in ascending order.
    fn of(
        key: &SortKey,
        current: &Value,
        offset: &Value,
        before: bool,
        cx: &Cx<'_>,
    ) -> Result<Self> {
        let down = before != key.descending;
        // An infinite key is as near to everything as an infinite offset is far.
        let infinite = match (current, offset) {
            (Value::Float4(base), Value::Float8(by)) => (by.is_infinite(), f64::from(*base)),
            (Value::Float8(base), Value::Float8(by)) => (by.is_infinite(), *base),
            _ => (false, 0.0),
        };
        if infinite.0 && infinite.1.is_infinite() && down == (infinite.1 > 0.0) {
            return Ok(if down { Self::Least } else { Self::Greatest });
        }
        let ty = key.expr.ty();
        let operand = offset.natural_type();
        let params = helios_expr::ParamTypes::new(Vec::new());
        let moved = helios_expr::Builder::new(&cx.exec.text, &params).operator(
            if down { "-" } else { "+" },
            Expr::Literal(current.clone(), ty.clone()),
            Expr::Literal(offset.clone(), operand),
        )?;
        match cx.eval(&moved, &[]) {
            Ok(value) => Ok(Self::At(value, moved.ty().clone())),
            Err(error) if error.sqlstate() == SqlState::NUMERIC_VALUE_OUT_OF_RANGE => {
                Ok(if down { Self::Least } else { Self::Greatest })
            }
            Err(error) => Err(error),
        }
    }

    /// How a row's key compares with the target, in the order of the window.
    fn compare(&self, key: &SortKey, value: &Value, cx: &Cx<'_>) -> Result<Ordering> {
        let (target, ty) = match self {
            Self::At(target, ty) => (target, ty),
            // Any value will do to find where nulls stand.
            _ if value.is_null() => return Ok(compare_one(key, value, &Value::Bool(true))),
            Self::Least if key.descending => return Ok(Ordering::Less),
            Self::Least => return Ok(Ordering::Greater),
            Self::Greatest if key.descending => return Ok(Ordering::Greater),
            Self::Greatest => return Ok(Ordering::Less),
        };
        let from = key.expr.ty();
        if from.same(ty) {
            return Ok(compare_one(key, value, target));
        }
        let value = cast(value, from, ty, false, &cx.context())?;
        Ok(compare_one(key, &value, target))
    }
}

fn bound(bound: &FrameBound, which: &str, cx: &Cx<'_>) -> Result<Bound> {
    let offset = |expr| -> Result<Value> {
        let value = cx.eval(expr, &[])?;
        if value.is_null() {
            return Err(Error::new(
                SqlState::NULL_VALUE_NOT_ALLOWED,
                format!("frame {which} offset must not be null"),
            ));
        }
        let negative = match &value {
            Value::Int2(n) => *n < 0,
            Value::Int4(n) => *n < 0,
            Value::Int8(n) => *n < 0,
            Value::Float8(n) => *n < 0.0 || n.is_nan(),
            Value::Numeric(n) => *n < helios_base::Numeric::default(),
            Value::Interval(i) => {
                // The sign of an interval is that of its nominal length.
                let days = i64::from(i.months) * 30 + i64::from(i.days);
                i128::from(days) * 86_400_000_000 + i128::from(i.micros) < 0
            }
            _ => false,
        };
        if negative {
            return Err(Error::new(
                SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE,
                format!("frame {which} offset must not be negative"),
            ));
        }
        Ok(value)
    };
    Ok(match bound {
        FrameBound::UnboundedPreceding => Bound::First,
        FrameBound::Preceding(expr) => Bound::Before(offset(expr)?),
        FrameBound::CurrentRow => Bound::Current,
        FrameBound::Following(expr) => Bound::After(offset(expr)?),
        FrameBound::UnboundedFollowing => Bound::Last,
    })
}

fn whole(offset: &Value) -> Result<usize> {
    match offset {
        Value::Int8(n) => Ok(usize::try_from(*n).unwrap_or(usize::MAX)),
        Value::Int4(n) => Ok(usize::try_from(*n).unwrap_or(usize::MAX)),
        other => Err(Error::internal(format!("frame offset is {other:?}"))),
    }
}

impl Range {
    /// Whether nothing is excluded.
    pub(crate) fn is_plain(&self) -> bool {
        self.exclude == FrameExclude::NoOthers
    }

    /// The rows of the frame of row `at`, in order.
    pub(crate) fn rows<'p>(
        &self,
        partition: &'p Partition,
        at: usize,
    ) -> impl DoubleEndedIterator<Item = usize> + use<'p> {
        let (first, after) = partition.peers(at);
        let exclude = self.exclude;
        (self.start..self.end).filter(move |&row| match exclude {
            FrameExclude::NoOthers => true,
            FrameExclude::CurrentRow => row != at,
            FrameExclude::Group => row < first || row >= after,
            FrameExclude::Ties => row == at || row < first || row >= after,
        })
    }
}
