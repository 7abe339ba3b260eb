//! Sums of whole numbers: of `smallint` and `integer` in 64 bits, which 2^32 of them do not fill, and of `bigint` in 64 with
//! a place for what goes beyond.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType as ArrowType, Decimal128Type, Int16Type, Int32Type, Int64Type,
};
use datafusion::common::{Result as DfResult, ScalarValue};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use helios_base::{Error, Result};

use super::rows::states_of_rows;
use crate::fusion::error::to_datafusion;
use crate::fusion::shape::Shape;

/// Groups that are few.
const FEW: usize = 64;

/// So many numbers of 16 bits do not fill 32.
const SHORT_RUN: usize = 1 << 15;

/// The sum of a column of whole numbers, `NULL` without values: a `bigint` of numbers of up to 32 bits, or
/// of such sums; a decimal without digits after the point of others.
pub(crate) fn whole_sum(output: Shape) -> AggregateUDF {
    AggregateUDF::from(WholeSum {
        output,
        signature: Signature::any(1, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct WholeSum {
    output: Shape,
    signature: Signature,
}

impl AggregateUDFImpl for WholeSum {
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
        Ok(Box::new(One {
            ty: self.output.arrow.clone(),
            sum: None,
        }))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        _: AccumulatorArgs<'_>,
    ) -> DfResult<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Sums::new(&self.output.arrow)))
    }
}

