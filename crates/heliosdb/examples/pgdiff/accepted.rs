//! Differences that are meant, by the entries of `docs/postgresql-compatibility.md`.

use std::collections::BTreeSet;

use super::answer::{Answer, Outcome};

/// The page that names every accepted difference.
const PAGE: &str = include_str!("../../../../docs/postgresql-compatibility.md");

/// The keys of the page's tables: the first column, in backquotes.
pub fn keys() -> BTreeSet<&'static str> {
    PAGE.lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect()
}

/// The entry that a difference in a generated statement falls under, if any.
pub fn of_generated(sql: &str, theirs: &Answer, ours: &Answer) -> Option<&'static str> {
    match (&theirs.outcome, &ours.outcome) {
        (Outcome::Rows { rows, .. }, Outcome::Rows { rows: our_rows, .. }) => {
            let near = rows.len() == our_rows.len()
                && rows
                    .iter()
                    .flatten()
                    .zip(our_rows.iter().flatten())
                    .all(|(their, our)| nearly_same(their.as_deref(), our.as_deref()));
            let transcendental = LIBRARY.iter().any(|name| sql.contains(name));
            let sets = ["INTERSECT", "EXCEPT", "UNION", "DISTINCT", "GROUP BY"];
            if near && transcendental {
                Some("libm")
            } else if sets.iter().any(|word| sql.contains(word)) && plain(rows) == plain(our_rows) {
                Some("equal-values")
            } else if sql.contains("EEEE") {
                Some("to-char-eeee")
            } else if sql.contains(" @@ ") {
                Some("other-types")
            } else if sql.contains("::name") && sql.contains('~') {
                Some("name-letters")
            } else {
                None
            }
        }
        (Outcome::Failed { state, .. }, _) if state == "42725" => Some("missing-overloads"),
        (Outcome::Failed { state, .. }, Outcome::Rows { .. })
            if state == "22025" && sql.contains("substring(") =>
        {
            Some("strict-arguments")
        }
        (Outcome::Failed { state, .. }, Outcome::Rows { .. })
            if state == "22003" && sql.contains("avg(") =>
        {
            Some("average-overflow")
        }
        (Outcome::Rows { .. }, Outcome::Failed { message, .. }) => {
            if sql.contains("age(") && sql.contains("infinity") {
                Some("infinite-age")
            } else if message.starts_with("interval out of range") {
                Some("silent-overflow")
            } else if message.starts_with("timestamp out of range") && sql.contains("294246") {
                Some("timestamp-range")
            } else if message.starts_with("invalid input syntax for type macaddr") {
                Some("macaddr-signs")
            } else if message.starts_with("time zone \"") {
                Some("posix-zones")
            } else if message.contains(" @@ ") {
                Some("other-types")
            } else if message.starts_with("could not determine row type") {
                Some("unused-rows")
            } else {
                None
            }
        }
        (
            Outcome::Failed { state, .. },
            Outcome::Failed {
                state: ours,
                message,
            },
        ) => {
            let of_ranges = ["@", "range_", "range("]
                .iter()
                .any(|part| sql.contains(part));
            if of_ranges && matches!(state.as_str(), "42725" | "42804") && ours.starts_with("42") {
                Some("missing-overloads")
            } else if message.starts_with("timestamp out of range") && sql.contains("294246") {
                Some("timestamp-range")
            } else if message.starts_with("invalid input syntax for type macaddr") {
                Some("macaddr-signs")
            } else if message.starts_with("invalid aclitem") {
                Some("catalog-types")
            } else {
                None
            }
        }
        _ => None,
    }
}

/// The rows in an order of their own, without signs of zeros and zeros at the end of fractions.
fn plain(rows: &[Vec<Option<String>>]) -> Vec<Vec<Option<&str>>> {
    let mut plain: Vec<Vec<Option<&str>>> = rows
        .iter()
        .map(|row| {
            let cells = row.iter().map(|cell| match cell.as_deref() {
                Some("-0") => Some("0"),
                Some(text) if text.contains('.') && text.parse::<f64>().is_ok() => {
                    Some(text.trim_end_matches('0').trim_end_matches('.'))
                }
                other => other,
            });
            cells.collect()
        })
        .collect();
    plain.sort_unstable();
    plain
}

/// Functions that the platform's library computes.
const LIBRARY: [&str; 22] = [
    "cbrt", "||/", "asinh", "acosh", "atanh", "sinh", "cosh", "tanh", "asin", "acos", "atan",
    "sin", "cos", "tan", "cot", "exp", "ln", "log", "power", "^", "stddev", "regr_",
];

/// Whether two texts are the same, or floats that differ in the last digits only.
fn nearly_same(a: Option<&str>, b: Option<&str>) -> bool {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<f64>().ok());
    if a == b {
        return true;
    }
    match (number(a), number(b)) {
        (Some(x), Some(y)) => x == y || (x - y).abs() <= x.abs() * 1e-15,
        _ => false,
    }
}
