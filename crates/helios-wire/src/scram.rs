//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the server's side (RFC 5802 and RFC 7677).
//!
//! The server keeps a [`Verifier`], from which the password cannot be had. Unknown users meet the
//! same steps with a verifier that nobody's password fits, so that names cannot be probed.

use std::fmt;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use helios_base::{Error, Result, SqlState};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The mechanism's name.
pub const MECHANISM: &str = "SCRAM-SHA-256";
/// The mechanism bound to the encrypted channel by the server's certificate.
pub const MECHANISM_PLUS: &str = "SCRAM-SHA-256-PLUS";
/// How it is bound (RFC 5929).
const BINDING: &str = "p=tls-server-end-point";
/// Iterations of new verifiers, as PostgreSQL's.
const ITERATIONS: u32 = 4096;
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 18;
type Key = [u8; 32];

/// What a server keeps of a password.
///
/// Its text is PostgreSQL's: `SCRAM-SHA-256$4096:salt$stored key:server key`, in base 64.
#[derive(Clone)]
pub struct Verifier {
    salt: Vec<u8>,
    iterations: u32,
    stored_key: Key,
    server_key: Key,
}

impl Verifier {
    /// A verifier for a password, with a new salt.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn new(password: &str) -> Result<Self> {
        Ok(Self::with_salt(
            password,
            random::<SALT_BYTES>()?.to_vec(),
            ITERATIONS,
        ))
    }

    /// Reads the text of a verifier.
    ///
    /// # Errors
    /// `XX001` if it is none: whoever kept it has looked at it.
    pub fn parse(text: &str) -> Result<Self> {
        let read = || {
            let (head, keys) = text
                .strip_prefix(MECHANISM)?
                .strip_prefix('$')?
                .split_once('$')?;
            let (iterations, salt) = head.split_once(':')?;
            let (stored, server) = keys.split_once(':')?;
            let key = |text| -> Option<Key> { BASE64.decode(text).ok()?.try_into().ok() };
            Some(Self {
                salt: BASE64.decode(salt).ok()?,
                iterations: iterations.parse().ok().filter(|n| *n > 0)?,
                stored_key: key(stored)?,
                server_key: key(server)?,
            })
        };
        read().ok_or_else(|| Error::corrupt("malformed SCRAM-SHA-256 verifier"))
    }

    /// A verifier that no password fits. Its salt is the same whenever the name is asked for, as
    /// that of a name which somebody has.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn nobody(name: &str) -> Result<Self> {
        static SECRET: OnceLock<Key> = OnceLock::new();
        let secret = match SECRET.get() {
            Some(secret) => secret,
            None => {
                let new = random()?;
                SECRET.get_or_init(|| new)
            }
        };
        let salt = mac(secret, name.as_bytes());
        Ok(Self {
            salt: salt.into_iter().take(SALT_BYTES).collect(),
            iterations: ITERATIONS,
            stored_key: random()?,
            server_key: random()?,
        })
    }

    /// Whether it is a verifier of this password.
    #[must_use]
    pub fn fits(&self, password: &str) -> bool {
        let other = Self::with_salt(password, self.salt.clone(), self.iterations);
        self.stored_key.ct_eq(&other.stored_key).into()
    }

    fn with_salt(password: &str, salt: Vec<u8>, iterations: u32) -> Self {
        let password = helios_sql::prepared_password(password);
        let salted = salted_password(password.as_bytes(), &salt, iterations);
        Self {
            salt,
            iterations,
            stored_key: Sha256::digest(mac(&salted, b"Client Key")).into(),
            server_key: mac(&salted, b"Server Key"),
        }
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{MECHANISM}${}:{}${}:{}",
            self.iterations,
            BASE64.encode(&self.salt),
            BASE64.encode(self.stored_key),
            BASE64.encode(self.server_key)
        )
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

/// An exchange after the client's first message.
#[derive(Debug)]
pub struct Exchange {
    verifier: Verifier,
    /// What the client must have bound the exchange to, before base 64.
    binding: Vec<u8>,
    client_first_bare: String,
    server_first: String,
    nonce: String,
}

