//! What to say when resolution fails.

use helios_base::{DataType, Error, SqlState, nearest};

use crate::catalog;

/// The name of a type as resolution errors show it: without its modifier.
#[must_use]
pub fn type_name(ty: &DataType) -> String {
    match ty {
        DataType::Char(_) => "character".to_owned(),
        DataType::Bit(_) => "bit".to_owned(),
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

/// 42883: there is no function of this name that takes these types; tells a name that is close.
#[must_use]
#[cold]
pub fn no_function(name: &str, types: &[DataType]) -> Error {
    let error = Error::new(
        SqlState::UNDEFINED_FUNCTION,
        format!("function {name}({}) does not exist", list(types)),
    );
    match nearest(name, catalog::names()) {
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
