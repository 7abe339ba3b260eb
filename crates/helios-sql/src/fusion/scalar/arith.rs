//! Arithmetic on whole arrays, with PostgreSQL's errors.
//!
//! Integers and floats are checked for range; decimals are planned so wide that they cannot
//! overflow, and only look out for `NaN`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::compute::kernels::arity::{try_binary, try_unary, unary};
use arrow::datatypes::{
    DataType as ArrowType, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type,
};
use arrow::error::ArrowError;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use helios_base::{Error, Result, SqlState};
use num_traits::{CheckedAdd, CheckedMul, CheckedSub, Float, PrimInt, Signed, Zero};

use crate::fusion::error::{from_arrow, from_datafusion, to_datafusion};
use crate::fusion::shape::{DECIMAL_NAN, Shape};

/// An arithmetic operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ArithOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Neg,
}

/// The function of an operator over arrays of one form.
///
/// Integer and float operands have the result's form. Decimal operands have the result's scale
/// for addition, subtraction and negation, and any scales that add up to it for multiplication.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Arith {
    op: ArithOp,
    output: Shape,
    signature: Signature,
}

impl Arith {
    /// The function with results of this form.
    pub fn new(op: ArithOp, output: Shape) -> Self {
        let arity = if op == ArithOp::Neg { 1 } else { 2 };
        Self {
            op,
            output,
            signature: Signature::any(arity, Volatility::Immutable),
        }
    }

    /// The operator, if its operands are decimals.
    pub fn of_decimals(&self) -> Option<ArithOp> {
        self.output.as_decimal().map(|_| self.op)
    }
}

impl ScalarUDFImpl for Arith {
    fn name(&self) -> &str {
        match self.op {
            ArithOp::Add => "add",
            ArithOp::Sub => "subtract",
            ArithOp::Mul => "multiply",
            ArithOp::Div => "divide",
            ArithOp::Rem => "modulo",
            ArithOp::Neg => "negate",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(self.output.arrow.clone())
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        self.run(&args.args).map_err(to_datafusion)
    }
}

impl Arith {
    fn run(&self, args: &[ColumnarValue]) -> Result<ColumnarValue> {
        match args {
            [operand] => {
                let array = operand.to_array(1).map_err(from_datafusion)?;
                let result = self.negate(&array)?;
                finish(result, matches!(operand, ColumnarValue::Scalar(_)))
            }
            [ColumnarValue::Scalar(left), ColumnarValue::Scalar(right)] => {
                let left = left.to_array().map_err(from_datafusion)?;
                let right = right.to_array().map_err(from_datafusion)?;
                finish(self.combine(&left, &right, [false; 2])?, true)
            }
            [left, right] => {
                let constant = [left, right].map(|arg| matches!(arg, ColumnarValue::Scalar(_)));
                let left = left.to_array(1).map_err(from_datafusion)?;
                let right = right.to_array(1).map_err(from_datafusion)?;
                finish(self.combine(&left, &right, constant)?, false)
            }
            other => Err(super::arity(other.len())),
        }
    }

    fn negate(&self, array: &ArrayRef) -> Result<ArrayRef> {
        Ok(match self.output.arrow {
            ArrowType::Int16 => negate_integer::<Int16Type>(array, "smallint")?,
            ArrowType::Int32 => negate_integer::<Int32Type>(array, "integer")?,
            ArrowType::Int64 => negate_integer::<Int64Type>(array, "bigint")?,
            ArrowType::Float32 => Arc::new(unary::<_, _, Float32Type>(
                typed::<Float32Type>(array)?,
                |x| -x,
            )),
            ArrowType::Float64 => Arc::new(unary::<_, _, Float64Type>(
                typed::<Float64Type>(array)?,
                |x| -x,
            )),
            ArrowType::Decimal128(..) => {
                let negated = unary::<_, _, Decimal128Type>(typed::<Decimal128Type>(array)?, |x| {
                    if x == DECIMAL_NAN { x } else { -x }
                });
                Arc::new(negated.with_data_type(self.output.arrow.clone()))
            }
            _ => return Err(self.unknown()),
        })
    }

