//! Assignment to parts of columns: `a[1] = …`, `a[1:2] = …`, `c.f = …`, `j['key'] = …`.

use helios_base::{DataType, Error, Result, SqlState, UserType, Value};

use super::Builder;
use crate::expr::{Expr, Subscript};
use crate::func::assign;
use crate::function::Function;
use crate::resolve::{CastContext, type_name};

/// A step from a value to a part of it.
#[derive(Clone, Debug)]
pub enum Part {
    /// `[…]`, one for each dimension.
    Subscripts(Vec<Subscript>),
    /// `.field`
    Field(String),
}

impl Builder<'_> {
    /// `base` with `value` at the end of `parts`; `column` is named in errors.
    ///
    /// # Errors
    /// 42804 for values and subscripts of wrong types and what has no such parts, 42703 for fields
    /// that are not there.
    pub fn assign_part(
        &self,
        base: Expr,
        parts: &[Part],
        value: Expr,
        column: &str,
    ) -> Result<Expr> {
        let Some((part, rest)) = parts.split_first() else {
            let to = base.ty().clone();
            return self.assign(value, &to, column);
        };
        let ty = base.ty().base().into_owned();
        match (part, &ty) {
            (Part::Field(name), DataType::User(user)) if user.is_composite() => {
                self.assign_field(base, user, name, rest, value, column)
            }
            (Part::Field(name), ty) => Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "cannot assign to field \"{name}\" of column \"{column}\" because its type {} \
                     is not a composite type",
                    type_name(ty)
                ),
            )),
            (Part::Subscripts(subscripts), DataType::Array(element)) => {
                self.assign_elements(base, element, subscripts, rest, value, column)
            }
            (Part::Subscripts(subscripts), DataType::Jsonb) => {
                self.assign_member(base, subscripts, rest, value, column)
            }
            (Part::Subscripts(_), ty) => Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "cannot subscript type {} because it does not support subscripting",
                    type_name(ty)
                ),
            )),
        }
    }

    fn assign_field(
        &self,
        base: Expr,
        user: &UserType,
        name: &str,
        rest: &[Part],
        value: Expr,
        column: &str,
    ) -> Result<Expr> {
        let fields = user.fields();
        let Some(index) = fields.iter().position(|(field, _)| **field == *name) else {
            return Err(Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!(
                    "cannot assign to field \"{name}\" of column \"{column}\" because there is no \
                     such column in data type {user}"
                ),
            ));
        };
        let field = |index: usize, ty: &DataType| Expr::Field {
            record: Box::new(base.clone()),
            index,
            ty: ty.clone(),
        };
        let mut values = Vec::with_capacity(fields.len());
        for (at, (_, ty)) in fields.iter().enumerate() {
            values.push(field(at, ty));
        }
        if let Some(slot) = values.get_mut(index) {
            let old = std::mem::replace(slot, Expr::NULL);
            *slot = self.assign_part(old, rest, value, name)?;
        }
        let ty = base.ty().clone();
        self.try_convert(Expr::Row(values), &ty, CastContext::Explicit)?
            .ok_or_else(|| Error::internal("a row that is none of its type"))
    }

    fn assign_elements(
        &self,
        base: Expr,
        element: &DataType,
        subscripts: &[Subscript],
        rest: &[Part],
        value: Expr,
        column: &str,
    ) -> Result<Expr> {
        let ty = base.ty().base().into_owned();
        let sliced = subscripts
            .iter()
            .any(|subscript| matches!(subscript, Subscript::Slice(..)));
        if !sliced {
            let old = self.subscript(base.clone(), subscripts.to_vec())?;
            let new = if rest.is_empty() {
                self.assign_as(value, element, column)?
            } else {
                self.assign_part(old, rest, value, column)?
            };
            let mut args = vec![base, new];
            for subscript in subscripts {
                if let Subscript::Index(index) = subscript {
                    args.push(self.array_index(index.clone())?);
                }
            }
            return Ok(call(&assign::ELEMENT, args, ty));
        }
        if !rest.is_empty() {
            return Err(Error::unsupported(
                "assignment to a part of a slice is not supported",
            ));
        }
        let new = self.assign_as(value, &ty, column)?;
        let mut args = vec![base, new];
        let open = || Expr::Literal(Value::Record(Vec::new().into()), DataType::Record);
        for subscript in subscripts {
            match subscript {
                // Beside a slice, a plain subscript n means 1:n.
                Subscript::Index(high) => {
                    args.push(Expr::int4(1));
                    args.push(self.array_index(high.clone())?);
                }
                Subscript::Slice(low, high) => {
                    for bound in [low, high] {
                        args.push(match bound {
                            Some(bound) => self.array_index(bound.clone())?,
                            None => open(),
                        });
                    }
                }
            }
        }
        Ok(call(&assign::SLICE, args, ty))
    }

    fn assign_member(
        &self,
        base: Expr,
        subscripts: &[Subscript],
        rest: &[Part],
        value: Expr,
        column: &str,
    ) -> Result<Expr> {
        if !rest.is_empty() {
            return Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                "cannot assign to a field of type jsonb",
            ));
        }
        // As where they are read, which also settles their types.
        let read = self.subscript(base.clone(), subscripts.to_vec())?;
        let mut args = vec![base, self.assign_as(value, &DataType::Jsonb, column)?];
        if let Expr::Subscript { subscripts, .. } = read {
            for subscript in subscripts {
                match subscript {
                    Subscript::Index(index) => args.push(index),
                    Subscript::Slice(..) => {
                        return Err(Error::new(
                            SqlState::DATATYPE_MISMATCH,
                            "jsonb subscript does not support slices",
                        ));
                    }
                }
            }
        }
        Ok(call(&assign::MEMBER, args, DataType::Jsonb))
    }

    fn array_index(&self, index: Expr) -> Result<Expr> {
        self.try_convert(index, &DataType::Int4, CastContext::Assignment)?
            .ok_or_else(|| {
                Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    "array subscript must have type integer",
                )
            })
    }

    /// A value for an element.
    fn assign_as(&self, value: Expr, to: &DataType, column: &str) -> Result<Expr> {
        let from = value.ty().clone();
        self.try_convert(value, to, CastContext::Assignment)?
            .ok_or_else(|| {
                Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "subscripted assignment to \"{column}\" requires type {} but expression is \
                         of type {}",
                        type_name(to),
                        type_name(&from)
                    ),
                )
                .with_hint("You will need to rewrite or cast the expression.")
            })
    }
}

fn call(function: &'static Function, args: Vec<Expr>, ty: DataType) -> Expr {
    Expr::Call {
        function,
        args,
        spread: false,
        ty,
    }
}
