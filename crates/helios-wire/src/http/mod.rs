//! Answers for those who watch the server: `/health`, `/ready` and `/metrics` over HTTP.
//!
//! A request is a line and some headers, an answer ends its connection. Everything is bounded: how many clients at
//! once, how long a request may be and how long it may take to come, so that whoever can reach the address can hold up nobody
//! but other watchers.

mod metrics;
mod request;

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use helios_base::{Error, Result};

use crate::Server;
use crate::listener::Shared;
use crate::registry::Connections;
use request::{Request, read};

/// How many clients at once; further ones are turned away.
const CLIENTS_MAX: usize = 16;
/// How long a request may take to arrive, and its answer to leave.
const PATIENCE: Duration = Duration::from_secs(5);
const STACK_BYTES: usize = 256 << 10;

const TEXT: &str = "text/plain; charset=utf-8";
/// The format of Prometheus.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A figure of the program around the server, which grows only.
pub struct Counter {
    /// What it is called between `heliosdb_` and `_total`.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// How much that is by now.
    pub read: Box<dyn Fn() -> u64 + Send + Sync>,
}

/// Answers while it lives.
#[derive(Debug)]
pub struct Monitor {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What it is asked about.
struct Watched {
    shared: Arc<Shared>,
    connections: Connections,
    /// The server takes no more clients.
    stopping: Arc<AtomicBool>,
    clients: AtomicUsize,
    counters: Vec<Counter>,
}

impl Monitor {
    /// Answers about `server` at `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// `58030` when the operating system refuses.
    pub fn start(address: SocketAddr, server: &Server) -> Result<Self> {
        Self::start_with(address, server, Vec::new())
    }

    /// As [`Monitor::start`], with further counters among the metrics.
    ///
    /// # Errors
    /// As there.
    pub fn start_with(
        address: SocketAddr,
        server: &Server,
        counters: Vec<Counter>,
    ) -> Result<Self> {
        let failed = |error| Error::io(format!("listen at {address}"), error);
        let listener = TcpListener::bind(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (shared, connections, stopping) = server.watched();
        let watched = Arc::new(Watched {
            shared,
            connections,
            stopping,
            clients: AtomicUsize::new(0),
            counters,
        });
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("http".into())
            .stack_size(STACK_BYTES)
            .spawn(move || accept(&listener, &watched, &stopped))
            .map_err(failed)?;
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it answers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        // It waits for a client; this is one.
        drop(TcpStream::connect_timeout(&self.address, PATIENCE));
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by its own thread.
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, watched: &Arc<Watched>, stop: &AtomicBool) {
    while !stop.load(Relaxed) {
        let Ok((stream, _)) = listener.accept() else {
            // Too many open files, most likely: others go on.
            std::thread::sleep(Duration::from_millis(10));
            continue;
        };
        if watched.clients.fetch_add(1, Relaxed) >= CLIENTS_MAX {
            watched.clients.fetch_sub(1, Relaxed);
            continue;
        }
        let own = Arc::clone(watched);
        let thread = std::thread::Builder::new()
            .name("http client".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                own.serve(stream);
                own.clients.fetch_sub(1, Relaxed);
            });
        if thread.is_err() {
            watched.clients.fetch_sub(1, Relaxed);
        }
    }
}

impl Watched {
    fn serve(&self, mut stream: TcpStream) {
        let deadline = Instant::now() + PATIENCE;
        let answer = match read(&mut stream, deadline) {
            Request::Get { path, body } => self.answer(&path).encode(body),
            Request::Method => Answer::new(405, TEXT, "only GET and HEAD\n".into()).encode(true),
            Request::Malformed => Answer::new(400, TEXT, "malformed request\n".into()).encode(true),
            Request::TooLong => Answer::new(431, TEXT, "request too long\n".into()).encode(true),
            Request::Gone => return,
        };
        // The client may be gone.
        let _ = stream.set_write_timeout(Some(PATIENCE));
        let _ = stream.write_all(answer.as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
    }

    fn answer(&self, path: &str) -> Answer {
        match path {
            // The process answers.
            "/health" => Answer::new(200, TEXT, "ok\n".into()),
            // It takes clients, and they can commit.
            "/ready" => match (self.stopping.load(Relaxed), self.failure()) {
                (true, _) => Answer::new(503, TEXT, "stopping\n".into()),
                (_, Some(failure)) => Answer::new(503, TEXT, format!("{failure}\n")),
                _ => Answer::new(200, TEXT, "ready\n".into()),
            },
            "/metrics" => {
                let figures = self.shared.database.engine().figures();
                let open = self.connections.len();
                let limit = self.shared.options.max_connections;
                let failed = self.failure().is_some();
                let page = metrics::write(&figures, open, limit, failed, &self.counters);
                Answer::new(200, METRICS, page)
            }
            _ => Answer::new(404, TEXT, "there are /health, /ready and /metrics\n".into()),
        }
    }

    fn failure(&self) -> Option<String> {
        self.shared.database.engine().failure()
    }
}

struct Answer {
    status: u16,
    kind: &'static str,
    body: String,
}

impl Answer {
    fn new(status: u16, kind: &'static str, body: String) -> Self {
        Self { status, kind, body }
    }

    fn encode(&self, with_body: bool) -> String {
        let reason = match self.status {
            200 => "OK",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            431 => "Request Header Fields Too Large",
            _ => "Service Unavailable",
        };
        format!(
            "HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
             Connection: close\r\n\r\n{}",
            self.status,
            self.kind,
            self.body.len(),
            if with_body { &self.body } else { "" }
        )
    }
}
