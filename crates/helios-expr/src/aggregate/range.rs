//! `range_agg` and `range_intersect_agg`, of ranges and of multiranges.

use helios_base::{MultirangeValue, RangeKind, RangeValue, Result, Value};

use super::{Accumulator, Aggregate, aggregate};
use crate::function::mismatch;
use crate::ty::Ty;

macro_rules! ranges {
    ($($kind:ident)*) => {
        &[$(
            aggregate("range_agg", &[Ty::Range(RangeKind::$kind)], Ty::Multirange(RangeKind::$kind), |_| {
                Union::start(RangeKind::$kind)
            }),
            aggregate("range_agg", &[Ty::Multirange(RangeKind::$kind)], Ty::Multirange(RangeKind::$kind), |_| {
                Union::start(RangeKind::$kind)
            }),
            aggregate(
                "range_intersect_agg",
                &[Ty::Range(RangeKind::$kind)],
                Ty::Range(RangeKind::$kind),
                |_| Box::new(Intersection(Value::Null)),
            ),
            aggregate(
                "range_intersect_agg",
                &[Ty::Multirange(RangeKind::$kind)],
                Ty::Multirange(RangeKind::$kind),
                |_| Box::new(Intersection(Value::Null)),
            ),
        )*]
    };
}

pub(super) static AGGREGATES: &[Aggregate] =
    ranges! { Int4 Int8 Numeric Timestamp TimestampTz Date };

/// Fewer ranges are not worth being brought to their canonical form.
const MERGE_MIN: usize = 64;

/// All values of all rows; `NULL` for none.
struct Union {
    kind: RangeKind,
    ranges: Vec<RangeValue>,
    /// As many ranges as there may be before those that meet become one.
    limit: usize,
    any: bool,
}

impl Union {
    fn start(kind: RangeKind) -> Box<dyn Accumulator> {
        Box::new(Self {
            kind,
            ranges: Vec::new(),
            limit: MERGE_MIN,
            any: false,
        })
    }
}

impl Accumulator for Union {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        match args {
            [Value::Range(range)] => self.ranges.push((**range).clone()),
            [Value::Multirange(ranges)] => self.ranges.extend_from_slice(ranges.ranges()),
            args => return Err(mismatch(args)),
        }
        self.any = true;
        if self.ranges.len() > self.limit {
            let merged = MultirangeValue::new(self.kind, std::mem::take(&mut self.ranges))?;
            self.ranges = merged.ranges().to_vec();
            self.limit = (self.ranges.len() * 2).max(MERGE_MIN);
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        if !self.any {
            return Ok(Value::Null);
        }
        let union = MultirangeValue::new(self.kind, self.ranges.clone())?;
        Ok(Value::Multirange(union.into()))
    }

    fn size(&self) -> usize {
        self.ranges.capacity() * size_of::<RangeValue>()
    }
}

/// The values that all rows have; `NULL` for none.
struct Intersection(Value);

impl Accumulator for Intersection {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        self.0 = match (&self.0, args) {
            (Value::Null, [value @ (Value::Range(_) | Value::Multirange(_))]) => (*value).clone(),
            (Value::Range(a), [Value::Range(b)]) => Value::Range(a.intersection(b)?.into()),
            (Value::Multirange(a), [Value::Multirange(b)]) => {
                Value::Multirange(a.intersection(b)?.into())
            }
            (_, args) => return Err(mismatch(args)),
        };
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(self.0.clone())
    }
}
