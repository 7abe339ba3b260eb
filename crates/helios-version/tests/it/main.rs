//! Tests of the versioned store through its public interface.

#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

mod basics;
mod bundles;
mod closing;
mod cold;
mod collection;
mod crash;
mod isolation;
mod model;
mod promote;
mod retention;
mod thaw;
