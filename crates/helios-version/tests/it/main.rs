//! Tests of the versioned store through its public interface.

mod basics;
mod model;
