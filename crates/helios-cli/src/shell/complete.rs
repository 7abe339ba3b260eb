//! Completion: what may come next, from the words before the cursor.

use std::sync::Arc;

use heliosdb::{Connection, NameContext};
use parking_lot::Mutex;
use reedline::{Completer, CompletionResult, Span, Suggestion};

use super::{commands, words};
use crate::lexer::{self, Kind};

/// Completes backslash commands, keywords and the names the connection knows.
pub struct SqlCompleter {
    /// The shell's connection; while a statement runs there is nothing to complete.
    pub connection: Arc<Mutex<Connection>>,
}

impl Completer for SqlCompleter {
    fn complete(&mut self, line: &str, pos: usize) -> CompletionResult {
        let before = line.get(..pos).unwrap_or(line);
        let (start, candidates) = candidates(before, |context, prefix| {
            self.connection
                .try_lock()
                .map(|connection| connection.complete_names(context, prefix))
                .unwrap_or_default()
        });
        let suggestions: Vec<Suggestion> = candidates
            .into_iter()
            .map(|value| Suggestion {
                value,
                span: Span::new(start, pos),
                append_whitespace: true,
                ..Suggestion::default()
            })
            .collect();
        CompletionResult::fresh(suggestions)
    }
}

/// Where the word to complete starts, and what may stand there.
fn candidates(
    before: &str,
    names: impl Fn(NameContext, &str) -> Vec<String>,
) -> (usize, Vec<String>) {
    if let Some(command) = before.trim_start().strip_prefix('\\') {
        return meta_candidates(before, command, names);
    }
    let tokens = lexer::tokens(before);
    if let Some(found) = argument_candidates(before, &tokens, &names) {
        return found;
    }
    if tokens.last().is_some_and(|token| {
        token.kind == Kind::Comment || (token.kind == Kind::String && token.open)
    }) {
        return (before.len(), Vec::new());
    }
    let last_statement = tokens
        .iter()
        .rposition(|token| token.kind == Kind::Semicolon)
        .map_or(0, |at| at + 1);
    let tokens = &tokens[last_statement..];
    let typing = tokens
        .last()
        .filter(|token| token.span.end == before.len() && token.kind == Kind::Word);
    let start = typing.map_or(before.len(), |token| token.span.start);
    let prefix = &before[start..];
    let done = &tokens[..tokens.len() - usize::from(typing.is_some())];
    let upper: Vec<String> = done
        .iter()
        .map(|token| before[token.span.clone()].to_ascii_uppercase())
        .collect();
    let previous: Vec<&str> = upper.iter().rev().take(4).map(String::as_str).collect();

    let branches = |prefix: &str| quoted(names(NameContext::Branch, prefix));
    let mut found = match previous.as_slice() {
        ["OF", "AS", "SYSTEM_TIME", ..] | ["BETWEEN", "SYSTEM_TIME", ..] => {
            return (start, fixed(&["TIMESTAMP"], prefix));
        }
        ["OF", "AS", ..] => return (start, fixed(POINTS, prefix)),
        // What of a branch may follow its name, and which moment of it.
        ["AT", _, "BRANCH", ..] => return (start, fixed(MOMENTS, prefix)),
        [_, "BRANCH", "OF", "AS"] => return (start, fixed(&["AT"], prefix)),
        ["BETWEEN", "VERSIONS", ..] => return (start, fixed(&["SCN", "TIMESTAMP"], prefix)),
        ["VERSIONS", ..] => return (start, fixed(&["BETWEEN"], prefix)),
        ["SYSTEM_TIME", "FOR", ..] => {
            let ranges = ["AS", "FROM", "BETWEEN", "CONTAINED", "ALL"];
            return (start, fixed(&ranges, prefix));
        }
        ["FOR", _, "BRANCH", "USE"] => {
            return (start, fixed(&["SESSION", "TRANSACTION"], prefix));
        }
        ["BRANCH", ..] => return (start, branches(prefix)),
        ["SNAPSHOT", ..] => return (start, quoted(names(NameContext::Snapshot, prefix))),
        ["STRATEGY", ..] | ["=", "STRATEGY", ..] => return (start, fixed(STRATEGIES, prefix)),
        ["RESOLUTION", "CONFLICT", ..] => return (start, lower(RULES, prefix)),
        ["INTO", ..] if about_branches(&upper) => return (start, branches(prefix)),
        ["FROM", ..] if about_branches(&upper) => {
            let mut found = branches(prefix);
            found.extend(fixed(&["CURRENT"], prefix));
            return (start, found);
        }
        [
            "FROM" | "JOIN" | "INTO" | "UPDATE" | "TABLE" | "TRUNCATE" | "COPY" | "REFERENCES"
            | "ANALYZE",
            ..,
        ] => names(NameContext::Relation, prefix),
        ["ON", ..] if upper.first().is_some_and(|first| first == "CREATE") => {
            names(NameContext::Relation, prefix)
        }
        ["INDEX", ..] => names(NameContext::Index, prefix),
        ["SCHEMA", ..] => names(NameContext::Schema, prefix),
        ["SEQUENCE", ..] => names(NameContext::Sequence, prefix),
        ["SET" | "SHOW" | "RESET", ..] if upper.len() == 1 => names(NameContext::Setting, prefix),
        ["EXECUTE" | "DEALLOCATE", ..] => names(NameContext::Statement, prefix),
        [".", relation, ..] => {
            return (
                start,
                names(
                    NameContext::Column(Some(relation.to_ascii_lowercase())),
                    prefix,
                ),
            );
        }
        [] => Vec::new(),
        _ if prefix.is_empty() => Vec::new(),
        _ => {
            let mut all = columns_in_scope(&upper, before, done, prefix, &names);
            all.extend(names(NameContext::Function, prefix));
            all
        }
    };
    if !prefix.is_empty() || found.is_empty() {
        found.extend(keywords(prefix));
    }
    found.dedup();
    (start, found)
}

