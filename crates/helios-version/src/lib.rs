//! helios-version
