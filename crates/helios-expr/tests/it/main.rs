//! Guards against answers that differ from PostgreSQL's.
//!
//! `tests/golden/*.txt` hold what PostgreSQL 15 answers, one expression per line: the expression,
//! its type or `!SQLSTATE`, its value or message, separated by tabs. `tests/golden.sh` writes the
//! answers anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what failed")]

mod aggregate;
mod edges;
mod golden;
mod parser;
mod tree;
