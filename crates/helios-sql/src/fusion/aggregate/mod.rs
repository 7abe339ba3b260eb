//! Aggregates: which run inside DataFusion, and how.
//!
//! `count`, `min`, `max`, `bool_and` and `bool_or` are DataFusion's own. Sums of whole numbers are ours ([`whole`]), and those of
//! decimals and floats ([`sum`], and [`wide`] beyond 38 digits), averages a sum and a count. So are counts of different
//! numbers by group ([`different`]). Every other aggregate, and any with
//! `DISTINCT` or `ORDER BY` that DataFusion lacks, collects its rows per group ([`collect`]) and runs
//! helios-expr's accumulator over them at the end ([`finish`]), where the session is at hand.

mod average;
mod collect;
mod different;
mod filled;
mod finish;
mod rows;
mod shifted;
mod sum;
mod whole;
mod wide;

pub(crate) use average::average;
pub(crate) use collect::collect;
pub(crate) use different::{different_count, is_counted};
pub(crate) use filled::filled_sum;
pub(crate) use finish::{Finish, RowOrder};
pub(crate) use shifted::{Shifts, checked_count, shifted_sum};
pub(crate) use sum::exact_sum;
pub(crate) use whole::whole_sum;
pub(crate) use wide::{WIDE_DIGITS, wide_shape, wide_sum};
