//! Tests of the crate from outside.

mod codecs;
mod damage;
mod golden;
mod lookup;
mod model;
mod random;
mod source;
