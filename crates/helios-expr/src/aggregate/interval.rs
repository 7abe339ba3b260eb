//! `sum` and `avg` of intervals.

use helios_base::{Interval, Result, Value};

use super::{Accumulator, Aggregate, aggregate};
use crate::function::mismatch;
use crate::ty::Ty;

pub(super) static AGGREGATES: &[Aggregate] = &[
    aggregate("sum", &[Ty::Interval], Ty::Interval, |_| {
        Intervals::start(false)
    }),
    aggregate("avg", &[Ty::Interval], Ty::Interval, |_| {
        Intervals::start(true)
    }),
];

struct Intervals {
    sum: Interval,
    count: u32,
    average: bool,
}

impl Intervals {
    fn start(average: bool) -> Box<dyn Accumulator> {
        Box::new(Self {
            sum: Interval::default(),
            count: 0,
            average,
        })
    }
}

fn interval<'a>(args: &[&'a Value]) -> Result<&'a Interval> {
    match args {
        [Value::Interval(interval)] => Ok(interval),
        args => Err(mismatch(args)),
    }
}

impl Accumulator for Intervals {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        self.sum = self.sum.add(interval(args)?)?;
        self.count += 1;
        Ok(())
    }

    fn retract(&mut self, args: &[&Value]) -> Result<bool> {
        self.sum = self.sum.sub(interval(args)?)?;
        self.count = self.count.saturating_sub(1);
        Ok(true)
    }

    fn finish(&self) -> Result<Value> {
        match self.count {
            0 => Ok(Value::Null),
            count if self.average => self.sum.div(f64::from(count)).map(Value::from),
            _ => Ok(Value::from(self.sum)),
        }
    }
}
