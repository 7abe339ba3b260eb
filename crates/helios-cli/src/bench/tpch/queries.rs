//! The 22 queries with the parameters of the benchmark's validation run.

use heliosdb::Result;
use tpchgen::q_and_a::queries::query;

use super::failed;

/// What to put for `:1`, `:2`, …
const PARAMETERS: [&[&str]; 22] = [
    &["90"],
    &["15", "BRASS", "EUROPE"],
    &["BUILDING", "1995-03-15"],
    &["1993-07-01"],
    &["ASIA", "1994-01-01"],
    &["1994-01-01", "0.06", "24"],
    &["FRANCE", "GERMANY"],
    &["BRAZIL", "AMERICA", "ECONOMY ANODIZED STEEL"],
    &["green"],
    &["1993-10-01"],
    &["GERMANY", "(0.0001 / :scale)"],
    &["MAIL", "SHIP", "1994-01-01"],
    &["special", "requests"],
    &["1995-09-01"],
    &["1996-01-01"],
    &[
        "Brand#45",
        "MEDIUM POLISHED",
        "49",
        "14",
        "23",
        "45",
        "19",
        "3",
        "36",
        "9",
    ],
    &["Brand#23", "MED BOX"],
    &["300"],
    &["Brand#12", "Brand#23", "Brand#34", "1", "10", "20"],
    &["forest", "1994-01-01", "CANADA"],
    &["SAUDI ARABIA"],
    &["13", "31", "23", "29", "30", "18", "17"],
];

/// How many rows a query shows, where the benchmark limits them.
fn limit(number: usize) -> Option<u32> {
    match number {
        2 | 18 | 21 => Some(100),
        3 => Some(10),
        10 => Some(20),
        _ => None,
    }
}

/// The statements of query `number`, one of which is a query.
pub fn statements(number: usize, scale: f64) -> Result<Vec<String>> {
    let text = i32::try_from(number).ok().and_then(query);
    let parameters = number.checked_sub(1).and_then(|at| PARAMETERS.get(at));
    let (Some(text), Some(parameters)) = (text, parameters) else {
        return Err(failed(format!("there is no query {number}")));
    };
    let mut text = text.to_owned();
    // Longer numbers first.
    for (at, value) in parameters.iter().enumerate().rev() {
        text = text.replace(&format!(":{}", at + 1), value);
    }
    text = text
        .replace(":scale", &scale.to_string())
        .replace(":s", "")
        // PostgreSQL has a precision for seconds only.
        .replace(" day (3)", " day");
    let statements = text.split(';').map(str::trim).filter(|s| !s.is_empty());
    let mut statements: Vec<String> = statements.map(str::to_owned).collect();
    if let (Some(limit), Some(query)) = (limit(number), statements.last_mut()) {
        query.push_str(&format!("\nlimit {limit}"));
    }
    Ok(statements)
}
