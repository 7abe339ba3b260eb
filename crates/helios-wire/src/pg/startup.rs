//! The first message of a connection, which has no kind.

use helios_base::{Result, SqlState};

use super::frontend::{Body, violation};

const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
/// The version that is spoken, and the newest minor version of it.
const MAJOR: u32 = 3;
const MINOR: u32 = 2;
/// From this minor version on, keys for cancelling may be long.
const LONG_KEYS: u32 = 2;

/// What a client opens a connection with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A wish for TLS.
    Ssl,
    /// A wish for GSSAPI encryption.
    Gss,
    /// Not a connection at all: cancel what another one runs.
    Cancel {
        /// The process number of that connection.
        process: u32,
        /// Its secret.
        secret: Vec<u8>,
    },
    /// A session.
    Startup(Startup),
}

/// The client's wishes for its session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Startup {
    /// The minor version that the client would speak.
    pub minor: u32,
    /// The user's name.
    pub user: String,
    /// The database's name; the user's if none was given. A branch may follow an `@`.
    pub database: String,
    /// Settings in the order given, those of `options` first.
    pub settings: Vec<(String, String)>,
    /// Protocol options (`_pq_.…`) that nobody knows here.
    pub unknown: Vec<String>,
}

impl Opening {
    /// Decodes the body.
    ///
    /// # Errors
    /// `08P01` for another protocol or a malformed message, `0A000` for replication, `28000`
    /// without a user.
    pub fn decode(body: &[u8]) -> Result<Self> {
        let mut body = Body(body);
        match body.u32()? {
            SSL => Ok(Self::Ssl),
            GSS => Ok(Self::Gss),
            CANCEL => Ok(Self::Cancel {
                process: body.u32()?,
                secret: body.rest().to_vec(),
            }),
            version if version >> 16 == MAJOR => {
                Startup::decode(version & 0xffff, body).map(Self::Startup)
            }
            version => Err(violation(format!(
                "unsupported frontend protocol {}.{}: server supports {MAJOR}.0 to {MAJOR}.{MINOR}",
                version >> 16,
                version & 0xffff
            ))),
        }
    }
}

impl Startup {
    fn decode(minor: u32, mut body: Body<'_>) -> Result<Self> {
        let mut startup = Self {
            minor,
            ..Self::default()
        };
        loop {
            let name = body.string()?;
            if name.is_empty() {
                break;
            }
            let value = body.string()?;
            match name {
                "user" => value.clone_into(&mut startup.user),
                "database" => value.clone_into(&mut startup.database),
                "options" => {
                    let options = options(value)?;
                    startup.settings.splice(0..0, options);
                }
                "replication" if !matches!(value, "false" | "off" | "no" | "0") => {
                    return Err(helios_base::Error::unsupported(
                        "replication connections are not supported",
                    )
                    .with_hint("Connect without the parameter \"replication\"."));
                }
                "replication" => {}
                name if name.starts_with("_pq_.") => startup.unknown.push(name.to_owned()),
                name => startup.settings.push((name.to_owned(), value.to_owned())),
            }
        }
        if !body.rest().is_empty() {
            return Err(violation(
                "invalid startup packet layout: expected terminator as last byte",
            ));
        }
        if startup.user.is_empty() {
            return Err(helios_base::Error::new(
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                "no PostgreSQL user name specified in startup packet",
            ));
        }
        if startup.database.is_empty() {
            startup.database.clone_from(&startup.user);
        }
        Ok(startup)
    }

    /// The version that is spoken with this client.
    #[must_use]
    pub fn version(&self) -> u32 {
        MAJOR << 16 | self.minor.min(MINOR)
    }

    /// Whether the client takes a key for cancelling of any length.
    #[must_use]
    pub fn takes_long_key(&self) -> bool {
        self.minor >= LONG_KEYS
    }

    /// Whether the client asks for more than is spoken here.
    #[must_use]
    pub fn must_negotiate(&self) -> bool {
        self.minor > MINOR || !self.unknown.is_empty()
    }
}

/// The settings in a command line: `-c name=value`, `-cname=value`, `--name=value`. A backslash
/// takes the next character as it is.
fn options(text: &str) -> Result<Vec<(String, String)>> {
    let mut words = vec![String::new()];
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c.is_ascii_whitespace() {
            words.push(String::new());
        } else if let Some(word) = words.last_mut() {
            word.extend(if c == '\\' {
                characters.next()
            } else {
                Some(c)
            });
        }
    }
    let mut words = words.into_iter().filter(|word| !word.is_empty());
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = match (word.strip_prefix("-c"), word.strip_prefix("--")) {
            (Some(""), _) => words.next().unwrap_or_default(),
            (Some(setting), _) => setting.to_owned(),
            (_, Some(setting)) => setting.to_owned(),
            _ => {
                return Err(violation(format!(
                    "invalid command-line argument for server process: {word}"
                )));
            }
        };
        match setting.split_once('=') {
            Some((name, value)) => settings.push((name.to_owned(), value.to_owned())),
            None => {
                return Err(violation(format!(
                    "\"{setting}\" in the connection's options requires a value"
                )));
            }
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn startup(body: &[u8]) -> Startup {
        match Opening::decode(&[&[0, 3, 0, 0], body].concat()).expect("startup") {
            Opening::Startup(startup) => startup,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parameters_and_options_become_settings() {
        let startup =
            startup(b"user\0ada\0TimeZone\0UTC\0options\0-c a=1 --b=x\\ y -cc=3\0_pq_.z\0on\0\0");
        assert_eq!(startup.user, "ada");
        assert_eq!(startup.database, "ada");
        let settings: Vec<(&str, &str)> = startup
            .settings
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(
            settings,
            [("a", "1"), ("b", "x y"), ("c", "3"), ("TimeZone", "UTC")]
        );
        assert!(startup.must_negotiate());
    }

    #[test]
    fn other_protocols_and_malformed_packets_are_refused() {
        for body in [
            &b"\0\x02\0\0"[..],
            b"\0\x03\0\0user\0ada",
            b"\0\x03\0\0user\0ada\0",
            b"\0\x03\0\0user\0ada\0\0x",
            b"\0\x03\0\0\0",
            b"\0\x03\0\0user\0a\0replication\0true\0\0",
            b"\0\x03",
            b"\0\x03\0\0user\0a\0options\0x\0\0",
        ] {
            assert!(Opening::decode(body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn a_cancellation_carries_its_key() {
        assert_eq!(
            Opening::decode(b"\x04\xd2\x16\x2e\0\0\0\x07key!").expect("cancel"),
            Opening::Cancel {
                process: 7,
                secret: b"key!".to_vec()
            }
        );
    }
}
