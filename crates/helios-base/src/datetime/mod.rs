//! Dates, times, intervals and time zones as PostgreSQL has them.
//!
//! Values count from 1970-01-01: days for `date`, microseconds for the others. The extremes of
//! their integers are `-infinity` and `infinity`.

mod interval;
mod zone;

pub use interval::Interval;
pub use zone::TimeZone;

/// Microseconds in a second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds in a day of 24 hours.
pub const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// `date` and `infinity`.
pub const DATE_INFINITY: i32 = i32::MAX;
/// `date` and `-infinity`.
pub const DATE_NEG_INFINITY: i32 = i32::MIN;
/// `timestamp[tz]` and `infinity`.
pub const TIMESTAMP_INFINITY: i64 = i64::MAX;
/// `timestamp[tz]` and `-infinity`.
pub const TIMESTAMP_NEG_INFINITY: i64 = i64::MIN;
