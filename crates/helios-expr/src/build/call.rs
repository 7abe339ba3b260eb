//! Calls of functions and operators.

use helios_base::{DataType, Error, Result, SqlState};

use super::Builder;
use crate::expr::Expr;
use crate::function::Function;
use crate::resolve::{self, CastContext, Resolved, path};
use crate::{cast, catalog};

impl Builder<'_> {
    /// `left name right`.
    ///
    /// # Errors
    /// `42883` no such operator, `42725` ambiguous, `42804` operands do not fit.
    pub fn operator(&self, name: &str, left: Expr, right: Expr) -> Result<Expr> {
        if let (Expr::Row(_), Expr::Row(_)) = (&left, &right) {
            return self.compare_rows(name, left, right);
        }
        let resolved = resolve::operator(name, Some(left.ty()), right.ty())?;
        self.call(&resolved, vec![left, right], false)
    }

    /// `name operand`.
    ///
    /// # Errors
    /// As [`Builder::operator`].
    pub fn prefix(&self, name: &str, operand: Expr) -> Result<Expr> {
        let resolved = resolve::operator(name, None, operand.ty())?;
        self.call(&resolved, vec![operand], false)
    }

    /// `name(args)`, the last written `VARIADIC array` if `spread`. The name of a type with one
    /// argument is a cast, unless a function fits better.
    ///
    /// # Errors
    /// `42883` no such function, `42725` ambiguous, `42804` arguments do not fit.
    pub fn function(&self, name: &str, args: Vec<Expr>, spread: bool) -> Result<Expr> {
        if let ([arg], Some(ty)) = (args.as_slice(), cast::type_named(name)) {
            let exact = catalog::functions(name)
                .iter()
                .any(|entry| matches!(entry.args(), [only] if only.is(arg.ty())));
            if !exact && path(arg.ty(), &ty, CastContext::Explicit).is_some() {
                let mut args = args;
                return match args.pop() {
                    Some(arg) => self.cast(arg, &ty),
                    None => Err(Error::internal("argument lost")),
                };
            }
        }
        let types = types_of(&args);
        let resolved = resolve::function(name, &types, spread)?;
        self.call(&resolved, args, spread)
    }

    /// `name(positional, name => value, …)`. Arguments that are left out before the last one given
    /// take their default, which is zero for the functions there are.
    ///
    /// # Errors
    /// As [`Builder::function`]; `42883` for names that no overload has, `42601` for one given twice.
    pub fn function_named(
        &self,
        name: &str,
        positional: Vec<Expr>,
        named: Vec<(String, Expr)>,
    ) -> Result<Expr> {
        for (i, (arg, _)) in named.iter().enumerate() {
            if named.iter().take(i).any(|(other, _)| other == arg) {
                return Err(Error::new(
                    SqlState::SYNTAX_ERROR,
                    format!("argument name \"{arg}\" used more than once"),
                ));
            }
        }
        for entry in catalog::functions(name) {
            if let Some(args) = self.ordered(entry, &positional, &named) {
                return self.function(name, args, false);
            }
        }
        let shown: Vec<String> = positional
            .iter()
            .map(|arg| resolve::type_name(arg.ty()))
            .chain(
                named
                    .iter()
                    .map(|(arg, value)| format!("{arg} => {}", resolve::type_name(value.ty()))),
            )
            .collect();
        Err(Error::new(
            SqlState::UNDEFINED_FUNCTION,
            format!("function {name}({}) does not exist", shown.join(", ")),
        )
        .with_hint(
            "No function matches the given name and argument types. \
             You might need to add explicit type casts.",
        ))
    }

    /// The arguments in the order of the declaration, if all names are known and none is missing.
    fn ordered(
        &self,
        entry: &Function,
        positional: &[Expr],
        named: &[(String, Expr)],
    ) -> Option<Vec<Expr>> {
        let names = entry.arg_names();
        let position = |arg: &str| {
            names
                .iter()
                .position(|known| *known == arg)
                .filter(|&at| at >= positional.len())
        };
        let mut last = positional.len();
        for (arg, _) in named {
            last = last.max(position(arg)? + 1);
        }
        let required = entry.args().len() - usize::from(entry.defaults);
        if last < required {
            return None;
        }
        let mut args = positional.to_vec();
        for at in positional.len()..last {
            let given = named.iter().find(|(arg, _)| position(arg) == Some(at));
            args.push(match given {
                Some((_, value)) => value.clone(),
                None if at >= required => {
                    let ty = entry.args().get(at)?.concrete()?;
                    let zero = Expr::unknown(match ty {
                        DataType::Jsonb => "{}",
                        _ => "0",
                    });
                    self.coerce(zero, &ty).ok()?
                }
                None => return None,
            });
        }
        Some(args)
    }

    /// Converts the arguments of an aggregate, window or set-returning call as resolved.
    ///
    /// # Errors
    /// Input errors of undecided literals.
    pub fn arguments(&self, types: &[DataType], args: Vec<Expr>) -> Result<Vec<Expr>> {
        args.into_iter()
            .zip(types)
            .map(|(arg, ty)| match ty {
                DataType::Unknown => Ok(arg),
                ty => self.coerce(arg, ty),
            })
            .collect()
    }

    /// A call of a resolved entry.
    ///
    /// # Errors
    /// Input errors of undecided literals.
    pub fn call(
        &self,
        resolved: &Resolved<Function>,
        args: Vec<Expr>,
        spread: bool,
    ) -> Result<Expr> {
        let args = self.arguments(&resolved.args, args)?;
        Ok(Expr::Call {
            function: resolved.entry,
            args,
            spread,
            ty: resolved.result.clone(),
        })
    }

    /// `ARRAY[elements]`. Elements that are arrays make an array of more dimensions.
    ///
    /// # Errors
    /// `42804` elements without common type, `42P18` no elements (unless cast).
    pub fn array(&self, elements: Vec<Expr>) -> Result<Expr> {
        if elements.is_empty() {
            return Err(Error::new(
                SqlState::INDETERMINATE_DATATYPE,
                "cannot determine type of empty array",
            )
            .with_hint("Explicitly cast to the desired type, for example ARRAY[]::integer[]."));
        }
        let (elements, element) = self.common("ARRAY", elements)?;
        let ty = match element {
            array @ DataType::Array(_) => array,
            element => DataType::Array(Box::new(element)),
        };
        Ok(Expr::Array { elements, ty })
    }

    /// `ARRAY[elements]::to`: each element is cast to the element type of `to`, so that literals are
    /// read as what is wanted. Elements that are arrays become `to` themselves.
    ///
    /// # Errors
    /// As [`Builder::cast`].
    pub fn array_as(&self, elements: Vec<Expr>, to: &DataType) -> Result<Expr> {
        let DataType::Array(element) = to else {
            let array = self.array(elements)?;
            return self.cast(array, to);
        };
        let elements = elements
            .into_iter()
            .map(|item| match item.ty() {
                DataType::Array(_) => self.cast(item, to),
                _ => self.cast(item, element),
            })
            .collect::<Result<_>>()?;
        let ty = to.clone();
        Ok(Expr::Array { elements, ty })
    }

    /// `ROW(fields)`.
    ///
    /// # Errors
    /// None in practice.
    pub fn row(&self, fields: Vec<Expr>) -> Result<Expr> {
        Ok(Expr::Row(fields))
    }
}

pub(crate) fn types_of(exprs: &[Expr]) -> Vec<DataType> {
    exprs.iter().map(|expr| expr.ty().clone()).collect()
}
