//! Aggregates: types and accumulation. `DISTINCT`, `ORDER BY` and `FILTER` are the executor's duty.

mod bits;
mod collect;
mod count;
mod deviation;
mod extreme;
mod interval;
mod json;
mod ordered_set;
mod range;
mod regression;
mod sum;
mod vector;

use helios_base::{DataType, Result, Value};

pub use json::JSON_AGG_ROWS;

use crate::context::EvalContext;
use crate::resolve::Entry;
use crate::ty::Ty;

/// An aggregate for one list of argument types.
#[derive(Clone, Copy)]
pub struct Aggregate {
    pub(crate) name: &'static str,
    pub(crate) args: &'static [Ty],
    pub(crate) variadic: bool,
    pub(crate) direct: Option<usize>,
    pub(crate) result: Ty,
    pub(crate) strict: bool,
    pub(crate) order_sensitive: bool,
    pub(crate) start: fn(&AggregateCall<'_>) -> Box<dyn Accumulator>,
}

/// How an accumulator is to be made.
#[derive(Clone, Copy)]
pub struct AggregateCall<'a> {
    /// Argument types after conversion.
    pub args: &'a [DataType],
    /// Result type.
    pub result: &'a DataType,
    /// Clock, time zone and settings for text forms.
    pub ctx: &'a EvalContext<'a>,
}

/// The state of one group.
pub trait Accumulator: Send {
    /// Takes one row's arguments.
    ///
    /// For ordered-set aggregates the direct arguments come first, the same every time, and rows
    /// come in the order of `WITHIN GROUP`.
    ///
    /// # Errors
    /// What the transition raises, such as `22003`.
    fn update(&mut self, args: &[&Value]) -> Result<()>;

    /// Takes one row's arguments back, for moving window frames. `false` if this aggregate cannot:
    /// the caller then starts anew.
    ///
    /// # Errors
    /// As [`Accumulator::update`].
    fn retract(&mut self, _args: &[&Value]) -> Result<bool> {
        Ok(false)
    }

    /// The result so far; may be called again after further updates.
    ///
    /// # Errors
    /// `22003` and its kin.
    fn finish(&self) -> Result<Value>;

    /// Approximate heap use in bytes, for memory limits.
    fn size(&self) -> usize {
        0
    }
}

impl Aggregate {
    /// Declared result type.
    #[must_use]
    pub fn result(&self) -> Ty {
        self.result
    }

    /// The name, lower case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Declared argument types.
    #[must_use]
    pub fn args(&self) -> &'static [Ty] {
        self.args
    }

    /// For an ordered-set aggregate, how many arguments stand before `WITHIN GROUP`.
    #[must_use]
    pub fn direct_args(&self) -> Option<usize> {
        self.direct
    }

    /// Whether the order of rows can change the result (`array_agg`, not `sum`).
    #[must_use]
    pub fn is_order_sensitive(&self) -> bool {
        self.order_sensitive
    }

    /// A fresh state. The accumulator itself skips rows with `NULL` where the aggregate does.
    #[must_use]
    pub fn start(&self, call: &AggregateCall<'_>) -> Box<dyn Accumulator> {
        let accumulator = (self.start)(call);
        if self.strict {
            Box::new(Strict(accumulator))
        } else {
            accumulator
        }
    }
}

impl std::fmt::Debug for Aggregate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({:?}) -> {}", self.name, self.args, self.result)
    }
}

/// Entries are equal when they are the same entry of the catalogue.
impl PartialEq for Aggregate {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.args == other.args
    }
}

impl Entry for Aggregate {
    fn args(&self) -> &'static [Ty] {
        self.args
    }
    fn result(&self) -> Ty {
        self.result
    }
    fn variadic(&self) -> bool {
        self.variadic
    }
}

/// Skips rows with a `NULL` argument.
struct Strict(Box<dyn Accumulator>);

impl Accumulator for Strict {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        if args.iter().any(|arg| arg.is_null()) {
            return Ok(());
        }
        self.0.update(args)
    }

    fn retract(&mut self, args: &[&Value]) -> Result<bool> {
        if args.iter().any(|arg| arg.is_null()) {
            return Ok(true);
        }
        self.0.retract(args)
    }

    fn finish(&self) -> Result<Value> {
        self.0.finish()
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

/// An aggregate that skips rows with a `NULL` argument and does not care for order.
pub(crate) const fn aggregate(
    name: &'static str,
    args: &'static [Ty],
    result: Ty,
    start: fn(&AggregateCall<'_>) -> Box<dyn Accumulator>,
) -> Aggregate {
    Aggregate {
        name,
        args,
        variadic: false,
        direct: None,
        result,
        strict: true,
        order_sensitive: false,
        start,
    }
}

impl Aggregate {
    pub(crate) const fn not_strict(mut self) -> Self {
        self.strict = false;
        self
    }

    pub(crate) const fn ordered(mut self) -> Self {
        self.order_sensitive = true;
        self
    }

    pub(crate) const fn within_group(mut self, direct: usize) -> Self {
        self.direct = Some(direct);
        self.order_sensitive = true;
        self
    }
}

/// Every table of aggregates.
pub(crate) static FAMILIES: &[&[Aggregate]] = &[
    bits::AGGREGATES,
    collect::AGGREGATES,
    count::AGGREGATES,
    deviation::AGGREGATES,
    extreme::AGGREGATES,
    interval::AGGREGATES,
    json::AGGREGATES,
    ordered_set::AGGREGATES,
    range::AGGREGATES,
    regression::AGGREGATES,
    sum::AGGREGATES,
    vector::AGGREGATES,
];
