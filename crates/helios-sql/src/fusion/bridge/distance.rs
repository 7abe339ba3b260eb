//! Distances of dense vectors, over whole arrays.

use datafusion::logical_expr::ScalarUDF;
use helios_base::{DataType, VectorKind};
use helios_expr::Measure;

use super::typed::Typed;
use crate::fusion::scalar::VectorDistance;
use crate::fusion::shape::Shape;

/// Whether both are dense vectors of one type; of sparse ones each row takes its own way.
pub(crate) fn is_dense(left: &Typed, right: &Typed) -> bool {
    kind(left).is_some_and(|kind| self::kind(right) == Some(kind) && kind != VectorKind::Sparse)
}

/// The measure of this name, if it is one.
pub(crate) fn measure(name: &str, left: Typed, right: Typed) -> Option<Typed> {
    let (measure, kind) = (Measure::named(name)?, kind(&left)?);
    let call = ScalarUDF::from(VectorDistance::new(measure, kind));
    Some(Typed {
        expr: call.call(vec![left.expr, right.expr]),
        shape: Shape::of(&DataType::Float8),
        // Dimensions may differ.
        risky: true,
    })
}

fn kind(typed: &Typed) -> Option<VectorKind> {
    match typed.shape.ty {
        DataType::Vector(kind, _) => Some(kind),
        _ => None,
    }
}
