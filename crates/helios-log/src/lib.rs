//! helios-log
