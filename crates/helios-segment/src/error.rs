//! Errors that say where in which segment something is wrong.

use std::fmt;
use std::sync::Arc;

/// What went wrong, for callers that decide by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The source or sink failed.
    Io,
    /// Bytes of the segment are not what was written.
    Damaged,
    /// Written by a later version, or with an encoding this build does not know.
    TooNew,
    /// The crate cannot do this, with any data.
    Unsupported,
    /// The caller broke the contract of a function.
    Invalid,
}

/// An error, with the place in the segment as far as it is known.
///
/// Shown as `segment "label", chunk 3, column 7 at byte 4096: checksum differs`.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    place: Box<Place>,
    source: Option<Arc<std::io::Error>>,
}

/// Where in a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The caller's name for the segment.
    pub label: Option<Arc<str>>,
    /// Offset of the block or field in the file.
    pub offset: Option<u64>,
    /// The chunk, from 0.
    pub chunk: Option<u32>,
    /// The part of the chunk: `column 7`, `begin scns`, `key index`, `bloom filter`.
    pub part: Option<String>,
}

/// Shorthand for this crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            place: Box::default(),
            source: None,
        }
    }

    /// Bytes that cannot have been written by this crate.
    pub fn damaged(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Damaged, message)
    }

    /// A broken contract.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Something no data makes possible.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    pub(crate) fn too_new(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::TooNew, message)
    }

    pub(crate) fn io(error: std::io::Error) -> Self {
        Self {
            message: error.to_string(),
            source: Some(Arc::new(error)),
            ..Self::new(ErrorKind::Io, "")
        }
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Where.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Fills in what is not known yet: the innermost caller knows best.
    pub(crate) fn at(mut self, place: &Place) -> Self {
        let own = &mut self.place;
        own.label = own.label.take().or_else(|| place.label.clone());
        own.offset = own.offset.or(place.offset);
        own.chunk = own.chunk.or(place.chunk);
        own.part = own.part.take().or_else(|| place.part.clone());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place {
            label,
            offset,
            chunk,
            part,
        } = &*self.place;
        let mut separator = "";
        if let Some(label) = label {
            write!(f, "segment \"{label}\"")?;
            separator = ", ";
        }
        if let Some(chunk) = chunk {
            write!(f, "{separator}chunk {chunk}")?;
            separator = ", ";
        }
        if let Some(part) = part {
            write!(f, "{separator}{part}")?;
            separator = ", ";
        }
        if let Some(offset) = offset {
            let before = if separator.is_empty() { "" } else { " " };
            write!(f, "{before}at byte {offset}")?;
            separator = ", ";
        }
        if !separator.is_empty() {
            f.write_str(": ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|error| error as &(dyn std::error::Error + 'static))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::io(error)
    }
}

impl From<arrow_schema::ArrowError> for Error {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::invalid(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_is_known() {
        let plain = Error::damaged("checksum differs");
        assert_eq!(plain.to_string(), "checksum differs");
        let placed = plain.at(&Place {
            label: Some("t/7.seg".into()),
            offset: Some(4096),
            chunk: Some(3),
            part: Some("column 7".to_owned()),
        });
        assert_eq!(
            placed.to_string(),
            "segment \"t/7.seg\", chunk 3, column 7 at byte 4096: checksum differs"
        );
    }
}
