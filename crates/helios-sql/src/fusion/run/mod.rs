//! Running DataFusion from synchronous code.

mod again;
mod calls;
mod codes;
mod ends;
mod engine;
mod equalities;
mod few;
mod kept;
mod late;
mod order;
mod pool;
mod runs;
mod stream;
mod tally;
mod terms;
mod views;

pub(crate) use engine::{FusionEngine, FusionOptions};
pub(crate) use pool::StatementMemory;
pub(crate) use stream::BatchStream;
