//! Tests of the crate from outside.

mod codecs;
mod damage;
mod golden;
mod lookup;
mod model;
mod order;
mod random;
mod source;
