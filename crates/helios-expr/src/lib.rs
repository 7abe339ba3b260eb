//! helios-expr
