//! Encodings in which clients and files write text. Inside all text is UTF-8.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use crate::{Error, Result, SqlState};

/// How somebody outside writes characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Unicode, as here.
    #[default]
    Utf8,
    /// Whatever the bytes mean: they are taken and given as they are.
    SqlAscii,
    /// ISO 8859-1.
    Latin1,
    /// ISO 8859-15.
    Latin9,
    /// Windows code page 1252.
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

/// Names of encodings that PostgreSQL has and we have not: letters and digits only, sorted. After `win` or
/// `windows` and after `iso8859` comes a number.
const ELSEWHERE: &[&str] = &[
    "abc",
    "alt",
    "big5",
    "euccn",
    "eucjis2004",
    "eucjp",
    "euckr",
    "euctw",
    "gb18030",
    "gbk",
    "johab",
    "koi8",
    "koi8r",
    "koi8u",
    "latin10",
    "latin2",
    "latin3",
    "latin4",
    "latin5",
    "latin6",
    "latin7",
    "latin8",
    "mskanji",
    "muleinternal",
    "shiftjis",
    "shiftjis2004",
    "sjis",
    "tcvn",
    "tcvn5712",
    "uhc",
    "vscii",
    "win",
];
const WINDOWS: &[&str] = &[
    "1250", "1251", "1253", "1254", "1255", "1256", "1257", "1258", "866", "874", "932", "936",
    "949", "950",
];
const ISO_8859: &[&str] = &[
    "10", "13", "14", "16", "2", "3", "4", "5", "6", "7", "8", "9",
];

/// A name by its letters and digits, which is how PostgreSQL reads it.
fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

impl Encoding {
    const ALL: [Self; 5] = [
        Self::Utf8,
        Self::SqlAscii,
        Self::Latin1,
        Self::Latin9,
        Self::Win1252,
    ];

    /// The encoding of this name, as PostgreSQL reads names of encodings.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match plain(name).as_str() {
            "utf8" | "unicode" => Self::Utf8,
            "sqlascii" => Self::SqlAscii,
            "latin1" | "iso88591" => Self::Latin1,
            "latin9" | "iso885915" => Self::Latin9,
            "win1252" | "windows1252" => Self::Win1252,
            _ => return None,
        })
    }

    /// Whether PostgreSQL has an encoding of this name, which we may lack.
    #[must_use]
    pub fn is_known(name: &str) -> bool {
        let plain = plain(name);
        let has = |prefix, numbers: &[&str]| {
            let number = plain.strip_prefix(prefix);
            number.is_some_and(|number| numbers.contains(&number))
        };
        Self::named(name).is_some()
            || ELSEWHERE.contains(&plain.as_str())
            || has("windows", WINDOWS)
            || has("win", WINDOWS)
            || has("iso8859", ISO_8859)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF8",
            Self::SqlAscii => "SQL_ASCII",
            Self::Latin1 => "LATIN1",
            Self::Latin9 => "LATIN9",
            Self::Win1252 => "WIN1252",
        }
    }

    /// Whether text looks different in it.
    #[must_use]
    pub fn converts(self) -> bool {
        !matches!(self, Self::Utf8 | Self::SqlAscii)
    }

    fn character(self, byte: u8) -> Option<char> {
        match self {
            Self::Win1252 if (0x80..0xa0).contains(&byte) => {
                let code = WIN1252.get(usize::from(byte) - 0x80).copied();
                let code = code.filter(|code| *code != 0)?;
                char::from_u32(code.into())
            }
            Self::Latin9 => {
                let other = LATIN9.iter().find(|(code, _)| *code == byte);
                Some(other.map_or(char::from(byte), |(_, character)| *character))
            }
            _ => Some(char::from(byte)),
        }
    }

    fn byte(self, character: char) -> Option<u8> {
        if character.is_ascii() {
            return u8::try_from(character).ok();
        }
        (0x80..=0xff).find(|byte| self.character(*byte) == Some(character))
    }

    /// What is written in it, as UTF-8. Where nothing is converted the bytes stay as they are and may be no UTF-8.
    ///
    /// # Errors
    /// `22P05` for a byte that means no character.
    pub fn decode(self, bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
        if !self.converts() || bytes.is_ascii() {
            return Ok(Cow::Borrowed(bytes));
        }
        let characters = bytes.iter().map(|byte| {
            let found = self.character(*byte);
            found.ok_or_else(|| untranslatable(&[*byte], self.name(), Self::Utf8.name()))
        });
        let text: String = characters.collect::<Result<_>>()?;
        Ok(Cow::Owned(text.into_bytes()))
    }

    /// Appends text in this encoding.
    ///
    /// # Errors
    /// `22P05` for a character that it lacks.
    pub fn encode(self, text: &str, out: &mut Vec<u8>) -> Result<()> {
        if !self.converts() || text.is_ascii() {
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        for character in text.chars() {
            out.push(self.byte(character).ok_or_else(|| {
                let mut bytes = [0; 4];
                let bytes = character.encode_utf8(&mut bytes).as_bytes();
                untranslatable(bytes, Self::Utf8.name(), self.name())
            })?);
        }
        Ok(())
    }

    /// Text in this encoding, with a question mark for what it lacks: for messages.
    #[must_use]
    pub fn encode_lossy(self, text: &str) -> Cow<'_, [u8]> {
        if !self.converts() || text.is_ascii() {
            return Cow::Borrowed(text.as_bytes());
        }
        let bytes = text.chars().map(|c| self.byte(c).unwrap_or(b'?'));
        Cow::Owned(bytes.collect())
    }
}

