//! Sums of decimals, and of products of two, that need more than 38 digits.
//!
//! They are added up in 256 bits, and come out as numbers of any length.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Decimal256Array};
use arrow::datatypes::{
    DataType as ArrowType, Decimal128Type, Decimal256Type, Field, FieldRef, i256,
};
use datafusion::common::{Result as DfResult, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use helios_base::{DataType, Error, Numeric, Result, Value};

use super::rows::states_of_rows;
use crate::fusion::array::ColumnBuilder;
use crate::fusion::error::to_datafusion;
use crate::fusion::shape::{DECIMAL_NAN, Shape};

/// The digits that sums have room for.
pub(crate) const WIDE_DIGITS: u16 = 76;

/// `NaN` among the sums; no sum is that large.
const NAN: i256 = i256::MAX;

/// The sum of one decimal argument, or of the products of two, `NULL` without values; `scale` is that of
/// what is added.
pub(crate) fn wide_sum(factors: usize, scale: u16) -> AggregateUDF {
    AggregateUDF::from(WideSum {
        scale,
        signature: Signature::any(factors, Volatility::Immutable),
    })
}

/// The form of such a sum.
pub(crate) fn wide_shape() -> Shape {
    Shape::of(&DataType::Numeric(None))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct WideSum {
    scale: u16,
    signature: Signature,
}

impl WideSum {
    /// Between the steps of an aggregation; the scale is left out, since it says nothing there.
    const STATE: ArrowType = ArrowType::Decimal256(76, 0);
}

impl AggregateUDFImpl for WideSum {
    fn name(&self) -> &str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(wide_shape().arrow)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> DfResult<Vec<FieldRef>> {
        let name = format!("{}[sum]", args.name);
        Ok(vec![Arc::new(Field::new(name, Self::STATE, true))])
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        Ok(Box::new(One(Sums::new(self.scale))))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        _: AccumulatorArgs<'_>,
    ) -> DfResult<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Sums::new(self.scale)))
    }
}

/// The sums of many groups.
struct Sums {
    scale: u16,
    sums: Vec<Option<i256>>,
    /// What is to be added to each sum: most of it fits into half the bits.
    rests: Vec<i128>,
    /// Whether there is something to be added, which may be 0.
    met: Vec<bool>,
}

fn decimals(array: &ArrayRef) -> Result<&Decimal128Array> {
    let typed = array.as_primitive_opt::<Decimal128Type>();
    typed.ok_or_else(|| Error::internal("a wide sum of another type"))
}

fn product(a: i128, b: i128) -> i256 {
    if a == DECIMAL_NAN || b == DECIMAL_NAN {
        return NAN;
    }
    match a.checked_mul(b) {
        Some(product) => i256::from_i128(product),
        None => i256::from_i128(a).wrapping_mul(i256::from_i128(b)),
    }
}

/// What a row adds, if neither of its factors is `NULL`.
fn terms<'a>(values: &'a [ArrayRef]) -> Result<Box<dyn Fn(usize) -> Option<i256> + 'a>> {
    Ok(match values {
        [one] => {
            let one = decimals(one)?;
            Box::new(move |row| {
                one.is_valid(row).then(|| match one.value(row) {
                    DECIMAL_NAN => NAN,
                    value => i256::from_i128(value),
                })
            })
        }
        [left, right] => {
            let (left, right) = (decimals(left)?, decimals(right)?);
            Box::new(move |row| {
                let both = left.is_valid(row) && right.is_valid(row);
                both.then(|| product(left.value(row), right.value(row)))
            })
        }
        other => return Err(crate::fusion::scalar::arity(other.len())),
    })
}

/// The product, if neither factor is `NaN` and it fits.
#[inline]
fn short_product(a: i128, b: i128) -> Option<i128> {
    let (short_a, short_b) = (a as i64, b as i64);
    if i128::from(short_a) == a && i128::from(short_b) == b {
        // One multiplication of the processor.
        return Some(i128::from(short_a) * i128::from(short_b));
    }
    if a == DECIMAL_NAN || b == DECIMAL_NAN {
        return None;
    }
    a.checked_mul(b)
}

impl Sums {
    fn new(scale: u16) -> Self {
        Self {
            scale,
            sums: Vec::new(),
            rests: Vec::new(),
            met: Vec::new(),
        }
    }

