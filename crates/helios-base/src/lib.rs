//! helios-base