/// `22P05`
fn untranslatable(bytes: &[u8], from: &str, to: &str) -> Error {
    let hex: String = bytes.iter().map(|byte| format!(" 0x{byte:02x}")).collect();
    Error::new(
        SqlState::UNTRANSLATABLE_CHARACTER,
        format!(
            "character with byte sequence{hex} in encoding \"{from}\" has no equivalent in encoding \"{to}\""
        ),
    )
}

/// An encoding that one sets and others follow.
#[derive(Clone, Debug, Default)]
pub struct SharedEncoding(Arc<AtomicU8>);

impl SharedEncoding {
    /// The encoding now.
    #[must_use]
    pub fn get(&self) -> Encoding {
        let index = usize::from(self.0.load(Relaxed));
        Encoding::ALL.get(index).copied().unwrap_or_default()
    }

    /// Sets it.
    pub fn set(&self, encoding: Encoding) {
        self.0.store(encoding as u8, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(encoding: Encoding, text: &str) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        encoding.encode(text, &mut out).map(|()| out)
    }

    #[test]
    fn single_bytes_come_back() -> Result<()> {
        for encoding in [Encoding::Latin1, Encoding::Latin9, Encoding::Win1252] {
            let bytes: Vec<u8> = (1..=255)
                .filter(|byte| encoding.character(*byte).is_some())
                .collect();
            let missing = if encoding == Encoding::Win1252 { 5 } else { 0 };
            assert_eq!(bytes.len(), 255 - missing);
            let text = encoding.decode(&bytes)?.into_owned();
            let text = String::from_utf8(text).expect("UTF-8");
            assert_eq!(encoded(encoding, &text)?, bytes, "{encoding:?}");
        }
        assert_eq!(encoded(Encoding::Latin9, "ä€")?, b"\xe4\xa4");
        assert_eq!(encoded(Encoding::Win1252, "ä€")?, b"\xe4\x80");
        assert_eq!(*Encoding::Latin1.encode_lossy("ä€"), *b"\xe4?");
        Ok(())
    }

    #[test]
    fn what_an_encoding_lacks_is_refused() {
        let message = |result: Result<Vec<u8>>| result.map_err(|e| e.message().to_owned());
        assert_eq!(
            message(encoded(Encoding::Latin1, "漢")),
            Err(
                "character with byte sequence 0xe6 0xbc 0xa2 in encoding \"UTF8\" has no \
                 equivalent in encoding \"LATIN1\""
                    .to_owned()
            )
        );
        let decoded = Encoding::Win1252.decode(b"\x81").map(Cow::into_owned);
        assert_eq!(
            message(decoded),
            Err(
                "character with byte sequence 0x81 in encoding \"WIN1252\" has no equivalent in \
                 encoding \"UTF8\""
                    .to_owned()
            )
        );
    }

    #[test]
    fn names_are_read_by_letters_and_digits() {
        for (name, encoding) in [
            ("'utf-8'", Encoding::Utf8),
            ("Unicode", Encoding::Utf8),
            ("sql_ascii", Encoding::SqlAscii),
            ("latin-1", Encoding::Latin1),
            ("ISO_8859-15", Encoding::Latin9),
            ("windows-1252", Encoding::Win1252),
        ] {
            assert_eq!(Encoding::named(name), Some(encoding), "{name}");
            assert_eq!(Encoding::named(encoding.name()), Some(encoding));
        }
        for name in [
            "KOI8-R",
            "euc_jp",
            "win-1251",
            "ISO 8859-2",
            "MULE_INTERNAL",
        ] {
            assert_eq!(
                (Encoding::named(name), Encoding::is_known(name)),
                (None, true)
            );
        }
        assert!(!Encoding::is_known("klingon"));
        assert!(!Encoding::is_known("iso885911"));
        let shared = SharedEncoding::default();
        for encoding in Encoding::ALL {
            shared.set(encoding);
            assert_eq!(shared.get(), encoding);
        }
    }
}
