//! Sums of decimals and floats with PostgreSQL's edges: `NaN` in decimals, overflow of floats.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType as ArrowType, Decimal128Type, Float32Type, Float64Type};
use datafusion::common::{Result as DfResult, ScalarValue, not_impl_err};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use helios_base::{Error, Result, SqlState};

use crate::fusion::error::to_datafusion;
use crate::fusion::shape::{DECIMAL_NAN, Shape};

/// Groups that are few.
const FEW: usize = 64;

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
            ArrowType::Decimal128(..) => Box::new(One(Sums::<Decimal128Type>::new(ty))),
            ArrowType::Float32 => Box::new(One(Sums::<Float32Type>::new(ty))),
            ArrowType::Float64 => Box::new(One(Sums::<Float64Type>::new(ty))),
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
            ArrowType::Decimal128(..) => Box::new(Sums::<Decimal128Type>::new(ty)),
            ArrowType::Float32 => Box::new(Sums::<Float32Type>::new(ty)),
            ArrowType::Float64 => Box::new(Sums::<Float64Type>::new(ty)),
            other => return not_impl_err!("sum of {other}"),
        })
    }
}

/// What can be added up.
trait Addend: ArrowPrimitiveType {
    fn plus(a: Self::Native, b: Self::Native) -> Result<Self::Native>;

    /// Adds values to the sums of their groups, of which there are few, if that is quicker than one by one; `seen` tells
    /// which sums have a value. False if it is not.
    fn add_to_few(
        values: &[Self::Native],
        groups: &[usize],
        sums: &mut [Self::Native],
        seen: &mut [bool],
    ) -> bool {
        let _ = (values, groups, sums, seen);
        false
    }
}

impl Addend for Decimal128Type {
    #[inline]
    fn plus(a: i128, b: i128) -> Result<i128> {
        if a == DECIMAL_NAN || b == DECIMAL_NAN {
            Ok(DECIMAL_NAN)
        } else {
            Ok(a.wrapping_add(b))
        }
    }

    /// Neighbours are added to sums of their own: otherwise one that goes to the same group as the one before it waits
    /// for that.
    fn add_to_few(values: &[i128], groups: &[usize], sums: &mut [i128], seen: &mut [bool]) -> bool {
        if sums.len() > FEW || values.len() < FEW {
            return false;
        }
        let mut parts = [[0i128; FEW]; 2];
        // A bit for each group.
        let (mut met, mut nan) = (0u64, 0u64);
        let mut add = |part: &mut [i128; FEW], value: i128, group: usize| {
            let group = group % FEW;
            met |= 1 << group;
            if value == DECIMAL_NAN {
                nan |= 1 << group;
            } else if let Some(sum) = part.get_mut(group) {
                *sum = sum.wrapping_add(value);
            }
        };
        let [even, odd] = &mut parts;
        let (pairs, last) = values.as_chunks::<2>();
        let (group_pairs, last_group) = groups.as_chunks::<2>();
        for ([a, b], [to_a, to_b]) in pairs.iter().zip(group_pairs) {
            add(even, *a, *to_a);
            add(odd, *b, *to_b);
        }
        for (value, group) in last.iter().zip(last_group) {
            add(even, *value, *group);
        }
        let parts = even.iter().zip(odd);
        let all = sums.iter_mut().zip(seen).zip(parts);
        for (group, ((sum, seen), (even, odd))) in all.enumerate() {
            if nan >> group & 1 == 1 {
                *sum = DECIMAL_NAN;
            } else if *sum != DECIMAL_NAN || !*seen {
                *sum = sum.wrapping_add(*even).wrapping_add(*odd);
            }
            *seen |= met >> group & 1 == 1;
        }
        true
    }
}

impl Addend for Float32Type {
    #[inline]
    fn plus(a: f32, b: f32) -> Result<f32> {
        let sum = a + b;
        if sum.is_infinite() && !a.is_infinite() && !b.is_infinite() {
            return Err(overflow());
        }
        Ok(sum)
    }
}

impl Addend for Float64Type {
    #[inline]
    fn plus(a: f64, b: f64) -> Result<f64> {
        let sum = a + b;
        if sum.is_infinite() && !a.is_infinite() && !b.is_infinite() {
            return Err(overflow());
        }
        Ok(sum)
    }
}

#[cold]
fn overflow() -> Error {
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "value out of range: overflow",
    )
}

/// The sums of many groups. A partial sum is merged as a value is added.
struct Sums<T: Addend> {
    ty: ArrowType,
    sums: Vec<T::Native>,
    /// Which groups have a value.
    seen: Vec<bool>,
}

impl<T: Addend> Sums<T> {
    fn new(ty: &ArrowType) -> Self {
        Self {
            ty: ty.clone(),
            sums: Vec::new(),
            seen: Vec::new(),
        }
    }

    fn values(values: &[ArrayRef]) -> Result<&PrimitiveArray<T>> {
        values
            .first()
            .and_then(|array| array.as_primitive_opt::<T>())
            .ok_or_else(|| Error::internal("sum of another type"))
    }

