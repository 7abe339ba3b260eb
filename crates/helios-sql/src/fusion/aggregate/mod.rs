//! Aggregates: which run inside DataFusion, and how.
//!
//! `count`, integer sums, `min`, `max`, `bool_and` and `bool_or` are DataFusion's own. Sums of decimals and
//! floats are ours ([`sum`], and [`wide`] beyond 38 digits), averages a sum and a count. Every other aggregate, and any with
//! `DISTINCT` or `ORDER BY` that DataFusion lacks, collects its rows per group ([`collect`]) and runs
//! helios-expr's accumulator over them at the end ([`finish`]), where the session is at hand.

mod average;
mod collect;
mod finish;
mod sum;
mod wide;

pub(crate) use average::average;
pub(crate) use collect::collect;
pub(crate) use finish::{Finish, RowOrder};
pub(crate) use sum::exact_sum;
pub(crate) use wide::{WIDE_DIGITS, wide_shape, wide_sum};
