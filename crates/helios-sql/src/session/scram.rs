//! What is kept of a role's password: the text of a SCRAM-SHA-256 verifier, as PostgreSQL keeps it,
//! from which the password cannot be had (RFC 5802, RFC 7677).
//!
//! `SCRAM-SHA-256$iterations:salt$stored key:server key`, all but the number in base 64.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use helios_base::{Error, Result, SqlState};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Iterations of new verifiers, as PostgreSQL's.
const ITERATIONS: u32 = 4096;
const SALT_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
const PREFIX: &str = "SCRAM-SHA-256$";

/// A password as it is hashed: prepared by SASLprep (RFC 4013), as clients prepare what they are given, so that one that
/// is typed in another form of Unicode is the same. One that the standard refuses stays as it is, as in PostgreSQL.
#[must_use]
pub fn prepared_password(password: &str) -> Cow<'_, str> {
    match stringprep::saslprep(password) {
        Ok(prepared) if !prepared.is_empty() => prepared,
        _ => Cow::Borrowed(password),
    }
}

/// What is kept of a password; a verifier stays as it is.
///
/// # Errors
/// `22023` for an empty password, a malformed verifier, and one of another kind.
pub(super) fn kept(password: &str) -> Result<String> {
    if let Some(verifier) = password.strip_prefix(PREFIX) {
        return match is_verifier(verifier) {
            true => Ok(password.to_owned()),
            false => Err(bad("malformed SCRAM-SHA-256 verifier")),
        };
    }
    let is_md5 = password.len() == 35
        && password
            .strip_prefix("md5")
            .is_some_and(|hash| hash.bytes().all(|b| b.is_ascii_hexdigit()));
    if is_md5 {
        return Err(bad("passwords hashed with MD5 are not supported")
            .with_hint("Give the password itself, or a SCRAM-SHA-256 verifier."));
    }
    if password.is_empty() {
        return Err(bad("the password must not be empty"));
    }
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt)
        .map_err(|error| Error::new(SqlState::SYSTEM_ERROR, format!("no random bytes: {error}")))?;
    let salted = salted(prepared_password(password).as_bytes(), &salt)?;
    let client = keyed(&salted, b"Client Key")?;
    let stored = Sha256::digest(client);
    let server = keyed(&salted, b"Server Key")?;
    Ok(format!(
        "{PREFIX}{ITERATIONS}:{}${}:{}",
        BASE64.encode(salt),
        BASE64.encode(stored),
        BASE64.encode(server)
    ))
}

fn is_verifier(text: &str) -> bool {
    let parts = || {
        let (head, keys) = text.split_once('$')?;
        let (iterations, salt) = head.split_once(':')?;
        let (stored, server) = keys.split_once(':')?;
        let iterations: u32 = iterations.parse().ok()?;
        let key = |text: &str| {
            BASE64
                .decode(text)
                .ok()
                .filter(|key| key.len() == KEY_BYTES)
        };
        let salt = BASE64.decode(salt).ok()?;
        key(stored)?;
        key(server)?;
        Some(iterations > 0 && !salt.is_empty())
    };
    parts().unwrap_or(false)
}

fn bad(message: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn keyed(key: &[u8], message: &[u8]) -> Result<[u8; KEY_BYTES]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|_| Error::internal("a key of impossible length"))?;
    mac.update(message);
    Ok(mac.finalize().into_bytes().into())
}

/// PBKDF2 with HMAC-SHA-256, one block.
fn salted(password: &[u8], salt: &[u8]) -> Result<[u8; KEY_BYTES]> {
    let first = [salt, &1_u32.to_be_bytes()].concat();
    let mut block = keyed(password, &first)?;
    let mut all = block;
    for _ in 1..ITERATIONS {
        block = keyed(password, &block)?;
        for (sum, byte) in all.iter_mut().zip(block) {
            *sum ^= byte;
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_kept() -> Result<()> {
        let verifier = kept("secret")?;
        assert!(verifier.starts_with("SCRAM-SHA-256$4096:") && !verifier.contains("secret"));
        // A dump brings the verifier, which stays.
        assert_eq!(kept(&verifier)?, verifier);
        assert_ne!(kept("secret")?, verifier);
        assert!(kept("").is_err() && kept("SCRAM-SHA-256$x").is_err());
        assert_eq!(prepared_password("I\u{ad}X\u{a0}\u{2168}"), "IX IX");
        assert_eq!(prepared_password("\u{7}"), "\u{7}");
        assert!(kept("md5d41d8cd98f00b204e9800998ecf8427e").is_err());
        Ok(())
    }
}