impl Exchange {
    /// Begins with the client's first message; [`Exchange::server_first`] answers it. `end_point` is
    /// what the channel can be bound to, `binds` whether the client chose the mechanism that does.
    ///
    /// # Errors
    /// `08P01` for a malformed message, a wish for another channel binding, and a client that was
    /// made to believe that none is offered.
    pub fn start(
        verifier: Verifier,
        client_first: &str,
        end_point: Option<[u8; 32]>,
        binds: bool,
    ) -> Result<Self> {
        let nonce = BASE64.encode(random::<NONCE_BYTES>()?);
        Self::start_with(verifier, client_first, &nonce, end_point, binds)
    }

    fn start_with(
        verifier: Verifier,
        client_first: &str,
        own_nonce: &str,
        end_point: Option<[u8; 32]>,
        binds: bool,
    ) -> Result<Self> {
        let malformed = || violation("malformed SCRAM message");
        let mut parts = client_first.splitn(3, ',');
        let binding = parts.next().unwrap_or_default();
        let identity = parts.next().ok_or_else(malformed)?;
        let bare = parts.next().ok_or_else(malformed)?;
        let data = match (binding, end_point, binds) {
            ("n", _, false) | ("y", None, false) => Vec::new(),
            (BINDING, Some(end_point), true) => end_point.to_vec(),
            // The client could bind the channel and was told that the server cannot: not by us.
            ("y", Some(_), _) => {
                return Err(Error::new(
                    SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                    "SCRAM channel binding negotiation error",
                )
                .with_detail(
                    "The client supports SCRAM channel binding but thinks the server does not. \
                     However, this server does support channel binding.",
                ));
            }
            _ => return Err(violation("unsupported SCRAM channel-binding type")),
        };
        if !identity.is_empty() {
            return Err(violation(
                "client uses authorization identity, but it is not supported",
            ));
        }
        let client_nonce = attribute(bare, 'r').ok_or_else(malformed)?;
        let printable = |c: char| ('!'..='~').contains(&c) && c != ',';
        if client_nonce.is_empty() || !client_nonce.chars().all(printable) {
            return Err(violation("non-printable characters in SCRAM nonce"));
        }
        let nonce = format!("{client_nonce}{own_nonce}");
        let server_first = format!(
            "r={nonce},s={},i={}",
            BASE64.encode(&verifier.salt),
            verifier.iterations
        );
        Ok(Self {
            verifier,
            binding: [format!("{binding},{identity},").into_bytes(), data].concat(),
            client_first_bare: bare.to_owned(),
            server_first,
            nonce,
        })
    }

    /// The answer to the client's first message.
    #[must_use]
    pub fn server_first(&self) -> &str {
        &self.server_first
    }

    /// Checks the client's proof; gives the server's own, or `None` if the password is wrong.
    ///
    /// # Errors
    /// `08P01` for a malformed message.
    pub fn finish(&self, client_final: &str) -> Result<Option<String>> {
        let malformed = || violation("malformed SCRAM message");
        let (without_proof, proof) = client_final.rsplit_once(",p=").ok_or_else(malformed)?;
        let binding = attribute(without_proof, 'c').ok_or_else(malformed)?;
        let nonce = attribute(without_proof, 'r').ok_or_else(malformed)?;
        if binding != BASE64.encode(&self.binding) {
            return Err(violation("unexpected SCRAM channel-binding attribute"));
        }
        if nonce != self.nonce {
            return Err(violation("SCRAM nonce does not match"));
        }
        let proof = BASE64.decode(proof).map_err(|_| malformed())?;
        let proof = Key::try_from(proof).map_err(|_| malformed())?;
        let message = format!(
            "{},{},{without_proof}",
            self.client_first_bare, self.server_first
        );
        let signature = mac(&self.verifier.stored_key, message.as_bytes());
        let mut client_key = proof;
        for (byte, mask) in client_key.iter_mut().zip(signature) {
            *byte ^= mask;
        }
        let stored: Key = Sha256::digest(client_key).into();
        if !bool::from(stored.ct_eq(&self.verifier.stored_key)) {
            return Ok(None);
        }
        let signature = mac(&self.verifier.server_key, message.as_bytes());
        Ok(Some(format!("v={}", BASE64.encode(signature))))
    }
}

/// The value of `name=value` in a list separated by commas.
fn attribute(message: &str, name: char) -> Option<&str> {
    message
        .split(',')
        .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

fn violation(message: &str) -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, message)
}

