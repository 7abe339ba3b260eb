//! The functions SQL knows, for `\df` and completion.

use helios_expr::{Kind, catalog};

/// One function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FunctionInfo {
    /// The name.
    pub name: String,
    /// Types of the arguments.
    pub arguments: String,
    /// Type of the result.
    pub result: String,
    /// `function`, `set-returning`, `aggregate` or `window`.
    pub kind: &'static str,
}

/// All functions, by name and arguments; overloads are listed apart.
#[must_use]
pub fn functions() -> Vec<FunctionInfo> {
    let info = |name: &str, args: &[helios_expr::Ty], result: String, kind| FunctionInfo {
        name: name.to_owned(),
        arguments: args
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        result,
        kind,
    };
    let mut all = Vec::new();
    for function in catalog::all().filter(|function| function.kind() == Kind::Function) {
        let result = function.result().to_string();
        all.push(info(function.name(), function.args(), result, "function"));
    }
    for name in catalog::names() {
        for aggregate in catalog::aggregates(name) {
            let result = aggregate.result().to_string();
            all.push(info(name, aggregate.args(), result, "aggregate"));
        }
        for window in catalog::windows(name) {
            let result = window.result.to_string();
            all.push(info(name, window.args, result, "window"));
        }
        for function in catalog::set_functions(name) {
            let columns: Vec<_> = function
                .columns()
                .iter()
                .map(|(_, ty)| ty.to_string())
                .collect();
            let result = format!("setof {}", columns.join(", "));
            all.push(info(name, function.args(), result, "set-returning"));
        }
    }
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed() {
        let all = functions();
        for (name, kind) in [
            ("length", "function"),
            ("sum", "aggregate"),
            ("row_number", "window"),
            ("generate_series", "set-returning"),
        ] {
            assert!(
                all.iter().any(|f| f.name == name && f.kind == kind),
                "{name}"
            );
        }
    }
}
