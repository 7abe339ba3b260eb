//! helios-kv
