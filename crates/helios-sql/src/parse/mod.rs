//! From text to syntax tree: PostgreSQL's grammar and ours.
//!
//! [`Script::parse`] splits a text into statements and parses each; [`lexer`] makes tokens,
//! [`ast`] is the tree. Nothing here knows the catalog: names stay names.
//!
//! The parser is our own recursive descent over PostgreSQL's lexical rules and operator
//! precedence, not a general SQL parser. That is what puts a position on every node and every
//! error, words syntax errors as PostgreSQL does, keeps `AS OF` and branch statements in the
//! grammar instead of in the text, and has a clause either in the tree or refused: the tree holds
//! nothing that the binder does not read.
//!
//! Positions inside are byte offsets ([`Pos`]); errors carry characters from 1.

mod alter;
pub mod ast;
mod branch;
mod branch_merge;
mod complete;
mod create;
mod cursor;
mod ddl;
mod dml;
mod expr;
mod extension;
mod fields;
mod from;
mod function;
mod index;
mod keyword;
pub mod lexer;
mod listen;
mod merge;
mod missing;
mod owned;
mod policy;
mod query;
mod role;
mod routine;
mod schema;
mod script;
mod session;
mod statement;
mod temporal;
#[cfg(test)]
mod tests;
mod types;
mod user_type;
mod window;

pub use ast::Pos;
pub use complete::is_complete;
pub(crate) use keyword::{Category as KeywordCategory, categories as keyword_categories};
pub use keyword::{KEYWORDS, quote_ident};
pub use script::{Parsed, Script, parse_as_of, parse_expression, parse_query, parse_type};

use helios_base::Error;

/// Puts the character position of byte `pos` of `source` on an error that has none.
#[must_use]
pub(crate) fn locate(error: Error, source: &str, pos: Pos) -> Error {
    let before = source.get(..pos.0 as usize).unwrap_or(source);
    error.at(before.chars().count() + 1)
}
