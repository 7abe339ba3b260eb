//! Sums of decimals and floats with PostgreSQL's edges: `NaN` in decimals, overflow of floats.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray};
use arrow::datatypes::{DataType as ArrowType, Decimal128Type, Float32Type, Float64Type};
use datafusion::common::{Result as DfResult, ScalarValue, not_impl_err};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use helios_base::{Error, Result, SqlState};

use crate::fusion::error::to_datafusion;
use crate::fusion::shape::{DECIMAL_NAN, Shape};

/// The sum of a decimal or float column, `NULL` without values.
///
/// A decimal result must be wide enough for every sum of its inputs.
pub(crate) fn exact_sum(output: Shape) -> AggregateUDF {
    AggregateUDF::from(ExactSum {
        output,
        signature: Signature::any(1, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ExactSum {
    output: Shape,
    signature: Signature,
}

impl AggregateUDFImpl for ExactSum {
    fn name(&self) -> &str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(self.output.arrow.clone())
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        let ty = &self.output.arrow;
        Ok(match ty {
            ArrowType::Decimal128(..) => {
                Box::new(One(Sums::<Decimal128Type>::new(ty, add_decimals)))
            }
            ArrowType::Float32 => Box::new(One(Sums::<Float32Type>::new(ty, add_float4))),
            ArrowType::Float64 => Box::new(One(Sums::<Float64Type>::new(ty, add_float8))),
            other => return not_impl_err!("sum of {other}"),
        })
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        _: AccumulatorArgs<'_>,
    ) -> DfResult<Box<dyn GroupsAccumulator>> {
        let ty = &self.output.arrow;
        Ok(match ty {
            ArrowType::Decimal128(..) => Box::new(Sums::<Decimal128Type>::new(ty, add_decimals)),
            ArrowType::Float32 => Box::new(Sums::<Float32Type>::new(ty, add_float4)),
            ArrowType::Float64 => Box::new(Sums::<Float64Type>::new(ty, add_float8)),
            other => return not_impl_err!("sum of {other}"),
        })
    }
}

fn add_decimals(a: i128, b: i128) -> Result<i128> {
    if a == DECIMAL_NAN || b == DECIMAL_NAN {
        Ok(DECIMAL_NAN)
    } else {
        Ok(a.wrapping_add(b))
    }
}

fn add_float4(a: f32, b: f32) -> Result<f32> {
    let sum = a + b;
    if sum.is_infinite() && !a.is_infinite() && !b.is_infinite() {
        return Err(overflow());
    }
    Ok(sum)
}

fn add_float8(a: f64, b: f64) -> Result<f64> {
    let sum = a + b;
    if sum.is_infinite() && !a.is_infinite() && !b.is_infinite() {
        return Err(overflow());
    }
    Ok(sum)
}

#[cold]
fn overflow() -> Error {
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "value out of range: overflow",
    )
}

/// The sums of many groups. A partial sum is merged as a value is added.
struct Sums<T: ArrowPrimitiveType> {
    ty: ArrowType,
    add: fn(T::Native, T::Native) -> Result<T::Native>,
    sums: Vec<Option<T::Native>>,
}

impl<T: ArrowPrimitiveType> Sums<T> {
    fn new(ty: &ArrowType, add: fn(T::Native, T::Native) -> Result<T::Native>) -> Self {
        Self {
            ty: ty.clone(),
            add,
            sums: Vec::new(),
        }
    }

    fn add_all(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.sums.resize(total, None);
        let values = values
            .first()
            .and_then(|array| array.as_primitive_opt::<T>())
            .ok_or_else(|| Error::internal("sum of another type"))?;
        let add = self.add;
        for (row, (value, &group)) in values.iter().zip(groups).enumerate() {
            let Some(value) = value else { continue };
            if filter.is_some_and(|f| f.is_null(row) || !f.value(row)) {
                continue;
            }
            if let Some(sum) = self.sums.get_mut(group) {
                *sum = Some(match *sum {
                    Some(before) => add(before, value)?,
                    None => value,
                });
            }
        }
        Ok(())
    }
}

impl<T: ArrowPrimitiveType> GroupsAccumulator for Sums<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> DfResult<()> {
        self.add_all(values, group_indices, filter, total)
            .map_err(to_datafusion)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total: usize,
    ) -> DfResult<()> {
        self.update_batch(values, group_indices, None, total)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> DfResult<ArrayRef> {
        let sums = emit_to.take_needed(&mut self.sums);
        let array: PrimitiveArray<T> = sums.into_iter().collect();
        Ok(Arc::new(array.with_data_type(self.ty.clone())))
    }

    fn state(&mut self, emit_to: EmitTo) -> DfResult<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> DfResult<Vec<ArrayRef>> {
        let values = values
            .first()
            .and_then(|array| array.as_primitive_opt::<T>())
            .ok_or_else(|| to_datafusion(Error::internal("sum of another type")))?;
        let wanted = |row: usize| filter.is_none_or(|f| f.is_valid(row) && f.value(row));
        let kept: PrimitiveArray<T> = values
            .iter()
            .enumerate()
            .map(|(row, value)| value.filter(|_| wanted(row)))
            .collect();
        Ok(vec![Arc::new(kept.with_data_type(self.ty.clone()))])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<Option<T::Native>>()
    }
}

/// A single group.
struct One<T: ArrowPrimitiveType>(Sums<T>);

impl<T: ArrowPrimitiveType> One<T> {
    fn add(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        let rows = values.first().map_or(0, |array| array.len());
        self.0
            .add_all(values, &vec![0; rows], None, 1)
            .map_err(to_datafusion)
    }

    fn value(&self) -> DfResult<ScalarValue> {
        let sum = self.0.sums.first().copied().flatten();
        ScalarValue::new_primitive::<T>(sum, &self.0.ty)
    }
}

impl<T: ArrowPrimitiveType> std::fmt::Debug for One<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExactSum").finish_non_exhaustive()
    }
}

impl<T: ArrowPrimitiveType> Accumulator for One<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        self.add(values)
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        self.value()
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        Ok(vec![self.value()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        self.add(states)
    }
}
