//! Tests of the versioned store through its public interface.

mod basics;
mod collection;
mod crash;
mod isolation;
mod model;
