//! The catalogue: every family of functions, operators and aggregates, found by name.
//!
//! To add a family: a file with a `static … : &[Function]` table, one line in the `mod.rs` beside it.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::aggregate::{self, Aggregate};
use crate::function::{Function, Kind};
use crate::set_function::{self, SetFunction};
use crate::window::{self, WindowFunction};
use crate::{func, op};

/// What the names of functions of `information_schema` begin with here; all others are of
/// `pg_catalog`.
pub const INFORMATION_SCHEMA: &str = "information_schema.";

/// Every table of functions and operators.
fn families() -> impl Iterator<Item = &'static Function> {
    op::FAMILIES
        .iter()
        .chain(func::FAMILIES)
        .flat_map(|tables| tables.iter())
        .flat_map(|table| table.iter())
}

struct Catalog {
    functions: HashMap<&'static str, Vec<&'static Function>>,
    infix: HashMap<&'static str, Vec<&'static Function>>,
    prefix: HashMap<&'static str, Vec<&'static Function>>,
    aggregates: HashMap<&'static str, Vec<&'static Aggregate>>,
    windows: HashMap<&'static str, Vec<&'static WindowFunction>>,
    sets: HashMap<&'static str, Vec<&'static SetFunction>>,
}

impl Catalog {
    /// Whether an aggregate, a window or a set-returning function has this name.
    fn is_other(&self, name: &str) -> bool {
        self.aggregates.contains_key(name)
            || self.windows.contains_key(name)
            || self.sets.contains_key(name)
    }
}

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let mut catalog = Catalog {
        functions: HashMap::new(),
        infix: HashMap::new(),
        prefix: HashMap::new(),
        aggregates: HashMap::new(),
        windows: HashMap::new(),
        sets: HashMap::new(),
    };
    for entry in families() {
        let map = match entry.kind {
            Kind::Function => &mut catalog.functions,
            Kind::Infix => &mut catalog.infix,
            Kind::Prefix => &mut catalog.prefix,
        };
        map.entry(entry.name).or_default().push(entry);
    }
    for entry in aggregate::FAMILIES.iter().flat_map(|family| family.iter()) {
        let overloads = catalog.aggregates.entry(entry.name()).or_default();
        overloads.push(entry);
    }
    for entry in window::FUNCTIONS {
        catalog.windows.entry(entry.name).or_default().push(entry);
    }
    for entry in set_function::FAMILIES
        .iter()
        .flat_map(|family| family.iter())
    {
        catalog.sets.entry(entry.name).or_default().push(entry);
    }
    catalog
});

/// The functions behind operators. They are looked at when no other function has the name, so that
/// what never calls one never makes them.
static BEHIND: LazyLock<Vec<Function>> = LazyLock::new(|| {
    let mut functions = op::named::functions(families());
    functions.retain(|function| !CATALOG.functions.contains_key(function.name));
    functions
});

static BEHIND_BY_NAME: LazyLock<HashMap<&'static str, Vec<&'static Function>>> =
    LazyLock::new(|| {
        let mut map: HashMap<_, Vec<_>> = HashMap::new();
        for function in BEHIND.iter() {
            map.entry(function.name).or_default().push(function);
        }
        map
    });

/// The overloads of a function; empty if there is none of this (lower-case) name.
#[must_use]
pub fn functions(name: &str) -> &'static [&'static Function] {
    if let Some(found) = CATALOG.functions.get(name) {
        return found;
    }
    if CATALOG.is_other(name) {
        return &[];
    }
    BEHIND_BY_NAME.get(name).map_or(&[], Vec::as_slice)
}

/// The overloads of an operator.
#[must_use]
pub fn operators(name: &str, kind: Kind) -> &'static [&'static Function] {
    let map = match kind {
        Kind::Infix => &CATALOG.infix,
        Kind::Prefix => &CATALOG.prefix,
        Kind::Function => &CATALOG.functions,
    };
    map.get(name).map_or(&[], Vec::as_slice)
}

/// The overloads of an aggregate.
#[must_use]
pub fn aggregates(name: &str) -> &'static [&'static Aggregate] {
    CATALOG.aggregates.get(name).map_or(&[], Vec::as_slice)
}

/// The overloads of a window function.
#[must_use]
pub fn windows(name: &str) -> &'static [&'static WindowFunction] {
    CATALOG.windows.get(name).map_or(&[], Vec::as_slice)
}

/// The overloads of a set-returning function.
#[must_use]
pub fn set_functions(name: &str) -> &'static [&'static SetFunction] {
    CATALOG.sets.get(name).map_or(&[], Vec::as_slice)
}

/// Whether any kind of function has this name.
#[must_use]
pub fn is_known(name: &str) -> bool {
    CATALOG.is_other(name) || !functions(name).is_empty()
}

/// The names of all functions, aggregates, window and set-returning functions, in no order; a name
/// of two kinds appears twice.
pub fn names() -> impl Iterator<Item = &'static str> {
    CATALOG
        .functions
        .keys()
        .chain(BEHIND_BY_NAME.keys())
        .chain(CATALOG.aggregates.keys())
        .chain(CATALOG.windows.keys())
        .chain(CATALOG.sets.keys())
        .copied()
}

/// Every function and operator, in no order: for `\df`, `\do` and system catalogs.
pub fn all() -> impl Iterator<Item = &'static Function> {
    families().chain(BEHIND.iter())
}
