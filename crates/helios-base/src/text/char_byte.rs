//! The one-byte type `"char"`, whose bytes beyond ASCII are shown in octal: `\\377`.

/// The byte that a text stands for: `\\ooo`, or its first byte; 0 for none.
#[must_use]
pub fn byte_of(text: &str) -> u8 {
    if let [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7'] = text.as_bytes() {
        return (a - b'0') << 6 | (b - b'0') << 3 | (c - b'0');
    }
    text.bytes().next().unwrap_or(0)
}

/// How the byte is shown, which is also how it is kept; nothing for 0.
#[must_use]
pub fn text_of(byte: u8) -> String {
    match byte {
        0 => String::new(),
        byte if byte.is_ascii() => char::from(byte).to_string(),
        byte => format!("\\{byte:o}"),
    }
}
