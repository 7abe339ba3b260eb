//! Which function, operator or cast a piece of SQL means: PostgreSQL's resolution rules.
//!
//! Everything here works on types alone; [`crate::build::Builder`] applies the outcome to
//! expressions.
//!
//! # Source
//! PostgreSQL 15 documentation, chapter 10 "Type Conversion".

mod candidates;
pub mod category;
pub mod coercion;
mod common;
mod errors;
mod polymorphic;

use helios_base::{DataType, Error, Result, SqlState};

use crate::aggregate::Aggregate;
use crate::catalog;
use crate::function::{Function, Kind};
use crate::set_function::SetFunction;
use crate::ty::Ty;
use crate::window::WindowFunction;
use candidates::{Candidate, Choice, choose};

pub use coercion::{CastContext, Path, is_implicit, path};
pub use common::common_type;
pub use errors::no_function;
pub use errors::type_name;

/// A chosen catalogue entry and the types its arguments must be converted to.
#[derive(Clone, Debug)]
pub struct Resolved<E: 'static> {
    /// The entry.
    pub entry: &'static E,
    /// Argument types after conversion, one per actual argument. `Unknown` stays where the entry
    /// takes anything.
    pub args: Vec<DataType>,
    /// Result type.
    pub result: DataType,
}

/// What resolution needs to know of a catalogue entry.
pub trait Entry: 'static {
    /// Declared argument types.
    fn args(&self) -> &'static [Ty];
    /// Declared result type.
    fn result(&self) -> Ty;
    /// Whether the last argument may be repeated.
    fn variadic(&self) -> bool {
        false
    }
    /// How many trailing arguments may be left out.
    fn defaults(&self) -> usize {
        0
    }
}

impl Entry for Function {
    fn args(&self) -> &'static [Ty] {
        self.args
    }
    fn result(&self) -> Ty {
        self.result
    }
    fn variadic(&self) -> bool {
        self.variadic
    }
    fn defaults(&self) -> usize {
        usize::from(self.defaults)
    }
}

/// Resolves `left name right`, or `name right` without `left`.
///
/// # Errors
/// `42883` no such operator, `42725` ambiguous.
pub fn operator(
    name: &str,
    left: Option<&DataType>,
    right: &DataType,
) -> Result<Resolved<Function>> {
    // `!=` is only another spelling.
    let name = if name == "!=" { "<>" } else { name };
    let kind = if left.is_some() {
        Kind::Infix
    } else {
        Kind::Prefix
    };
    let entries = catalog::operators(name, kind);
    let mut actual: Vec<DataType> = left.into_iter().chain([right]).cloned().collect();
    // An undecided operand is first assumed to have the other's type.
    if let [left, right] = actual.as_mut_slice() {
        let assumed = match (&*left, &*right) {
            (DataType::Unknown, other) | (other, DataType::Unknown) => other.clone(),
            _ => DataType::Unknown,
        };
        if !matches!(assumed, DataType::Unknown)
            && let Some(&entry) = entries
                .iter()
                .find(|entry| entry.args.iter().all(|ty| ty.is(&assumed)))
        {
            return Ok(Resolved {
                entry,
                args: vec![assumed.bare(), assumed.bare()],
                result: entry.result.concrete().unwrap_or(DataType::Unknown),
            });
        }
    }
    match pick(entries, &actual) {
        Choice::One(candidate) => settled(candidate, &actual),
        Choice::None => Err(errors::no_operator(name, &actual)),
        Choice::Ambiguous => Err(errors::ambiguous_operator(name, &actual)),
    }
}

