//! The bridge against the evaluator it must agree with.

mod fixture;
mod functions;
mod large;
mod plans;
mod roundtrip;
mod sample;
mod sql;
mod tpch;
