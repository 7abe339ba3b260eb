//! Tests of the product as its users meet it: through the library.

mod model;
