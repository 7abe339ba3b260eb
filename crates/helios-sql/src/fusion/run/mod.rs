//! Running DataFusion from synchronous code.

mod again;
mod engine;
mod equalities;
mod few;
mod late;
mod order;
mod stream;
mod views;

pub(crate) use engine::{FusionEngine, FusionOptions};
pub(crate) use stream::BatchStream;
