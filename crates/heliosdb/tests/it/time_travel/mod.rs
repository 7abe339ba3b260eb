//! Reading the past: cases by hand, and random histories against full copies.

mod ask;
mod cases;
mod model;
mod retention;
mod versions;
