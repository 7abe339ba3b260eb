//! Sums, differences and products of decimals and whole numbers in 64 bits, a block of rows at a time.
//!
//! How many bits the values of a column take is looked up in each block; from that follows how many a result takes, so that nothing
//! has to be checked row by row. Of a block whose results may take more, nothing is computed.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType as ArrowType, Decimal32Type, Decimal64Type, Int16Type, Int32Type, Int64Type,
};
use datafusion::common::ScalarValue;
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_plan::PhysicalExpr;
use datafusion::physical_plan::projection::ProjectionExpr;

use crate::fusion::scalar::{Arith, ArithOp, Reshape};

/// Rows of a block: what is computed of them stays in the processor's nearest memory.
pub(super) const BLOCK: usize = 512;

/// Bits of the absolute value of a number of 64.
const MOST_BITS: u32 = 63;

/// A number per row.
pub(super) type Numbers = [i64; BLOCK];

/// What is computed of each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    /// An input, by its place among [`Terms::inputs`].
    Input(usize),
    Constant(i64),
    /// Of nodes before this one.
    Add(usize, usize),
    Sub(usize, usize),
    Mul(usize, usize),
    Neg(usize),
}

/// Terms over the columns of a scan, what they have in common computed once.
#[derive(Debug, Default)]
pub(super) struct Terms {
    nodes: Vec<Node>,
    /// The columns of the scan that they are over.
    inputs: Vec<usize>,
}

/// What each node is in a block.
pub(super) struct Computed {
    values: Vec<Box<Numbers>>,
    bits: Vec<u32>,
}

impl Terms {
    /// The columns of the scan that the terms are over.
    pub(super) fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// The place of a term, if it is one; `below`: what its columns are, if not those of the scan, the lowest last.
    pub(super) fn add(
        &mut self,
        expr: &Arc<dyn PhysicalExpr>,
        below: &[&[ProjectionExpr]],
        types: &impl Fn(usize) -> Option<ArrowType>,
    ) -> Option<usize> {
        if let Some(column) = expr.downcast_ref::<Column>() {
            if let Some((projection, below)) = below.split_first() {
                return self.add(&projection.get(column.index())?.expr, below, types);
            }
            return match types(column.index())? {
                ArrowType::Decimal128(..)
                | ArrowType::Int16
                | ArrowType::Int32
                | ArrowType::Int64 => Some(self.column(column.index())),
                _ => None,
            };
        }
        if let Some(literal) = expr.downcast_ref::<Literal>() {
            let ScalarValue::Decimal128(Some(value), ..) = literal.value() else {
                return None;
            };
            let value = i64::try_from(*value).ok()?;
            return Some(self.node(Node::Constant(value)));
        }
        let call = expr.downcast_ref::<ScalarFunctionExpr>()?;
        let function = call.fun().inner();
        if let Some(reshape) = function.downcast_ref::<Reshape>() {
            let [arg] = call.args() else { return None };
            let factor = 10i64.checked_pow(reshape.more_digits()?)?;
            let arg = self.add(arg, below, types)?;
            let factor = self.node(Node::Constant(factor));
            return Some(self.node(Node::Mul(arg, factor)));
        }
        // Whole numbers may be out of range, which is an error.
        let op = function.downcast_ref::<Arith>()?.of_decimals()?;
        let args = call.args().iter().map(|arg| self.add(arg, below, types));
        let args = args.collect::<Option<Vec<_>>>()?;
        let node = match (op, args.as_slice()) {
            (ArithOp::Add, [a, b]) => Node::Add(*a, *b),
            (ArithOp::Sub, [a, b]) => Node::Sub(*a, *b),
            (ArithOp::Mul, [a, b]) => Node::Mul(*a, *b),
            (ArithOp::Neg, [a]) => Node::Neg(*a),
            _ => return None,
        };
        Some(self.node(node))
    }

    /// The product of two terms.
    pub(super) fn product(&mut self, a: usize, b: usize) -> usize {
        self.node(Node::Mul(a, b))
    }

    /// A column of the scan.
    pub(super) fn column(&mut self, column: usize) -> usize {
        let known = self.inputs.iter().position(|known| *known == column);
        let place = known.unwrap_or_else(|| {
            self.inputs.push(column);
            self.inputs.len() - 1
        });
        self.node(Node::Input(place))
    }

