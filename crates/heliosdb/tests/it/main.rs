//! Tests of the product as its users meet it: through the library.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod advisory;
mod audit;
mod backup;
mod branch_crash;
mod branch_crowd;
mod branch_privileges;
mod branch_sessions;
mod branches;
mod bulk;
mod clusters;
mod columnar;
mod copy;
mod direct_loads;
mod docs;
mod expiry;
mod faults;
mod files;
mod groups;
mod hybrid;
mod masks;
mod memory;
mod model;
mod notify;
mod numbers;
mod query_cache;
mod returning;
mod roles;
mod row_security;
mod security;
mod short_ways;
mod sizes;
mod sql;
mod statement_costs;
mod system_functions;
mod system_views;
mod temporary;
mod time_travel;
mod vector_advice;
mod vector_crash;
mod vector_files;
mod vector_index;
mod vector_search;
mod vector_stream;
mod vectors;
