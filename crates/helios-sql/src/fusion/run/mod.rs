//! Running DataFusion from synchronous code.

mod engine;
mod stream;

pub(crate) use engine::{BATCH_ROWS, FusionEngine, FusionOptions};
pub(crate) use stream::BatchStream;
