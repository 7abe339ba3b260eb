//! Conversions: implicit, by assignment, explicit.

use helios_base::{DataType, Error, Result, SqlState, Value, reg};

use super::Builder;
use crate::cast;
use crate::expr::{Cast, Expr};
use crate::function::Volatility;
use crate::resolve::{CastContext, Path, common_type, path, type_name};

impl Builder<'_> {
    /// Converts as `context` permits; `None` if there is no such conversion. The modifier of `to`
    /// is applied.
    ///
    /// # Errors
    /// Input errors of undecided literals.
    pub fn try_convert(
        &self,
        expr: Expr,
        to: &DataType,
        context: CastContext,
    ) -> Result<Option<Expr>> {
        let explicit = context == CastContext::Explicit;
        if to.has_domain() {
            let base = to.base();
            let converted = self.try_convert(expr, &base, context)?;
            return Ok(converted.map(|expr| domain_cast(expr, &base, to)));
        }
        if let Expr::Row(fields) = &expr
            && matches!(to, DataType::Record)
            && !fields.is_empty()
        {
            return Ok(Some(expr));
        }
        if let (Expr::Row(fields), DataType::User(user)) = (&expr, to)
            && user.is_composite()
            && fields.len() == user.fields().len()
        {
            let fields = fields
                .iter()
                .zip(user.fields())
                .map(|(field, (_, ty))| self.try_convert(field.clone(), ty, context))
                .collect::<Result<Option<Vec<_>>>>()?;
            return Ok(fields.map(|fields| cast_to(Expr::Row(fields), to, explicit)));
        }
        if matches!(expr.ty(), DataType::Unknown) {
            return self.decide(expr, to, explicit).map(Some);
        }
        let Some(path) = path(expr.ty(), to, context) else {
            return Ok(None);
        };
        if matches!(to, DataType::Record) && path == Path::Relabel {
            // The fields keep their names.
            return Ok(Some(expr));
        }
        if expr.ty() == to || path == Path::Relabel && !cast::has_modifier(to) && expr.ty().same(to)
        {
            // Only a modifier is forgotten, which changes nothing.
            return Ok(Some(expr));
        }
        Ok(Some(cast_to(expr, to, explicit)))
    }

    /// `CAST(expr AS to)` and `expr::to`.
    ///
    /// # Errors
    /// `42846` no such conversion.
    pub fn cast(&self, expr: Expr, to: &DataType) -> Result<Expr> {
        let from = expr.ty().clone();
        self.try_convert(expr, to, CastContext::Explicit)?
            .ok_or_else(|| {
                Error::new(
                    SqlState::CANNOT_COERCE,
                    format!("cannot cast type {} to {}", type_name(&from), type_name(to)),
                )
            })
    }

    /// Converts an operand or argument without a written cast.
    ///
    /// # Errors
    /// `42846` no such conversion.
    pub fn coerce(&self, expr: Expr, to: &DataType) -> Result<Expr> {
        let from = expr.ty().clone();
        self.try_convert(expr, to, CastContext::Implicit)?
            .ok_or_else(|| {
                Error::new(
                    SqlState::CANNOT_COERCE,
                    format!("cannot cast type {} to {}", type_name(&from), type_name(to)),
                )
            })
    }

    /// Converts a value for storing into `column`.
    ///
    /// # Errors
    /// `42804` if it takes a written cast.
    pub fn assign(&self, expr: Expr, to: &DataType, column: &str) -> Result<Expr> {
        let from = expr.ty().clone();
        self.try_convert(expr, to, CastContext::Assignment)?
            .ok_or_else(|| {
                Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "column \"{column}\" is of type {} but expression is of type {}",
                        type_name(to),
                        type_name(&from)
                    ),
                )
                .with_hint("You will need to rewrite or cast the expression.")
                .with_column(column)
            })
    }

    /// A condition; `what` is its place, such as `WHERE` or `JOIN/ON`.
    ///
    /// # Errors
    /// `42804` `argument of WHERE must be type boolean, not type integer`.
    pub fn condition(&self, expr: Expr, what: &str) -> Result<Expr> {
        self.argument_of(expr, &DataType::Bool, what)
    }

    /// The argument of a clause that needs type `to`, such as `LIMIT`.
    ///
    /// # Errors
    /// `42804` `argument of LIMIT must be type bigint, not type text`.
    pub fn argument_of(&self, expr: Expr, to: &DataType, what: &str) -> Result<Expr> {
        let from = expr.ty().clone();
        self.try_convert(expr, to, CastContext::Assignment)?
            .filter(|_| {
                // Strings convert by assignment to strings only; a condition wants no more.
                *to != DataType::Bool || matches!(from, DataType::Bool | DataType::Unknown)
            })
            .ok_or_else(|| {
                Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "argument of {what} must be type {}, not type {}",
                        type_name(to),
                        type_name(&from)
                    ),
                )
            })
    }

    /// Converts all to their common type; `what` names the construct in errors: `CASE`, `UNION`,
    /// `VALUES`, `COALESCE`, `ARRAY`, `IN`.
    ///
    /// # Errors
    /// `42804` if there is none.
    pub fn common(&self, what: &str, exprs: Vec<Expr>) -> Result<(Vec<Expr>, DataType)> {
        let types: Vec<&DataType> = exprs.iter().map(Expr::ty).collect();
        let ty = common_type(what, &types)?;
        let exprs = self.all_to(what, exprs, &ty)?;
        Ok((exprs, ty))
    }

    /// Converts every expression to `ty`, already found to be their common type.
    ///
    /// # Errors
    /// `42846` if one cannot be converted.
    pub fn all_to(&self, what: &str, exprs: Vec<Expr>, ty: &DataType) -> Result<Vec<Expr>> {
        exprs
            .into_iter()
            .map(|expr| {
                let from = expr.ty().clone();
                self.try_convert(expr, ty, CastContext::Implicit)?
                    .ok_or_else(|| {
                        Error::new(
                            SqlState::CANNOT_COERCE,
                            format!(
                                "{what} could not convert type {} to {}",
                                type_name(&from),
                                type_name(ty)
                            ),
                        )
                    })
            })
            .collect()
    }

    /// Settles what nothing decided: quoted literals and parameters become `text`, as in a select
    /// list.
    ///
    /// # Errors
    /// None in practice: every string is a `text`.
    pub fn settle(&self, expr: Expr) -> Result<Expr> {
        match expr.ty() {
            DataType::Unknown => self.decide(expr, &DataType::Text, false),
            _ => Ok(expr),
        }
    }

    /// Gives an undecided literal or parameter a type.
    fn decide(&self, expr: Expr, to: &DataType, explicit: bool) -> Result<Expr> {
        match expr {
            Expr::Literal(Value::Null, _) => Ok(Expr::Literal(Value::Null, to.clone())),
            Expr::Literal(Value::Text(text), _) => {
                // The length modifier comes afterwards: an explicit cast cuts, others complain.
                let bare = match to {
                    // What a bare number counts depends on the fields.
                    DataType::Interval(_) => to.clone(),
                    to => to.bare(),
                };
                let value = match (&bare, self.names) {
                    (DataType::Reg(kind), Some(names)) => {
                        Value::Oid(reg::parse(&text, *kind, Some(names))?)
                    }
                    _ => Value::parse(&text, &bare, self.text)?,
                };
                let literal = if depends_on_session(&text, to) {
                    cast_to(
                        Expr::Literal(Value::Text(text), DataType::Unknown),
                        &bare,
                        explicit,
                    )
                } else {
                    Expr::Literal(value, bare.clone())
                };
                if bare == *to {
                    Ok(literal)
                } else {
                    Ok(self.fold_modifier(cast_to(literal, to, explicit)))
                }
            }
            Expr::Param { index, .. } => {
                let ty = self.params.deduce(index, to);
                let known = Expr::Param { index, ty };
                if known.ty() == to {
                    return Ok(known);
                }
                let from = known.ty().clone();
                self.try_convert(known, to, CastContext::Explicit)?
                    .ok_or_else(|| {
                        Error::new(
                            SqlState::AMBIGUOUS_PARAMETER,
                            format!("inconsistent types deduced for parameter ${}", index + 1),
                        )
                        .with_detail(format!(
                            "{} versus {}",
                            type_name(&from),
                            type_name(to)
                        ))
                    })
            }
            other => Ok(cast_to(other, to, explicit)),
        }
    }

    /// Applies a modifier to a constant now, unless that fails: then it fails when evaluated.
    fn fold_modifier(&self, expr: Expr) -> Expr {
        let Expr::Cast(cast) = &expr else {
            return expr;
        };
        let Expr::Literal(value, from) = &cast.expr else {
            return expr;
        };
        match cast::modifier(value, from, &cast.to, cast.explicit) {
            Ok(value) => Expr::Literal(value, cast.to.clone()),
            Err(_) => expr,
        }
    }
}

