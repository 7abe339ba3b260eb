//! Codecs by name.

use super::Codec;
use super::cascade::{ALP, CASCADE, DICTIONARY, FSST, PLAIN, RLE};
use super::chimp::Chimp;
use super::datetime::Datetime;
use super::delta::Delta;
use super::packed::{COLD, LZ4, SNAPPY};
use super::zstd::Zstandard;

/// Every codec that files may name. Never remove one: files written with it must stay readable.
static CODECS: [&dyn Codec; 13] = [
    &PLAIN,
    &CASCADE,
    &Datetime,
    &FSST,
    &ALP,
    &DICTIONARY,
    &RLE,
    &Delta,
    &Chimp,
    &Zstandard,
    &COLD,
    &LZ4,
    &SNAPPY,
];

/// Names that settings may use for codecs of another name.
const ALIASES: [(&str, &str); 3] = [
    ("gorilla", "chimp"),
    ("dict", "dictionary"),
    ("runlength", "rle"),
];

/// Names that are known and refused, with what to use.
const REFUSED: [(&str, &str); 2] = [
    (
        "brotli",
        "use \"zstd\", which compresses as well and unpacks several times faster",
    ),
    (
        "hcc",
        "use \"auto\", which chooses per column and cascades encodings",
    ),
];

/// All codecs.
pub fn codecs() -> &'static [&'static dyn Codec] {
    &CODECS
}

/// The codec that files call `name`.
pub fn codec(name: &str) -> Option<&'static dyn Codec> {
    CODECS.iter().copied().find(|codec| codec.name() == name)
}

/// Why a setting names no codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A name nobody knows.
    Unknown,
    /// A codec that is deliberately not there, and what to use in its place.
    Absent(&'static str),
}

/// The codec that a setting names, in any case; aliases count.
///
/// # Errors
/// [`Refusal`].
pub fn codec_for_setting(name: &str) -> Result<&'static dyn Codec, Refusal> {
    let name = name.to_ascii_lowercase();
    let name = ALIASES
        .iter()
        .find(|(alias, _)| *alias == name)
        .map_or(name.as_str(), |(_, target)| target);
    if let Some((_, hint)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        return Err(Refusal::Absent(hint));
    }
    codec(name).ok_or(Refusal::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_aliases_lead_somewhere() {
        let mut names: Vec<_> = codecs().iter().map(|codec| codec.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CODECS.len());
        for (alias, target) in ALIASES {
            assert_eq!(codec_for_setting(alias).expect("known").name(), target);
        }
        assert!(matches!(
            codec_for_setting("Brotli"),
            Err(Refusal::Absent(_))
        ));
        assert_eq!(codec_for_setting("lzma").err(), Some(Refusal::Unknown));
    }
}
