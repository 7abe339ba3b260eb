//! Sums of a column plus a constant, from the sum of the column alone: `sum(x + c)` is `sum(x) + c * count(x)`, unless an
//! `x + c` is out of range, which the count of `x` is there to see.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::compute::{max, min};
use arrow::datatypes::{DataType as ArrowType, Int16Type, Int32Type, Int64Type};
use datafusion::common::{Result as DfResult, ScalarValue};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, EmitTo, Expr as DfExpr,
    GroupsAccumulator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};
use helios_base::{DataType, Error, Numeric, Result, SqlState, Value};

use super::rows::{of_counted_sums, states_of_rows};
use crate::fusion::error::to_datafusion;
use crate::fusion::shape::Shape;

/// The constants that are added to a column, from one to the other, and the type of the sums.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shifts {
    pub least: i64,
    pub greatest: i64,
    pub term: DataType,
}

impl Shifts {
    /// # Errors
    /// `22003` if a value plus one of the constants is out of range.
    fn check(&self, array: &ArrayRef) -> Result<()> {
        macro_rules! extremes {
            ($ty:ty) => {{
                let values = array.as_primitive_opt::<$ty>();
                let values = values.ok_or_else(|| Error::internal("no whole numbers"))?;
                (min(values).map(i128::from), max(values).map(i128::from))
            }};
        }
        let extremes = match array.data_type() {
            ArrowType::Int16 => extremes!(Int16Type),
            ArrowType::Int32 => extremes!(Int32Type),
            _ => extremes!(Int64Type),
        };
        let (Some(least), Some(greatest)) = extremes else {
            return Ok(());
        };
        let (name, from, to) = match self.term {
            DataType::Int2 => ("smallint", i16::MIN.into(), i16::MAX.into()),
            DataType::Int4 => ("integer", i32::MIN.into(), i32::MAX.into()),
            _ => ("bigint", i64::MIN.into(), i64::MAX.into()),
        };
        if least + i128::from(self.least) < from || greatest + i128::from(self.greatest) > to {
            return Err(out_of_range(name));
        }
        Ok(())
    }
}

#[cold]
fn out_of_range(name: &str) -> Error {
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("{name} out of range"),
    )
}

/// How many values a column of whole numbers has.
///
/// # Errors
/// When evaluated, `22003` if a value plus one of the constants is out of range.
pub(crate) fn checked_count(shifts: Shifts) -> AggregateUDF {
    AggregateUDF::from(CheckedCount {
        shifts,
        signature: Signature::any(1, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CheckedCount {
    shifts: Shifts,
    signature: Signature,
}

impl AggregateUDFImpl for CheckedCount {
    fn name(&self) -> &str {
        "checked_count"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(ArrowType::Int64)
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        Ok(Box::new(One(self.counts())))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        _: AccumulatorArgs<'_>,
    ) -> DfResult<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(self.counts()))
    }
}

impl CheckedCount {
    fn counts(&self) -> Counts {
        Counts {
            shifts: self.shifts.clone(),
            counts: Vec::new(),
        }
    }
}

#[derive(Debug)]
struct Counts {
    shifts: Shifts,
    counts: Vec<i64>,
}

impl Counts {
    fn add(&mut self, array: &ArrayRef, group: impl Fn(usize) -> usize) -> Result<()> {
        self.shifts.check(array)?;
        for row in 0..array.len() {
            if array.is_valid(row)
                && let Some(count) = self.counts.get_mut(group(row))
            {
                *count += 1;
            }
        }
        Ok(())
    }
}

impl GroupsAccumulator for Counts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> DfResult<()> {
        self.counts.resize(total, 0);
        let (Some(array), None) = (values.first(), filter) else {
            return Err(to_datafusion(Error::internal("a checked count of some")));
        };
        let group = |row: usize| group_indices.get(row).copied().unwrap_or(usize::MAX);
        self.add(array, group).map_err(to_datafusion)
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        group_indices: &[usize],
        total: usize,
    ) -> DfResult<()> {
        self.counts.resize(total, 0);
        let counts = counts_of(states).map_err(to_datafusion)?;
        for (more, group) in counts.values().iter().zip(group_indices) {
            if let Some(count) = self.counts.get_mut(*group) {
                *count += more;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> DfResult<ArrayRef> {
        let counts = emit_to.take_needed(&mut self.counts);
        Ok(Arc::new(Int64Array::from(counts)))
    }

    fn state(&mut self, emit_to: EmitTo) -> DfResult<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> DfResult<Vec<ArrayRef>> {
        let each = Self {
            shifts: self.shifts.clone(),
            counts: Vec::new(),
        };
        states_of_rows(each, values, filter)
    }

    fn size(&self) -> usize {
        self.counts.capacity() * size_of::<i64>()
    }
}

fn counts_of(states: &[ArrayRef]) -> Result<&Int64Array> {
    let counts = states.first().and_then(|array| array.as_primitive_opt());
    counts.ok_or_else(|| Error::internal("counts that are no numbers"))
}

/// A single group.
#[derive(Debug)]
struct One(Counts);

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        self.0.counts.resize(1, 0);
        for array in values {
            self.0.shifts.check(array).map_err(to_datafusion)?;
            if let Some(count) = self.0.counts.first_mut() {
                *count += (array.len() - array.null_count()) as i64;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        let count = self.0.counts.first().copied();
        Ok(ScalarValue::Int64(Some(count.unwrap_or(0))))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.size()
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        let groups = vec![0; states.first().map_or(0, |array| array.len())];
        self.0.merge_batch(states, &groups, 1)
    }
}

/// `sum + shift * count`, of the form `shape` as the sum.
pub(crate) fn shifted_sum(sum: DfExpr, count: DfExpr, shift: i64, shape: Shape) -> DfExpr {
    let call = ScalarUDF::from(ShiftedSum {
        shift,
        shape,
        signature: Signature::any(3, Volatility::Immutable),
    });
    // The last argument tells calls apart, which DataFusion does by their texts.
    call.call(vec![sum, count, lit(shift)])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ShiftedSum {
    shift: i64,
    shape: Shape,
    signature: Signature,
}

impl ScalarUDFImpl for ShiftedSum {
    fn name(&self) -> &str {
        "shifted_sum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(self.shape.arrow.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        self.run(&args).map_err(to_datafusion)
    }
}

impl ShiftedSum {
    fn run(&self, args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let known = args.args.get(..2).unwrap_or(&args.args);
        of_counted_sums(known, &self.shape, &self.shape, |sum, count| {
            let more = i128::from(count) * i128::from(self.shift);
            Ok(match sum {
                Value::Null => Value::Null,
                Value::Int8(sum) => {
                    let sum = i64::try_from(i128::from(sum) + more);
                    Value::Int8(sum.map_err(|_| out_of_range("bigint"))?)
                }
                Value::Numeric(sum) => Value::Numeric(sum.add(&Numeric::from_i128(more, 0))?),
                other => return Err(Error::internal(format!("a shifted sum of {other:?}"))),
            })
        })
    }
}
