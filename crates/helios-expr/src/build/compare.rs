//! Comparisons beyond a single operator: rows, IN, BETWEEN, DISTINCT, ANY and ALL, LIKE.

use helios_base::{DataType, Error, Result, SqlState};

use super::Builder;
use super::call::types_of;
use crate::expr::Expr;
use crate::function::{Comparison, Function};
use crate::resolve::{self, common_type};

/// The pattern operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternKind {
    /// `LIKE`
    Like,
    /// `ILIKE`
    ILike,
    /// `SIMILAR TO`
    Similar,
}

impl Builder<'_> {
    /// `(a, b) op (c, d)`: `=` and `<>` by field, the others in order of the fields.
    ///
    /// # Errors
    /// `42601` unequal lengths, `0A000` other operators, and as [`Builder::operator`].
    pub(super) fn compare_rows(&self, name: &str, left: Expr, right: Expr) -> Result<Expr> {
        let (Expr::Row(left), Expr::Row(right)) = (left, right) else {
            return Err(Error::internal("row comparison of what is no row"));
        };
        if left.len() != right.len() {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                "unequal number of entries in row expressions",
            ));
        }
        if left.is_empty() {
            return Err(Error::unsupported("cannot compare rows of zero length"));
        }
        let pairs = left.into_iter().zip(right);
        match name {
            "=" => Ok(Expr::And(
                pairs
                    .map(|(l, r)| self.operator("=", l, r))
                    .collect::<Result<_>>()?,
            )),
            "<>" | "!=" => Ok(Expr::Or(
                pairs
                    .map(|(l, r)| self.operator("<>", l, r))
                    .collect::<Result<_>>()?,
            )),
            "<" | "<=" | ">" | ">=" => {
                let strict = name.get(..1).unwrap_or(name);
                let mut pairs: Vec<_> = pairs.collect();
                // Fields that do not compare are reported by the operator as written.
                for (l, r) in &pairs {
                    resolve::operator(name, Some(l.ty()), r.ty())?;
                }
                let (l, r) = pairs
                    .pop()
                    .ok_or_else(|| Error::internal("row without fields"))?;
                let mut order = self.operator(name, l, r)?;
                // a < c OR (a = c AND …): unknown as soon as a deciding field is unknown.
                while let Some((l, r)) = pairs.pop() {
                    let before = self.operator(strict, l.clone(), r.clone())?;
                    let equal = self.operator("=", l, r)?;
                    order = Expr::Or(vec![before, Expr::And(vec![equal, order])]);
                }
                Ok(order)
            }
            other => Err(Error::unsupported(format!(
                "could not determine interpretation of row comparison operator {other}"
            ))
            .with_hint(
                "Row comparison operators must be associated with btree operator families.",
            )),
        }
    }

    /// `expr IS [NOT] DISTINCT FROM other`.
    ///
    /// # Errors
    /// As [`Builder::operator`] for `=`.
    pub fn distinct(&self, left: Expr, right: Expr, negated: bool) -> Result<Expr> {
        // Against NULL this is a null test, which takes any type.
        for (value, other) in [(&left, &right), (&right, &left)] {
            if matches!(
                value,
                Expr::Literal(helios_base::Value::Null, DataType::Unknown)
            ) {
                return Ok(Expr::IsNull {
                    expr: Box::new(self.settle(other.clone())?),
                    negated: !negated,
                });
            }
        }
        if let (Expr::Row(l), Expr::Row(r)) = (&left, &right) {
            if l.len() != r.len() {
                return Err(Error::new(
                    SqlState::SYNTAX_ERROR,
                    "unequal number of entries in row expressions",
                ));
            }
            let terms = l
                .iter()
                .zip(r)
                .map(|(l, r)| self.distinct(l.clone(), r.clone(), negated))
                .collect::<Result<Vec<_>>>()?;
            return Ok(if negated {
                Expr::And(terms)
            } else {
                Expr::Or(terms)
            });
        }
        let (equal, mut pair) = self.equality(left, right)?;
        match (pair.pop(), pair.pop()) {
            (Some(right), Some(left)) => Ok(Expr::Distinct {
                left: Box::new(left),
                right: Box::new(right),
                equal,
                negated,
            }),
            _ => Err(Error::internal("operand lost")),
        }
    }

    /// The `=` operator for two operands and the operands converted for it.
    fn equality(&self, left: Expr, right: Expr) -> Result<(&'static Function, Vec<Expr>)> {
        let resolved = resolve::operator("=", Some(left.ty()), right.ty())?;
        let pair = self.arguments(&resolved.args, vec![left, right])?;
        Ok((resolved.entry, pair))
    }

    /// `expr [NOT] IN (list)`.
    ///
    /// # Errors
    /// As [`Builder::operator`] for `=`.
    pub fn in_list(&self, expr: Expr, list: Vec<Expr>, negated: bool) -> Result<Expr> {
        let scalar = !matches!(expr, Expr::Row(_));
        if scalar && let Some(fast) = self.uniform_in(&expr, &list, negated)? {
            return Ok(fast);
        }
        // Types differ: `expr = a OR expr = b`, each by its own operator.
        let name = if negated { "<>" } else { "=" };
        let mut terms = list
            .into_iter()
            .map(|item| self.operator(name, expr.clone(), item))
            .collect::<Result<Vec<_>>>()?;
        Ok(match (terms.len(), negated) {
            (1, _) => terms.pop().unwrap_or(Expr::NULL),
            (_, true) => Expr::And(terms),
            (_, false) => Expr::Or(terms),
        })
    }

    /// One test against values of one type, if operand and values have a common type.
    fn uniform_in(&self, expr: &Expr, list: &[Expr], negated: bool) -> Result<Option<Expr>> {
        // A single value is a plain comparison, which planners know best.
        if list.len() < 2 || list.iter().any(|item| matches!(item, Expr::Row(_))) {
            return Ok(None);
        }
        let types: Vec<&DataType> = std::iter::once(expr).chain(list).map(Expr::ty).collect();
        let Ok(ty) = common_type("IN", &types) else {
            return Ok(None);
        };
        if matches!(ty, DataType::Array(_))
            || !types.iter().all(|from| resolve::is_implicit(from, &ty))
        {
            return Ok(None);
        }
        let list = self.all_to("IN", list.to_vec(), &ty)?;
        let resolved = resolve::operator("=", Some(expr.ty()), &ty)?;
        let [left, right] = resolved.args.as_slice() else {
            return Err(Error::internal("operator = without operands"));
        };
        let operand = self.coerce(expr.clone(), left)?;
        let list = self.all_to("IN", list, right)?;
        Ok(Some(Expr::InList {
            expr: Box::new(operand),
            list,
            equal: resolved.entry,
            negated,
        }))
    }

    /// `expr [NOT] BETWEEN [SYMMETRIC] low AND high`.
    ///
    /// # Errors
    /// As [`Builder::operator`].
    pub fn between(
        &self,
        expr: Expr,
        low: Expr,
        high: Expr,
        negated: bool,
        symmetric: bool,
    ) -> Result<Expr> {
        let within = |low: &Expr, high: &Expr| -> Result<Expr> {
            let above = self.operator(">=", expr.clone(), low.clone())?;
            let below = self.operator("<=", expr.clone(), high.clone())?;
            Ok(Expr::And(vec![above, below]))
        };
        let outside = |low: &Expr, high: &Expr| -> Result<Expr> {
            let below = self.operator("<", expr.clone(), low.clone())?;
            let above = self.operator(">", expr.clone(), high.clone())?;
            Ok(Expr::Or(vec![below, above]))
        };
        match (negated, symmetric) {
            (false, false) => within(&low, &high),
            (true, false) => outside(&low, &high),
            (false, true) => Ok(Expr::Or(vec![within(&low, &high)?, within(&high, &low)?])),
            (true, true) => Ok(Expr::And(vec![
                outside(&low, &high)?,
                outside(&high, &low)?,
            ])),
        }
    }

    /// `left op ANY | ALL (array)`.
    ///
    /// # Errors
    /// `42809` no array or no boolean operator; and as [`Builder::operator`].
    pub fn quantified(&self, left: Expr, name: &str, array: Expr, all: bool) -> Result<Expr> {
        let array = match array.ty().vector_array() {
            Some(ty) => self.coerce(array, &ty)?,
            None => array,
        };
        let element = match array.ty() {
            DataType::Array(element) => (**element).clone(),
            DataType::Unknown => DataType::Unknown,
            _ => {
                return Err(Error::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    "op ANY/ALL (array) requires array on right side",
                ));
            }
        };
        let resolved = resolve::operator(name, Some(left.ty()), &element)?;
        if resolved.result != DataType::Bool {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                "op ANY/ALL (array) requires operator to yield boolean",
            ));
        }
        let [left_type, element_type] = resolved.args.as_slice() else {
            return Err(Error::internal("operator without operands"));
        };
        let array_type = DataType::Array(Box::new(element_type.clone()));
        Ok(Expr::Quantified {
            left: Box::new(self.coerce(left, left_type)?),
            operator: resolved.entry,
            array: Box::new(self.coerce(array, &array_type)?),
            all,
        })
    }

    /// `expr [NOT] LIKE | ILIKE | SIMILAR TO pattern [ESCAPE escape]`.
    ///
    /// # Errors
    /// As [`Builder::operator`].
    pub fn pattern(
        &self,
        kind: PatternKind,
        expr: Expr,
        pattern: Expr,
        escape: Option<Expr>,
        negated: bool,
    ) -> Result<Expr> {
        let pattern = match (kind, escape) {
            (PatternKind::Similar, escape) => {
                let args = std::iter::once(pattern).chain(escape).collect();
                self.function("similar_to_escape", args, false)?
            }
            (_, Some(escape)) => self.function("like_escape", vec![pattern, escape], false)?,
            (_, None) => pattern,
        };
        let name = match (kind, negated) {
            (PatternKind::Like, false) => "~~",
            (PatternKind::Like, true) => "!~~",
            (PatternKind::ILike, false) => "~~*",
            (PatternKind::ILike, true) => "!~~*",
            (PatternKind::Similar, false) => "~",
            (PatternKind::Similar, true) => "!~",
        };
        self.operator(name, expr, pattern)
    }

    /// `expr IS [NOT] NULL`.
    ///
    /// # Errors
    /// None in practice.
    pub fn is_null(&self, expr: Expr, negated: bool) -> Result<Expr> {
        let expr = self.settle(expr)?;
        Ok(Expr::IsNull {
            expr: Box::new(expr),
            negated,
        })
    }

    /// `expr IS [NOT] TRUE | FALSE | UNKNOWN`.
    ///
    /// # Errors
    /// `42804` if `expr` is not boolean.
    pub fn bool_test(&self, expr: Expr, test: Option<bool>, negated: bool) -> Result<Expr> {
        let not = if negated { "NOT " } else { "" };
        let word = match test {
            Some(true) => "TRUE",
            Some(false) => "FALSE",
            None => "UNKNOWN",
        };
        let expr = self.condition(expr, &format!("IS {not}{word}"))?;
        Ok(Expr::BoolTest {
            expr: Box::new(expr),
            test,
            negated,
        })
    }

    /// The operator that decides order or equality for values of type `ty`.
    ///
    /// # Errors
    /// `42883` if the type has no such operator (`json`).
    pub fn comparison(&self, comparison: Comparison, ty: &DataType) -> Result<&'static Function> {
        Ok(resolve::operator(comparison.symbol(), Some(ty), ty)?.entry)
    }

    /// `IN`, `ANY` and `ALL` over a subquery: the operator, and the operand converted for it.
    /// `column` is the type of the subquery's column, which may need the returned cast type too.
    ///
    /// # Errors
    /// As [`Builder::operator`].
    pub fn quantified_subquery(
        &self,
        left: Expr,
        name: &str,
        column: &DataType,
    ) -> Result<(&'static Function, Expr, DataType)> {
        let types = types_of(std::slice::from_ref(&left));
        let [left_type] = types.as_slice() else {
            return Err(Error::internal("operand lost"));
        };
        let resolved = resolve::operator(name, Some(left_type), column)?;
        if resolved.result != DataType::Bool {
            return Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "operator {name} must return type boolean, not type {}",
                    resolved.result
                ),
            ));
        }
        let [left_type, column_type] = resolved.args.as_slice() else {
            return Err(Error::internal("operator without operands"));
        };
        let operand = self.coerce(left, left_type)?;
        Ok((resolved.entry, operand, column_type.clone()))
    }
}
