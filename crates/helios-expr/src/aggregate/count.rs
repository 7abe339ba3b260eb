//! `count`.

use helios_base::{Result, Value};

use super::{Accumulator, Aggregate, aggregate};
use crate::ty::Ty::{Any, Int8};

pub(super) static AGGREGATES: &[Aggregate] = &[
    // `count(*)` is the overload without arguments.
    aggregate("count", &[], Int8, |_| Box::new(Count(0))),
    aggregate("count", &[Any], Int8, |_| Box::new(Count(0))),
];

struct Count(i64);

impl Accumulator for Count {
    fn update(&mut self, _: &[&Value]) -> Result<()> {
        self.0 += 1;
        Ok(())
    }

    fn retract(&mut self, _: &[&Value]) -> Result<bool> {
        self.0 -= 1;
        Ok(true)
    }

    fn finish(&self) -> Result<Value> {
        Ok(Value::Int8(self.0))
    }
}
