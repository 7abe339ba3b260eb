//! Encodings of text files.
//!
//! Files are UTF-8 inside; those in a single-byte encoding are converted on their way.

use helios_base::{Error, Result, SqlState};

/// How a file writes characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    #[default]
    Utf8,
    Latin1,
    Latin9,
    Win1252,
}

/// Characters of `WIN1252` from 0x80 to 0x9f; 0 where there is none.
const WIN1252: [u16; 32] = [
    0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039,
    0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc,
    0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178,
];

/// Where `LATIN9` differs from `LATIN1`.
const LATIN9: [(u8, char); 8] = [
    (0xa4, '€'),
    (0xa6, 'Š'),
    (0xa8, 'š'),
    (0xb4, 'Ž'),
    (0xb8, 'ž'),
    (0xbc, 'Œ'),
    (0xbd, 'œ'),
    (0xbe, 'Ÿ'),
];

impl Encoding {
    /// The encoding of this name, as PostgreSQL reads names of encodings.
    ///
    /// # Errors
    /// `22023` for an unknown name, `0A000` for an encoding that PostgreSQL has and we have not.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let plain: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        Ok(match plain.as_str() {
            "utf8" | "unicode" | "sqlascii" => Self::Utf8,
            "latin1" | "iso88591" => Self::Latin1,
            "latin9" | "iso885915" => Self::Latin9,
            "win1252" | "windows1252" => Self::Win1252,
            known
                if [
                    "euc", "iso8859", "johab", "koi8", "latin", "mskanji", "mule", "shift",
                ]
                .iter()
                .any(|begin| known.starts_with(begin))
                    || [
                        "abc", "alt", "big5", "gbk", "gb18030", "sjis", "tcvn", "uhc", "vscii",
                        "win",
                    ]
                    .iter()
                    .any(|begin| known.starts_with(begin)) =>
            {
                return Err(Error::unsupported(format!(
                    "COPY with encoding \"{name}\" is not supported"
                ))
                .with_hint("Known are UTF8, LATIN1, LATIN9 and WIN1252."));
            }
            _ => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    "argument to option \"encoding\" must be a valid encoding name",
                ));
            }
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF8",
            Self::Latin1 => "LATIN1",
            Self::Latin9 => "LATIN9",
            Self::Win1252 => "WIN1252",
        }
    }

    fn character(self, byte: u8) -> char {
        match self {
            Self::Win1252 if (0x80..0xa0).contains(&byte) => {
                let code = WIN1252.get(usize::from(byte) - 0x80).copied();
                // What has no character becomes the control character that it is in Latin 1.
                code.filter(|code| *code != 0)
                    .and_then(|code| char::from_u32(code.into()))
                    .unwrap_or(char::from(byte))
            }
            Self::Latin9 => LATIN9
                .iter()
                .find(|(code, _)| *code == byte)
                .map_or(char::from(byte), |(_, character)| *character),
            _ => char::from(byte),
        }
    }

    fn byte(self, character: char) -> Option<u8> {
        if character.is_ascii() {
            return u8::try_from(character).ok();
        }
        (0x80..=0xff).find(|byte| self.character(*byte) == character)
    }

    /// Text of UTF-8 as the file writes it.
    ///
    /// # Errors
    /// `22P05` for a character that the encoding lacks.
    pub(crate) fn encode(self, text: &mut Vec<u8>) -> Result<()> {
        if self == Self::Utf8 || text.is_ascii() {
            return Ok(());
        }
        let read = utf8(std::mem::take(text))?;
        for character in read.chars() {
            let byte = self.byte(character).ok_or_else(|| {
                let mut bytes = [0; 4];
                let bytes = character.encode_utf8(&mut bytes).as_bytes();
                Error::new(
                    SqlState::UNTRANSLATABLE_CHARACTER,
                    format!(
                        "character with byte sequence{} in encoding \"UTF8\" has no equivalent in \
                         encoding \"{}\"",
                        hex(bytes),
                        self.name()
                    ),
                )
            })?;
            text.push(byte);
        }
        Ok(())
    }
}

/// Turns what stands in `buffer` from `start` on into UTF-8.
pub(super) fn decode(encoding: Encoding, buffer: &mut Vec<u8>, start: usize) {
    let new = buffer.get(start..).unwrap_or_default();
    if encoding == Encoding::Utf8 || new.is_ascii() {
        return;
    }
    let text: String = new.iter().map(|byte| encoding.character(*byte)).collect();
    buffer.truncate(start);
    buffer.extend_from_slice(text.as_bytes());
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
    fn single_bytes_come_back() -> Result<()> {
        for encoding in [Encoding::Latin1, Encoding::Latin9, Encoding::Win1252] {
            let bytes: Vec<u8> = (1..=255).collect();
            let mut text = bytes.clone();
            decode(encoding, &mut text, 0);
            encoding.encode(&mut text)?;
            assert_eq!(text, bytes, "{encoding:?}");
        }
        Ok(())
    }

    #[test]
    fn what_an_encoding_lacks_is_refused() {
        let mut text = "漢".as_bytes().to_vec();
        let error = Encoding::Latin1
            .encode(&mut text)
            .map_err(|e| e.message().to_owned());
        let message = "character with byte sequence 0xe6 0xbc 0xa2 in encoding \"UTF8\" has no \
                       equivalent in encoding \"LATIN1\"";
        assert_eq!(error, Err(message.to_owned()));
        assert!(Encoding::named("KOI8-R").is_err_and(|e| e.sqlstate().as_str() == "0A000"));
        assert!(Encoding::named("klingon").is_err_and(|e| e.sqlstate().as_str() == "22023"));
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
