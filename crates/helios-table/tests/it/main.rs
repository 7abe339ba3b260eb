//! Guards the promises of tables: rows in and out, schema changes, constraints, indexes, in one
//! transaction and in many at once.

#![allow(clippy::unwrap_used, reason = "a failed test")]

mod branches;
mod catalog;
mod concurrency;
mod constraints;
mod ddl;
mod foreign_keys;
mod hybrid;
mod indexes;

mod model;
mod rows;
mod schema_races;
mod statistics;
mod support;
