//! The row executor: plans compiled to operators that pull one row at a time.
//!
//! [`compile`] chooses access paths and joins; [`op`] runs the result over a snapshot or a
//! transaction's view; [`dml`] changes rows. It runs every plan, without an async runtime; big
//! reads are better off in vectors, and [`supports`] says which those are.

pub(crate) mod changing;
pub(crate) mod compile;
pub(crate) mod copy;
pub(crate) mod ctes;
pub(crate) mod dml;
pub(crate) mod exec;
mod keys;
mod lock;
mod look;
pub(crate) mod measure;
pub(crate) mod memory;
pub(crate) mod node;
pub(crate) mod op;
pub(crate) mod point;
mod reader;
mod recheck;
pub(crate) mod scan;
mod set_call;
pub(crate) mod stats;
mod steady;
pub(crate) mod subplan;
mod supports;
pub(crate) mod time_travel;
mod window_frame;
pub(crate) mod wish;

pub(crate) use look::{Look, Looks, look};
pub(crate) use reader::Reader;
pub(crate) use supports::supports;
pub(crate) use time_travel::{future, scn_at, scn_of, snapshot_branch};
