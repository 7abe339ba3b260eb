//! Distances of dense vectors in whole arrays, by SIMD kernels.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, Float64Array, Float64Builder};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use helios_base::{Error, F16, Result, VectorKind};
use helios_expr::Measure;
use helios_expr::distance::different;

use crate::fusion::context::StatementContext;
use crate::fusion::error::{from_datafusion, to_datafusion};

/// How many rows go between two looks at the interrupt.
const ROWS_PER_CHECK: usize = 1024;

/// What an operator such as `<->` computes of two columns, one of which is often a constant.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct VectorDistance {
    measure: Measure,
    kind: VectorKind,
    signature: Signature,
}

impl VectorDistance {
    /// A measure of two vectors of a dense type.
    pub fn new(measure: Measure, kind: VectorKind) -> Self {
        Self {
            measure,
            kind,
            signature: Signature::any(2, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for VectorDistance {
    fn name(&self) -> &str {
        self.measure.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(ArrowType::Float64)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        self.run(&args).map_err(to_datafusion)
    }
}

impl VectorDistance {
    fn run(&self, args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let context = StatementContext::of(&args.config_options);
        let check = || context.interrupt().check();
        let array = |arg: &ColumnarValue| arg.to_array(1).map_err(from_datafusion);
        match args.args.as_slice() {
            [
                left @ ColumnarValue::Scalar(_),
                right @ ColumnarValue::Scalar(_),
            ] => {
                let distances = self.pairs(&array(left)?, &array(right)?, check)?;
                super::constant(&distances)
            }
            [left @ ColumnarValue::Scalar(_), ColumnarValue::Array(right)] => self
                .against(&array(left)?, right, false, check)
                .map(ColumnarValue::Array),
            [ColumnarValue::Array(left), right @ ColumnarValue::Scalar(_)] => self
                .against(&array(right)?, left, true, check)
                .map(ColumnarValue::Array),
            [ColumnarValue::Array(left), ColumnarValue::Array(right)] => {
                self.pairs(left, right, check).map(ColumnarValue::Array)
            }
            other => Err(super::arity(other.len())),
        }
    }

    /// One vector against many; `swapped` if it was the second operand, which errors show.
    fn against(
        &self,
        query: &ArrayRef,
        rows: &ArrayRef,
        swapped: bool,
        check: impl Fn() -> Result<()>,
    ) -> Result<ArrayRef> {
        let (query, rows) = (binary(query)?, binary(rows)?);
        if query.is_empty() || query.is_null(0) {
            return Ok(Arc::new(Float64Array::new_null(rows.len())));
        }
        let mut numbers = Vec::new();
        read(query.value(0), self.kind, &mut numbers);
        let query = numbers;
        let mut distances = Float64Builder::with_capacity(rows.len());
        // Vectors lie at odd places; a copy costs little beside what is computed of it.
        let mut scratch: [Vec<f32>; 4] = Default::default();
        let mut pending = 0;
        let flush = |scratch: &[Vec<f32>; 4], pending: usize, out: &mut Float64Builder| {
            if let (4, [a, b, c, d]) = (pending, scratch) {
                for distance in self.measure.distance.dense_4(&query, [a, b, c, d]) {
                    out.append_value(self.measure.read(distance));
                }
            } else {
                for row in scratch.iter().take(pending) {
                    let distance = self.measure.distance.dense(&query, row);
                    out.append_value(self.measure.read(distance));
                }
            }
        };
        for (at, row) in rows.iter().enumerate() {
            if at % ROWS_PER_CHECK == 0 {
                check()?;
            }
            let Some(row) = row else {
                flush(&scratch, pending, &mut distances);
                pending = 0;
                distances.append_null();
                continue;
            };
            let Some(slot) = scratch.get_mut(pending) else {
                return Err(Error::internal("more rows than are compared at once"));
            };
            read(row, self.kind, slot);
            if slot.len() != query.len() {
                let (a, b) = (query.len(), slot.len());
                let (a, b) = if swapped { (b, a) } else { (a, b) };
                return Err(different(self.kind, a, b));
            }
            pending += 1;
            if pending == scratch.len() {
                flush(&scratch, pending, &mut distances);
                pending = 0;
            }
        }
        flush(&scratch, pending, &mut distances);
        Ok(Arc::new(distances.finish()))
    }

    fn pairs(
        &self,
        left: &ArrayRef,
        right: &ArrayRef,
        check: impl Fn() -> Result<()>,
    ) -> Result<ArrayRef> {
        let (left, right) = (binary(left)?, binary(right)?);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let mut distances = Float64Builder::with_capacity(left.len());
        for (at, pair) in left.iter().zip(right.iter()).enumerate() {
            if at % ROWS_PER_CHECK == 0 {
                check()?;
            }
            let (Some(x), Some(y)) = pair else {
                distances.append_null();
                continue;
            };
            read(x, self.kind, &mut a);
            read(y, self.kind, &mut b);
            if a.len() != b.len() {
                return Err(different(self.kind, a.len(), b.len()));
            }
            distances.append_value(self.measure.read(self.measure.distance.dense(&a, &b)));
        }
        Ok(Arc::new(distances.finish()))
    }
}

fn binary(array: &ArrayRef) -> Result<&BinaryViewArray> {
    array
        .as_binary_view_opt()
        .ok_or_else(|| Error::internal("vectors in a column of another form"))
}

/// The numbers of a dense vector, as rows and columns store them.
fn read(bytes: &[u8], kind: VectorKind, numbers: &mut Vec<f32>) {
    numbers.clear();
    if kind == VectorKind::Half {
        let (halves, _) = bytes.as_chunks::<2>();
        numbers.extend(
            halves
                .iter()
                .map(|half| F16(u16::from_le_bytes(*half)).to_f32()),
        );
    } else {
        let (chunks, _) = bytes.as_chunks::<4>();
        numbers.extend(chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)));
    }
}
