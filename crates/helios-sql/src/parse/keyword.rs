//! Keywords: which words cannot be names where.

use helios_base::nearest;

/// Words that cannot name a column, table or function without quotes.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "current_catalog",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lateral",
    "leading",
    "limit",
    "localtime",
    "localtimestamp",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "placing",
    "primary",
    "references",
    "returning",
    "select",
    "session_user",
    "some",
    "symmetric",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];

/// Words that can name a function or type, but no column or table.
const FUNCTION_OR_TYPE: &[&str] = &[
    "authorization",
    "binary",
    "collation",
    "concurrently",
    "cross",
    "current_schema",
    "freeze",
    "full",
    "ilike",
    "inner",
    "is",
    "isnull",
    "join",
    "left",
    "like",
    "natural",
    "notnull",
    "outer",
    "overlaps",
    "right",
    "similar",
    "tablesample",
    "verbose",
];

/// Words that can name a column or table, but no function.
const COLUMN_ONLY: &[&str] = &[
    "between",
    "bigint",
    "bit",
    "boolean",
    "char",
    "character",
    "coalesce",
    "dec",
    "decimal",
    "exists",
    "extract",
    "float",
    "greatest",
    "grouping",
    "inout",
    "int",
    "integer",
    "interval",
    "least",
    "national",
    "nchar",
    "none",
    "normalize",
    "nullif",
    "numeric",
    "out",
    "overlay",
    "position",
    "precision",
    "real",
    "row",
    "setof",
    "smallint",
    "substring",
    "time",
    "timestamp",
    "treat",
    "trim",
    "values",
    "varchar",
];

/// Words that name an output column only after `AS`.
const NEEDS_AS: &[&str] = &[
    "array",
    "as",
    "char",
    "character",
    "create",
    "day",
    "except",
    "fetch",
    "filter",
    "for",
    "from",
    "grant",
    "group",
    "having",
    "hour",
    "intersect",
    "into",
    "isnull",
    "limit",
    "minute",
    "month",
    "notnull",
    "offset",
    "on",
    "order",
    "over",
    "overlaps",
    "precision",
    "returning",
    "second",
    "to",
    "union",
    "varying",
    "where",
    "window",
    "with",
    "within",
    "without",
    "year",
];

/// Words with a meaning that can name anything, in order, as PostgreSQL 15 has them.
const UNRESERVED: &str = include_str!("unreserved.txt");

/// Where a keyword may stand as a name: `pg_get_keywords`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    /// Nowhere.
    Reserved,
    /// As the name of a function or type.
    FunctionOrType,
    /// As that of a column or table.
    Column,
    /// Everywhere.
    Unreserved,
}

impl Category {
    /// PostgreSQL's letter and words for it.
    pub(crate) const fn shown(self) -> (u8, &'static str) {
        match self {
            Self::Reserved => (b'R', "reserved"),
            Self::FunctionOrType => (b'T', "reserved (can be function or type name)"),
            Self::Column => (b'C', "unreserved (cannot be function or type name)"),
            Self::Unreserved => (b'U', "unreserved"),
        }
    }
}

/// All keywords, in order, with whether they name an output column without `AS`.
pub(crate) fn categories() -> Vec<(&'static str, Category, bool)> {
    let lists = [
        (RESERVED, Category::Reserved),
        (FUNCTION_OR_TYPE, Category::FunctionOrType),
        (COLUMN_ONLY, Category::Column),
    ];
    let listed = lists
        .iter()
        .flat_map(|(words, category)| words.iter().map(|word| (*word, *category)));
    let rest = UNRESERVED
        .split_whitespace()
        .map(|word| (word, Category::Unreserved));
    let mut all: Vec<_> = listed
        .chain(rest)
        .map(|(word, category)| (word, category, !contains(NEEDS_AS, word)))
        .collect();
    all.sort_unstable_by_key(|(word, ..)| *word);
    all
}

