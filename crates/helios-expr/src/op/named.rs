//! The functions behind operators: `int4pl(a, b)` is `a + b`.
//!
//! PostgreSQL implements every operator by a function that can be called by its name as well. The
//! operators are here already, so a table of names is all it takes.

use std::collections::HashMap;

use crate::function::{Function, Kind};
use crate::ty::Ty;

/// `function|operator|left type|right type`, the left type empty for a prefix operator.
const NAMES: &str = include_str!("operator_functions.txt");

/// The functions behind those of `operators` that have one in PostgreSQL.
pub(crate) fn functions(operators: impl Iterator<Item = &'static Function>) -> Vec<Function> {
    let mut known: HashMap<&str, Vec<&'static Function>> = HashMap::new();
    for entry in operators.filter(|entry| entry.kind != Kind::Function) {
        known.entry(entry.name).or_default().push(entry);
    }
    let mut found: Vec<Function> = Vec::new();
    for line in NAMES.lines() {
        let mut parts = line.split('|');
        let (Some(name), Some(right), Some(left)) =
            (parts.next(), parts.next_back(), parts.next_back())
        else {
            continue;
        };
        // What is left is the operator, which may have bars itself.
        let operator = parts.collect::<Vec<_>>().join("|");
        for entry in known.get(operator.as_str()).into_iter().flatten() {
            let fits = match entry.args {
                [only] => left.is_empty() && is(*only, right),
                [first, second] => is(*first, left) && is(*second, right),
                _ => false,
            };
            // Two spellings of one operator have one function.
            let twin = |other: &Function| other.name == name && other.args == entry.args;
            if fits && !found.iter().any(twin) {
                found.push(Function {
                    name,
                    kind: Kind::Function,
                    // A call is a call: no index serves it, as in PostgreSQL.
                    comparison: None,
                    ..**entry
                });
            }
        }
    }
    found
}

/// Whether PostgreSQL writes the type so in the signature of an operator.
fn is(ty: Ty, name: &str) -> bool {
    match ty {
        // By their own names those take no operand whose type is not known yet.
        Ty::Range(_) | Ty::Multirange(_) | Ty::Element(_) => false,
        other => other.to_string().trim_matches('"') == name.trim_matches('"'),
    }
}
