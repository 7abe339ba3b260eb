//! What PostgreSQL has and we do not: how it is called, and what to use instead.

use helios_base::Error;

use super::ast::Pos;
use super::cursor::Parser;

/// Names of objects of more than one word, and hints.
const OBJECTS: [(&str, &str, &str); 12] = [
    ("access", "ACCESS METHOD", ""),
    (
        "aggregate",
        "AGGREGATE",
        "Write a function in SQL over array_agg(…), or use the aggregates that there are.",
    ),
    (
        "cast",
        "CAST",
        "Call a function that converts, or cast through text.",
    ),
    (
        "database",
        "DATABASE",
        "Use CREATE SCHEMA, or CREATE BRANCH for a copy of all there is.",
    ),
    ("event", "EVENT TRIGGER", ""),
    (
        "foreign",
        "FOREIGN",
        "Read files directly, as in FROM 'file.parquet', or bring the rows in with COPY.",
    ),
    (
        "materialized",
        "MATERIALIZED VIEW",
        "Use a view, or a table that a procedure fills.",
    ),
    ("operator", "OPERATOR", "Call the function by its name."),
    (
        "rule",
        "RULE",
        "Simple views can be written to as they are; for the rest, use procedures.",
    ),
    (
        "statistics",
        "STATISTICS",
        "ANALYZE gathers what the planner uses.",
    ),
    ("text", "TEXT SEARCH", ""),
    ("large", "LARGE OBJECT", "Use bytea."),
];

/// Clauses that are refused, and hints.
const CLAUSES: [(&str, &str); 3] = [
    (
        "inherits",
        "Use a view over UNION ALL of the tables, or CREATE TABLE … (LIKE …).",
    ),
    (
        "partition",
        "Leave the clause away: rows are stored in the order of the primary key, and old ones in \
         segments that are skipped by their ranges.",
    ),
    ("exclude", "UNIQUE excludes rows with equal values."),
];

impl Parser<'_> {
    /// `CREATE`, `ALTER` or `DROP` of an object of a kind that is not there.
    pub(super) fn no_object(&self, verb: &str, word: &str, pos: Pos) -> Error {
        let found = OBJECTS.iter().find(|(known, ..)| *known == word);
        let shown = found.map_or_else(|| word.to_uppercase(), |(_, shown, _)| (*shown).to_owned());
        let error = self.unsupported(format!("{verb} {shown}"), pos);
        match found {
            Some((_, _, hint)) if !hint.is_empty() => error.with_hint(*hint),
            _ => error,
        }
    }

    /// A clause that is not there.
    pub(super) fn no_clause(&self, clause: &str, pos: Pos) -> Error {
        let error = self.unsupported(clause.to_uppercase(), pos);
        match CLAUSES.iter().find(|(known, _)| *known == clause) {
            Some((_, hint)) => error.with_hint(*hint),
            None => error,
        }
    }
}