    /// `constant` marks operands of one element that stand for all rows.
    fn combine(&self, left: &ArrayRef, right: &ArrayRef, constant: [bool; 2]) -> Result<ArrayRef> {
        Ok(match self.output.arrow {
            ArrowType::Int16 => integers::<Int16Type>(self.op, left, right, constant, "smallint")?,
            ArrowType::Int32 => integers::<Int32Type>(self.op, left, right, constant, "integer")?,
            ArrowType::Int64 => integers::<Int64Type>(self.op, left, right, constant, "bigint")?,
            ArrowType::Float32 => floats::<Float32Type>(self.op, left, right, constant)?,
            ArrowType::Float64 => floats::<Float64Type>(self.op, left, right, constant)?,
            ArrowType::Decimal128(..) => {
                let f = match self.op {
                    ArithOp::Add => |a: i128, b: i128| a.wrapping_add(b),
                    ArithOp::Sub => |a: i128, b: i128| a.wrapping_sub(b),
                    ArithOp::Mul => |a: i128, b: i128| a.wrapping_mul(b),
                    _ => return Err(self.unknown()),
                };
                let result = decimals(left, right, constant, f)?;
                Arc::new(result.with_data_type(self.output.arrow.clone()))
            }
            _ => return Err(self.unknown()),
        })
    }

    fn unknown(&self) -> Error {
        Error::internal(format!("{:?} over {}", self.op, self.output.arrow))
    }
}

fn finish(array: ArrayRef, constant: bool) -> Result<ColumnarValue> {
    if constant {
        super::constant(&array)
    } else {
        Ok(ColumnarValue::Array(array))
    }
}

fn typed<T: ArrowPrimitiveType>(array: &ArrayRef) -> Result<&PrimitiveArray<T>> {
    array
        .as_primitive_opt::<T>()
        .ok_or_else(|| Error::internal(format!("arithmetic on a column of {}", array.data_type())))
}

/// Applies `f` to each pair without `NULL`s.
fn apply<T: ArrowPrimitiveType>(
    left: &ArrayRef,
    right: &ArrayRef,
    constant: [bool; 2],
    f: impl Fn(T::Native, T::Native) -> Result<T::Native, Failure>,
) -> Result<PrimitiveArray<T>> {
    let left = typed::<T>(left)?;
    let right = typed::<T>(right)?;
    let f = |a, b| f(a, b).map_err(Failure::into_arrow);
    match constant {
        [true, _] if left.is_null(0) => Ok(PrimitiveArray::new_null(right.len())),
        [_, true] if right.is_null(0) => Ok(PrimitiveArray::new_null(left.len())),
        [true, _] => {
            let a = left.value(0);
            try_unary(right, |b| f(a, b))
        }
        [_, true] => {
            let b = right.value(0);
            try_unary(left, |a| f(a, b))
        }
        _ => try_binary(left, right, f),
    }
    .map_err(from_arrow)
}

/// Applies `f`, which cannot fail, to each pair, unless one of it is `NaN`.
fn decimals(
    left: &ArrayRef,
    right: &ArrayRef,
    constant: [bool; 2],
    f: impl Fn(i128, i128) -> i128,
) -> Result<PrimitiveArray<Decimal128Type>> {
    let left = typed::<Decimal128Type>(left)?;
    let right = typed::<Decimal128Type>(right)?;
    let nulls = match constant {
        [true, _] if left.is_null(0) => return Ok(PrimitiveArray::new_null(right.len())),
        [_, true] if right.is_null(0) => return Ok(PrimitiveArray::new_null(left.len())),
        [true, _] => right.nulls().cloned(),
        [_, true] => left.nulls().cloned(),
        _ => NullBuffer::union(left.nulls(), right.nulls()),
    };
    // All values, those of `NULL`s too: a loop without a branch.
    let mut has_nan = false;
    let mut quick = |a: i128, b: i128| {
        has_nan |= a == DECIMAL_NAN || b == DECIMAL_NAN;
        f(a, b)
    };
    let mut values = pairs(left.values(), right.values(), constant, &mut quick);
    if has_nan {
        values = pairs(
            left.values(),
            right.values(),
            constant,
            &mut |a, b| match a == DECIMAL_NAN || b == DECIMAL_NAN {
                true => DECIMAL_NAN,
                false => f(a, b),
            },
        );
    }
    Ok(PrimitiveArray::new(values.into(), nulls))
}

/// What `f` makes of each pair.
fn pairs(
    left: &[i128],
    right: &[i128],
    constant: [bool; 2],
    f: &mut impl FnMut(i128, i128) -> i128,
) -> Vec<i128> {
    match (constant, left.first(), right.first()) {
        ([true, _], Some(a), _) => right.iter().map(|b| f(*a, *b)).collect(),
        ([_, true], _, Some(b)) => left.iter().map(|a| f(*a, *b)).collect(),
        _ => left.iter().zip(right).map(|(a, b)| f(*a, *b)).collect(),
    }
}

/// Why an operation failed; built into an error only when it leaves the loop.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Range(&'static str),
    Overflow,
    Underflow,
    DivisionByZero,
}

