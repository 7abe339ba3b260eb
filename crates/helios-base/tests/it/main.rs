//! Guards against differences from PostgreSQL, whose answers the golden files hold, and against
//! codecs that lose values or their order.

#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

mod datetime;
mod golden;
mod key;
mod numeric;
mod robust;
mod row;
mod text;