    fn node(&mut self, node: Node) -> usize {
        let known = self.nodes.iter().position(|known| *known == node);
        known.unwrap_or_else(|| {
            self.nodes.push(node);
            self.nodes.len() - 1
        })
    }

    /// Room for what they are in a block.
    pub(super) fn room(&self) -> Computed {
        let values = |node: &Node| match node {
            Node::Constant(value) => Box::new([*value; BLOCK]),
            _ => Box::new([0; BLOCK]),
        };
        Computed {
            values: self.nodes.iter().map(values).collect(),
            bits: vec![0; self.nodes.len()],
        }
    }

    /// Computes the terms of up to a block of rows from one on; `columns` are the inputs. False if a result may not fit.
    pub(super) fn compute(
        &self,
        columns: &[Numbered<'_>],
        from: usize,
        rows: usize,
        out: &mut Computed,
    ) -> bool {
        for (at, node) in self.nodes.iter().enumerate() {
            let (before, rest) = out.values.split_at_mut(at);
            let Some(to) = rest.first_mut() else {
                return false;
            };
            let value = |at: &usize| before.get(*at).map(|values| &**values);
            let bits_of = |at: &usize| out.bits.get(*at).copied();
            let pair = |a, b| Some((value(a)?, value(b)?, bits_of(a)?, bits_of(b)?));
            let bits = match node {
                Node::Input(column) => {
                    let Some(column) = columns.get(*column) else {
                        return false;
                    };
                    column.copy(from, rows, to);
                    bits(to)
                }
                // It is there already.
                Node::Constant(value) => u64::BITS - value.unsigned_abs().leading_zeros(),
                Node::Add(a, b) => match pair(a, b) {
                    Some((a, b, bits_a, bits_b)) => {
                        each(a, b, to, i64::wrapping_add);
                        bits_a.max(bits_b) + 1
                    }
                    None => return false,
                },
                Node::Sub(a, b) => match pair(a, b) {
                    Some((a, b, bits_a, bits_b)) => {
                        each(a, b, to, i64::wrapping_sub);
                        bits_a.max(bits_b) + 1
                    }
                    None => return false,
                },
                Node::Mul(a, b) => match pair(a, b) {
                    Some((a, b, bits_a, bits_b)) => {
                        each(a, b, to, i64::wrapping_mul);
                        bits_a + bits_b
                    }
                    None => return false,
                },
                Node::Neg(a) => match (value(a), bits_of(a)) {
                    (Some(a), Some(bits)) => {
                        each(a, a, to, |a, _| a.wrapping_neg());
                        bits
                    }
                    _ => return false,
                },
            };
            if bits > MOST_BITS {
                return false;
            }
            if let Some(known) = out.bits.get_mut(at) {
                *known = bits;
            }
        }
        true
    }
}

impl Computed {
    /// A term of each row, and how many bits its absolute values take.
    pub(super) fn term(&self, term: usize) -> Option<(&Numbers, u32)> {
        Some((self.values.get(term)?, *self.bits.get(term)?))
    }
}

fn each(a: &Numbers, b: &Numbers, to: &mut Numbers, f: impl Fn(i64, i64) -> i64) {
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        *to = f(*a, *b);
    }
}

/// How many bits the absolute values take, the least number's own being taken for one less.
fn bits(values: &Numbers) -> u32 {
    // Of a negative number all bits are turned around, which is its absolute value less one.
    let mut all = 0u64;
    let mut any_negative = 0i64;
    for value in values {
        all |= (value ^ (value >> 63)).cast_unsigned();
        any_negative |= value;
    }
    // 2^n has n + 1 bits and stands for -2^n, whose absolute value is one more than the bits show.
    let bits = u64::BITS - all.leading_zeros();
    bits + u32::from(any_negative < 0)
}

