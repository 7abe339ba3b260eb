//! What to say when resolution fails.

use helios_base::{DataType, Error, SqlState};

use crate::catalog;

/// The name of a type as resolution errors show it: without its modifier.
#[must_use]
pub fn type_name(ty: &DataType) -> String {
    match ty {
        DataType::Char(_) => "character".to_owned(),
        DataType::Array(element) => format!("{}[]", type_name(element)),
        other => other.bare().to_string(),
    }
}

fn list(types: &[DataType]) -> String {
    let names: Vec<_> = types.iter().map(type_name).collect();
    names.join(", ")
}

fn operator_text(name: &str, types: &[DataType]) -> String {
    match types {
        [left, right] => format!("{} {name} {}", type_name(left), type_name(right)),
        types => format!("{name} {}", list(types)),
    }
}

#[cold]
pub(crate) fn no_operator(name: &str, types: &[DataType]) -> Error {
    let hint = if types.len() == 1 {
        "No operator matches the given name and argument type. \
         You might need to add an explicit type cast."
    } else {
        "No operator matches the given name and argument types. \
         You might need to add explicit type casts."
    };
    Error::new(
        SqlState::UNDEFINED_FUNCTION,
        format!("operator does not exist: {}", operator_text(name, types)),
    )
    .with_hint(hint)
}

#[cold]
pub(crate) fn ambiguous_operator(name: &str, types: &[DataType]) -> Error {
    Error::new(
        SqlState::AMBIGUOUS_FUNCTION,
        format!("operator is not unique: {}", operator_text(name, types)),
    )
    .with_hint(
        "Could not choose a best candidate operator. You might need to add explicit type casts.",
    )
}

#[cold]
pub(crate) fn no_function(name: &str, types: &[DataType]) -> Error {
    let error = Error::new(
        SqlState::UNDEFINED_FUNCTION,
        format!("function {name}({}) does not exist", list(types)),
    );
    match suggestion(name) {
        Some(close) if !catalog::is_known(name) => {
            error.with_hint(format!("Perhaps you meant the function \"{close}\"."))
        }
        _ => error.with_hint(
            "No function matches the given name and argument types. \
             You might need to add explicit type casts.",
        ),
    }
}

#[cold]
pub(crate) fn ambiguous_function(name: &str, types: &[DataType]) -> Error {
    Error::new(
        SqlState::AMBIGUOUS_FUNCTION,
        format!("function {name}({}) is not unique", list(types)),
    )
    .with_hint(
        "Could not choose a best candidate function. You might need to add explicit type casts.",
    )
}

/// The known function name closest to `name`, if one is close.
pub(crate) fn suggestion(name: &str) -> Option<&'static str> {
    let limit = (name.chars().count() / 3).clamp(1, 3);
    catalog::names()
        .map(|known| (distance(name, known), known))
        .filter(|(distance, _)| (1..=limit).contains(distance))
        .min()
        .map(|(_, known)| known)
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let cost = (diagonal + usize::from(x != *y))
                .min(left + 1)
                .min(*cell + 1);
            diagonal = std::mem::replace(cell, cost);
            left = cost;
        }
    }
    row.last().copied().unwrap_or(0)
}
