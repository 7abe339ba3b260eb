//! JSON text input.

use super::Json;
use crate::{Error, Result};

impl Json {
    /// Reads one JSON document.
    ///
    /// # Errors
    /// `22P02` with PostgreSQL's message and detail.
    pub fn parse(text: &str) -> Result<Self> {
        let _ = text;
        Err(Error::unsupported("json input"))
    }
}

/// Checks that `text` is one JSON document, without building it.
///
/// # Errors
/// `22P02` with PostgreSQL's message and detail.
pub fn validate(text: &str) -> Result<()> {
    Json::parse(text).map(drop)
}