/// Resolves `name(args)`. With `spread` the last argument was written `VARIADIC array`.
///
/// # Errors
/// `42883` no such function, `42725` ambiguous, `42804` bad polymorphic arguments.
pub fn function(name: &str, args: &[DataType], spread: bool) -> Result<Resolved<Function>> {
    let entries = catalog::functions(name);
    if !spread {
        return by_name(name, entries, args);
    }
    // Match the element type, then ask for an array of what was found.
    let mut elements = args.to_vec();
    if let Some(last) = elements.last_mut() {
        match std::mem::replace(last, DataType::Unknown) {
            DataType::Array(element) => *last = *element,
            DataType::Unknown => {}
            other => *last = other,
        }
    }
    let variadic: Vec<_> = entries
        .iter()
        .copied()
        .filter(|entry| entry.variadic && entry.args.len() == args.len())
        .collect();
    let any = variadic
        .iter()
        .any(|entry| entry.args.last() == Some(&Ty::Any));
    match args.last() {
        Some(DataType::Array(_)) => {}
        _ if any => {
            return Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                "VARIADIC argument must be an array",
            ));
        }
        Some(DataType::Unknown) => {}
        _ => return Err(no_function(name, args)),
    }
    let mut resolved = match pick(&variadic, &elements) {
        Choice::One(candidate) => settled(candidate, &elements)?,
        Choice::None => return Err(no_function(name, args)),
        Choice::Ambiguous => return Err(errors::ambiguous_function(name, args)),
    };
    if let Some(last) = resolved.args.last_mut() {
        let element = std::mem::replace(last, DataType::Unknown);
        *last = DataType::Array(Box::new(element));
    }
    Ok(resolved)
}

/// Resolves an aggregate call. For an ordered-set aggregate, `args` are the direct arguments
/// followed by the `WITHIN GROUP` ones.
///
/// # Errors
/// As [`function`].
pub fn aggregate(name: &str, args: &[DataType]) -> Result<Resolved<Aggregate>> {
    by_name(name, catalog::aggregates(name), args)
}

/// Resolves a call of a window function proper; aggregates can be windowed as well.
///
/// # Errors
/// As [`function`].
pub fn window(name: &str, args: &[DataType]) -> Result<Resolved<WindowFunction>> {
    by_name(name, catalog::windows(name), args)
}

/// Resolves a call of a set-returning function.
///
/// # Errors
/// As [`function`].
pub fn set_function(name: &str, args: &[DataType]) -> Result<Resolved<SetFunction>> {
    by_name(name, catalog::set_functions(name), args)
}

fn by_name<E: Entry>(
    name: &str,
    entries: &[&'static E],
    actual: &[DataType],
) -> Result<Resolved<E>> {
    match pick(entries, actual) {
        Choice::One(candidate) => settled(candidate, actual),
        Choice::None => Err(no_function(name, actual)),
        Choice::Ambiguous => Err(errors::ambiguous_function(name, actual)),
    }
}

fn pick<E: Entry>(entries: &[&'static E], actual: &[DataType]) -> Choice<Candidate<&'static E>> {
    let mut candidates: Vec<Candidate<&'static E>> = Vec::new();
    for &entry in entries {
        let Some(args) = spread_args(entry, actual.len()) else {
            continue;
        };
        // Of two with the same list, the one that needs no spreading wins.
        if let Some(twin) = candidates.iter_mut().find(|other| other.args == args) {
            if twin.entry.variadic() && !entry.variadic() {
                twin.entry = entry;
            }
            continue;
        }
        candidates.push(Candidate { entry, args });
    }
    choose(candidates, actual)
}

/// The declared argument list brought to `count` arguments, if the entry can take so many.
fn spread_args<E: Entry>(entry: &E, count: usize) -> Option<Vec<Ty>> {
    let declared = entry.args();
    let (last, before) = match declared.split_last() {
        Some((&last, before)) if entry.variadic() => (last, before),
        _ => {
            let fits = count <= declared.len() && count + entry.defaults() >= declared.len();
            return fits.then(|| declared.iter().copied().take(count).collect());
        }
    };
    (count >= declared.len()).then(|| {
        let repeated = std::iter::repeat_n(last, count - before.len());
        before.iter().copied().chain(repeated).collect()
    })
}

fn settled<E: Entry>(candidate: Candidate<&'static E>, actual: &[DataType]) -> Result<Resolved<E>> {
    let Candidate { entry, args } = candidate;
    let settled = polymorphic::settle(&args, actual)?;
    let types = args
        .iter()
        .zip(actual)
        .map(|(&pattern, ty)| settled.apply(pattern, ty))
        .collect::<Result<Vec<_>>>()?;
    let result = settled.apply(entry.result(), &DataType::Unknown)?;
    Ok(Resolved {
        entry,
        args: types,
        result,
    })
}
