//! Time zones.

use std::sync::Arc;

/// A time zone: an IANA name or a fixed offset. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TimeZone {
    name: Arc<str>,
    rules: jiff::tz::TimeZone,
}

impl TimeZone {
    /// `UTC`
    #[must_use]
    pub fn utc() -> Self {
        Self {
            name: "UTC".into(),
            rules: jiff::tz::TimeZone::UTC,
        }
    }

    /// The name as it was set.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self::utc()
    }
}
