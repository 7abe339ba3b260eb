//! A translated expression: DataFusion's tree, and the shape of what it yields.

use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr as DfExpr, ScalarUDF};
use helios_base::{Result, Value};

use crate::fusion::array::{read_scalar, scalar_of};
use crate::fusion::scalar::{key_of, reshape};
use crate::fusion::shape::Shape;

/// A DataFusion expression and what is known of its values.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    /// The expression.
    pub expr: DfExpr,
    /// The form of its values.
    pub shape: Shape,
    /// Whether evaluating it on rows that SQL would not evaluate it on may raise an error.
    pub risky: bool,
}

impl Typed {
    /// An expression that raises no errors.
    pub fn safe(expr: DfExpr, shape: Shape) -> Self {
        Self {
            expr,
            shape,
            risky: false,
        }
    }

    /// A column of a relation.
    pub fn column(column: Column, shape: Shape) -> Self {
        Self::safe(DfExpr::Column(column), shape)
    }

    /// A constant, in the narrowest form that holds it.
    ///
    /// # Errors
    /// Internal if the value is not one of the shape's type.
    pub fn literal(value: &Value, shape: Shape) -> Result<Self> {
        Ok(Self::safe(
            DfExpr::Literal(scalar_of(value, &shape)?, None),
            shape,
        ))
    }

    /// The constant, if this is one.
    pub fn as_literal(&self) -> Option<&ScalarValue> {
        match &self.expr {
            DfExpr::Literal(scalar, _) => Some(scalar),
            _ => None,
        }
    }

    /// Whether this is a constant `NULL`.
    pub fn is_null(&self) -> bool {
        self.as_literal().is_some_and(ScalarValue::is_null)
    }

    /// The same values in another form of the same SQL type.
    ///
    /// Numbers keep their value; a decimal form also fixes how many digits are shown.
    ///
    /// # Errors
    /// Internal if a constant cannot be had in that form.
    pub fn into_shape(self, shape: &Shape) -> Result<Self> {
        if self.shape.arrow == shape.arrow {
            return Ok(Self {
                shape: shape.clone(),
                ..self
            });
        }
        if self.is_null() {
            return Self::literal(&Value::Null, shape.clone());
        }
        let call = ScalarUDF::from(reshape(self.shape.clone(), shape.clone()));
        if let Some(scalar) = self.as_literal() {
            let value = read_scalar(scalar, &self.shape)?;
            if let Some(value) = crate::fusion::array::fit(&value, shape) {
                return Self::literal(&value, shape.clone());
            }
        }
        Ok(Self {
            expr: call.call(vec![self.expr]),
            shape: shape.clone(),
            risky: self.risky,
        })
    }

    /// What to compare, sort, group or join by.
    pub fn key(self) -> DfExpr {
        key_of(self.expr, &self.shape)
    }
}

/// The shape in which both sides hold all their values and can be compared, if there is one.
///
/// Display scales do not survive it: use it for comparisons only.
pub(crate) fn comparable(left: &Typed, right: &Typed) -> Option<Shape> {
    if let (Some((p, s)), Some((q, t))) = (left.shape.as_decimal(), right.shape.as_decimal()) {
        let scale = s.max(t);
        let whole = (u16::from(p) - s.min(p.into())).max(u16::from(q) - t.min(q.into()));
        return Some(
            Shape::decimal(whole + scale, scale)
                .unwrap_or_else(|| Shape::of(&helios_base::DataType::Numeric(None))),
        );
    }
    if left.is_null() {
        return Some(right.shape.clone());
    }
    if right.is_null() {
        return Some(left.shape.clone());
    }
    let same = left.shape.ty.same(&right.shape.ty);
    let free = || Shape::of(&helios_base::DataType::Numeric(None));
    match (&left.shape, &right.shape) {
        (a, b) if same && a.arrow == b.arrow => Some(a.clone()),
        (a, b) if same && (a.is_free_numeric() || b.is_free_numeric()) => Some(free()),
        (a, b) if a.ty.is_string() && b.ty.is_string() => {
            // Blanks of `char(n)` count once it is compared as text, which a cast has said.
            let char = |s: &Shape| matches!(s.ty, helios_base::DataType::Char(_));
            (!char(a) && !char(b)).then(|| a.clone())
        }
        _ => None,
    }
}
