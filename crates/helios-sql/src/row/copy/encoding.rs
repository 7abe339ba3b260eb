//! Encodings of text files.
//!
//! Files are UTF-8 inside; those in a single-byte encoding are converted on their way.

use std::borrow::Cow;

use helios_base::{Encoding, Error, Result, SqlState};

/// The encoding that an option of `COPY` names.
///
/// # Errors
/// `22023` for an unknown name, `0A000` for an encoding that PostgreSQL has and we have not.
pub(crate) fn named(name: &str) -> Result<Encoding> {
    Encoding::named(name).ok_or_else(|| match Encoding::is_known(name) {
        true => Error::unsupported(format!("COPY with encoding \"{name}\" is not supported"))
            .with_hint("Known are UTF8, LATIN1, LATIN9 and WIN1252."),
        false => Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "argument to option \"encoding\" must be a valid encoding name",
        ),
    })
}

/// Text of UTF-8 as the file writes it.
///
/// # Errors
/// `22P05` for a character that the encoding lacks.
pub(super) fn encode(encoding: Encoding, text: &mut Vec<u8>) -> Result<()> {
    if !encoding.converts() || text.is_ascii() {
        return Ok(());
    }
    let read = utf8(std::mem::take(text))?;
    encoding.encode(&read, text)
}

/// Turns what stands in `buffer` from `start` on into UTF-8.
///
/// # Errors
/// `22P05` for a byte that means nothing in the encoding.
pub(super) fn decode(encoding: Encoding, buffer: &mut Vec<u8>, start: usize) -> Result<()> {
    let new = buffer.get(start..).unwrap_or_default();
    let Cow::Owned(text) = encoding.decode(new)? else {
        return Ok(());
    };
    buffer.truncate(start);
    buffer.extend_from_slice(&text);
    Ok(())
}

/// Bytes as text.
///
/// # Errors
/// `22021` for what is not UTF-8, and for a zero character, which no text holds.
pub(super) fn utf8(bytes: Vec<u8>) -> Result<String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let rest = error.as_bytes().get(at..).unwrap_or_default();
        let length = match rest.first().copied().unwrap_or_default() {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            _ => 1,
        };
        bad_bytes(rest.get(..length).unwrap_or(rest))
    })?;
    if text.contains('\0') {
        return Err(bad_bytes(&[0]));
    }
    Ok(text)
}

fn bad_bytes(bytes: &[u8]) -> Error {
    Error::new(
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"UTF8\":{}", hex(bytes)),
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!(" 0x{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_encoding_lacks_is_refused() -> Result<()> {
        let mut text = "ab".as_bytes().to_vec();
        text.push(0xe4);
        decode(Encoding::Latin1, &mut text, 1)?;
        assert_eq!(text, "abä".as_bytes());
        encode(Encoding::Latin9, &mut text)?;
        assert_eq!(text, b"ab\xe4");
        assert!(decode(Encoding::Win1252, &mut vec![0x81], 0).is_err());
        assert!(encode(Encoding::Latin1, &mut "漢".as_bytes().to_vec()).is_err());
        assert!(named("KOI8-R").is_err_and(|e| e.sqlstate().as_str() == "0A000"));
        assert!(named("klingon").is_err_and(|e| e.sqlstate().as_str() == "22023"));
        Ok(())
    }

    #[test]
    fn bad_text_names_its_bytes() {
        let message = |bytes: &[u8]| utf8(bytes.to_vec()).map_err(|e| e.message().to_owned());
        let bad = "invalid byte sequence for encoding \"UTF8\": 0xe4 0x62 0x63";
        assert_eq!(message(b"a\xe4bcd"), Err(bad.to_owned()));
        let zero = "invalid byte sequence for encoding \"UTF8\": 0x00";
        assert_eq!(message(b"a\0"), Err(zero.to_owned()));
    }
}
