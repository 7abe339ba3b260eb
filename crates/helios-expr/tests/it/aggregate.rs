//! Guards against aggregates that differ from PostgreSQL's: `tests/golden/aggregate.txt` holds the
//! call over `t(x)`, the values of `x`, and the answer.

#[test]
fn pending() {}
