//! Listening, and a thread for each client.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use helios_base::{Error, Result, SqlState};
use heliosdb::Database;

use crate::registry::Connections;
use crate::rules::Rules;
use crate::throttle::Throttle;
use crate::{Stream, Tls, pg};

/// The stack of a client's thread. Only touched pages count; deep statements grow their own.
const STACK_BYTES: usize = 2 << 20;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix domain socket.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// How clients prove who they are, where no rules say it.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// They need not.
    Trust,
    /// By the password of their role, through SCRAM-SHA-256.
    Password,
}

/// How a server serves.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// How clients prove who they are, where no rules say it.
    pub authentication: Authentication,
    /// Who may connect from where and how.
    pub rules: Option<Arc<Rules>>,
    /// Offers encryption to clients of TCP.
    pub tls: Option<Arc<Tls>>,
    /// Accepts no client of TCP without it.
    pub require_tls: bool,
    /// Names by which clients may call the database; the first is its own.
    pub databases: Vec<String>,
    /// How many clients at once.
    pub max_connections: usize,
}

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) database: Database,
    pub(crate) options: ServerOptions,
    pub(crate) throttle: Throttle,
}

/// A listening server.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    listener: Listener,
    connections: Connections,
    stop: Arc<AtomicBool>,
    next: AtomicU64,
}

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener, PathBuf),
}

/// Reads a server's files again, for new connections.
#[derive(Clone, Debug)]
pub struct Reload {
    rules: Option<Arc<Rules>>,
    tls: Option<Arc<Tls>>,
}

impl Reload {
    /// Reads the files again; each that cannot be used stays as it was.
    ///
    /// # Errors
    /// The first that is wrong with them.
    pub fn reload(&self) -> Result<()> {
        let rules = self.rules.as_ref().map_or(Ok(()), |rules| rules.reload());
        let tls = self.tls.as_ref().map_or(Ok(()), |tls| tls.reload());
        rules.and(tls)
    }
}

/// Stops a server from another thread.
#[derive(Clone, Debug)]
pub struct StopHandle {
    stop: Arc<AtomicBool>,
    address: Address,
}

impl Server {
    /// Listens at `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// `58030` when the operating system refuses, with the address.
    pub fn bind(database: Database, address: &Address, options: ServerOptions) -> Result<Self> {
        let failed = |error| Error::io(format!("listen at {address}"), error);
        let listener = match address {
            Address::Tcp(address) => Listener::Tcp(TcpListener::bind(address).map_err(failed)?),
            #[cfg(unix)]
            Address::Unix(path) => {
                Listener::Unix(UnixListener::bind(path).map_err(failed)?, path.clone())
            }
            #[cfg(not(unix))]
            Address::Unix(_) => {
                return Err(Error::unsupported("local sockets are for Unix systems"));
            }
        };
        Ok(Self {
            shared: Arc::new(Shared {
                database,
                options,
                throttle: Throttle::default(),
            }),
            listener,
            connections: Connections::default(),
            stop: Arc::default(),
            next: AtomicU64::new(1),
        })
    }

