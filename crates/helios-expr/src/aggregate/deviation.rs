//! `variance`, `stddev` and their population and sample forms.

use helios_base::{Numeric, Result, Value};

use super::sum::float;
use super::{Accumulator, Aggregate, aggregate};
use crate::function::mismatch;
use crate::op::float::overflow;
use crate::ty::Ty;

macro_rules! family {
    ($name:literal, $sample:literal, $root:literal) => {
        [
            aggregate($name, &[Ty::Int2], Ty::Numeric, |_| {
                Exact::start($sample, $root)
            }),
            aggregate($name, &[Ty::Int4], Ty::Numeric, |_| {
                Exact::start($sample, $root)
            }),
            aggregate($name, &[Ty::Int8], Ty::Numeric, |_| {
                Exact::start($sample, $root)
            }),
            aggregate($name, &[Ty::Numeric], Ty::Numeric, |_| {
                Exact::start($sample, $root)
            }),
            aggregate($name, &[Ty::Float4], Ty::Float8, |_| {
                Floats::start($sample, $root)
            }),
            aggregate($name, &[Ty::Float8], Ty::Float8, |_| {
                Floats::start($sample, $root)
            }),
        ]
    };
}

const FAMILIES: [[Aggregate; 6]; 6] = [
    family!("variance", true, false),
    family!("var_samp", true, false),
    family!("var_pop", false, false),
    family!("stddev", true, true),
    family!("stddev_samp", true, true),
    family!("stddev_pop", false, true),
];

pub(super) static AGGREGATES: &[Aggregate] = FAMILIES.as_flattened();

/// Integers and numerics: sums of values and of their squares, exact.
struct Exact {
    count: i64,
    sum: Numeric,
    squares: Numeric,
    sample: bool,
    root: bool,
}

impl Exact {
    fn start(sample: bool, root: bool) -> Box<dyn Accumulator> {
        Box::new(Self {
            count: 0,
            sum: Numeric::ZERO,
            squares: Numeric::ZERO,
            sample,
            root,
        })
    }
}

impl Accumulator for Exact {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let x = match args {
            [Value::Int2(n)] => &Numeric::new(i64::from(*n), 0),
            [Value::Int4(n)] => &Numeric::new(i64::from(*n), 0),
            [Value::Int8(n)] => &Numeric::new(*n, 0),
            [Value::Numeric(n)] => n,
            args => return Err(mismatch(args)),
        };
        self.count += 1;
        self.sum = self.sum.add(x)?;
        self.squares = self.squares.add(&x.mul(x)?)?;
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        if self.count <= i64::from(self.sample) {
            return Ok(Value::Null);
        }
        if !self.sum.is_finite() || !self.squares.is_finite() {
            return Ok(Value::Numeric(Numeric::NAN));
        }
        let count = Numeric::new(self.count, 0);
        let divisor = count.mul(&Numeric::new(self.count - i64::from(self.sample), 0))?;
        let difference = count.mul(&self.squares)?.sub(&self.sum.mul(&self.sum)?)?;
        if difference <= Numeric::ZERO {
            return Ok(Value::Numeric(Numeric::ZERO));
        }
        let variance = difference.div(&divisor)?;
        if !self.root {
            return Ok(Value::Numeric(variance));
        }
        let scale = i32::from(variance.scale());
        variance.sqrt()?.round(scale).map(Value::Numeric)
    }
}

/// Floats: the running sum of squared deviations.
///
/// # Source
/// Youngs and Cramer, "Some results relevant to choice of sum and sum-of-product algorithms",
/// Technometrics 13 (1971).
struct Floats {
    count: f64,
    sum: f64,
    deviations: f64,
    sample: bool,
    root: bool,
}

impl Floats {
    fn start(sample: bool, root: bool) -> Box<dyn Accumulator> {
        Box::new(Self {
            count: 0.0,
            sum: 0.0,
            deviations: 0.0,
            sample,
            root,
        })
    }
}

impl Accumulator for Floats {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let [value] = args else {
            return Err(mismatch(args));
        };
        let x = float(value)?;
        let before = (self.count, self.sum);
        self.count += 1.0;
        self.sum += x;
        if before.0 > 0.0 {
            let off = x * self.count - self.sum;
            self.deviations += off * off / (self.count * before.0);
            if self.sum.is_infinite() || self.deviations.is_infinite() {
                if !before.1.is_infinite() && !x.is_infinite() {
                    return Err(overflow());
                }
                self.deviations = f64::NAN;
            }
        } else if !x.is_finite() {
            self.deviations = f64::NAN;
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        let divisor = if self.sample {
            self.count - 1.0
        } else {
            self.count
        };
        if divisor <= 0.0 {
            return Ok(Value::Null);
        }
        let variance = self.deviations / divisor;
        Ok(Value::Float8(if self.root {
            variance.sqrt()
        } else {
            variance
        }))
    }
}
