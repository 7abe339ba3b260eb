//! CASE, COALESCE, NULLIF, GREATEST and LEAST, subscripts, boolean connectives.

use helios_base::{DataType, Error, Result, SqlState, Value};

use super::Builder;
use crate::expr::{Expr, Subscript};
use crate::function::Comparison;
use crate::resolve::type_name;

impl Builder<'_> {
    /// `a AND b AND …`, flattened.
    ///
    /// # Errors
    /// `42804` if an operand is not boolean.
    pub fn and(&self, terms: Vec<Expr>) -> Result<Expr> {
        let mut flat = Vec::with_capacity(terms.len());
        for term in terms {
            match self.condition(term, "AND")? {
                Expr::And(inner) => flat.extend(inner),
                term => flat.push(term),
            }
        }
        Ok(Expr::And(flat))
    }

    /// `a OR b OR …`, flattened.
    ///
    /// # Errors
    /// `42804` if an operand is not boolean.
    pub fn or(&self, terms: Vec<Expr>) -> Result<Expr> {
        let mut flat = Vec::with_capacity(terms.len());
        for term in terms {
            match self.condition(term, "OR")? {
                Expr::Or(inner) => flat.extend(inner),
                term => flat.push(term),
            }
        }
        Ok(Expr::Or(flat))
    }

    /// `NOT a`.
    ///
    /// # Errors
    /// `42804` if the operand is not boolean.
    pub fn not(&self, expr: Expr) -> Result<Expr> {
        Ok(Expr::Not(Box::new(self.condition(expr, "NOT")?)))
    }

    /// `CASE [operand] WHEN … THEN … [ELSE …] END`.
    ///
    /// # Errors
    /// `42804` conditions that are not boolean, results without common type; `42883` operand and
    /// condition do not compare.
    pub fn case(
        &self,
        operand: Option<Expr>,
        branches: Vec<(Expr, Expr)>,
        otherwise: Option<Expr>,
    ) -> Result<Expr> {
        let operand = operand.map(|operand| self.settle(operand)).transpose()?;
        let has_otherwise = otherwise.is_some();
        let mut whens = Vec::with_capacity(branches.len());
        // PostgreSQL looks at ELSE first when it chooses the common type.
        let mut results: Vec<Expr> = otherwise.into_iter().collect();
        for (when, then) in branches {
            whens.push(match &operand {
                Some(operand) => {
                    let held = Expr::CaseOperand {
                        ty: operand.ty().clone(),
                    };
                    self.operator("=", held, when)?
                }
                None => self.condition(when, "CASE/WHEN")?,
            });
            results.push(then);
        }
        let (mut results, ty) = self.common("CASE", results)?;
        let otherwise = if has_otherwise {
            Some(Box::new(results.remove(0)))
        } else {
            None
        };
        Ok(Expr::Case {
            operand: operand.map(Box::new),
            branches: whens.into_iter().zip(results).collect(),
            otherwise,
            ty,
        })
    }

    /// `COALESCE(args)`.
    ///
    /// # Errors
    /// `42804` no common type.
    pub fn coalesce(&self, args: Vec<Expr>) -> Result<Expr> {
        let (args, ty) = self.common("COALESCE", args)?;
        Ok(Expr::Coalesce { args, ty })
    }

    /// `GREATEST(args)` or `LEAST(args)`.
    ///
    /// # Errors
    /// `42804` no common type, `42883` a type without order.
    pub fn extreme(&self, greatest: bool, args: Vec<Expr>) -> Result<Expr> {
        let what = if greatest { "GREATEST" } else { "LEAST" };
        let (args, ty) = self.common(what, args)?;
        self.comparison(Comparison::Lt, &ty).map_err(|_| {
            Error::new(
                SqlState::UNDEFINED_FUNCTION,
                format!(
                    "could not identify a comparison function for type {}",
                    type_name(&ty)
                ),
            )
        })?;
        Ok(Expr::Extreme { greatest, args, ty })
    }

    /// `NULLIF(value, other)`.
    ///
    /// # Errors
    /// As [`Builder::operator`] for `=`.
    pub fn null_if(&self, value: Expr, other: Expr) -> Result<Expr> {
        let resolved = crate::resolve::operator("=", Some(value.ty()), other.ty())?;
        let [left, _] = resolved.args.as_slice() else {
            return Err(Error::internal("operator = without operands"));
        };
        // The result has the type that the operator compares.
        let value = self.coerce(value, left)?;
        let ty = value.ty().clone();
        let held = Expr::CaseOperand { ty: ty.clone() };
        let test = self.call(&resolved, vec![held, other], false)?;
        Ok(Expr::NullIf {
            value: Box::new(value),
            test: Box::new(test),
            ty,
        })
    }

    /// `base[subscripts]` on arrays and `jsonb`.
    ///
    /// # Errors
    /// `42804` for other types and subscripts that are not integers.
    pub fn subscript(&self, base: Expr, subscripts: Vec<Subscript>) -> Result<Expr> {
        if let (DataType::Name, [Subscript::Index(index)]) = (base.ty(), subscripts.as_slice()) {
            return self.letter(base.clone(), index.clone());
        }
        let base = match base.ty().vector_array() {
            Some(ty) => self.coerce(base, &ty)?,
            None => base,
        };
        let ty = match base.ty() {
            DataType::Array(element) => {
                let slice = subscripts
                    .iter()
                    .any(|subscript| matches!(subscript, Subscript::Slice(..)));
                if slice {
                    base.ty().clone()
                } else {
                    (**element).clone()
                }
            }
            DataType::Jsonb => DataType::Jsonb,
            other => {
                return Err(Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "cannot subscript type {} because it does not support subscripting",
                        type_name(other)
                    ),
                ));
            }
        };
        let json = ty == DataType::Jsonb && *base.ty() == DataType::Jsonb;
        let index = |expr: Expr| -> Result<Expr> {
            if json {
                return match expr.ty() {
                    DataType::Unknown => self.settle(expr),
                    ty if ty.is_string() => self.coerce(expr, &DataType::Text),
                    _ => self.subscript_index(expr, "jsonb"),
                };
            }
            self.subscript_index(expr, "array")
        };
        let subscripts = subscripts
            .into_iter()
            .map(|subscript| {
                Ok(match subscript {
                    Subscript::Index(expr) => Subscript::Index(index(expr)?),
                    Subscript::Slice(lower, upper) => Subscript::Slice(
                        lower.map(&index).transpose()?,
                        upper.map(&index).transpose()?,
                    ),
                })
            })
            .collect::<Result<_>>()?;
        Ok(Expr::Subscript {
            base: Box::new(base),
            subscripts,
            ty,
        })
    }

    /// One letter of a `name`, counted from 0; NULL behind its end.
    fn letter(&self, name: Expr, index: Expr) -> Result<Expr> {
        let index = self.subscript_index(index, "array")?;
        let one = Expr::Literal(Value::Int4(1), DataType::Int4);
        let place = self.operator("+", index, one)?;
        let nothing = Expr::Literal(Value::Null, DataType::Text);
        let text = self.coerce(name, &DataType::Text)?;
        let letters = self.function("string_to_array", vec![text, nothing], false)?;
        let letter = self.subscript(letters, vec![Subscript::Index(place)])?;
        self.cast(letter, &DataType::CharByte)
    }

    fn subscript_index(&self, expr: Expr, what: &str) -> Result<Expr> {
        self.try_convert(expr, &DataType::Int4, crate::CastContext::Assignment)?
            .ok_or_else(|| {
                Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!("{what} subscript must have type integer"),
                )
            })
    }
}
