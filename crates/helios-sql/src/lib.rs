//! helios-sql