/// A column of numbers as it is kept.
pub(super) enum Numbered<'a> {
    Short(&'a [i16]),
    Middle(&'a [i32]),
    Long(&'a [i64]),
}

impl<'a> Numbered<'a> {
    /// `None` if a number is `NULL` or takes more than 64 bits.
    pub(super) fn of(array: &'a ArrayRef) -> Option<Self> {
        if array.null_count() > 0 {
            return None;
        }
        Some(match array.data_type() {
            ArrowType::Int16 => Self::Short(array.as_primitive_opt::<Int16Type>()?.values()),
            ArrowType::Int32 => Self::Middle(array.as_primitive_opt::<Int32Type>()?.values()),
            ArrowType::Int64 => Self::Long(array.as_primitive_opt::<Int64Type>()?.values()),
            ArrowType::Decimal32(..) => {
                Self::Middle(array.as_primitive_opt::<Decimal32Type>()?.values())
            }
            ArrowType::Decimal64(..) => {
                Self::Long(array.as_primitive_opt::<Decimal64Type>()?.values())
            }
            _ => return None,
        })
    }

    /// Rows from one on; zero behind them.
    fn copy(&self, from: usize, rows: usize, to: &mut Numbers) {
        fn widened<T: Copy + Into<i64>>(values: &[T], to: &mut Numbers) {
            for (to, value) in to.iter_mut().zip(values) {
                *to = (*value).into();
            }
            if let Some(rest) = to.get_mut(values.len()..) {
                rest.fill(0);
            }
        }
        let range = from..from + rows.min(BLOCK);
        match self {
            Self::Short(values) => widened(values.get(range).unwrap_or_default(), to),
            Self::Middle(values) => widened(values.get(range).unwrap_or_default(), to),
            Self::Long(values) => widened(values.get(range).unwrap_or_default(), to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn computed(terms: &Terms, columns: &[Vec<i64>]) -> Option<Vec<Vec<i64>>> {
        let rows = columns.first().map_or(0, Vec::len);
        let columns: Vec<Numbered<'_>> = columns.iter().map(|c| Numbered::Long(c)).collect();
        let mut out = terms.room();
        let mut all = vec![Vec::new(); terms.nodes.len()];
        for from in (0..rows).step_by(BLOCK) {
            let block = BLOCK.min(rows - from);
            if !terms.compute(&columns, from, block, &mut out) {
                return None;
            }
            for (all, values) in all.iter_mut().zip(&out.values) {
                all.extend_from_slice(&values[..block]);
            }
        }
        Some(all)
    }

    // Guards against results that do not fit and are computed: each is compared with that in 128 bits.
    #[test]
    fn terms_are_exact_or_refused() {
        let mut rng = fastrand::Rng::with_seed(8);
        let (mut done, mut refused) = (0, 0);
        for round in 0..2000 {
            let mut terms = Terms::default();
            for column in 0..3 {
                terms.column(column);
            }
            for _ in 0..rng.usize(1..6) {
                let mut one = || rng.usize(0..terms.nodes.len());
                let (a, b) = (one(), one());
                let node = match rng.u8(0..5) {
                    0 => Node::Constant(rng.i64(..) >> rng.u32(0..64)),
                    1 => Node::Add(a, b),
                    2 => Node::Sub(a, b),
                    3 => Node::Mul(a, b),
                    _ => Node::Neg(a),
                };
                terms.node(node);
            }
            let rows = rng.usize(1..2500);
            let column = |rng: &mut fastrand::Rng| -> Vec<i64> {
                let most = rng.u32(1..64);
                let value = |rng: &mut fastrand::Rng| match rng.u8(0..20) {
                    0 if most == 1 && round % 7 == 0 => i64::MIN,
                    1 => (1i64 << (63 - most)).wrapping_neg(),
                    _ => rng.i64(..) >> most,
                };
                (0..rows).map(|_| value(rng)).collect()
            };
            let columns = [column(&mut rng), column(&mut rng), column(&mut rng)];
            let Some(found) = computed(&terms, &columns) else {
                refused += 1;
                continue;
            };
            done += 1;
            let mut wanted: Vec<Vec<i128>> = Vec::new();
            for node in &terms.nodes {
                let of = |row: usize| match node {
                    Node::Input(column) => i128::from(columns[*column][row]),
                    Node::Constant(value) => i128::from(*value),
                    Node::Add(a, b) => wanted[*a][row] + wanted[*b][row],
                    Node::Sub(a, b) => wanted[*a][row] - wanted[*b][row],
                    Node::Mul(a, b) => wanted[*a][row] * wanted[*b][row],
                    Node::Neg(a) => -wanted[*a][row],
                };
                wanted.push((0..rows).map(of).collect());
            }
            for (found, wanted) in found.iter().zip(&wanted) {
                let found: Vec<i128> = found.iter().map(|value| i128::from(*value)).collect();
                assert_eq!(&found, wanted, "{:?}", terms.nodes);
            }
        }
        assert!(done > 300 && refused > 300, "{done} {refused}");
    }
}
