//! `sum` and `avg`.

use helios_base::{Numeric, Result, Value};

use super::{Accumulator, Aggregate, aggregate};
use crate::function::mismatch;
use crate::op::float::overflow;
use crate::op::integer::out_of_range;
use crate::ty::Ty;

pub(super) static AGGREGATES: &[Aggregate] = &[
    aggregate("sum", &[Ty::Int2], Ty::Int8, |_| {
        Integers::start(Want::Int8)
    }),
    aggregate("sum", &[Ty::Int4], Ty::Int8, |_| {
        Integers::start(Want::Int8)
    }),
    aggregate("sum", &[Ty::Int8], Ty::Numeric, |_| {
        Integers::start(Want::Numeric)
    }),
    aggregate("avg", &[Ty::Int2], Ty::Numeric, |_| {
        Integers::start(Want::Average)
    }),
    aggregate("avg", &[Ty::Int4], Ty::Numeric, |_| {
        Integers::start(Want::Average)
    }),
    aggregate("avg", &[Ty::Int8], Ty::Numeric, |_| {
        Integers::start(Want::Average)
    }),
    aggregate("sum", &[Ty::Numeric], Ty::Numeric, |_| {
        Numerics::start(false)
    }),
    aggregate("avg", &[Ty::Numeric], Ty::Numeric, |_| {
        Numerics::start(true)
    }),
    aggregate("sum", &[Ty::Float4], Ty::Float4, |_| {
        Box::new(Floats4(None))
    }),
    aggregate("sum", &[Ty::Float8], Ty::Float8, |_| Floats::start(false)),
    aggregate("avg", &[Ty::Float4], Ty::Float8, |_| Floats::start(true)),
    aggregate("avg", &[Ty::Float8], Ty::Float8, |_| Floats::start(true)),
];

#[derive(Clone, Copy)]
enum Want {
    Int8,
    Numeric,
    Average,
}

/// Integers of any width, summed exactly. A 128-bit sum cannot overflow: it takes 2^64 rows.
struct Integers {
    sum: i128,
    count: i64,
    want: Want,
}

impl Integers {
    fn start(want: Want) -> Box<dyn Accumulator> {
        Box::new(Self {
            sum: 0,
            count: 0,
            want,
        })
    }
}

fn integer(args: &[&Value]) -> Result<i128> {
    match args {
        [Value::Int2(n)] => Ok(i128::from(*n)),
        [Value::Int4(n)] => Ok(i128::from(*n)),
        [Value::Int8(n)] => Ok(i128::from(*n)),
        args => Err(mismatch(args)),
    }
}

impl Accumulator for Integers {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        self.sum += integer(args)?;
        self.count += 1;
        Ok(())
    }

    fn retract(&mut self, args: &[&Value]) -> Result<bool> {
        self.sum -= integer(args)?;
        self.count -= 1;
        Ok(true)
    }

    fn finish(&self) -> Result<Value> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        let sum = Numeric::from_i128(self.sum, 0);
        match self.want {
            Want::Int8 => i64::try_from(self.sum)
                .map(Value::Int8)
                .map_err(|_| out_of_range(Ty::Int8)),
            Want::Numeric => Ok(Value::Numeric(sum)),
            Want::Average => sum.div(&Numeric::new(self.count, 0)).map(Value::Numeric),
        }
    }
}

struct Numerics {
    sum: Option<Numeric>,
    count: i64,
    average: bool,
}

impl Numerics {
    fn start(average: bool) -> Box<dyn Accumulator> {
        Box::new(Self {
            sum: None,
            count: 0,
            average,
        })
    }
}

impl Accumulator for Numerics {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let [Value::Numeric(n)] = args else {
            return Err(mismatch(args));
        };
        self.sum = Some(match &self.sum {
            Some(sum) => sum.add(n)?,
            None => n.clone(),
        });
        self.count += 1;
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        match &self.sum {
            None => Ok(Value::Null),
            Some(sum) if self.average => sum.div(&Numeric::new(self.count, 0)).map(Value::Numeric),
            Some(sum) => Ok(Value::Numeric(sum.clone())),
        }
    }
}

/// `sum(real)` adds in single precision.
struct Floats4(Option<f32>);

impl Accumulator for Floats4 {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let [Value::Float4(x)] = args else {
            return Err(mismatch(args));
        };
        let sum = match self.0 {
            None => *x,
            Some(sum) => {
                let next = sum + x;
                if next.is_infinite() && !sum.is_infinite() && !x.is_infinite() {
                    return Err(overflow());
                }
                next
            }
        };
        self.0 = Some(sum);
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(self.0.into())
    }
}

struct Floats {
    sum: f64,
    count: u64,
    average: bool,
}

impl Floats {
    fn start(average: bool) -> Box<dyn Accumulator> {
        Box::new(Self {
            sum: 0.0,
            count: 0,
            average,
        })
    }
}

/// A float argument as double.
pub(super) fn float(value: &Value) -> Result<f64> {
    match value {
        Value::Float8(x) => Ok(*x),
        Value::Float4(x) => Ok(f64::from(*x)),
        other => Err(mismatch(&[other])),
    }
}

impl Accumulator for Floats {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let [value] = args else {
            return Err(mismatch(args));
        };
        let x = float(value)?;
        // The sum of one value is that value, even `-0`; an average adds it to zero.
        let next = match self.count {
            0 if !self.average => x,
            _ => self.sum + x,
        };
        if next.is_infinite() && !self.sum.is_infinite() && !x.is_infinite() {
            return Err(overflow());
        }
        self.sum = next;
        self.count += 1;
        Ok(())
    }

    #[allow(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
    fn finish(&self) -> Result<Value> {
        Ok(match self.count {
            0 => Value::Null,
            count if self.average => Value::Float8(self.sum / count as f64),
            _ => Value::Float8(self.sum),
        })
    }
}
