//! The `heliosdb` program.
fn main() {}