/// Columns of the relations that the statement names so far, or of all.
fn columns_in_scope(
    upper: &[String],
    text: &str,
    tokens: &[lexer::Token],
    prefix: &str,
    names: &impl Fn(NameContext, &str) -> Vec<String>,
) -> Vec<String> {
    let mut found = Vec::new();
    for (word, next) in upper.iter().zip(tokens.iter().skip(1)) {
        if matches!(word.as_str(), "FROM" | "JOIN" | "UPDATE" | "INTO") && next.kind == Kind::Word {
            let relation = text[next.span.clone()].to_ascii_lowercase();
            found.extend(names(NameContext::Column(Some(relation)), prefix));
        }
    }
    if found.is_empty() {
        found = names(NameContext::Column(None), prefix);
    }
    found.sort();
    found.dedup();
    found
}

fn meta_candidates(
    before: &str,
    command: &str,
    names: impl Fn(NameContext, &str) -> Vec<String>,
) -> (usize, Vec<String>) {
    let Some(blank) = command.find(char::is_whitespace) else {
        let start = before.len() - command.len();
        let found = commands::COMMANDS
            .iter()
            .map(|(name, ..)| (*name).to_owned())
            .filter(|name| name.starts_with(command))
            .collect();
        return (start, found);
    };
    let argument = command[blank..].trim_start();
    let start = before.len() - argument.len();
    let name = command[..blank].trim_end_matches('+');
    // The last word is completed.
    let word = argument.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let last = before.len() - (argument.len() - word);
    match name {
        "use" | "branches" => return (last, names(NameContext::Branch, &argument[word..])),
        "branch" if word == 0 => return (start, lower(&["info", "tree", "diff"], argument)),
        "branch" => return (last, names(NameContext::Branch, &argument[word..])),
        "set" if word == 0 => return (start, lower(&super::preferences::NAMES, argument)),
        "set" => {
            return (
                last,
                lower(
                    &["on", "off", "aligned", "csv", "json", "markdown"],
                    &argument[word..],
                ),
            );
        }
        "scn" | "lsn" | "timing" => return (start, lower(&["on", "off"], argument)),
        "format" => {
            return (
                start,
                lower(&["aligned", "csv", "json", "markdown"], argument),
            );
        }
        _ => {}
    }
    let context = match name {
        "di" => NameContext::Index,
        "dn" => NameContext::Schema,
        "ds" => NameContext::Sequence,
        "df" => NameContext::Function,
        "d" | "dt" | "dv" | "copy" | "snapshots" => NameContext::Relation,
        _ => return (start, Vec::new()),
    };
    (start, names(context, argument))
}

