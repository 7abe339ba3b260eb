//! The catalogue of set-returning functions: `generate_series`, `unnest` and their kin.

mod array;
mod json;
mod moment;
mod range;
mod record;
mod regex;
mod series;
mod system;

pub(crate) use record::COMPOSITES;

use helios_base::{DataType, Result, Row, Value};

use crate::function::{Call, Volatility};
use crate::resolve::Entry;
use crate::ty::Ty;

/// A set-returning function for one list of argument types.
#[derive(Clone, Copy)]
pub struct SetFunction {
    pub(crate) name: &'static str,
    pub(crate) args: &'static [Ty],
    pub(crate) variadic: bool,
    pub(crate) columns: &'static [(&'static str, Ty)],
    pub(crate) strict: bool,
    pub(crate) volatility: Volatility,
    pub(crate) eval: SetEval,
}

/// Produces the rows, each as wide as the declared columns.
pub type SetEval = fn(&[&Value], &Call<'_>) -> Result<Rows>;

/// The rows of a set-returning function, made on demand.
pub type Rows = Box<dyn Iterator<Item = Result<Row>> + Send>;

/// A strict, immutable set-returning function of one unnamed column.
pub const fn set_function(
    name: &'static str,
    args: &'static [Ty],
    columns: &'static [(&'static str, Ty)],
    eval: SetEval,
) -> SetFunction {
    SetFunction {
        name,
        args,
        variadic: false,
        columns,
        strict: true,
        volatility: Volatility::Immutable,
        eval,
    }
}

impl SetFunction {
    /// Depends on the time zone or settings.
    #[must_use]
    pub const fn stable(mut self) -> Self {
        self.volatility = Volatility::Stable;
        self
    }

    /// The evaluator wants to see `NULL` arguments.
    #[must_use]
    pub const fn not_strict(mut self) -> Self {
        self.strict = false;
        self
    }

    /// Whether the query says what the columns are: `AS t(a integer, b text)`.
    #[must_use]
    pub fn returns_record(&self) -> bool {
        self.columns.is_empty()
    }

    /// Declared argument types.
    #[must_use]
    pub fn args(&self) -> &'static [Ty] {
        self.args
    }

    /// The name, lower case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Names and declared types of the columns. A single column is called after the function (or
    /// the alias of the table) if its name is empty.
    #[must_use]
    pub fn columns(&self) -> &'static [(&'static str, Ty)] {
        self.columns
    }

    /// When it may be evaluated ahead of time.
    #[must_use]
    pub fn volatility(&self) -> Volatility {
        self.volatility
    }

    /// The columns of a call whose result resolved to `result` and whose arguments to `args`: its
    /// type if there is one column, else the declared types; `anyelement` is what the array that is
    /// an argument has.
    #[must_use]
    pub fn output(&self, result: &DataType, args: &[DataType]) -> Vec<(&'static str, DataType)> {
        let element = |ty: &DataType| match ty.vector_array().as_ref().unwrap_or(ty) {
            DataType::Array(element) => Some((**element).clone()),
            _ => None,
        };
        match self.columns {
            [(name, _)] => vec![(*name, result.clone())],
            columns => columns
                .iter()
                .map(|(name, ty)| {
                    let ty = ty.concrete().or_else(|| args.iter().find_map(element));
                    (*name, ty.unwrap_or_else(|| result.clone()))
                })
                .collect(),
        }
    }

    /// The rows for these arguments; none if strict and an argument is `NULL`.
    ///
    /// # Errors
    /// What the function raises for these values, now or while iterating.
    pub fn call(&self, args: &[&Value], call: &Call<'_>) -> Result<Rows> {
        if self.strict && args.iter().any(|arg| arg.is_null()) {
            return Ok(Box::new(std::iter::empty()));
        }
        (self.eval)(args, call)
    }
}

impl Entry for SetFunction {
    fn args(&self) -> &'static [Ty] {
        self.args
    }
    fn result(&self) -> Ty {
        match self.columns {
            [(_, ty)] => *ty,
            _ => Ty::Record,
        }
    }
    fn variadic(&self) -> bool {
        self.variadic
    }
}

/// Every table of set-returning functions.
pub(crate) static FAMILIES: &[&[SetFunction]] = &[
    array::FUNCTIONS,
    json::FUNCTIONS,
    moment::FUNCTIONS,
    range::FUNCTIONS,
    record::FUNCTIONS,
    regex::FUNCTIONS,
    series::FUNCTIONS,
    system::FUNCTIONS,
];
