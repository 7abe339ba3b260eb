//! Tables over the versioned store: catalog, rows, constraints, ordered indexes, statistics.
//!
//! A [`Catalog`] says what exists on a branch at a point in time. It is stored as versioned rows
//! itself, so schema changes are transactional, branch and travel in time like data.
//!
//! **Invariant:** knows nothing of SQL text beyond carrying it; expressions arrive compiled.

pub mod catalog;

pub use catalog::Catalog;
