//! Makes OpenTelemetry's spans of those of the server.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context as Layers, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::context::{self, Context, new_span, new_trace};
use super::queue::Queue;
use super::sampler::Sampler;
use super::span::{SpanData, Value, now};
use super::{CONNECTION, SPANS};

/// The span of a statement: a trace of its own, as a connection may last for weeks.
const STATEMENT: &str = "statement";
/// What a statement's span says of its connection.
const OF_CONNECTION: [&str; 5] = [
    "client.address",
    "client.port",
    "db.namespace",
    "user.name",
    "helios.session",
];

/// Collects spans for a queue.
pub struct Spans {
    queue: Arc<Queue>,
    sampler: Sampler,
}

impl Spans {
    pub(super) fn new(queue: Arc<Queue>, sampler: Sampler) -> Self {
        Self { queue, sampler }
    }

    /// Names a new span, and its trace.
    fn place<'a, S: LookupSpan<'a>>(&self, span: &SpanRef<'a, S>, open: &mut Open) {
        let data = &mut open.data;
        data.context.span = new_span();
        let is_statement = span.name() == STATEMENT;
        let above = span.parent();
        let context = above.as_ref().and_then(|above| {
            let extensions = above.extensions();
            extensions.get::<Open>().map(|above| above.data.context)
        });
        match (open.parent, context) {
            // A client's statement, in the client's trace.
            (Some(client), _) if is_statement => {
                data.context.trace = client.trace;
                data.context.sampled = self.sampler.takes(client.trace, Some(client));
                data.parent = Some(client.span);
                data.remote = true;
            }
            (_, Some(above)) if !is_statement => {
                data.context.trace = above.trace;
                data.context.sampled = above.sampled;
                data.parent = Some(above.span);
            }
            _ => {
                data.context.trace = new_trace();
                data.context.sampled = self.sampler.takes(data.context.trace, None);
            }
        }
        if let Some(connection) = above.filter(|_| is_statement) {
            let extensions = connection.extensions();
            if let Some(connection) = extensions.get::<Open>() {
                data.link_to(&connection.data);
            }
        }
    }
}

impl SpanData {
    /// Links to the connection, and says from where it comes.
    fn link_to(&mut self, connection: &Self) {
        self.link = connection.context.sampled.then_some(connection.context);
        let known = connection.attributes.iter();
        let wanted = known.filter(|(name, _)| OF_CONNECTION.contains(name));
        self.attributes.extend(wanted.cloned());
    }
}

/// A span that is open.
struct Open {
    data: SpanData,
    /// The client's span.
    parent: Option<Context>,
}

impl Open {
    fn fail(&mut self, state: String) {
        let state = Value::Text(state);
        self.data.set("db.response.status_code", state.clone());
        self.data.set("error.type", state);
        self.data.failed = true;
    }

    fn text(&mut self, name: &'static str, text: String) {
        let text = match name {
            "otel.name" => return self.data.name = Cow::Owned(text),
            "otel.kind" => return self.data.server = text == "server",
            "otel.status_code" => return self.data.failed = text == "ERROR",
            "otel.status_message" => return self.data.message = Some(text),
            "traceparent" => return self.parent = Context::parse(&text),
            // The names of connections' fields are those of the log.
            "sqlstate" => return self.fail(text),
            "client" => return self.client(&text),
            text_of_log => (log_name(text_of_log), text),
        };
        let (name, text) = text;
        self.data.set(name, Value::Text(text));
    }

    fn client(&mut self, text: &str) {
        if let Ok(address) = text.parse::<SocketAddr>() {
            let ip = address.ip().to_canonical().to_string();
            self.data.set("client.address", Value::Text(ip));
            self.data
                .set("client.port", Value::Int(address.port().into()));
        }
    }
}

/// What a field of the log is called by OpenTelemetry.
fn log_name(name: &'static str) -> &'static str {
    match name {
        "user" => "user.name",
        "database" => "db.namespace",
        "branch" => "helios.branch",
        "session" => "helios.session",
        name => name,
    }
}

impl Visit for Open {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.text(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value.to_owned());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.data.set(log_name(field.name()), Value::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record_i64(field, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.data.set(log_name(field.name()), Value::Float(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            // Its span may be held for longer.
            "ended" => self.data.end = now(),
            name => self.data.set(log_name(name), Value::Bool(value)),
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, layers: Layers<'_, S>) {
        let target = attributes.metadata().target();
        if target != SPANS && target != CONNECTION {
            return;
        }
        let Some(span) = layers.span(id) else { return };
        let mut open = Open {
            data: SpanData {
                context: Context {
                    trace: 0,
                    span: 0,
                    sampled: false,
                },
                parent: None,
                remote: false,
                link: None,
                name: Cow::Borrowed(span.name()),
                server: target == CONNECTION,
                start: now(),
                end: 0,
                attributes: Vec::new(),
                failed: false,
                message: None,
            },
            parent: None,
        };
        attributes.record(&mut open);
        self.place(&span, &mut open);
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, layers: Layers<'_, S>) {
        if let Some(span) = layers.span(id)
            && let Some(open) = span.extensions_mut().get_mut::<Open>()
        {
            values.record(open);
        }
    }

    fn on_enter(&self, id: &Id, layers: Layers<'_, S>) {
        if let Some(context) = sampled(id, &layers) {
            context::enter(context);
        }
    }

    fn on_exit(&self, id: &Id, layers: Layers<'_, S>) {
        if let Some(context) = sampled(id, &layers) {
            context::exit(context);
        }
    }

    fn on_close(&self, id: Id, layers: Layers<'_, S>) {
        let Some(span) = layers.span(&id) else { return };
        let open = span.extensions_mut().remove::<Open>();
        if let Some(Open { mut data, .. }) = open
            && data.context.sampled
        {
            if data.end == 0 {
                data.end = now();
            }
            self.queue.push(data);
        }
    }
}

/// What a span is called, if it is sent to a collector.
fn sampled<S: Subscriber + for<'a> LookupSpan<'a>>(
    id: &Id,
    layers: &Layers<'_, S>,
) -> Option<Context> {
    let span = layers.span(id)?;
    let extensions = span.extensions();
    let context = extensions.get::<Open>()?.data.context;
    context.sampled.then_some(context)
}