/// What may follow `AS OF`.
const POINTS: &[&str] = &[
    "TIMESTAMP",
    "LSN",
    "SCN",
    "TRANSACTION",
    "BRANCH",
    "SNAPSHOT",
    "SYSTEM_TIME",
    "NOW",
];

/// The moments of a branch.
const MOMENTS: &[&str] = &["TIMESTAMP", "LSN", "SCN", "TRANSACTION", "SNAPSHOT", "NOW"];

/// The strategies of a merge.
const STRATEGIES: &[&str] = &[
    "ABORT",
    "OURS",
    "THEIRS",
    "MANUAL",
    "RULE_BASED",
    "LAST_WRITE_WINS",
    "CUSTOM",
];

/// The rules of a merge that need no table.
const RULES: &[&str] = &[
    "prefer_source",
    "prefer_target",
    "prefer_newer",
    "prefer_older",
    "concatenate",
    "sum",
    "max",
    "min",
];

/// Functions whose arguments, from a number on, are branches.
const POINT_FUNCTIONS: &[(&str, usize)] = &[
    ("helios_diff", 1),
    ("helios_log", 0),
    ("helios_merge_base", 0),
    ("helios_schema_diff", 0),
    ("pg_compare_branches", 0),
];

/// Whether the statement is one of those about branches.
fn about_branches(upper: &[String]) -> bool {
    let mut words = upper.iter().map(String::as_str);
    let verb = words.next();
    let is_branch = match words.next() {
        Some("BRANCH") => true,
        Some("DATABASE") => words.next() == Some("BRANCH"),
        _ => false,
    };
    is_branch && matches!(verb, Some("CREATE" | "MERGE")) || matches!(verb, Some("UNDO" | "CHERRY"))
}

/// Names as SQL has them.
fn quoted(names: Vec<String>) -> Vec<String> {
    names
        .iter()
        .map(|name| heliosdb::quoted(name).to_string())
        .collect()
}

/// Words that are written in lower case.
fn lower(words: &[&str], prefix: &str) -> Vec<String> {
    let prefix = prefix.to_ascii_lowercase();
    words
        .iter()
        .filter(|word| word.starts_with(&prefix))
        .map(|word| (*word).to_owned())
        .collect()
}

/// Branches inside the quotes of an argument: `helios_diff('stock', 'ma`.
fn argument_candidates(
    before: &str,
    tokens: &[lexer::Token],
    names: &impl Fn(NameContext, &str) -> Vec<String>,
) -> Option<(usize, Vec<String>)> {
    let typing = tokens
        .last()
        .filter(|token| token.kind == Kind::String && token.open)?;
    let start = typing.span.start + 1;
    let prefix = before.get(start..)?;
    let mut argument = 0;
    let done = tokens.get(..tokens.len().checked_sub(1)?)?;
    for (at, token) in done.iter().enumerate().rev() {
        match &before[token.span.clone()] {
            "," => argument += 1,
            "(" => {
                let name = done.get(at.checked_sub(1)?)?;
                let name = before[name.span.clone()].to_ascii_lowercase();
                let (_, first) = POINT_FUNCTIONS.iter().find(|(known, _)| *known == name)?;
                let context = match argument >= *first {
                    true => NameContext::Branch,
                    false => NameContext::Relation,
                };
                return Some((start, names(context, prefix)));
            }
            _ if token.kind == Kind::String => {}
            _ => return None,
        }
    }
    None
}

/// Keywords with this prefix, in the case the user types in.
fn keywords(prefix: &str) -> Vec<String> {
    let upper = prefix.to_ascii_uppercase();
    let lower = prefix.chars().any(char::is_lowercase);
    let mut found: Vec<String> = words::keywords()
        .filter(|word| word.starts_with(&upper))
        .map(|word| match lower {
            true => word.to_ascii_lowercase(),
            false => word.to_owned(),
        })
        .collect();
    found.sort();
    found
}

