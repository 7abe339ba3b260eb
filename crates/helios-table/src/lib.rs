//! helios-table
