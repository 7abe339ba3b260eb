//! Differences that are meant, by the entries of `docs/postgresql-compatibility.md`.

use std::collections::BTreeSet;

/// The page that names every accepted difference.
const PAGE: &str = include_str!("../../../../docs/postgresql-compatibility.md");

/// The keys of the page's tables: the first column, in backquotes.
pub fn keys() -> BTreeSet<&'static str> {
    PAGE.lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect()
}
