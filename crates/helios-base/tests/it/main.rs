//! Guards against differences from PostgreSQL, whose answers the golden files hold, and against
//! codecs that lose values or their order.

mod golden;
mod key;
mod numeric;
mod row;
mod text;
