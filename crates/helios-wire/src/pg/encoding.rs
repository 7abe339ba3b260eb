//! Text of messages as clients write it, in the encoding that `client_encoding` names.

use std::borrow::Cow;

use helios_base::{Encoding, Result};

/// The body of a message from the client with its strings in UTF-8. Values of parameters stay as they are.
///
/// # Errors
/// `22P05` for a byte that means no character in the encoding.
pub(super) fn incoming(kind: u8, body: &[u8], encoding: Encoding) -> Result<Cow<'_, [u8]>> {
    let strings = match kind {
        b'Q' | b'D' | b'C' | b'E' | b'f' => 1,
        b'P' | b'B' => 2,
        _ => 0,
    };
    if !encoding.converts() || strings == 0 {
        return Ok(Cow::Borrowed(body));
    }
    let ends = body.iter().enumerate().filter(|(_, byte)| **byte == 0);
    let end = ends.map(|(at, _)| at + 1).nth(strings - 1);
    let (text, rest) = body.split_at(end.unwrap_or(body.len()));
    match encoding.decode(text)? {
        Cow::Borrowed(_) => Ok(Cow::Borrowed(body)),
        Cow::Owned(mut whole) => {
            whole.extend_from_slice(rest);
            Ok(Cow::Owned(whole))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strings_of_messages_are_turned() -> Result<()> {
        let latin = Encoding::Latin1;
        let turned = incoming(b'B', b"\xe4\0\xe4\0\0\0\0\x01\0\0\0\x01\xe4\0\0", latin)?;
        let wanted = b"\xc3\xa4\0\xc3\xa4\0\0\0\0\x01\0\0\0\x01\xe4\0\0";
        assert_eq!(*turned, wanted[..]);
        assert_eq!(*incoming(b'd', b"\xe4", latin)?, b"\xe4"[..]);
        assert_eq!(*incoming(b'Q', b"\xe4", latin)?, b"\xc3\xa4"[..]);
        assert!(incoming(b'Q', b"\x81\0", Encoding::Win1252).is_err());
        Ok(())
    }
}
