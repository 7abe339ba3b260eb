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
    let previous: Vec<&str> = upper.iter().rev().take(3).map(String::as_str).collect();

    let mut found = match previous.as_slice() {
        ["OF", "AS", ..] => {
            return (
                start,
                fixed(
                    &[
                        "TIMESTAMP",
                        "LSN",
                        "SCN",
                        "TRANSACTION",
                        "BRANCH",
                        "SYSTEM_TIME",
                        "NOW",
                    ],
                    prefix,
                ),
            );
        }
        ["BRANCH", ..] => names(NameContext::Branch, prefix),
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
    let context = match command[..blank].trim_end_matches('+') {
        "di" => NameContext::Index,
        "dn" => NameContext::Schema,
        "ds" => NameContext::Sequence,
        "df" => NameContext::Function,
        "d" | "dt" | "dv" | "copy" => NameContext::Relation,
        _ => return (start, Vec::new()),
    };
    (start, names(context, argument))
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
            ["SCN", "SYSTEM_TIME"]
        );
        assert_eq!(
            complete("USE BRANCH d"),
            ["dev", "desc", "deallocate"][..1]
                .to_vec()
                .into_iter()
                .chain(keywords("d").iter().map(String::as_str))
                .collect::<Vec<_>>()
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
    }
}
