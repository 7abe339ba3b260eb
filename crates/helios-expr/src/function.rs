//! One catalogue entry: a function or operator for one list of argument types.
//!
//! A family of functions lives in one file as a `static` table of [`Function`]s, built with
//! [`function`], [`infix`] and [`prefix`] and refined by the builder methods:
//!
//! ```text
//! pub(crate) static FUNCTIONS: &[Function] = &[
//!     function("length", &[Text], Int4, length),
//!     function("concat", &[Any], Text, concat).variadic().not_strict().stable(),
//! ];
//! ```
//!
//! and is listed in [`crate::catalog`].

use std::fmt;

use helios_base::{DataType, Error, Result, Value};

use crate::context::EvalContext;
use crate::expr::Expr;
use crate::ty::Ty;

/// When a function may be evaluated ahead of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// Same arguments, same result, forever: constants are folded.
    Immutable,
    /// Same result within a statement (it may look at settings or the clock).
    Stable,
    /// Different at every call, or with effects.
    Volatile,
}

/// How an entry is written in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `name(…)`
    Function,
    /// `left name right`
    Infix,
    /// `name right`
    Prefix,
}

/// The six comparison operators of a btree ordering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Eq,
    /// `<>`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Comparison {
    /// Whether the operator holds for two values that compare like this.
    #[must_use]
    #[inline]
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Ne => ordering.is_ne(),
            Self::Lt => ordering.is_lt(),
            Self::Le => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Ge => ordering.is_ge(),
        }
    }

    /// The operator with its operands swapped: `a < b` is `b > a`.
    #[must_use]
    pub fn commuted(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            same => same,
        }
    }

    /// The operator that holds exactly when this one does not.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Lt => Self::Ge,
            Self::Le => Self::Gt,
            Self::Gt => Self::Le,
            Self::Ge => Self::Lt,
        }
    }

    /// The operator's name.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "<>",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }
}

/// The evaluator of a function: arguments already have the declared types.
///
/// A strict function never sees [`Value::Null`]. A variadic one sees its arguments spread out;
/// one with defaults sees only those that were given.
pub type Eval = fn(&[&Value], &Call<'_>) -> Result<Value>;

/// A function or operator for one list of argument types.
#[derive(Clone, Copy)]
pub struct Function {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) args: &'static [Ty],
    pub(crate) names: &'static [&'static str],
    pub(crate) variadic: bool,
    pub(crate) defaults: u8,
    pub(crate) result: Ty,
    pub(crate) strict: bool,
    pub(crate) volatility: Volatility,
    pub(crate) comparison: Option<Comparison>,
    pub(crate) eval: Eval,
}

/// A strict, immutable function `name(args) -> result`.
pub const fn function(name: &'static str, args: &'static [Ty], result: Ty, eval: Eval) -> Function {
    Function {
        name,
        kind: Kind::Function,
        args,
        names: &[],
        variadic: false,
        defaults: 0,
        result,
        strict: true,
        volatility: Volatility::Immutable,
        comparison: None,
        eval,
    }
}

/// A strict, immutable operator between two operands; `args` holds both types.
pub const fn infix(name: &'static str, args: &'static [Ty; 2], result: Ty, eval: Eval) -> Function {
    let mut entry = function(name, args, result, eval);
    entry.kind = Kind::Infix;
    entry
}

/// A strict, immutable operator before its operand.
pub const fn prefix(
    name: &'static str,
    args: &'static [Ty; 1],
    result: Ty,
    eval: Eval,
) -> Function {
    let mut entry = function(name, args, result, eval);
    entry.kind = Kind::Prefix;
    entry
}

impl Function {
    /// The last argument type may be repeated, at least once.
    #[must_use]
    pub const fn variadic(mut self) -> Self {
        self.variadic = true;
        self
    }

    /// This many trailing arguments may be left out.
    #[must_use]
    pub const fn defaults(mut self, count: u8) -> Self {
        self.defaults = count;
        self
    }