    #[inline]
    fn add(&mut self, group: usize, value: T::Native) -> Result<()> {
        if let (Some(sum), Some(seen)) = (self.sums.get_mut(group), self.seen.get_mut(group)) {
            *sum = if *seen { T::plus(*sum, value)? } else { value };
            *seen = true;
        }
        Ok(())
    }

    fn grow(&mut self, total: usize) {
        self.sums.resize(total, T::default_value());
        self.seen.resize(total, false);
    }

    fn add_all(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let values = Self::values(values)?;
        if values.null_count() == 0 && filter.is_none() {
            if T::add_to_few(values.values(), groups, &mut self.sums, &mut self.seen) {
                return Ok(());
            }
            for (value, group) in values.values().iter().zip(groups) {
                self.add(*group, *value)?;
            }
            return Ok(());
        }
        for (row, (value, &group)) in values.iter().zip(groups).enumerate() {
            let Some(value) = value else { continue };
            if filter.is_some_and(|f| f.is_null(row) || !f.value(row)) {
                continue;
            }
            self.add(group, value)?;
        }
        Ok(())
    }

    /// All values to one group.
    fn add_to_one(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.grow(1);
        let values = Self::values(values)?;
        if values.null_count() == 0 {
            let (Some(sum), Some(seen)) = (self.sums.first_mut(), self.seen.first_mut()) else {
                return Ok(());
            };
            let mut all = values.values().iter();
            if !*seen {
                let Some(first) = all.next() else {
                    return Ok(());
                };
                (*sum, *seen) = (*first, true);
            }
            *sum = all.try_fold(*sum, |sum, value| T::plus(sum, *value))?;
            return Ok(());
        }
        for value in values.iter().flatten() {
            self.add(0, value)?;
        }
        Ok(())
    }
}

impl<T: Addend> GroupsAccumulator for Sums<T> {
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
        let seen = emit_to.take_needed(&mut self.seen);
        let nulls = NullBuffer::from(seen);
        let array = PrimitiveArray::<T>::new(sums.into(), Some(nulls));
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
        let values = Self::values(values).map_err(to_datafusion)?;
        let wanted = |row: usize| filter.is_none_or(|f| f.is_valid(row) && f.value(row));
        let kept: PrimitiveArray<T> = values
            .iter()
            .enumerate()
            .map(|(row, value)| value.filter(|_| wanted(row)))
            .collect();
        Ok(vec![Arc::new(kept.with_data_type(self.ty.clone()))])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<T::Native>() + self.seen.capacity()
    }
}

/// A single group.
struct One<T: Addend>(Sums<T>);

impl<T: Addend> One<T> {
    fn add(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        self.0.add_to_one(values).map_err(to_datafusion)
    }

    fn value(&self) -> DfResult<ScalarValue> {
        let seen = self.0.seen.first().copied().unwrap_or(false);
        let sum = self.0.sums.first().copied().filter(|_| seen);
        ScalarValue::new_primitive::<T>(sum, &self.0.ty)
    }
}

impl<T: Addend> std::fmt::Debug for One<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExactSum").finish_non_exhaustive()
    }
}

impl<T: Addend> Accumulator for One<T> {
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

#[cfg(test)]
mod tests {
    use super::*;

    // Guards against sums that depend on the way in which they are made.
    #[test]
    fn sums_of_few_groups_are_those_of_many() {
        let ty = ArrowType::Decimal128(38, 2);
        let mut rng = fastrand::Rng::with_seed(3);
        for round in 0..200 {
            let groups = rng.usize(1..=FEW);
            let mut few = Sums::<Decimal128Type>::new(&ty);
            let mut many = Sums::<Decimal128Type>::new(&ty);
            for _ in 0..rng.usize(1..4) {
                let rows = rng.usize(0..400);
                let number = |rng: &mut fastrand::Rng| match rng.u32(0..400) {
                    0 if round % 2 == 0 => DECIMAL_NAN,
                    1 => i128::from(i64::MAX) * 1000,
                    _ => i128::from(rng.i32(..)),
                };
                let values: Vec<i128> = std::iter::repeat_with(|| number(&mut rng))
                    .take(rows)
                    .collect();
                let to: Vec<usize> = std::iter::repeat_with(|| rng.usize(0..groups))
                    .take(rows)
                    .collect();
                let array: PrimitiveArray<Decimal128Type> = values.clone().into();
                few.add_all(&[Arc::new(array)], &to, None, groups).unwrap();
                many.grow(groups);
                for (value, group) in values.iter().zip(&to) {
                    many.add(*group, *value).unwrap();
                }
            }
            assert_eq!(few.seen, many.seen);
            let sums = few.sums.iter().zip(&many.sums).zip(&few.seen);
            for ((few, many), seen) in sums {
                assert!(few == many || !seen);
            }
        }
    }
}
