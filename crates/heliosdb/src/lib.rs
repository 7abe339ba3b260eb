//! heliosdb