    /// Where the server listens.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn address(&self) -> Result<Address> {
        match &self.listener {
            Listener::Tcp(listener) => listener
                .local_addr()
                .map(Address::Tcp)
                .map_err(|error| Error::io("read the address of the server", error)),
            #[cfg(unix)]
            Listener::Unix(_, path) => Ok(Address::Unix(path.clone())),
        }
    }

    /// The open connections.
    #[must_use]
    pub fn connections(&self) -> Connections {
        self.connections.clone()
    }

    /// What there is to watch: the database and options, the connections, and whether it was stopped.
    pub(crate) fn watched(&self) -> (Arc<Shared>, Connections, Arc<AtomicBool>) {
        (
            self.shared.clone(),
            self.connections.clone(),
            self.stop.clone(),
        )
    }

    /// A handle that reads certificates and rules again.
    #[must_use]
    pub fn reload_handle(&self) -> Reload {
        Reload {
            rules: self.shared.options.rules.clone(),
            tls: self.shared.options.tls.clone(),
        }
    }

    /// A handle that stops the server.
    ///
    /// # Errors
    /// As [`Server::address`].
    pub fn stop_handle(&self) -> Result<StopHandle> {
        Ok(StopHandle {
            stop: self.stop.clone(),
            address: self.address()?,
        })
    }

    /// Accepts clients until the server is stopped. Connections that are open then stay open; see
    /// [`Server::drain`].
    ///
    /// # Errors
    /// When the operating system no longer accepts.
    pub fn run(&self) -> Result<()> {
        loop {
            let stream = match self.accept() {
                Ok(stream) => stream,
                // A client that left before it was accepted, or too many open files: the others go on.
                Err(error) if transient(&error) => {
                    tracing::warn!(%error, "could not accept a client");
                    std::thread::sleep(Duration::from_millis(10));
                    continue;
                }
                Err(error) => return Err(Error::io("accept a client", error)),
            };
            if self.stop.load(Relaxed) {
                return Ok(());
            }
            self.start(stream);
        }
    }

    /// Waits for the open connections to end, and closes those that are left after `grace`.
    pub fn drain(&self, grace: Duration) {
        if !self.connections.wait_empty(grace) {
            self.connections.close_all();
            // Their threads see the end of their streams; what they ran is rolled back.
            let _ = self.connections.wait_empty(grace);
        }
    }

    fn accept(&self) -> io::Result<Stream> {
        match &self.listener {
            Listener::Tcp(listener) => listener.accept().map(|(stream, _)| Stream::Tcp(stream)),
            #[cfg(unix)]
            Listener::Unix(listener, _) => {
                listener.accept().map(|(stream, _)| Stream::Unix(stream))
            }
        }
    }

    /// Gives a client its thread.
    fn start(&self, stream: Stream) {
        let Ok(handle) = stream.try_clone() else {
            return;
        };
        let number = self.next.fetch_add(1, Relaxed);
        let limit = self.shared.options.max_connections;
        let Some(live) = self.connections.enter(number, handle, limit) else {
            refuse(stream);
            return;
        };
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new()
            .name(format!("client {number}"))
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let span = crate::span::connection(&stream);
                span.in_scope(|| pg::serve(stream, &live, &shared));
                drop(span);
                drop(live);
            });
        if let Err(error) = thread {
            // The stream and its place went with the closure.
            tracing::warn!(%error, "could not start a thread for a client");
        }
    }
}

#[cfg(unix)]
impl Drop for Server {
    fn drop(&mut self) {
        if let Listener::Unix(_, path) = &self.listener {
            // Someone else may have removed it.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl StopHandle {
    /// Makes the server accept no more clients.
    pub fn stop(&self) {
        self.stop.store(true, Relaxed);
        // The server waits for a client; this is one.
        match &self.address {
            Address::Tcp(address) => drop(std::net::TcpStream::connect(address)),
            #[cfg(unix)]
            Address::Unix(path) => drop(std::os::unix::net::UnixStream::connect(path)),
            #[cfg(not(unix))]
            Address::Unix(_) => {}
        }
    }
}

/// Tells a client that there is no room.
fn refuse(stream: Stream) {
    let mut wire = pg::Wire::new(stream);
    let error = Error::new(
        SqlState::TOO_MANY_CONNECTIONS,
        "sorry, too many clients already",
    );
    wire.backend().error(&error, true);
    // It may be gone.
    let _ = wire.flush();
}

fn transient(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionReset, Interrupted, OutOfMemory, PermissionDenied, TimedOut,
        WouldBlock,
    };
    /// Too many open files, in the process or in the system.
    const TOO_MANY_FILES: [i32; 2] = [24, 23];
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionReset
            | Interrupted
            | OutOfMemory
            | PermissionDenied
            | TimedOut
            | WouldBlock
    ) || error
        .raw_os_error()
        .is_some_and(|code| TOO_MANY_FILES.contains(&code))
}
