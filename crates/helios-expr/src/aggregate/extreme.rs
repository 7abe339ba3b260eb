//! `min` and `max` of every ordered type that PostgreSQL has them for.

use helios_base::{DataType, Result, Value};

use super::{Accumulator, Aggregate, AggregateCall, aggregate};
use crate::function::mismatch;
use crate::ty::Ty;

macro_rules! extremes {
    ($($ty:ident)*) => {
        &[$(
            aggregate("min", &[Ty::$ty], Ty::$ty, |call| start(call, false)),
            aggregate("max", &[Ty::$ty], Ty::$ty, |call| start(call, true)),
        )*]
    };
}

pub(super) static AGGREGATES: &[Aggregate] = extremes! {
    Int2 Int4 Int8 Oid Float4 Float8 Numeric Text Char Date Time TimeTz Inet Timestamp TimestampTz Interval
    AnyArray AnyEnum
};

fn start(call: &AggregateCall<'_>, greatest: bool) -> Box<dyn Accumulator> {
    Box::new(Extreme {
        best: Value::Null,
        ty: call.result.clone(),
        greatest,
    })
}

struct Extreme {
    best: Value,
    ty: DataType,
    greatest: bool,
}

impl Accumulator for Extreme {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let [value] = args else {
            return Err(mismatch(args));
        };
        let better = self.best.is_null() || {
            let order = value.cmp_as(&self.best, &self.ty);
            // Of equals that differ (`1.0` and `1.00`) PostgreSQL keeps the last.
            if self.greatest {
                order.is_ge()
            } else {
                order.is_le()
            }
        };
        if better {
            self.best = (*value).clone();
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(self.best.clone())
    }
}
