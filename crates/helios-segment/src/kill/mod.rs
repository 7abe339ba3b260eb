//! Which rows of a segment ended, and when.
//!
//! A segment is never changed. A row that is deleted, or updated into a new version elsewhere, gets
//! an entry in a [`KillMask`]: its end SCN, the SCN of the change. A snapshot at SCN *s* does not see
//! rows that ended at or before *s*.

mod bytes;
mod container;
mod mask;

pub use mask::KillMask;
