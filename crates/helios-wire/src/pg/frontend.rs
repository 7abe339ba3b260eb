//! Messages from clients: one byte that names the kind, four bytes of length that count themselves,
//! and the body. Decoding borrows from the body and refuses whatever does not fit it exactly.

use helios_base::{Error, Result, SqlState};

/// A message from a client, after the connection has opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frontend<'a> {
    /// `Q`: run a script.
    Query(&'a str),
    /// `P`: prepare a statement.
    Parse(Parse<'a>),
    /// `B`: give a statement its parameters; makes a portal.
    Bind(Bind<'a>),
    /// `D`: tell the shape of a statement or portal.
    Describe(Target<'a>),
    /// `E`: run a portal for so many rows; 0 or less for all.
    Execute {
        /// The portal's name.
        portal: &'a str,
        /// How many rows to send at most.
        rows: i32,
    },
    /// `C`: forget a statement or portal.
    Close(Target<'a>),
    /// `H`: send what there is.
    Flush,
    /// `S`: the end of a pipeline.
    Sync,
    /// `d`: a piece of COPY data.
    CopyData(&'a [u8]),
    /// `c`: the end of COPY data.
    CopyDone,
    /// `f`: there will be no more COPY data, because of this.
    CopyFail(&'a str),
    /// `p`: a password or a step of SASL.
    Password(&'a [u8]),
    /// `F`: call a function by its identifier; outdated.
    FunctionCall,
    /// `X`: good-bye.
    Terminate,
}

/// The body of Parse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parse<'a> {
    /// The statement's name; empty for the one without.
    pub name: &'a str,
    /// The statement's text.
    pub query: &'a str,
    /// Identifiers of the first parameters' types; 0 for those to be deduced.
    pub types: Vec<u32>,
}

/// The body of Bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind<'a> {
    /// The portal's name; empty for the one without.
    pub portal: &'a str,
    /// The statement's name.
    pub statement: &'a str,
    /// Format codes of the parameters: none for text, one for all, or one each.
    pub formats: Vec<i16>,
    /// The parameters; `None` for NULL.
    pub values: Vec<Option<&'a [u8]>>,
    /// Format codes of the result's columns, likewise.
    pub results: Vec<i16>,
}

/// A statement or a portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A prepared statement of this name.
    Statement(&'a str),
    /// A portal of this name.
    Portal(&'a str),
}

impl<'a> Frontend<'a> {
    /// Decodes the message of kind `kind` from its body.
    ///
    /// # Errors
    /// `08P01` for an unknown kind or a body that does not fit it; `22021` for text that is not
    /// UTF-8.
    pub fn decode(kind: u8, body: &'a [u8]) -> Result<Self> {
        let mut body = Body(body);
        let message = match kind {
            b'Q' => Self::Query(body.string()?),
            b'P' => Self::Parse(Parse {
                name: body.string()?,
                query: body.string()?,
                types: body.list(Body::u32)?,
            }),
            b'B' => Self::Bind(Bind {
                portal: body.string()?,
                statement: body.string()?,
                formats: body.list(Body::i16)?,
                values: body.list(Body::value)?,
                results: body.list(Body::i16)?,
            }),
            b'D' => Self::Describe(body.target()?),
            b'C' => Self::Close(body.target()?),
            b'E' => Self::Execute {
                portal: body.string()?,
                rows: body.u32()? as i32,
            },
            b'H' => Self::Flush,
            b'S' => Self::Sync,
            b'd' => Self::CopyData(body.rest()),
            b'c' => Self::CopyDone,
            b'f' => Self::CopyFail(body.string()?),
            b'p' => Self::Password(body.rest()),
            b'F' => {
                body.rest();
                Self::FunctionCall
            }
            b'X' => Self::Terminate,
            kind => {
                return Err(violation(format!("invalid frontend message type {kind}")));
            }
        };
        match body.0 {
            [] => Ok(message),
            _ => Err(violation("invalid message format")),
        }
    }
}

/// `08P01`
pub(super) fn violation(message: impl Into<String>) -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, message)
}

/// What is left of a message's body.
pub(super) struct Body<'a>(pub(super) &'a [u8]);

impl<'a> Body<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        match self.0.split_at_checked(length) {
            Some((taken, rest)) => {
                self.0 = rest;
                Ok(taken)
            }
            None => Err(violation("insufficient data left in message")),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    fn i16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Text up to a zero byte.
    pub(super) fn string(&mut self) -> Result<&'a str> {
        let end = self
            .0
            .iter()
            .position(|byte| *byte == 0)
            .ok_or_else(|| violation("invalid string in message"))?;
        let bytes = self.take(end)?;
        self.take(1)?;
        std::str::from_utf8(bytes).map_err(|error| {
            let bad = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
            Error::new(
                SqlState::CHARACTER_NOT_IN_REPERTOIRE,
                format!("invalid byte sequence for encoding \"UTF8\": 0x{bad:02x}"),
            )
        })
    }

    /// A count of two bytes and as many items. Memory grows with what is there, not with the count.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = u16::from_be_bytes(self.array()?);
        (0..count).map(|_| item(self)).collect()
    }

    fn value(&mut self) -> Result<Option<&'a [u8]>> {
        match self.u32()? as i32 {
            -1 => Ok(None),
            length => match usize::try_from(length) {
                Ok(length) => self.take(length).map(Some),
                Err(_) => Err(violation("invalid length of a parameter")),
            },
        }
    }

    fn target(&mut self) -> Result<Target<'a>> {
        match self.array::<1>()? {
            [b'S'] => Ok(Target::Statement(self.string()?)),
            [b'P'] => Ok(Target::Portal(self.string()?)),
            [other] => Err(violation(format!("invalid target type {other}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_decode() {
        assert_eq!(
            Frontend::decode(b'Q', b"select 1\0").expect("query"),
            Frontend::Query("select 1")
        );
        assert_eq!(
            Frontend::decode(b'P', b"s\0q\0\0\x01\0\0\0\x17").expect("parse"),
            Frontend::Parse(Parse {
                name: "s",
                query: "q",
                types: vec![23]
            })
        );
        assert_eq!(
            Frontend::decode(
                b'B',
                b"\0s\0\0\x01\0\x01\0\x02\0\0\0\x02hi\xff\xff\xff\xff\0\0"
            )
            .expect("bind"),
            Frontend::Bind(Bind {
                portal: "",
                statement: "s",
                formats: vec![1],
                values: vec![Some(b"hi"), None],
                results: vec![]
            })
        );
        assert_eq!(
            Frontend::decode(b'E', b"c\0\0\0\0\x05").expect("execute"),
            Frontend::Execute {
                portal: "c",
                rows: 5
            }
        );
    }

    /// Every cut, every longer body and every flipped bit is an error or a message, never a panic.
    #[test]
    fn hostile_bodies_are_refused() {
        let bodies: [(u8, &[u8]); 6] = [
            (b'Q', b"select 1\0"),
            (b'P', b"s\0q\0\0\x01\0\0\0\x17"),
            (
                b'B',
                b"\0s\0\0\x01\0\x01\0\x02\0\0\0\x02hi\xff\xff\xff\xff\0\0",
            ),
            (b'D', b"Sname\0"),
            (b'E', b"c\0\0\0\0\x05"),
            (b'f', b"why\0"),
        ];
        for (kind, body) in bodies {
            for end in 0..body.len() {
                assert!(Frontend::decode(kind, &body[..end]).is_err(), "{end}");
            }
            let longer = [body, b"!"].concat();
            assert!(Frontend::decode(kind, &longer).is_err());
            for bit in 0..body.len() * 8 {
                let mut flipped = body.to_vec();
                flipped[bit / 8] ^= 1 << (bit % 8);
                for kind in 0..=255 {
                    let _ = Frontend::decode(kind, &flipped);
                }
            }
        }
        let huge = b"\0s\0\0\0\0\x01\x7f\xff\xff\xff";
        assert!(Frontend::decode(b'B', huge).is_err());
    }
}
