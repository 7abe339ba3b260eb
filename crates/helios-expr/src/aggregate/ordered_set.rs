//! `mode`, `percentile_cont`, `percentile_disc`: aggregates `WITHIN GROUP (ORDER BY …)`.

use helios_base::{ArrayValue, Error, Result, SqlState, Value};

use super::{Accumulator, Aggregate, aggregate};
use crate::function::mismatch;
use crate::ty::Ty::{self, AnyArray, AnyElement, Float8};

const FRACTIONS: Ty = Ty::Array(&Float8);

pub(super) static AGGREGATES: &[Aggregate] = &[
    aggregate("mode", &[AnyElement], AnyElement, |_| {
        Box::new(Mode::default())
    })
    .within_group(0),
    aggregate("percentile_disc", &[Float8, AnyElement], AnyElement, |_| {
        Percentile::start(discrete)
    })
    .not_strict()
    .within_group(1),
    aggregate(
        "percentile_disc",
        &[FRACTIONS, AnyElement],
        AnyArray,
        |_| Percentile::start(discrete),
    )
    .not_strict()
    .within_group(1),
    aggregate("percentile_cont", &[Float8, Float8], Float8, |_| {
        Percentile::start(continuous)
    })
    .not_strict()
    .within_group(1),
    aggregate(
        "percentile_cont",
        &[Float8, Ty::Interval],
        Ty::Interval,
        |_| Percentile::start(continuous),
    )
    .not_strict()
    .within_group(1),
    aggregate(
        "percentile_cont",
        &[FRACTIONS, Ty::Interval],
        INTERVALS,
        |_| Percentile::start(continuous),
    )
    .not_strict()
    .within_group(1),
    aggregate("percentile_cont", &[FRACTIONS, Float8], FRACTIONS, |_| {
        Percentile::start(continuous)
    })
    .not_strict()
    .within_group(1),
];

const INTERVALS: Ty = Ty::Array(&Ty::Interval);

/// The most frequent value; of several the first.
#[derive(Default)]
struct Mode {
    best: Option<(Value, u64)>,
    run: Option<(Value, u64)>,
}

impl Accumulator for Mode {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let [value] = args else {
            return Err(mismatch(args));
        };
        match &mut self.run {
            Some((held, count)) if held == *value => *count += 1,
            run => *run = Some(((*value).clone(), 1)),
        }
        let Some((held, count)) = &self.run else {
            return Ok(());
        };
        if self.best.as_ref().is_none_or(|best| *count > best.1) {
            self.best = Some((held.clone(), *count));
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(self
            .best
            .as_ref()
            .map_or(Value::Null, |(value, _)| value.clone()))
    }
}

type Pick = fn(&[Value], f64) -> Result<Value>;

/// Holds the sorted values until the end.
struct Percentile {
    fraction: Value,
    values: Vec<Value>,
    pick: Pick,
}

impl Percentile {
    fn start(pick: Pick) -> Box<dyn Accumulator> {
        Box::new(Self {
            fraction: Value::Null,
            values: Vec::new(),
            pick,
        })
    }

    fn at(&self, fraction: &Value) -> Result<Value> {
        match fraction {
            Value::Null => Ok(Value::Null),
            Value::Float8(fraction) => {
                if !(0.0..=1.0).contains(fraction) {
                    return Err(Error::new(
                        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                        format!("percentile value {fraction} is not between 0 and 1"),
                    ));
                }
                if self.values.is_empty() {
                    return Ok(Value::Null);
                }
                (self.pick)(&self.values, *fraction)
            }
            other => Err(mismatch(&[other])),
        }
    }
}

impl Accumulator for Percentile {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let [fraction, value] = args else {
            return Err(mismatch(args));
        };
        self.fraction = (*fraction).clone();
        if !value.is_null() {
            self.values.push((*value).clone());
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        match &self.fraction {
            Value::Array(fractions) => {
                if self.values.is_empty() {
                    return Ok(Value::Null);
                }
                let elements = fractions
                    .elements
                    .iter()
                    .map(|fraction| self.at(fraction))
                    .collect::<Result<_>>()?;
                Ok(Value::from(ArrayValue {
                    dims: fractions.dims.clone(),
                    elements,
                }))
            }
            fraction => self.at(fraction),
        }
    }

    fn size(&self) -> usize {
        self.values.capacity() * size_of::<Value>()
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "row numbers stay below 2^53 and are not negative"
)]
fn discrete(values: &[Value], fraction: f64) -> Result<Value> {
    let row = (fraction * values.len() as f64).ceil() as usize;
    Ok(values
        .get(row.saturating_sub(1))
        .cloned()
        .unwrap_or(Value::Null))
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "row numbers stay below 2^53 and are not negative"
)]
fn continuous(values: &[Value], fraction: f64) -> Result<Value> {
    let place = fraction * (values.len() - 1) as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    let (Some(first), Some(second)) = (values.get(low), values.get(high)) else {
        return Ok(Value::Null);
    };
    if low == high {
        return Ok(first.clone());
    }
    match (first, second) {
        (Value::Float8(a), Value::Float8(b)) => {
            Ok(Value::Float8(a + (place - low as f64) * (b - a)))
        }
        (Value::Interval(a), Value::Interval(b)) => {
            let part = b.sub(a)?.mul(place - low as f64)?;
            part.add(a).map(Value::from)
        }
        (a, b) => Err(mismatch(&[a, b])),
    }
}