/// A cast node, merged with what it makes superfluous.
fn cast_to(expr: Expr, to: &DataType, explicit: bool) -> Expr {
    Expr::Cast(Box::new(Cast {
        expr,
        to: to.clone(),
        explicit,
        domain: None,
    }))
}

/// A check of a value that already has the domain's base type.
fn domain_cast(expr: Expr, base: &DataType, domain: &DataType) -> Expr {
    Expr::Cast(Box::new(Cast {
        expr,
        to: base.clone(),
        explicit: false,
        domain: Some(domain.clone()),
    }))
}

/// Whether reading this literal must wait for the session's time zone or clock, so that a cached
/// plan stays right.
fn depends_on_session(text: &str, ty: &DataType) -> bool {
    let element = match ty {
        DataType::Array(element) => element,
        ty => ty,
    };
    // A plan is kept for as long as its catalog and search path hold.
    let looked_up = matches!(element, DataType::Reg(_) | DataType::User(_));
    if looked_up || cast::volatility(&DataType::Text, ty) == Volatility::Immutable {
        return false;
    }
    let words = text.chars().any(|c| c.is_ascii_alphabetic());
    let zoned = match ty {
        DataType::TimestampTz(_) => {
            let offset = text
                .rfind(['+', '-'])
                .is_some_and(|sign| text.get(..sign).is_some_and(|time| time.contains(':')));
            let utc = text.ends_with(['Z', 'z']) && text.contains(':');
            return !(offset && !words || utc && text.matches(char::is_alphabetic).count() <= 2);
        }
        _ => true,
    };
    // An ISO `T` between date and time is no word that means a moment.
    zoned && words && text.matches(char::is_alphabetic).collect::<String>() != "T"
}