fn fixed(words: &[&str], prefix: &str) -> Vec<String> {
    let upper = prefix.to_ascii_uppercase();
    words
        .iter()
        .filter(|word| word.starts_with(&upper))
        .map(|word| (*word).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(before: &str) -> Vec<String> {
        candidates(before, |context, prefix| {
            let all: &[&str] = match context {
                NameContext::Relation => &["orders", "order_items"],
                NameContext::Column(Some(table)) if table == "orders" => &["id", "placed_at"],
                NameContext::Column(None) => &["anything"],
                NameContext::Branch => &["main", "dev"],
                NameContext::Snapshot => &["before move"],
                _ => &[],
            };
            all.iter()
                .filter(|n| n.starts_with(prefix))
                .map(|n| (*n).to_owned())
                .collect()
        })
        .1
    }

    #[test]
    fn relations_follow_from() {
        assert_eq!(
            complete("SELECT * FROM ord"),
            ["orders", "order_items", "ORDER", "ORDINALITY"]
                .map(|w| w.to_lowercase())
                .to_vec()
        );
        assert_eq!(complete("SELECT * FROM "), ["orders", "order_items"]);
    }

    #[test]
    fn columns_come_from_the_tables_named() {
        assert_eq!(complete("SELECT * FROM orders WHERE pl"), ["placed_at"]);
        assert_eq!(
            complete("SELECT * FROM orders WHERE orders."),
            ["id", "placed_at"]
        );
    }

    #[test]
    fn as_of_is_followed_by_points() {
        assert_eq!(
            complete("SELECT * FROM orders AS OF S"),
            ["SCN", "SNAPSHOT", "SYSTEM_TIME"]
        );
        assert!(complete("SELECT * FROM orders AS OF ").contains(&"SNAPSHOT".to_owned()));
        assert_eq!(
            complete("SELECT * FROM t AS OF SNAPSHOT "),
            ["\"before move\""]
        );
        assert_eq!(complete("SELECT * FROM t AS OF BRANCH dev "), ["AT"]);
        assert_eq!(
            complete("SELECT * FROM t AS OF BRANCH dev AT S"),
            ["SCN", "SNAPSHOT"]
        );
        assert_eq!(
            complete("SELECT * FROM t VERSIONS BETWEEN "),
            ["SCN", "TIMESTAMP"]
        );
        assert_eq!(complete("SELECT * FROM t FOR SYSTEM_TIME C"), ["CONTAINED"]);
        assert_eq!(complete("USE BRANCH dev FOR T"), ["TRANSACTION"]);
    }

    #[test]
    fn branches_follow_where_they_are_meant() {
        assert_eq!(complete("USE BRANCH d"), ["dev"]);
        assert_eq!(complete("DROP BRANCH m"), ["main"]);
        assert_eq!(complete("SELECT * FROM t AS OF BRANCH d"), ["dev"]);
        assert_eq!(complete("MERGE DATABASE BRANCH dev INTO "), ["main", "dev"]);
        assert_eq!(complete("CREATE BRANCH x FROM c"), ["CURRENT"]);
        assert_eq!(complete("MERGE BRANCH dev USING STRATEGY O"), ["OURS"]);
        assert_eq!(
            complete("SELECT * FROM pg_compare_branches('main', 'd"),
            ["dev"]
        );
        assert_eq!(
            complete("SELECT * FROM helios_diff('ord"),
            ["orders", "order_items"]
        );
        assert!(complete("SELECT 'd").is_empty());
        assert_eq!(
            complete("INSERT INTO ord").first().map(String::as_str),
            Some("orders")
        );
    }

    #[test]
    fn keywords_follow_the_case_typed() {
        assert_eq!(complete("sel"), ["select"]);
        assert_eq!(complete("SEL"), ["SELECT"]);
        assert!(complete("SELECT 'from ").is_empty());
    }

    #[test]
    fn backslash_commands_complete() {
        assert!(complete("\\ti").contains(&"timing".to_owned()));
        assert_eq!(complete("\\d ord"), ["orders", "order_items"]);
        assert_eq!(complete("\\use d"), ["dev"]);
        assert_eq!(complete("\\branch i"), ["info"]);
        assert_eq!(complete("\\branch diff main d"), ["dev"]);
        assert_eq!(complete("\\set show_l"), ["show_lsn"]);
    }
}
