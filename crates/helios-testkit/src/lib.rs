//! helios-testkit