/// What is added up: values, or sums of parts.
enum Addends<'a> {
    Short(&'a PrimitiveArray<Int16Type>),
    Middle(&'a PrimitiveArray<Int32Type>),
    Long(&'a PrimitiveArray<Int64Type>),
    Wide(&'a PrimitiveArray<Decimal128Type>),
}

impl<'a> Addends<'a> {
    fn of(values: &'a [ArrayRef]) -> Result<Self> {
        let array = values
            .first()
            .ok_or_else(|| crate::fusion::scalar::arity(0))?;
        let wrong = || Error::internal("a sum of whole numbers of another type");
        Ok(match array.data_type() {
            ArrowType::Int16 => Self::Short(array.as_primitive_opt().ok_or_else(wrong)?),
            ArrowType::Int32 => Self::Middle(array.as_primitive_opt().ok_or_else(wrong)?),
            ArrowType::Int64 => Self::Long(array.as_primitive_opt().ok_or_else(wrong)?),
            ArrowType::Decimal128(..) => Self::Wide(array.as_primitive_opt().ok_or_else(wrong)?),
            _ => return Err(wrong()),
        })
    }
}

/// The sums of many groups.
struct Sums {
    ty: ArrowType,
    /// Without what `beyond` has.
    sums: Vec<i64>,
    /// What did not fit into 64 bits; empty as long as all did.
    beyond: Vec<i128>,
    /// Which groups have a value; `None`: all of them, for every row had one.
    seen: Option<Vec<bool>>,
}

impl Sums {
    fn new(ty: &ArrowType) -> Self {
        Self {
            ty: ty.clone(),
            sums: Vec::new(),
            beyond: Vec::new(),
            seen: None,
        }
    }

    fn add_all(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let before = self.sums.len();
        self.sums.resize(total, 0);
        if !self.beyond.is_empty() {
            self.beyond.resize(total, 0);
        }
        match Addends::of(values)? {
            Addends::Short(values) => self.add_short(values, groups, filter, before),
            Addends::Middle(values) => self.add_short(values, groups, filter, before),
            Addends::Long(values) if self.ty == ArrowType::Int64 => {
                self.add_short(values, groups, filter, before);
            }
            Addends::Long(values) => {
                self.each(values, groups, filter, before, |sums, group, value| {
                    sums.add_long(group, value);
                });
            }
            Addends::Wide(values) => {
                self.each(
                    values,
                    groups,
                    filter,
                    before,
                    |sums, group, value| match i64::try_from(value) {
                        Ok(value) => sums.add_long(group, value),
                        Err(_) => sums.add_beyond(group, value),
                    },
                );
            }
        }
        Ok(())
    }

    /// Numbers of which the sum fits into 64 bits, however many there are.
    fn add_short<T>(
        &mut self,
        values: &PrimitiveArray<T>,
        groups: &[usize],
        filter: Option<&BooleanArray>,
        before: usize,
    ) where
        T: ArrowPrimitiveType,
        i64: From<T::Native>,
    {
        let all = values.null_count() == 0 && filter.is_none();
        if all && self.seen.is_none() && self.sums.len() <= FEW {
            // Neighbours are added to sums of their own: otherwise one that goes to the same group as the one before
            // it waits for that.
            let mut parts = [[0i64; FEW]; 2];
            let [even, odd] = &mut parts;
            let add = |part: &mut [i64; FEW], value: T::Native, group: usize| {
                if let Some(sum) = part.get_mut(group % FEW) {
                    *sum = sum.wrapping_add(i64::from(value));
                }
            };
            let (pairs, last) = values.values().as_chunks::<2>();
            let (group_pairs, last_group) = groups.as_chunks::<2>();
            for ([a, b], [to_a, to_b]) in pairs.iter().zip(group_pairs) {
                add(even, *a, *to_a);
                add(odd, *b, *to_b);
            }
            for (value, group) in last.iter().zip(last_group) {
                add(even, *value, *group);
            }
            for (sum, (even, odd)) in self.sums.iter_mut().zip(even.iter().zip(odd)) {
                *sum = sum.wrapping_add(*even).wrapping_add(*odd);
            }
            return;
        }
        self.each(values, groups, filter, before, |sums, group, value| {
            if let Some(sum) = sums.sums.get_mut(group) {
                *sum = sum.wrapping_add(i64::from(value));
            }
        });
    }

    /// Calls `add` for each value that counts. `before`: the groups that were there already.
    #[inline]
    fn each<T: ArrowPrimitiveType>(
        &mut self,
        values: &PrimitiveArray<T>,
        groups: &[usize],
        filter: Option<&BooleanArray>,
        before: usize,
        add: impl Fn(&mut Self, usize, T::Native),
    ) {
        if values.null_count() == 0 && filter.is_none() {
            for (value, group) in values.values().iter().zip(groups) {
                add(self, *group, *value);
            }
            if let Some(seen) = &mut self.seen {
                // New groups have a row here, but old ones need not.
                seen.resize(self.sums.len(), true);
                for group in groups {
                    if let Some(seen) = seen.get_mut(*group) {
                        *seen = true;
                    }
                }
            }
            return;
        }
        let mut seen = self.seen.take().unwrap_or_else(|| vec![true; before]);
        seen.resize(self.sums.len(), false);
        for (row, (value, &group)) in values.iter().zip(groups).enumerate() {
            let Some(value) = value else { continue };
            if filter.is_some_and(|f| f.is_null(row) || !f.value(row)) {
                continue;
            }
            add(self, group, value);
            if let Some(seen) = seen.get_mut(group) {
                *seen = true;
            }
        }
        self.seen = Some(seen);
    }

    #[inline]
    fn add_long(&mut self, group: usize, value: i64) {
        let Some(sum) = self.sums.get_mut(group) else {
            return;
        };
        match sum.checked_add(value) {
            Some(more) => *sum = more,
            None => {
                let full = std::mem::replace(sum, value);
                self.add_beyond(group, full.into());
            }
        }
    }

    #[cold]
    fn add_beyond(&mut self, group: usize, value: i128) {
        self.beyond.resize(self.sums.len(), 0);
        if let Some(beyond) = self.beyond.get_mut(group) {
            *beyond = beyond.wrapping_add(value);
        }
    }
}

impl GroupsAccumulator for Sums {
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
        let seen = self.seen.as_mut().map(|seen| emit_to.take_needed(seen));
        let nulls = seen.map(NullBuffer::from);
        if self.ty == ArrowType::Int64 {
            return Ok(Arc::new(PrimitiveArray::<Int64Type>::new(
                sums.into(),
                nulls,
            )));
        }
        let mut wide: Vec<i128> = sums.into_iter().map(i128::from).collect();
        if !self.beyond.is_empty() {
            let beyond = emit_to.take_needed(&mut self.beyond);
            for (sum, beyond) in wide.iter_mut().zip(beyond) {
                *sum = sum.wrapping_add(beyond);
            }
        }
        let wide = PrimitiveArray::<Decimal128Type>::new(wide.into(), nulls);
        Ok(Arc::new(wide.with_data_type(self.ty.clone())))
    }

    fn state(&mut self, emit_to: EmitTo) -> DfResult<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> DfResult<Vec<ArrayRef>> {
        states_of_rows(Self::new(&self.ty), values, filter)
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<i64>()
            + self.beyond.capacity() * size_of::<i128>()
            + self.seen.as_ref().map_or(0, Vec::capacity)
    }
}

/// A single group.
#[derive(Debug)]
struct One {
    ty: ArrowType,
    sum: Option<i128>,
}

impl One {
    fn add(&mut self, values: &[ArrayRef]) -> Result<()> {
        let sum = match Addends::of(values)? {
            Addends::Short(values) => total(values, |values| {
                let part = |values: &[i16]| values.iter().map(|value| i32::from(*value)).sum();
                let parts = values.chunks(SHORT_RUN).map(part);
                parts.map(|part: i32| i64::from(part)).sum::<i64>().into()
            }),
            Addends::Middle(values) => total(values, |values| {
                let values = values.iter().map(|value| i64::from(*value));
                values.sum::<i64>().into()
            }),
            Addends::Long(values) => total(values, sum_of_long),
            Addends::Wide(values) => total(values, |values| {
                values.iter().fold(0, |sum, value| sum.wrapping_add(*value))
            }),
        };
        if let Some(more) = sum {
            self.sum = Some(self.sum.unwrap_or(0).wrapping_add(more));
        }
        Ok(())
    }

    fn value(&self) -> DfResult<ScalarValue> {
        match &self.ty {
            // No table has so many rows.
            ArrowType::Int64 => Ok(ScalarValue::Int64(self.sum.map(|sum| sum as i64))),
            ty => ScalarValue::new_primitive::<Decimal128Type>(self.sum, ty),
        }
    }
}

/// The sum of those values that are not `NULL`, given that of values which follow each other.
fn total<T: ArrowPrimitiveType>(
    values: &PrimitiveArray<T>,
    sum: impl Fn(&[T::Native]) -> i128,
) -> Option<i128> {
    match values.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => (!values.is_empty()).then(|| sum(values.values())),
        Some(nulls) => nulls.valid_slices().fold(None, |all, (from, to)| {
            let part = values.values().get(from..to).map_or(0, &sum);
            Some(all.unwrap_or(0).wrapping_add(part))
        }),
    }
}

/// The halves of the numbers are added up on their own, which overflows for no array that fits into memory, in a loop
/// that the compiler makes one of many at a time.
fn sum_of_long(values: &[i64]) -> i128 {
    let (mut low, mut high) = (0u64, 0i64);
    for value in values {
        low = low.wrapping_add(u64::from(*value as u32));
        high = high.wrapping_add(*value >> 32);
    }
    (i128::from(high) << 32) + i128::from(low)
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        self.add(values).map_err(to_datafusion)
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
        self.update_batch(states)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(width: usize, values: &[Option<i64>]) -> ArrayRef {
        let values = values.iter().copied();
        match width {
            0 => Arc::new(
                values
                    .map(|value| value.map(|value| value as i16))
                    .collect::<PrimitiveArray<Int16Type>>(),
            ),
            1 => Arc::new(
                values
                    .map(|value| value.map(|value| value as i32))
                    .collect::<PrimitiveArray<Int32Type>>(),
            ),
            _ => Arc::new(values.collect::<PrimitiveArray<Int64Type>>()),
        }
    }

    // Guards against sums that depend on the way in which they are made: few or many groups, with and without NULL, with a
    // filter, of parts, emitted in two steps, beyond 64 bits, of groups that have no value.
    #[test]
    fn sums_are_those_of_one_after_the_other() -> DfResult<()> {
        let mut rng = fastrand::Rng::with_seed(4);
        for round in 0..600 {
            let width = rng.usize(0..3);
            let most = [i64::from(i16::MAX), i64::from(i32::MAX), i64::MAX];
            let most = most.get(width).copied().unwrap_or(0);
            let ty = match width {
                2 => ArrowType::Decimal128(38, 0),
                _ => ArrowType::Int64,
            };
            let (mut found, mut merged) = (Sums::new(&ty), Sums::new(&ty));
            let mut wanted: Vec<Option<i128>> = Vec::new();
            let mut one = One {
                ty: ty.clone(),
                sum: None,
            };
            let mut all: Option<i128> = None;
            let total_groups = [1, 5, FEW, 300][rng.usize(0..4)];
            let (with_null, with_filter) = (rng.bool(), round % 3 == 0);
            for _ in 0..rng.usize(1..5) {
                let rows = rng.usize(0..300);
                // New groups come in order, each with a row.
                let mut to = Vec::new();
                let mut values = Vec::new();
                let mut passes = Vec::new();
                for _ in 0..rows {
                    let group = rng.usize(0..total_groups).min(wanted.len());
                    if group == wanted.len() {
                        wanted.push(None);
                    }
                    let value = match rng.u8(0..10) {
                        0 if with_null => None,
                        1 => Some(-most - 1),
                        2..5 => Some(most),
                        _ => Some(rng.i64(-most..=most)),
                    };
                    let pass = match rng.u8(0..4) {
                        0 => None,
                        1 => Some(false),
                        _ => Some(true),
                    };
                    if let Some(value) = value {
                        all = Some(all.unwrap_or(0) + i128::from(value));
                        if !with_filter || pass == Some(true) {
                            let sum = &mut wanted[group];
                            *sum = Some(sum.unwrap_or(0) + i128::from(value));
                        }
                    }
                    to.push(group);
                    values.push(value);
                    passes.push(pass);
                }
                let filter = with_filter.then(|| BooleanArray::from(passes));
                let values = [array(width, &values)];
                found.update_batch(&values, &to, filter.as_ref(), wanted.len())?;
                let states = found.convert_to_state(&values, filter.as_ref())?;
                merged.merge_batch(&states, &to, wanted.len())?;
                one.update_batch(&values)?;
            }
            let wide = |array: &ArrayRef| -> Vec<Option<i128>> {
                match array.as_primitive_opt::<Int64Type>() {
                    Some(sums) => sums.iter().map(|sum| sum.map(i128::from)).collect(),
                    None => array.as_primitive::<Decimal128Type>().iter().collect(),
                }
            };
            let first = rng.usize(0..=wanted.len());
            let mut sums = wide(&found.evaluate(EmitTo::First(first))?);
            sums.extend(wide(&found.evaluate(EmitTo::All)?));
            assert_eq!(sums, wanted);
            assert_eq!(wide(&merged.evaluate(EmitTo::All)?), wanted);
            let one = one.evaluate()?.to_array()?;
            assert_eq!(wide(&one), [all]);
        }
        Ok(())
    }
}
