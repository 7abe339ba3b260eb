//! `corr`, `covar_…` and `regr_…`: least squares over pairs `(y, x)`.

use helios_base::{Result, Value};

use super::sum::float;
use super::{Accumulator, Aggregate, aggregate};
use crate::function::mismatch;
use crate::op::float::overflow;
use crate::ty::Ty::{Float8, Int8};

macro_rules! statistic {
    ($name:literal, $finish:expr) => {
        aggregate($name, &[Float8, Float8], Float8, |_| {
            Pairs::start(|p| {
                let finish: fn(&Pairs) -> Option<f64> = $finish;
                finish(p).into()
            })
        })
    };
}

pub(super) static AGGREGATES: &[Aggregate] = &[
    aggregate("regr_count", &[Float8, Float8], Int8, |_| {
        Box::new(Count(0))
    }),
    statistic!("regr_sxx", |p| p.any().then_some(p.sxx)),
    statistic!("regr_syy", |p| p.any().then_some(p.syy)),
    statistic!("regr_sxy", |p| p.any().then_some(p.sxy)),
    statistic!("regr_avgx", |p| p.any().then_some(p.sum_x / p.count)),
    statistic!("regr_avgy", |p| p.any().then_some(p.sum_y / p.count)),
    statistic!("covar_pop", |p| p.any().then_some(p.sxy / p.count)),
    statistic!("covar_samp", |p| (p.count >= 2.0)
        .then_some(p.sxy / (p.count - 1.0))),
    statistic!("corr", |p| (p.any() && p.sxx != 0.0 && p.syy != 0.0)
        .then(|| p.sxy / (p.sxx * p.syy).sqrt())),
    statistic!("regr_r2", |p| {
        if !p.any() || p.sxx == 0.0 {
            None
        } else if p.syy == 0.0 {
            Some(1.0)
        } else {
            Some((p.sxy * p.sxy) / (p.sxx * p.syy))
        }
    }),
    statistic!("regr_slope", |p| (p.any() && p.sxx != 0.0)
        .then(|| p.sxy / p.sxx)),
    statistic!("regr_intercept", |p| (p.any() && p.sxx != 0.0)
        .then(|| (p.sum_y - p.sum_x * p.sxy / p.sxx) / p.count)),
];

/// How many pairs: no sums that could overflow.
struct Count(i64);

impl Accumulator for Count {
    fn update(&mut self, _: &[&Value]) -> Result<()> {
        self.0 += 1;
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(Value::Int8(self.0))
    }
}

/// Sums over pairs, kept as [`super::deviation`] keeps them.
struct Pairs {
    count: f64,
    sum_x: f64,
    sxx: f64,
    sum_y: f64,
    syy: f64,
    sxy: f64,
    result: fn(&Self) -> Value,
}

impl Pairs {
    fn start(result: fn(&Self) -> Value) -> Box<dyn Accumulator> {
        Box::new(Self {
            count: 0.0,
            sum_x: 0.0,
            sxx: 0.0,
            sum_y: 0.0,
            syy: 0.0,
            sxy: 0.0,
            result,
        })
    }

    fn any(&self) -> bool {
        self.count >= 1.0
    }
}

impl Accumulator for Pairs {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let [y, x] = args else {
            return Err(mismatch(args));
        };
        let (y, x) = (float(y)?, float(x)?);
        let before = self.count;
        let x_finite = !self.sum_x.is_infinite() && !x.is_infinite();
        let y_finite = !self.sum_y.is_infinite() && !y.is_infinite();
        self.count += 1.0;
        self.sum_x += x;
        self.sum_y += y;
        if before > 0.0 {
            let off_x = x * self.count - self.sum_x;
            let off_y = y * self.count - self.sum_y;
            let scale = 1.0 / (self.count * before);
            self.sxx += off_x * off_x * scale;
            self.syy += off_y * off_y * scale;
            self.sxy += off_x * off_y * scale;
            let over_x = self.sum_x.is_infinite() || self.sxx.is_infinite();
            let over_y = self.sum_y.is_infinite() || self.syy.is_infinite();
            let over_xy = self.sxy.is_infinite();
            if over_x && x_finite || over_y && y_finite || over_xy && x_finite && y_finite {
                return Err(overflow());
            }
            for sum in [&mut self.sxx, &mut self.syy, &mut self.sxy] {
                if sum.is_infinite() {
                    *sum = f64::NAN;
                }
            }
        } else {
            if !x.is_finite() {
                self.sxx = f64::NAN;
                self.sxy = f64::NAN;
            }
            if !y.is_finite() {
                self.syy = f64::NAN;
                self.sxy = f64::NAN;
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok((self.result)(self))
    }
}