/// Words that begin or join clauses: what a shell highlights and completes.
pub const KEYWORDS: &[&str] = &[
    "ABORT",
    "ADD",
    "ALL",
    "ALTER",
    "ANALYZE",
    "AND",
    "ANY",
    "ARRAY",
    "AS",
    "ASC",
    "BEGIN",
    "BETWEEN",
    "BRANCH",
    "BY",
    "CASCADE",
    "CASE",
    "CAST",
    "CHECK",
    "CHECKPOINT",
    "CLOSE",
    "COLLATE",
    "COLUMN",
    "COMMENT",
    "COMMIT",
    "CONFLICT",
    "CONSTRAINT",
    "COPY",
    "CREATE",
    "CROSS",
    "CUBE",
    "CURRENT",
    "CURSOR",
    "DATABASE",
    "DEALLOCATE",
    "DECLARE",
    "DEFAULT",
    "DEFERRABLE",
    "DELETE",
    "DESC",
    "DISCARD",
    "DISTINCT",
    "DO",
    "DROP",
    "ELSE",
    "END",
    "ESCAPE",
    "EXCEPT",
    "EXECUTE",
    "EXISTS",
    "EXPLAIN",
    "FALSE",
    "FETCH",
    "FILTER",
    "FIRST",
    "FOLLOWING",
    "FOR",
    "FOREIGN",
    "FROM",
    "FULL",
    "GENERATED",
    "GROUP",
    "GROUPING",
    "HAVING",
    "IDENTITY",
    "IF",
    "ILIKE",
    "IN",
    "INCLUDE",
    "INDEX",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "ISOLATION",
    "JOIN",
    "KEY",
    "LAST",
    "LATERAL",
    "LEFT",
    "LEVEL",
    "LIKE",
    "LIMIT",
    "LOCK",
    "MATERIALIZED",
    "MERGE",
    "NATURAL",
    "NEXT",
    "NO",
    "NOT",
    "NOTHING",
    "NOWAIT",
    "NULL",
    "NULLS",
    "OF",
    "OFFSET",
    "ON",
    "ONLY",
    "OR",
    "ORDER",
    "ORDINALITY",
    "OUTER",
    "OVER",
    "PARTITION",
    "PRECEDING",
    "PREPARE",
    "PRIMARY",
    "RANGE",
    "RECURSIVE",
    "REFERENCES",
    "RELEASE",
    "RENAME",
    "RESET",
    "RESTRICT",
    "RETURNING",
    "RIGHT",
    "ROLLBACK",
    "ROLLUP",
    "ROW",
    "ROWS",
    "SAVEPOINT",
    "SCHEMA",
    "SCN",
    "SELECT",
    "SEQUENCE",
    "SET",
    "SETS",
    "SHOW",
    "SIMILAR",
    "SOME",
    "START",
    "TABLE",
    "TEMPORARY",
    "THEN",
    "TIMESTAMP",
    "TO",
    "TRANSACTION",
    "TRUE",
    "TRUNCATE",
    "TYPE",
    "UNBOUNDED",
    "UNION",
    "UNIQUE",
    "UPDATE",
    "USE",
    "USING",
    "VACUUM",
    "VALUES",
    "VERSIONS",
    "VIEW",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
    "WITHIN",
    "WORK",
];

/// Whether the word can name a column or a table.
pub(super) fn is_name(word: &str) -> bool {
    !contains(RESERVED, word) && !contains(FUNCTION_OR_TYPE, word)
}

/// Whether the word can name a function (or a type).
pub(super) fn is_function_name(word: &str) -> bool {
    !contains(RESERVED, word) && !contains(COLUMN_ONLY, word)
}

/// Whether the word is an alias even without `AS`.
pub(super) fn is_bare_label(word: &str) -> bool {
    !contains(NEEDS_AS, word)
}

/// The keyword that `word`, which is none, looks like a slip of.
pub(super) fn meant(word: &str) -> Option<&'static str> {
    // Of three letters each is near too many others.
    let long = |keyword: &&str| keyword.len() > 3;
    let is_one = KEYWORDS
        .iter()
        .any(|keyword| keyword.eq_ignore_ascii_case(word));
    match word.len() > 3 && !is_one {
        true => nearest(word, KEYWORDS.iter().copied().filter(long)),
        false => None,
    }
}

fn contains(list: &[&str], word: &str) -> bool {
    list.binary_search(&word).is_ok()
}

/// The name as it must be written in SQL: in quotes unless it is a plain lower-case word.
#[must_use]
pub fn quote_ident(name: &str) -> String {
    let mut bytes = name.bytes();
    let plain = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if plain && is_name(name) && is_function_name(name) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Guards against a list out of order: it is searched by halves.
    #[test]
    fn every_keyword_is_found_in_its_category() {
        let all = categories();
        assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (word, category, bare) in all {
            assert_eq!(is_name(word), !is_reserved(category), "{word}");
            assert_eq!(bare, !contains(NEEDS_AS, word), "{word}");
        }
        let find = |word| categories().into_iter().find(|known| known.0 == word);
        assert_eq!(find("select"), Some(("select", Category::Reserved, true)));
        assert_eq!(find("left"), Some(("left", Category::FunctionOrType, true)));
        assert_eq!(find("char"), Some(("char", Category::Column, false)));
        assert_eq!(find("abort"), Some(("abort", Category::Unreserved, true)));
    }

    fn is_reserved(category: Category) -> bool {
        matches!(category, Category::Reserved | Category::FunctionOrType)
    }
}