fn mac(key: &[u8], message: &[u8]) -> Key {
    // A MAC of this kind takes keys of every length.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Key::default();
    };
    mac.chain_update(message).finalize().into_bytes().into()
}

/// PBKDF2 with HMAC-SHA-256 for one block (RFC 8018, section 5.2; `Hi` of RFC 5802).
fn salted_password(password: &[u8], salt: &[u8], iterations: u32) -> Key {
    let mut round = mac(password, &[salt, &[0, 0, 0, 1]].concat());
    let mut result = round;
    for _ in 1..iterations {
        round = mac(password, &round);
        for (sum, byte) in result.iter_mut().zip(round) {
            *sum ^= byte;
        }
    }
    result
}

/// A password that nobody can guess: 24 characters, 144 random bits.
///
/// # Errors
/// When the operating system gives no random bytes.
pub fn generate_password() -> Result<String> {
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random::<18>()?))
}

/// Random bytes of the operating system.
///
/// # Errors
/// When it gives none.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(
            SqlState::IO_ERROR,
            format!("could not get random bytes: {error}"),
        )
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange that RFC 7677 prints in section 3.
    #[test]
    fn the_example_of_the_standard() {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("salt");
        let verifier = Verifier::with_salt("pencil", salt, 4096);
        let exchange = Exchange::start_with(
            verifier,
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            None,
            false,
        )
        .expect("start");
        assert_eq!(
            exchange.server_first(),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let good = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(
            exchange.finish(good).expect("well formed").as_deref(),
            Some("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
        );
        let wrong = good.replace("p=dHzb", "p=eHzb");
        assert_eq!(exchange.finish(&wrong).expect("well formed"), None);
        let replayed = good.replace("k0,p", "k1,p");
        assert!(exchange.finish(&replayed).is_err());
    }

    #[test]
    fn malformed_messages_are_refused() {
        let verifier = Verifier::nobody("x").expect("random");
        for message in [
            "",
            "n",
            "n,",
            "n,,",
            "n,,n=x",
            "p=tls-unique,,n=,r=a",
            "n,a=b,n=,r=a",
            "n,,r=\u{7f}",
        ] {
            assert!(
                Exchange::start(verifier.clone(), message, None, false).is_err(),
                "{message}"
            );
        }
        let exchange = Exchange::start(verifier, "n,,n=,r=abc", None, false).expect("start");
        for message in ["", "c=biws", ",p=", "c=biws,r=abc,p=AAAA", "c=,r=,p="] {
            assert!(exchange.finish(message).is_err(), "{message}");
        }
    }

    #[test]
    fn channels_are_bound_or_refused() {
        let start = |first: &str, end_point, binds| {
            let verifier = Verifier::nobody("x").expect("random");
            Exchange::start(verifier, first, end_point, binds)
        };
        let plus = "p=tls-server-end-point,,n=,r=abc";
        assert!(start(plus, Some([7; 32]), true).is_ok());
        assert!(start(plus, None, true).is_err());
        assert!(start(plus, Some([7; 32]), false).is_err());
        assert!(start("n,,n=,r=abc", Some([7; 32]), false).is_ok());
        assert!(start("n,,n=,r=abc", Some([7; 32]), true).is_err());
        // Somebody between client and server has left out the better mechanism.
        assert!(start("y,,n=,r=abc", Some([7; 32]), false).is_err());
        assert!(start("y,,n=,r=abc", None, false).is_ok());
        let bound = start(plus, Some([7; 32]), true).expect("start");
        let nonce = attribute(bound.server_first(), 'r')
            .expect("nonce")
            .to_owned();
        let last = |binding: &[u8]| {
            let binding = BASE64.encode([b"p=tls-server-end-point,,", binding].concat());
            format!("c={binding},r={nonce},p={}", BASE64.encode([0; 32]))
        };
        // Another server's certificate: the client talks to somebody in between.
        assert!(bound.finish(&last(&[8; 32])).is_err());
        assert!(matches!(bound.finish(&last(&[7; 32])), Ok(None)));
    }

    #[test]
    fn names_that_nobody_has_keep_their_salt() {
        let salt = |name| Verifier::nobody(name).expect("random").salt;
        assert_eq!(salt("a"), salt("a"));
        assert_ne!(salt("a"), salt("b"));
    }
}
