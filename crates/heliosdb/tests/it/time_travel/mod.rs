//! Reading the past: cases by hand, and random histories against full copies.

mod cases;
mod model;
