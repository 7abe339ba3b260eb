//! The words of the language, for colours and completion.

use heliosdb::KEYWORDS;

/// What a shell offers beyond the grammar's keywords: types, phrases, and words that are keywords
/// in one place only. In upper case and in order.
const MORE_WORDS: &[&str] = &[
    "ALWAYS",
    "AS OF",
    "BIGINT",
    "BOOLEAN",
    "BYTEA",
    "COMMITTED",
    "CURRENT_DATE",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "DATE",
    "DECIMAL",
    "DEFERRED",
    "DOUBLE PRECISION",
    "EXTRACT",
    "IMMEDIATE",
    "INT",
    "INTEGER",
    "INTERVAL",
    "JSON",
    "JSONB",
    "LSN",
    "NOW",
    "NUMERIC",
    "READ",
    "REAL",
    "REPEATABLE",
    "SERIAL",
    "SERIALIZABLE",
    "SKIP LOCKED",
    "SMALLINT",
    "SYSTEM_TIME",
    "TEXT",
    "TIES",
    "TIME",
    "TIMESTAMPTZ",
    "UUID",
    "VARCHAR",
    "VERSIONS BETWEEN",
    "WRITE",
];

/// All words to offer, those of the grammar first.
pub fn keywords() -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().chain(MORE_WORDS).copied()
}

/// Whether `word` is a keyword, in whatever case.
pub fn is_keyword(word: &str) -> bool {
    let upper = word.to_ascii_uppercase();
    KEYWORDS.binary_search(&upper.as_str()).is_ok()
        || MORE_WORDS
            .iter()
            .any(|words| words.split(' ').any(|part| part == upper))
}

/// One line of help per statement: name, syntax.
pub const STATEMENTS: &[(&str, &str)] = &[
    (
        "ALTER TABLE",
        "ALTER TABLE name { ADD | DROP | ALTER | RENAME } …",
    ),
    ("ANALYZE", "ANALYZE [table]"),
    (
        "BEGIN",
        "BEGIN [ISOLATION LEVEL { READ COMMITTED | REPEATABLE READ | SERIALIZABLE }] [READ ONLY]",
    ),
    ("COMMIT", "COMMIT"),
    (
        "COPY",
        "COPY table [(column, …)] { FROM | TO } { 'file' | STDIN | STDOUT } [WITH (FORMAT csv, HEADER, …)]",
    ),
    (
        "CREATE INDEX",
        "CREATE [UNIQUE] INDEX [name] ON table (column | (expression) [ASC | DESC], …) [INCLUDE (…)] [WHERE condition]",
    ),
    ("CREATE SCHEMA", "CREATE SCHEMA [IF NOT EXISTS] name"),
    (
        "CREATE SEQUENCE",
        "CREATE SEQUENCE name [START n] [INCREMENT n] [MINVALUE n] [MAXVALUE n] [CYCLE]",
    ),
    (
        "CREATE TABLE",
        "CREATE TABLE [IF NOT EXISTS] name (column type [constraint …], … [, table constraint …])",
    ),
    (
        "CREATE VIEW",
        "CREATE [OR REPLACE] VIEW name [(column, …)] AS query",
    ),
    (
        "DELETE",
        "DELETE FROM table [USING …] [WHERE condition] [RETURNING …]",
    ),
    (
        "DROP",
        "DROP { TABLE | VIEW | INDEX | SEQUENCE | SCHEMA } [IF EXISTS] name [CASCADE | RESTRICT]",
    ),
    (
        "EXPLAIN",
        "EXPLAIN [ANALYZE] [(FORMAT { TEXT | JSON })] statement",
    ),
    (
        "INSERT",
        "INSERT INTO table [(column, …)] { VALUES (…), … | query } [ON CONFLICT … DO { NOTHING | UPDATE SET … }] [RETURNING …]",
    ),
    ("PREPARE", "PREPARE name [(type, …)] AS statement"),
    ("ROLLBACK", "ROLLBACK [TO SAVEPOINT name]"),
    ("SAVEPOINT", "SAVEPOINT name"),
    (
        "SELECT",
        "[WITH …] SELECT [DISTINCT [ON (…)]] … [FROM …] [WHERE …] [GROUP BY …] [HAVING …] [WINDOW …] [ORDER BY …] [LIMIT n] [OFFSET n] [FOR UPDATE]",
    ),
    ("SET", "SET [LOCAL] name = value"),
    ("SHOW", "SHOW { name | ALL }"),
    ("TRUNCATE", "TRUNCATE table, … [RESTART IDENTITY] [CASCADE]"),
    (
        "UPDATE",
        "UPDATE table SET column = value, … [FROM …] [WHERE condition] [RETURNING …]",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_in_order_and_found_in_any_case() {
        assert!(KEYWORDS.is_sorted() && MORE_WORDS.is_sorted());
        assert!(is_keyword("select") && is_keyword("Precision") && !is_keyword("orders"));
    }
}
