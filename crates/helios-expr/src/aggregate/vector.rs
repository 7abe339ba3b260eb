//! `sum` and `avg` of vectors.

use helios_base::vector::unexpected;
use helios_base::{F16, Result, Value, VectorKind, VectorValue};

use super::{Accumulator, Aggregate, aggregate};
use crate::function::mismatch;
use crate::op::vector;
use crate::ty::Ty;

pub(super) static AGGREGATES: &[Aggregate] = &[
    aggregate("sum", &[Ty::VECTOR], Ty::VECTOR, |_| Box::new(Sum(None))),
    aggregate("sum", &[Ty::HALFVEC], Ty::HALFVEC, |_| Box::new(Sum(None))),
    aggregate("avg", &[Ty::VECTOR], Ty::VECTOR, |_| {
        Average::start(VectorKind::Full)
    }),
    aggregate("avg", &[Ty::HALFVEC], Ty::HALFVEC, |_| {
        Average::start(VectorKind::Half)
    }),
];

/// Adds in the precision of the type.
struct Sum(Option<VectorValue>);

impl Accumulator for Sum {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let [Value::Vector(vector)] = args else {
            return Err(mismatch(args));
        };
        self.0 = Some(match &self.0 {
            Some(sum) => vector::sum(sum, vector)?,
            None => VectorValue::clone(vector),
        });
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(self.0.clone().into())
    }

    fn size(&self) -> usize {
        self.0.as_ref().map_or(0, VectorValue::size)
    }
}

/// Adds in double precision.
struct Average {
    kind: VectorKind,
    sums: Vec<f64>,
    count: u64,
}

impl Average {
    fn start(kind: VectorKind) -> Box<dyn Accumulator> {
        Box::new(Self {
            kind,
            sums: Vec::new(),
            count: 0,
        })
    }
}

impl Accumulator for Average {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let [Value::Vector(vector)] = args else {
            return Err(mismatch(args));
        };
        if self.count == 0 {
            self.sums = vec![0.0; vector.dimensions()];
        }
        if self.sums.len() != vector.dimensions() {
            return Err(unexpected(self.sums.len(), vector.dimensions()));
        }
        for (sum, number) in self.sums.iter_mut().zip(vector.numbers().iter()) {
            *sum += f64::from(*number);
        }
        self.count += 1;
        Ok(())
    }

    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "counts stay below 2^53, and the nearest number is meant"
    )]
    fn finish(&self) -> Result<Value> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        let numbers = self.sums.iter().map(|sum| (sum / self.count as f64) as f32);
        let mean = match self.kind {
            VectorKind::Half => VectorValue::half(numbers.map(F16::from_f32).collect()),
            _ => VectorValue::full(numbers.collect()),
        };
        mean.map(Value::from)
    }

    fn size(&self) -> usize {
        self.sums.len() * size_of::<f64>()
    }
}
