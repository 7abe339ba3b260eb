//! EXPLAIN: how a statement runs, as text and as JSON.