    /// Names the arguments, for calls such as `make_interval(days => 3)`.
    #[must_use]
    pub const fn names(mut self, names: &'static [&'static str]) -> Self {
        self.names = names;
        self
    }

    /// The evaluator wants to see `NULL` arguments.
    #[must_use]
    pub const fn not_strict(mut self) -> Self {
        self.strict = false;
        self
    }

    /// Depends on the statement's time, time zone or settings.
    #[must_use]
    pub const fn stable(mut self) -> Self {
        self.volatility = Volatility::Stable;
        self
    }

    /// Never changes: the default, for tables that name it.
    #[must_use]
    pub const fn immutable(self) -> Self {
        self
    }

    /// Must be called once per row, never ahead of time.
    #[must_use]
    pub const fn volatile(mut self) -> Self {
        self.volatility = Volatility::Volatile;
        self
    }

    /// Marks a member of the btree ordering of its operands.
    #[must_use]
    pub const fn compares(mut self, comparison: Comparison) -> Self {
        self.comparison = Some(comparison);
        self
    }

    /// The name, lower case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Function or operator.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Declared argument types; the last repeats if [`Function::is_variadic`].
    #[must_use]
    pub fn args(&self) -> &'static [Ty] {
        self.args
    }

    /// Names of the arguments; empty if they have none.
    #[must_use]
    pub fn arg_names(&self) -> &'static [&'static str] {
        self.names
    }

    /// Declared result type.
    #[must_use]
    pub fn result(&self) -> Ty {
        self.result
    }

    /// Whether the last argument may be repeated.
    #[must_use]
    pub fn is_variadic(&self) -> bool {
        self.variadic
    }

    /// How many of the last arguments may be left out.
    #[must_use]
    pub fn default_count(&self) -> usize {
        usize::from(self.defaults)
    }

    /// Whether a `NULL` argument makes the result `NULL` without a call.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// When it may be evaluated ahead of time.
    #[must_use]
    pub fn volatility(&self) -> Volatility {
        self.volatility
    }

    /// Which comparison of the btree ordering this is, if any.
    #[must_use]
    pub fn comparison(&self) -> Option<Comparison> {
        self.comparison
    }

    /// Calls the function, observing strictness.
    ///
    /// # Errors
    /// What the function raises for these values.
    #[inline]
    pub fn call(&self, args: &[&Value], call: &Call<'_>) -> Result<Value> {
        if self.strict && args.iter().any(|arg| matches!(arg, Value::Null)) {
            return Ok(Value::Null);
        }
        (self.eval)(args, call)
    }
}

/// `name(integer, text)` or `integer + integer`: how messages and `\df` show an entry.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.args) {
            (Kind::Infix, [left, right]) => write!(f, "{left} {} {right}", self.name),
            (Kind::Prefix, [right]) => write!(f, "{} {right}", self.name),
            _ => {
                write!(f, "{}(", self.name)?;
                for (i, arg) in self.args.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    if self.variadic && i + 1 == self.args.len() {
                        f.write_str("VARIADIC ")?;
                    }
                    write!(f, "{arg}")?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} -> {}", self.result)
    }
}

/// Entries are equal when they are the same entry of the catalogue.
impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name == other.name && self.args == other.args
    }
}

/// What an evaluator may ask about its call.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Clock, time zone, session.
    pub ctx: &'a EvalContext<'a>,
    types: Types<'a>,
    result: &'a DataType,
}

#[derive(Clone, Copy)]
enum Types<'a> {
    Exprs(&'a [Expr], bool),
    Given(&'a [DataType]),
    Pair(&'a DataType, &'a DataType),
}

impl<'a> Call<'a> {
    /// A call with arguments of these types.
    #[must_use]
    pub fn new(ctx: &'a EvalContext<'a>, args: &'a [DataType], result: &'a DataType) -> Self {
        Self {
            ctx,
            types: Types::Given(args),
            result,
        }
    }

    /// A call of a boolean operator on operands of these types.
    #[inline]
    pub(crate) fn pair(ctx: &'a EvalContext<'a>, left: &'a DataType, right: &'a DataType) -> Self {
        Self {
            ctx,
            types: Types::Pair(left, right),
            result: &DataType::Bool,
        }
    }

    /// A call of an expression; `spread` if the last argument is an array to be spread out.
    #[inline]
    pub(crate) fn of(
        ctx: &'a EvalContext<'a>,
        args: &'a [Expr],
        spread: bool,
        result: &'a DataType,
    ) -> Self {
        Self {
            ctx,
            types: Types::Exprs(args, spread),
            result,
        }
    }

    /// The actual type of argument `index`, counted from 0.
    #[must_use]
    pub fn arg_type(&self, index: usize) -> &'a DataType {
        match self.types {
            Types::Given(types) => types.get(index).unwrap_or(&DataType::Unknown),
            Types::Pair(left, _) if index == 0 => left,
            Types::Pair(_, right) => right,
            Types::Exprs(exprs, spread) => match exprs.last() {
                Some(last) if spread && index + 1 >= exprs.len() => match last.ty() {
                    DataType::Array(element) => element,
                    other => other,
                },
                _ => exprs.get(index).map_or(&DataType::Unknown, Expr::ty),
            },
        }
    }

    /// The type the result must have.
    #[must_use]
    pub fn result_type(&self) -> &'a DataType {
        self.result
    }
}

/// The failure of an evaluator that met values of other types than it declared: our bug.
#[cold]
pub(crate) fn mismatch(args: &[&Value]) -> Error {
    Error::internal(format!("function called with arguments {args:?}"))
}
