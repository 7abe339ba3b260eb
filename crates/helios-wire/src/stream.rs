//! Byte streams of clients.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};

use crate::tls::Identity;

/// A client's connection: TCP or, on Unix, a local socket.
#[derive(Debug)]
pub enum Stream {
    /// TCP.
    Tcp(TcpStream),
    /// TCP, encrypted.
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
    /// A Unix domain socket.
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Stream {
    /// Another handle on the same connection, for closing it from elsewhere.
    ///
    /// # Errors
    /// When the operating system has no more handles.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
            // What it is for needs no encryption.
            Self::Tls(stream) => Self::Tcp(stream.sock.try_clone()?),
            #[cfg(unix)]
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
        })
    }

    /// Ends both directions; a thread that reads wakes up with the end of the stream.
    pub fn shutdown(&self, how: Shutdown) {
        // The peer may be gone already; there is nothing else to end then.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(how),
            Self::Tls(stream) => stream.sock.shutdown(how),
            #[cfg(unix)]
            Self::Unix(stream) => stream.shutdown(how),
        };
    }

    /// Bounds how long a read waits; `None` waits for ever.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(limit),
            Self::Tls(stream) => stream.sock.set_read_timeout(limit),
            #[cfg(unix)]
            Self::Unix(stream) => stream.set_read_timeout(limit),
        }
    }

    /// The client's end, for display.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok(),
            Self::Tls(stream) => stream.sock.peer_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    /// From where the client comes; `None` through a local socket.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        let socket = match self {
            Self::Tcp(stream) => stream,
            Self::Tls(stream) => &stream.sock,
            #[cfg(unix)]
            Self::Unix(_) => return None,
        };
        // A peer that is gone already comes from nowhere that a rule lets in.
        let address = socket.peer_addr().map(|peer| peer.ip().to_canonical());
        Some(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }

    /// Whether nobody on the way can read it.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// The same stream, encrypted from here on.
    ///
    /// # Errors
    /// When the library refuses its own configuration; when it cannot be encrypted.
    pub(crate) fn encrypt(&self, identity: &Identity) -> io::Result<Self> {
        match self {
            Self::Tcp(stream) => {
                let connection = identity.accept()?;
                let stream = StreamOwned::new(connection, stream.try_clone()?);
                Ok(Self::Tls(Box::new(stream)))
            }
            _ => Err(io::Error::other("this stream cannot be encrypted")),
        }
    }

    /// Sends small answers at once.
    pub(crate) fn set_nodelay(&self) {
        if let Self::Tcp(stream) = self {
            // A slower connection is still a connection.
            let _ = stream.set_nodelay(true);
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Tls(stream) => match stream.read(buffer) {
                // Many clients leave without a word of farewell; messages have lengths of their own.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
                read => read,
            },
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
            #[cfg(unix)]
            Self::Unix(stream) => stream.flush(),
        }
    }
}