impl Failure {
    #[cold]
    fn into_arrow(self) -> ArrowError {
        let range = |text: String| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, text);
        let error = match self {
            Self::Range(ty) => range(format!("{ty} out of range")),
            Self::Overflow => range("value out of range: overflow".to_owned()),
            Self::Underflow => range("value out of range: underflow".to_owned()),
            Self::DivisionByZero => Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"),
        };
        ArrowError::ExternalError(Box::new(to_datafusion(error)))
    }
}

fn negate_integer<T>(array: &ArrayRef, name: &'static str) -> Result<ArrayRef>
where
    T: ArrowPrimitiveType,
    T::Native: PrimInt + Signed,
{
    let zero = <T::Native as Zero>::zero();
    let negated: PrimitiveArray<T> = try_unary(typed::<T>(array)?, |x: T::Native| {
        checked_sub(zero, x).ok_or_else(|| Failure::Range(name).into_arrow())
    })
    .map_err(from_arrow)?;
    Ok(Arc::new(negated))
}

fn checked_sub<N: PrimInt>(a: N, b: N) -> Option<N> {
    CheckedSub::checked_sub(&a, &b)
}

fn integers<T>(
    op: ArithOp,
    left: &ArrayRef,
    right: &ArrayRef,
    constant: [bool; 2],
    name: &'static str,
) -> Result<ArrayRef>
where
    T: ArrowPrimitiveType,
    T::Native: PrimInt + Signed,
{
    let zero = <T::Native as Zero>::zero();
    let minus_one = zero - <T::Native as num_traits::One>::one();
    let result: PrimitiveArray<T> = apply(left, right, constant, |a: T::Native, b: T::Native| {
        let result = match op {
            ArithOp::Add => CheckedAdd::checked_add(&a, &b),
            ArithOp::Sub => CheckedSub::checked_sub(&a, &b),
            ArithOp::Mul => CheckedMul::checked_mul(&a, &b),
            ArithOp::Div if b == zero => return Err(Failure::DivisionByZero),
            ArithOp::Div => num_traits::CheckedDiv::checked_div(&a, &b),
            ArithOp::Rem if b == zero => return Err(Failure::DivisionByZero),
            // The remainder of the smallest number by -1 exists, though the quotient does not.
            ArithOp::Rem if b == minus_one => Some(zero),
            ArithOp::Rem => Some(a % b),
            ArithOp::Neg => None,
        };
        result.ok_or(Failure::Range(name))
    })?;
    Ok(Arc::new(result))
}

fn floats<T>(
    op: ArithOp,
    left: &ArrayRef,
    right: &ArrayRef,
    constant: [bool; 2],
) -> Result<ArrayRef>
where
    T: ArrowPrimitiveType,
    T::Native: Float,
{
    let result: PrimitiveArray<T> = apply(left, right, constant, |a: T::Native, b: T::Native| {
        let overflows = |r: T::Native| r.is_infinite() && !a.is_infinite() && !b.is_infinite();
        match op {
            ArithOp::Add | ArithOp::Sub => {
                let r = if op == ArithOp::Add { a + b } else { a - b };
                if overflows(r) {
                    Err(Failure::Overflow)
                } else {
                    Ok(r)
                }
            }
            ArithOp::Mul => {
                let r = a * b;
                if overflows(r) {
                    Err(Failure::Overflow)
                } else if r.is_zero() && !a.is_zero() && !b.is_zero() {
                    Err(Failure::Underflow)
                } else {
                    Ok(r)
                }
            }
            ArithOp::Div => {
                if b.is_zero() && !a.is_nan() {
                    return Err(Failure::DivisionByZero);
                }
                let r = a / b;
                if r.is_infinite() && !a.is_infinite() {
                    Err(Failure::Overflow)
                } else if r.is_zero() && !a.is_zero() && !b.is_infinite() {
                    Err(Failure::Underflow)
                } else {
                    Ok(r)
                }
            }
            ArithOp::Rem | ArithOp::Neg => Err(Failure::Overflow),
        }
    })?;
    Ok(Arc::new(result))
}
