//! Traces: spans of the server, sent to a collector by OTLP (OpenTelemetry's protocol) over HTTP, in JSON.
//!
//! [`Spans`] is a layer of `tracing` that makes OpenTelemetry's spans of those with the targets of the server
//! and puts them into a bounded queue; a thread of its own sends them in batches. Nobody waits for that
//! thread: what does not fit into the queue is dropped and counted.
//!
//! The encoding is that of opentelemetry-proto 1.x (`opentelemetry/proto/collector/trace/v1`), in its JSON form:
//! <https://opentelemetry.io/docs/specs/otlp/>.

mod context;
mod encode;
mod http;
mod layer;
mod queue;
mod sampler;
mod sender;
mod settings;
mod span;

use std::sync::Arc;
use std::time::{Duration, Instant};

use helios_wire::Counter;
use heliosdb::Error;
use tracing_subscriber::filter::{LevelFilter, Targets};

pub use context::current;
pub use layer::Spans;
use queue::Queue;
pub use settings::Settings;

/// The targets of the server's spans begin so; the log does not show them.
pub const SPANS: &str = "heliosdb::span";
/// Texts of statements as they were written are made for this one.
const TEXTS: &str = "heliosdb::span::text";
/// The span of a connection, which the log shows too.
const CONNECTION: &str = "helios_wire::connection";

/// The thread that sends.
pub struct Exporter {
    queue: Arc<Queue>,
}

/// Begins to send: what takes the spans, and which of them.
///
/// # Errors
/// `58030` when there can be no thread.
pub fn start(settings: Settings) -> Result<(Spans, Targets, Exporter), Error> {
    let targets = Targets::new()
        .with_target(SPANS, LevelFilter::DEBUG)
        .with_target(CONNECTION, LevelFilter::INFO)
        .with_target(
            TEXTS,
            match settings.texts {
                true => LevelFilter::DEBUG,
                false => LevelFilter::OFF,
            },
        );
    let queue = Arc::new(Queue::new(settings.queue, settings.batch));
    let layer = Spans::new(queue.clone(), settings.sampler);
    let own = queue.clone();
    std::thread::Builder::new()
        .name("traces".into())
        .spawn(move || sender::run(&own, &settings))
        .map_err(|error| Error::io("start the thread that sends traces", error))?;
    Ok((layer, targets, Exporter { queue }))
}

impl Exporter {
    /// What it has done, for those who watch the server.
    pub fn counters(&self) -> Vec<Counter> {
        let (sent, dropped) = (self.queue.clone(), self.queue.clone());
        vec![
            Counter {
                name: "traces_sent",
                help: "Spans that a collector of traces has taken.",
                read: Box::new(move || sent.sent()),
            },
            Counter {
                name: "traces_dropped",
                help: "Spans that no collector of traces got.",
                read: Box::new(move || dropped.dropped()),
            },
        ]
    }

    /// Sends what there is, for at most this long.
    pub fn finish(self, limit: Duration) {
        self.queue.finish(Instant::now() + limit);
    }
}
