//! What the footer knows about a column without decoding it.

mod sketch;
mod visit;
mod zone;

pub use sketch::Sketch;
pub use zone::{Bound, Zone, ZoneValue};

pub(crate) use sketch::REGISTERS;
