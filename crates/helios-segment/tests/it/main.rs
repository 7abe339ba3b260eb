//! Tests of the crate from outside.

mod codecs;
mod damage;
mod golden;
mod kills;
mod lookup;
mod model;
mod random;
mod source;