    fn grow(&mut self, total: usize) {
        self.sums.resize(total, None);
        self.rests.resize(total, 0);
        self.met.resize(total, false);
    }

    /// Adds the rests to the sums.
    fn settle(&mut self) {
        let rests = std::mem::take(&mut self.rests);
        let met = std::mem::take(&mut self.met);
        for (group, rest) in rests.into_iter().enumerate() {
            if met.get(group) == Some(&true) {
                self.add(group, i256::from_i128(rest));
            }
        }
    }

    /// Adds a number that is not `NaN`.
    #[inline]
    fn add_short(&mut self, group: usize, term: i128) {
        let (Some(rest), Some(met)) = (self.rests.get_mut(group), self.met.get_mut(group)) else {
            return;
        };
        *met = true;
        match rest.checked_add(term) {
            Some(more) => *rest = more,
            None => {
                let full = i256::from_i128(std::mem::replace(rest, term));
                self.add(group, full);
            }
        }
    }

    /// What [`Sums::add_all`] does where nothing is `NULL` or left out; false if something may be.
    fn add_plain(&mut self, values: &[ArrayRef], groups: &impl Fn(usize) -> usize) -> Result<bool> {
        if values.iter().any(|array| array.null_count() > 0) {
            return Ok(false);
        }
        match values {
            [one] => {
                for (row, value) in decimals(one)?.values().iter().enumerate() {
                    match *value {
                        DECIMAL_NAN => self.add(groups(row), NAN),
                        value => self.add_short(groups(row), value),
                    }
                }
            }
            [left, right] => {
                let (left, right) = (decimals(left)?.values(), decimals(right)?.values());
                for (row, (a, b)) in left.iter().zip(right).enumerate() {
                    match short_product(*a, *b) {
                        Some(term) => self.add_short(groups(row), term),
                        None => self.add(groups(row), product(*a, *b)),
                    }
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn add(&mut self, group: usize, term: i256) {
        if let Some(sum) = self.sums.get_mut(group) {
            *sum = Some(match *sum {
                None => term,
                Some(before) if before == NAN || term == NAN => NAN,
                Some(before) => before.wrapping_add(term),
            });
        }
    }

    fn add_all(
        &mut self,
        values: &[ArrayRef],
        groups: impl Fn(usize) -> usize,
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        if filter.is_none() && self.add_plain(values, &groups)? {
            return Ok(());
        }
        let rows = values.first().map_or(0, |array| array.len());
        let term = terms(values)?;
        for row in 0..rows {
            if filter.is_some_and(|f| f.is_null(row) || !f.value(row)) {
                continue;
            }
            if let Some(term) = term(row) {
                self.add(groups(row), term);
            }
        }
        Ok(())
    }

    fn merge(
        &mut self,
        states: &[ArrayRef],
        groups: impl Fn(usize) -> usize,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let states = states
            .first()
            .and_then(|s| s.as_primitive_opt::<Decimal256Type>());
        let states = states.ok_or_else(|| Error::internal("a wide sum of another type"))?;
        for (row, state) in states.iter().enumerate() {
            if let Some(state) = state {
                self.add(groups(row), state);
            }
        }
        Ok(())
    }

    fn states(sums: impl IntoIterator<Item = Option<i256>>) -> ArrayRef {
        let array: Decimal256Array = sums.into_iter().collect();
        Arc::new(array.with_data_type(WideSum::STATE))
    }

    fn values(&self, sums: impl ExactSizeIterator<Item = Option<i256>>) -> Result<ArrayRef> {
        let mut builder = ColumnBuilder::new(&wide_shape(), sums.len());
        for sum in sums {
            builder.append(&match sum {
                Some(sum) => Value::Numeric(self.number(sum)?),
                None => Value::Null,
            })?;
        }
        Ok(builder.finish())
    }

    fn number(&self, sum: i256) -> Result<Numeric> {
        if sum == NAN {
            return Numeric::parse("NaN");
        }
        if let Some(sum) = sum.to_i128() {
            return Ok(Numeric::from_i128(sum, self.scale));
        }
        let whole = Numeric::parse(&sum.to_string())?;
        whole.mul(&Numeric::from_i128(1, self.scale))
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
        let group = |row: usize| group_indices.get(row).copied().unwrap_or(usize::MAX);
        self.add_all(values, group, filter, total)
            .map_err(to_datafusion)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total: usize,
    ) -> DfResult<()> {
        let group = |row: usize| group_indices.get(row).copied().unwrap_or(usize::MAX);
        self.merge(values, group, total).map_err(to_datafusion)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> DfResult<ArrayRef> {
        self.settle();
        let sums = emit_to.take_needed(&mut self.sums);
        self.values(sums.into_iter()).map_err(to_datafusion)
    }

    fn state(&mut self, emit_to: EmitTo) -> DfResult<Vec<ArrayRef>> {
        self.settle();
        Ok(vec![Self::states(emit_to.take_needed(&mut self.sums))])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> DfResult<Vec<ArrayRef>> {
        states_of_rows(Self::new(self.scale), values, filter)
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<Option<i256>>() + self.rests.capacity() * size_of::<i128>()
    }
}

/// A single group.
struct One(Sums);

impl std::fmt::Debug for One {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WideSum").finish_non_exhaustive()
    }
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        self.0
            .add_all(values, |_| 0, None, 1)
            .map_err(to_datafusion)
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        self.0.settle();
        let sum = self.0.sums.first().copied().flatten();
        let array = self.0.values([sum].into_iter()).map_err(to_datafusion)?;
        ScalarValue::try_from_array(&array, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        self.0.settle();
        let sum = self.0.sums.first().copied().flatten();
        Ok(vec![ScalarValue::try_from_array(&Sums::states([sum]), 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        self.0.merge(states, |_| 0, 1).map_err(to_datafusion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Guards against rests that are lost: with and without NULL, beyond 127 bits, of no group, merged.
    #[test]
    fn rests_come_to_what_the_terms_do() -> Result<()> {
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..200 {
            let digits = [3, 12, 19, 30, 38][rng.usize(0..5)];
            let most = 10i128.pow(digits) - 1;
            let nulls = rng.bool();
            let mut column = || -> ArrayRef {
                let value = |rng: &mut fastrand::Rng| match rng.u8(0..40) {
                    0 if nulls => None,
                    1 => Some(DECIMAL_NAN),
                    2 => Some(most),
                    _ => Some(rng.i128(-most..=most)),
                };
                let values: Vec<_> = (0..30).map(|_| value(&mut rng)).collect();
                Arc::new(values.into_iter().collect::<Decimal128Array>())
            };
            let columns = [column(), column()];
            let mut sums = Sums::new(0);
            sums.add_all(&columns, |row| row % 7, None, 8)?;
            sums.settle();
            let mut wanted = Sums::new(0);
            wanted.grow(8);
            let term = terms(&columns)?;
            for row in 0..30 {
                if let Some(term) = term(row) {
                    wanted.add(row % 7, term);
                }
            }
            assert_eq!(sums.sums, wanted.sums);
            assert_eq!(sums.sums.last(), Some(&None));
        }
        Ok(())
    }

    // Guards against sums that wrap around: 38 digits times 38 digits.
    #[test]
    fn products_of_the_longest_decimals_are_exact() -> Result<()> {
        let longest = 10i128.pow(38) - 1;
        let array =
            |values: [i128; 3]| -> ArrayRef { Arc::new(Decimal128Array::from_iter_values(values)) };
        let left = array([longest, -longest, longest]);
        let mut sums = Sums::new(4);
        sums.add_all(&[Arc::clone(&left), Arc::clone(&left)], |_| 0, None, 1)?;
        sums.settle();
        let Some(Some(sum)) = sums.sums.first().copied() else {
            return Err(Error::internal("no sum"));
        };
        let square = Numeric::from_i128(longest, 0).mul(&Numeric::from_i128(longest, 4))?;
        let three = square.mul(&Numeric::from_i128(3, 0))?;
        assert_eq!(sums.number(sum)?, three);
        let mut with_nan = Sums::new(0);
        let values = array([1, DECIMAL_NAN, 5]);
        with_nan.add_all(&[values], |_| 0, None, 1)?;
        with_nan.add(0, i256::from_i128(7));
        with_nan.settle();
        assert_eq!(with_nan.sums, [Some(NAN)]);
        Ok(())
    }
}
